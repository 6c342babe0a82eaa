#!/usr/bin/env python3
"""Compare `procscope report` with the ground truth that make_recording --truth wrote.

    check_truth.py RECORDING TRUTH_DIR [--procscope PATH] [--count 100] [--seed N]

Every figure is computed here from the CSV files of TRUTH_DIR alone (described in
tools/generate_truth.h), in whole numbers and fractions, and compared value for value for random
windows, groupings and selections. Exit code 1 if any window differs.

The definitions:

  sample    that of tick i stands for (t[i-1], t[i]]; it is in the window iff from < t[i] <= to.
  increase  value minus the previous present value; 0 is the value before a born process; a first
            value of a process not born in view has none; a fall counts as 0.
  dt        t[i] minus the time of the previous present value; from max(start, t[i-1]) for a born
            process's first, to min(end, t[i]) for a last row; such a birth or death interval
            counts at least 1 ms.
  gap       where a tick with gap_before or a new session lies in between there is no dt, and the
            increase counts in cpu_seconds_in_gaps only.
  rate      floor(increase * 1e9 / dt), in stored units per second.
  gauge     mean = sum(value * dt) / sum(dt); max is over all present values.
  group     a sample belongs to the group of the version valid at t[i]. Per tick: the sum of the
            increases by the group's dt, which is t[i] - t[i-1] or a member's dt if that is longer;
            the sum of gauges, weighted with the largest dt of a member. covered_seconds adds up the
            dts, each at most the time since the group's previous covered tick in the window.
  select    --comm and --user keep the samples whose version has that name at t[i].
"""
import argparse
import bisect
import csv
import datetime
import io
import os
import random
import subprocess
import sys
from array import array
from collections import defaultdict
from fractions import Fraction

MS = 1_000_000
NONE = -1  # in arrays: there is no increase, no dt
ROW_BORN, ROW_LAST = 2, 4
COLUMNS = ["cpu", "resident", "read", "written"]  # as in samples.csv, from its fourth column
TEXTS = ["user", "comm", "exe", "cmdline", "cgroup", "container"]
METRICS = ["covered_seconds", "cpu_seconds", "cpu_seconds_in_gaps", "cpu_percent_mean",
           "cpu_percent_p95", "cpu_percent_max", "resident_bytes_mean", "resident_bytes_max",
           "disk_read_bytes", "disk_written_bytes"]


# --- the truth -----------------------------------------------------------------------------------

class Series:
    """The present values of one column of one process, oldest first."""

    def __init__(self):
        self.tick = array("q")
        self.value = array("q")
        self.increase = array("q")  # NONE where it counts in no rate and no total
        self.in_gap = array("q")    # the increase, where it crossed a gap; else NONE
        self.dt = array("q")

    def between(self, first, last):
        """Indexes of the values at ticks first .. last - 1."""
        return range(bisect.bisect_left(self.tick, first), bisect.bisect_left(self.tick, last))

    def rate(self, i):
        return self.increase[i] * 1_000_000_000 // self.dt[i]


class Process:
    def __init__(self, row):
        self.process_id = int(row["process_id"])
        self.pid = int(row["pid"])
        self.ppid = int(row["ppid"])
        self.start_ns = int(row["start_ns"])
        self.end_ns = int(row["end_ns"]) if row["end_ns"] else None
        self.born = row["born"] == "1"
        self.first = int(row["first_tick"])
        self.last = int(row["last_tick"])
        self.changes = []   # (tick, [value or None per column]), when any changed
        self.versions = []  # (from_ns, {text name: bytes})
        self.series = {}

    def key(self):
        return self.process_id or (self.pid, self.start_ns)

    def version_at(self, ns):
        at = bisect.bisect_right(self.versions, ns, key=lambda v: v[0])
        return self.versions[max(at - 1, 0)][1]


