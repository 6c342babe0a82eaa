#!/usr/bin/env python3
"""Every answer of `report` equals the truth: made-up recordings with suspends, missed ticks, restarts of recorder
and host, clock steps, PID reuse, exec and setuid, and missing values all at once; one of several hours; one of
which the older samples, and the older of its minutes, are evicted. Random windows, selections and expressions of
--where, by each grouping, in CSV or JSON, with and without --no-rollups.

The truth is computed here and in tools/check_truth.py from what make_recording --truth wrote alone. Of an evicted
recording one thing more is read: how far back its blocks of each level and its sums by name reach."""
import bisect
import copy
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction

import support_programs as programs
import support_questions as questions
from support_programs import check
from support_questions import GROUPINGS, check_truth, selection, shown

MAKE = os.path.join(programs.BUILD, "make_recording")
SECOND_NS = 10**9
HOUR_NS = 3600 * SECOND_NS
DISTURBED = "--missing --pid-reuse --suspend 90:20 --late 180:7 --step 260:-50 --restart 330:15 --suspend 500:2" \
            " --reboot 560:25 --late 640:3 --step 650:90"
RECORDINGS = {
    "minutes": "--processes 40 --seconds 700 --births 1 --seed 11 " + DISTURBED,
    "fast": "--processes 25 --seconds 160 --interval 200ms --births 3 --seed 12 --missing --pid-reuse --unclean"
            " --suspend 30:5 --late 50:1 --restart 70:4 --step 90:-3 --reboot 120:9",
    "hours": "--processes 15 --seconds 9000 --interval 2s --births 0.2 --seed 13 --start 2026-01-05T22:40:00Z"
             " --suspend 5000:900 --late 7000:30 --step 7500:-400 --restart 8200:61 " + DISTURBED,
    "evicted": "--processes 12 --seconds 50000 --interval 5s --births 0.03 --seed 14 --start 2026-01-05T21:50:00Z"
               " --keep 2h --keep-rollups 6h --suspend 30000:100 --late 35000:40 --step 36000:77 --restart 38000:30"
               " --reboot 43500:50 --suspend 46000:900 --pid-reuse --missing",
}
COUNTERS = {"cpu": "cpu_seconds", "read": "disk_read_bytes", "written": "disk_written_bytes"}
SAMPLES_ONLY = ["cpu_percent_p95", "cpu_seconds_in_gaps"]  # no rollup tells them


class Query(questions.Query):
    """With the columns that are asked for, and in which form."""

    def __init__(self, dice, by, window, chosen):
        super().__init__(by, window, chosen)
        self.left_out = SAMPLES_ONLY if dice.random() < 0.4 else []
        self.form = dice.choice(["csv", "csv", "json"])

    def later(self, from_ns):
        """The same of what comes after."""
        query = copy.copy(self)
        query.from_ns = max(from_ns, self.from_ns)
        return query

    def columns(self):
        return [name for name in super().columns() if name not in self.left_out]

    def arguments(self):
        words = super().arguments()
        words[words.index("--format") + 1] = self.form
        return words


# --- asking --------------------------------------------------------------------------------------

class Number(str):
    """A number's digits, exactly as they were written."""


def cell_of(value):
    """A JSON value as it stands in CSV."""
    if isinstance(value, str) and not isinstance(value, Number):
        return check_truth.escaped(value.encode("utf-8", "surrogateescape"))
    return "" if value is None else str(value)


def rows_of(answer, form):
    if form == "csv":
        return programs.read_csv(answer)
    document = json.loads(answer, parse_int=Number, parse_float=Number)
    return [{name: cell_of(value) for name, value in row.items()} for row in document["rows"]]


def ask(path, query):
    """The rows, and why there are none."""
    answers = []
    for options in ([], ["--no-rollups"]):
        done = subprocess.run([programs.ANALYZER, "report", path, *query.arguments(), *options], check=False,
                              capture_output=True, timeout=300)
        if done.returncode != 0:
            return None, "status %d: %s" % (done.returncode, done.stderr.decode(errors="replace"))
        answers.append(done.stdout)
    if answers[0] != answers[1]:
        return None, "it depends on --no-rollups"
    return rows_of(answers[0], query.form), None


# --- what is evicted -----------------------------------------------------------------------------

def window_start(ns, length_ns):
    """Of the window (start, start + length] that a tick lies in."""
    return (ns - 1) // length_ns * length_ns


