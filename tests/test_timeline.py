#!/usr/bin/env python3
"""Every figure of `procscope timeline` is that of its definition, computed here from the truth that make_recording
wrote and from exported samples; steps tile the window, and add up to what `report` says of it, to the unit.
Random windows, steps, groupings and selections of recordings with gaps, restarts, reboots, short lives, missing
values, PID reuse and clock steps; also of one that is not sealed."""
import bisect
import os
import random
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction

import support_programs as programs
from support_programs import check

sys.path.insert(0, os.path.join(programs.SOURCE, "tools"))
import check_truth  # noqa: E402

MAKE = os.path.join(programs.BUILD, "make_recording")
SECOND = 10**9
ZONE_NS = 3600 * SECOND  # of made-up hosts, all year
NONE = check_truth.NONE
RECORDINGS = {
    "plain": "--processes 30 --seconds 700 --births 0.5 --seed 1",
    "broken": "--processes 40 --seconds 900 --births 1 --missing --pid-reuse --gap 90:20 --restart 330:15"
              " --gap 500:2 --step 600:-100 --seed 2",
    "unclean": "--processes 30 --seconds 450 --births 1 --missing --unclean --reboot 200:30 --seed 3",
    "fast": "--processes 20 --seconds 40 --interval 100ms --births 4 --missing --gap 20:1 --restart 30:2 --seed 4",
}
STEPS = ["500ms", "1s", "7s", "10s", "60s", "90s", "2m30s", "1h"]
STEP_NS = dict(zip(STEPS, [SECOND // 2, SECOND, 7 * SECOND, 10 * SECOND, 60 * SECOND, 90 * SECOND,
                           150 * SECOND, 3600 * SECOND]))
# column -> of the truth, what of it
COUNTERS = {"cpu": ("cpu_seconds", "cpu_percent_mean", "cpu_percent_max", "cpu_seconds_in_gaps"),
            "read": ("disk_read_bytes", "disk_read_bytes_per_second_mean", "disk_read_bytes_per_second_max",
                     "disk_read_bytes_in_gaps"),
            "written": ("disk_written_bytes", "disk_written_bytes_per_second_mean",
                        "disk_written_bytes_per_second_max", "disk_written_bytes_in_gaps")}
FIGURES = [name for names in COUNTERS.values() for name in names] + ["resident_bytes_mean", "resident_bytes_max"]


# --- definitions ---------------------------------------------------------------------------------

