#!/usr/bin/env python3
"""What FORMAT.md tells beyond sealed blocks: the tail of a recording without a clean end, and damage.

    read_format_tail.py FILE TABLE [--missing-reasons]     as read_format.py, with the open block
    read_format_tail.py FILE --check                       reads all; fails at the first damage

Written, as read_format.py, with nothing but the knowledge of schema/FORMAT.md.
"""
import sys

import read_format as reader
from read_format import BORN, ENDED, FIRST, LEVELS, NOT_SAMPLED, UNSUPPORTED, Cursor, crc32c


class TailCursor(Cursor):
    """Fields of the tail: besides those of blocks time(t, near) as t, text? as s."""

    def fields(self, kinds, near=0):
        return [self.time(near) if kind == "t" else self.text() if kind == "s"
                else super(TailCursor, self).fields(kind)[0] for kind in kinds]

    def time(self, near):
        value = self.varint()
        return near + reader.unzigzag(value - 1) if value else None

    def text(self):
        size = self.varint()
        return self.take(size - 1) if size else None

    def rows(self, kinds, near=0):
        return [self.fields(kinds, near) for _ in range(self.varint())]


def add_version(process_id, from_ns, uid, length, hashed, *names):
    """What a process is called from then on, as far as it changed; or what completes a version."""
    versions = reader.called.setdefault(process_id, {})
    known = [version for version in versions.values() if version[0] <= from_ns]
    row = [from_ns, uid - 1 if uid else None, *names, length, reader.wrap(hashed)]
    if known:
        row[-2:] = row[-2:] if names[2] is not None else [None, None]
        row = [old if new is None else new for old, new in zip(known[-1], row)]
    if from_ns in versions or len(known) == len(versions) < 1000:
        versions[from_ns] = row


def open_series(c, table, flags, key, in_base=False):
    """A series as it is before its first sample: (missing reason, value) of each metric."""
    state = []
    while len(state) < table.metric_count:
        state += [(c.take(1)[0], 0)] * c.varint()
    for m, (reason, _) in enumerate(state):
        kinds = "" if flags & BORN else "zv" if in_base and reason else "z"
        state[m] = (reason, *c.fields(kinds), 0)[:2]
    state += [(UNSUPPORTED, 0)] * (len(table.metrics) - len(state))
    table.series.append([flags, key[:len(table.keys)], state])


def read_base(c, sampled):
    """The state that the open block begins with; returns the session."""
    _, session_id, *_ = c.fields("uvvvv")
    for table in sampled[:c.varint()]:
        table.metric_count, table.series = c.varint(), []
        c.fields("v" * table.metric_count)  # last read
        for _ in range(c.varint()):
            open_series(c, table, 0, c.fields("zzv"), in_base=True)
    return session_id


def read_endings(c):
    """Number of a series -> flags."""
    endings, number = {}, 0
    while (number := c.time(number)) is not None:
        endings[number] = c.take(1)[0]
        c.fields("v" * (endings[number] == ENDED))  # end_ns
    return endings


def read_changes(c, table):
    number = 0
    for _ in range(c.varint()):
        difference, word = c.fields("zv")
        number += difference
        _, _, state = table.series[number]
        while word >> 63 and (m := c.varint()):
            state[m - 1] = c.take(1)[0], state[m - 1][1]
        for m in [m for m in range(63) if word >> m & 1]:
            state[m] = state[m][0], state[m][1] + c.fields("z")[0]


def read_table(c, table, tick):
    """A table of a tick record."""
    mask = c.varint() | -1 << table.metric_count
    for ended in read_endings(c):
        table.series[ended] = None
    for _ in range(c.varint()):
        flags, *key = c.fields("uzz")
        c.fields("v" * (flags & BORN > 0))  # start_ns
        open_series(c, table, flags, key)
    read_changes(c, table)
    endings = read_endings(c)
    for number, (flags, key, state) in [each for each in enumerate(table.series) if each[1]]:
        whole = flags & FIRST or number in endings
        windows = [(reason if whole or mask >> p & 1 else NOT_SAMPLED, [value])
                   for p, (reason, value) in enumerate(state)]
        if endings.get(number) != 0:
            table.tail.append(reader.sample_row(table, 0, [tick, *key], windows))
        table.series[number] = None if number in endings else [0, key, state]


