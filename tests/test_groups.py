#!/usr/bin/env python3
"""Reports by every grouping, of every selection: made-up recordings with restarts, exec, PID reuse, gaps, missing
values and names of any bytes; random windows, groupings and expressions of --where. Every figure equals what
tools/check_truth.py computes from the truth that make_recording wrote, groups and expressions being worked out
here; groups add up to what processes add up to, to the nanosecond; exported rows are those of the selection."""
import csv
import json
import os
import random
import shutil
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction

import support_programs as programs
import support_questions as questions
from support_programs import check
from support_questions import GROUPINGS, Query, check_truth, selection, shown, unit_of

MAKE = os.path.join(programs.BUILD, "make_recording")
RECORDINGS = {
    "restarts": "--processes 40 --seconds 700 --births 1 --restart 150:40 --restart 420:5 --pid-reuse --seed 5",
    "gaps": "--processes 40 --seconds 500 --births 1 --gap 100:30 --gap 310:3 --missing --unclean --seed 4",
    "hours": "--processes 25 --seconds 5000 --births 0.2 --start 2026-01-05T22:40:00Z --gap 900:20 --reboot 2000:60"
             " --step 3000:50 --pid-reuse --seed 9",
}
EVICTED = "--start 2026-01-05T21:50:00Z --processes 10 --seconds 20000 --births 0.5 --seed 7 --keep 2h --missing"
SUMS = ["cpu_seconds", "disk_read_bytes", "disk_written_bytes"]


class Truth(questions.Truth):
    """With the ids of short lives, which only the recording knows."""

    number_fields = ["process_id", "pid", "ppid", "uid"]

    def __init__(self, path, directory):
        super().__init__(directory)
        stored = {(row["pid"], row["start_ns"]): row
                  for row in programs.read_csv(programs.analyze("export", path, "--table", "process"))}
        self.known = []
        for process in self.processes.values():
            row = stored.get((str(process.pid), str(process.start_ns)))
            if row is not None:
                process.process_id = int(row["process_id"])
                self.known.append(process)


# --- what is checked -----------------------------------------------------------------------------

def sums(table):
    """Of the rows that were asked for, and of the others."""
    rows, others = [row for row in table if row["row"] in ("process", "group")], table
    total = {name: sum((Fraction(row[name] or 0) for row in rows), Fraction(0)) for name in SUMS}
    total["rest"] = sum((Fraction(row["cpu_seconds"] or 0) for row in others if row["row"] not in
                         ("process", "group", "total")), Fraction(0))
    return total


def misnamed(table, truth):
    """Processes that are told with another unit or lineage."""
    by_id = {str(process.process_id): process for process in truth.known}
    for row in table:
        if row["row"] != "process":
            continue
        lineage = check_truth.escaped(by_id[row["process_id"]].versions[-1][1]["lineage"])
        unit = check_truth.escaped(unit_of(programs.original_bytes(row["cgroup"])))
        if (row["unit"], row["lineage"]) != (unit, lineage):
            yield "%s is %s, %s, not %s, %s" % (row["process_id"], row["unit"], row["lineage"], unit, lineage)


def check_window(path, truth, dice, counts):
    """One window and selection, by each grouping; what differs."""
    window, chosen = check_truth.random_query(truth, dice), selection(dice, truth)
    total = None
    for by in GROUPINGS:
        query = Query(by, window, chosen)
        expected = check_truth.expect(truth, query)
        table, problem = check_truth.run(programs.ANALYZER, path, query)
        differences = [problem] if problem else list(check_truth.compare(expected, table, query))
        if by == "process" and table is not None:
            differences += misnamed(table, truth)
        counts[by] += len(expected)
        if table is not None:
            total = total or sums(table)
            if sums(table) != total:
                differences.append("the sum is %s, by process %s" % (sums(table), total))
        if differences:
            print("report", shown(query.arguments()))
            for line in differences[:5]:
                print("   ", line)
            return False
    counts["chosen"] += any(total[name] for name in SUMS)
    return True


def check_export(path, truth, dice):
    """Rows of samples and of versions are those of all rows of which the selection is true."""
    options, holds = selection(dice, truth)
    by_id = {process.process_id: process for process in truth.known}

    def is_wanted(row, time):
        process = by_id[int(row["process_id"])]
        return holds(process, process.version_at(int(row[time])))

    def is_ever_wanted(row):
        process = by_id[int(row["process_id"])]
        return any(holds(process, version) for _, version in process.versions)

    for table, time in (("process_samples", "time_ns"), ("process_version", "from_ns"), ("process", None),
                        ("process_lifetime", None)):
        rows = programs.read_csv(programs.analyze("export", path, "--table", table))
        wanted = [row for row in rows if (is_wanted(row, time) if time else is_ever_wanted(row))]
        found = programs.read_csv(programs.analyze("export", path, "--table", table, *options))
        if found != wanted:
            print("export", table, shown(options), "%d rows, not %d" % (len(found), len(wanted)))
            return False
    return True


