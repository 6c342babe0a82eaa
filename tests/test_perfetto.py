#!/usr/bin/env python3
"""A trace for Perfetto: every packet has documented fields only, of their wire types; counters, processes, events and
gaps are what `procscope export` writes as CSV and the generator knows, value by value, in windows and selections, too.

What the fields are is told by protos/perfetto/trace in github.com/google/perfetto; trace_processor reads the file where
it is installed.

    PROCSCOPE_WINDOWS=40 tests/test_perfetto.py     so many windows of each recording (default: 4)
"""
import bisect
import collections
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time

import support_programs as programs
from support_programs import ANALYZER, BUILD, LOAD, check

sys.path.insert(0, os.path.join(programs.SOURCE, "tools"))
import check_truth  # noqa: E402

MS = 10**6
VARINT, FIXED64, BYTES = 0, 1, 2
RECORDINGS = {
    "broken": "--processes 6 --seconds 700 --births 0.1 --seed 6 --restart 150:20 --gap 40:5 --missing --pid-reuse"
              " --gpus 2 --gpu-processes 3 --packages 1 --step 500:-40",
    "fast": "--processes 5 --seconds 30 --interval 100ms --births 3 --missing --gap 20:1 --reboot 25:2 --seed 4"
            " --unclean",
}

# --- the documented fields: number -> name, wire type, what is in it ------------------------------

ANNOTATION = {4: ("int_value", VARINT, int), 6: ("string_value", BYTES, str), 10: ("name", BYTES, str)}
COUNTER = {3: ("unit", VARINT, int), 6: ("unit_name", BYTES, str)}
PROCESS = {1: ("pid", VARINT, int), 2: ("cmdline", BYTES, [str]), 6: ("process_name", BYTES, str),
           7: ("start_timestamp_ns", VARINT, int)}
TRACK = {1: ("uuid", VARINT, int), 2: ("name", BYTES, str), 3: ("process", BYTES, PROCESS),
         5: ("parent_uuid", VARINT, int), 8: ("counter", BYTES, COUNTER), 14: ("description", BYTES, str)}
EVENT = {4: ("debug_annotations", BYTES, [ANNOTATION]), 9: ("type", VARINT, int), 11: ("track_uuid", VARINT, int),
         23: ("name", BYTES, str), 30: ("counter_value", VARINT, int), 44: ("double_counter_value", FIXED64, float)}
CLOCK = {1: ("clock_id", VARINT, int), 2: ("timestamp", VARINT, int)}
SNAPSHOT = {1: ("clocks", BYTES, [CLOCK]), 2: ("primary_trace_clock", VARINT, int)}
DEFAULTS = {58: ("timestamp_clock_id", VARINT, int)}
PACKET = {6: ("clock_snapshot", BYTES, SNAPSHOT), 8: ("timestamp", VARINT, int),
          10: ("trusted_packet_sequence_id", VARINT, int), 11: ("track_event", BYTES, EVENT),
          13: ("sequence_flags", VARINT, int), 59: ("trace_packet_defaults", BYTES, DEFAULTS),
          60: ("track_descriptor", BYTES, TRACK)}
TYPE_SLICE_BEGIN, TYPE_SLICE_END, TYPE_INSTANT, TYPE_COUNTER = 1, 2, 3, 4
UNIT_TIME_NS, UNIT_COUNT, UNIT_SIZE_BYTES = 1, 2, 3
REALTIME, BOOTTIME = 1, 6


class Malformed(Exception):
    pass


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            if value >> 64 or (byte == 0 and shift > 7):
                raise Malformed("a varint that is too long")
            return value, at
        if shift > 63:
            raise Malformed("a varint without end")


def scalar(kind, raw, name):
    if kind is int:
        return raw - (1 << 64) if raw >> 63 else raw
    if kind is float:
        return struct.unpack("<d", raw)[0]
    text = raw.decode("utf-8")  # strictly
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):
        raise Malformed("%s has a control character: %r" % (name, text))
    return text


