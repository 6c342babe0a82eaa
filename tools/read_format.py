#!/usr/bin/env python3
"""The stranger that proves schema/FORMAT.md: reads a recording with nothing but that page's knowledge.

    read_format.py FILE TABLE [--missing-reasons]     rows as CSV
    read_format.py FILE --check                       damage, a line each; exit code 1 if there is any

TABLE: a samples table, as NAME, NAME_60 or NAME_3600; process_lifetime; process; process_version;
any other table of rows, as it is stored. Values of samples are stored value x scale; an empty cell is
missing or NULL. The tail of a killed recording is read as samples of its last block. Words are those
of FORMAT.md, section 1; "section" below means one of that page.
"""
import csv
import os
import sqlite3
import subprocess
import sys
from collections import defaultdict
from itertools import accumulate
from types import SimpleNamespace as Record

REASONS = ["", "not permitted", "not there", "unsupported", "failed", "not sampled", "exited"]
UNSUPPORTED, NOT_SAMPLED = 3, 5
FIRST, BORN, ENDED, YOUNG = 1, 2, 4, 8
PARTS = {"counter": 4, "gauge": 6, "state": 2}
LIFETIME_TABLE, STRING_TABLE = 65534, 65535
LEVELS = (0, 60, 3600)
TEXTS = ["comm", "exe", "cmdline", "cwd", "cgroup", "container", "user"]
VERSION = ["from_ns", "uid", "cmdline_length", "cmdline_hash", *TEXTS]
PROCESS = ["session_id", "pid", "ppid", "start_ticks", "start_ns", "end_ns", "exit_code", "how", "flags"]
MOMENT = 10**9


class Damage(Exception):
    """Something that fails a check of section 18."""


class Text(bytes):
    """What SQLite stores as TEXT; a BLOB is plain bytes."""


# --- integers, checksums, frames: sections 2 and 10 ----------------------------------------------

