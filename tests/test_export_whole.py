#!/usr/bin/env python3
"""Exports of more than one table: a database of plain tables holds what SQL is told of the recording, OpenMetrics
every sample of every metric, as the CSV of it says, in base units and grouped as the format wants it."""
import csv
import io
import os
import re
import shutil
import sqlite3
import subprocess

import support_programs as programs
from support_programs import ANALYZER, BUILD, check

MAKE = BUILD + "/make_recording"
LINE = re.compile(r'^(procscope_[a-z0-9_]+)(?:\{((?:[a-z_0-9]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.]+) ([0-9]+\.[0-9]{9})$')
LABEL = re.compile(r'([a-z_0-9]+)="((?:[^"\\]|\\.)*)"')


def run(*words, status=0):
    done = subprocess.run([ANALYZER, *words], capture_output=True, check=False)
    check(done.returncode == status, "%s: status %d %r" % (words[:4], done.returncode, done.stderr[:200]))
    return done


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def plain_tables(path, work):
    target = work + "/plain.db"
    run("export", path, "--format", "sqlite", "-o", target)
    with sqlite3.connect(target) as database:
        database.text_factory = bytes
        names = [row[0].decode() for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        check("process_samples" in names and "usage" in names and "event" in names, "tables: %d" % len(names))
        for name in names:
            count = rows_of(run("sql", path, "SELECT count(*) AS n FROM " + name, "--format", "csv").stdout.decode())
            check(database.execute("SELECT count(*) FROM " + name).fetchone()[0] == int(count[0]["n"]),
                  "%s: %s rows" % (name, count[0]["n"]))
        samples = rows_of(programs.analyze("export", path, "--table", "process_samples").decode())
        found = database.execute("SELECT time_ns, process_id, cpu_ns_total, resident_bytes FROM process_samples"
                                 ).fetchall()
        check([tuple("" if value is None else str(value) for value in row) for row in found] ==
              [tuple(row[name] for name in ("time_ns", "process_id", "cpu_ns_total", "resident_bytes"))
               for row in samples], "values as exported")
    database.close()
    run("export", path, "--format", "sqlite", "-o", target, status=2)  # not over another file
    run("export", path, "--format", "sqlite", status=2)
    run("report", path, "--format", "sqlite", status=2)
    run("export", path, "--format", "sqlite", "--pid", "1", "-o", work + "/no", status=2)
    check(not os.path.exists(work + "/no"), "what was refused is not begun")


def lines_of(text):
    """Family by family: its type, and (labels, time, value) of its samples."""
    families, name = {}, None
    lines = text.split("\n")
    check(lines[-2:] == ["# EOF", ""], "it ends with # EOF")
    for line in lines[:-2]:
        if line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            check(name not in families, "each metric comes once: " + name)
            families[name] = (kind, [])
        elif not line.startswith("# "):
            match = LINE.match(line)
            if match is None or match[1] != name + ("_total" if families[name][0] == "counter" else ""):
                check(False, "a line that is none: %r" % line[:200])
                continue
            labels = dict(LABEL.findall(match[2] or ""))
            families[name][1].append((labels, int(match[4].replace(".", "")), match[3]))
    return families


def series_are_together(samples):
    seen, last, last_ns = set(), None, 0
    for labels, time_ns, _ in samples:
        key = tuple(sorted(labels.items()))
        if key != last and key in seen or key == last and time_ns <= last_ns:
            return False
        seen.add(key)
        last, last_ns = key, time_ns
    return True


def openmetrics(path, work):
    text = run("export", path, "--format", "openmetrics").stdout.decode()
    families = lines_of(text)
    check(all(series_are_together(samples) for _, samples in families.values()),
          "%d metrics, series by series, in order of time" % len(families))
    rows = rows_of(programs.analyze("export", path, "--table", "process_samples").decode())
    for family, metric, by in (("procscope_process_cpu_seconds", "cpu_ns_total", 10 ** 9),
                               ("procscope_process_resident_bytes", "resident_bytes", 1)):
        kind, samples = families[family]
        found = {(labels["process_id"], time_ns): value for labels, time_ns, value in samples}
        expected = {(row["process_id"], int(row["time_ns"])): int(row[metric]) for row in rows if row[metric]}
        check(kind == ("counter" if by > 1 else "gauge"), family + " is a " + kind)
        check(found.keys() == expected.keys() and all(
            int(found[key].replace(".", "")) == value for key, value in expected.items()),
            "%s: %d samples" % (family, len(expected)))
    one = lines_of(run("export", path, "--format", "openmetrics", "--table", "memory_samples", "--last",
                       "60s").stdout.decode())
    check(one and all(name.startswith("procscope_memory_") and len(samples) <= 60
                      for name, (_, samples) in one.items()), "one table, one minute")
    run("export", path, "--format", "openmetrics", "--table", "event", status=2)
    if shutil.which("promtool") is None:
        print("SKIP: promtool is not installed (package prometheus)")
        return
    with open(work + "/metrics", "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", work + "/metrics",
                           work + "/blocks"], capture_output=True, check=False)
    check(done.returncode == 0, "promtool takes it: %r" % done.stderr[-300:])


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        path = work + "/r.pscope"
        subprocess.run([MAKE, path, "--processes", "4", "--seconds", "700", "--births", "0.1", "--seed", "6",
                        "--restart", "150:20", "--gap", "40:5", "--missing", "--pid-reuse"], check=True,
                       stdout=subprocess.DEVNULL)
        plain_tables(path, work)
        openmetrics(path, work)
    programs.finish()


main()