class Kept:
    """What a recording still tells: from when on every tick, minutes and hours; which hours by name; and who
    lived in more than one block, as others have no minutes."""

    def __init__(self, path):
        with sqlite3.connect(path) as db:
            first = dict(db.execute("SELECT level, min(start_ns) FROM block GROUP BY level"))
            self.hours = [key * HOUR_NS for key, in
                          db.execute("SELECT DISTINCT id >> 12 FROM process_hour_chunk ORDER BY 1")]
            self.lasting = {key for key, in db.execute("SELECT process_id FROM process")}
            whole = db.execute("SELECT min(block_seq) = 1 FROM block WHERE level = 0").fetchone()[0]
        self.tick_ns = None if whole else first[0]
        self.until_ns = window_start(first[0], 60 * SECOND_NS)
        self.minute_ns, self.hour_ns = first[60], first[3600]

    def whole_hours(self, query):
        return [hour for hour in self.hours if hour >= query.from_ns
                and min(hour + HOUR_NS, self.until_ns) <= query.to_ns]

    def windows(self, query):
        """Those that are read: an hour where its minutes are not all there."""
        minutes_ns = self.minute_ns // HOUR_NS * HOUR_NS
        for length, first, until in ((HOUR_NS, self.hour_ns, min(self.until_ns, minutes_ns)),
                                     (60 * SECOND_NS, self.minute_ns, self.until_ns)):
            start = max(first, -(-query.from_ns // length) * length)
            while start + length <= min(until, query.to_ns):
                yield start, start + length
                start += length


class Row:
    """What is added up of a process or group, in stored units; None: nothing is known of it."""

    def __init__(self):
        self.sum = dict.fromkeys(COUNTERS)
        self.covered_ns = self.weight_ns = self.integral = 0
        self.rate = self.peak = None
        self.process = None

    def count(self, pieces):
        """Increases of counters; of what was added."""
        used = {column: check_truth.sum_of_increases(pieces, column) for column in COUNTERS}
        for column, more in used.items():
            if more is not None:
                self.sum[column] = (self.sum[column] or 0) + more
        return used

    def measure(self, pieces):
        """Of one process: time, rates and levels."""
        for s, i in check_truth.entries(pieces, "cpu"):
            if s.dt[i] != check_truth.NONE:
                self.covered_ns += s.dt[i]
                self.rate = max(self.rate or 0, s.rate(i))
        for s, i in check_truth.entries(pieces, "resident"):
            self.peak = max(self.peak or 0, s.value[i])
            if s.dt[i] != check_truth.NONE:
                self.weight_ns += s.dt[i]
                self.integral += s.value[i] * s.dt[i]

    def figures(self, by_process):
        """Percentiles, and of names means and maxima, are what only samples could tell."""
        cpu = self.sum["cpu"] and Fraction(self.sum["cpu"], 10**6)
        covered = Fraction(self.covered_ns, 10**9)
        out = dict.fromkeys(check_truth.METRICS)
        out.update(cpu_seconds=cpu, disk_read_bytes=self.sum["read"], disk_written_bytes=self.sum["written"])
        if by_process:
            out.update(covered_seconds=covered, resident_bytes_max=self.peak,
                       cpu_percent_mean=100 * (cpu or 0) / covered if covered else None,
                       cpu_percent_max=None if self.rate is None else Fraction(self.rate, 10**4),
                       resident_bytes_mean=Fraction(self.integral, self.weight_ns) if self.weight_ns else None)
        return out


class Evicted:
    """What a report must say of a window that reaches to where samples are gone."""

    def __init__(self, truth, kept, query):
        self.truth, self.kept, self.query = truth, kept, query
        self.by_name = query.named and query.by in ("comm", "user")
        self.by_process = query.by == "process"
        self.first = bisect.bisect_left(truth.ns, kept.tick_ns)  # tick whose samples are there
        self.rows = defaultdict(Row)
        self.rest = Row()  # what is known by name only, where rows are not

    def ticks(self, from_ns, to_ns):
        """Evicted ones: first, and one past the last."""
        return (min(bisect.bisect_right(self.truth.ns, ns), self.first) for ns in (from_ns, to_ns))

    def key(self, process, version):
        return process.key() if self.by_process else check_truth.escaped(version[self.query.by])

    def pieces(self, from_ns, to_ns):
        """Of those that are selected: process, version and ticks."""
        first, last = self.ticks(from_ns, to_ns)
        for process in self.truth.processes.values():
            for version, begin, end in self.truth.pieces(process, first, last):
                if self.query.keeps(process, version):
                    yield process, version, [(process, begin, end)]

    def add_hour(self, hour):
        for process, version, pieces in self.pieces(hour, hour + HOUR_NS):
            if self.by_name:
                self.rows[self.key(process, version)].count(pieces)
            elif self.query.named:
                self.rest.count(pieces)

    def add_window(self, from_ns, to_ns, told):
        """A minute or hour of every process that was not short-lived; told: it is in sums by name, too."""
        first, last = self.ticks(from_ns, to_ns)
        for process in self.truth.processes.values():
            if process.first >= last or process.last < first or process.process_id not in self.kept.lasting:
                continue
            version, pieces = process.version_at(to_ns), [(process, first, last)]
            if not self.query.keeps(process, version):
                continue
            row = self.rows[self.key(process, version)]
            row.process = process
            row.measure(pieces)
            for column, used in row.count(pieces).items():
                if used is not None and told and self.query.named:
                    self.rest.sum[column] -= used

    def expect(self):
        whole = self.kept.whole_hours(self.query)
        for hour in whole:
            self.add_hour(hour)
        for start, end in self.kept.windows(self.query) if not self.by_name else ():
            self.add_window(start, end, window_start(end, HOUR_NS) in whole)
        samples = self.query.later(self.kept.tick_ns - 1)
        expected = expect(self.truth, samples)
        self.add_samples(samples)
        for key, row in self.rows.items():
            texts = {} if key not in expected else expected[key][0]
            expected[key] = texts or self.texts(row, key), row.figures(self.by_process)
        return expected

    def add_samples(self, query):
        """To rows that the evicted part has."""
        first, last = (bisect.bisect_right(self.truth.ns, ns) for ns in (query.from_ns, query.to_ns))
        for process in self.truth.processes.values():
            for version, begin, end in self.truth.pieces(process, first, last):
                key = self.key(process, version)
                if key in self.rows and query.keeps(process, version):
                    self.rows[key].count([(process, begin, end)])
                    self.rows[key].measure([(process, begin, end)])

    def texts(self, row, key):
        """By minutes, it is not told apart which of its names a process had."""
        if not self.by_process:
            return {self.query.by: [key]}
        process = row.process
        texts = {name: [check_truth.escaped(version[name]) for _, version in process.versions]
                 for name in questions.NAMES}
        texts.update(pid=[str(process.pid)], start_time=[check_truth.time_text(process.start_ns)])
        return texts


# --- comparing -----------------------------------------------------------------------------------

def expect(truth, query):
    """As check_truth, with the names that are made of others."""
    rows = check_truth.expect(truth, query)
    for process in truth.processes.values() if query.by == "process" else ():
        if process.key() in rows:
            for name in ("unit", "lineage"):  # a process keeps both here
                rows[process.key()][0][name] = [check_truth.escaped(process.versions[-1][1][name])]
    return rows


def differences(truth, kept, path, query):
    evicted = Evicted(truth, kept, query) if kept.tick_ns is not None and query.from_ns < kept.until_ns - 1 else None
    expected = evicted.expect() if evicted else expect(truth, query)
    table, problem = ask(path, query)
    if problem:
        return len(expected), [problem]
    for _, figures in expected.values():
        for name in query.left_out:
            figures.pop(name)
    found = list(check_truth.compare(expected, table, query))
    rest = [row for row in table if row["row"] == "evicted"]
    for name, column in (("cpu_seconds", "cpu"), ("disk_read_bytes", "read"), ("disk_written_bytes", "written")):
        known = evicted.rest.sum[column] if evicted else None
        if known is not None and column == "cpu":
            known = Fraction(known, 10**6)
        cell = rest[0][name] if rest else ""
        if (known is None) != (cell == "") or (known is not None and Fraction(cell) != known):
            found.append("evicted: %s is %s, not %s" % (name, cell or "empty", check_truth.shown(known)))
    return len(expected), found


def random_window(dice, truth, kept):
    """Any, or one of whole minutes or hours."""
    window = check_truth.random_query(truth, dice)
    for length in (60 * SECOND_NS, HOUR_NS):
        if dice.random() < (0.2 if kept.tick_ns is None else 0.35):
            window.from_ns -= window.from_ns % length
            window.to_ns += -window.to_ns % length
    if kept.tick_ns is not None and dice.random() < 0.3:
        window.from_ns = truth.ns[0] - 1
    return window


def check_recording(work, name, how, count):
    path, directory = os.path.join(work, name), os.path.join(work, name + ".truth")
    subprocess.run([MAKE, path, "--truth", directory, *how.split()], check=True, stdout=subprocess.DEVNULL)
    truth, kept, dice = questions.Truth(directory), Kept(path), random.Random(name)
    if kept.tick_ns is not None:
        check(truth.ns[0] < kept.minute_ns < kept.tick_ns and kept.hours,
              "%s: samples are evicted, and the older minutes, too" % name)
    asked = different = rows = 0
    for _ in range(count):
        window, chosen = random_window(dice, truth, kept), selection(dice, truth)
        for by in GROUPINGS:
            query = Query(dice, by, window, chosen)
            query.named = truth.asked <= {"comm", "user", "uid"}
            compared, found = differences(truth, kept, path, query)
            asked, rows, different = asked + 1, rows + compared, different + bool(found)
            if found:
                print("report", shown(query.arguments()))
                for line in found[:5]:
                    print("   ", line)
    check(different == 0, "%s: %d of %d answers with %d rows differ from the truth" % (name, different, asked, rows))
    check(rows > asked, "%s: something was asked for" % name)


def main():
    programs.need_programs()
    count = int(os.environ.get("PROCSCOPE_WINDOWS", "2"))
    with programs.work_directory() as work:
        for name, how in RECORDINGS.items():
            check_recording(work, name, how, count)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
