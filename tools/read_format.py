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

REASONS = ["", "not permitted", "not there", "unsupported", "failed", "not sampled", "exited"]
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

class Text(bytes):
    """What SQLite stores as TEXT; a BLOB is plain bytes."""

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
            data += (b"\3" if isinstance(v, Text) else b"\4") + len(v).to_bytes(4, "little") + v
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

# --- the file and its catalog: sections 3, 4, 7 and 8 --------------------------------------------

def open_database(path):
    with open(path, "rb") as file:
        wal_mode = file.read(20)[18:] == b"\2\2"
    wal = os.path.exists(path + "-wal") and os.path.getsize(path + "-wal")
    lonely = wal_mode and wal and not os.path.exists(path + "-shm")
    how = "immutable=1" if wal_mode and not wal else "mode=ro" + "&vfs=unix-none" * bool(lonely)
    db = sqlite3.connect(pathlib.Path(path).absolute().as_uri() + "?" + how, uri=True, isolation_level=None)
    db.text_factory = Text
    for order in ["PRAGMA trusted_schema=OFF"] + ["PRAGMA locking_mode=EXCLUSIVE"] * bool(lonely) + ["BEGIN"]:
        db.execute(order)
    if db.execute("PRAGMA user_version").fetchone()[0] // 1000 != 1:
        raise Damage("not version 1")
    return db

class Table(Record):
    """A samples table: table_id, name, key kinds, metrics in order."""
    def columns(self, level):
        return [[8 * p + 8 + q for q in range(PART_COUNT[metric.kind] if level else 1)]
                for p, metric in enumerate(self.metrics)]

class Recording:
    def __init__(self, path):
        self.db, self.damage = open_database(path), []
        self.tables = [Table(name=row.name, table_id=row.table_id, kinds=[
            kind for kind in (row.key0, row.key1) if kind != "none"]) for row in self.rows("samples_table")]
        for table in self.tables:
            table.key_count, table.metrics = len(table.kinds), sorted(
                (m for m in self.rows("metric") if m.table_id == table.table_id), key=lambda m: m.position)
        self.blocks = self.rows("block")
        for block in self.blocks:
            c = Cursor(block.ticks)
            n = c.varint()
            block.times = [wrap(v) for v in accumulate(accumulate(
