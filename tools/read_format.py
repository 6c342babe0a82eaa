#!/usr/bin/env python3
"""The stranger that proves schema/FORMAT.md: reads a recording with nothing but its knowledge.

    read_format.py FILE TABLE [--missing-reasons]     rows as CSV

TABLE: NAME, NAME_60 or NAME_3600 of samples; process, process_version, process_lifetime; or rows as
stored. Sections and words are those of FORMAT.md; what only rates of ticks need is passed over.
"""
import io
import pathlib
import re
import sqlite3
import subprocess
import sys
from functools import reduce
from itertools import accumulate, islice, zip_longest
from types import SimpleNamespace as Record

REASONS = [None, *"not permitted,not there,unsupported,failed,not sampled,exited,damaged".split(",")]
UNSUPPORTED, NOT_SAMPLED, EXITED = 3, 5, 6
FIRST, BORN, ENDED, YOUNG, TOLD, REFERRED = 1, 2, 4, 8, 16, 32  # flags of a series
LEVELS = {0: "", 60: "_60", 3600: "_3600"}
PARTS = {"counter": 4, "gauge": 6, "state": 2}
FIGURES = {"counter": ["last", "covered_ns", "rate_max", "rate_max_at_ns"],
           "gauge": ["last", "covered_ns", "min", "max", "sum"], "state": ["last", "covered_ns"]}
CRC_TABLE = [reduce(lambda c, _: c >> 1 ^ 0x82f63b78 * (c & 1), range(8), byte) for byte in range(256)]

def wrap(value, bits=64):
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
def unzigzag(value):
    return value >> 1 ^ -(value & 1)

def crc32c(data):
    crc = reduce(lambda crc, byte: CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8, data, 0xffffffff)
    return (crc ^ 0xffffffff).to_bytes(4, "little")

