#!/usr/bin/env python3
"""Reports by every grouping, of every selection: made-up recordings with restarts, exec, PID reuse, gaps, missing
values and names of any bytes; random windows, groupings and expressions of --where. Every figure equals what
tools/check_truth.py computes from the truth that make_recording wrote, groups and expressions being worked out
here; groups add up to what processes add up to, to the nanosecond; exported rows are those of the selection."""
import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction

import support_programs as programs
from support_programs import check

sys.path.insert(0, os.path.join(programs.SOURCE, "tools"))
import check_truth  # noqa: E402

MAKE = os.path.join(programs.BUILD, "make_recording")
GROUPINGS = ["process", "comm", "exe", "user", "cgroup", "container", "unit", "lineage"]
RECORDINGS = {
    "restarts": "--processes 40 --seconds 700 --births 1 --restart 150:40 --restart 420:5 --pid-reuse --seed 5",
    "gaps": "--processes 40 --seconds 500 --births 1 --gap 100:30 --gap 310:3 --missing --unclean --seed 4",
    "hours": "--processes 25 --seconds 5000 --births 0.2 --start 2026-01-05T22:40:00Z --gap 900:20 --reboot 2000:60"
             " --step 3000:50 --pid-reuse --seed 9",
}
EVICTED = "--start 2026-01-05T21:50:00Z --processes 10 --seconds 20000 --births 0.5 --seed 7 --keep 2h --missing"
SUMS = ["cpu_seconds", "disk_read_bytes", "disk_written_bytes"]


# --- names, made another way than analyzer/unit_name.c and group_key.c do ------------------------

def unit_of(cgroup):
    """Of the cgroups that are made up here."""
    parts = cgroup.split(b"/")
    units = [part for part in parts if re.search(rb".\.(service|scope)$", part)]
    slices = [part for part in parts if part.endswith(b".slice")]
    return b"/".join(units) or (slices or [b""])[-1]


def lineage_of(version):
    place = version["unit"] or version["container"] or version["cgroup"] or b"?"
    return (version["exe"] or version["comm"]) + b" (" + version["user"] + b", " + place + b")"


class Truth(check_truth.Truth):
    """With the names that are made of others, and what only the recording knows: ids and parents."""

    def __init__(self, path, directory):
        super().__init__(directory)
        stored = {(row["pid"], row["start_ns"]): row
                  for row in programs.read_csv(programs.analyze("export", path, "--table", "process"))}
        with open(os.path.join(directory, "versions.csv"), newline="", encoding="ascii") as file:
            for row in csv.DictReader(file):
                process = self.processes[row["truth_id"]]
                version = next(v for ns, v in process.versions if ns == int(row["from_ns"]))
                version["uid"] = int(row["uid"])
                version["unit"] = unit_of(version["cgroup"])
        for process in self.processes.values():
            row = stored.get((str(process.pid), str(process.start_ns)))
            process.ppid = None if row is None else int(row["ppid"])
            if row is not None:
                process.process_id = int(row["process_id"])
            for _, version in process.versions:
                version["lineage"] = lineage_of(process.versions[-1][1])


# --- expressions ---------------------------------------------------------------------------------

RELATIONS = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
             "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


def like(pattern, text):
    parts = [b".*" if byte == b"*" else b"." if byte == b"?" else re.escape(byte)
             for byte in (pattern[i:i + 1] for i in range(len(pattern)))]
    return re.fullmatch(b"".join(parts), text, re.DOTALL) is not None


def pattern_of(dice, text):
    """Something that the text may be like."""
    kept = bytearray()
    for byte in text[:60]:
        kept += dice.choice([bytes([byte])] * 8 + [b"?", b"*", b""])
    return dice.choice([bytes(kept), b"*" + text[2:], text[:3] + b"*", b"*" + text[1:4] + b"*"])