class Truth:
    def __init__(self, directory):
        self.ns = []      # of each tick
        self.breaks = []  # how many gaps and session starts there were up to and with this tick
        self.processes = {}
        self.read_ticks(os.path.join(directory, "ticks.csv"))
        for row in rows_of(os.path.join(directory, "processes.csv")):
            self.processes[row["truth_id"]] = Process(row)
        for row in rows_of(os.path.join(directory, "versions.csv")):
            texts = {name: bytes.fromhex(row[name]) for name in TEXTS}
            self.processes[row["truth_id"]].versions.append((int(row["from_ns"]), texts))
        self.read_samples(os.path.join(directory, "samples.csv"))
        for process in self.processes.values():
            process.versions.sort(key=lambda version: version[0])
            for column, name in enumerate(COLUMNS):
                process.series[name] = self.series_of(process, column)
            process.changes = None

    def tick_interval(self, tick):
        """The time since the tick before, 0 where a gap or a session's start lies in between."""
        if tick == 0 or self.breaks[tick] != self.breaks[tick - 1]:
            return 0
        return self.ns[tick] - self.ns[tick - 1]

    def read_ticks(self, path):
        session, breaks = None, 0
        for row in rows_of(path):
            if row["session"] != session or row["gap_before"] == "1":
                breaks += 1
            session = row["session"]
            self.ns.append(int(row["start_ns"]))
            self.breaks.append(breaks)

    def read_samples(self, path):
        with open(path, newline="") as file:
            for row in list(csv.reader(file))[1:]:
                values = [None if cell[0] == "!" else int(cell) for cell in row[3:]]
                self.processes[row[1]].changes.append((int(row[0]), values, int(row[2])))

    def series_of(self, process, column):
        """Expand the changes to one value a tick, and derive increase and dt."""
        series = Series()
        known, known_ns, known_tick = None, None, None
        if process.born:
            known, known_tick = 0, process.first - 1
            known_ns = max(process.start_ns, self.ns[process.first - 1])
        birth = process.born
        changes = process.changes
        for n, (tick, values, flags) in enumerate(changes):
            value = values[column]
            if value is None:
                continue
            until = changes[n + 1][0] if n + 1 < len(changes) else process.last + 1
            for i in range(tick, until):
                increase = in_gap = dt = NONE
                if known is not None and self.breaks[i] != self.breaks[known_tick]:
                    in_gap = max(value - known, 0)
                elif known is not None:
                    death = bool(flags & ROW_LAST)
                    end_ns = min(process.end_ns, self.ns[i]) if death else self.ns[i]
                    increase = max(value - known, 0)
                    dt = max(end_ns - known_ns, MS) if birth or death else end_ns - known_ns
                series.tick.append(i)
                series.value.append(value)
                series.increase.append(increase)
                series.in_gap.append(in_gap)
                series.dt.append(dt)
                known, known_ns, known_tick, birth = value, self.ns[i], i, False
        return series

    def pieces(self, process, first, last):
        """Cut the ticks first .. last - 1 of a process where its version changes."""
        first, last = max(first, process.first), min(last, process.last + 1)
        while first < last:
            next_from = bisect.bisect_right(process.versions, self.ns[first], key=lambda v: v[0])
            end = last
            if next_from < len(process.versions):
                end = min(last, bisect.bisect_left(self.ns, process.versions[next_from][0]))
            yield process.version_at(self.ns[first]), first, end
            first = end


def rows_of(path):
    with open(path, newline="") as file:
        yield from csv.DictReader(file)


# --- what a report must say ----------------------------------------------------------------------

def quantile_95(weighted):
    """The smallest value at or below which 95 % of the weight lies."""
    total = sum(weight for _, weight in weighted)
    below = 0
    for value, weight in sorted(weighted):
        below += weight
        if below * 100 >= total * 95:
            return value
    return None