def message(data, at, end, fields):
    found = {}
    while at < end:
        key, at = varint(data, at)
        if key >> 3 not in fields:
            raise Malformed("field %d" % (key >> 3))
        name, wire, kind = fields[key >> 3]
        if key & 7 != wire:
            raise Malformed("%s has wire type %d" % (name, key & 7))
        if wire == VARINT:
            raw, at = varint(data, at)
        elif wire == FIXED64:
            raw, at = data[at:at + 8], at + 8
        else:
            size, at = varint(data, at)
            raw, at = (at, at + size), at + size
        if at > end:
            raise Malformed("%s goes beyond its message" % name)
        repeated = isinstance(kind, list)
        inner = kind[0] if repeated else kind
        if isinstance(inner, dict):
            value = message(data, *raw, inner)
        else:
            value = scalar(inner, bytes(data[slice(*raw)]) if wire == BYTES else raw, name)
        if repeated:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise Malformed("%s twice" % name)
        else:
            found[name] = value
    return found


def packets(data):
    at = 0
    while at < len(data):
        if data[at] != 1 << 3 | BYTES:
            raise Malformed("no packet at %d" % at)
        size, at = varint(data, at + 1)
        if at + size > len(data):
            raise Malformed("the last packet is cut")
        yield message(data, at, at + size, PACKET)
        at += size


class Trace:
    """What a viewer makes of it."""

    def __init__(self, data):
        self.tracks = {}                                # uuid -> descriptor
        self.counters = collections.defaultdict(list)   # uuid -> [(ns, value; None: no value, why)]
        self.events = collections.defaultdict(list)     # uuid -> [(ns, type, name, notes)]
        self.snapshots = []
        for number, packet in enumerate(packets(data)):
            if packet.pop("trusted_packet_sequence_id") != 1 or packet.pop("sequence_flags") != (2 if number else 1):
                raise Malformed("packet %d is of another sequence, or its state is not known" % number)
            if (packet.pop("trace_packet_defaults", None) == {"timestamp_clock_id": REALTIME}) != (number == 0):
                raise Malformed("packet %d: defaults" % number)
            self.take(packet)

    def take(self, packet):
        ns = packet.pop("timestamp", None)
        kind, content = packet.popitem()
        if packet or (ns is not None) != (kind == "track_event"):
            raise Malformed("a packet of two things")
        if kind == "clock_snapshot":
            clocks = {clock["clock_id"]: clock["timestamp"] for clock in content["clocks"]}
            if content["primary_trace_clock"] != REALTIME or clocks.keys() != {REALTIME, BOOTTIME}:
                raise Malformed("clocks %r" % content)
            self.snapshots.append((clocks[REALTIME], clocks[BOOTTIME]))
        elif kind == "track_descriptor":
            if content["uuid"] in self.tracks or content["uuid"] == 0:
                raise Malformed("track %d twice" % content["uuid"])
            if content.get("parent_uuid", 0) and content["parent_uuid"] not in self.tracks:
                raise Malformed("a track below one that is not there")
            self.tracks[content["uuid"]] = content
        else:
            self.take_event(ns, content)

    def take_event(self, ns, event):
        uuid = event["track_uuid"]
        if uuid not in self.tracks:
            raise Malformed("an event of a track that is not there")
        notes = {note["name"]: note.get("string_value", note.get("int_value"))
                 for note in event.get("debug_annotations", [])}
        if ("counter" in self.tracks[uuid]) != (event["type"] == TYPE_COUNTER):
            raise Malformed("a counter on another track, or the other way round")
        if event["type"] != TYPE_COUNTER:
            if (event["type"] == TYPE_SLICE_END) == ("name" in event):
                raise Malformed("a slice's name")
            self.events[uuid].append((ns, event["type"], event.get("name"), notes))
            return
        if ("counter_value" in event) == ("double_counter_value" in event) or notes.keys() - {"no_value"}:
            raise Malformed("a counter of %r" % event)
        value = event.get("counter_value", event.get("double_counter_value"))
        if "no_value" in notes:
            if value != 0 or notes["no_value"] not in ("ended", "not known"):
                raise Malformed("no value that is %r, %r" % (value, notes))
            value = None
        self.counters[uuid].append((ns, value, notes.get("no_value")))

    def by_name(self, once=True):
        """(process id or None, name) -> uuid of counters. Two of one name cannot be told apart."""
        found = {}
        for uuid, track in self.tracks.items():
            if "counter" not in track:
                continue
            parent = self.tracks[track["parent_uuid"]]
            key = parent["uuid"] >> 1 if "process" in parent else None, track["name"]
            if key in found and once:
                raise Malformed("two tracks %r" % (key,))
            found[key] = uuid
        return found


