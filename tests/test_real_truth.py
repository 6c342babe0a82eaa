#!/usr/bin/env python3
"""What real processes used, as the report says it, against what the kernel told them themselves."""

import os
import shutil
import subprocess
import sys
import time

from support_programs import (LOAD, RECORDER, Load, Recorder, check, finish, need_programs, report,
                              skip, work_directory)

SECONDS_SLACK = 0.020
OURS = ("--comm", "load_linux", "--comm", "e2e-*")  # a number can be another's afterwards
COLUMNS = "pid,cpu_seconds,resident_bytes_max,disk_written_bytes,cpu_percent_max,covered_seconds"


def near(got, expected, share, least):
    return abs(got - expected) <= max(share * expected, least)


def check_seconds(what, got, expected):
    check(got is not None and near(got, expected, 0.01, SECONDS_SLACK),
          "%s: report %s s, getrusage %.6f s" % (what, got, expected))


def seconds_by(path, group, pid):
    """CPU seconds of one process by the groups it belonged to, remainders left out."""
    rows = report(path, "--by", group, "--pid", str(pid), "--no-remainder", *OURS,
                  columns=group + ",cpu_seconds")
    return {row[group]: float(row["cpu_seconds"] or 0) for row in rows}


def check_totals(rows, load, said):
    row = rows.get(load.pid)
    check(row is not None, "process %d has a row" % load.pid)
    if row is None:
        return None
    check_seconds("process %d" % load.pid, float(row["cpu_seconds"]), said["cpu_seconds"])
    return row


def check_exec(path, load, said):
    by_comm = seconds_by(path, "comm", load.pid)
    check_seconds("before exec, by comm", by_comm.get("e2e-first"), said["first"]["cpu_seconds"])
    second = said["second"]["cpu_seconds"] - said["first"]["cpu_seconds"]
    check_seconds("after exec, by comm", by_comm.get("e2e-second"), second)
    by_exe = {os.path.basename(exe): used
              for exe, used in seconds_by(path, "exe", load.pid).items()}
    check_seconds("before exec, by exe", by_exe.get("e2e-first"), said["first"]["cpu_seconds"])
    check_seconds("after exec, by exe", by_exe.get("e2e-second"), second)


def check_user(path, load, said):
    by_user = seconds_by(path, "user", load.pid)
    root = by_user.pop("root", None)
    check_seconds("before setuid, as root", root, said["root"]["cpu_seconds"])
    check(len(by_user) == 1, "and one other user: %s" % list(by_user))
    check_seconds("after setuid", next(iter(by_user.values()), None),
                  said["other"]["cpu_seconds"] - said["root"]["cpu_seconds"])


def check_short_lives(work):
    """
    Ends are known to a clock tick of 10 ms. Too early an end, right after a sample, would give a
    process of one thread much more than its core.
    """
    path = os.path.join(work, "short.pscope")
    recorder = Recorder(path, "-i", "250ms")
    time.sleep(0.6)
    pids = set()
    for i in range(20):
        load = Load("burn %.3f" % (0.04 + 0.02 * i))
        pids.add(load.pid)
        load.end()
    time.sleep(0.6)
    check(recorder.stop() == 0, "the recorder of short lives stopped cleanly")
    rows = report(path, "--no-remainder", *OURS, columns="pid,cpu_percent_max")
    largest = sorted(float(row["cpu_percent_max"]) for row in rows
                     if int(row["pid"]) in pids and row["cpu_percent_max"])
    # A sweep that was held up reads some values late: a few may be a little more than a core. A
    # sanitizer makes each tick's sweep that long.
    slow = b"sanitizer" in subprocess.run([RECORDER, "--list-collectors"],
                                          stdin=subprocess.DEVNULL, capture_output=True,
                                          check=False).stdout
    check(len(largest) >= 15 and largest[-3] <= (200 if slow else 103),
          "%d short lives, each at most a core: %s" % (len(largest), largest[-4:]))


def main():
    need_programs()
    with work_directory() as work:
        check_short_lives(work)
        programs = [os.path.join(work, name) for name in ("e2e-first", "e2e-second")]
        for program in programs:
            shutil.copy(LOAD, program)
        os.chmod(work, 0o755)
        path = os.path.join(work, "truth.pscope")
        recorder = Recorder(path, "-i", "1s")
        time.sleep(1.5)
        loads = {
            "burn": Load("linger 2 burn 4 say end linger 2"),
            "threads": Load("linger 2 threads 8 0.5 say end linger 2"),
            "memory": Load("linger 2 say begin allocate 200 linger 3 free say end linger 2"),
            "write": Load("linger 2 write 100 %s/written say end linger 2" % work),
            "exec": Load("burn 2 linger 2.2 say first exec %s burn 3 say second linger 2"
                         % programs[1], ("e2e",), programs[0]),
        }
        if os.geteuid() == 0:
            loads["user"] = Load("burn 1 linger 2.2 say root user 65534 burn 1.5 say other "
                                 "linger 2")
        said = {name: load.end() for name, load in loads.items()}
        time.sleep(1.5)
        check(recorder.stop() == 0, "the recorder stopped cleanly")

        rows = {int(row["pid"]): row for row in report(path, "--no-remainder", *OURS,
                                                      columns=COLUMNS)}
        for name in ("burn", "threads"):
            check_totals(rows, loads[name], said[name]["end"])
        check(float(rows[loads["burn"].pid]["cpu_percent_max"]) <= 102,
              "one thread never used more than a core: %s %%"
              % rows[loads["burn"].pid]["cpu_percent_max"])
        memory = check_totals(rows, loads["memory"], said["memory"]["end"])
        peak = said["memory"]["end"]["resident_bytes_max"]
        check(near(int(memory["resident_bytes_max"]), peak, 0.02, 0),
              "resident_bytes_max: report %s, getrusage %d"
              % (memory["resident_bytes_max"], peak))
        written = check_totals(rows, loads["write"], said["write"]["end"])
        truth = said["write"]["end"]["disk_written_bytes"]
        if truth < 100000000: # a tmpfs writes nothing
            print("not judged: %s is on no disk" % work)
        else:
            check(int(written["disk_written_bytes"]) == truth,
                  "disk_written_bytes: report %s, /proc/self/io %d"
                  % (written["disk_written_bytes"], truth))
        check_totals(rows, loads["exec"], said["exec"]["second"])
        check_exec(path, loads["exec"], said["exec"])
        if "user" in loads:
            check_totals(rows, loads["user"], said["user"]["other"])
            check_user(path, loads["user"], said["user"])
        else:
            print("not judged: setuid needs root")
    finish()


if sys.platform != "linux":
    skip("the loads are Linux programs")
main()
