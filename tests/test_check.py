#!/usr/bin/env python3
"""Checks of recordings: the value of each is that of report over the same window and grouping, whether it
holds is worked out here; exit statuses; JUnit's XML is well-formed whatever processes are called; a real
command that is recorded passes and fails as it should."""
import os
import random
import subprocess
import sys
import xml.etree.ElementTree
from fractions import Fraction

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
MADE = ("--processes 30 --seconds 500 --births 1 --gap 100:30 --missing --restart 300:10 --pid-reuse --seed 6"
        " --start 2026-01-05T22:55:00Z")
GROUPS = ("process", "comm", "user", "cgroup", "unit", "lineage", "exe")
WINDOWS = ((), ("--last", "1m"), ("--at", "22:58", "--span", "2m"), ("--from", "-4m", "--to", "-1m"))
SELECTORS = (("", ()), ('{user="root"}', ("--user", "root")), ('{comm~"*a*"}', ("--comm", "*a*")),
             ("{pid<330, comm!~'*e*'}", ("--where", "pid<330 and not comm~'*e*'")))
FIGURES = ("resident_bytes_max", "resident_bytes_mean", "cpu_seconds", "cpu_percent_p95", "cpu_percent_max",
           "context_switches", "disk_written_bytes", "threads_max", "covered_seconds")
SUMS = ("cpu_seconds", "context_switches", "disk_read_bytes", "minor_faults", "run_delay_seconds")
RELATIONS = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
             ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b}