# --- what it has to be ---------------------------------------------------------------------------

RATES = {"ns": ("_ns", "_percent", "%", 100), "us": ("_us", "_percent", "%", 100 * 1000),
         "uj": ("_uj", "_watts", "W", 1000), "nj": ("_nj", "_watts", "W", 1),
         "bytes": ("", "_per_second", "bytes/s", 10**9)}


def metric_track(table, metric):
    """What a metric's track is called, its unit, and a rate's factor of the stored increase by ns (None: a gauge)."""
    stem = table[:-len("_samples")]
    name, unit = metric["metric"], metric["unit"]
    factor = None
    counter = {"unit": {"bytes": UNIT_SIZE_BYTES, "ns": UNIT_TIME_NS, "": UNIT_COUNT}.get(unit), "unit_name": unit}
    counter = {"unit": counter["unit"]} if counter["unit"] else {"unit_name": unit}
    if metric["kind"] == "counter":
        drop, end, shown, factor = RATES.get(unit, ("", "_per_second", "/s", 10**9))
        name = name.removesuffix("_total").removesuffix(drop) + end
        counter, factor = {"unit_name": shown}, factor * int(metric["scale"])
    return ("" if stem == "process" else stem + ".") + name, counter, factor


class Known:
    """Intervals of one counter, as a viewer shows them."""

    def __init__(self):
        self.events = []
        self.value, self.to_ns = None, None

    def put(self, from_ns, to_ns, value):
        if self.value is not None and from_ns > self.to_ns:
            self.close(False)
        if value != self.value:
            self.events.append((from_ns, value, None))
        self.value, self.to_ns = value, to_ns

    def close(self, ended):
        if self.value is not None:
            self.events.append((self.to_ns, None, "ended" if ended else "not known"))
        self.value = None


def rates(samples, factor, scale, birth, window, truth, last):
    """samples: (tick, value or None, why missing) of a counter; birth: it began at 0 then, after that tick; last: end
    of the process, whose last sample it has."""
    known, before, born = Known(), None, birth is not None
    if born:
        before = 0, *birth
    for number, (tick, value, _) in enumerate(samples):
        if value is None:
            continue
        ns = truth.ns[tick]
        if before is not None and window[0] < ns <= window[1] and value >= before[0]:
            gap = truth.breaks[tick] != truth.breaks[before[2]]
            death = last is not None and number == len(samples) - 1
            dt = (min(last, ns) if death else ns) - before[1]
            if death or born:
                dt = max(dt, MS)
            if not gap:
                increase = (value - before[0]) // scale
                known.put(before[1], before[1] + dt, float(increase) * float(factor) / float(dt))
        before, born = (value, ns, tick), False
    return known


