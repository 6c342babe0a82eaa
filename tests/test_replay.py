#!/usr/bin/env python3
"""Each frame of `procscope replay` is what `report` prints of the same window, text for text, and its head tells what
was sampled of the host then; frames come for every tick, also over gaps, restarts and clock steps, or for a step
of time, which tile the window; --at finds the last tick up to a time."""
import csv
import io
import os
import random
import re
import subprocess

import support_programs as programs

MAKE = os.path.join(programs.BUILD, "make_recording")
SECOND = 10**9
RECORDINGS = {
    "plain": "--processes 30 --seconds 130 --births 1 --seed 1",
    "broken": "--processes 40 --seconds 400 --births 1 --missing --pid-reuse --gap 90:20 --restart 230:15 --step 300:-100"
              " --seed 2",
    "unclean": "--processes 20 --seconds 100 --births 1 --unclean --reboot 40:30 --seed 3 --tables all --gpus 2",
}
COLUMNS = "pid,user,comm,cpu_percent_mean,resident_bytes_max,disk_read_bytes,disk_written_bytes,threads_max,cmdline"
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
compared = 0


def check(holds, claim):
    """Of many alike: only those that do not hold are told."""
    global compared
    compared += 1
    if not holds:
        programs.check(False, claim)


def run(*words, expected=0):
    done = subprocess.run([programs.ANALYZER, *words], capture_output=True, check=False)
    check(done.returncode == expected, f"{words}: {done.returncode}, {done.stderr.decode()}")
    return done.stdout.decode() if expected == 0 else done.stderr.decode()


def export(path, table):
    return list(csv.DictReader(io.StringIO(run("export", path, "--table", table))))


def at(ns):
    return f"@{ns // SECOND}.{ns % SECOND:09d}"


def report(path, window, *words):
    """The rows as a table, and nothing below."""
    text = run("report", path, "--from", at(window[0]), "--to", at(window[1]), "--no-remainder", "--columns", COLUMNS,
               *words)
    lines = text.split("\n")
    return [line for line in lines[1:lines.index("")] if line] if "" in lines else lines[1:]


def rows_of(frame):
    return frame.split("\n\n", 1)[1].rstrip("\n").split("\n")[1:]


def frames_of(text):
    """A head ends with a blank line, and so does a frame but the last."""
    parts = text.rstrip("\n").split("\n\n")
    return ["\n\n".join(parts[i:i + 2]) for i in range(0, len(parts), 2)]


def squeezed(lines):
    """Widths of columns are those of the rows shown."""
    return [re.sub(r" +", " ", line).strip() for line in lines]


def bytes_of(text):
    number, unit = text.split(" ")
    return float(number) * UNITS[unit]


def close(shown, value):
    return abs(shown - value) <= 0.06 * value + 0.06


def check_memory(name, frame, memory):
    total, available = int(memory["total_bytes"]), int(memory["available_bytes"])
    shown = re.search(r"memory ([0-9.]+ \w+) of ([0-9.]+ \w+)", frame)
    check(shown is not None, f"{name}: no memory in\n{frame}")
    check(close(bytes_of(shown[1]), total - available) and close(bytes_of(shown[2]), total),
          f"{name}: {shown[0]}, sampled {total - available} of {total}")


def check_cores(name, frame, path, window):
    """CPU is what is neither idle nor stolen of the report's total."""
    rows = {row["row"]: row for row in csv.DictReader(io.StringIO(run(
        "report", path, "--from", at(window[0]), "--to", at(window[1]), "--columns", "row,cpu_percent_mean", "--format",
        "csv", "--top", "1")))}
    shown = re.search(r"^CPU (\S+)", frame, re.MULTILINE)[1]
    if "total" not in rows or rows["total"]["cpu_percent_mean"] == "":
        check(shown == "-", f"{name}: CPU {shown} where no time passed")
        return
    busy = sum(float(rows[kind]["cpu_percent_mean"]) * sign
               for kind, sign in (("total", 1), ("idle", -1), ("stolen", -1)) if kind in rows)
    check(close(float(shown), busy), f"{name}: CPU {shown}, report says {busy}")