def run(*words):
    done = subprocess.run([programs.ANALYZER, "check", *words], capture_output=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def ask(path, expressions, *words):
    status, out, said = run(path, *expressions, "--format", "csv", *words)
    check(status in (0, 1), f"it answers: {said[:200]}") if status not in (0, 1) else None
    rows = programs.read_csv(out)
    broken = sum(row["holds"] == "0" for row in rows)
    if (status == 1) != (broken > 0):
        check(False, f"{expressions}: exit status {status} with {broken} that do not hold")
    return rows


def written(name):
    """As a check writes it: by a function, where there is one."""
    for function in ("max", "mean", "p95"):
        if name.endswith("_" + function):
            return f"{function}({name[:-len(function) - 1]}%s)"
    return name + "%s"


def decided(values, relation, bound):
    """The value that decides, as CHECK.md says, and whether all hold."""
    if not values:
        return None, False
    worst = (max if relation[0] == "<" else min)(values) if relation[0] in "<>" else (
        (max if relation == "==" else min)(values, key=lambda v: abs(v - bound)))
    return worst, all(RELATIONS[relation](value, bound) for value in values)


def same(text, value):
    return (text == "") == (value is None) and (value is None or float(text) == float(value))


def check_values(path):
    dice, asked, wrong = random.Random(1), 0, []
    for window in WINDOWS:
        for group in GROUPS:
            (selector, options), name = dice.choice(SELECTORS), dice.choice(FIGURES)
            table = programs.read_csv(programs.analyze(
                "report", path, *window, *options, "--by", group, "--columns", "row," + ",".join(sorted({*FIGURES, *SUMS})),
                "--top", "0", "--format", "csv", "--no-remainder"))
            table = [row for row in table if row["row"] in ("process", "group")]
            values = [Fraction(row[name]) for row in table if row[name]]
            without = len(table) - len(values) if values else None
            total = dice.choice(SUMS)
            parts = [Fraction(row[total]) for row in table if row[total]]
            by = "" if group == "process" else " by " + group
            expressions, expected = [], []
            for relation in RELATIONS:
                bound = Fraction(dice.choice(values or [Fraction(3)])).limit_denominator(10**6)
                text = f"{float(bound):.6f}"
                expressions.append(written(name) % selector + by + f" {relation} {text}")
                expected.append((*decided(values, relation, Fraction(text)), without))
            expressions += [f"sum({total}{selector}){by} >= 0", f"count({selector}){by} == {len(table)}"]
            expected += [(sum(parts) if parts else None, bool(parts), len(table) - len(parts) if parts else None),
                         (len(table), True, 0)]
            for expression, row, (value, holds, unknown) in zip(expressions, ask(path, expressions, *window), expected):
                asked += 1
                if (not same(row["value"], value) or (row["holds"] == "1") != holds or row["check"] != expression
                        or not same(row["rows_without_value"], unknown)):
                    wrong.append((window, expression, row["value"], row["holds"], value and float(value), holds))
    check(not wrong, f"{asked} checks have report's values, and hold where they do: {len(wrong)} wrong {wrong[:3]}")


def check_whose(path):
    """The row that decides is named as report names it."""
    table = programs.report(path, "--sort", "resident_bytes_max", "--top", "1", "--no-remainder",
                            columns="process_id,pid,comm,cmdline,resident_bytes_max")
    row, = ask(path, ["max(resident_bytes) < 1"])
    first = table[0]
    check(all(row[name] == first[name] for name in ("process_id", "pid")) and row["name"] == first["comm"],
          f"of {row['pid']} {row['name']!r}")
    words = row["command"].split()
    shown = subprocess.run([programs.ANALYZER, *words[1:]], capture_output=True, check=False)
    check(shown.returncode == 0 and first["resident_bytes_max"].encode() in shown.stdout.replace(b",", b""),
          f"and {row['command']} shows how it comes about")


def check_facts(path):
    row, = ask(path, ["covered_percent < 100"])
    check(90 < float(row["value"]) < 100 and row["holds"] == "1", f"covered {row['value']} %")
    rows = ask(path, ["gaps == 2", "ticks_dropped == 0", "exits_lost <= 0", "not_attributed_percent < 1000%"])
    check([row["holds"] for row in rows] == ["1"] * 4, f"facts: {[(r['check'], r['value']) for r in rows]}")


def check_missing(path):
    status, out, said = run(path, 'max(resident_bytes{comm="nobody at all"}) < 5GB', 'count({comm="nobody at all"}) == 0',
                            "gpu_energy_joules < 5", "--format", "json")
    check(status == 1 and "2 of 3 checks do not hold" in said, f"what is not there holds nothing: {status} {said}")
    check(out.count(b'"value":null') == 2 and b"was seen in the window" in out and b"not recorded" in out, "and says why")


def check_junit(path, work):
    place = os.path.join(work, "junit.xml")
    expressions = [f"resident_bytes_max{{process_id={n}}} < 1" for n in range(1, 400)] + [
        "count() > 0", "max(resident_bytes{comm=']]>&<\"'}) < 5", "count({comm='\x01\x1b[31m\u202e\ufffe\udcff'}) == 0"]
    status, out, _ = run(path, *expressions, "--junit", place, "--format", "csv")
    rows, root = programs.read_csv(out), xml.etree.ElementTree.parse(place).getroot()
    cases = list(root.iter("testcase"))
    check(status == 1 and len(cases) == len(rows) == len(expressions), f"{len(cases)} cases")
    failed = sum(row["holds"] == "0" for row in rows)
    check(int(root.get("failures")) == failed == len(list(root.iter("failure"))) and failed >= 300, f"{failed} failures")
    check(cases[-3].find("failure") is None, "what holds has none")
    with open(place, encoding="utf-8") as file:
        text = file.read()
    check("\x1b" not in text and "\u202e" not in text and "\x01" not in text, "nothing in it acts on a terminal")
    check(any("\\x" in (c.find("failure").get("message")) for c in cases if c.find("failure") is not None),
          "hostile names are in there, as text")
    status, _, said = run(path, "count() > 0", "--junit", "/nowhere/x.xml")
    check(status == 1 and "--junit /nowhere/x.xml: No such file" in said, f"no such place: {said}")


def check_words(path, work):
    status, _, said = run(path)
    check(status == 2 and "no check; for example" in said, "without a check")
    status, _, said = run(path, "max(resident_bytes) < 5 apples")
    check(status == 2 and "character 25: expected the end, B, kB" in said, f"not understood: {said.splitlines()[0]}")
    place = os.path.join(work, "checks.txt")
    with open(place, "w", encoding="utf-8") as file:
        file.write("# sizes\n\n  max(resident_bytes) < 1TB\r\ncount() > 0")
    status, out, said = run(path, "--file", place, "gaps < 100", "--format", "csv")
    check(status == 0 and [row["check"] for row in programs.read_csv(out)] ==
          ["gaps < 100", "max(resident_bytes) < 1TB", "count() > 0"], f"a file of checks: {status} {said}")
    check(run(path, "--file", place + "x")[0] == 1, "one that is not there")
    with open(place, "wb") as file:
        file.write(b"count() > 0\n\0count() > 0")
    check(run(path, "--file", place)[0] == 2, "one that is no text")
    cut = os.path.join(work, "cut.pscope")
    with open(path, "rb") as file, open(cut, "wb") as to:
        to.write(file.read()[:os.path.getsize(path) // 2])
    check(run(cut, "count() > 0")[0] == 3, "a recording that is cut off")
    check(run(work + "/none.pscope", "count() > 0")[0] == 1, "one that is not there")


def check_real(work):
    """A performance test in a CI: a command is recorded, and claims about it are checked."""
    path = os.path.join(work, "real.pscope")
    hog = "import time; x = b'x' * 64_000_000; time.sleep(1)"
    done = subprocess.run([programs.RECORDER, "-o", path, "-i", "100ms", "--", sys.executable, "-c", hog],
                          capture_output=True, check=False, timeout=60)
    check(done.returncode == 0, "a command is recorded")
    selector = "{comm~'python*', cmdline~'*64_000_000*'}"
    rows = ask(path, [f"max(resident_bytes{selector}) < 64MB", f"max(resident_bytes{selector}) < 1GB",
                      f"exit_code{selector} == 0", f"count({selector}) == 1", "ticks_dropped == 0"])
    check([row["holds"] for row in rows] == ["0", "1", "1", "1", "1"], f"{[(r['check'], r['value']) for r in rows]}")


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        path = os.path.join(work, "made.pscope")
        subprocess.run([MAKE, path, *MADE.split()], check=True, stdout=subprocess.DEVNULL)
        check_values(path)
        check_whose(path)
        check_facts(path)
        check_missing(path)
        check_junit(path, work)
        check_words(path, work)
        check_real(work)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
