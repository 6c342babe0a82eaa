#!/usr/bin/env python3
"""Recordings of one host that follow each other are one timeline: sums are those of the files, what
ran between them is told as in gaps, a process that goes on is one row; what is not one is refused."""
import csv
import io
import os
import subprocess
import sys
import tempfile
from decimal import Decimal

SOURCE = os.environ.get("PROCSCOPE_SOURCE_DIR",
                        os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("PROCSCOPE_BUILD_DIR", os.path.join(SOURCE, "build"))
PROCSCOPE, RECORDER, MAKE = (os.path.join(BUILD, name)
                             for name in ("procscope", "procscoped", "make_recording"))
BUSY = "import time\nwhile True:\n    sum(range(20000)); time.sleep(0.002)\n"


def ask(*words):
    return subprocess.run([PROCSCOPE, *words], check=True, capture_output=True, text=True).stdout


def rows(*words):
    return list(csv.DictReader(io.StringIO(ask(*words, "--format", "csv"))))


def refused(code, say, *words):
    run = subprocess.run([PROCSCOPE, *words], capture_output=True, text=True)
    assert run.returncode == code, (words, run)
    assert all(word in run.stderr for word in say), (words, run.stderr)


def seconds(text):
    return Decimal(text) if text else Decimal(0)


def sums(files, by, key, columns=("cpu_seconds",)):
    """{key: figures} over the reports of these files, each asked by itself."""
    total = {}
    for file in files:
        for row in rows("report", file, "--by", by, "--columns", ",".join((*key, *columns))):
            if row["row"] not in ("others", "total"):
                at = (row["row"], *(row[name] if row["row"] != "idle" else "" for name in key))
                old = total.setdefault(at, [Decimal(0)] * len(columns))
                total[at] = [a + seconds(row[c]) for a, c in zip(old, columns)]
    return total


def check_sums(files):
    for by, key in (("process", ("pid",)), ("comm", ("comm",)), ("user", ("user",)),
                    ("cgroup", ("cgroup",))):
        columns = ",".join((*key, "cpu_seconds"))
        joined = {}
        for row in rows("report", *files, "--by", by, "--columns", columns):
            if row["row"] in ("others", "total", "not_attributed"):
                continue
            at = (row["row"], *(row[name] if row["row"] != "idle" else "" for name in key))
            joined[at] = [joined.get(at, [Decimal(0)])[0] + seconds(row["cpu_seconds"])]
        (idle,) = [at for at in joined if at[0] == "idle"]
        rounded = joined.pop(idle)[0] - sums(files, by, key)[idle][0]
        assert abs(rounded) <= Decimal(len(files)) / 10**6, rounded  # each is told to the microsecond
        truth = {at: v for at, v in sums(files, by, key).items()
                 if at[0] not in ("idle", "not_attributed")}
        assert joined == truth, (by, {k: (joined.get(k), truth.get(k)) for k in joined.keys() | truth.keys()
                                      if joined.get(k) != truth.get(k)})


def samples(file_or_files):
    return rows("export", *file_or_files, "--table", "process_samples")


def check_samples(files, pid):
    alone = [samples([file]) for file in files]
    joined = samples(files)
    strip = [{k: v for k, v in row.items() if k != "process_id"} for row in joined]
    assert strip == [{k: v for k, v in row.items() if k != "process_id"}
                     for part in alone for row in part]
    assert len({row["process_id"] for row in joined if row["pid"] == str(pid)}) == 1
    cpu = [[int(row["cpu_ns_total"]) for row in part if row["pid"] == str(pid)] for part in alone]
    between = sum(after[0] - before[-1] for before, after in zip(cpu, cpu[1:]))
    inside = sum(part[-1] - part[0] for part in cpu)
    (row,) = rows("report", *files, "--pid", str(pid), "--no-remainder", "--columns",
                  "cpu_seconds,cpu_seconds_in_gaps")
    assert seconds(row["cpu_seconds"]) == Decimal(inside) / 10**9, (row, inside)
    assert seconds(row["cpu_seconds_in_gaps"]) == Decimal(between) / 10**9, (row, between)
    assert between > 0
    ids = {row["process_id"]: row["pid"] for row in rows("export", *files, "--table", "process")}
    assert all(ids[row["process_id"]] == row["pid"] for row in joined)


def check_windows(files):
    """A window that lies in one file is answered as that file answers it."""
    for file in files:
        session = rows("export", file, "--table", "session")[0]
        window = ["--from", session["start_time"], "--to", session["end_time"]]
        for words in (["timeline", "--step", "1s"], ["report", "--by", "comm", "--top", "0"]):
            together, alone = (rows(words[0], *asked, *words[1:], *window)
                               for asked in (files, [file]))
            for row in together + alone:
                row.pop("cpu_seconds_in_gaps", None)  # alone it does not know what was before
            assert together == alone and alone, (words, file)


def main():
    with tempfile.TemporaryDirectory(prefix="procscope-test-") as place:
        files = [os.path.join(place, f"{name}.pscope") for name in "abc"]
        busy = subprocess.Popen([sys.executable, "-c", BUSY])
        try:
            for file in files:
                subprocess.run([RECORDER, "-o", file, "-i", "200ms", "-d", "2s"], check=True,
                               capture_output=True)
        finally:
            busy.kill()
            busy.wait()
        check_sums(files)
        check_samples(files, busy.pid)
        check_windows(files)
        for words in (["report", "--top", "0"], ["report", "--by", "comm"], ["timeline"],
                      ["export", "--table", "event"], ["export", "--table", "entity"]):
            answer = ask(words[0], *files, *words[1:], "--format", "csv")
            assert answer == ask(words[0], *files[::-1], *words[1:], "--format", "csv"), words
        assert ask("report", *files, "--format", "csv") == \
            ask("report", *files, "--no-rollups", "--format", "csv")
        keys = [(row["kind"], row["key"]) for row in rows("export", *files, "--table", "entity")]
        assert len(keys) == len(set(keys))
        other = os.path.join(place, "other.pscope")
        subprocess.run([MAKE, other, "--processes", "5", "--seconds", "20"], check=True,
                       capture_output=True)
        refused(1, [files[0], "twice"], "report", files[0], files[0])
        refused(1, [files[0], other, "hosts"], "report", files[0], other)
        late = os.path.join(place, "late.pscope")
        subprocess.run([MAKE, late, "--processes", "5", "--seconds", "20", "--start",
                        "2026-01-05T00:00:10Z"], check=True, capture_output=True)
        refused(1, [other, late, "overlap"], "timeline", other, late)
        for words in (["info"], ["verify"], ["extract"]):
            refused(2, ["report, timeline, replay and export"], *words, *files[:2])
        refused(2, ["one recording"], "export", *files[:2], "--format", "openmetrics")
        refused(2, [files[1], "the recording itself"], "report", *files, "-o", files[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