def levels(samples, window, truth, last):
    """The same of a gauge."""
    known, before = Known(), None
    for number, (tick, value, why) in enumerate(samples):
        ns = truth.ns[tick]
        if not window[0] < ns <= window[1]:
            continue
        gap = before is not None and truth.breaks[tick] != truth.breaks[before]
        if value is None:
            if why != "not sampled":
                death = last is not None and number == len(samples) - 1
                if not gap and known.value is not None:
                    known.to_ns = max(known.to_ns, min(last, ns) if death else ns)
                known.close(death)
                before = None
            continue
        if before is not None and not gap:
            known.to_ns = ns
        known.put(ns, ns + 1, value)
        before = tick
    return known


class Expected:
    """All counter tracks of a recording, from its CSV and the generator's truth."""

    def __init__(self, path, truth):
        self.truth, self.path = truth, path
        self.tables = collections.defaultdict(list)
        for row in table_of(path, "metric"):
            self.tables[row["table"]].append(row)
        self.processes = {int(row["process_id"]): row for row in table_of(path, "process")}
        at = {(p.pid, p.start_ns): p for p in truth.processes.values()}
        self.lives = {number: at[int(row["pid"]), int(row["start_ns"])] for number, row in self.processes.items()}
        tick_of = {ns: tick for tick, ns in enumerate(truth.ns)}
        self.series = {}
        for table in self.tables:
            rows = collections.defaultdict(list)
            for row in table_of(path, table, "--missing-reasons"):
                key = row.get("process_id"), row.get("entity_id")
                rows[key].append((tick_of[int(row["time_ns"])], row))
            self.series[table] = rows

    def tracks(self, table, window, keeps=None):
        """(process id, name) -> unit, events."""
        found = {}
        for (process_id, _), rows in self.series[table].items():
            process = None if process_id is None else int(process_id)
            life = self.lives.get(process)
            if keeps is not None and life is not None:
                rows = [(tick, row) for tick, row in rows if keeps(life, life.version_at(self.truth.ns[tick]))]
            label = [row[name] for _, row in rows[-1:] for name in list(row)[3:4] if "entity_id" in row]
            for metric in self.tables[table]:
                if metric["kind"] == "state":
                    continue
                name, unit, factor = metric_track(table, metric)
                known = self.of(table, rows, metric, factor, life, window)
                if known.events:
                    found[process, name + (" [%s]" % label[0] if label else "")] = unit, known.events
        return found

    def of(self, table, rows, metric, factor, life, window):
        name, scale = metric["metric"], int(metric["scale"])
        samples = [(tick, int(row[name]) if row[name] else None, row[name + "__missing"]) for tick, row in rows]
        last = birth = None
        if table == "process_samples" and life.end_ns is not None:
            last = life.end_ns if samples and samples[-1][0] == life.last else None
        if table == "process_samples" and life.born:
            birth = max(life.start_ns, self.truth.ns[life.first - 1]), life.first - 1
        if factor is None:
            known = levels(samples, window, self.truth, last)
        else:
            known = rates(samples, factor, scale, birth, window, self.truth, last)
        known.close(last is not None and self.truth.ns[life.last] <= window[1])
        return known


# --- asking --------------------------------------------------------------------------------------

def table_of(path, table, *options):
    return programs.read_csv(programs.analyze("export", path, "--table", table, *options))


def trace_of(path, *options):
    return Trace(programs.analyze("export", path, "--format", "perfetto", *options))


def compare(path, expected, trace, tables, window, keeps=None):
    """Every counter of those tables, and no other."""
    wrong, found, values = [], trace.by_name(), 0
    wanted = {}
    for table in tables:
        wanted.update(expected.tracks(table, window, keeps))
    for key in found.keys() ^ wanted.keys():
        wrong.append("%s: %s" % (key, "too many" if key in found else "not there: %r" % (wanted[key],)))
    for key in found.keys() & wanted.keys():
        unit, events = wanted[key]
        got = trace.counters[found[key]]
        values += len(got)
        if trace.tracks[found[key]]["counter"] != unit:
            wrong.append("%s: unit %r" % (key, trace.tracks[found[key]]["counter"]))
        if got != events:
            differ = [pair for pair in zip(got, events) if pair[0] != pair[1]]
            wrong.append("%s: %d and %d events, first %r" % (key, len(got), len(events), differ[:1]))
        if [ns for ns, *_ in got] != sorted(ns for ns, *_ in got):
            wrong.append("%s: times go back" % (key,))
    for line in wrong[:5]:
        print("  %s: %s" % (os.path.basename(path), line))
    return not wrong and values > 0, len(found), values


