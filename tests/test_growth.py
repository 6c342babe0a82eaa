#!/usr/bin/env python3
"""Growth: planted leaks among many processes whose memory goes up and down are found, and hardly anything else;
slopes and values are those of a Theil-Sen of timeline's means, worked out here; a real program that leaks and
is restarted is one row."""
import os
import statistics
import subprocess
import sys

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
NOISE = "idle=20,periodic=20,bursty=20,steady=10,io=10,churning=10,busy=5,asleep=5"
LEAKS = 16
NO_LEAKS = [word for shape in ("sawtooth", "step", "fills") for i in range(3)
            for word in ("--leak", "%s%d:%d/%s" % (shape, i, (3 + 4 * i) * 1_000_000, shape))]
SEEDS = (1, 2)
HOUR_NS = 3600 * 10**9
STEP = "121s"  # the default of 2 h


def growth(path, *options):
    return programs.read_csv(programs.analyze("growth", path, "--format", "csv", *options))


def make(path, seed, *options):
    leaks = [word for i in range(LEAKS)
             for word in ("--leak", "leak%d:%d%s" % (i, 1_000_000 + i * 700_000, "/noisy" if i % 4 == 3 else ""))]
    subprocess.run([MAKE, path, "--processes", "1000", "--seconds", "7200", "--seed", str(seed), "--mix", NOISE,
                    "--births", "0.5", *leaks, *NO_LEAKS, *options], check=True, stdout=subprocess.DEVNULL)


def check_found(work):
    found, named = 0, 0
    for seed in SEEDS:
        path = os.path.join(work, "%d.pscope" % seed)
        make(path, seed, "--restart", "3000:30", "--gap", "5000:20")
        rows = growth(path)
        leaks = [row for row in rows if "/leak" in row["lineage"] and row["metric"] == "resident_bytes"]
        found += len(leaks)
        named += len(rows)
        planted = sorted(1_000_000 + i * 700_000 for i in range(LEAKS))
        slopes = sorted(float(row["per_hour"]) for row in leaks)
        check(len(slopes) == LEAKS and all(abs(a / b - 1) < 0.03 for a, b in zip(slopes, planted)),
              "seed %d: slopes are those that were planted, within 3 %%" % seed)
        check(all(float(row["per_hour_low"]) <= float(row["per_hour"]) <= float(row["per_hour_high"]) for row in rows),
              "and within their intervals")
    check(found >= 0.95 * LEAKS * len(SEEDS), "recall: %d of %d" % (found, LEAKS * len(SEEDS)))
    check(found >= 0.95 * named, "precision: %d of %d" % (found, named))


def means(path):
    """Of each process, what timeline says of each step: middle in hours, mean."""
    series = {}
    for row in programs.read_csv(programs.analyze(
            "timeline", path, "--by", "process", "--step", STEP, "--format", "csv", "--columns",
            "time_ns,seconds,process_id,resident_bytes_mean")):
        if row["resident_bytes_mean"]:
            middle = (int(row["time_ns"]) + round(float(row["seconds"]) * 1e9) / 2) / HOUR_NS
            series.setdefault(row["process_id"], []).append((middle, float(row["resident_bytes_mean"])))
    return series


def check_slopes(work):
    path = os.path.join(work, "1.pscope")
    series, wrong, asked = means(path), [], 0
    for row in growth(path, "--all", "--top", "0", "--step", STEP):
        if row["metric"] != "resident_bytes" or row["processes"] != "1":
            continue
        asked += 1
        points = sorted(series[row["process_id"]])
        slope = statistics.median((y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points)
                                  for x2, y2 in points[i + 1:])
        same = (abs(float(row["per_hour"]) - slope) <= 1e-6 * abs(slope) + 1e-3 and
                float(row["first_mean"]) == points[0][1] and float(row["last_mean"]) == points[-1][1] and
                int(row["points"]) == len(points))
        if not same:
            wrong.append((row["process_id"], row["per_hour"], slope, row["first_mean"], points[0]))
    check(asked > 900 and not wrong, "%d slopes and means as worked out from timeline: %d wrong %s" % (
        asked, len(wrong), wrong[:2]))


def check_selected(work):
    path = os.path.join(work, "1.pscope")
    rows = growth(path, "--comm", "leak5", "--step", STEP)
    check([row["metric"] for row in rows] == ["resident_bytes"], "one that is selected")
    check(growth(path, "--comm", "leak5", "--last", "1m") == [], "in a minute nothing grows by a megabyte an hour")
    left = float(rows[0]["available_bytes"]) / float(rows[0]["per_hour"])
    check(abs(float(rows[0]["hours_left"]) / left - 1) < 1e-9, "time left: %s h" % rows[0]["hours_left"])
    memory = programs.read_csv(programs.analyze("timeline", path, "--table", "memory_samples", "--step", STEP,
                                                "--columns", "available_bytes_mean", "--format", "csv"))
    check(float(rows[0]["available_bytes"]) == float(memory[-1]["available_bytes_mean"]), "of what timeline says was left")


def check_words(work):
    path = os.path.join(work, "1.pscope")
    done = subprocess.run([programs.ANALYZER, "growth", path, "--step", "0s"], capture_output=True, check=False)
    check(done.returncode == 2 and b"no time passes in it" in done.stderr, "a step of nothing")
    said = programs.analyze("growth", path).decode()
    check("of " in said and "series grow" in said and "Theil-Sen" in said and "not recorded: footprint" in said,
          "what was done, and what is not known")


LEAKING = """
import time
kept = []
for i in range(40):
    kept.append(b'x' * 1_000_000)
    time.sleep(0.05)
"""


def check_real(work):
    path = os.path.join(work, "real.pscope")
    loop = 'for i in 1 2 3; do "$0" -c "$1"; done'
    done = subprocess.run([programs.RECORDER, "-o", path, "-i", "50ms", "--", "sh", "-c", loop, sys.executable, LEAKING],
                          capture_output=True, check=False, timeout=100)
    check(done.returncode == 0, "a program that leaks, three times: %s" % done.stderr.decode()[-200:])
    rows = [row for row in growth(path, "--all", "--step", "200ms", "--where", "comm ~ 'python*' and cmdline ~ '*kept.append*'") if row["metric"] == "resident_bytes"]
    check(len(rows) == 1 and rows[0]["processes"] == "3" and float(rows[0]["per_hour_low"]) > 0, "is one row: %s" % [(r["lineage"], r["processes"]) for r in rows])


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        check_found(work)
        check_slopes(work)
        check_selected(work)
        check_words(work)
        check_real(work)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
