#!/usr/bin/env python3
"""The stranger that proves schema/FORMAT.md: reads a recording with nothing but that page's knowledge.

    read_format.py FILE TABLE [--missing-reasons]     rows as CSV
    read_format.py FILE --check                       damage, a line each; exit code 1 if there is any

TABLE: a samples table as NAME, NAME_60 or NAME_3600; process, process_version, process_lifetime; or a
table of rows, as stored. Samples are stored value x scale; an empty cell is missing or NULL. The tail
is read as samples of the last block. Words are those of FORMAT.md, "section" is one of it.
"""
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
from itertools import accumulate
from types import SimpleNamespace as Record

REASONS = [None, "not permitted", "not there", "unsupported", "failed", "not sampled", "exited"]
UNSUPPORTED, NOT_SAMPLED = 3, 5
FIRST, BORN, ENDED, YOUNG = 1, 2, 4, 8
LEVELS, LIFETIMES, STRINGS = (0, 60, 3600), 65534, 65535
PARTS = {"counter": ["last", "covered_ns", "rate_max", "rate_max_at_ns"], "state": ["last", "covered_ns"],
         "gauge": ["last", "covered_ns", "min", "max", "sum"]}
PART_COUNT = {"counter": 4, "gauge": 6, "state": 2}
PROCESS = ["session_id", "pid", "ppid", "start_ticks", "start_ns", "end_ns", "exit_code", "how", "flags"]
TEXTS = ["comm", "exe", "cmdline", "cwd", "cgroup", "container", "user"]
VERSION = ["from_ns", "uid", "cmdline_length", "cmdline_hash", *TEXTS]

class Damage(Exception):
    """Something that fails a check of section 18."""

# --- integers, checksums, frames: sections 2, 5 and 10 -------------------------------------------

def wrap(value, bits=64):
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)

def unzigzag(value):
    return value >> 1 ^ -(value & 1)

def crc_step(crc):
    return crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)

CRC_TABLE = [list(accumulate(range(8), lambda crc, _: crc_step(crc), initial=i))[8] for i in range(256)]

def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xffffffff

def row_crc(name, row):
    data = name.encode()
    for v in row:
        if v is None or isinstance(v, int):
            data += b"\5" if v is None else b"\1" + v.to_bytes(8, "little", signed=True)
        else:
            text = v.encode("utf-8", "surrogateescape") if isinstance(v, str) else v
            data += (b"\3" if isinstance(v, str) else b"\4") + len(text).to_bytes(4, "little") + text
    return crc32c(data)