def counters(path, truth, expected):
    whole = truth.ns[0] - 1, truth.ns[-1]
    good, tracks, values = compare(path, expected, trace_of(path), expected.tables, whole)
    check(good, "%d counters of all tables, %d values" % (tracks, values))
    found = trace_of(path, "--table", "cpu_samples", "--columns", "user_ns_total").by_name()
    check({name.split(" ")[0] for _, name in found} == {"cpu.user_percent"} and
          len(found) == len(expected.series["cpu_samples"]), "one metric of one table: %d counters" % len(found))


def windows(path, truth, expected, count):
    dice = random.Random(count)
    lives = list(truth.processes.values())
    good = values = 0
    for _ in range(count):
        ends = sorted(dice.choice([dice.choice(truth.ns), dice.randint(truth.ns[0], truth.ns[-1])]) for _ in range(2))
        window = ends[0], max(ends[1], ends[0] + 1)
        table = dice.choice([None] + list(expected.tables))
        options = ["--from", check_truth.timeline_text(window[0]), "--to", check_truth.timeline_text(window[1])]
        keeps = None
        if table in (None, "process_samples") and dice.random() < 0.6:
            life = dice.choice(lives)
            column = dice.choice(["pid", "comm"])
            text = str(life.pid).encode() if column == "pid" else life.versions[-1][1]["comm"]
            options += ["--" + column, os.fsdecode(text)]
            keeps = (lambda p, v, text=text: str(p.pid).encode() == text) if column == "pid" else \
                (lambda p, v, text=text: v["comm"] == text)
        if table is not None:
            options += ["--table", table]
        done = subprocess.run([ANALYZER, "export", path, "--format", "perfetto", *options], capture_output=True,
                              check=True)
        same, _, number = compare(path, expected, Trace(done.stdout), expected.tables if table is None else [table],
                                  window, keeps)
        good += same or (number == 0 and not expected_any(expected, table, window, keeps))
        values += number
    # A window of few may have none: other recordings and the checks above have thousands.
    check(good == count and (values > 0 or count < 4), "%d of %d windows, selections and tables: %d values" % (good, count, values))


def expected_any(expected, table, window, keeps):
    return any(expected.tracks(name, window, keeps) for name in (expected.tables if table is None else [table]))


def nested(events):
    """[(begin, end, depth, name, notes)] in order of their begin."""
    done, stack = [], []
    for ns, kind, name, notes in events:
        if kind == TYPE_SLICE_BEGIN:
            stack.append(len(done))
            done.append([ns, None, len(stack), name, notes])
        elif kind == TYPE_SLICE_END:
            done[stack.pop()][1] = ns
    return [tuple(one) for one in done] if not stack else None


