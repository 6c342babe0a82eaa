#!/usr/bin/env python3
"""
What `report --explain-cell` prints is enough to redo the figure by hand: this script knows the printed lines only, adds
them up, and comes to what the report's CSV says; of random cells of made-up recordings with gaps, restarts, births,
values that are missing, PID reuse, GPUs, CPU packages and evicted samples; as JSON and as the table that people read.
Each line is also right in itself: an increase is what lies between its values, a share what its division gives.
"""
import csv
import io
import json
import os
import random
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
CELLS = int(os.environ.get("PROCSCOPE_CELLS", "24"))
RECORDINGS = {
    "powers": "--processes 30 --seconds 500 --births 1 --restart 150:40 --gap 300:20 --pid-reuse --missing --seed 5"
              " --gpus 2 --gpu-processes 6 --packages 2 --power-interval 5s",
    "hours": "--start 2026-01-05T22:57:31Z --processes 12 --seconds 9000 --births 0.2 --missing --gap 4000:20"
             " --restart 6000:15 --packages 1 --gpus 1 --gpu-processes 2 --gpu-interval 10s",
    "evicted": "--start 2026-01-05T21:50:00Z --processes 8 --seconds 20000 --births 0.1 --seed 7 --keep 2h --missing",
}
COUNTERS = ["cpu_seconds", "disk_read_bytes", "disk_written_bytes", "cpu_user_seconds", "cpu_system_seconds",
            "run_delay_seconds", "context_switches", "minor_faults", "major_faults", "io_read_chars",
            "io_written_chars", "cpu_seconds_in_gaps"]
RATES = ["covered_seconds", "cpu_percent_mean", "cpu_percent_p95", "cpu_percent_max"]
LEVELS = ["resident_bytes_mean", "resident_bytes_max", "threads_max", "swap_bytes_max"]
ENERGY = ["gpu_seconds", "gpu_percent_mean", "gpu_memory_bytes_max", "gpu_power_watts_mean", "gpu_power_watts_p95",
          "gpu_power_watts_max", "gpu_energy_joules", "cpu_power_watts_mean", "cpu_energy_joules"]
COLUMNS = COUNTERS + RATES + LEVELS + ENERGY
GROUPS = ["process", "process", "process", "comm", "user", "cgroup", "exe"]


# --- reading what was printed ---------------------------------------------------------------------

