"""
What the energy of GPUs and CPU packages must come to, from the ground truth that make_recording --truth wrote, in whole
numbers, without any code of the programs. The definitions are those of analyzer/rail.h and
analyzer/attribution.h:

  interval    from one present reading of a rail to the next, not across a gap or a session's begin; it is in
              the window (from, to] that its second reading lies in. With a counter: what it gained, none
              where it fell. Without: (p0 + p1) / 2 x time, half a microjoule rounded up.
  idle floor  the smallest power v with at least 1 % of the time of all intervals at power <= v.
  shares      of energy - idle floor x time, by GPU time in the interval, rounded down; what is left goes one
              by one to the largest remainders, of equal ones to the smaller process id; last comes what the
              GPU worked beyond that of its processes.
  CPU         the same of packages by CPU time, of which each process's counts for every package; a life that
              begins or ends between two ticks is spread over what it lived of that.
  GPU time    a counter's gain, or utilization x time, spread evenly from reading to reading: of the part up
              to a time the integer part counts.
  watts       floor(energy of the group's members x 10^9 / time) per interval; where intervals of several
              GPUs overlap, their sum.
"""
import bisect
import csv
import os
import sys
from collections import defaultdict
from fractions import Fraction

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "tools"))
import check_truth  # noqa: E402  the ground truth of processes

SECOND = 10**9
UNSUPPORTED = "!3"


def rows_of(directory, name):
    with open(os.path.join(directory, name), newline="", encoding="ascii") as file:
        yield from csv.DictReader(file)


def present(cell):
    return None if cell.startswith("!") else int(cell)


def watts_of(uj, dt):
    return uj * SECOND // dt


def percentile_low(levels, share):
    """The smallest value with at least that share of the time at or below it."""
    total, below = sum(dt for _, dt in levels), 0
    for value, dt in sorted(levels):
        below += dt
        if below >= share * total:
            return value
    return 0


def percentile_95(levels):
    return percentile_low(levels, Fraction(95, 100))


class Interval:
    def __init__(self, begin, end, uj, busy):
        self.begin, self.end, self.uj = begin, end, uj
        self.busy = busy          # ns, or None
        self.weights = {}         # process -> GPU time in millionths of a ns; present with 0, too

    @property
    def dt(self):
        return self.end - self.begin