class Cursor:
    """A field, consumed from its front."""
    def __init__(self, data):
        self.data, self.at = data, 0
    def take(self, size):
        self.at += size
        if self.at > len(self.data):
            raise Damage("a field ends too early")
        return self.data[self.at - size:self.at]
    def end(self):
        if self.at != len(self.data):
            raise Damage("bytes are left at the end of a field")
    def u8(self):
        return self.take(1)[0]
    def u32(self):
        return int.from_bytes(self.take(4), "little")
    def varint(self):
        value = shift = 0
        while (byte := self.u8()) > 127 and shift < 63:
            value, shift = value | (byte & 127) << shift, shift + 7
        return value | byte << shift
    def zigzag(self):
        return unzigzag(self.varint())
    def time(self, near):
        value = self.varint()
        return wrap(near + unzigzag(value - 1)) if value else None
    def text(self):
        size = self.varint()
        return self.take(size - 1) if size else None
    def varints(self, count):
        return [self.varint() for _ in range(count)]
    def sums(self, count):
        """Zigzags, each the difference to the one before."""
        return [wrap(v) for v in accumulate(self.zigzag() for _ in range(count))]
    def skips(self, count):
        """Ascending indexes, each as the number of those skipped."""
        return [v - 1 for v in accumulate(self.varint() + 1 for _ in range(count))]
    def bits(self, count):
        data = self.take((count + 7) // 8)
        return [i for i in range(count) if data[i >> 3] >> (i & 7) & 1]
    def planes(self, count):
        nibbles = self.take((count + 1) // 2)
        sizes = [nibbles[i >> 1] >> 4 * (i & 1) & 15 for i in range(count)]
        values, longer = [0] * count, range(count)
        for byte in range(8):
            longer = [i for i in longer if sizes[i] > byte]
            for i, plane in zip(longer, self.take(len(longer))):
                values[i] |= plane << 8 * byte
        return [unzigzag(value) for value in values]

def content_size(frame):
    """RFC 8878, section 3.1.1."""
    size, at = (1, 2, 4, 8)[frame[4] >> 6], 6 - (frame[4] >> 5 & 1)
    return int.from_bytes(frame[at:at + size], "little") + (256 if size == 2 else 0)

def decompress(frames):
    """All at once: frames may follow each other. What has no frame (b"") has no content."""
    sizes = [content_size(frame) if frame else 0 for frame in frames]
    done = subprocess.run(["zstd", "-dc"], input=b"".join(frames), capture_output=True, check=False)
    if any(sizes) and (done.returncode or len(done.stdout) != sum(sizes)):
        raise Damage("zstd: " + done.stderr.decode(errors="replace").strip())
    cursor = Cursor(done.stdout)
    return [cursor.take(size) for size in sizes]

# --- chunks, directories, columns: sections 9, 11 and 12 -----------------------------------------

def chunk_frames(data, place):
    """The base frame, then those of the groups. place: what the chunk's row says."""
    c = Cursor(data)
    codec, found = c.u8(), (LEVELS[c.u8()], *c.varints(3))
    sizes = c.varints(1)
    sizes += c.varints(c.varint())
    if crc32c(data[:c.at]) != c.u32() or found != place or codec != 1:
        raise Damage("a wrong header, or a codec that is not known")
    frames = [c.take(size) for size in sizes]
    c.end()
    return frames

def read_directory(frames, block, table):
    """What a table has in a block: times, covered_ns, series. What only rates need is passed over."""
    c, groups, d = Cursor(frames[0]), [Cursor(frame) for frame in frames[1:]], Record()
    metric_count, count = c.varints(2)
    d.times = block.times if c.u8() else [block.times[i] for i in c.skips(count)]
    masks = list(accumulate(c.varints(count), int.__xor__)) if c.u8() else [-1] * count
    c.varints(metric_count)  # previous_ns
    d.covered = [c.sums(metric_count) for _ in range(count if block.level else 0)]
    d.state = {column: c.u8() for column in table.columns(block.level)[:metric_count] for column in column}
    n = c.varint()
    keys = [c.sums(n) for _ in range(table.key_count)]
    flags, first, after = c.take(n), c.varints(n), c.varints(n)
    for flag in flags:
        c.varints(bool(flag & (BORN | YOUNG)) + bool(flag & ENDED))  # start_ns, end_ns
    d.series = []
    for s, activity in enumerate(c.take(n)):
        length = count - first[s] - after[s]
        active = groups[s // 64].bits(length) if activity == 2 else range(length * activity)
        d.series.append(Record(keys=[key[s] for key in keys], flags=flags[s], first=first[s], columns={},
                               count=length, active=active, masks=masks[first[s]:first[s] + length]))
    for field in (c, *groups):
        field.end()
    return d

def read_patterns(c):
    for _ in range(c.varint()):
        runs, end = [], 0
        for _ in range(c.varint()):
            begin = end + c.varint()
            end = begin + c.varint()
            runs.append((begin, end, c.u8()))
        yield runs or [(0, None, c.u8())]

def read_column(frames, every):
    """(base, values, missing reasons) of each of the directory's series."""
    c = Cursor(frames[0])
    has, bases, patterns, pattern_of = c.u8(), c.sums(len(every)), [[]], [0] * len(every)
    if has & 1:
        patterns, pattern_of = [[], *read_patterns(c)], c.varints(len(every))
    c.varints(2 * c.varint() if has & 2 else 0)  # `known`: only rates need it
    c.end()
    steps = [[0] * series.count for series in every]
    for g, frame in enumerate(frames[1:]):
        members = [s for s in range(64 * g, min(64 * g + 64, len(every))) if every[s].active]
        c = Cursor(frame)
        changed = [members[i] for i in c.bits(len(members))] if frame else []
        changes = iter(c.planes(sum(len(every[s].active) for s in changed)))
        for s in changed:
            for i in every[s].active:
                steps[s][i] = next(changes)
        c.end()
    for s, series in enumerate(every):
        reasons = [0] * series.count
        for begin, end, reason in patterns[pattern_of[s]]:
            reasons[begin:end] = [reason] * len(reasons[begin:end])
        yield bases[s], [wrap(v) for v in accumulate(steps[s], initial=bases[s])][1:], reasons

def hide_not_read(series):
    """Section 11: which metrics were read at which samples."""
    for i, mask in enumerate(series.masks):
        if not (i == 0 and series.flags & FIRST or i == series.count - 1 and series.flags & ENDED):
            for column, (_, _, reasons) in series.columns.items():
                if not mask >> column // 8 - 1 & 1:
                    reasons[i] = NOT_SAMPLED

# --- what samples mean: sections 7, 14 and 15 ----------------------------------------------------

def level0_cell(metric, value):
    labels = metric.labels.split(",") if metric.kind == "state" else []
    return labels[value] if 0 <= value < len(labels) else value * metric.scale

def figures(metric, part, covered, before):
    """The parts of a metric in a window, as PARTS names them."""
    last, covered = level0_cell(metric, part[0]), wrap(covered - part[1])
    if metric.kind == "state":
        return [last, covered]
    if metric.kind == "gauge":
        total = wrap((part[5] << 64) + part[4] + part[0] * covered, 128)
        return [last, covered, *((v * metric.scale) for v in (part[0] - part[2], part[0] + part[3], total))]
    increase = wrap(part[0] - before)
    rate = min(increase * 10**9 // covered, 2**63 - 1) if increase > 0 and covered > 0 else 0
    return [last, covered, wrap(part[2] + rate) * metric.scale, part[3] * 10**6]

def add_leads(metrics, parts, reasons):
    for counters in (True, False):
        present = [p for p, m in enumerate(metrics) if (m.kind == "counter") == counters and not reasons[p]]
        for p in present[1:]:
            parts[p][1] += parts[present[0]][1]
            if counters and parts[p][0]:
                parts[p][3] += parts[present[0]][3]

def read_lifetimes(held, strings, table):
    """The processes of a block's lifetimes, each with its versions and the figures of its metrics."""
    columns, reasons = {}, {}
    for column, (frame,) in held.items():
        c = Cursor(frame)
        columns[column] = c.sums(c.varint())
        metric_count = c.varint() if column == 1 else metric_count
        reasons[column] = c.take(len(columns[column]) if column >= 512 and column % 8 == 0 else 0)
        c.end()
    zeros, version = [0] * len(columns.get(1, [])), 0
    for i, process_id in enumerate(columns.get(1, [])):
        session, pid, ppid, ticks, start, life, code, how, flags, count = (
            columns[column][i] for column in range(2, 12))
        start += ticks * 10**7
        fields = [session, pid, ppid, ticks, start, start + life - 1 if life else None, code, how, flags]
        process = Record(process_id=process_id, versions=[], **dict(zip(PROCESS, fields)))
        for v in range(version, version + count):
            from_, uid, length, hash_, *texts = (columns[column][v] for column in range(32, 43))
            process.versions.append(Record(**dict(zip(VERSION, [
                from_ + start, uid - 1 if uid else None, length, hash_, *(strings[t] for t in texts)]))))
        version += count
        parts = [[columns.get(512 + column, zeros)[i] for column in each] for each in table.columns(60)]
        process.reasons = [reasons.get(520 + 8 * p, zeros)[i] if p < metric_count else UNSUPPORTED
                           for p in range(len(parts))]
        add_leads(table.metrics, parts, process.reasons)
        process.cells = [[None] * len(PARTS[m.kind]) if why else figures(m, part, 0, 0)
                         for m, part, why in zip(table.metrics, parts, process.reasons)]
        yield process

def read_strings(held):
    if not held:
        return [None]
    c = Cursor(held[0][0])
    return [None, *(c.take(size) for size in c.varints(c.varint()))]

# --- the tail: section 16 ------------------------------------------------------------------------

def read_codes(c, count):
    codes = []
    while len(codes) < count:
        reason = c.u8()
        codes += [reason] * c.varint()
    return codes

def tail_series(state, keys, flags, values, codes):
    state.series.append(Record(keys=keys, flags=flags, first=max(len(state.times) - 1, 0), values=values,
                               codes=codes, masks=[], seen=[], open=True, columns={}))

def read_tail_base(c, tables):
    """The state that the open block begins with, for each table."""
    near = c.time(0) or 0
    for table in tables[:c.varint()]:
        count = c.varint()
        state = Record(table=table, metric_count=count, times=[], series=[], covered=[])
        c.varints(count)  # last read
        for _ in range(c.varint()):
            keys = [c.zigzag(), c.zigzag()]
            c.time(near)
            codes, values = read_codes(c, count), []
            for code in codes:
                values.append(c.zigzag())
                c.varints(code != 0)
            tail_series(state, keys, 0, values, codes)
        yield state

def read_endings(c, state):
    number = 0
    while (word := c.varint()):
        number += unzigzag(word - 1)
        series, flags = state.series[number], c.u8()
        series.flags, series.open = series.flags | flags, False
        c.varints(flags == ENDED)

def read_tail_table(c, state, start):
    """One table of a tick record."""
    state.times.append(start)
    mask, number = c.varint(), 0
    read_endings(c, state)
    for _ in range(c.varint()):
        flags, keys = c.u8(), [c.zigzag(), c.zigzag()]
        c.varints(bool(flags & BORN))
        codes = read_codes(c, state.metric_count)
        values = [0 if flags & BORN else c.zigzag() for _ in codes]
        tail_series(state, keys, flags, values, codes)
    for _ in range(c.varint()):
        number += c.zigzag()
        series, word = state.series[number], c.varint()
        while word >> 63 and (m := c.varint()):
            series.codes[m - 1] = c.u8()
        for m in range(63):
            if word >> m & 1:
                series.values[m] = wrap(series.values[m] + c.zigzag())
    for series in state.series:
        if series.open:
            series.masks.append(mask)
            series.seen.append(list(zip(series.values, series.codes)))
    read_endings(c, state)

def read_births(c, session_id, tick):
    for _ in range(c.varint()):
        process_id, pid, ppid, ticks, start = c.varint(), c.zigzag(), c.zigzag(), c.varint(), c.time(tick)
        fields = [session_id, pid, ppid, ticks, start, None, -1, 0, c.varint() & 3]
        yield Record(process_id=process_id, versions=[], **dict(zip(PROCESS, fields)))

def read_version(c, process, tick):
    """Adds what changed to what the process was called before."""
    from_, uid, length, hash_, *texts = (c.time(tick), c.varint(), c.varint(), wrap(c.varint()),
                                         *(c.text() for _ in TEXTS))
    before = vars(process.versions[-1]) if process.versions else dict.fromkeys(VERSION)
    if texts[2] is None:
        length, hash_ = before["cmdline_length"], before["cmdline_hash"]
    fields = [from_, uid - 1 if uid else None, length, hash_, *texts]
    version = {name: before[name] if value is None else value for name, value in zip(VERSION, fields)}
    if before["from_ns"] == from_:
        process.versions.pop()
    process.versions.append(Record(**version))

def read_tick(c, states, session_id, processes):
    if c.u8() != 1:
        raise Damage("not a tick record")
    tick, _, _ = c.zigzag(), c.zigzag(), c.u8()
    for process in read_births(c, session_id, tick):
        processes.setdefault(process.process_id, process)
    for _ in range(c.varint()):
        read_version(c, processes[c.varint()], tick)
    while (number := c.u8()):
        read_tail_table(c, states[number - 1], tick)
    for _ in range(c.varint()):
        process = processes[c.varint()]
        process.how, process.exit_code, process.end_ns = c.u8(), c.zigzag(), c.time(tick)
    c.end()

def tail_frames(rows):
    chain = 0
    for number, (tail_id, data) in enumerate(rows):
        c = Cursor(data)
        crc, before = c.u32(), c.u32()
        if before != chain or tail_id % 2**20 != number or crc32c(tail_id.to_bytes(8, "little") + data[4:]) != crc:
            raise Damage("tail record %d" % tail_id)
        chain = crc
        yield data[8:]

def read_tail(rows, tables, processes):
    """The table blocks of the open block; adds its processes."""
    records = [Cursor(record) for record in decompress(list(tail_frames(rows)))]
    if not records:
        return []
    _, session_id, _, _ = records[0].varints(4)
    states = list(read_tail_base(records[0], tables))
    for record in records[1:]:
        read_tick(record, states, session_id, processes)
    for state in states:
        state.series = [series for series in state.series if series.seen]
        for series in state.series:
            series.count, series.keys = len(series.seen), series.keys[:state.table.key_count]
            for p in range(state.metric_count):
                values, codes = zip(*(sample[p] for sample in series.seen))
                series.columns[8 * p + 8] = (None, values, list(codes))
            hide_not_read(series)
    return states

# --- the file: sections 3, 4, 5 and 8 ------------------------------------------------------------

class Table(Record):
    """A samples table: id, name, kinds of its keys, metrics in order."""
    def columns(self, level):
        return [[8 * p + 8 + q for q in range(PART_COUNT[metric.kind] if level else 1)]
                for p, metric in enumerate(self.metrics)]

def open_database(path):
    with open(path, "rb") as file:
        wal_mode = file.read(20)[18:] == b"\2\2"
    wal = os.path.exists(path + "-wal") and os.path.getsize(path + "-wal")
    alone = bool(wal_mode and wal and not os.path.exists(path + "-shm"))
    how = "immutable=1" if wal_mode and not wal else "mode=ro" + "&vfs=unix-none" * alone
    db = sqlite3.connect(f"{pathlib.Path(path).absolute().as_uri()}?{how}", uri=True, isolation_level=None)
    db.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    for order in ["trusted_schema=OFF"] + ["locking_mode=EXCLUSIVE"] * alone:
        db.execute("PRAGMA " + order)
    db.execute("BEGIN")
    if db.execute("PRAGMA user_version").fetchone()[0] // 1000 != 1:
        raise Damage("not a recording of version 1")
    return db

class Recording:
    def __init__(self, path):
        self.db, self.damage = open_database(path), []
        metrics = sorted(self.rows("metric"), key=lambda metric: metric.position)
        self.tables = [Table(id=row.table_id, name=row.name, key_count=2 - [row.key0, row.key1].count("none"),
                             kind=row.key0, metrics=[m for m in metrics if m.table_id == row.table_id])
                       for row in self.rows("samples_table")]
        self.blocks = sorted(self.rows("block"), key=lambda block: (block.level, block.block_seq))
        for block in self.blocks:
            c = Cursor(block.ticks)
            first, *steps = (c.zigzag() for _ in range(c.varint()))
            block.times = [wrap(v) for v in accumulate([first, *accumulate(steps)])]
        self.processes = {row.process_id: Record(**vars(row), versions=[]) for row in self.rows("process")}
        for row in self.rows("process_version"):
            self.processes[row.version_id // 1024].versions.append(row)
        for _, process in self.lifetimes():
            self.processes[process.process_id] = process
        tail = self.db.execute("SELECT tail_id, data FROM tail ORDER BY tail_id")
        self.open_block = self.guarded("tail", read_tail, tail, self.tables, self.processes) or []

    def guarded(self, place, function, *arguments):
        """What fails a check is named and left out; the rest can be read."""
        try:
            return function(*arguments)
        except (Damage, IndexError, KeyError, ValueError) as problem:
            self.damage.append(f"{place}: {problem!r}")

    def rows(self, table):
        cursor = self.db.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        return [Record(**dict(zip(names, row))) for row in cursor]

    def contents(self, table, table_id, block):
        """column_id -> what the frames of its chunk hold, for all chunks of one table of a block."""
        chunks = self.db.execute(f"SELECT id % 4096, data FROM {table} WHERE id BETWEEN ? * 4096 AND ? * 4096 - 1",
                                 [block.block_seq, block.block_seq + 1])
        frames = {column: chunk_frames(data, (block.level, table_id, block.block_seq, column))
                  for column, data in chunks}
        held = iter(decompress([frame for each in frames.values() for frame in each]))
        return {column: [next(held) for _ in each] for column, each in frames.items()}

    def lifetimes(self):
        table = next(table for table in self.tables if table.name == "process_samples")
        for block in self.blocks[:sum(block.level == 0 for block in self.blocks)]:
            for process in self.guarded(f"lifetimes of block {block.block_seq}", lambda: list(read_lifetimes(
                    self.contents("process_lifetime_chunk", LIFETIMES, block),
                    read_strings(self.contents("string_chunk", STRINGS, block)), table))) or []:
                yield block.block_seq, process

    def table_block(self, block, table):
        """The samples of a table in a block."""
        held = self.contents(f"{table.name}_chunk" + f"_{block.level}" * (block.level > 0), table.id, block)
        if not held:
            return None
        found = read_directory(held[0], block, table)
        for column in sum(table.columns(block.level), []):
            state = found.state.get(column, 2 + UNSUPPORTED)
            read = [(0, [0] * s.count, [max(state - 2, 0)] * s.count) for s in found.series] if state else (
                read_column(held[column], found.series))
            for series, what in zip(found.series, read):
                series.columns[column] = what
        for series in found.series:
            hide_not_read(series)
        return found

    def table_blocks(self, table, level):
        for block in self.blocks:
            if block.level == level:
                yield self.guarded(f"{table.name} {level} block {block.block_seq}", self.table_block, block, table)
        yield from (state for state in self.open_block if state.table == table and level == 0)

# --- CSV -----------------------------------------------------------------------------------------

def csv_cell(value):
    if isinstance(value, bytes):
        value = value.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        value = re.sub("[\0-\x1f\x7f]", lambda found: "\\x%02x" % ord(found[0]), value)
        return '"%s"' % value.replace('"', '""') if not value or re.search('[",]', value) else value
    return "" if value is None else str(value)

def sample_cells(table, level, series, part, i):
    cells, reasons = [], []
    for p, (metric, columns) in enumerate(zip(table.metrics, table.columns(level))):
        have = [series.columns[column] for column in columns if column in series.columns]
        reasons.append(have[0][2][i] if have else UNSUPPORTED)
        if reasons[-1]:
            cells += [None] * (len(PARTS[metric.kind]) if level else 1)
        elif level:
            before = have[0][1][i - 1] if i else have[0][0]
            cells += figures(metric, [values[i] for _, values, _ in have], part.covered[series.first + i][p], before)
        else:
            cells.append(level0_cell(metric, have[0][1][i]))
    return cells, [REASONS[r] if r < len(REASONS) else str(r) for r in reasons]

def called(process, time):
    return ([v for v in process.versions if v.from_ns <= time] or process.versions[:1] or [Record(comm=None)])[-1].comm

def sample_rows(recording, table, level, with_reasons):
    keys = {"process": ["process_id", "pid", "comm"], "none": []}.get(table.kind, ["entity_id", table.kind])
    parts = [f"{m.name}.{part}" for m in table.metrics for part in PARTS[m.kind]]
    names = [metric.name for metric in table.metrics]
    yield ["time_ns", *keys, *(parts if level else names), *([name + "__missing" for name in names] * with_reasons)]
    labels = {row.entity_id: row.label for row in recording.rows("entity")}
    for part in recording.table_blocks(table, level):
        for series in part.series if part else []:
            key = series.keys[:1]
            process = recording.processes[key[0]] if table.kind == "process" else None
            for i in range(series.count):
                time = part.times[series.first + i]
                who = [process.pid, called(process, time + level * 10**9)] if process else [labels[k] for k in key]
                cells, reasons = sample_cells(table, level, series, part, i)
                yield [time, *key, *who, *cells, *(reasons if with_reasons else [])]

def process_rows(recording, table):
    yield ["process_id", *PROCESS, "version_count"] if table == "process" else ["process_id", "version", *VERSION]
    for process_id, process in sorted(recording.processes.items()):
        if table == "process":
            yield [process_id, *(getattr(process, name) for name in PROCESS), len(process.versions)]
        else:
            for n, version in enumerate(process.versions):
                yield [process_id, n, *(getattr(version, name) for name in VERSION)]

def lifetime_rows(recording):
    metrics = next(table.metrics for table in recording.tables if table.name == "process_samples")
    yield ["block_seq", "process_id", *PROCESS, *(f"{m.name}.{part}" for m in metrics for part in PARTS[m.kind])]
    for block_seq, process in recording.lifetimes():
        yield [block_seq, process.process_id, *(getattr(process, name) for name in PROCESS), *sum(process.cells, [])]

def plain_rows(recording, name):
    cursor = recording.db.execute(f"SELECT * FROM {name}")
    yield [column[0] for column in cursor.description]
    yield from cursor

def table_rows(recording, name, with_reasons):
    for table in recording.tables:
        for level in LEVELS:
            if name == table.name + f"_{level}" * (level > 0):
                return sample_rows(recording, table, level, with_reasons)
    if name in ("process", "process_version"):
        return process_rows(recording, name)
    return lifetime_rows(recording) if name == "process_lifetime" else plain_rows(recording, name)

# --- damage: section 18 --------------------------------------------------------------------------

def check_rows(recording):
    sums = {}
    for name, in recording.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        names, *rows = plain_rows(recording, name)
        if "crc" in names:
            crc = names.index("crc")
            yield from (f"{name} {row[0]}: crc" for row in rows if row_crc(name, row[:crc]) != row[crc])
            sums[name] = (len(rows), wrap(sum(row[crc] for row in rows)))
    for row in recording.rows("table_check"):
        if sums.get(row.name, (row.row_count, row.crc_sum)) != (row.row_count, row.crc_sum):
            yield f"{row.name}: rows lost, added or replaced"

def check_blocks(recording):
    for block in recording.blocks:
        c, counts = Cursor(block.contents), {}
        counts = {table_id: chunks for table_id, chunks in (c.varints(2) for _ in range(c.varint()))}
        for table in recording.tables:
            chunks = f"{table.name}_chunk" + f"_{block.level}" * (block.level > 0)
            found = recording.db.execute(f"SELECT count(*) FROM {chunks} WHERE id / 4096 = ?", [block.block_seq])
            if found.fetchone()[0] != counts.get(table.id, 0):
                yield f"block {block.level} {block.block_seq}: chunks of {table.name} lost or added"
    for level in LEVELS:
        numbers = [block.block_seq for block in recording.blocks if block.level == level]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers)) if numbers else []):
            yield f"blocks of level {level}: some are lost"
        for table in recording.tables:
            list(recording.table_blocks(table, level))
    yield from recording.damage

def main():
    recording = Recording(sys.argv[1])
    if sys.argv[2] == "--check":
        damage = [*check_rows(recording), *check_blocks(recording)]
        print("\n".join(damage or ["no damage"]))
        sys.exit(bool(damage))
    for row in table_rows(recording, sys.argv[2], "--missing-reasons" in sys.argv):
        sys.stdout.write(",".join(map(csv_cell, row)) + "\r\n")
    for line in recording.damage:
        print(line, file=sys.stderr)

if __name__ == "__main__":
    main()