def ask(path, *options):
    done = subprocess.run([programs.ANALYZER, "report", path, *options], capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def of_json(text):
    answer = json.loads(text, parse_float=Decimal)
    return answer["rows"], answer["notes"]


def of_table(text):
    """Lines between the two empty lines; before and after them NAME: TEXT."""
    head, table, tail = text.split("\n\n")
    names, *lines = table.splitlines()
    starts = [found.start() for found in re.finditer(r"\S+", names)]
    rows = []
    for line in lines:
        cells = re.split(r" {2,}", line.strip())
        rows.append({name: None if cell == "-" else cell for name, cell in zip(names.split(), cells)})
        assert len(cells) == len(starts), line
    notes = dict(line.split(": ", 1) for line in (head + "\n" + tail).splitlines())
    return rows, notes


def number(row, name):
    """0 where the line has none."""
    value = row.get(name)
    return Fraction(0) if value is None else Fraction(str(value))


def total(rows, name):
    return sum((number(row, name) for row in rows), Fraction(0))


# --- the sum, redone ------------------------------------------------------------------------------

def percentile_95(rows, name):
    """The smallest value with 95 % of the time at or below."""
    passed, everything = Fraction(0), total(rows, "seconds")
    for row in sorted(rows, key=lambda row: number(row, name)):
        passed += number(row, "seconds")
        if number(row, "at_or_below_seconds") != passed:
            raise ValueError("at_or_below_seconds %s is not %s" % (row["at_or_below_seconds"], passed))
        if passed * 20 >= everything * 19:
            return number(row, name)
    return Fraction(0)


def quotient(above, below):
    return above / below if below else None


def redo(column, rows):
    if column in COUNTERS:
        return total(rows, "increase")
    if column == "covered_seconds":
        return total(rows, "seconds")
    if column == "cpu_percent_mean":
        return quotient(100 * total(rows, "increase"), total(rows, "seconds"))
    if column == "cpu_percent_p95":
        return percentile_95(rows, "percent")
    if column == "cpu_percent_max":
        return max((number(row, "percent") for row in rows if row["percent"] is not None), default=Fraction(0))
    if column == "resident_bytes_mean":
        return quotient(total(rows, "value_seconds"), total(rows, "seconds"))
    if column.endswith("_joules"):
        return total(rows, "joules")
    if column.endswith("watts_mean"):
        return quotient(total(rows, "joules"), total(rows, "seconds"))
    if column == "gpu_power_watts_p95":
        return percentile_95(rows, "watts")
    if column == "gpu_seconds":
        return Fraction(int(total(rows, "gpu_seconds") * 10**9), 10**9)
    if column == "gpu_percent_mean":
        return quotient(100 * Fraction(int(total(rows, "gpu_seconds") * 10**9), 10**9), total(rows, "seconds"))
    name = "watts" if column == "gpu_power_watts_max" else "largest"
    return max((number(row, name) for row in rows), default=None)


def differs(column, found, printed):
    """`printed` is the CSV's cell."""
    if found is None or printed == "":
        return found is not None
    if column.endswith("_mean"):  # a quotient, printed as the nearest double
        return abs(found - Fraction(printed)) > abs(Fraction(printed)) / 10**12
    return found != Fraction(printed)


# --- each line ------------------------------------------------------------------------------------

def microjoules(joules):
    return int(joules * 10**6)


def wrong_shares(rows, notes):
    """By hand: (rail - idle) x own / all, rounded down, and what the remainders brought."""
    floors = dict(re.findall(r"(?:^|; )([^;]*?): ([0-9.]+) W", notes.get("idle floor", "")))
    for row in rows:
        if row["line"] != "interval" or "members" in (row["note"] or ""):
            continue
        active = number(row, "rail_joules") - number(row, "idle_joules")
        whole = number(row, "all_seconds")
        share = microjoules(active * number(row, "own_seconds") / whole) if active > 0 and whole else 0
        if microjoules(number(row, "joules")) != share + number(row, "rounded_up"):
            yield "a share is not what its division gives: %s" % row
        used = number({"x": row["reading_to"].split()[0]}, "x") - number({"x": row["reading_from"].split()[0]}, "x")
        if row["reading_to"].endswith("J") and used != number(row, "rail_joules"):
            yield "the readings are not %s apart" % row["rail_joules"]
        if row["rail"] not in floors:
            yield "no idle floor of " + row["rail"]
        seconds = Fraction(nanoseconds(row["to_time"]) - nanoseconds(row["from_time"]), 10**9)
        if abs(Fraction(floors[row["rail"]]) * seconds - number(row, "idle_joules")) > Fraction(1, 2 * 10**6):
            yield "idle energy is not the floor x seconds: %s" % row


def nanoseconds(text):
    """Of a day; enough for a difference within one."""
    hours, minutes, seconds = text[11:-1].split(":")
    days = int(text[8:10])
    return ((days * 24 + int(hours)) * 60 + int(minutes)) * 60 * 10**9 + int(Decimal(seconds) * 10**9)


def wrong_samples(rows):
    for row in rows:
        note = row["note"] or ""
        plain = not re.search("gap|fell|first|another name|not covered", note)
        if row.get("before") is not None and row.get("value") is not None and plain:
            if number(row, "value") - number(row, "before") != number(row, "increase"):
                yield "an increase is not what lies between its values: %s" % row
        if row["line"] in ("sample", "tick") and plain and "value_seconds" in row:
            if number(row, "value") * number(row, "seconds") != number(row, "value_seconds"):
                yield "value x seconds is not %s" % row["value_seconds"]
        rated = "percent" in row and row.get("increase") is not None and number(row, "seconds")
        if rated and (row["line"] in ("sample", "tick") or row["line"] == "value"):
            rate = int(number(row, "increase") / number(row, "seconds") * 10**6)
            if Fraction(rate, 10**4) != number(row, "percent"):
                yield "increase / seconds is not %s %%" % row["percent"]


# --- cells ----------------------------------------------------------------------------------------

def window(chance, first_ns, last_ns):
    if chance.random() < 0.3:
        return []
    times = sorted(chance.randint(first_ns // 10**6 - 2000, last_ns // 10**6 + 2000) for _ in range(2))
    if chance.random() < 0.5:
        times = [time // 60000 * 60000 for time in times]
    return ["--from", "@%d.%03d" % divmod(times[0], 1000), "--to", "@%d.%03d" % divmod(times[1] + 1000, 1000)]


def reports(path, chance, count):
    """Options, and rows of all columns, of random questions."""
    info = json.loads(programs.analyze("info", path, "--format", "json"))
    for _ in range(count):
        by = chance.choice(GROUPS)
        options = ["--by", by, *window(chance, info["first_ns"], info["last_ns"])]
        if chance.random() < 0.2:
            options += ["--where", "uid >= 1000"]
        names = (["process_id"] if by == "process" else [by]) + COLUMNS
        rows = programs.report(path, *options, "--no-remainder", "--top", "0", columns=",".join(names))
        if rows:
            yield by, options, rows


def choose(chance, rows):
    """Rather one that did something than one that did not."""
    known = [(i, column) for i, row in enumerate(rows) for column in COLUMNS if row[column] not in ("", "0")]
    energy = [cell for cell in known if cell[1] in ENERGY]
    if energy and chance.random() < 0.4:
        return chance.choice(energy)
    if known and chance.random() < 0.9:
        column = chance.choice([column for column in COLUMNS if any(cell[1] == column for cell in known)])
        return chance.choice([cell for cell in known if cell[1] == column])
    return chance.randrange(len(rows)), chance.choice(COLUMNS)


def wrong(path, chance, by, options, rows):
    place, column = choose(chance, rows)
    row = "process_id=" + rows[place]["process_id"] if by == "process" else "row=%d" % (place + 1)
    form = chance.choice(["json", "json", "table"])
    words = [*options, "--explain-cell", row + ":" + column, "--format", form]
    code, text, said = ask(path, *words)
    question = " ".join([os.path.basename(path), *words])
    if code != 0:
        return ["%s: status %d, %s" % (question, code, said)]
    lines, notes = (of_json if form == "json" else of_table)(text)
    problems = [*wrong_samples(lines), *wrong_shares(lines, notes)]
    printed = rows[place][column]
    if printed != "" and differs(column, redo(column, lines), printed):
        problems.append("the lines come to %s, the report says %s" % (redo(column, lines), printed))
    if notes["figure"] != (printed or "-"):
        problems.append("the figure is %s, the report says %s" % (notes["figure"], printed))
    if len(lines) > 260:
        problems.append("%d lines are too many to redo" % len(lines))
    return ["%s: %s" % (question, problem) for problem in problems]


def compare(path, seed):
    chance = random.Random(seed)
    problems, asked = [], 0
    for by, options, rows in reports(path, chance, max(CELLS // 4, 1)):
        for _ in range(4):
            problems += wrong(path, chance, by, options, rows)
            asked += 1
    for problem in problems[:10]:
        print("  " + problem[:1500])
    check(not problems and asked > 0, "%s: %d of %d explained cells are wrong" % (os.path.basename(path), len(problems),
                                                                                 asked))


# --- GPUs -----------------------------------------------------------------------------------------

GPU_COLUMNS = ["covered_seconds", "gpu_power_watts_mean", "gpu_power_watts_p95", "gpu_power_watts_max",
               "gpu_energy_joules"]


def redo_gpu(column, rows):
    if column == "gpu_power_watts_mean":
        return quotient(total(rows, "joules"), total(rows, "seconds"))
    return redo(column, rows)


def wrong_readings(rows):
    """Of a counter the difference, of power the mean x seconds; power: joules / seconds."""
    for row in rows:
        if row["line"] not in ("interval", "value") or row["to_time"] is None:
            continue
        joules, seconds = number(row, "joules"), number(row, "seconds")
        if "watts" in row and Fraction(microjoules(joules / seconds), 10**6) != number(row, "watts"):
            yield "joules / seconds is not %s W" % row["watts"]
        if "reading_from" not in row:
            continue
        first, last = (Fraction(row[name].split()[0]) for name in ("reading_from", "reading_to"))
        used = last - first if row["reading_to"].endswith("J") else (first + last) / 2 * seconds
        if abs(used - joules) > Fraction(1, 2 * 10**6):
            yield "the readings do not give %s J" % row["joules"]


def compare_gpus(path, seed):
    chance = random.Random(seed)
    info = json.loads(programs.analyze("info", path, "--format", "json"))
    problems = []
    for _ in range(max(CELLS // 3, 1)):
        options = ["--by", "gpu", *window(chance, info["first_ns"], info["last_ns"])]
        gpus = [row for row in programs.report(path, *options, columns=",".join(["gpu", "row"] + GPU_COLUMNS))
                if row["row"] == "gpu"]
        if not gpus:
            continue
        place, column = chance.randrange(len(gpus)), chance.choice(GPU_COLUMNS)
        row, form = chance.choice([gpus[place]["gpu"], "row=%d" % (place + 1)]), chance.choice(["json", "table"])
        code, text, said = ask(path, *options, "--explain-cell", row + ":" + column, "--format", form)
        lines, notes = (of_json if form == "json" else of_table)(text) if code == 0 else ([], {"figure": said})
        problems += wrong_readings(lines)
        if notes["figure"] != (gpus[place][column] or "-") or (
                gpus[place][column] != "" and differs(column, redo_gpu(column, lines), gpus[place][column])):
            problems.append("%s of %s: %s" % (" ".join(options), column, notes["figure"]))
    for problem in problems[:10]:
        print("  " + problem)
    check(not problems, "%s: rows of GPUs are explained" % os.path.basename(path))


# --- what is not explained ------------------------------------------------------------------------

def refusals(path):
    for cell, words in [("row=1:comm", "not made of samples"), ("row=1:row", "not made of samples"),
                        ("row=1:energy_method", "not made of samples"), ("row=1:nosuch", "no column nosuch"),
                        ("cpu_seconds", "ROW:COLUMN"), ("row=1:", "ROW:COLUMN"), (":cpu_seconds", "ROW:COLUMN"),
                        ("row=0:cpu_seconds", "no row"), ("[idle]:cpu_seconds", "are not explained"),
                        ("4000000000:cpu_seconds", "no row")]:
        code, _, said = ask(path, "--explain-cell", cell)
        check(code == 2 and words in said, "%s is refused: %s" % (cell, said.splitlines()[0][:100]))
    for cell, words in [("row=1:idle_power_watts", "not made of samples"), ("row=9:gpu_energy_joules", "no GPU row=9"),
                        ("row=1:cpu_seconds", "no column cpu_seconds of GPUs")]:
        code, _, said = ask(path, "--by", "gpu", "--explain-cell", cell)
        check(code == 2 and words in said, "by GPU %s is refused: %s" % (cell, said.splitlines()[0][:100]))


def names(path):
    """A row by its pid, its comm, and where both are not enough by its process_id."""
    rows = programs.report(path, "--no-remainder", columns="process_id,pid,comm,cpu_seconds")
    by_pid = {}
    for row in rows:
        by_pid.setdefault(row["pid"], []).append(row)
    single = next(row for row in rows if len(by_pid[row["pid"]]) == 1)
    twice = next((rows for rows in by_pid.values() if len(rows) > 1), None)
    _, notes = of_json(ask(path, "--explain-cell", single["pid"] + ":cpu_seconds", "--format", "json")[1])
    check(notes["figure"] == single["cpu_seconds"], "a row is found by its pid")
    code, _, said = ask(path, "--explain-cell", twice[0]["pid"] + ":cpu_seconds")
    check(code == 2 and all("process_id=" + row["process_id"] in said for row in twice),
          "a pid that was used twice is told, with the ids to ask by")
    groups = programs.report(path, "--by", "comm", "--no-remainder", columns="comm,cpu_seconds")
    row = next(row for row in groups if row["cpu_seconds"] not in ("", "0") and "\\" not in row["comm"])
    _, notes = of_json(ask(path, "--by", "comm", "--explain-cell", row["comm"] + ":cpu_seconds", "--format", "json")[1])
    check(notes["figure"] == row["cpu_seconds"], "a group is found by its name")
    code, text, notes = ask(path, "--explain-cell", "row=1:cpu_seconds", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    check(code == 0 and sum(Fraction(line["increase"]) for line in lines) == Fraction(rows[0]["cpu_seconds"])
          and "figure: " + rows[0]["cpu_seconds"] in notes, "CSV has the lines, and the rest beside it")


def documented():
    """What is shown in the docs was printed, and adds up."""
    with open(os.path.join(programs.SOURCE, "analyzer", "CELL.md"), encoding="utf-8") as file:
        blocks = re.findall(r"(?:^(?: {4}.*)?\n)+", file.read(), re.MULTILINE)
    shown = [re.sub("^    ", "", block.strip("\n"), flags=re.MULTILINE) for block in blocks if "--explain-cell" in block]
    for text in shown:
        question, answer = text.split("\n", 1)
        column = question.split(":")[-1]
        rows, notes = of_table(answer)
        problems = [*wrong_samples(rows), *wrong_shares(rows, notes)]
        check(not problems and not differs(column, redo(column, rows), notes["figure"]), "CELL.md: %s adds up" % column)
    check(len(shown) == 3, "CELL.md shows three figures")


def moment(path):
    """Of a group's largest it is told when that was: those who were there then add up to it."""
    for user in sorted({row["user"] for row in programs.report(path, "--by", "user", "--no-remainder", columns="user")}):
        code, text, _ = ask(path, "--by", "user", "--explain-cell", user + ":resident_bytes_max", "--format", "json")
        if code != 0:
            check(False, "user %s is explained" % user)
            continue
        notes = of_json(text)[1]
        when = re.findall(r"--(?:from|to) @[0-9.]+", notes["that moment"])
        there = programs.report(path, *" ".join(when).split(), "--user", user, "--no-remainder",
                                columns="resident_bytes_max")
        held = sum(int(row["resident_bytes_max"] or 0) for row in there)
        check(held == int(notes["figure"]), "%s: %d processes held the largest" % (user, len(there)))


def main():
    programs.need_programs()
    documented()
    with programs.work_directory() as work:
        for number_, (name, how) in enumerate(RECORDINGS.items()):
            path = os.path.join(work, name + ".pscope")
            subprocess.run([MAKE, path, *how.split()], check=True, stdout=subprocess.DEVNULL)
            compare(path, number_)
        compare_gpus(os.path.join(work, "powers.pscope"), 7)
        compare_gpus(os.path.join(work, "hours.pscope"), 8)
        refusals(os.path.join(work, "powers.pscope"))
        names(os.path.join(work, "powers.pscope"))
        moment(os.path.join(work, "powers.pscope"))
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