def number_comparison(dice, process, version):
    field = dice.choice(["process_id", "pid", "ppid", "uid"])
    number = version["uid"] if field == "uid" else getattr(process, field)
    number += dice.choice([-1, 0, 0, 1])
    relation = dice.choice(list(RELATIONS))
    holds = RELATIONS[relation]
    if field == "uid":
        return b"uid %s %d" % (relation.encode(), number), lambda p, v: holds(v["uid"], number)
    return (b"%s %s %d" % (field.encode(), relation.encode(), number),
            lambda p, v: holds(getattr(p, field), number))


def time_comparison(dice, process):
    relation = dice.choice(list(RELATIONS))
    ns = process.start_ns
    return (b"start_time%s'%s'" % (relation.encode(), check_truth.timeline_text(ns).encode()),
            lambda p, v: RELATIONS[relation](p.start_ns, ns))


def text_comparison(dice, version):
    field = dice.choice(["user", "comm", "exe", "cmdline", "cgroup", "unit", "container"])
    value, relation = version[field], dice.choice(list(RELATIONS) + ["~", "~", "~"])
    holds = like if relation == "~" else RELATIONS[relation]
    if relation == "~":
        value = pattern_of(dice, value)
        holds = lambda text, pattern: like(pattern, text)  # noqa: E731
    if b"'" in value and b'"' in value:
        value = b"*"
    quote = b'"' if b"'" in value else b"'"
    known = (lambda v: v["cgroup"] != b"") if field == "unit" else (lambda v: v[field] != b"")
    return (b"%s %s %s%s%s" % (field.encode(), relation.encode(), quote, value, quote),
            lambda p, v: known(v) and holds(v[field], value))


def expression(dice, truth, depth):
    """A text, and whether it is true of a process under a version."""
    kind = dice.random()
    if depth == 0 or kind < 0.3:
        process = dice.choice(truth.known)
        version = dice.choice(process.versions)[1]
        if kind < 0.06:
            return time_comparison(dice, process)
        return number_comparison(dice, process, version) if kind < 0.15 else text_comparison(dice, version)
    first, is_first = expression(dice, truth, depth - 1)
    if kind < 0.4:
        return b"not (" + first + b")", lambda p, v: not is_first(p, v)
    second, is_second = expression(dice, truth, depth - 1)
    if kind < 0.7:
        return b"(" + first + b") and (" + second + b")", lambda p, v: is_first(p, v) and is_second(p, v)
    return b"(" + first + b") or (" + second + b")", lambda p, v: is_first(p, v) or is_second(p, v)


# --- selections ----------------------------------------------------------------------------------

def ends_like(option, text):
    """As --comm: exact, or with * at either end."""
    want = option[option.startswith(b"*"):]
    front, back = option.startswith(b"*"), option.endswith(b"*") and len(option) > 1
    want = want[:-1] if back else want
    if front and back:
        return want in text
    return text.endswith(want) if front else text.startswith(want) if back else text == want


def one_option(dice, truth):
    process = dice.choice(truth.known)
    version = dice.choice(process.versions)[1]
    name = dice.choice(["pid", "comm", "user", "cgroup", "container"])
    if name == "pid":
        return [b"--pid", b"%d" % process.pid], lambda p, v: p.pid == process.pid
    text = version[name]
    option = dice.choice([text, text[:4] + b"*", b"*" + text[-3:], b"*" + text[1:4] + b"*"])
    if option.startswith(b"-"):
        option = b"*"
    if name == "user":  # also a uid
        return [b"--user", option], lambda p, v: ends_like(option, v["user"]) or option == b"%d" % v["uid"]
    return [b"--" + name.encode(), option], lambda p, v: v[name] != b"" and ends_like(option, v[name])


def selection(dice, truth):
    """Options, and whom they mean."""
    kind = dice.random()
    if kind < 0.15:
        return [], lambda p, v: True
    if kind < 0.4:
        return one_option(dice, truth)
    text, holds = expression(dice, truth, dice.randint(0, 4))
    if kind < 0.85:
        return [b"--where", text], holds
    options, also = one_option(dice, truth)
    return options + [b"--where=" + text], lambda p, v: also(p, v) and holds(p, v)


