#!/usr/bin/env python3
"""A killed recorder's tail that was damaged too: the next recorder goes on with what is good of it, and
says what is lost; nothing that was stored before is.
"""
import collections
import csv
import io
import os
import shutil
import sqlite3
import subprocess

from support_programs import ANALYZER, BUILD, RECORDER, check, finish, need_programs, work_directory


def rows(path, *words):
    out = subprocess.run([ANALYZER, "export", path, *words], capture_output=True, check=True).stdout
    return list(csv.DictReader(io.StringIO(out.decode(), newline="")))


def damage(path, record):
    """Change one byte of a record of the tail; returns how many there are."""
    with sqlite3.connect(path) as db:
        ids = [row[0] for row in db.execute("SELECT tail_id FROM tail ORDER BY tail_id")]
        data = bytearray(db.execute("SELECT data FROM tail WHERE tail_id=?",
                                    (ids[record],)).fetchone()[0])
        data[len(data) // 2] ^= 1
        db.execute("UPDATE tail SET data=? WHERE tail_id=?", (bytes(data), ids[record]))
    return len(ids)


def one(path, work, record):
    copy = os.path.join(work, f"damaged-{record}.pscope")
    shutil.copy(path, copy)
    before = {row["time_ns"] for row in rows(path, "--table", "memory_samples")}
    count = damage(copy, record)
    record %= count
    done = subprocess.run([RECORDER, "-o", copy, "-d", "500ms", "--keep", "0", "--keep-rollups",
                           "0"], capture_output=True, check=False)
    check(done.returncode == 0, f"record {record} of {count} damaged: recording goes on")
    verified = subprocess.run([ANALYZER, "verify", copy], capture_output=True, check=False)
    check(verified.returncode == 0, "nothing is amiss afterwards: " +
          verified.stdout.decode().strip())
    event = [row for row in rows(copy, "--table", "event") if row["kind"] == "recovered"]
    good = max(record - 1, 0)
    check(len(event) == 1 and int(event[0]["value"]) == good and "damaged" in event[0]["detail"],
          f"an event says that {good} ticks were good and the rest is lost")
    after = {row["time_ns"] for row in rows(copy, "--table", "memory_samples")}
    lost = before - after
    check(len(lost) == count - 1 - good, f"{len(lost)} ticks are lost, {len(before & after)} not")


def named(work):
    """What the tail adds to the sums by name is what its processes were called: all of it evicted."""
    path, hours = os.path.join(work, "named.pscope"), os.path.join(work, "hours.csv")
    subprocess.run([os.path.join(BUILD, "make_recording"), path, "--processes", "60", "--births",
                    "2", "--seconds", "7000", "--unclean", "--truth-hours", hours], check=True,
                   capture_output=True)
    subprocess.run([RECORDER, "-o", path, "-d", "500ms", "--keep", "1h", "--keep-rollups", "0"],
                   check=True, capture_output=True)
    check(subprocess.run([ANALYZER, "verify", path], capture_output=True,
                         check=False).returncode == 0, "a killed recording, all evicted, is in order")
    want, got = collections.Counter(), collections.Counter()
    with open(hours, newline="") as file:
        for row in csv.DictReader(file):
            want[row["hour_start_ns"], row["comm"]] += int(row["cpu_us"])
    for row in rows(path, "--table", "process_hour"):
        if "\\" not in row["comm"]:  # as it is
            got[row["time_ns"], row["comm"].encode().hex()] += \
                int(row["cpu_ns_total.increase"]) // 1000
    plain = {key: value for key, value in want.items()
             if value and bytes.fromhex(key[1]).isascii() and
             bytes.fromhex(key[1]).decode().isprintable() and b"\\" not in bytes.fromhex(key[1])}
    different = {key: (value, got[key]) for key, value in plain.items() if got[key] != value}
    check(len(plain) > 30 and not different,
          f"{len(plain)} sums of an hour and a comm are the truth's {different}")


need_programs()
with work_directory() as directory:
    killed = os.path.join(directory, "killed.pscope")
    subprocess.run([os.path.join(BUILD, "make_recording"), killed, "--processes", "20",
                    "--seconds", "900", "--unclean"], check=True, capture_output=True)
    for which in (0, 1, 100, -1):
        one(killed, directory, which)
    named(directory)
finish()