class Buckets:
    """(from, to] cut at multiples of the step of local time."""

    def __init__(self, from_ns, to_ns, step_ns):
        first = ((from_ns + ZONE_NS) // step_ns + 1) * step_ns - ZONE_NS
        self.from_ns = from_ns
        self.ends = list(range(first, to_ns, step_ns)) + [to_ns]
        self.starts = [from_ns] + self.ends[:-1]

    def of(self, ns):
        return bisect.bisect_left(self.ends, ns)


class Sum:
    """What one counter, or one level, of one row comes to in each bucket."""

    def __init__(self):
        self.present = set()
        self.increase = defaultdict(int)
        self.in_gaps = defaultdict(int)
        self.covered = defaultdict(int)
        self.weight = defaultdict(int)
        self.integral = defaultdict(int)
        self.peak = {}
        self.rate = {}

    def top(self, of, bucket, value):
        of[bucket] = max(of.get(bucket, value), value)

    def counter(self, scale, unit):
        """bucket -> increase, mean rate, largest rate, increase in gaps; scale: of the exported increase."""
        for b in self.present:
            rated = b in self.rate
            mean = self.increase[b] * unit * scale * SECOND / self.covered[b] if self.covered[b] > 0 else None
            yield b, (self.increase[b] * scale if rated else None, mean if rated else None,
                      self.rate[b] * unit * scale if rated else None, self.in_gaps[b] * scale)

    def level(self, b):
        mean = Fraction(self.integral[b], self.weight[b]) if self.weight[b] > 0 else None
        return mean, self.peak.get(b)


def alone(entries, ns, buckets):
    """One series: (value, increase, in_gap, dt) at ticks."""
    s = Sum()
    for tick, value, increase, in_gap, dt in entries:
        b = buckets.of(ns[tick])
        s.present.add(b)
        s.top(s.peak, b, value)
        if in_gap != NONE:
            s.in_gaps[b] += in_gap
        if dt != NONE:
            s.increase[b] += increase
            s.covered[b] += dt
            s.weight[b] += dt
            s.integral[b] += value * dt
            s.top(s.rate, b, increase * SECOND // dt)
    return s


def together(entries, ns, interval, buckets):
    """Several: the same, at ticks summed first; interval(tick) is the time since the tick before."""
    s = Sum()
    increase, rate_dt = defaultdict(int), defaultdict(int)
    level, level_dt = defaultdict(int), defaultdict(int)
    for tick, value, gained, in_gap, dt in entries:
        b = buckets.of(ns[tick])
        s.present.add(b)
        level[tick] += value
        if in_gap != NONE:
            s.in_gaps[b] += in_gap
        if dt != NONE:
            increase[tick] += gained
            rate_dt[tick] = max(rate_dt[tick], dt, interval(tick))
            level_dt[tick] = max(level_dt[tick], dt)
    until = None
    for tick in sorted(increase):
        b, dt = buckets.of(ns[tick]), rate_dt[tick]
        s.increase[b] += increase[tick]
        s.top(s.rate, b, increase[tick] * SECOND // dt)
        s.covered[b] += dt if until is None else min(dt, ns[tick] - until)
        until = ns[tick]
    for tick, value in level.items():
        b = buckets.of(ns[tick])
        s.top(s.peak, b, value)
        s.weight[b] += level_dt[tick]
        s.integral[b] += value * level_dt[tick]
    return s


# --- processes -----------------------------------------------------------------------------------

class Question:
    def __init__(self, truth, dice, whole):
        first, last = truth.ns[0], truth.ns[-1]
        self.from_ns, self.to_ns = first - 1, last
        if not whole:
            times = sorted(dice.randint(first - 5 * SECOND, last + 5 * SECOND) for _ in range(2))
            times = [dice.choice([t, t // SECOND * SECOND, dice.choice(truth.ns)]) for t in times]
            self.from_ns, self.to_ns = min(times), max(max(times), min(times) + 1)
        self.whole = whole
        self.step = dice.choice(STEPS)
        self.by = dice.choice(["total", "process", "comm", "exe", "user"])
        self.select = None
        if dice.random() < 0.5:
            process = dice.choice(list(truth.processes.values()))
            name = dice.choice(["pid", "comm", "user"])
            self.select = name, str(process.pid).encode() if name == "pid" else process.versions[-1][1][name]

    def window(self):
        return [] if self.whole else ["--from", check_truth.timeline_text(self.from_ns),
                                      "--to", check_truth.timeline_text(self.to_ns)]

    def selection(self):
        return ["--" + self.select[0], os.fsdecode(self.select[1])] if self.select else []

    def keeps(self, process, version):
        if not self.select:
            return True
        name, text = self.select
        return str(process.pid).encode() == text if name == "pid" else version[name] == text

    def key(self, ids, process, version):
        if self.by == "total":
            return ""
        return ids[process.pid, process.start_ns] if self.by == "process" else check_truth.escaped(version[self.by])


def expected_rows(truth, ids, q, buckets):
    """(bucket, key) -> figures; and ticks of each bucket."""
    first, last = bisect.bisect_right(truth.ns, q.from_ns), bisect.bisect_right(truth.ns, q.to_ns)
    entries = defaultdict(lambda: defaultdict(list))
    for process in truth.processes.values():
        for version, begin, end in truth.pieces(process, first, last):
            if not q.keeps(process, version):
                continue
            for column, series in process.series.items():
                entries[q.key(ids, process, version)][column] += [
                    (series.tick[i], series.value[i], series.increase[i], series.in_gap[i], series.dt[i])
                    for i in series.between(begin, end)]
    rows = defaultdict(dict)
    for key, columns in entries.items():
        for column, list_of in columns.items():
            s = alone(list_of, truth.ns, buckets) if q.by == "process" else \
                together(list_of, truth.ns, truth.tick_interval, buckets)
            if column == "resident":
                for b in s.present:
                    rows[b, key].update(zip(FIGURES[-2:], s.level(b)))
                continue
            scale, unit = (Fraction(1, 10**6), 100) if column == "cpu" else (1, 1)
            for b, figures in s.counter(scale, unit):
                rows[b, key].update(zip(COUNTERS[column], figures))
                if column == "cpu":
                    rows[b, key]["covered_seconds"] = Fraction(s.covered[b], SECOND)
    return rows


def same(name, cell, value):
    if value is None:
        return cell == ""
    if cell == "":
        return False
    if name.endswith("_mean"):
        return abs(Fraction(cell) - value) <= abs(value) / 10**12
    return Fraction(cell) == value


def compare_rows(table, expected, buckets, names, key_of, problems):
    """Each row is one that is expected, none is absent, and buckets without any are there, without figures."""
    found = set()
    start_of = {start: b for b, start in enumerate(buckets.starts)}
    order = [start_of.get(int(row["time_ns"]), 0) for row in table]
    if order != sorted(order) or set(order) != set(range(len(buckets.ends))):
        problems.append("buckets are %s…" % order[:10])
    for row, b in zip(table, order):
        key = key_of(row)
        at = (b, key)
        if Fraction(row["seconds"]) * SECOND != buckets.ends[b] - buckets.starts[b]:
            problems.append("%s: seconds %s" % (at, row["seconds"]))
        if at in found:
            problems.append("%s: twice" % (at,))
        found.add(at)
        figures = expected.get(at)
        if figures is None:
            if any(row[name] for name in names) or Fraction(row["covered_seconds"]) != 0 or key \
                    or any(other[0] == b for other in expected):
                problems.append("%s: a row too many" % (at,))
            continue
        for name in ["covered_seconds"] + names:
            value = figures.get(name, 0 if name == "covered_seconds" else None)
            if not same(name, row[name], value):
                problems.append("%s: %s is %s, not %s" % (at, name, row[name] or "empty", value))
    for at in expected.keys() - found:
        problems.append("%s: no row" % (at,))


def sums(table, key_of, names):
    total = defaultdict(lambda: defaultdict(Fraction))
    for row in table:
        for name in names:
            if row[name]:
                total[key_of(row)][name] += Fraction(row[name])
    return total


SUMMED = ["covered_seconds", "cpu_seconds", "cpu_seconds_in_gaps", "disk_read_bytes", "disk_written_bytes"]


def compare_report(path, q, table, key_of, problems):
    """The buckets of a row add up to its row of the report."""
    if q.by == "total":
        return
    report = programs.report(path, "--by", q.by, *q.window(), *q.selection(), "--no-remainder", "--top", "0",
                             "--no-rollups", columns=",".join(SUMMED + [
                                 "process_id" if q.by == "process" else q.by]))
    ours = sums(table, key_of, SUMMED)
    theirs = sums(report, key_of, SUMMED)
    for key in theirs.keys() | ours.keys():
        if any(ours[key][name] != theirs[key][name] for name in SUMMED):
            problems.append("%s: the steps add up to %s, the report says %s" % (
                key, dict(ours[key]), dict(theirs[key])))


def ask(path, truth, ids, q):
    problems = []
    buckets = Buckets(q.from_ns, q.to_ns, STEP_NS[q.step])
    if q.whole:  # its window begins right before the first sample, and says so
        buckets.starts[0] += 1
    options = ["--step", q.step, "--by", q.by, *q.window(), *q.selection(), "--format", "csv"]
    names = {"total": [], "process": ["process_id"]}.get(q.by, [q.by])
    columns = ["time_ns", "seconds", "ticks", "covered_seconds"] + names + FIGURES
    table = programs.read_csv(programs.analyze("timeline", path, *options, "--columns", ",".join(columns)))

    def key_of(row):
        return row[names[0]] if names else ""

    compare_rows(table, expected_rows(truth, ids, q, buckets), buckets, FIGURES, key_of, problems)
    for b, ticks in {int(row["time_ns"]): int(row["ticks"]) for row in table}.items():
        at = buckets.starts.index(b)
        begin = buckets.starts[at] - (1 if q.whole and at == 0 else 0)
        if ticks != bisect.bisect_right(truth.ns, buckets.ends[at]) - bisect.bisect_right(truth.ns, begin):
            problems.append("bucket %d has %d ticks" % (at, ticks))
    compare_report(path, q, table, key_of, problems)
    for line in problems[:5]:
        print("  timeline %s: %s" % (" ".join(options), line))
    return not problems


# --- other tables --------------------------------------------------------------------------------

def exported_series(path, table, truth, metric, stored):
    """entity -> entries as alone() takes them, of one metric of an exported table; stored: how many of its units
    a stored one is, as rates are rounded down in those."""
    at = {ns: tick for tick, ns in enumerate(truth.ns)}
    entries, before = defaultdict(list), {}
    for row in programs.read_csv(programs.analyze("export", path, "--table", table, "--columns", metric)):
        if row[metric] == "":
            continue
        entity, value, tick = row.get("entity_id", ""), int(row[metric]) // stored, at[int(row["time_ns"])]
        increase = in_gap = dt = NONE
        if entity in before:
            known, known_tick = before[entity]
            gap = truth.breaks[tick] != truth.breaks[known_tick]
            if not gap:
                increase, dt = max(value - known, 0), truth.ns[tick] - truth.ns[known_tick]
            elif truth.boot[tick] == truth.boot[known_tick]:
                in_gap = max(value - known, 0)
        before[entity] = value, tick
        entries[entity].append((tick, value, increase, in_gap, dt))
    return entries


def ask_other(path, truth, dice, table, metric, names, stored, scale, unit):
    q = Question(truth, dice, False)
    buckets = Buckets(q.from_ns, q.to_ns, STEP_NS[q.step])
    by = dice.choice(["entity", "total"])
    options = ["--table", table, "--step", q.step, "--by", by, *q.window(), "--format", "csv"]
    entity = by == "entity" and table != "memory_samples"
    columns = ["time_ns", "seconds", "covered_seconds"] + ["entity_id"] * entity + [metric]
    rows = programs.read_csv(programs.analyze("timeline", path, *options, "--columns", ",".join(columns)))
    series = exported_series(path, table, truth, metric, stored)
    inside = {key: [e for e in entries if q.from_ns < truth.ns[e[0]] <= q.to_ns]
              for key, entries in series.items()}
    if by == "entity":
        summed = {key if entity else "": alone(entries, truth.ns, buckets) for key, entries in inside.items()}
    else:
        summed = {"": together([e for entries in inside.values() for e in entries], truth.ns,
                               truth.tick_interval, buckets)}
    expected = defaultdict(dict)
    for key, s in summed.items():
        figures = s.counter(scale, unit) if len(names) == 4 else ((b, s.level(b)) for b in s.present)
        for b, values in figures:
            expected[b, key].update(zip(names, values))
            expected[b, key]["covered_seconds"] = Fraction(s.covered[b], SECOND)
    problems = []
    compare_rows(rows, expected, buckets, list(names), lambda row: row.get("entity_id", ""), problems)
    for line in problems[:5]:
        print("  timeline %s: %s" % (" ".join(options), line))
    return not problems


OTHERS = [
    ("cpu_samples", "user_ns_total", ("user_seconds", "user_percent_mean", "user_percent_max",
                                      "user_seconds_in_gaps"), 1000, Fraction(1, 10**6), 100),
    ("cpu_samples", "frequency_hz", ("frequency_hz_mean", "frequency_hz_max"), 1, 1, 1),
    ("memory_samples", "free_bytes", ("free_bytes_mean", "free_bytes_max"), 1, 1, 1),
    ("recorder_samples", "cpu_processes_ns_total", (
        "cpu_processes_seconds", "cpu_processes_percent_mean", "cpu_processes_percent_max",
        "cpu_processes_seconds_in_gaps"), 1000, Fraction(1, 10**6), 100),
]


def fine_steps(path):
    """Of so many steps that a block is read in parts, each process's still add up to its row of the report."""
    columns = ["process_id"] + SUMMED

    def key_of(row):
        return row["process_id"]

    fine = programs.read_csv(programs.analyze("timeline", path, "--by", "process", "--step", "10ms", "--format", "csv",
                                              "--columns", ",".join(columns)))
    report = programs.report(path, "--no-remainder", "--top", "0", "--no-rollups", columns=",".join(columns))
    rows = [row for row in fine if row["process_id"]]
    check(len(fine) - len(rows) > 60000 and sums(rows, key_of, SUMMED) == sums(report, key_of, SUMMED),
          "steps of 10 ms add up to the report, and those between are there")


# --- a real recording ----------------------------------------------------------------------------

def gained(path, table, metric, keys, away_ns=None):
    """What a counter of each series gained, from one exported value to the next; not while it was away, which is
    for longer than that in one session, nor over a reboot."""
    sessions = [(int(row["start_ns"]), row["boot_id"]) for row in
                programs.read_csv(programs.analyze("export", path, "--table", "session"))]
    before, total = {}, defaultdict(int)
    rows = programs.read_csv(programs.analyze("export", path, "--table", table, "--columns", metric))
    for row in sorted(rows, key=lambda row: int(row["time_ns"])):
        if row[metric] == "":
            continue
        key, ns = tuple(row[name] for name in keys), int(row["time_ns"])
        session = bisect.bisect_right(sessions, ns, key=lambda one: one[0]) - 1
        known, known_ns, known_session = before.get(key, (int(row[metric]), ns, session))
        away = known_session == session and away_ns is not None and ns - known_ns > away_ns
        if not away and sessions[known_session][1] == sessions[session][1]:
            total[key] += max(int(row[metric]) - known, 0)
        before[key] = int(row[metric]), ns, session
    return total


def counted(path, table, metric, keys):
    """The same from a timeline: of its columns the increase, which is the first, and that in gaps."""
    rows = programs.read_csv(programs.analyze("timeline", path, "--table", table, "--step", "700ms", "--format", "csv",
                                              "--columns", ",".join(keys + ["time", metric])))
    total = defaultdict(Fraction)
    for row in rows:
        names = [name for name in row if name not in keys + ["time"]]
        assert names[3] == names[0] + "_in_gaps", names
        total[tuple(row[name] for name in keys)] += Fraction(row[names[0]] or 0) + Fraction(row[names[3]] or 0)
    return total


def pairs():
    """A table with two keys, over restarts."""
    path, keys = os.path.join(programs.SOURCE, "tests", "golden", "pairs-1.2.pscope"), ["entity_id", "process_id"]
    asked = path, "gpu_process_samples", "gpu_ns_total", keys
    ours, theirs = counted(*asked), gained(*asked, away_ns=5 * SECOND)  # it is read every 4 s
    check(sum(theirs.values()) > 0 and all(ours[key] * SECOND == theirs[key] for key in ours.keys() | theirs.keys()),
          "%d pairs of a process and a GPU" % len(ours))


def real(work):
    """Every counter of every table that has no processes, recorded here."""
    path = os.path.join(work, "real.pscope")
    subprocess.run([programs.RECORDER, "-o", path, "-i", "100ms", "-d", "4s"], check=True, capture_output=True)
    tables, wrong, seen = set(), [], 0
    for row in programs.read_csv(programs.analyze("export", path, "--table", "metric")):
        table, metric = row["table"], row["metric"]
        if row["kind"] != "counter" or "process" in table:
            continue
        keys = ["entity_id"] if table != "memory_samples" else []
        unit = {"ns": 10**9, "us": 10**6, "uj": 10**6}.get(row["unit"], 1)
        ours, theirs = counted(path, table, metric, keys), gained(path, table, metric, keys)
        seen += any(theirs.values())
        tables |= {table} if theirs else set()
        if any(ours[key] * unit != theirs[key] for key in ours.keys() | theirs.keys()):
            wrong.append("%s.%s" % (table, metric))
    check(not wrong and seen > 10 and len(tables) > 3,
          "a real recording: %d counters of %s; wrong: %s" % (seen, sorted(tables), wrong))


# --- running -------------------------------------------------------------------------------------

def read_boots(path, truth, directory):
    """[tick] the boot that it was in."""
    boots = {str(n + 1): row["boot_id"] for n, row in enumerate(
        programs.read_csv(programs.analyze("export", path, "--table", "session")))}
    truth.boot = [boots[row["session"]] for row in
                  check_truth.rows_of(os.path.join(directory, "ticks.csv"))]


def process_ids(path):
    rows = programs.read_csv(programs.analyze("export", path, "--table", "process"))
    return {(int(row["pid"]), int(row["start_time_ns"] if "start_time_ns" in row else row["start_ns"])):
            row["process_id"] for row in rows}


def main():
    programs.need_programs()
    count = int(os.environ.get("PROCSCOPE_WINDOWS", "25"))
    with programs.work_directory() as work:
        for number, (name, how) in enumerate(RECORDINGS.items()):
            path, directory = os.path.join(work, name + ".pscope"), os.path.join(work, name)
            subprocess.run([MAKE, path, "--truth", directory, *how.split()], check=True,
                           stdout=subprocess.DEVNULL)
            truth, dice = check_truth.Truth(directory), random.Random(number)
            read_boots(path, truth, directory)
            ids = process_ids(path)
            wrong = sum(not ask(path, truth, ids, Question(truth, dice, n == 0)) for n in range(count))
            check(wrong == 0, "%s: %d of %d timelines of processes are wrong" % (name, wrong, count))
            if name == "plain":
                fine_steps(path)
            for other in OTHERS:
                wrong = sum(not ask_other(path, truth, dice, *other) for _ in range(count // 5 + 1))
                check(wrong == 0, "%s: %d timelines of %s of %s are wrong" % (name, wrong, other[1], other[0]))
        real(work)
    pairs()
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