def wrap(value, bits=64):
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def crc_entry(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
    return byte


CRC_TABLE = [crc_entry(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xffffffff


class Cursor:
    """Bytes that are consumed from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        if self.at > len(self.data):
            raise Damage("a field ends too early")
        return self.data[self.at - size:self.at]

    def u8(self):
        return self.take(1)[0]

    def u32(self):
        return int.from_bytes(self.take(4), "little")

    def varint(self):
        value = shift = 0
        while shift < 70:
            byte = self.u8()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise Damage("a varint is too long")

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def maybe_zigzag(self):
        """0 is none, else 1 + the zigzag mapping."""
        value = self.varint()
        return None if value == 0 else (value - 1) >> 1 ^ -(value - 1 & 1)

    def time(self, near):
        difference = self.maybe_zigzag()
        return None if difference is None else wrap(near + difference)

    def text(self):
        size = self.varint()
        return self.take(size - 1) if size else None

    def sums(self, count, read=None):
        """Numbers stored as difference to the one before."""
        return [wrap(v) for v in accumulate((read or self.zigzag)() for _ in range(count))]

    def skips(self, count):
        """Ascending indexes, each as what is skipped since the one after the index before."""
        return [v - 1 for v in accumulate(self.varint() + 1 for _ in range(count))]

    def end(self):
        if self.at != len(self.data):
            raise Damage("bytes are left at the end of a field")


def bits(data, count):
    return [i for i in range(count) if data[i >> 3] >> (i & 7) & 1]


def planes(cursor, count):
    nibbles = cursor.take((count + 1) // 2)
    sizes = [nibbles[i >> 1] >> 4 * (i & 1) & 15 for i in range(count)]
    values, longer = [0] * count, range(count)
    for byte in range(8):
        longer = [i for i in longer if sizes[i] > byte]
        for i, plane in zip(longer, cursor.take(len(longer))):
            values[i] |= plane << 8 * byte
    return [value >> 1 ^ -(value & 1) for value in values]


def content_size(frame):
    """RFC 8878, 3.1.1: the frame header."""
    if frame[:4] != b"\x28\xb5\x2f\xfd":
        raise Damage("not a frame")
    single, size = frame[4] >> 5 & 1, (1, 2, 4, 8)[frame[4] >> 6]
    at = 5 + (not single)
    return int.from_bytes(frame[at:at + size], "little") + (256 if size == 2 else 0)


def decompress(frames):
    """Contents of many frames with one run of zstd, as frames may be concatenated; b"" stays b""."""
    sizes = [content_size(frame) if frame else 0 for frame in frames]
    done = subprocess.run(["zstd", "-dc"], input=b"".join(frames), capture_output=True, check=False)
    if any(sizes) and (done.returncode or len(done.stdout) != sum(sizes)):
        raise Damage("zstd: " + done.stderr.decode(errors="replace").strip())
    cursor = Cursor(done.stdout)
    return [cursor.take(size) for size in sizes]


# --- chunks, directories, columns: sections 9, 11 and 12 ------------------------------------------

def chunk_frames(data, place):
    """The frames of a chunk: the base frame, then those of the groups. place: what its row says."""
    c = Cursor(data)
    codec, found = c.u8(), (LEVELS[c.u8()], c.varint(), c.varint(), c.varint())
    sizes = [c.varint()] + [c.varint() for _ in range(c.varint())]
    if crc32c(data[:c.at]) != c.u32() or found != place:
        raise Damage("the header of a chunk is wrong")
    if codec != 1:
        raise Damage("codec %d is not known" % codec)
    frames = [c.take(size) for size in sizes]
    c.end()
    return frames


def read_directory(frames, block, table):
    c, d = Cursor(frames[0]), Record()
    d.metric_count, count = c.varint(), c.varint()
    d.times = block.times if c.u8() else [block.times[i] for i in c.skips(count)]
    masks = [-1] * count
    if c.u8():
        masks = list(accumulate((c.varint() for _ in range(count)), lambda a, b: a ^ b))
    for _ in range(d.metric_count):
        c.varint()  # previous_ns: only who takes rates needs it
    d.covered = [c.sums(d.metric_count) for _ in range(count if block.level else 0)]
    d.state = {column: c.u8() for column in table.columns(block.level, d.metric_count)}
    series_count = c.varint()
    keys = [c.sums(series_count) for _ in range(table.key_count)]
    flags, first = c.take(series_count), [c.varint() for _ in range(series_count)]
    d.series = [Record(keys=[key[s] for key in keys], flags=flags[s], first=first[s],
                       count=count - first[s] - c.varint(), columns={}) for s in range(series_count)]
    for series in d.series:
        for _ in range(bool(series.flags & (BORN | YOUNG)) + bool(series.flags & ENDED)):
            c.zigzag()  # start_ns and end_ns: only who takes rates needs them
    activity = c.take(series_count)
    c.end()
    group = None
    for s, series in enumerate(d.series):
        if s % 64 == 0:
            group = Cursor(frames[1 + s // 64])
        series.active = range(series.count if activity[s] == 1 else 0)
        if activity[s] == 2:
            series.active = bits(group.take((series.count + 7) // 8), series.count)
        series.masks = masks[series.first:series.first + series.count]
    return d


def read_patterns(c):
    patterns = [None]
    for _ in range(c.varint()):
        runs, at, run_count = [], 0, c.varint()
        for _ in range(run_count):
            begin = at + c.varint()
            at = begin + c.varint()
            runs.append((begin, at, c.u8()))
        patterns.append(runs if run_count else c.u8())
    return patterns


def read_column(frames, directory):
    """(base, values, missing reasons) of each series."""
    c, every = Cursor(frames[0]), directory.series
    has = c.u8()
    bases = c.sums(len(every))
    patterns = read_patterns(c) if has & 1 else [None]
    pattern_of = [c.varint() for _ in every] if has & 1 else [0] * len(every)
    for _ in range(c.varint() if has & 2 else 0):
        c.varint(), c.varint()  # `known`: only who takes rates needs it
    c.end()
    changes = [[] for _ in every]
    for g, frame in enumerate(frames[1:]):
        members = [s for s in range(64 * g, min(64 * g + 64, len(every))) if every[s].active]
        c = Cursor(frame)
        changed = bits(c.take((len(members) + 7) // 8), len(members)) if frame else []
        values = iter(planes(c, sum(len(every[members[i]].active) for i in changed)))
        for i in changed:
            changes[members[i]] = [next(values) for _ in every[members[i]].active]
        c.end()
    for s, series in enumerate(every):
        steps = [0] * series.count
        for i, change in zip(series.active, changes[s]):
            steps[i] = change
        values = [wrap(v) for v in accumulate(steps, initial=bases[s])][1:]
        yield bases[s], values, missing(patterns[pattern_of[s]], series.count)


def missing(pattern, count):
    if pattern is None or isinstance(pattern, int):
        return [pattern or 0] * count
    reasons = [0] * count
    for begin, end, reason in pattern:
        reasons[begin:end] = [reason] * (end - begin)
    return reasons


def hide_not_read(series, metric, reasons):
    for i, mask in enumerate(series.masks):
        last = i == series.count - 1 and series.flags & ENDED
        if not (mask >> metric & 1 or last or i == 0 and series.flags & FIRST):
            reasons[i] = NOT_SAMPLED
