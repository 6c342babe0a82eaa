#!/usr/bin/env python3
"""A made-up host whose recorder and who itself is restarted, in one recording and in one for each session: every
answer is the same, but for the numbers that processes have in a file."""
import csv
import io
import os
import subprocess
import sys

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
HOW = "--processes 12 --seconds 9000 --births 0.05 --seed 3 --start 2026-01-05T00:00:00Z --restart 3000:40" \
      " --reboot 5000:60 --restart 7300:200 --suspend 4000:100 --pid-reuse --missing"
GROUPINGS = ["process", "comm", "exe", "user", "cgroup", "container", "unit", "lineage"]
WINDOWS = [[], ["--from", "2026-01-05T01:00:00Z", "--to", "2026-01-05T01:37:31Z"],
           ["--from", "2026-01-05T00:10:00Z", "--to", "2026-01-05T02:10:00Z"]]  # the second in the first file only
TABLES = ["process_samples", "cpu_samples", "memory_samples"]


def answer(files, words):
    run = subprocess.run([programs.ANALYZER, words[0], *files, *words[1:]], capture_output=True, text=True)
    return run.returncode, run.stdout, run.stderr


def without_ids(text):
    """Rows in any order, as the numbers that processes have in a file break ties."""
    return sorted(tuple(sorted((name, value) for name, value in row.items() if name != "process_id"))
                  for row in csv.DictReader(io.StringIO(text)))


def compare(one, several, words, by_process):
    a, b = answer([one], words), answer(several, words)
    same = without_ids(a[1]) == without_ids(b[1]) if by_process else a[1] == b[1]
    check(a[0] == 0 and b[0] == 0 and a[2] == b[2] and same and a[1].count("\n") > 1,
          "the same: %s (%d lines)" % (" ".join(words), a[1].count("\n")))


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        one, first = os.path.join(work, "one.pscope"), os.path.join(work, "several.pscope")
        for path, more in ((one, []), (first, ["--split"])):
            subprocess.run([MAKE, path, *HOW.split(), *more], check=True, stdout=subprocess.DEVNULL)
        several = [first] + ["%s.%d" % (first, number) for number in (2, 3, 4)]
        check(all(os.path.exists(path) for path in several), "each session has a file")
        several = [several[i] for i in (2, 0, 3, 1)]  # in whatever order
        for window in WINDOWS:
            for by in GROUPINGS:
                for more in ([], ["--no-rollups"]):
                    compare(one, several, ["report", "--by", by, "--top", "1000000", "--format", "csv", *window, *more],
                            by == "process")
            compare(one, several, ["timeline", "--step", "60s", "--format", "csv", *window], False)
            for table in TABLES:
                compare(one, several, ["export", "--table", table, *window], table == "process_samples")
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
