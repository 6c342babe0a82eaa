#!/usr/bin/env python3
"""The stranger that proves schema/FORMAT.md: reads a recording with nothing but its knowledge.

    read_format.py FILE TABLE [--missing-reasons]     rows as CSV
    read_format.py FILE --check                       reads all; fails at the first damage

TABLE: NAME, NAME_60 or NAME_3600 of samples (NAME with those of the tail); process,
process_version, process_lifetime; or rows as stored. Words and sections are those of FORMAT.md.
What only rates of single ticks need (base times, previous_ns, start and end of series) is passed
over. Checks are where things are read, and are assertions.
"""
import io
import pathlib
import re
import sqlite3
import subprocess
import sys
from itertools import accumulate, islice, zip_longest
from types import SimpleNamespace as Record

REASONS = [None, "not permitted", "not there", "unsupported", "failed", "not sampled", "exited"]
UNSUPPORTED, NOT_SAMPLED, EXITED = 3, 5, 6
FIRST, BORN, ENDED, YOUNG, TOLD, REFERRED = 1, 2, 4, 8, 16, 32  # flags of a series
LEVELS = {0: "", 60: "_60", 3600: "_3600"}
PARTS = {"counter": 4, "gauge": 6, "state": 2}
FIGURES = {"counter": ["last", "covered_ns", "rate_max", "rate_max_at_ns"],
           "gauge": ["last", "covered_ns", "min", "max", "sum"], "state": ["last", "covered_ns"]}
CRC_TABLE = range(256)
for _ in range(8):
    CRC_TABLE = [crc >> 1 ^ 0x82f63b78 * (crc & 1) for crc in CRC_TABLE]

def wrap(value, bits=64):
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)

def unzigzag(value):
    return value >> 1 ^ -(value & 1)

def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return (crc ^ 0xffffffff).to_bytes(4, "little")

def summed(value):
    """A value of a row as its checksum takes it (section 5)."""
    if value is None or isinstance(value, int):
        return b"\5" if value is None else b"\1" + value.to_bytes(8, "little", signed=True)
    text = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return (b"\4" if text is value else b"\3") + len(text).to_bytes(4, "little") + text

class Cursor(io.BytesIO):
    """Fields, consumed one after the other (sections 2 and 10)."""
    def take(self, size):
        data = self.read(size)
        assert len(data) == size, "a field ends too early"
        return data
    def varint(self):
        byte = self.take(1)[0]
        return byte if byte < 128 else byte - 128 + (self.varint() << 7)
    def field(self, kind, near=0):
        """kind: u8, varint, zigzag, time(t, near), or s for text?"""
        value = self.take(1)[0] if kind == "u" else self.varint()
        if kind in "uvz":
            return unzigzag(value) if kind == "z" else value
        if value == 0:
            return None
        return self.take(value - 1) if kind == "s" else near + unzigzag(value - 1)
    def fields(self, kinds, near=0):
        return [self.field(kind, near) for kind in kinds]
    def rows(self, kinds, near=0):
        return [self.fields(kinds, near) for _ in range(self.varint())]
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
    plain = {frame: frame[1:-4] for frame in frames if frame[:1] == b"\0"}
    assert all(crc32c(held) == frame[-4:] for frame, held in plain.items()), "crc of a plain frame"
    plain = {frame: b"\x28\xb5\x2f\xfd\0\x58" + (len(held) << 3 | 1).to_bytes(3, "little") + held
             for frame, held in plain.items()}
    packed = b"".join(plain.get(frame, frame) for frame in frames)
    zstd = subprocess.run(["zstd", "-dc"], input=packed, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=packed > b"")
    return Cursor(zstd.stdout)