def check_recording(work, name, how, count):
    path, directory = os.path.join(work, name), os.path.join(work, name + ".truth")
    subprocess.run([MAKE, path, "--truth", directory, *how.split()], check=True, stdout=subprocess.DEVNULL)
    truth, dice, counts = Truth(path, directory), random.Random(name), defaultdict(int)
    moved = [p for p in truth.known if len({v["exe"] for _, v in p.versions}) > 1]
    check(len(truth.known) == len(truth.processes), "%s: every process is stored" % name)
    check(len(moved) > 3, "%s: %d processes became another program" % (name, len(moved)))
    good = sum(check_window(path, truth, dice, counts) for _ in range(count))
    check(good == count, "%s: %d of %d windows, by each grouping, are as the truth says"
          % (name, good, count))
    check(counts["chosen"] > count // 3 and all(counts[by] > count for by in GROUPINGS),
          "%s: something was found (%s)" % (name, dict(counts)))
    tables = max(count // 10, 2)
    check(all(check_export(path, truth, dice) for _ in range(tables)),
          "%s: %d selections export the rows that they mean" % (name, tables))


def check_evicted(work):
    """Where samples are gone, no grouping and no selection makes more or less of what was used."""
    path = os.path.join(work, "evicted")
    subprocess.run([MAKE, path, *EVICTED.split()], check=True, stdout=subprocess.DEVNULL)
    all_of_it = sums(programs.report(path, "--by", "comm", "--top", "0"))
    for options in ([], ["--cgroup", "/system.slice/*"], ["--where", "user = 'root' or comm ~ 'n*'"],
                    ["--where", "uid = 0 and not container ~ '*'"], ["--pid", "301"]):
        used = set()
        for by in GROUPINGS:
            table = programs.report(path, "--by", by, "--top", "0", *options)
            named = [row for row in table if row["row"] in ("process", "group", "evicted")]
            used.add(sum(Fraction(row["cpu_seconds"] or 0) for row in named))
            got = sums(table)
            if got["cpu_seconds"] + got["rest"] != all_of_it["cpu_seconds"] + all_of_it["rest"]:
                check(False, "evicted, by %s %s: all of it is still all of it" % (by, options))
        check(len(used) == 1, "evicted: %s is the same by each grouping" % (options or "all"))
    text = programs.analyze("report", path, "--by", "comm", "--cgroup", "/x").decode()
    check("by name that cannot tell who is selected" in text, "evicted: it is said what cannot be told")
    check("known by comm and user only" in programs.analyze("report", path, "--by", "unit").decode(),
          "evicted: units say what is known by name only")


def check_service(work):
    """A service that a shell starts, three times over, is one lineage, and its shell's time is in it."""
    path, service = os.path.join(work, "service"), os.path.join(work, "web")
    shutil.copy("/bin/sleep", service)
    recorder = programs.Recorder(path, "-i", "100ms")
    shells, script = [], "for i in 1 2 3 4 5 6; do sleep 0.1; done; exec '%s' 2" % service
    for _ in range(3):
        with subprocess.Popen(["/bin/sh", "-c", script]) as shell:
            shells.append(shell.pid)
    recorder.stop()
    for by in ("exe", "container", "unit"):
        rows = json.loads(programs.analyze("report", path, "--by", by, "--format", "json"))["rows"]
        nameless = any(row["row"] == "group" and row[by] == "" for row in rows)
        check(nameless == (b"\n[none]  " in programs.analyze("report", path, "--by", by, "--top", "0")),
              "by %s: in a table those without a name are [none]%s" % (by, "" if nameless else " (there are none)"))
    of_service = ["--by", "lineage", "--where", " or ".join("pid = %d" % pid for pid in shells)]
    rows = [row for row in programs.report(path, *of_service) if row["row"] == "group"]
    check(len(rows) == 1 and rows[0]["lineage"].startswith(service + " (") and rows[0]["processes"] == "3",
          "three starts of a service are one lineage: %s" % [(row["lineage"], row["processes"]) for row in rows])
    by_exe = {row["exe"]: row["processes"] for row in programs.report(path, "--by", "exe", *of_service[2:])
              if row["row"] == "group"}
    check(by_exe.get(service) == "3" and len(by_exe) > 1, "by exe the shell is apart: %s" % by_exe)


def main():
    programs.need_programs()
    count = int(os.environ.get("PROCSCOPE_WINDOWS", "8"))
    with programs.work_directory() as work:
        for name, how in RECORDINGS.items():
            check_recording(work, name, how, count)
        check_evicted(work)
        check_service(work)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