def processes(path, truth, expected, trace):
    """A track a life, with what it was called; its life and its names are slices."""
    rows = expected.processes
    found = {uuid >> 1: track["process"] for uuid, track in trace.tracks.items() if "process" in track}
    check(found.keys() == rows.keys() and len({track["pid"] for track in found.values()}) < len(found),
          "%d processes, some with the pid of another" % len(found))
    wrong = []
    versions = collections.defaultdict(list)
    for row in table_of(path, "process_version"):
        versions[int(row["process_id"])].append(row)
    for number, row in rows.items():
        told = {"pid": int(row["pid"]), "start_timestamp_ns": int(row["start_ns"]), "process_name": row["comm"]}
        if row["cmdline"]:
            told["cmdline"] = [row["cmdline"]]
        life = expected.lives[number]
        begin = max(life.start_ns, truth.ns[0])
        end = truth.ns[life.last] if life.end_ns is None or not row["end_ns"] else max(begin, int(row["end_ns"]))
        slices = nested(trace.events[number << 1 | 1])
        if found[number] != told or slices is None or slices[0][:4] != (begin, end, 1, row["comm"]):
            wrong.append((found[number], told, slices, begin, end))
            continue
        names = [(max(int(v["from_ns"]), begin) if n else begin, v["comm"]) for n, v in enumerate(versions[number])]
        if len(names) == 1:
            names = []
        if [(s[0], s[3]) for s in slices[1:]] != names or [s[1] for s in slices[1:]] != [
                ns for ns, _ in names[1:]] + [end] * bool(names) or any(s[2] != 2 for s in slices[1:]):
            wrong.append((slices, names))
        for key, text in slices[0][4].items():
            if key in row and row[key] != str(text):
                wrong.append((key, text, row[key]))
    check(not wrong, "what each was called, and when it lived %r" % wrong[:1])


def others(path, truth, trace):
    """Events, gaps and clocks."""
    tracks = {track["name"]: uuid for uuid, track in trace.tracks.items() if "name" in track}
    wanted = [(int(row["time_ns"]), TYPE_INSTANT, row["kind"],
               {"detail": row["detail"], **{name: int(row[name]) for name in
                                            ("value", "duration_ns", "event_id", "session_id")}})
              for row in table_of(path, "event")]
    check(trace.events[tracks["events"]] == wanted and wanted, "%d events" % len(wanted))
    gaps = [(truth.ns[i - 1], truth.ns[i]) for i in range(1, len(truth.ns)) if truth.breaks[i] != truth.breaks[i - 1]]
    found = nested(trace.events[tracks["gaps"]])
    check([one[:2] for one in found] == gaps, "gaps: %s" % [one[3] for one in found])
    sessions = table_of(path, "session")
    pairs = [(int(row["start_ns"]), int(row["boot_start_ns"])) for row in sessions
             if row["boot_id"] == sessions[0]["boot_id"]]
    check(trace.snapshots == pairs, "the boot clock of %d sessions" % len(pairs))


class Seen:
    """What there is to know of a real recording without a generator: its ticks, and the gaps as the trace has them."""

    def __init__(self, path, trace):
        times = {int(row["time_ns"]) for table in ("recorder_samples", "cpu_samples", "process_samples")
                 for row in table_of(path, table)}
        self.ns = sorted(times)
        gaps = [one[1] for uuid, track in trace.tracks.items() if track.get("name") == "gaps"
                for one in nested(trace.events[uuid])]
        self.breaks = [bisect.bisect_right(gaps, ns) for ns in self.ns]
        self.processes = {}
        for row in table_of(path, "process"):
            life = Life(int(row["pid"]), int(row["start_ns"]))
            self.processes[int(row["process_id"])] = life


class Life:
    def __init__(self, pid, start_ns):
        self.pid, self.start_ns, self.end_ns, self.born = pid, start_ns, None, False


def real(work):
    """All tables of this host; of processes and entities those that were there all the time."""
    path = work + "/real.pscope"
    subprocess.run([programs.RECORDER, "-o", path, "-i", "100ms", "-d", "4s"], check=True, capture_output=True)
    trace = trace_of(path)
    seen = Seen(path, trace)
    expected = Expected(path, seen)
    tick_count = collections.Counter(row["process_id"] for row in table_of(path, "process_samples"))
    full = {int(key) for key, count in tick_count.items() if count == len(seen.ns) and
            expected.processes[int(key)]["end_ns"] == ""}
    labels = collections.Counter(row["label"] for row in table_of(path, "entity"))
    labels.update(row["label"] for row in table_of(path, "entity") if row["last_ns"])
    window, found, wrong, values = (seen.ns[0] - 1, seen.ns[-1]), trace.by_name(once=False), [], 0
    for table in expected.tables:
        for key, (unit, events) in expected.tracks(table, window).items():
            label = re.search(r" \[(.*)\]$", key[1])
            if key[0] is not None and key[0] not in full or label is not None and labels[label[1]] > 1:
                continue  # two of one label cannot be told apart
            values += len(events)
            if key not in found or trace.counters[found[key]] != events or \
                    trace.tracks[found[key]]["counter"] != unit:
                wrong.append((table, key, trace.counters.get(found.get(key), [])[:6], events[:6]))
    check(not wrong and values > 1000, "%d values of this host, %d processes: %r" % (values, len(full), wrong[:2]))


