#!/usr/bin/env python3
"""What SQL is told of a recording is what export and report say, in the program and as an extension of stock
SQLite; conditions leave the rows that they describe, whether they are pushed down or not."""
import csv
import io
import json
import os
import random
import shutil
import subprocess

import support_programs as programs
from support_programs import ANALYZER, BUILD, check

MAKE = BUILD + "/make_recording"
EXTENSION = BUILD + "/procscope"
NOT_TABLES = ("_60", "_3600")


def sql(path, statement, form="csv", status=0):
    done = subprocess.run([ANALYZER, "sql", path, statement, "--format", form], capture_output=True, check=False)
    check(done.returncode == status, "%s: status %d, %r" % (statement.encode(), done.returncode, done.stderr[:300]))
    return done.stdout.decode() if status == 0 else done.stderr.decode()


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def number_or_text(text):
    try:
        return float(text)
    except ValueError:
        return text


def same(left, right):
    """Reals are written in their own way, all else byte for byte."""
    return left.keys() == right.keys() and all(
        left[name] == right[name] or number_or_text(left[name]) == number_or_text(right[name])
        for name in left)


def tables(path):
    listed = rows_of(programs.analyze("export", path, "--list", "--format", "csv").decode())
    return [row["table"] for row in listed if not row["table"].endswith(NOT_TABLES)]


def all_rows(path):
    for table in tables(path):
        expected = rows_of(programs.analyze("export", path, "--table", table).decode())
        found = rows_of(sql(path, "SELECT * FROM " + table))
        check(len(found) == len(expected) and all(map(same, found, expected)),
              "%s: %d rows as exported" % (table, len(expected)))


def of_time(sample, condition, first, second):
    time_ns = int(sample["time_ns"])
    return {"time_ns > %d AND time_ns <= %d": first < time_ns <= second,
            "time_ns >= %d AND time_ns < %d": first <= time_ns < second,
            "time_ns BETWEEN %d AND %d": first <= time_ns <= second,
            "time_ns = %d OR time_ns = %d": time_ns in (first, second),
            "time_ns > '%d' AND '%d' >= time_ns": first < time_ns <= second}[condition]


CONDITIONS = ("time_ns > %d AND time_ns <= %d", "time_ns >= %d AND time_ns < %d",
              "time_ns BETWEEN %d AND %d", "time_ns = %d OR time_ns = %d",
              "time_ns > '%d' AND '%d' >= time_ns")


def some_rows(path, seed):
    """Random conditions on time and process: the rows of the whole table that meet them."""
    choose = random.Random(seed)
    samples = rows_of(programs.analyze("export", path, "--table", "process_samples").decode())
    times = sorted({int(sample["time_ns"]) for sample in samples})
    ids = sorted({int(sample["process_id"]) for sample in samples})
    for _ in range(30):
        condition = choose.choice(CONDITIONS)
        first, second = sorted(choose.choice(times) + choose.choice((-1, 0, 1)) for _ in range(2))
        process = choose.choice(ids + [0, -5, 10 ** 6])
        where = condition % (first, second)
        wanted = [sample for sample in samples if of_time(sample, condition, first, second)]
        if choose.random() < 0.6:
            where = "(%s) AND process_id = %d" % (where, process)
            wanted = [sample for sample in wanted if int(sample["process_id"]) == process]
        found = rows_of(sql(path, "SELECT time_ns, comm, cpu_ns_total, process_id FROM process_samples WHERE "
                            + where))
        check([(row["time_ns"], row["comm"], row["cpu_ns_total"], row["process_id"]) for row in found] ==
              [(row["time_ns"], row["comm"], row["cpu_ns_total"], row["process_id"]) for row in wanted],
              "%s: %d rows" % (where, len(wanted)))