class Cursor(io.BytesIO):
    """Fields, consumed one after the other (sections 2 and 10)."""
    def take(self, size):
        data = self.read(size)
        assert len(data) == size, "a field ends too early"
        return data
    def varint(self):
        byte = self.take(1)[0]
        return byte if byte < 128 else byte - 128 + (self.varint() << 7)
    def fields(self, kinds):
        """One per letter: u8, varint, zigzag."""
        values = (self.take(1)[0] if kind == "u" else self.varint() for kind in kinds)
        return [unzigzag(value) if kind == "z" else value for kind, value in zip(kinds, values)]
    def bits(self, count):
        bitmap = int.from_bytes(self.take((count + 7) // 8), "little")
        return [i for i in range(count) if bitmap >> i & 1]
    def skips(self, count):
        return [n + i for i, n in enumerate(accumulate(self.fields("v" * count)))]
    def planes(self, count):
        sizes = [n for pair in self.take((count + 1) // 2) for n in (pair & 15, pair >> 4)][:count]
        planes = [iter(self.take(sum(size > byte for size in sizes))) for byte in range(8)]
        return [unzigzag(sum(next(plane) << 8 * byte for byte, plane in enumerate(planes[:size])))
                for size in sizes]
    def plane_rows(self, count, kinds):
        """A column per letter: planes as they are (p), or differences to the row before (d)."""
        columns = [(accumulate if kind == "d" else iter)(self.planes(count)) for kind in kinds]
        return list(zip(*columns)) if kinds else [()] * count

def unpack(frames):
    """What frames hold, one after the other. A plain one becomes a raw block of zstd (RFC 8878)."""
    for i, frame in enumerate(frames):
        if frame[:1] == b"\0":
            assert crc32c(frame[1:-4]) == frame[-4:], "crc of a plain frame"
            head = b"\x28\xb5\x2f\xfd\0\x58" + (len(frame) - 5 << 3 | 1).to_bytes(3, "little")
            frames[i] = head + frame[1:-4]
    order, packed = ["zstd", "-dc"], b"".join(frames)
    return Cursor(subprocess.run(order, input=packed, capture_output=True, check=any(frames)).stdout)

def contents(table, level, table_id, block_seq, begin=0, end=2048):
    """What chunks hold, one after the other; and of each the sizes of its frames (section 9)."""
    frames, sizes, first = [], {}, block_seq * 4096
    for chunk_id, data in db.execute(f"SELECT * FROM {table} WHERE id >= ? AND id < ? ORDER BY id",
                                     [first + begin, first + end]):
        c, place = Cursor(data), [[*LEVELS].index(level), table_id, block_seq, chunk_id - first]
        codec, *header, size, count = c.fields("uuvvvvv")
        sizes[chunk_id - first] = [size, *c.fields("v" * count)]
        sizes["parted"] = sizes.get("parted", codec == 2)
        crc, found = crc32c(data[:c.tell()]), c.take(4)
        assert header == place and found == crc, f"header of {table} {chunk_id}"
        assert codec == 1 or codec == 2 and chunk_id == first, f"codec of {table} {chunk_id}"
        frames += [c.take(size) for size in sizes[chunk_id - first]]
        assert not c.read(), f"end of {table} {chunk_id}"
    return unpack(frames), sizes

def cell_names(metric, level):
    return [f"{metric.name}.{cell}" for cell in FIGURES[metric.kind]] if level else [metric.name]
def figures(metric, part, covered=0, before=0, ticks=()):
    """The value of a sample, or the figures of a window (section 14)."""
    part, labels = [wrap(value) for value in part], dict(enumerate(metric.labels.split(",")))
    found = [labels.get(part[0], part[0]) if metric.kind == "state" else part[0] * metric.scale]
    if len(part) > 1:
        found.append(covered := wrap(covered - part[1]))
    if len(part) == 6:
        total = wrap((part[5] << 64) + part[4] + part[0] * covered, 128)
        found += [n * metric.scale for n in (wrap(part[0] - part[2]), wrap(part[0] + part[3]), total)]
    if len(part) == 4:
        growth = max(wrap(part[0] - before), 0) * 10**9
        rate = wrap(part[2] + (min(growth // covered, 2**63 - 1) if covered > 0 else 0))
        found += [rate * metric.scale, ticks[part[3]] if ticks and rate else part[3] * 10**6]
    return found

def sample_row(table, level, start, windows):
    """windows: of each metric missing reason, parts, covered ns, part 0 before, ticks."""
    cells = [[None] * len(cell_names(metric, level)) if reason else figures(metric, *window)
             for metric, (reason, *window) in zip(table.metrics, windows)]
    reasons = [REASONS[reason] if reason < len(REASONS) else reason for reason, *_ in windows]
    return [*start, *sum(cells, []), *reasons]

def read_samples(table, level, block):
    """Rows of the samples of a table in a block (section 11)."""
    place = table.name + "_chunk" + LEVELS[level], level, table.table_id
    c, sizes = contents(*place, block.block_seq)
    if not sizes:
        return
    metric_count, tick_count, all_ticks = c.fields("vvu")
    times = block.times if all_ticks else [block.times[i] for i in c.skips(tick_count)]
    masks = c.fields("v" * tick_count) if c.take(1)[0] else [-1] + [0] * (tick_count - 1)
    masks = [mask | -1 << metric_count for mask in accumulate(masks, int.__xor__)]
    c.fields("v" * metric_count)  # previous_ns
    covered = [[*accumulate(c.fields("z" * metric_count * (level > 0))), *[0] * 60] for _ in times]
    widths = [PARTS[metric.kind] if level else 1 for metric in table.metrics]
    states, (reference, n) = iter(c.take(sum(widths[:metric_count]))), c.fields("vv")
    first_part = c.varint() if sizes["parted"] else n
    told_of, every, referred = [], [], {}
    for part in (first_part, n - first_part):
        keys, flags, spans = c.plane_rows(part, "d" * len(table.keys)), c.take(part), c.plane_rows(part, "dp")
        own = [flag for flag in flags if not flag & TOLD]  # each with its start_ns, end_ns
        c.fields("z" * sum(bool(flag & (BORN | YOUNG)) + bool(flag & ENDED) for flag in own))
        told_of += zip(keys, flags, spans, c.take(part))
    for key, flag, (first, more), activity in told_of:
        told = lifetimes[block.block_seq, key[0]] if flag & TOLD else None
        count = more + (not told)
        active = (range(count * activity) if activity < 2 else
                  c.bits(count) if activity == 2 else c.skips(c.varint()))
        every.append(Record(key=key, flag=flag, first=first, last=first + more, count=count,
                            active=active, told=told))
    if reference:
        r, _ = contents(*place, block.block_seq + 1 - reference, begin=2048, end=4096)
        count = r.varint()
        listed, has = r.plane_rows(count, "d" * len(table.keys)), r.take(metric_count)
        referred = {8 * p + 8: dict(zip(listed, r.planes(count))) for p in range(metric_count) if has[p]}
    tracks = [zip(*[read_column(c, p, table.metrics[p].kind, next(states, 2 + UNSUPPORTED),
                                sizes.get(column, [0])[1:], every, referred.get(column, {}))
                    for column in range(8 * p + 8, 8 * p + 8 + width)])
              for p, width in enumerate(widths)]
    assert not c.read(), f"end of {place} {block.block_seq}"
    samples = ((series, i) for series in every for i in range(series.first, series.last + 1))
    for (series, i), *columns in zip(samples, *tracks):
        whole = (series.flag & FIRST and i == series.first or series.flag & ENDED and i == series.last)
        windows = [(parts[0][0] if whole or masks[i] >> p & 1 else NOT_SAMPLED,
                    [value for _, value, _ in parts], covered[i][p], parts[0][2])
                   for p, parts in enumerate(columns)]
        yield sample_row(table, level, [times[i], *series.key], windows)

def read_column(c, p, kind, state, groups, every, referred):
    """(missing reason, value, value before) of all samples of all series (section 12)."""
    n, track, longest = len(every), [], max(series.count for series in every)
    bases, changes, pattern_of = [0] * n, [{}] * n, [0] * n
    patterns = [[max(state - 2, 0)] * longest]
    if state == 0:
        has, bases = c.take(1)[0], c.planes(n)
        for _ in range(c.varint() if has & 1 else 0):
            runs = [c.fields("vvu") for _ in range(c.varint())]
            runs = [[0] * skipped + [reason] * size for skipped, size, reason in runs]
            patterns.append(sum(runs, []) or [c.take(1)[0]] * longest)
        pattern_of = c.fields("v" * n) if has & 1 else pattern_of
        c.fields("vv" * c.varint() if has & 2 else "")  # `known`
        for g, size in enumerate(groups):
            members = [s for s in range(n)[64 * g:64 * g + 64] if size and every[s].active]
            changed = [members[i] for i in c.bits(len(members))]
            values = iter(c.planes(sum(len(every[s].active) for s in changed)))
            for s in changed:
                changes[s] = dict(zip(every[s].active, values))
    for series, base, change, pattern in zip(every, bases, changes, pattern_of):
        reason, last, *_ = series.told[p] if series.told else (0, [0])
        base += referred.get(series.key, 0) if series.flag & REFERRED else 0
        base += last[0] if kind != "counter" else 0
        values = list(accumulate([base, *(change.get(i, 0) for i in range(series.count))]))
        track += zip([*patterns[pattern], *[0] * series.count], values[1:], values)
        if series.told:
            track.append((reason if reason or kind == "counter" else EXITED, last[0], 0))
    return track

def read_lifetimes(block_seq, times):
    """Processes that lived in one block, what they are called, and their metrics (section 15)."""
    c, sizes = contents("process_lifetime_chunk", 0, 65534, block_seq)
    if not sizes:
        return
    strings, _ = contents("string_chunk", 0, 65535, block_seq)
    texts = [None, *(strings.take(size) for size in strings.fields("v" * strings.varint()))]
    n, metric_count = c.fields("vv")
    states, unit, rows = c.take(metric_count), c.varint(), c.plane_rows(n, "dddpdpppppp")
    versions, metrics = iter(c.plane_rows(c.varint(), "p" * 11)), []
    for metric, state in zip_longest(tables["process_samples"].metrics, states, fillvalue=2 + UNSUPPORTED):
        in_ticks, reasons, parts = 0, [max(state - 2, 0)] * n, [[0] * PARTS[metric.kind]] * n
        if state == 0:
            in_ticks, reasons, parts = c.take(1)[0], c.take(n), c.plane_rows(n, "p" * PARTS[metric.kind])
        metrics.append((metric.kind == "counter", state, in_ticks, reasons, parts))
    assert not c.read() and not strings.read(), f"end of lifetimes {block_seq}"
    for i, (process_id, session_id, pid, ppid, start_ticks, start, life, *rest) in enumerate(rows):
        start, version_count = start + start_ticks * 10**7, rest.pop()
        end = start + (life - (life > 0)) * unit if life else None
        begin, stop = (sum(time < limit for time in times) for limit in (start, end or 2**63))
        seen, windows = times[stop - 1] - start if begin < stop else 0, []
        ticks = [time - times[0] for time in times[begin:]]
        for counter, state, in_ticks, reasons, parts in metrics:
            reason, part = reasons[i], list(parts[i])
            covered = max(end - start, 10**6) if counter and life else seen
            reason ^= EXITED if life and begin >= stop and state == 0 and not counter else 0
            if in_ticks:
                until = times[stop - 1 - part[1] // 2] if part[1] % 2 == 0 else 0
                part[1] = start + covered - until if until else (part[1] - 1) // 2
            windows.append((reason, part, covered, 0, ticks))
        lifetimes[block_seq, process_id] = windows
        processes[process_id] = [process_id, session_id, pid, ppid, start_ticks, start, end, *rest]
        for from_ns, uid, length, hashed, *numbers in islice(versions, version_count):
            names, from_ns = [texts[number] for number in numbers], start + from_ns
            row = [from_ns, uid - 1 if uid else None, *names, length + len(names[2] or b""), hashed]
            called.setdefault(process_id, {})[from_ns] = row

def open_recording(path):
    beside = any(pathlib.Path(path + end).exists() for end in ("-shm", "-wal"))
    uri = pathlib.Path(path).absolute().as_uri() + ("?mode=ro" if beside else "?immutable=1")
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    return connection

def stored_rows(table, order=""):
    cursor = db.execute(f"SELECT * FROM {table} {order}")
    return [[column[0] for column in cursor.description], *map(list, cursor)]
def records(table, order):
    names, *rows = stored_rows(table, order)
    return [Record(**dict(zip(names, row))) for row in rows]

def read_rows():
    """Samples tables, what is told of processes, and the axes of blocks (sections 4 and 8)."""
    metrics = records("metric", "ORDER BY position")
    for table in records("samples_table", "ORDER BY table_id"):
        table.metrics = [metric for metric in metrics if metric.table_id == table.table_id]
        table.keys = [kind for kind in (table.key0, table.key1) if kind != "none"]
        table.tail, tables[table.name] = [], table
    processes.update((row[0], row[:10]) for row in stored_rows("process")[1:])
    for version_id, *row, _ in stored_rows("process_version", "ORDER BY version_id")[1:]:
        called.setdefault(version_id // 1024, {})[row[0]] = row
    for block in records("block", "ORDER BY level, block_seq"):
        c = Cursor(block.ticks)
        first, *steps = c.fields("z" * c.varint())
        block.times = list(accumulate([first, *accumulate(steps)]))
        blocks.append(block)
        if block.level == 0:
            read_lifetimes(block.block_seq, block.times)

def sample_rows(table, level):
    yield ["time_ns", *("process_id" if kind == "process" else "entity_id" for kind in table.keys),
           *(name for metric in table.metrics for name in cell_names(metric, level)),
           *(metric.name + "__missing" for metric in table.metrics)]
    for block in blocks:
        yield from read_samples(table, level, block) if block.level == level else []
    yield from table.tail if level == 0 else []

def table_rows(name):
    """Names of columns, then rows."""
    for table, level in [(table, level) for table in tables.values() for level in LEVELS]:
        if name == table.name + LEVELS[level]:
            return sample_rows(table, level)
    names, *rows = stored_rows("process" if name == "process_lifetime" else name)
    if name == "process":
        rows = [[*row, len(called.get(row[0], []))] for _, row in sorted(processes.items())]
    if name == "process_version":
        names = ["process_id", "version", *names[1:]]
        rows = [[process_id, number, *row] for process_id, versions in sorted(called.items())
                for number, row in enumerate(versions.values())]
    if name == "process_lifetime":
        table = tables["process_samples"]
        names = ["block_seq", *names[:10], *sum((cell_names(m, 60) for m in table.metrics), [])]
        rows = [sample_row(table, 60, [block_seq, *processes[process_id]], windows)
                for (block_seq, process_id), windows in lifetimes.items()]
    return [names, *rows]

def csv_cell(value):
    if isinstance(value, str):  # any bytes, too: what an event tells may name a process
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        value = value.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
        value = re.sub("[\0-\x1f\x7f-\x9f]",
                       lambda found: "".join("\\x%02x" % b for b in found[0].encode()), value)
        return '"%s"' % value.replace('"', '""') if not value or re.search('[",]', value) else value
    return "" if value is None else str(value)

def write(names, *rows):
    shown = [i for i, name in enumerate(names)
             if "--missing-reasons" in sys.argv or not name.endswith("__missing")]
    for row in [names, *rows]:
        sys.stdout.write(",".join(csv_cell(row[i]) for i in shown if i < len(row)) + "\r\n")

tables, blocks, processes, called, lifetimes = {}, [], {}, {}, {}
if __name__ == "__main__":
    db = open_recording(sys.argv[1])
    read_rows()
    write(*table_rows(sys.argv[2]))
