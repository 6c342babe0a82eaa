"""
Rungs 1 and 2 end to end: chosen where they work, stored with the reason where they do not, with no more
privilege than they need, and with a name for what lived between two ticks.
"""

import os
import shutil
import subprocess
import time

import support_programs as programs
from support_programs import check

NOBODY = 65534
SECRET = "hunter2-" + str(os.getpid())


def source_of(path):
    rows = programs.read_csv(programs.analyze("export", path, "--table", "session"))
    return rows[-1]["process_source"]


def reason_of(path):
    rows = programs.read_csv(programs.analyze("export", path, "--table", "capability"))
    return [row["reason"] for row in rows if row["collector"] == "process"][-1]


def table(path, name):
    return programs.read_csv(programs.analyze("export", path, "--table", name))


def works():
    listed = subprocess.run([programs.RECORDER, "--list-collectors"], capture_output=True, check=True,
                            timeout=60).stdout.decode()
    return "BPF walk" in listed, listed


def short_lives(path, *options):
    recorder = programs.Recorder(path, "-i", "200ms", *options)
    time.sleep(1.5)
    for _ in range(20):
        subprocess.run(["sh", "-c", "exit 3", "unusual", "--password=" + SECRET], check=False)
    time.sleep(1)
    check(recorder.stop() == 0, "%s: it ends well" % (options,))
    lives = [row for row in table(path, "process") if "unusual" in row["cmdline"]]
    check(len(lives) == 20, "each short life has a command line: %d" % len(lives))
    check({(row["comm"], row["exit_code"], row["exit_reported"]) for row in lives}
          == {("sh", str(3 << 8), "1")}, "name and exit status")
    check(all(row["exe"].startswith("/") and row["cgroup"].startswith("/") for row in lives),
          "program and cgroup: %s" % {(row["exe"], row["cgroup"]) for row in lives})
    check(os.geteuid() != 0 or {row["user"] for row in lives} == {"root"}, "user")
    check(all("--password=[redacted]" in row["cmdline"] for row in lives), "it is redacted")
    with open(path, "rb") as file:
        check(SECRET.encode() not in file.read(), "and not in the file")
    lost = [row["execs_lost_total"] for row in table(path, "recorder_samples")
            if row["execs_lost_total"]]
    check(lost and lost[-1] == "0", "what was lost is counted: %s" % lost[-1:])


def forced(work):
    for name in ("bpf", "iter", "fds", "proc"):
        path = "%s/%s" % (work, name)
        recorder = programs.Recorder(path, "-i", "200ms", "--process-source", name)
        time.sleep(0.5)
        check(recorder.stop() == 0 and source_of(path) == name, "--process-source %s" % name)
        rows = [row for row in table(path, "process_samples") if row["comm"] == "procscoped"]
        check(bool(rows) and rows[-1]["threads"] != "0", "%s: we see ourselves" % name)


def two_capabilities(work):
    """As somebody with CAP_BPF and CAP_PERFMON only."""
    mine = work + "/nobody"
    os.mkdir(mine)
    os.chown(mine, NOBODY, NOBODY)
    both = "-all,+bpf,+perfmon"
    recorder = programs.Recorder(
        mine + "/r", "-i", "200ms", "--control", "none",
        before=["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
                "--bounding-set", both, "--inh-caps", both, "--ambient-caps", "+bpf,+perfmon"])
    with open("/proc/%d/status" % recorder.process.pid, encoding="ascii") as file:
        kept = [line for line in file if line.startswith("CapEff")][0].split()[1]
    time.sleep(1)
    check(recorder.stop() == 0 and source_of(mine + "/r") == "bpf", "two capabilities are enough")
    print("it keeps the capabilities " + kept)
    others = [row for row in table(mine + "/r", "process_samples")
              if row["io_read_chars_total"] and row["comm"] != "procscoped"]
    check(bool(others), "and IO of others' processes is recorded")


def elsewhere(work):
    """In a pid namespace the next rung is taken, and why is stored."""
    inside = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]
    recorder = programs.Recorder(work + "/inside", "-i", "200ms", before=inside)
    time.sleep(1)
    subprocess.run(["pkill", "-TERM", "-P", str(recorder.process.pid)], check=True)
    recorder.process.wait(timeout=60)
    check(source_of(work + "/inside") == "fds" and "pid namespace" in reason_of(work + "/inside"),
          "in a pid namespace: " + reason_of(work + "/inside"))
    refused = subprocess.run([*inside, programs.RECORDER, "-o", work + "/no", "--process-source",
                              "bpf", "-d", "1s"], capture_output=True, check=False, timeout=60)
    check(refused.returncode == 1 and b"--process-source bpf: in a pid namespace" in refused.stderr,
          "named, it is refused: %r" % refused.stderr)
    check(not os.path.exists(work + "/no"), "and nothing is made")


def storm(path):
    """Ends that come faster than anybody looks: each is a row, or is counted as lost."""
    seconds = 10 if os.environ.get("PROCSCOPE_TEST_FULL") else 2
    recorder = programs.Recorder(path, "-i", "1s")
    time.sleep(1.5)
    code = ("import os, time\n"
            "end, n = time.monotonic() + %d, 0\n"
            "while time.monotonic() < end:\n"
            "    for _ in range(20):\n"
            "        if os.fork() == 0: os._exit(0)\n"
            "        n += 1\n"
            "    while True:\n"
            "        try: os.waitpid(-1, 0)\n"
            "        except ChildProcessError: break\n"
            "print(os.getpid(), n)" % seconds)
    pid, count = subprocess.run(["python3", "-S", "-c", code], capture_output=True, check=True,
                                timeout=200).stdout.split()
    time.sleep(2.5)
    check(recorder.stop() == 0, "it ends well")
    born = [row for row in table(path, "process") if row["ppid"] == pid.decode()]
    keys = {(row["pid"], row["start_ns"]) for row in born}
    stats = [row for row in table(path, "recorder_samples") if row["exits_lost_total"]][-1]
    print("%d exits in %d s: %d rows, %s lost" % (int(count), seconds, len(born),
                                                  stats["exits_lost_total"]))
    check(len(keys) == len(born), "no process twice")
    check(len(born) <= int(count), "no more rows than processes")
    check(len(born) + int(stats["exits_lost_total"]) >= int(count),
          "each has a row or is counted as lost")
    check(all(row["exit_code"] == "0" for row in born if row["exit_reported"] == "1"),
          "with its own exit status")


def main():
    programs.need_programs()
    able, listed = works()
    if not able:
        programs.skip("no BPF here: " + listed.split("why: ")[-1].splitlines()[0])
    with programs.work_directory() as work:
        os.chmod(work, 0o755)
        short_lives(work + "/walk")
        short_lives(work + "/iterate", "--process-source", "iter")
        forced(work)
        storm(work + "/storm")
        if os.geteuid() == 0 and shutil.which("setpriv") and shutil.which("unshare"):
            two_capabilities(work)
            elsewhere(work)
    programs.finish()


main()