def usage(path, seed):
    """As the report of the same time says."""
    choose = random.Random(seed)
    span = rows_of(sql(path, "SELECT min(time_ns) AS first, max(time_ns) AS last FROM memory_samples"))[0]
    first, last = int(span["first"]), int(span["last"])
    windows = [None] + [sorted(choose.randrange(first, last) // 10 ** 9 * 10 ** 9 for _ in range(2))
                        for _ in range(6)]
    for window in windows:
        where, options = "", []
        if window is not None:
            where = " WHERE from_ns = %d AND to_ns = %d" % tuple(window)
            options = ["--from", "@%d" % (window[0] // 10 ** 9), "--to", "@%d" % (window[1] // 10 ** 9)]
        done = subprocess.run([ANALYZER, "report", path, "--format", "csv", "--no-remainder", *options],
                              capture_output=True, check=False)
        found = {row["process_id"]: row for row in rows_of(sql(path, "SELECT * FROM usage" + where))}
        expected = {row["process_id"]: row for row in rows_of(done.stdout.decode())}
        check(found.keys() == expected.keys(), "usage %s: %d processes" % (window, len(expected)))
        wrong = [(name, row[name], found[key][name]) for key, row in expected.items() for name in row
                 if name in found[key] and number_or_text(row[name]) != number_or_text(found[key][name])]
        check(not wrong, "usage %s is the report: %s" % (window, wrong[:3]))


def statements(path):
    top = rows_of(sql(path, "SELECT pid, cpu_seconds FROM top"))
    check(0 < len(top) <= 20 and top == sorted(top, key=lambda row: -float(row["cpu_seconds"])), "top")
    check(bool(rows_of(sql(path, "SELECT * FROM busiest_minutes"))), "busiest_minutes")
    check(len(rows_of(sql(path, "SELECT * FROM lifetimes"))) ==
          len(rows_of(sql(path, "SELECT * FROM process"))), "lifetimes")
    joined = sql(path, "SELECT p.comm AS comm, count(*) AS n FROM process_samples s JOIN process p USING "
                 "(process_id) GROUP BY 1 ORDER BY 1")
    plain = sql(path, "SELECT p.comm AS comm, count(*) AS n FROM (SELECT process_id FROM process_samples WHERE "
                "+time_ns > 0) s, process p WHERE +p.process_id = s.process_id GROUP BY 1 ORDER BY 1")
    check(joined == plain, "a join of tables")
    mixed = json.loads(sql(path, "SELECT 1 AS a, NULL AS b, 'x\"\n' AS c, 2.5 AS d", "json"))
    check(mixed["rows"] == [{"a": 1, "b": None, "c": "x\"\n", "d": 2.5}], "types: %s" % mixed["rows"])
    rows = rows_of(sql(path, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n LIMIT 2500) "
                       "SELECT i FROM n"))
    check([int(row["i"]) for row in rows] == list(range(1, 2501)), "more rows than are looked at first")
    check("one statement" in sql(path, "SELECT 1; SELECT 2", status=2), "one statement at a time")
    check("no such column" in sql(path, "SELECT no_such_column FROM usage", status=2), "what is wrong is said")
    check("CAST" in sql(path, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n LIMIT 2500) "
                        "SELECT CASE WHEN i > 2000 THEN 'x' ELSE i END AS i FROM n", status=2),
          "what comes late and is of another type is told, and how to ask")
    plan = sql(path, "EXPLAIN QUERY PLAN SELECT cpu_ns_total FROM process_samples WHERE time_ns > 5 AND "
               "process_id = 3")
    check(">k" in plan.replace("k>", ">k"), "time and process are pushed down: " + plan.splitlines()[-1])


def damaged(path, work):
    """A figure that lacks a part is none."""
    copy = work + "/damaged"
    shutil.copy(path, copy)
    import sqlite3
    with sqlite3.connect(copy) as database:
        database.execute("UPDATE process_samples_chunk SET data = zeroblob(length(data)) WHERE id IN (SELECT id "
                         "FROM process_samples_chunk ORDER BY id LIMIT 3)")
    database.close()
    sql(copy, "SELECT sum(cpu_ns_total) FROM process_samples", status=3)


def extension(path):
    shell = shutil.which("sqlite3")
    if shell is None:
        print("SKIP: extension: no sqlite3 shell")
        return
    script = ".load %s\nSELECT procscope_open('%s');\n.mode csv\n.headers on\n%s\n"
    for statement in ("SELECT process_id, pid, covered_seconds, cpu_seconds, cpu_percent_p95, resident_bytes_max "
                      "FROM usage", "SELECT time_ns, process_id, resident_bytes FROM process_samples",
                      "SELECT * FROM memory_samples"):
        done = subprocess.run([shell, "-bail", ":memory:"], capture_output=True, check=False,
                              input=(script % (EXTENSION, path, statement + ";")).encode())
        why = [word for word in (b"not authorized", b"unknown command", b"ASan runtime", b"static TLS",
                                 b"undefined symbol: __") if word in done.stderr]
        if why:  # a sanitizer's runtime must be the program's
            print("SKIP: extension: this sqlite3 cannot load it: %r" % done.stderr[:200])
            return
        lines = done.stdout.decode().split("\n", 1)
        check(done.returncode == 0 and lines[0].strip().isdigit(), "it loads: %r" % done.stderr[:300])
        found, expected = rows_of(lines[1]), rows_of(sql(path, statement))
        check(len(found) == len(expected) and all(map(same, found, expected)),
              "sqlite3 says the same: " + statement)
    named = ".load %s\nCREATE VIRTUAL TABLE temp.mine USING procscope('%s', 'process');\n" \
            "SELECT count(*) FROM mine;\nSELECT procscope_open('%s', 'b_');\nSELECT count(*) FROM b_process;\n"
    done = subprocess.run([shell, "-bail", ":memory:"], capture_output=True, check=False,
                          input=(named % (EXTENSION, path, path)).encode())
    numbers = done.stdout.decode().split()
    check(len(numbers) == 3 and numbers[0] == numbers[2] != "0", "tables of other names: %s" % numbers)


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        path = work + "/r.pscope"
        subprocess.run([MAKE, path, "--processes", "6", "--seconds", "700", "--births", "0.2", "--seed", "5",
                        "--restart", "150:20", "--gap", "40:5", "--missing", "--pid-reuse", "--step", "60:5"],
                       check=True, stdout=subprocess.DEVNULL)
        all_rows(path)
        some_rows(path, 1)
        usage(path, 2)
        statements(path)
        damaged(path, work)
        extension(path)
    programs.finish()


main()
