#!/usr/bin/env python3
"""
The service unit: systemd finds nothing wrong with it, and under what it forbids every collector
records as much as without. systemd need not run here: what the unit says is done by hand, as far as
the kernel can be asked; the rest is named. A directive that this test does not know fails it.
"""
import os
import re
import shutil
import subprocess
import sys
import time

import support_programs as programs
import support_unit
from support_programs import check

UNIT = os.path.join(programs.SOURCE, "tools", "packaging", "procscoped.service")
SUPPORT = os.path.join(programs.SOURCE, "tests", "support_unit.py")
OTHER_ID = 65534  # the unit's own user need not be there
FOREIGN_ID = 12346  # no other test, of those that run beside this one, has processes of it

# What stands for itself, is judged elsewhere, or limits what is not reached.
HARMLESS = {"Type", "ExecStart", "ExecReload", "WatchdogSec", "Restart", "RestartSec",
            "RestartPreventExitStatus", "StateDirectoryMode"}
APPLIED = {"User", "Group", "UMask", "StateDirectory", "Environment", "CapabilityBoundingSet",
           "AmbientCapabilities", "NoNewPrivileges", "LimitNOFILE", "LimitCORE", "LimitNICE", "PrivateMounts",
           "ProtectSystem", "ProtectHome", "ProtectKernelTunables",
           "ProtectKernelLogs", "ProtectControlGroups"}
FILTERED = {"RestrictAddressFamilies", "SystemCallFilter", "SystemCallErrorNumber",
            "MemoryDenyWriteExecute", "RestrictNamespaces", "LockPersonality"}
# What such a value would do is not done here.
NOT_SET = {"PrivateDevices": "no", "PrivateTmp": "no", "PrivateUsers": "no", "PrivateNetwork": "no",
           "ProtectHostname": "no", "ProtectProc": "default"}
NOT_JUDGED = {"DevicePolicy", "DeviceAllow", "TasksMax", "MemoryMax", "OOMScoreAdjust",
              "IPAddressDeny", "ProtectKernelModules", "ProtectClock", "RestrictRealtime",
              "RestrictSUIDSGID", "RemoveIPC", "KeyringMode",
              "SystemCallArchitectures"}
# Refused by RestrictNamespaces and LockPersonality; systemd refuses clone3 since it cannot look into it.
NAMESPACES, PERSONALITY = {"unshare", "setns", "clone3"}, {"personality"}


def verify(work):
    if shutil.which("systemd-analyze") is None:
        print("not judged: what systemd says of the unit, for want of systemd-analyze")
        return
    with open(UNIT, encoding="ascii") as file:
        text = file.read()
    path = os.path.join(work, "procscoped.service")
    with open(path, "w", encoding="ascii") as file:
        file.write(text.replace("ExecStart=procscoped", 'ExecStart="%s"' % programs.RECORDER))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True,
                          check=False, timeout=60)
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode != 0 and "procscoped" not in said:  # other units, or nothing to ask
        print("not judged: what systemd says of the unit; it says: " + said)
    else:
        check("procscoped" not in said, "systemd finds no fault: %s" % said)


def all_is_known(unit):
    known = HARMLESS | APPLIED | FILTERED | set(NOT_SET) | NOT_JUDGED
    check(set(unit) <= known, "this test knows each directive: %s" % (set(unit) - known))
    for name, value in NOT_SET.items():
        check(unit[name] == [value], "%s=%s" % (name, value))
    print("not judged: " + " ".join(sorted(NOT_JUDGED & set(unit))))


def calls_of(unit):
    """The allow list as systemd reads it; [] when that cannot be known."""
    if shutil.which("systemd-analyze") is None or support_unit.load_library() is None:
        print("not judged: SystemCallFilter, for want of systemd-analyze or libseccomp")
        return []
    allowed = set()
    for line in unit["SystemCallFilter"]:
        names = set()
        for word in line.lstrip("~").split():
            names |= expand(word)
        allowed = allowed - names if line.startswith("~") else allowed | names
    allowed |= expand("@default")
    if support_unit.is_on(unit, "RestrictNamespaces"):
        allowed -= NAMESPACES
    if support_unit.is_on(unit, "LockPersonality"):
        allowed -= PERSONALITY
    return sorted(allowed)


def expand(word):
    if not word.startswith("@"):
        return {word}
    text = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True,
                          check=True, timeout=60).stdout.decode()
    found = set()
    for name in re.findall(r"^\s+([@\w-]+)$", text, re.M):
        found |= expand(name)
    return found


