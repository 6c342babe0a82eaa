#!/usr/bin/env python3
"""
Busy time is the processes' CPU time and a remainder, small under load; and when the rows of one
process are left out, the remainder rises by that process's CPU time.
"""

import math
import os
import random
import sys
import time

from support_programs import (Load, Recorder, check, finish, need_programs, report, skip,
                              work_directory)

BURST_SECONDS = 18
OTHERS_SHARE = 0.1  # of busy; what other programs lose when they end is not this test's subject
COLUMNS = "row,pid,comm,cpu_seconds"


def busy_orders(seed):
    """About 90 % busy on its core and without a period, so that clock ticks sample it fairly."""
    chance = random.Random(seed)
    orders, wall = ["linger 4"], 0.0
    while wall < BURST_SECONDS:
        work, rest = chance.uniform(0.03, 0.3), chance.uniform(0.003, 0.03)
        orders.append("burn %.4f linger %.4f" % (work, rest))
        wall += work + rest
    return " ".join(orders + ["say end linger 1"])


def between_ticks():
    """A time half a second from now or more, with half a second to the ticks around it."""
    return math.floor(time.time() + 0.5) + 1.5


def read_report(path, window):
    """CPU seconds by row, those of processes by pid."""
    rows = report(path, "--from", "@%.1f" % window[0], "--to", "@%.1f" % window[1],
                  columns=COLUMNS)
    special = {row["row"]: float(row["cpu_seconds"] or 0) for row in rows
               if row["row"] != "process"}
    basis = next(row["comm"] for row in rows if row["row"] == "not_attributed")
    pids = {} # in a busy time one number can be that of several processes
    for row in rows:
        if row["row"] == "process":
            pid = int(row["pid"])
            pids[pid] = pids.get(pid, 0) + float(row["cpu_seconds"] or 0)
    return special, pids, basis


def main():
    need_programs()
    with work_directory() as work:
        first, *others = sorted(os.sched_getaffinity(0))
        hidden = Load(busy_orders(first), core=first)
        loads = [Load(busy_orders(core), core=core) for core in others]
        whole = Recorder(os.path.join(work, "whole.pscope"), "-i", "1s")
        without = Recorder(os.path.join(work, "without.pscope"), "-i", "1s",
                           environment={"PROCSCOPE_TEST_HIDE_PID": str(hidden.pid)})
        begin = between_ticks()
        truth = hidden.end()["end"]["cpu_seconds"]
        ours = truth + sum(load.end()["end"]["cpu_seconds"] for load in loads)
        end = between_ticks()
        time.sleep(end + 1 - time.time())
        check(whole.stop() == 0 and without.stop() == 0, "both recorders stopped cleanly")
        # Ticks are at whole seconds: both recorders have the same ones in the window.
        all_rows, pids, basis = read_report(whole.path, (begin, end))
        less_rows, less_pids, _ = read_report(without.path, (begin, end))

    busy = all_rows["total"] - all_rows["idle"] - all_rows.get("stolen", 0)
    rest = all_rows["not_attributed"]
    print("basis %s, %.3f s busy of %.3f s" % (basis, busy, all_rows["total"]))
    total = sum(pids.values()) + all_rows["others"] + rest + all_rows["idle"]
    check(abs(total + all_rows.get("stolen", 0) - all_rows["total"]) < 0.001,
          "the rows sum up to the total: %.6f and %.6f s"
          % (total + all_rows.get("stolen", 0), all_rows["total"]))
    # The kernel charges the tearing down of a process after its last report. A machine that starts
    # many other programs meanwhile, as in a parallel run of the tests, has more of that.
    # There the two recorders do not look at the same moment either.
    quiet = busy - ours <= OTHERS_SHARE * busy
    limit, slack = (0.02, 0.02) if quiet else (0.06, 0.02 * busy)
    check(abs(rest) <= limit * busy,
          "not attributed is at most %g %% of busy: %+.3f s, %+.2f %%; other programs used %.1f s"
          % (100 * limit, rest, 100 * rest / busy, busy - ours))
    check(abs(pids.get(hidden.pid, 0) - truth) <= 0.02,
          "its rows say %.3f s, getrusage %.3f s" % (pids.get(hidden.pid, 0), truth))
    check(hidden.pid not in less_pids, "the hidden process has no rows")
    rise = less_rows["not_attributed"] - rest
    if "cpuacct" not in basis:
        slack += 0.01 * 2 * os.cpu_count()  # core ticks of 10 ms
    check(abs(rise - truth) <= slack,
          "hiding it raises the remainder by %.3f s, getrusage %.3f s" % (rise, truth))
    finish()


if sys.platform != "linux":
    skip("the loads are Linux programs")
main()