def figures(rates, covered_ns, run_us, in_gap_us, levels, peak, read, written):
    """rates: [(us per s, dt)]; levels: [(bytes, dt)]; None stands for an empty cell."""
    covered = Fraction(covered_ns, 10**9)
    level_ns = sum(dt for _, dt in levels)
    level = Fraction(sum(v * dt for v, dt in levels), level_ns) if levels else None
    return {
        "covered_seconds": covered,
        "cpu_seconds": Fraction(run_us, 10**6) if rates else None,
        "cpu_seconds_in_gaps": Fraction(in_gap_us, 10**6) if in_gap_us else None,
        "cpu_percent_mean": 100 * Fraction(run_us, 10**6) / covered if rates else None,
        "cpu_percent_p95": Fraction(quantile_95(rates), 10**4) if rates else None,
        "cpu_percent_max": Fraction(max(rates)[0], 10**4) if rates else None,
        "resident_bytes_mean": level,
        "resident_bytes_max": peak,
        "disk_read_bytes": read,
        "disk_written_bytes": written,
    }


def entries(pieces, column):
    """(series, index) of every present value in the pieces [(process, first, last)]."""
    for process, first, last in pieces:
        series = process.series[column]
        for i in series.between(first, last):
            yield series, i


def sum_of_increases(pieces, column):
    increases = [s.increase[i] for s, i in entries(pieces, column) if s.dt[i] != NONE]
    return sum(increases) if increases else None


def sum_in_gaps(pieces):
    return sum(s.in_gap[i] for s, i in entries(pieces, "cpu") if s.in_gap[i] != NONE)


def process_figures(pieces):
    """Of one process: pieces differ only in the version."""
    rates, levels, values = [], [], []
    for s, i in entries(pieces, "cpu"):
        if s.dt[i] != NONE:
            rates.append((s.rate(i), s.dt[i]))
    for s, i in entries(pieces, "resident"):
        values.append(s.value[i])
        if s.dt[i] != NONE:
            levels.append((s.value[i], s.dt[i]))
    return figures(rates, sum(dt for _, dt in rates), sum_of_increases(pieces, "cpu") or 0,
                   sum_in_gaps(pieces), levels, max(values, default=None),
                   sum_of_increases(pieces, "read"), sum_of_increases(pieces, "written"))