def under_unit(unit, state, calls):
    """The words before procscoped, and its environment."""
    names = [name.lower().replace("cap_", "+") for name in unit["CapabilityBoundingSet"][-1].split()]
    ambient = ",".join(name.lower().replace("cap_", "+")
                       for name in unit["AmbientCapabilities"][-1].split())
    python = [sys.executable, SUPPORT]
    words = ["unshare", "-m", *python, "mounts", UNIT, state, shutil.which("setpriv"),
             "--reuid", str(OTHER_ID), "--regid", str(OTHER_ID), "--clear-groups",
             "--bounding-set", ",".join(["-all", *names]), "--inh-caps", ambient,
             "--ambient-caps", ambient]
    if support_unit.is_on(unit, "NoNewPrivileges"):
        words.append("--no-new-privs")
    environment = {"STATE_DIRECTORY": state}
    for line in unit["Environment"]:
        name, value = line.strip('"').split("=", 1)
        environment[name] = value.replace("%S", os.path.dirname(state))
    # A limit that this machine's is below stays.
    limits = ("umask %s; ulimit -c %s; ulimit -n %s 2>/dev/null; "
              "ulimit -e %d 2>/dev/null; exec \"$@\"") % (
        unit["UMask"][-1], unit["LimitCORE"][-1], unit["LimitNOFILE"][-1],
        20 - int(unit["LimitNICE"][-1]))
    return ["bash", "-c", limits, "bash", *words, *python, "filters", UNIT,
            " ".join(calls)], environment


def state_directory(unit, work):
    state = work + "/lib/" + unit["StateDirectory"][-1]
    os.makedirs(state, exist_ok=True)
    os.chown(state, OTHER_ID, OTHER_ID)
    os.chmod(work, 0o755)
    return state


def facts(path):
    """What collectors could do, which tables have rows, and what is known of another user."""
    def table(name):
        return programs.read_csv(programs.analyze("export", path, "--table", name))

    listed = programs.analyze("export", path, "--list").decode().splitlines()[1:]
    names = [line.split()[0] for line in listed if re.match(r"\w+_samples|process |entity ", line)]
    foreign = [row for row in table("process") if row["uid"] == str(FOREIGN_ID)]
    read = [row for row in table("process_samples")
            if row["comm"] == "sleep" and row["io_read_chars_total"]]
    return {
        "collectors": {(row["collector"], row["status"], row["reason"])
                       for row in table("capability")},
        "tables": {name for name in names if table(name)},
        "exits": {(row["comm"], row["exit_reported"]) for row in foreign},
        "another user's IO": bool(read),
    }


def record(path, *options, before=(), environment=None):
    recorder = programs.Recorder(path, "-i", "100ms", *options, before=before,
                                 environment=environment)
    for _ in range(3):
        subprocess.run(["sh", "-c", "cat /proc/self/stat > /dev/null; sleep 0.5"], check=True,
                       preexec_fn=lambda: os.setresuid(FOREIGN_ID, FOREIGN_ID, FOREIGN_ID))
    time.sleep(0.3)
    return recorder


def records_as_much(unit, work, calls):
    state = state_directory(unit, work)
    free = record(work + "/free.pscope")
    check(free.stop() == 0, "without: it ends well")
    words, environment = under_unit(unit, state, calls)
    kept = record(state + "/unit.pscope", environment=environment, before=words)
    with open("/proc/%d/status" % kept.process.pid, encoding="ascii") as file:
        status = file.read()
    writable = subprocess.run(["nsenter", "-t", str(kept.process.pid), "-m", "touch",
                               work + "/here"], capture_output=True, check=False)
    check(writable.returncode != 0 and b"Read-only" in writable.stderr,
          "the system is read-only: %s" % writable.stderr)
    check("Uid:\t%d\t" % OTHER_ID in status and "NoNewPrivs:\t1" in status, "its user")
    check(kept.stop() == 0, "under the unit: it ends well: %s" % kept.said())
    without, under = facts(work + "/free.pscope"), facts(state + "/unit.pscope")
    for name, value in without.items():
        check(value == under[name], "%s: %s" % (name, value if value == under[name] else
                                                (value, under[name])))
    check(without["tables"] > {"process_samples", "cpu_samples"}, "there was something to lose")


def shrinks(unit, work, calls):
    """SQLite needs room for a copy, and a place for it: the system's are read-only."""
    state = state_directory(unit, work)
    path = state + "/large.pscope"
    subprocess.run([os.path.join(programs.BUILD, "make_recording"), path, "--processes", "100",
                    "--seconds", "1200", "--births", "60"], check=True, capture_output=True)
    os.chown(path, OTHER_ID, OTHER_ID)
    before = os.stat(path).st_size
    words, environment = under_unit(unit, state, calls)
    recorder = programs.Recorder(path, "--max-size", "2M", before=words, environment=environment)
    check(recorder.stop() == 0, "with a limit that the recording is over it ends well")
    check(os.stat(path).st_size < before, "and is smaller: %d bytes, then %d"
          % (before, os.stat(path).st_size))


def main():
    programs.need_programs()
    unit = support_unit.read_unit(UNIT)
    with programs.work_directory() as work:
        verify(work)
        all_is_known(unit)
        sandbox = subprocess.run([programs.RECORDER, "--list-collectors"], capture_output=True,
                                 check=True).stdout.decode()
        if os.geteuid() != 0:
            print("SKIP: what is recorded under the unit: only root can apply it")
        elif "sanitizer" in sandbox:
            print("SKIP: what is recorded under the unit: a sanitizer needs more than it allows")
        elif subprocess.run(["unshare", "-m", "true"], capture_output=True,
                            check=False).returncode != 0 or shutil.which("setpriv") is None:
            print("SKIP: what is recorded under the unit: no mount namespaces, or no setpriv")
        else:
            calls = calls_of(unit)
            records_as_much(unit, work, calls)
            shrinks(unit, work, calls)
    programs.finish()


main()