class Query(check_truth.Query):
    def __init__(self, by, window, chosen):
        super().__init__(by, window.from_ns, window.to_ns)
        self.options, self.holds = chosen
        self.select = self.options or None

    def columns(self):
        return super().columns() + (["unit", "lineage"] if self.by == "process" else [])

    def arguments(self):
        select, self.select = self.select, None
        words = super().arguments() + self.options
        self.select = select
        return words

    def keeps(self, process, version):
        return self.holds(process, version)


# --- what is checked -----------------------------------------------------------------------------

def sums(table):
    """Of the rows that were asked for, and of the others."""
    rows, others = [row for row in table if row["row"] in ("process", "group")], table
    total = {name: sum((Fraction(row[name] or 0) for row in rows), Fraction(0)) for name in SUMS}
    total["rest"] = sum((Fraction(row["cpu_seconds"] or 0) for row in others if row["row"] not in
                         ("process", "group", "total")), Fraction(0))
    return total


def misnamed(table, truth):
    """Processes that are told with another unit or lineage."""
    by_id = {str(process.process_id): process for process in truth.known}
    for row in table:
        if row["row"] != "process":
            continue
        lineage = check_truth.escaped(by_id[row["process_id"]].versions[-1][1]["lineage"])
        unit = check_truth.escaped(unit_of(programs.original_bytes(row["cgroup"])))
        if (row["unit"], row["lineage"]) != (unit, lineage):
            yield "%s is %s, %s, not %s, %s" % (row["process_id"], row["unit"], row["lineage"], unit, lineage)


def shown(words):
    return " ".join(word if isinstance(word, str) else repr(word)[1:] for word in words)


def check_window(path, truth, dice, counts):
    """One window and selection, by each grouping; what differs."""
    window, chosen = check_truth.random_query(truth, dice), selection(dice, truth)
    total = None
    for by in GROUPINGS:
        query = Query(by, window, chosen)
        expected = check_truth.expect(truth, query)
        table, problem = check_truth.run(programs.ANALYZER, path, query)
        differences = [problem] if problem else list(check_truth.compare(expected, table, query))
        if by == "process" and table is not None:
            differences += misnamed(table, truth)
        counts[by] += len(expected)
        if table is not None:
            total = total or sums(table)
            if sums(table) != total:
                differences.append("the sum is %s, by process %s" % (sums(table), total))
        if differences:
            print("report", shown(query.arguments()))
            for line in differences[:5]:
                print("   ", line)
            return False
    counts["chosen"] += any(total[name] for name in SUMS)
    return True


def check_export(path, truth, dice):
    """Rows of samples and of versions are those of all rows of which the selection is true."""
    options, holds = selection(dice, truth)
    by_id = {process.process_id: process for process in truth.known}

    def is_wanted(row, time):
        process = by_id[int(row["process_id"])]
        return holds(process, process.version_at(int(row[time])))

    def is_ever_wanted(row):
        process = by_id[int(row["process_id"])]
        return any(holds(process, version) for _, version in process.versions)

    for table, time in (("process_samples", "time_ns"), ("process_version", "from_ns"), ("process", None),
                        ("process_lifetime", None)):
        rows = programs.read_csv(programs.analyze("export", path, "--table", table))
        wanted = [row for row in rows if (is_wanted(row, time) if time else is_ever_wanted(row))]
        found = programs.read_csv(programs.analyze("export", path, "--table", table, *options))
        if found != wanted:
            print("export", table, shown(options), "%d rows, not %d" % (len(found), len(wanted)))
            return False
    return True


