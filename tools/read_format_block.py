"""Blocks of a recording, read by what is told in schema/FORMAT.md: see read_format.py.

"Section" is one of FORMAT.md, and the words are its words. What only those need who take rates of
single ticks (base times, previous_ns, start_ns and end_ns of series) is passed over.
"""
import subprocess
from itertools import accumulate
from types import SimpleNamespace as Record

UNSUPPORTED, NOT_SAMPLED = 3, 5  # missing reasons
FIRST, BORN, ENDED, YOUNG = 1, 2, 4, 8  # flags of a series
LEVELS = (0, 60, 3600)
PART_COUNT = {"counter": 4, "gauge": 6, "state": 2}
FIGURE_COUNT = {"counter": 4, "gauge": 5, "state": 2}
PROCESS = ["session_id", "pid", "ppid", "start_ticks", "start_ns", "end_ns", "exit_code", "how",
           "flags"]
TEXTS = ["comm", "exe", "cmdline", "cwd", "cgroup", "container", "user"]
VERSION = ["from_ns", "uid", "cmdline_length", "cmdline_hash", *TEXTS]


class Damage(Exception):
    """Something that fails a check of section 18."""


class Table(Record):
    """A samples table: id, name, kinds of its keys, metrics in order."""

    def columns(self, level):
        return [[8 * p + 8 + q for q in range(PART_COUNT[metric.kind] if level else 1)]
                for p, metric in enumerate(self.metrics)]


# --- integers, checksums, frames: sections 2, 5 and 10 -------------------------------------------

def wrap(value, bits=64):
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def unzigzag(value):
    return value >> 1 ^ -(value & 1)


def crc_step(crc):
    return crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)


CRC_TABLE = list(range(256))
for _ in range(8):
    CRC_TABLE = [crc_step(crc) for crc in CRC_TABLE]


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
            data += b"\3" if isinstance(v, str) else b"\4"
            data += len(text).to_bytes(4, "little") + text
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
        if shift == 63 and byte > 1:
            raise Damage("a varint is too long")
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
    """What a table has in a block: times, covered_ns, the states of its columns, its series."""
    c, groups, d = Cursor(frames[0]), [Cursor(frame) for frame in frames[1:]], Record()
    metric_count, count = c.varints(2)
    d.times = block.times if c.u8() else [block.times[i] for i in c.skips(count)]
    masks = list(accumulate(c.varints(count), int.__xor__)) if c.u8() else [-1] * count
    c.varints(metric_count)  # previous_ns
    d.covered = [c.sums(metric_count) for _ in range(count if block.level else 0)]
    d.state = {column: c.u8() for column in sum(table.columns(block.level)[:metric_count], [])}
    n = c.varint()
    keys = [c.sums(n) for _ in range(table.key_count)]
    flags, first, after = c.take(n), c.varints(n), c.varints(n)
    for flag in flags:
        c.varints(bool(flag & (BORN | YOUNG)) + bool(flag & ENDED))  # start_ns, end_ns
    d.series = []
    for s, activity in enumerate(c.take(n)):
        length = count - first[s] - after[s]
        active = groups[s // 64].bits(length) if activity == 2 else range(length * activity)
        d.series.append(Record(keys=[key[s] for key in keys], flags=flags[s], first=first[s],
                               count=length, active=active, columns={},
                               masks=masks[first[s]:first[s] + length]))
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

def exported(metric, value):
    labels = metric.labels.split(",") if metric.kind == "state" else []
    return labels[value] if 0 <= value < len(labels) else value * metric.scale


def figures(metric, part, covered, before):
    """Last value, covered ns; then largest rate and when, or minimum, maximum and sum."""
    last, covered = exported(metric, part[0]), wrap(covered - part[1])
    if metric.kind == "state":
        return [last, covered]
    if metric.kind == "gauge":
        total = wrap((part[5] << 64) + part[4] + part[0] * covered, 128)
        return [last, covered, wrap(part[0] - part[2]) * metric.scale,
                wrap(part[0] + part[3]) * metric.scale, total * metric.scale]
    increase = wrap(part[0] - before)
    rate = min(increase * 10**9 // covered, 2**63 - 1) if increase > 0 and covered > 0 else 0
    return [last, covered, wrap(part[2] + rate) * metric.scale, part[3] * 10**6]


def add_leads(metrics, parts, reasons):
    for counters in (True, False):
        present = [p for p, metric in enumerate(metrics)
                   if (metric.kind == "counter") == counters and not reasons[p]]
        for p in present[1:]:
            parts[p][1] += parts[present[0]][1]
            if counters and parts[p][0]:
                parts[p][3] += parts[present[0]][3]


def read_lifetimes(held, strings, table):
    """Processes that are lifetimes of a block, with their versions and figures of their metrics."""
    columns, reasons, metric_count = {}, {}, 0
    for column, (frame,) in held.items():
        c = Cursor(frame)
        columns[column] = c.sums(c.varint())
        metric_count = c.varint() if column == 1 else metric_count
        reasons[column] = c.take(len(columns[column]) if column >= 512 and column % 8 == 0 else 0)
        c.end()
    zeros, version = [0] * len(columns.get(1, [])), 0
    for i, process_id in enumerate(columns.get(1, [])):
        *fields, count = (columns[column][i] for column in range(2, 12))
        process = Record(process_id=process_id, versions=[], **dict(zip(PROCESS, fields)))
        process.start_ns += process.start_ticks * 10**7
        process.end_ns = process.start_ns + process.end_ns - 1 if process.end_ns else None
        for v in range(version, version + count):
            from_ns, uid, *numbers = (columns[column][v] for column in range(32, 36))
            texts = [strings[columns[column][v]] for column in range(36, 43)]
            fields = [from_ns + process.start_ns, uid - 1 if uid else None, *numbers, *texts]
            process.versions.append(Record(**dict(zip(VERSION, fields))))
        version += count
        parts = [[columns.get(512 + column, zeros)[i] for column in each]
                 for each in table.columns(60)]
        process.reasons = [reasons.get(520 + 8 * p, zeros)[i] if p < metric_count else UNSUPPORTED
                           for p in range(len(parts))]
        add_leads(table.metrics, parts, process.reasons)
        process.cells = [[None] * FIGURE_COUNT[m.kind] if why else figures(m, part, 0, 0)
                         for m, part, why in zip(table.metrics, parts, process.reasons)]
        yield process


def read_strings(held):
    if not held:
        return [None]
    c = Cursor(held[0][0])
    return [None, *(c.take(size) for size in c.varints(c.varint()))]