def group_figures(truth, pieces):
    increase, rate_dt = defaultdict(int), defaultdict(int)  # by tick
    level, level_dt = defaultdict(int), defaultdict(int)  # by tick
    for s, i in entries(pieces, "cpu"):
        if s.dt[i] != NONE:
            increase[s.tick[i]] += s.increase[i]
            rate_dt[s.tick[i]] = max(rate_dt[s.tick[i]], s.dt[i], truth.tick_interval(s.tick[i]))
    for s, i in entries(pieces, "resident"):
        level[s.tick[i]] += s.value[i]
        if s.dt[i] != NONE:
            level_dt[s.tick[i]] = max(level_dt[s.tick[i]], s.dt[i])
    covered_ns, covered_until = 0, None
    for tick in sorted(increase):
        dt = rate_dt[tick]
        if covered_until is not None:
            dt = min(dt, truth.ns[tick] - covered_until)
        covered_ns += dt
        covered_until = truth.ns[tick]
    rates = [(increase[tick] * 1_000_000_000 // rate_dt[tick], rate_dt[tick]) for tick in increase]
    return figures(rates, covered_ns,
                   sum_of_increases(pieces, "cpu") or 0, sum_in_gaps(pieces),
                   [(level[tick], dt) for tick, dt in level_dt.items()],
                   max(level.values(), default=None),
                   sum_of_increases(pieces, "read"), sum_of_increases(pieces, "written"))


def escaped(text):
    """As analyzer/escape.h describes for CSV."""
    out = []
    for char in text.decode("utf-8", "surrogateescape"):
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:
            out.append("\\x%02x" % (code - 0xDC00))
        elif code < 0x20 or 0x7F <= code < 0xA0:
            out.extend("\\x%02x" % byte for byte in char.encode())
        else:
            out.append("\\\\" if char == "\\" else char)
    return "".join(out)


def time_text(ns):
    seconds, fraction = divmod(ns, 10**9)
    date = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return date.strftime("%Y-%m-%dT%H:%M:%S") + ".%09dZ" % fraction


def timeline_text(ns):
    """A time of the timeline, whatever the wall clock showed."""
    return "@%d.%09d" % divmod(ns, 10**9)


class Query:
    def __init__(self, by, from_ns, to_ns, select=None):
        self.by, self.from_ns, self.to_ns, self.select = by, from_ns, to_ns, select

    def columns(self):
        if self.by != "process":
            return [self.by] + METRICS
        return ["process_id", "pid", "start_time", "end_time"] + TEXTS + METRICS

    def arguments(self):
        words = ["--from", timeline_text(self.from_ns), "--to", timeline_text(self.to_ns),
                 "--by", self.by, "--columns", ",".join(self.columns()), "--top", "1000000",
                 "--format", "csv"]
        if self.select:
            words += ["--" + self.select[0], self.select[1]]
        return words

    def keeps(self, process, version):
        if not self.select:
            return True
        name, text = self.select
        return str(process.pid).encode() == text if name == "pid" else version[name] == text


def expect(truth, query):
    """The rows of a report: {key: (texts that may stand there, figures)}."""
    first = bisect.bisect_right(truth.ns, query.from_ns)
    last = bisect.bisect_right(truth.ns, query.to_ns)
    members = defaultdict(list)
    for process in truth.processes.values():
        for version, begin, end in truth.pieces(process, first, last):
            if query.keeps(process, version):
                key = process.key() if query.by == "process" else escaped(version[query.by])
                members[key].append((process, begin, end))
    rows = {}
    for key, pieces in members.items():
        if query.by == "process":
            rows[key] = (process_texts(truth, query, pieces), process_figures(pieces))
        else:
            rows[key] = ({query.by: [key]}, group_figures(truth, pieces))
    return rows


def process_texts(truth, query, pieces):
    """The version at the last sample; one from then to the window's end may stand there, too."""
    process, _, end = pieces[-1]
    versions = [process.version_at(truth.ns[end - 1])]
    if not query.select:
        versions += [texts for from_ns, texts in process.versions
                     if truth.ns[end - 1] < from_ns <= query.to_ns]
    texts = {name: [escaped(version[name]) for version in versions] for name in TEXTS}
    texts["pid"] = [str(process.pid)]
    texts["start_time"] = [time_text(process.start_ns)]
    if process.end_ns is not None:
        texts["end_time"] = [time_text(process.end_ns)]
    return texts


# --- comparing -----------------------------------------------------------------------------------

def same_figure(name, cell, expected):
    if expected is None:
        return cell == "" or (cell == "0" and name.startswith("cpu_seconds"))
    if cell == "":
        return expected == 0 and name == "covered_seconds"
    try:
        found = Fraction(cell)
    except ValueError:
        return False
    if not name.endswith("_mean"):
        return found == expected
    decimals = len(cell.partition(".")[2])
    unit = Fraction(1, 10**decimals)  # means are rarely finite decimals: one unit of the last
    return abs(found - expected) <= max(abs(expected) / 10**9,
                                        min(unit, 1 if name.startswith("resident") else
                                            Fraction(1, 10**4)))


def shown(value):
    return "empty" if value is None else "%.9f" % float(value)


def compare(expected, table, query):
    """Lines that say what differs."""
    found = {}
    for row in table:
        if row["row"] in ("process", "group"):
            key = row[query.by] if query.by != "process" else int(row["process_id"])
            if isinstance(key, int) and key not in expected:
                key = by_pid_and_start(expected, row, key)
            if key in found:
                yield "%s: twice" % key
            found[key] = row
    for key in sorted(expected.keys() - found.keys(), key=str):
        yield "%s: no row" % (key,)
    for key in sorted(found.keys() - expected.keys(), key=str):
        yield "%s: a row too many" % (key,)
    for key in sorted(expected.keys() & found.keys(), key=str):
        texts, numbers = expected[key]
        for name, accepted in texts.items():
            if found[key][name] not in accepted:
                yield "%s: %s is %r, not %r" % (key, name, found[key][name], accepted[0])
        for name, value in numbers.items():
            cell = found[key][name]
            if not same_figure(name, cell, value):
                yield "%s: %s is %s, not %s" % (key, name, cell or "empty", shown(value))
    yield from compare_total(table)


def by_pid_and_start(expected, row, process_id):
    """The key of a process whose id the generator could not ask for."""
    for key, (texts, _) in expected.items():
        if isinstance(key, tuple) and texts["start_time"] == [row["start_time"]] \
                and texts["pid"] == [row["pid"]]:
            return key
    return process_id


def compare_total(table):
    """A total row, where there is one, is the sum of all others."""
    totals = [row for row in table if row["row"] == "total"]
    parts = sum(Fraction(row["cpu_seconds"] or 0) for row in table if row["row"] != "total")
    for row in totals:
        if row["cpu_seconds"] != "" and Fraction(row["cpu_seconds"]) != parts:
            yield "total cpu_seconds is %s, the rows add up to %s" % (row["cpu_seconds"],
                                                                      shown(parts))


# --- running -------------------------------------------------------------------------------------

def random_query(truth, dice):
    begin, end = truth.ns[0], truth.ns[-1]
    span = max(int((end - begin) * dice.random() ** 3), 1)
    from_ns = begin - 2 * 10**9 + int((end - begin + 2 * 10**9) * dice.random())
    to_ns = from_ns + span
    if dice.random() < 0.5:  # on a tick, or just beside it
        from_ns = dice.choice(truth.ns) + dice.choice([-1, 0, 0, 1])
    if dice.random() < 0.5:
        to_ns = dice.choice(truth.ns) + dice.choice([-1, 0, 0, 1])
    if to_ns <= from_ns:
        from_ns, to_ns = to_ns - 1, from_ns
    query = Query(dice.choice(["process", "process", "comm", "exe", "user"]), from_ns, to_ns)
    if dice.random() < 0.4:
        process = dice.choice(list(truth.processes.values()))
        name = dice.choice(["pid", "comm", "user"])
        _, version = dice.choice(process.versions)
        text = str(process.pid).encode() if name == "pid" else version[name]
        query.select = (name, text)
    return query


def run(procscope, recording, query):
    result = subprocess.run([procscope, "report", recording] + query.arguments(),
                            capture_output=True, check=False)
    if result.returncode != 0:
        return None, "exit code %d: %s" % (result.returncode,
                                           result.stderr.decode("utf-8", "replace").strip())
    table = list(csv.DictReader(io.StringIO(result.stdout.decode("utf-8"), newline="")))
    if table and any(name not in table[0] for name in query.columns() + ["row"]):
        return None, "columns are %s" % ",".join(table[0])
    return table, None


def main():
    parser = argparse.ArgumentParser(description="Compare procscope report with ground truth.")
    parser.add_argument("recording")
    parser.add_argument("truth")
    parser.add_argument("--procscope", default="procscope")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10, help="differences shown per window")
    options = parser.parse_args()
    truth, dice = Truth(options.truth), random.Random(options.seed)
    failed = 0
    for n in range(options.count):
        query = random_query(truth, dice)
        table, problem = run(options.procscope, options.recording, query)
        differences = [problem] if problem else list(compare(expect(truth, query), table, query))
        if differences:
            failed += 1
            words = [w if isinstance(w, str) else escaped(w) for w in query.arguments()]
            print("window %d: report %s" % (n, " ".join(words)))
            for line in differences[:options.show]:
                print("  " + line)
            if len(differences) > options.show:
                print("  and %d more" % (len(differences) - options.show))
    print("%d passed, %d failed" % (options.count - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