# --- what else can happen ------------------------------------------------------------------------

def hostile(work):
    """Names and arguments that are no text."""
    path = work + "/hostile.pscope"
    name, argument = b"a\xff\n\x1b[3\xc2\x9bm\xe2\x80\xae", b"\x80\xf0\x9f\x90\x8d\x01"
    order = "name " + "".join("\\x%02x" % byte for byte in name) + " wait"
    load = programs.Load(order, [b"load", argument])
    deadline = time.monotonic() + 60
    with open("/proc/%d/comm" % load.pid, "rb") as comm:
        while comm.read() != name + b"\n" and time.monotonic() < deadline:
            time.sleep(0.01)
            comm.seek(0)
    recorder = programs.Recorder(path, "-i", "100ms")
    try:
        subprocess.run([ANALYZER, "mark", path, " \\ caf\u00e9 \U0001f40d"], check=True)
        subprocess.run([ANALYZER, "flush", path], check=True)
    finally:
        recorder.stop()
        load.end()
    trace = trace_of(path)
    row = next(row for row in table_of(path, "process") if int(row["pid"]) == load.pid)
    track = trace.tracks[int(row["process_id"]) << 1 | 1]["process"]
    check(track["process_name"].encode() == rb"a\xff\x0a\x1b[3\xc2\x9bm\xe2\x80\xae" and track["cmdline"][0].endswith(
        "\\x80\U0001f40d\\x01"), "a name that is no text: %r %r" % (track["process_name"], track["cmdline"]))
    marks = [event for events in trace.events.values() for event in events if event[2] == "mark"]
    check(len(marks) == 1 and marks[0][3]["detail"] == " \\\\ caf\u00e9 \U0001f40d", "a mark: %r" % marks)


def no_space():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


def full_disk(path, work):
    """A part of a trace or of metrics is of no use: nothing stays, and what was wrong is said."""
    for kind in ("perfetto", "openmetrics"):
        out = work + "/out." + kind
        with open(out, "w", encoding="utf-8") as file:
            file.write("of before")
        done = subprocess.run([ANALYZER, "export", path, "--format", kind, "-o", out], capture_output=True,
                              check=False, preexec_fn=no_space)
        check(done.returncode == 1 and b"File too large" in done.stderr and done.stderr.count(b"\n") == 1 and
              not os.path.exists(out), "%s beyond the limit of a file: %r" % (kind, done.stderr))
        done = subprocess.run([ANALYZER, "export", path, "--format", kind, "-o", "/dev/full"], capture_output=True,
                              check=False)
        check(done.returncode == 1 and b"No space left" in done.stderr and os.path.exists("/dev/full"),
              "%s to a full disk: %r" % (kind, done.stderr))
        os.symlink(out + ".real", out + ".link")
        done = subprocess.run([ANALYZER, "export", path, "--format", kind, "-o", out + ".link"], check=False,
                              preexec_fn=no_space, capture_output=True)
        check(done.returncode == 1 and os.path.getsize(out + ".real") == 0, "%s by a link: it is empty" % kind)


