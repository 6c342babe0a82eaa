#!/usr/bin/env python3
"""schema/FORMAT.md suffices: tools/read_format.py, written from that page alone, reads what
`procscope export` reads, value for value, of made-up recordings and of one of this host."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

SOURCE = os.environ.get("PROCSCOPE_SOURCE_DIR",
                        os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("PROCSCOPE_BUILD_DIR", os.path.join(SOURCE, "build"))
READER = [sys.executable, os.path.join(SOURCE, "tools", "read_format.py")]
PROCSCOPE, RECORDER, MAKE = (os.path.join(BUILD, name)
                             for name in ("procscope", "procscoped", "make_recording"))
SAMPLES = ["process_samples", "cpu_samples", "memory_samples", "recorder_samples"]
ROLLUPS = [name + level for name in SAMPLES for level in ("_60", "_3600")]
ROWS = ["process", "process_version", "process_lifetime", "entity", "event", "session",
        "capability", "metric", "timeline"]
CELL = re.compile(r'((?:[^",\r\n]|"(?:[^"]|"")*")*)(,|\r\n)')
REASONS = ("not permitted", "not there", "unsupported", "failed", "not sampled", "exited")
# What the export calls differently from the file, and what it adds: times as text and joins.
RENAMED = {
    "event": {"at_ns": "time_ns"},
    "session": {"wall_start_ns": "start_ns", "pid": "recorder_pid",
                "zone_offset_s": "zone_offset_seconds",
                "zone_next_offset_s": "zone_next_offset_seconds"},
    "metric": {"name": "metric"},
    "timeline": {"timeline_ns": "time_ns"},
}
RENAMED_IN_ALL = {"how": "exit_reported"}
NOT_EXPORTED = {"crc", "capability_id", "timeline_id", "metric_id", "table_id", "flags"}
ADDED = {"time", "start_time", "end_time", "from_time", "first_time", "last_time", "wall_time",
         "start_approximate", "kernel_thread", "table"}
counts = Counter()


def skip(reason):
    print("SKIP: " + reason)
    sys.exit(77)


def check(holds, claim):
    counts[bool(holds)] += 1
    if not holds:
        print("FAILED  " + claim, flush=True)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, timeout=250).stdout.decode()


def parse(text):
    """Header and rows; a cell is as written, so that "" (empty) is not the same as nothing."""
    rows, row = [], []
    for cell, end in CELL.findall(text):
        row.append(cell)
        if end == "\r\n":
            rows.append(row)
            row = []
    return rows[0], rows[1:]


def read(path, table, *options):
    header, rows = parse(output(*READER, path, table, *options))
    names = {**RENAMED_IN_ALL, **RENAMED.get(table, {})}
    if table == "process_lifetime":
        names.update((name, re.sub("last$", "increase", name)) for name in header
                     if name.endswith("_total.last"))
    return [names.get(name, name) for name in header], rows


def compare(path, table, *options, adapt=None):
    """Every column that both have holds the same, row by row; and each has the columns it should."""
    ours, our_rows = read(path, table, *options)
    theirs, their_rows = parse(output(PROCSCOPE, "export", path, "--table", table, *options,
                                      "--format", "csv"))
    what = f"{os.path.basename(path)}: {table}"
    common = [name for name in ours if name in theirs]
    check(set(ours) - set(common) <= NOT_EXPORTED, f"{what}: no {set(ours) - set(common)} in export")
    check(set(theirs) - set(common) <= ADDED | (adapt or set()), f"{what}: only export has {set(theirs) - set(common)}")
    a = Counter(map(tuple, select(ours, our_rows, common)))
    b = Counter(map(tuple, select(theirs, their_rows, common)))
    only_ours, only_theirs = sorted((a - b).elements()), sorted((b - a).elements())
    check(not only_ours and not only_theirs,
          f"{what}: {len(only_ours)} rows of {len(our_rows)} differ, {len(their_rows)} exported")
    for x, y in list(zip(only_ours, only_theirs))[:3]:
        print("   ", [(n, i, j) for n, i, j in zip(common, x, y) if i != j][:8], x[:3], y[:3])
    for side, rows in (("read", only_ours), ("exported", only_theirs)):
        if len(only_ours) != len(only_theirs):
            print("   ", side, rows[:1])
    return ours, our_rows


def select(names, rows, wanted):
    at = [names.index(name) for name in wanted]
    return [[row[i] for i in at] for row in rows]
if __name__ == "__main__":
    for p in sys.argv[1:]:
        for t in SAMPLES: compare(p, t, "--missing-reasons")
        for t in ROLLUPS + ROWS: compare(p, t)
    print(counts)