class Truth:
    def __init__(self, directory, process_ids):
        """process_ids: by (pid, start_ns), of processes whose ids the generator could not ask for."""
        self.ns, self.breaks = [], []
        session, breaks = None, 0
        for row in rows_of(directory, "ticks.csv"):
            if row["session"] != session or row["gap_before"] == "1":
                breaks += 1
            session = row["session"]
            self.ns.append(int(row["start_ns"]))
            self.breaks.append(breaks)
        self.process_id = {row["truth_id"]: process_ids[int(row["pid"]), int(row["start_ns"])]
                           for row in rows_of(directory, "processes.csv")
                           if (int(row["pid"]), int(row["start_ns"])) in process_ids}
        self.versions = defaultdict(list)
        for row in rows_of(directory, "versions.csv"):
            self.versions[self.process_id.get(row["truth_id"])].append(
                (int(row["from_ns"]), {k: bytes.fromhex(row[k]) for k in ("user", "comm", "exe")}))
        for versions in self.versions.values():
            versions.sort(key=lambda version: version[0])
        self.gpus = {}
        readings = defaultdict(list)
        for row in rows_of(directory, "gpu.csv"):
            readings[int(row["gpu"])].append(
                (int(row["tick"]), *(present(row[k]) for k in ("power_mw", "energy_uj", "busy_us"))))
        for gpu, rows in readings.items():
            self.gpus[gpu] = self.intervals(rows)
        self.read_uses(directory)
        readings = defaultdict(list)
        for row in rows_of(directory, "power.csv"):
            readings[int(row["package"])].append((int(row["tick"]), None,
                                                  present(row["energy_uj"]), None))
        self.packages = {p: self.intervals(rows) for p, rows in readings.items()}
        if self.packages:
            self.read_cpu(directory)

    def read_cpu(self, directory):
        for truth_id, process in check_truth.Truth(directory).processes.items():
            series = process.series["cpu"]
            for i, (tick, gain, dt) in enumerate(zip(series.tick, series.increase, series.dt)):
                if dt == check_truth.NONE:
                    continue
                end = self.ns[tick]
                if process.end_ns is not None and tick == process.last:
                    end = min(end, process.end_ns)
                for intervals in self.packages.values():
                    self.spread(intervals, self.process_id[truth_id], end - dt, end,
                                gain * 1000 * 10**6)

    def name(self, process, by, ns):
        """What the process was called at a time."""
        versions = self.versions[process]
        at = bisect.bisect_right([from_ns for from_ns, _ in versions], ns)
        return versions[max(at - 1, 0)][1][by]

    # --- rails ---

    def pairs(self, readings):
        """Present values that follow each other without a gap: (tick, value), (tick, value)."""
        values = [(tick, value) for tick, value in readings if value is not None]
        for first, second in zip(values, values[1:]):
            if self.breaks[first[0]] == self.breaks[second[0]]:
                yield first, second

    def intervals(self, rows):
        found = []
        counted = list(self.pairs([(row[0], row[2]) for row in rows]))
        if counted:
            for (i, before), (j, after) in counted:
                if after >= before:
                    found.append((i, j, after - before))
        else:
            for (i, before), (j, after) in self.pairs([(row[0], row[1]) for row in rows]):
                found.append((i, j, ((before + after) * (self.ns[j] - self.ns[i]) + 10**6)
                              // (2 * 10**6)))
        busy = [(i, j, (after - before) * 1000) for (i, before), (j, after)
                in self.pairs([(row[0], row[3]) for row in rows]) if after >= before]
        return [Interval(self.ns[i], self.ns[j], uj, self.tiled(busy, i, j)) for i, j, uj in found]

    @staticmethod
    def tiled(busy, i, j):
        """What the device worked in an interval; None unless readings of that tile it."""
        total, at = 0, i
        for first, second, ns in busy:
            if first == at and second <= j:
                total, at = total + ns, second
        return total if at == j else None

    # --- processes ---

    def read_uses(self, directory):
        self.uses, self.memory = [], []   # (gpu, process, begin, end, weight); (ns, gpu, process, bytes)
        sampled, series = [], defaultdict(list)
        for row in rows_of(directory, "gpu_process.csv"):
            tick, gpu = int(row["tick"]), int(row["gpu"])
            process = self.process_id[row["truth_id"]]
            if not sampled or sampled[-1] != tick:
                sampled.append(tick)
            series[gpu, process].append((tick, row))
            self.memory.append((self.ns[tick], gpu, process, int(row["memory_bytes"])))
        place = {tick: n for n, tick in enumerate(sampled)}
        for (gpu, process), rows in series.items():
            before = None                 # (tick, value) of the latest present one
            previous = None
            for tick, row in rows:
                if previous is not None and place[tick] != place[previous] + 1:
                    before = None         # it was not there in between
                previous = tick
                counts = row["gpu_us"] != UNSUPPORTED
                value = present(row["gpu_us"] if counts else row["utilization_ppm"])
                if value is None:
                    continue
                if before is not None and self.breaks[before[0]] == self.breaks[tick]:
                    begin, end = self.ns[before[0]], self.ns[tick]
                    weight = max(value - before[1], 0) * 1000 * 10**6 if counts \
                        else value * (end - begin)
                    self.uses.append((gpu, process, begin, end, weight))
                before = (tick, value)
        for gpu, process, begin, end, weight in self.uses:
            if gpu in self.gpus:
                self.spread(self.gpus[gpu], process, begin, end, weight)

    @staticmethod
    def spread(intervals, process, begin, end, weight):
        def until(ns):
            return weight * min(max(ns - begin, 0), end - begin) // (end - begin)

        at = bisect.bisect_right([interval.end for interval in intervals], begin)
        for interval in intervals[at:]:
            if interval.begin >= end:
                break
            part = until(interval.end) - until(interval.begin)
            interval.weights[process] = interval.weights.get(process, 0) + part

    # --- answers ---

    @staticmethod
    def idle_uw(intervals):
        return percentile_low([(watts_of(i.uj, i.dt), i.dt) for i in intervals], Fraction(1, 100))


def share(uj, weights):
    """Whole microjoules by largest remainder, of weights in order."""
    total = sum(weights)
    if uj <= 0 or total == 0:
        return [0] * len(weights), uj
    shares = [uj * weight // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda n: (-(uj * weights[n] % total), n))
    for n in order[:uj - sum(shares)]:
        shares[n] += 1
    return shares, 0


class Device:
    def __init__(self):
        self.uj = self.idle = self.processes = self.rest = self.covered = 0
        self.levels = []


class Group:
    def __init__(self):
        self.uj = 0
        self.on_rail = False
        self.segments = []      # (begin, end, microwatts)
        self.times = []         # (begin, end) of GPU time in the window
        self.weight = 0
        self.memory = defaultdict(int)

    def stretches(self):
        """Time at each power, where segments overlap their sum."""
        edges = sorted({edge for begin, end, _ in self.segments for edge in (begin, end)})
        at = {edge: n for n, edge in enumerate(edges)}
        power, there = [0] * len(edges), [0] * len(edges)
        for begin, end, uw in self.segments:
            for n in range(at[begin], at[end]):
                power[n] += uw
                there[n] += 1
        return [(power[n], edges[n + 1] - edges[n]) for n in range(len(edges) - 1) if there[n]]

    def figures(self):
        """By column; None: missing."""
        found = dict.fromkeys(("gpu_seconds", "gpu_percent_mean", "gpu_memory_bytes_max",
                               "gpu_power_watts_mean", "gpu_power_watts_p95",
                               "gpu_power_watts_max", "gpu_energy_joules"))
        covered, until = 0, 0
        for begin, end in sorted(self.times):
            covered += max(end - max(begin, until), 0)
            until = max(until, end)
        if covered:
            found["gpu_seconds"] = Fraction(self.weight // 10**6, SECOND)
            found["gpu_percent_mean"] = Fraction(self.weight // 10**6 * 100, covered)
        if self.memory:
            found["gpu_memory_bytes_max"] = Fraction(max(self.memory.values()))
        if self.on_rail:
            levels = self.stretches()
            found["gpu_power_watts_mean"] = Fraction(self.uj * 1000, sum(dt for _, dt in levels))
            found["gpu_power_watts_p95"] = Fraction(percentile_95(levels), 10**6)
            found["gpu_power_watts_max"] = Fraction(max(uw for uw, _ in levels), 10**6)
            found["gpu_energy_joules"] = Fraction(self.uj, 10**6)
        return found


def expect(truth, from_ns, to_ns, by="process", select=None, idle_watts=None, cpu=False):
    """Devices by number, and groups by process id or name; None is whoever was not selected."""
    rails = truth.packages if cpu else truth.gpus
    groups, devices = defaultdict(Group), {}

    def group_of(process, ns):
        if select and truth.name(process, select[0], ns) != select[1]:
            return None
        return process if by == "process" else truth.name(process, by, ns)

    for gpu, intervals in rails.items():
        device = devices[gpu] = Device()
        idle_uw = truth.idle_uw(intervals) if idle_watts is None else round(idle_watts * 10**6)
        for interval in intervals:
            if not from_ns < interval.end <= to_ns:
                continue
            idle = (idle_uw * interval.dt + SECOND // 2) // SECOND
            processes = sorted(interval.weights)
            weights = [interval.weights[process] for process in processes]
            weights.append(max((interval.busy or 0) * 10**6 - sum(weights), 0))
            shares, rest = share(interval.uj - idle, weights)
            members = defaultdict(int)
            for process, uj in zip(processes, shares):
                members[group_of(process, interval.end)] += uj
            for key, uj in members.items():
                groups[key].on_rail = True
                groups[key].uj += uj
                groups[key].segments.append((interval.begin, interval.end,
                                             watts_of(uj, interval.dt)))
            device.uj += interval.uj
            device.idle += idle
            device.processes += sum(shares[:-1])
            device.rest += rest + shares[-1]
            device.covered += interval.dt
            device.levels.append((watts_of(interval.uj, interval.dt), interval.dt))
    for _, process, begin, end, weight in [] if cpu else truth.uses:
        if from_ns < end <= to_ns:
            group = groups[group_of(process, end)]
            group.times.append((begin, end))
            group.weight += weight
    for ns, _, process, size in [] if cpu else truth.memory:
        if from_ns < ns <= to_ns:
            groups[group_of(process, ns)].memory[ns] += size
    return devices, groups