def read_tick(c, session_id, sampled):
    _, tick, *_ = c.fields("uzzu")
    for process_id, pid, ppid, start_ticks, start, flags in c.rows("vzzvtv", tick):
        row = [process_id, session_id, pid, ppid, start_ticks, start, None, -1, 0, flags & 3]
        reader.processes.setdefault(process_id, row)
    for row in c.rows("vtvvvsssssss", tick):
        add_version(*row)
    while (number := c.take(1)[0]):
        read_table(c, sampled[number - 1], tick)
    for process_id, how, exit_code, end in c.rows("vuzt", tick):
        reader.processes[process_id][6:9] = end, exit_code, how


def read_tail():
    """Adds samples and processes of the open block (section 16)."""
    frames, chain = [], bytes(4)
    for tail_id, data in reader.db.execute("SELECT * FROM tail ORDER BY tail_id"):
        crc = crc32c(tail_id.to_bytes(8, "little") + data[4:])
        assert (tail_id % 2**20, data[:8]) == (len(frames), crc + chain), f"tail record {tail_id}"
        frames.append(data[8:])
        chain = crc
    c, sampled = TailCursor(reader.unpack(frames).read()), list(reader.tables.values())
    session_id = read_base(c, sampled) if frames else None
    for _ in frames[1:]:
        read_tick(c, session_id, sampled)
    assert not c.read(), "end of the tail"


def summed(value):
    """A value of a row as its checksum takes it (section 5)."""
    if value is None or isinstance(value, int):
        return b"\5" if value is None else b"\1" + value.to_bytes(8, "little", signed=True)
    text = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return (b"\4" if text is value else b"\3") + len(text).to_bytes(4, "little") + text


def check_rows(table):
    """Row crcs, and that no row is lost (section 5)."""
    names, *rows = reader.stored_rows(table)
    if "crc" not in names:
        return
    crc = names.index("crc")
    for row in rows:
        found = crc32c(table.encode() + b"".join(map(summed, row[:crc])))
        assert found == row[crc].to_bytes(4, "little"), f"crc of {table} {row[0]}"
    for told in reader.db.execute("SELECT row_count, crc_sum FROM table_check WHERE name = ?",
                                  (table,)):
        assert told == (len(rows), sum(row[crc] for row in rows)), f"rows of {table}"


def check_blocks():
    """That no block is lost, and no chunk of one (section 18)."""
    for before, block in zip(reader.blocks, reader.blocks[1:]):
        follows = before.level != block.level or before.block_seq + 1 == block.block_seq
        assert follows, f"no block before {block.block_seq}"
    for block in reader.blocks:
        told = dict(TailCursor(block.contents).rows("vv"))
        for table in reader.tables.values():
            chunks = f"{table.name}_chunk{LEVELS[block.level]} WHERE id / 4096 = ?"
            count, = reader.db.execute(f"SELECT count(*) FROM {chunks}",
                                       [block.block_seq]).fetchone()
            assert count == told.get(table.table_id, 0), f"{chunks[:-5]} {block.block_seq}"


def check():
    version, = reader.db.execute("PRAGMA user_version").fetchone()
    assert version // 1000 == 1, "not a recording of version 1"
    for name, in reader.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        check_rows(name)
    check_blocks()
    for name in [table + suffix for table in reader.tables for suffix in LEVELS.values()]:
        list(reader.table_rows(name))
    print("no damage")


if __name__ == "__main__":
    reader.db = reader.open_recording(sys.argv[1])
    reader.db.execute("BEGIN")
    reader.read_rows()
    read_tail()
    if sys.argv[2] == "--check":
        check()
    else:
        reader.write(*reader.table_rows(sys.argv[2]))
