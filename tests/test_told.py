#!/usr/bin/env python3
"""What a report says does not depend on how it is read: from rollups and the sums of blocks, or from every
sample (--no-rollups). Made-up recordings with gaps, restarts, short lives, missing values and PID reuse;
random windows, columns, orders and numbers of rows."""
import json
import os
import random
import subprocess
import sys

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
HOUR = 3600
RECORDINGS = {
    "long": "--start 2026-01-05T22:57:31Z --processes 12 --seconds 14400 --births 0.2 --missing --pid-reuse"
            " --gap 4000:20 --gap 9000:700 --restart 6000:15",
    "running": "--start 2026-01-05T09:10:00Z --processes 8 --seconds 9000 --births 1 --unclean --seed 5"
               " --restart 3000:4000 --step 5000:60",
    "evicted": "--start 2026-01-05T21:50:00Z --processes 10 --seconds 20000 --births 0.5 --seed 7"
               " --keep 2h --missing --restart 12000:30",
}
COLUMNS = ["covered_seconds", "cpu_seconds", "cpu_percent_mean", "cpu_percent_p95", "cpu_percent_max",
           "resident_bytes_mean", "resident_bytes_max", "disk_read_bytes", "disk_written_bytes",
           "cpu_user_seconds", "run_delay_seconds", "context_switches", "minor_faults", "threads_max",
           "io_read_chars", "swap_bytes_max", "cpu_seconds_in_gaps"]
NAMES = ["process_id", "pid", "comm", "user", "exe", "cmdline", "start_time", "end_time", "exit_code", "unit",
         "lineage", "container_name"]


def ask(path, *options):
    """Rows and notes, or how it failed."""
    done = subprocess.run([programs.ANALYZER, "report", path, *options], capture_output=True, check=False,
                          timeout=120)
    return done.returncode, done.stdout, done.stderr


def window(chance, start_s, seconds):
    """Whole hours, whole minutes, or as it comes."""
    if chance.random() < 0.1:
        return []
    step = chance.choice([HOUR, 60, 1, 0.001])
    times = sorted(start_s + chance.uniform(-100, seconds + 100) for _ in range(2))
    times = [int(time / step) * step for time in times]
    return ["--from", "@%.3f" % times[0], "--to", "@%.3f" % (times[1] + step)]


def question(chance, start_s, seconds):
    columns = chance.sample(COLUMNS, chance.randint(1, 6)) + chance.sample(NAMES, chance.randint(0, 4))
    options = ["--columns", ",".join(["process_id"] * ("process_id" not in columns) + columns),
               "--top", str(chance.choice([0, 1, 3, 20])), "--format", chance.choice(["csv", "json"])]
    if chance.random() < 0.7:
        options += ["--sort", chance.choice(["", "", "+", "-"]) + chance.choice(COLUMNS)]
    return options + window(chance, start_s, seconds)


def compare(path, seed, count):
    chance = random.Random(seed)
    info = json.loads(programs.analyze("info", path, "--format", "json"))
    start_s, end_s = info["first_ns"] / 1e9, info["last_ns"] / 1e9
    different = 0
    for _ in range(count):
        options = question(chance, start_s, end_s - start_s)
        answer, samples = ask(path, *options), ask(path, *options, "--no-rollups")
        if answer != samples or answer[0] != 0:
            different += 1
            print(" ".join(options), answer[0], samples[0])
            for ours, theirs in zip(answer[1].splitlines() + answer[2].splitlines(),
                                    samples[1].splitlines() + samples[2].splitlines()):
                if ours != theirs:
                    print("  rollups", ours.decode()[:300], "\n  samples", theirs.decode()[:300])
                    break
    check(different == 0, "%s: %d of %d answers differ" % (os.path.basename(path), different, count))


def main():
    programs.need_programs()
    count = int(os.environ.get("PROCSCOPE_WINDOWS", "40"))
    with programs.work_directory() as work:
        for number, (name, how) in enumerate(RECORDINGS.items()):
            path = os.path.join(work, name)
            subprocess.run([MAKE, path, *how.split()], check=True, stdout=subprocess.DEVNULL)
            compare(path, number, count)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
