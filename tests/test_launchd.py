"""The launchd job: what launchd would read of it, and that its service is the one the recorder checks in with."""
import os
import plistlib
import re
import subprocess

import support_programs as programs

check = programs.check
JOB = "io.github.procscope.recorder"
# Keys of launchd.plist(5) with the type of their values: any other would be passed over without a word.
KEYS = {"Label": str, "ProgramArguments": list, "MachServices": dict, "RunAtLoad": bool, "KeepAlive": dict,
        "ThrottleInterval": int, "ProcessType": str, "LowPriorityIO": bool, "ExitTimeOut": int, "Umask": int,
        "StandardErrorPath": str, "HardResourceLimits": dict}


def source(path):
    with open(os.path.join(programs.SOURCE, path), encoding="utf-8") as file:
        return file.read()


def main():
    with open(os.path.join(programs.SOURCE, "tools", "packaging", JOB + ".plist"), "rb") as file:
        job = plistlib.load(file)
    check(job["Label"] == JOB, "its label is its file's name")
    wrong = {key: value for key, value in job.items() if not isinstance(value, KEYS.get(key, ()))}
    check(not wrong, "launchd knows all keys and types: %s" % wrong)
    service = re.search(r'#define LIVE_SERVICE_NAME "([^"]+)"', source("schema/live_service.h")).group(1)
    check(job["MachServices"] == {service: True} and len(service) < 128, "it declares the service %s" % service)
    check(job["ProcessType"] in ("Standard", "Adaptive") and job["KeepAlive"] == {"SuccessfulExit": False},
          "ticks are not put off, and an end that was asked for is one")
    check(job["Umask"] == 0o027, "group may read, others not")
    words = job["ProgramArguments"]
    check(os.path.isabs(words[0]) and os.path.basename(words[0]) == "procscoped" and os.path.isabs(words[2]),
          "paths are absolute")
    done = subprocess.run([os.path.join(programs.BUILD, "procscoped"), "--print-config"] + words[1:],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    check(done.returncode == 0 and b"/var/db/procscope/recorder.pscope" in done.stdout,
          "procscoped understands its options: %s" % done.stdout[-300:].decode())
    check(service in source("schema/CONTROL.md") and JOB in source("schema/CONTROL.md"), "the page names both")
    programs.finish()


main()