def check_recording(work, name, how, count):
    path, directory = os.path.join(work, name), os.path.join(work, name + ".truth")
    subprocess.run([MAKE, path, "--truth", directory, *how.split()], check=True, stdout=subprocess.DEVNULL)
    truth, dice, counts = Truth(path, directory), random.Random(name), defaultdict(int)
    truth.known = [process for process in truth.processes.values() if process.ppid is not None]
    moved = [p for p in truth.known if len({v["exe"] for _, v in p.versions}) > 1]
    check(len(truth.known) == len(truth.processes), "%s: every process is stored" % name)
    check(len(moved) > 3, "%s: %d processes became another program" % (name, len(moved)))
    good = sum(check_window(path, truth, dice, counts) for _ in range(count))
    check(good == count, "%s: %d of %d windows, by each grouping, are as the truth says"
          % (name, good, count))
    check(counts["chosen"] > count // 3 and all(counts[by] > count for by in GROUPINGS),
          "%s: something was found (%s)" % (name, dict(counts)))
    tables = max(count // 10, 2)
    check(all(check_export(path, truth, dice) for _ in range(tables)),
          "%s: %d selections export the rows that they mean" % (name, tables))


def check_evicted(work):
    """Where samples are gone, no grouping and no selection makes more or less of what was used."""
    path = os.path.join(work, "evicted")
    subprocess.run([MAKE, path, *EVICTED.split()], check=True, stdout=subprocess.DEVNULL)
    all_of_it = sums(programs.report(path, "--by", "comm", "--top", "0"))
    for options in ([], ["--cgroup", "/system.slice/*"], ["--where", "user = 'root' or comm ~ 'n*'"],
                    ["--where", "uid = 0 and not container ~ '*'"], ["--pid", "301"]):
        used = set()
        for by in GROUPINGS:
            table = programs.report(path, "--by", by, "--top", "0", *options)
            named = [row for row in table if row["row"] in ("process", "group", "evicted")]
            used.add(sum(Fraction(row["cpu_seconds"] or 0) for row in named))
            got = sums(table)
            if got["cpu_seconds"] + got["rest"] != all_of_it["cpu_seconds"] + all_of_it["rest"]:
                check(False, "evicted, by %s %s: all of it is still all of it" % (by, options))
        check(len(used) == 1, "evicted: %s is the same by each grouping" % (options or "all"))
    text = programs.analyze("report", path, "--by", "comm", "--cgroup", "/x").decode()
    check("by name that cannot tell who is selected" in text, "evicted: it is said what cannot be told")
    check("known by comm and user only" in programs.analyze("report", path, "--by", "unit").decode(),
          "evicted: units say what is known by name only")


def check_service(work):
    """A service that a shell starts, three times over, is one lineage, and its shell's time is in it."""
    path, service = os.path.join(work, "service"), os.path.join(work, "web")
    shutil.copy("/bin/sleep", service)
    recorder = programs.Recorder(path, "-i", "100ms")
    shells, script = [], "for i in 1 2 3 4 5 6; do sleep 0.1; done; exec '%s' 2" % service
    for _ in range(3):
        with subprocess.Popen(["/bin/sh", "-c", script]) as shell:
            shells.append(shell.pid)
    recorder.stop()
    for by in ("exe", "container", "unit"):
        rows = json.loads(programs.analyze("report", path, "--by", by, "--format", "json"))["rows"]
        nameless = any(row["row"] == "group" and row[by] == "" for row in rows)
        check(nameless == (b"\n[none]  " in programs.analyze("report", path, "--by", by, "--top", "0")),
              "by %s: in a table those without a name are [none]%s" % (by, "" if nameless else " (there are none)"))
    of_service = ["--by", "lineage", "--where", " or ".join("pid = %d" % pid for pid in shells)]
    rows = [row for row in programs.report(path, *of_service) if row["row"] == "group"]
    check(len(rows) == 1 and rows[0]["lineage"].startswith(service + " (") and rows[0]["processes"] == "3",
          "three starts of a service are one lineage: %s" % [(row["lineage"], row["processes"]) for row in rows])
    by_exe = {row["exe"]: row["processes"] for row in programs.report(path, "--by", "exe", *of_service[2:])
              if row["row"] == "group"}
    check(by_exe.get(service) == "3" and len(by_exe) > 1, "by exe the shell is apart: %s" % by_exe)


def main():
    programs.need_programs()
    count = int(os.environ.get("PROCSCOPE_WINDOWS", "8"))
    with programs.work_directory() as work:
        for name, how in RECORDINGS.items():
            check_recording(work, name, how, count)
        check_evicted(work)
        check_service(work)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