def check_frame(name, path, frame, window, *words):
    expected = report(path, window, *words)
    check(len(expected) > 0 and squeezed(rows_of(frame)) == squeezed(expected),
          f"{name} {window}: rows of the frame\n{frame}\nreport has\n" + "\n".join(expected))
    check_cores(name, frame, path, window)


def check_recording(directory, name, options, chance):
    path = os.path.join(directory, f"{name}.pscope")
    subprocess.run([MAKE, path, *options.split()], check=True, capture_output=True)
    memory = export(path, "memory_samples")
    ticks = [int(row["time_ns"]) for row in memory]
    frames = frames_of(run("replay", path, "--top", "7"))
    check(len(frames) == len(ticks), f"{name}: {len(frames)} frames of {len(ticks)} ticks")
    gaps = sum("after a gap of" in frame for frame in frames)
    check(gaps == len(re.findall("--gap|--restart|--reboot", options)), f"{name}: {gaps} frames after a gap")
    broken = [i for i in range(1, len(ticks)) if "after a gap" in frames[i]]
    for i in sorted({*chance.sample(range(1, len(ticks)), 12), *broken}):
        check_memory(name, frames[i], memory[i])
        check_frame(name, path, frames[i], (ticks[i - 1], ticks[i]), "--top", "7")
        time_ns = chance.randrange(ticks[i], ticks[i + 1] if i + 1 < len(ticks) else ticks[i] + SECOND)
        one = run("replay", path, "--at", at(time_ns), "--top", "7")
        check(one.rstrip("\n") == frames[i].rstrip("\n"), f"{name}: --at {time_ns}\n{one}\nthe tick has\n{frames[i]}")
    check_steps(name, path, ticks, chance)


def check_steps(name, path, ticks, chance):
    """Frames of steps have each tick once, and tile."""
    frames = frames_of(run("replay", path, "--step", "10s", "--top", "3", "--sort", "resident_bytes_max"))
    counts = [int(re.search(r" in (\d+) tick", frame)[1]) for frame in frames]
    check(sum(counts) == len(ticks), f"{name}: steps of {sum(counts)} ticks, not {len(ticks)}")
    ends = [sum(counts[:i + 1]) - 1 for i in range(len(counts))]
    for i in sorted(chance.sample(range(1, len(frames)), min(4, len(frames) - 1))):
        check_frame(name, path, frames[i], (ticks[ends[i - 1]], ticks[ends[i]]), "--top", "3", "--sort",
                    "resident_bytes_max")


def check_words(directory):
    path = os.path.join(directory, "plain.pscope")
    check("not a number of frames" in run("replay", path, "--count", "0", expected=2), "--count 0")
    check("no time passes" in run("replay", path, "--step", "0s", expected=2), "--step 0s")
    check("procscope report has it" in run("replay", path, "--by", "gpu", expected=2), "--by gpu")
    check(run("replay", path, "--from", "@1000000000", "--to", "@1000000001") == "", "no frame where nothing is")
    check(len(frames_of(run("replay", path, "--count", "3"))) == 3, "--count 3")
    check(" in 130 ticks" in run("replay", path, "--step", "99999d"), "a step beyond the end of time has all ticks")
    frame = run("replay", path, "--count", "1", "--by", "comm", "--remainder", "--from", "-1m")
    check("[total: " in frame and "PROCS" in frame, f"groups and the remainder:\n{frame}")
    where = run("replay", path, "--count", "1", "--from", "-1m", "--where", "comm = 'no such'")
    check(rows_of(where + "\n") == [] or len(rows_of(where)) == 0, f"nobody is selected:\n{where}")


def main():
    chance = random.Random(7)
    with programs.work_directory() as directory:
        for name, options in RECORDINGS.items():
            check_recording(directory, name, options, chance)
            programs.check(True, f"{name}: frames are what report says, {compared} comparisons so far")
        check_words(directory)
    programs.finish()


main()
