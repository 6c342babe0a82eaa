#!/usr/bin/env python3
"""Recordings with limits: never larger than allowed, the newest hour at every tick, and sums over all
of the time that are still those of the truth, by hour, comm and user.

One is made with the recorder's own writer and an injected clock, by size; one by age; one that was
larger before is shrunk by procscoped; one of format 1.0 is continued.
"""
import collections
import csv
import io
import os
import shutil
import sqlite3
import subprocess
import sys

from support_programs import BUILD, SOURCE, check, finish, need_programs, work_directory

HOUR_NS = 3600 * 10**9
CAP = 5200000
FOR_EVER = ("--keep", "0", "--keep-rollups", "0")  # made recordings are of another year
COLUMNS = ("cpu_us", "disk_read_bytes", "disk_written_bytes")


def run(*words, status=0):
    done = subprocess.run([os.path.join(BUILD, words[0]), *words[1:]], capture_output=True)
    if done.returncode != status:
        sys.exit(f"{' '.join(words)}: {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def rows(text):
    return csv.DictReader(io.StringIO(text, newline=""))


def unescape(text):
    """Bytes of an exported name."""
    out, at = b"", 0
    while at < len(text):
        if text.startswith("\\x", at):
            out += bytes.fromhex(text[at + 2:at + 4])
            at += 4
        elif text[at] == "\\":
            out += {"\\": b"\\", "n": b"\n", "t": b"\t", "r": b"\r"}[text[at + 1]]
            at += 2
        else:
            out += text[at].encode()
            at += 1
    return out.hex()


def truth_of(path):
    truth = collections.defaultdict(lambda: [0] * len(COLUMNS))
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            key = int(row["hour_start_ns"]), row["comm"], row["user"]
            for i, column in enumerate(COLUMNS):
                truth[key][i] += int(row[column])
    return truth


def report(path, by, *words):
    got = {}
    for row in rows(run("procscope", "report", path, "--by", by, "--format", "csv", "--columns",
                        f"{by},cpu_seconds,disk_read_bytes,disk_written_bytes", "--no-remainder",
                        *words)):
        got[unescape(row[by])] = [round(float(row["cpu_seconds"] or 0) * 10**6),
                                  int(row["disk_read_bytes"] or 0),
                                  int(row["disk_written_bytes"] or 0)]
    return got


def add_up(truth, index, hours):
    sums = collections.defaultdict(lambda: [0] * len(COLUMNS))
    for key, values in truth.items():
        if key[0] in hours:
            for i, value in enumerate(values):
                sums[key[index]][i] += value
    return {name: values for name, values in sums.items() if any(values)}


def nonzero(got):
    return {name: values for name, values in got.items() if any(values)}


def block_bytes(path):
    """The largest block of level 0, in bytes of its chunks."""
    sizes = collections.Counter()
    with sqlite3.connect(path) as db:
        for table in ("process_samples", "cpu_samples", "memory_samples", "recorder_samples",
                      "process_lifetime", "string"):
            for seq, size in db.execute(f"SELECT id>>12, length(data) FROM {table}_chunk"):
                sizes[seq] += size
    return max(sizes.values())


def levels(path):
    with sqlite3.connect(path) as db:
        return {level: (first, start, end) for level, first, start, end in db.execute(
            "SELECT level, min(block_seq), min(start_ns), max(end_ns) FROM block GROUP BY level")}


def by_size(work):
    path, hours = os.path.join(work, "size.pscope"), os.path.join(work, "size.csv")
    made = run("make_recording", path, "--processes", "60", "--births", "2", "--seconds", "54000",
               "--gap", "4000:300", "--restart", "9000:60", "--max-size", str(CAP),
               "--truth-hours", hours)
    largest = int(made.split("at most ")[1].split()[0])
    block = block_bytes(path)
    check(largest <= CAP + block, f"{largest} bytes at most, of {CAP}; a block has {block}")
    check(run("procscope", "verify", path).startswith("ok"), "nothing is amiss")
    truth, level = truth_of(hours), levels(path)
    check(all(level[k][0] > 1 for k in level), "blocks of every level were evicted")
    end = max(value[2] for value in level.values())
    least = int(made.split("at least the newest ")[1].split()[0])
    check(least >= 3600, f"the newest hour is there at every tick; at the least {least} s are")
    every = sorted({key[0] for key in truth})
    for index, by in ((1, "comm"), (2, "user")):
        for hour in every:
            window = "--from", f"@{hour // 10**9}", "--to", f"@{hour // 10**9 + 3600}"
            want = add_up(truth, index, {hour})
            if nonzero(report(path, by, *window)) != want:
                check(False, f"hour {hour} by {by}")
        check(nonzero(report(path, by)) == add_up(truth, index, set(every)),
              f"{len(every)} hours by {by}, each and all together, are the truth's")
    # Evicted sums and what samples tell make up the truth by hour, comm and user.
    got = collections.defaultdict(lambda: [0] * len(COLUMNS))
    for row in rows(run("procscope", "export", path, "--table", "process_hour")):
        key = int(row["time_ns"]), unescape(row["comm"]), unescape(row["user"])
        for i, name in enumerate(("cpu_ns_total", "disk_read_bytes_total",
                                  "disk_written_bytes_total")):
            got[key][i] += int(row[name + ".increase"] or 0) // (1000 if i == 0 else 1)
    gone = {hour for hour in every if hour + HOUR_NS <= level[0][1]}
    check(len(gone) > 10 and nonzero({k: v for k, v in got.items() if k[0] in gone}) ==
          nonzero({k: v for k, v in truth.items() if k[0] in gone}),
          f"{len(gone)} evicted hours by comm and user are the truth's")
    # By process: rows, what is known by name only, and nothing twice.
    listed = list(rows(run("procscope", "report", path, "--format", "csv", "--columns",
                           "process_id,cpu_seconds,cpu_percent_p95,row")))
    cpu = sum(round(float(row["cpu_seconds"]) * 10**6) for row in listed
              if row["row"] in ("process", "evicted"))
    check(cpu == sum(values[0] for values in truth.values()),
          f"{len(listed)} rows by process add up to the truth too")
    some = list(rows(run("procscope", "report", path, "--by", "comm", "--format", "csv",
                         "--columns", "comm,cpu_seconds,cpu_percent_max,resident_bytes_max")))
    check(all(row["cpu_percent_max"] == "" and row["resident_bytes_max"] == "" for row in some),
          "what only evicted samples could tell is empty")
    text = run("procscope", "report", path, "--by", "comm", "--format", "table")
    check("samples are evicted" in text and "evicted levels every tick, 60 s" in text,
          "the report says what is evicted")
    check(end - level[0][1] < 54000 * 10**9, "the recording is longer than its samples")


def by_age(work):
    path = os.path.join(work, "age.pscope")
    run("make_recording", path, "--processes", "40", "--births", "0.1", "--seconds", "172800",
        "--interval", "10s", "--keep", "3h", "--keep-rollups", "6h", "--restart", "7200:600")
    check(run("procscope", "verify", path).startswith("ok"), "by age: nothing is amiss")
    level = levels(path)
    end = level[0][2]
    ages = {k: (end - level[k][1]) / HOUR_NS for k in (0, 60)}
    check(2.99 <= ages[0] <= 4.5, f"every tick of {ages[0]:.1f} of 48 hours, 3 asked for")
    check(6 <= ages[60] <= 7.5, f"every minute of {ages[60]:.1f} of 48 hours, 6 asked for")
    with sqlite3.connect(path) as db:
        hours = [row[0] >> 12 for row in db.execute("SELECT id FROM process_hour_chunk")]
    oldest = (end - min(hours) * HOUR_NS) / HOUR_NS
    check(6 <= oldest <= 8, f"usage of the last {oldest:.1f} hours")
    told = {row["process_id"] for table in ("", "_60", "_3600")
            for row in rows(run("procscope", "export", path, "--table", "process_samples" + table))}
    with sqlite3.connect(path) as db:
        first = min(value[1] for value in level.values()) - HOUR_NS  # exits may be told late
        old = [row[0] for row in db.execute(
            "SELECT process_id FROM process WHERE start_ns < ? AND coalesce(end_ns,0) < ?",
            (first, first))]
    stray = [process for process in old if str(process) not in told]
    check(old and not stray, f"{len(old)} processes of before that have rows and no end; "
          f"{len(stray)} of them are told of by no block")


def shrunk(work):
    path = os.path.join(work, "shrunk.pscope")
    run("make_recording", path, "--processes", "80", "--births", "2", "--seconds", "10800")
    before = os.path.getsize(path)
    run("procscoped", "-o", path, "--max-size", "3M", "-d", "2s", *FOR_EVER)
    after = os.path.getsize(path)
    check(before > 3 << 20 >= after, f"{before} bytes became {after} under a limit of 3 MiB")
    check(run("procscope", "verify", path).startswith("ok"), "shrunk, nothing is amiss")
    truth = run("procscope", "report", path, "--by", "comm", "--format", "csv", "--columns",
                "comm,cpu_seconds", "--no-remainder")
    check(truth.count("\n") > 10, "and it can be reported on")


def continued(work):
    path = os.path.join(work, "old.pscope")
    shutil.copy(os.path.join(SOURCE, "tests/golden/clean-1.0.pscope"), path)
    run("procscoped", "-o", path, "-d", "2s", "-i", "500ms", *FOR_EVER)
    with sqlite3.connect(path) as db:
        check(db.execute("PRAGMA user_version").fetchone()[0] == 1004, "1.0 became 1.4")
    check(run("procscope", "verify", path).startswith("ok"), "and nothing is amiss")


def damaged(work):
    """Where what is to go cannot be read, it stays, and recording goes on."""
    path = os.path.join(work, "damaged.pscope")
    run("make_recording", path, "--processes", "40", "--seconds", "7200", "--keep", "1h")
    with sqlite3.connect(path) as db:
        root, = db.execute("SELECT rootpage FROM sqlite_schema WHERE name='process_hour_chunk'"
                           ).fetchone()
        page, = db.execute("PRAGMA page_size").fetchone()
    with open(path, "r+b") as file:
        file.seek((root - 1) * page)
        file.write(b"\xff" * page)
    for keep in ("1m", "0"):
        run("procscoped", "-o", path, "-d", "1s", "-i", "200ms", "--keep", keep)
    with sqlite3.connect(path) as db:
        ends = [row[0] for row in db.execute("SELECT end_reason FROM session")]
        told, = db.execute("SELECT count(*) FROM event WHERE detail LIKE '%is damaged'").fetchone()
    check(ends == ["stop", "duration", "duration"] and told == 2,
          f"a damaged part does not keep the recorder from going on, and it says so: {ends} {told}")


need_programs()
with work_directory() as directory:
    by_size(directory)
    by_age(directory)
    shrunk(directory)
    continued(directory)
    damaged(directory)
finish()