def contents(table, level, table_id, block_seq, begin=0, end=2048):
    """What chunks hold, one after the other; and of each the sizes of its frames (section 9)."""
    frames, sizes, first = [], {}, block_seq * 4096
    for chunk_id, data in db.execute(f"SELECT * FROM {table} WHERE id >= ? AND id < ? ORDER BY id",
                                     [first + begin, first + end]):
        c, place = Cursor(data), [[*LEVELS].index(level), table_id, block_seq, chunk_id - first]
        *header, size, count = c.fields("uuvvvvv")
        sizes[chunk_id - first] = [size, *c.fields("v" * count)]
        crc, found = crc32c(data[:c.tell()]), c.take(4)
        assert header == [1, *place] and found == crc, f"header of {table} {chunk_id}"
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
        numbers = wrap(part[0] - part[2]), wrap(part[0] + part[3]), total
        found += [number * metric.scale for number in numbers]
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
    masks = c.fields("v" * tick_count) if c.field("u") else [-1] + [0] * (tick_count - 1)
    masks = [mask | -1 << metric_count for mask in accumulate(masks, int.__xor__)]
    c.fields("v" * metric_count)  # previous_ns
    covered = [[*accumulate(c.fields("z" * metric_count * (level > 0))), *[0] * 60] for _ in times]
    widths = [PARTS[metric.kind] if level else 1 for metric in table.metrics]
    states, (reference, n) = iter(c.take(sum(widths[:metric_count]))), c.fields("vv")
    keys, flags, spans = c.plane_rows(n, "d" * len(table.keys)), c.take(n), c.plane_rows(n, "dp")
    c.fields("z" * sum(bool(flag & (BORN | YOUNG)) + bool(flag & ENDED)
                       for flag in flags if not flag & TOLD))  # start_ns, end_ns
    every, tracks, referred = [], [], {}
    for key, flag, (first, more), activity in zip(keys, flags, spans, c.take(n)):
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
        referred = {8 * p + 8: dict(zip(listed, r.planes(count)))
                    for p in range(metric_count) if has[p]}
    for p, width in enumerate(widths):
        tracks.append(zip(*[
            read_column(c, p, table.metrics[p].kind, next(states, 2 + UNSUPPORTED),
                        sizes.get(column, [0])[1:], every, referred.get(column, {}))
            for column in range(8 * p + 8, 8 * p + 8 + width)]))
    assert not c.read(), f"end of {place} {block.block_seq}"
    samples = ((series, i) for series in every for i in range(series.first, series.last + 1))
    for (series, i), *columns in zip(samples, *tracks):
        whole = (series.flag & FIRST and i == series.first or
                 series.flag & ENDED and i == series.last)
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
        has, bases = c.field("u"), c.planes(n)
        for _ in range(c.varint() if has & 1 else 0):
            runs = [[0] * skipped + [reason] * size for skipped, size, reason in c.rows("vvu")]
            patterns.append(sum(runs, []) or [c.field("u")] * longest)
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
    for metric, state in zip_longest(tables["process_samples"].metrics, states,
                                     fillvalue=2 + UNSUPPORTED):
        in_ticks, reasons, parts = 0, [max(state - 2, 0)] * n, [[0] * PARTS[metric.kind]] * n
        if state == 0:
            in_ticks, reasons = c.field("u"), c.take(n)
            parts = c.plane_rows(n, "p" * PARTS[metric.kind])
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
                part[1] = ((part[1] - 1) // 2 if part[1] % 2
                           else start + covered - times[stop - 1 - part[1] // 2])
            windows.append((reason, part, covered, 0, ticks))
        lifetimes[block_seq, process_id] = windows
        processes[process_id] = [process_id, session_id, pid, ppid, start_ticks, start, end, *rest]
        for from_ns, uid, length, hashed, *numbers in islice(versions, version_count):
            names = [texts[number] for number in numbers]
            length += len(names[2] or b"")
            add_version(process_id, start + from_ns, uid, length, hashed, *names)

def add_version(process_id, from_ns, uid, length, hashed, *names):
    """What a process is called from then on, as far as it changed; or what completes a version."""
    versions = called.setdefault(process_id, {})
    known = [version for version in versions.values() if version[0] <= from_ns]
    row = [from_ns, uid - 1 if uid else None, *names, length, wrap(hashed)]
    if known:
        row[-2:] = row[-2:] if names[2] is not None else [None, None]
        row = [old if new is None else new for old, new in zip(known[-1], row)]
    if from_ns in versions or len(known) == len(versions) < 1000:
        versions[from_ns] = row

def read_tail():
    """Adds samples and processes of the open block (section 16)."""
    frames, chain = [], bytes(4)
    for tail_id, data in db.execute("SELECT * FROM tail ORDER BY tail_id"):
        crc = crc32c(tail_id.to_bytes(8, "little") + data[4:])
        assert (tail_id % 2**20, data[:8]) == (len(frames), crc + chain), f"tail record {tail_id}"
        frames.append(data[8:])
        chain = crc
    c, sampled = unpack(frames), list(tables.values())
    for _ in frames[:1]:
        _, session_id, *_ = c.fields("uvvvv")
        for table in sampled[:c.varint()]:
            table.metric_count = c.varint()
            c.fields("v" * table.metric_count)  # last read
            for _ in range(c.varint()):
                open_series(c, table, 0, c.fields("zzv"), in_base=True)
    for _ in frames[1:]:
        _, tick, *_ = c.fields("uzzu")
        for process_id, pid, ppid, start_ticks, start, flags in c.rows("vzzvtv", tick):
            row = [process_id, session_id, pid, ppid, start_ticks, start, None, -1, 0, flags & 3]
            processes.setdefault(process_id, row)
        for row in c.rows("vtvvvsssssss", tick):
            add_version(*row)
        while (number := c.field("u")):
            read_tail_table(c, sampled[number - 1], tick)
        for process_id, how, exit_code, end in c.rows("vuzt", tick):
            processes[process_id][6:9] = end, exit_code, how
    assert not c.read(), "end of the tail"

def open_series(c, table, flags, key, in_base=False):
    """A series as it is before its first sample: (missing reason, value) of each metric."""
    state = []
    while len(state) < table.metric_count:
        state += [(c.field("u"), 0)] * c.varint()
    for m, (reason, _) in enumerate(state):
        kinds = "" if flags & BORN else "zv" if in_base and reason else "z"
        state[m] = (reason, *c.fields(kinds), 0)[:2]
    state += [(UNSUPPORTED, 0)] * (len(table.metrics) - len(state))
    table.series.append([flags, key[:len(table.keys)], state])

def read_endings(c):
    """Number of a series -> flags."""
    endings, number = {}, 0
    while (number := c.field("t", number)) is not None:
        endings[number] = c.field("u")
        c.fields("v" * (endings[number] == ENDED))  # end_ns
    return endings

def read_tail_table(c, table, tick):
    """A table of a tick record."""
    mask, number = c.varint() | -1 << table.metric_count, 0
    for ended in read_endings(c):
        table.series[ended] = None
    for _ in range(c.varint()):
        flags, *key = c.fields("uzz")
        c.fields("v" * (flags & BORN > 0))  # start_ns
        open_series(c, table, flags, key)
    for _ in range(c.varint()):
        difference, word = c.fields("zv")
        number += difference
        _, _, state = table.series[number]
        while word >> 63 and (m := c.varint()):
            state[m - 1] = c.field("u"), state[m - 1][1]
        for m in [m for m in range(63) if word >> m & 1]:
            state[m] = state[m][0], state[m][1] + c.field("z")
    endings = read_endings(c)
    for number, (flags, key, state) in [each for each in enumerate(table.series) if each[1]]:
        whole = flags & FIRST or number in endings
        windows = [(reason if whole or mask >> p & 1 else NOT_SAMPLED, [value])
                   for p, (reason, value) in enumerate(state)]
        if endings.get(number) != 0:
            table.tail.append(sample_row(table, 0, [tick, *key], windows))
        table.series[number] = None if number in endings else [0, key, state]

def open_recording(path):
    """Section 3."""
    beside = any(pathlib.Path(path + end).exists() for end in ("-shm", "-wal"))
    uri = pathlib.Path(path).absolute().as_uri() + ("?mode=ro" if beside else "?immutable=1")
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    connection.execute("BEGIN")
    version, = connection.execute("PRAGMA user_version").fetchone()
    assert version // 1000 == 1, "not a recording of version 1"
    return connection

def stored_rows(table, order=""):
    """Names of columns, then rows, checked (section 5)."""
    cursor = db.execute(f"SELECT * FROM {table} {order}")
    names, rows = [column[0] for column in cursor.description], list(map(list, cursor))
    crc, name = names.index("crc") if "crc" in names else 0, table.encode()
    for row in rows if crc else []:
        found = crc32c(name + b"".join(map(summed, row[:crc])))
        assert found == row[crc].to_bytes(4, "little"), f"crc of {table} {row[0]}"
    for told in db.execute("SELECT row_count, crc_sum FROM table_check WHERE name = ?", (table,)):
        assert told == (len(rows), sum(row[crc] for row in rows)), f"rows of {table}"
    return [names, *rows]

def records(table, order):
    names, *rows = stored_rows(table, order)
    return [Record(**dict(zip(names, row))) for row in rows]

def read_rows():
    """Samples tables, what is told of processes, and the axes of blocks (sections 4 and 8)."""
    metrics = records("metric", "ORDER BY position")
    for table in records("samples_table", "ORDER BY table_id"):
        table.metrics = [metric for metric in metrics if metric.table_id == table.table_id]
        table.keys = [kind for kind in (table.key0, table.key1) if kind != "none"]
        table.series, table.tail, tables[table.name] = [], [], table
    processes.update((row[0], row[:10]) for row in stored_rows("process")[1:])
    for version_id, *row, _ in stored_rows("process_version", "ORDER BY version_id")[1:]:
        called.setdefault(version_id // 1024, {})[row[0]] = row
    for block in records("block", "ORDER BY level, block_seq"):
        c, told = Cursor(block.ticks), dict(Cursor(block.contents).rows("vv"))
        first, *steps = c.fields("z" * c.varint())
        block.times = list(accumulate([first, *accumulate(steps)]))
        before = [last.block_seq + 1 for last in blocks[-1:] if last.level == block.level]
        assert before in ([], [block.block_seq]), f"no block before {block.block_seq}"
        blocks.append(block)
        for table in tables.values():
            chunks = f"{table.name}_chunk{LEVELS[block.level]} WHERE id >= ? AND id < ?"
            span = [block.block_seq * 4096, block.block_seq * 4096 + 4096]
            count, = db.execute(f"SELECT count(*) FROM {chunks}", span).fetchone()
            assert count == told.get(table.table_id, 0), f"chunks of {table.name} {span[0]}"
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
        cells = [cell.replace(".last", ".increase") if metric.kind == "counter" else cell
                 for metric in table.metrics for cell in cell_names(metric, 60)]
        names = ["block_seq", *names[:10], *cells]
        rows = [sample_row(table, 60, [block_seq, *processes[process_id]], windows)
                for (block_seq, process_id), windows in lifetimes.items()]
    return [names, *rows]

def csv_cell(value):
    if isinstance(value, bytes):
        value = value.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        value = re.sub("[\0-\x1f\x7f-\x9f]",
                       lambda found: "".join("\\x%02x" % b for b in found[0].encode()), value)
        return '"%s"' % value.replace('"', '""') if not value or re.search('[",]', value) else value
    return "" if value is None else str(value)

tables, blocks, processes, called, lifetimes = {}, [], {}, {}, {}
if __name__ == "__main__":
    db = open_recording(sys.argv[1])
    read_rows()
    read_tail()
    if sys.argv[2] == "--check":
        rows = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%chunk%'"
        for name in [name for name, in db.execute(rows)] + [
                table + suffix for table in tables for suffix in LEVELS.values()]:
            list(table_rows(name))
        print("no damage")
    else:
        names, *rows = table_rows(sys.argv[2])
        shown = [i for i, name in enumerate(names)
                 if "--missing-reasons" in sys.argv or not name.endswith("__missing")]
        for row in [names, *rows]:
            sys.stdout.write(",".join(csv_cell(row[i]) for i in shown if i < len(row)) + "\r\n")
