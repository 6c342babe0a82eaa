#!/usr/bin/env python3
"""What `procscope export` writes of a made-up recording agrees with what went into it, all formats
with each other, and the minutes with the samples they were made from."""
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict

SOURCE = os.environ.get("PROCSCOPE_SOURCE_DIR",
                        os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("PROCSCOPE_BUILD_DIR", os.path.join(SOURCE, "build"))
PROCSCOPE = os.path.join(BUILD, "procscope")
MAKE = os.path.join(BUILD, "make_recording")
MINUTE = 60 * 10**9
failures = []


def check(condition, message):
    if not condition:
        failures.append(message)
        if len(failures) <= 10:
            print("FAILED:", message)


def export(path, table, *options):
    done = subprocess.run([PROCSCOPE, "export", path, "--table", table, *options],
                          check=True, capture_output=True)
    return done.stdout.decode("utf-8")


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


TRUTH_COLUMNS = (("cpu_us", "cpu_ns_total", 1000), ("resident_bytes", "resident_bytes", 1),
                 ("disk_read_bytes", "disk_read_bytes_total", 1),
                 ("disk_written_bytes", "disk_written_bytes_total", 1))
REASONS = ("", "not permitted", "not there", "unsupported", "failed", "not sampled", "exited")


def true_samples(truth):
    """(process_id, time_ns) -> what the generator gave, also where it repeated itself."""
    times = [row["start_ns"] for row in csv.DictReader(open(os.path.join(truth, "ticks.csv")))]
    changes = defaultdict(dict)
    for row in csv.DictReader(open(os.path.join(truth, "samples.csv"))):
        changes[row["truth_id"]][int(row["tick"])] = row
    samples = {}
    for process in csv.DictReader(open(os.path.join(truth, "processes.csv"))):
        row = None
        for tick in range(int(process["first_tick"]), int(process["last_tick"]) + 1):
            row = changes[process["truth_id"]].get(tick, row)
            samples[process["process_id"], times[tick]] = row
    return samples


def check_truth(path, truth):
    """CPU, memory and disk of every sample are those given, or missing for the reason given."""
    expected = true_samples(truth)
    samples = rows_of(export(path, "process_samples", "--missing-reasons"))
    seen = {(row["process_id"], row["time_ns"]): row for row in samples}
    check(len(seen) == len(samples), f"{path}: a sample came twice")
    check(set(seen) == set(expected), f"{path}: {len(seen)} samples of {len(expected)}")
    compared = 0
    for key in seen.keys() & expected.keys():
        for theirs, ours, scale in TRUTH_COLUMNS:
            true, got = expected[key][theirs], seen[key][ours]
            why = seen[key][ours + "__missing"]
            check((got == "") == (why != ""), f"{path}: {key}: {ours} is {got!r} and {why!r}")
            if true.startswith("!"):
                check(why in (REASONS[int(true[1:])], "not sampled"),
                      f"{path}: {key}: {ours} is missing as {why!r}, not {true}")
            elif why != "not sampled":
                compared += 1
                check(got == str(int(true) * scale), f"{path}: {key}: {ours} {got}, not {true}")
    check(compared > len(samples), f"{path}: only {compared} values to compare")
    return rows_of(export(path, "process_samples"))


def unescaped(cell):
    """The bytes of a CSV cell, its backslash escapes undone."""
    return re.sub(rb"\\(?:x([0-9a-f]{2})|\\)",
                  lambda m: bytes.fromhex(m[1].decode()) if m[1] else b"\\", cell.encode())


def check_formats(path, table, *options):
    """The same cells in CSV, NDJSON and JSON."""
    lines = [json.loads(line)
             for line in export(path, table, "--format", "ndjson", *options).split("\n") if line]
    document = json.loads(export(path, table, "--format", "json", *options))
    check(document["rows"] == lines, f"{path}: {table}: JSON and NDJSON differ")
    reader = csv.reader(io.StringIO(export(path, table, *options), newline=""))
    names = next(reader)
    check(document["columns"] == names, f"{path}: {table}: the columns differ")
    count = 0
    for cells, line in zip(reader, lines):
        count += 1
        for name, cell in zip(names, cells):
            value = line[name]
            text = b"" if value is None else str(value).encode("utf-8", "surrogateescape")
            check(unescaped(cell) == text,
                  f"{path}: {table}: {name}: CSV {cell!r}, NDJSON {text!r}")
    check(count == len(lines), f"{path}: {table}: {count} rows in CSV, {len(lines)} in NDJSON")


def check_minutes(path, table, identity):
    """last, min and max of each minute are those of its samples; sums are between them. A minute in
    which the recorder was started again has a row for each session."""
    starts = [int(row["start_ns"]) for row in rows_of(export(path, "session"))]
    minutes = defaultdict(lambda: defaultdict(list))
    for row in rows_of(export(path, table)):
        time_ns = int(row["time_ns"])
        session = sum(start <= time_ns for start in starts)
        minutes[row.get(identity), (time_ns - 1) // MINUTE * MINUTE][session].append(row)
    kinds = {row["metric"]: row["kind"] for row in rows_of(export(path, "metric"))
             if row["table"] == table}
    compared = 0
    for row in rows_of(export(path, table + "_60")):
        sessions = minutes[row.get(identity), int(row["time_ns"])]
        check(sessions, f"{table}: minute {row['time']} has no samples")
        inside = sessions.pop(min(sessions)) if sessions else []
        for metric, kind in kinds.items():
            values = [sample[metric] for sample in inside if sample[metric] != ""]
            where = f"{table}: {metric} of {row.get(identity)} at {row['time']}"
            if not values:
                check(row[metric + ".last"] == "", f"{where}: a value out of nothing")
                continue
            if kind == "counter":
                continue  # its total leaves out resets and gaps
            check(row[metric + ".last"] == values[-1], f"{where}: last")
            compared += 1
            if kind == "gauge":
                low, high = min(map(int, values)), max(map(int, values))
                total, covered = int(row[metric + ".sum"]), int(row[metric + ".covered_ns"])
                check(int(row[metric + ".min"]) == low, f"{where}: min")
                check(int(row[metric + ".max"]) == high, f"{where}: max")
                check(low * covered <= total <= high * covered, f"{where}: sum")
                check(covered >= 0, f"{where}: covered {covered}")
    check(compared > 0, f"{table}: no minute to compare")


def check_windows(path, samples):
    """--from and --to: a sample is in iff from < time <= to; windows tile."""
    times = sorted({int(row["time_ns"]) for row in samples})
    cuts = [times[0] - 1, times[len(times) // 3], times[len(times) // 2], times[-1]]
    parts = []
    for begin, end in zip(cuts, cuts[1:]):
        stamp = [f"@{at // 10**9}.{at % 10**9:09d}" for at in (begin, end)]
        part = rows_of(export(path, "process_samples", "--from", stamp[0], "--to", stamp[1]))
        check(all(begin < int(row["time_ns"]) <= end for row in part), f"{path}: outside {stamp}")
        parts += part
    key = lambda row: (int(row["process_id"]), int(row["time_ns"]))
    check(sorted(parts, key=key) == sorted(samples, key=key), f"{path}: windows do not tile")
    comm = next(row["comm"] for row in samples if row["comm"].isalpha())
    some = rows_of(export(path, "process_samples", "--comm", comm))
    check(some == [row for row in samples if row["comm"] == comm], f"{path}: --comm {comm}")


def check_parts(path):
    """Some processes and some columns are those of the whole, in all tables of processes."""
    for table in ("process_samples", "process_samples_60", "process_samples_3600"):
        whole = rows_of(export(path, table))
        pids = sorted({row["pid"] for row in whole}, key=int)
        for pid in pids[:: len(pids) // 7 + 1]:
            check([row for row in whole if row["pid"] == pid] == rows_of(export(path, table, "--pid", pid)),
                  "%s of pid %s" % (table, pid))
        for columns in (["resident_bytes"], ["state", "cpu_ns_total"]):
            some = rows_of(export(path, table, "--columns", ",".join(columns)))
            names = [name for name in whole[0] if name in ("time", "time_ns", "process_id", "pid", "comm")
                     or name.split(".")[0] in columns]
            check(list(some[0]) == names, "%s: columns %s" % (table, list(some[0])))
            check([[row[name] for name in names] for row in whole] == [list(row.values()) for row in some],
                  "%s: %s are those of the whole" % (table, columns))
    reasons = rows_of(export(path, "process_samples", "--columns", "state", "--missing-reasons"))
    check(list(reasons[0])[5:] == ["state", "state__missing"], "reasons of what is asked for")


def check_tables(path):
    listed = [row["table"] for row in rows_of(
        subprocess.run([PROCSCOPE, "export", path, "--list", "--format", "csv"], check=True,
                       capture_output=True, text=True).stdout)]
    check(len(listed) > 15, f"--list: only {listed}")
    for table in listed:
        check_formats(path, table, *(["--last", "20s"] if table == "process_samples" else []))
    check_formats(path, "process_samples", "--last", "20s", "--missing-reasons")
    versions = rows_of(export(path, "process_version"))
    known = {row["process_id"] for row in rows_of(export(path, "process"))}
    check({row["process_id"] for row in versions} <= known, "a version of no process")
    short = {row["process_id"] for row in rows_of(export(path, "process_lifetime"))}
    check(short <= known and 0 < len(short) < len(known), f"{len(short)} of {len(known)} lifetimes")


def main():
    if not os.access(PROCSCOPE, os.X_OK) or not os.access(MAKE, os.X_OK):
        print("skipped: not built")
        return 77
    with tempfile.TemporaryDirectory() as work:
        for name, options in (
                ("plain", ["--processes", "30", "--seconds", "700", "--births", "1"]),
                ("rough", ["--processes", "40", "--seconds", "500", "--births", "2", "--missing",
                           "--pid-reuse", "--gap", "90:20", "--restart", "250:15", "--unclean"])):
            path, truth = os.path.join(work, name + ".pscope"), os.path.join(work, name)
            subprocess.run([MAKE, path, "--truth", truth, "--seed", "11", *options], check=True)
            samples = check_truth(path, truth)
            check_windows(path, samples)
            check_tables(path)
            check_parts(path)
            for table, identity in (("process_samples", "process_id"), ("cpu_samples", "entity_id"),
                                    ("memory_samples", "")):
                check_minutes(path, table, identity)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
