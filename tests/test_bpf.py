"""
Rungs 1 and 2 end to end: chosen where they work, stored with the reason where they do not, with no more
privilege than they need, and with a name for what lived between two ticks.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time

import support_programs as programs
from support_programs import check

NOBODY = 65534
BUILD_TESTS = programs.BUILD + "/tests"
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


FORKS = """
import ctypes, os, time
def child(comm):
    if os.fork():
        os.wait()
        return
    if comm:
        ctypes.CDLL(None).prctl(15, comm.encode(), 0, 0, 0)
    end = time.process_time() + 0.003
    while time.process_time() < end:
        pass
    os._exit(4)
time.sleep(1)
for _ in range(20):
    child("")
    child("another")
if os.fork() == 0: # left to somebody else before it ends
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b"orphan", 0, 0, 0)
        time.sleep(0.01)
        os._exit(5)
    os._exit(0)
os.wait()
time.sleep(1)
"""


def forks(path, *options):
    """Children that run no program of their own are called what the process that forked them is."""
    recorder = programs.Recorder(path, "-i", "200ms", *options)
    time.sleep(1.5)
    parent = subprocess.run(["sh", "-c", 'exec "$@"', "sh", sys.executable, "-c", FORKS, "forks-of-mine"],
                            check=True, timeout=120)
    check(parent.returncode == 0 and recorder.stop() == 0, "%s: forks, it ends well" % (options,))
    rows = table(path, "process")
    mine = [row for row in rows if "forks-of-mine" in row["cmdline"]]
    alike = [row for row in mine if row["exit_code"] == str(4 << 8)]
    check(len(alike) >= 18, "children that only forked have a command line: %d" % len(alike))
    check(len({(row["exe"], row["cgroup"], row["user"], row["cmdline"]) for row in mine}) == 1,
          "the one of who forked them, and its program and cgroup")
    others = [row for row in rows if row["comm"] in ("another", "orphan")]
    check(len(others) >= 19, "others are there: %d" % len(others))
    check(all(row["cmdline"] == "" or "forks-of-mine" in row["cmdline"] for row in others),
          "one that has taken another name, or was left, is not called what somebody else is")


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


@contextlib.contextmanager
def few_pids():
    """With PROCSCOPE_TEST_PIDS=N the host has so few numbers that they come again soon: not for a host in use."""
    path, few = "/proc/sys/kernel/pid_max", os.environ.get("PROCSCOPE_TEST_PIDS")
    with open(path, encoding="ascii") as file:
        before = file.read()
    if few:
        with open(path, "w", encoding="ascii") as file:
            file.write(few)
    try:
        yield
    finally:
        if few:
            with open(path, "w", encoding="ascii") as file:
                file.write(before)


def int_of(row, column):
    return int(row[column]) if row[column] else None


def own_figures(row, number, is_root):
    """What tests/load_lives_linux.c lets this life leave; what was lost with an event is missing."""
    code, uid = number % 200 << 8, 20000 + number % 50 if is_root else os.geteuid()
    return (row["exit_reported"] != "1" or int_of(row, "exit_code") == code) and \
        int_of(row, "uid") in (uid, None)


def storm(path, interval, *load):
    """Ends that come faster than anybody looks: each is a row with its own figures, or is counted as lost."""
    recorder = programs.Recorder(path, "-i", interval, "-d", "90s")
    time.sleep(1.5)
    with few_pids():
        count = int(subprocess.run([BUILD_TESTS + "/load_lives_linux", *load], capture_output=True,
                                   check=True, timeout=200).stdout)
    time.sleep(0.5)
    check(recorder.stop() == 0, "it ends well")
    lives = {}
    for row in table(path, "process"):
        words = row["cmdline"].split()
        if words[1:2] == ["life"]:
            lives.setdefault(int(words[2]), []).append(row)
        elif row["comm"].startswith("life-"):
            lives.setdefault(int(row["comm"][len("life-"):]), []).append(row)
    written = {row["process_id"]: int_of(row, "io_written_chars_total.increase")
               for row in table(path, "process_lifetime")}
    stats = [row for row in table(path, "recorder_samples") if row["exits_lost_total"]][-1]
    lost = {name: int(stats[name]) for name in ("execs_lost_total", "exits_lost_total")}
    print("%d exits in %s s, each %s: %d rows, %s" % (count, load[0], interval, len(lives), lost))
    check(all(len(rows) == 1 for rows in lives.values()), "no life twice")
    check(set(lives) <= set(range(count + count)), "none that was not")
    # One that a tick saw before it had a name, and never again, is called what its parent is.
    unnamed = sum(row["comm"] == "load_lives_linux"[:15] for row in table(path, "process")) - 1 - int(load[1])
    check(len(lives) + max(unnamed, 0) + sum(lost.values()) >= count, "each has a row or is counted as lost")
    check(lost["exits_lost_total"] > 0 or
          all(row["exit_reported"] == "1" for rows in lives.values() for row in rows),
          "and an end, unless ends were lost")
    programs_of_own = [n for n in lives if n // int(load[1]) % 4 == 0]
    check(all(lives[n][0]["cmdline"].split()[1:] == ["life", str(n)] for n in programs_of_own),
          "%d of them with their command line" % len(programs_of_own))
    wrong = [row for n, rows in lives.items() for row in rows
             if not own_figures(row, n, os.geteuid() == 0) or
             written.get(row["process_id"]) not in (n * 37 % 4096 + 1, None, 0)]
    check(not wrong, "each with its own exit status, user and IO: %s" % wrong[:2])
    exact = sum(written.get(rows[0]["process_id"]) == n * 37 % 4096 + 1 for n, rows in lives.items())
    check(exact >= len(lives) - lost["exits_lost_total"] - 100, "%d of them with their IO" % exact)
    return lost


def main():
    programs.need_programs()
    able, listed = works()
    if not able:
        programs.skip("no BPF here: " + listed.split("why: ")[-1].splitlines()[0])
    with programs.work_directory() as work:
        os.chmod(work, 0o755)
        short_lives(work + "/walk")
        short_lives(work + "/iterate", "--process-source", "iter")
        forks(work + "/forks")
        forced(work)
        most = [] if os.environ.get("PROCSCOPE_TEST_FULL") else ["500"]
        storm(work + "/storm", "1s", "10" if not most else "3", "2", *most)
        lost = storm(work + "/seldom", "30s", "3", "2", *(most or ["3000"]))
        check(not any(lost.values()), "what the ring cannot hold until the next tick is put by: %s" % lost)
        if os.geteuid() == 0 and shutil.which("setpriv") and shutil.which("unshare"):
            two_capabilities(work)
            elsewhere(work)
    programs.finish()


main()