def refused(path, work):
    for options in (["--columns", "cpu_ns_total"], ["--table", "event"], ["--list"], ["--missing-reasons"],
                    ["--table", "process_samples_60"], ["--table", "cpu_samples", "--pid", "1"],
                    ["--table", "cpu_samples", "--columns", "no"]):
        done = subprocess.run([ANALYZER, "export", path, "--format", "perfetto", *options, "-o", work + "/no"],
                              capture_output=True, check=False)
        check(done.returncode == 2 and done.stderr and not os.path.exists(work + "/no"),
              "refused: %s: %r" % (options, done.stderr))
    done = subprocess.run([ANALYZER, "export", path, "--format", "perfetto", "-o", path], capture_output=True,
                          check=False)
    check(done.returncode == 2 and os.path.getsize(path) > 0, "not over the recording itself")


def damaged(path, work):
    """A block that is damaged is left out; the rest is there, and the exit status says so."""
    copy, out = work + "/damaged.pscope", work + "/damaged.trace"
    shutil.copy(path, copy)
    subprocess.run([sys.executable, "-c", "import sqlite3,sys\nd=sqlite3.connect(sys.argv[1])\n"
                    "d.execute('UPDATE process_samples_chunk SET data = zeroblob(length(data)) WHERE id ="
                    " (SELECT max(id) FROM process_samples_chunk)')\nd.commit()", copy], check=True)
    done = subprocess.run([ANALYZER, "export", copy, "--format", "perfetto", "-o", out], capture_output=True,
                          check=False)
    check(done.returncode == 3 and b"left out" in done.stderr, "damaged: %r" % done.stderr)
    with open(out, "rb") as file:
        check(len(Trace(file.read()).counters) > 20, "the rest of a damaged recording is there")


def in_trace_processor(path, work, trace):
    program = next((found for name in ("trace_processor_shell", "trace_processor") if (found := shutil.which(name))),
                   None)
    if program is None:
        print("SKIP: neither trace_processor_shell nor trace_processor is installed: nobody but this test read a trace")
        return
    programs.analyze("export", path, "--format", "perfetto", "-o", work + "/r.perfetto-trace")
    with open(work + "/count.sql", "w", encoding="utf-8") as file:
        file.write("SELECT (SELECT count(*) FROM counter) AS counters, (SELECT count(*) FROM slice) AS slices,"
                   " (SELECT count(*) FROM stats WHERE severity IN ('error', 'data_loss') AND value > 0) AS wrong;\n")
    done = subprocess.run([program, "-q", work + "/count.sql", work + "/r.perfetto-trace"], capture_output=True,
                          check=False, timeout=300)
    slices = sum(kind in (TYPE_SLICE_BEGIN, TYPE_INSTANT) for events in trace.events.values()
                 for _, kind, *_ in events)
    wanted = "%d,%d,0" % (sum(map(len, trace.counters.values())), slices)
    check(done.returncode == 0 and wanted in done.stdout.decode(), "trace_processor: %r, not %s" % (done.stdout, wanted))


def main():
    programs.need_programs()
    rounds = int(os.environ.get("PROCSCOPE_WINDOWS", "4"))
    with programs.work_directory() as work:
        for name, options in RECORDINGS.items():
            path, directory = work + "/" + name + ".pscope", work + "/" + name
            subprocess.run([BUILD + "/make_recording", path, *options.split(), "--truth", directory], check=True,
                           stdout=subprocess.DEVNULL)
            truth = check_truth.Truth(directory)
            expected = Expected(path, truth)
            trace = trace_of(path)
            counters(path, truth, expected)
            processes(path, truth, expected, trace)
            others(path, truth, trace)
            windows(path, truth, expected, rounds)
        path = work + "/broken.pscope"
        in_trace_processor(path, work, trace_of(path))
        full_disk(path, work)
        refused(path, work)
        damaged(path, work)
        real(work)
        if os.access(LOAD, os.X_OK):
            hostile(work)
    programs.finish()


main()
