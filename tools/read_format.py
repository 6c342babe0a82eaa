#!/usr/bin/env python3
"""The stranger that proves schema/FORMAT.md: reads a recording with nothing but its knowledge.

    read_format.py FILE TABLE [--missing-reasons]     rows as CSV
    read_format.py FILE --check                       damage, a line each, and exit code 1

TABLE: a samples table as NAME, NAME_60 or NAME_3600; process, process_version, process_lifetime; or
a table of rows, as stored. Samples are stored value x scale; an empty cell is missing or NULL. The
tail is read as samples of the last block. Words are those of FORMAT.md, and so are sections.
"""
import os
import pathlib
import re
import sqlite3
import sys
from itertools import accumulate
from types import SimpleNamespace as Record

from read_format_block import (LEVELS, PROCESS, UNSUPPORTED, VERSION, Cursor, Damage, Table,
                               chunk_frames, decompress, exported, figures, hide_not_read,
                               read_column, read_directory, read_lifetimes, read_strings,
                               row_crc, wrap)
from read_format_tail import read_tail

REASONS = [None, "not permitted", "not there", "unsupported", "failed", "not sampled", "exited"]
LIFETIMES, STRINGS = 65534, 65535  # their table_id
PARTS = {"counter": ["last", "covered_ns", "rate_max", "rate_max_at_ns"],
         "gauge": ["last", "covered_ns", "min", "max", "sum"],
         "state": ["last", "covered_ns"]}


# --- the file: sections 3, 4, 5 and 8 ------------------------------------------------------------

def open_database(path):
    with open(path, "rb") as file:
        wal_mode = file.read(20)[18:] == b"\2\2"
    wal = os.path.exists(path + "-wal") and os.path.getsize(path + "-wal")
    alone = wal_mode and not os.path.exists(path + "-shm")
    how = "immutable=1" if alone and not wal else "mode=ro" + "&vfs=unix-none" * alone
    uri = pathlib.Path(path).absolute().as_uri()
    db = sqlite3.connect(f"{uri}?{how}", uri=True, isolation_level=None)
    db.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    for order in ["trusted_schema=OFF"] + ["locking_mode=EXCLUSIVE"] * alone:
        db.execute("PRAGMA " + order)
    db.execute("BEGIN")
    if db.execute("PRAGMA user_version").fetchone()[0] // 1000 != 1:
        raise Damage("not a recording of version 1")
    return db


def chunk_table(table, level):
    return f"{table.name}_chunk_{level}" if level else f"{table.name}_chunk"


class Recording:
    def __init__(self, path):
        self.db, self.damage = open_database(path), []
        metrics = sorted(self.rows("metric"), key=lambda metric: metric.position)
        self.tables = [Table(id=row.table_id, name=row.name, kind=row.key0,
                             key_count=2 - [row.key0, row.key1].count("none"),
                             metrics=[m for m in metrics if m.table_id == row.table_id])
                       for row in self.rows("samples_table")]
        self.process_samples = next(t for t in self.tables if t.name == "process_samples")
        self.blocks = sorted(self.rows("block"), key=lambda block: (block.level, block.block_seq))
        for block in self.blocks:
            c = Cursor(block.ticks)
            first, *steps = (c.zigzag() for _ in range(c.varint()))
            block.times = [wrap(v) for v in accumulate([first, *accumulate(steps)])]
        self.processes = {row.process_id: Record(**vars(row), versions=[])
                          for row in self.rows("process")}
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
        """column_id -> what the frames of its chunk hold, for all chunks of a table of a block."""
        chunks = self.db.execute(f"SELECT id % 4096, data FROM {table} WHERE id / 4096 = ?",
                                 [block.block_seq])
        frames = {column: chunk_frames(data, (block.level, table_id, block.block_seq, column))
                  for column, data in chunks}
        held = iter(decompress([frame for each in frames.values() for frame in each]))
        return {column: [next(held) for _ in each] for column, each in frames.items()}

    def lifetimes(self):
        for block in self.blocks:
            if block.level == 0:
                place = f"lifetimes of block {block.block_seq}"
                for process in self.guarded(place, self.lifetimes_of, block) or []:
                    yield block.block_seq, process

    def lifetimes_of(self, block):
        strings = read_strings(self.contents("string_chunk", STRINGS, block))
        held = self.contents("process_lifetime_chunk", LIFETIMES, block)
        return list(read_lifetimes(held, strings, self.process_samples))

    def table_block(self, block, table):
        """The samples of a table in a block."""
        held = self.contents(chunk_table(table, block.level), table.id, block)
        if not held:
            return None
        found = read_directory(held[0], block, table)
        for column in sum(table.columns(block.level), []):
            state = found.state.get(column, 2 + UNSUPPORTED)
            if state == 0:
                read = read_column(held[column], found.series)
            else:
                read = [(0, [0] * s.count, [max(state - 2, 0)] * s.count) for s in found.series]
            for series, what in zip(found.series, read):
                series.columns[column] = what
        for series in found.series:
            hide_not_read(series)
        return found

    def table_blocks(self, table, level):
        for block in self.blocks:
            if block.level == level:
                place = f"{chunk_table(table, level)} of block {block.block_seq}"
                found = self.guarded(place, self.table_block, block, table)
                yield from [found] if found else []
        yield from (state for state in self.open_block if state.table is table and level == 0)


# --- CSV -----------------------------------------------------------------------------------------

def csv_cell(value):
    if isinstance(value, bytes):
        value = value.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        value = re.sub("[\0-\x1f\x7f-\x9f]", lambda found: "".join("\\x%02x" % b for b in found[0].encode()), value)
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
            covered = part.covered[series.first + i][p]
            cells += figures(metric, [values[i] for _, values, _ in have], covered, before)
        else:
            cells.append(exported(metric, have[0][1][i]))
    return cells, [REASONS[r] if r < len(REASONS) else str(r) for r in reasons]


def called(process, time):
    versions = [v for v in process.versions if v.from_ns <= time] or process.versions[:1]
    return versions[-1].comm if versions else None


def sample_rows(recording, table, level, with_reasons):
    own = {"process": ["process_id", "pid", "comm"], "none": []}
    names = [metric.name for metric in table.metrics]
    parts = [f"{m.name}.{part}" for m in table.metrics for part in PARTS[m.kind]]
    yield ["time_ns", *own.get(table.kind, ["entity_id", table.kind]), *(parts if level else names),
           *(name + "__missing" for name in names if with_reasons)]
    labels = {row.entity_id: row.label for row in recording.rows("entity")}
    for part in recording.table_blocks(table, level):
        for series in part.series:
            for i in range(series.count):
                time, key = part.times[series.first + i], series.keys[:1]
                if table.kind == "process":
                    process = recording.processes[key[0]]
                    key += [process.pid, called(process, time + level * 10**9)]
                elif key:
                    key += [labels[key[0]]]
                cells, reasons = sample_cells(table, level, series, part, i)
                yield [time, *key, *cells, *(reasons if with_reasons else [])]


def fields(row, names):
    return [getattr(row, name) for name in names]


def process_rows(recording):
    yield ["process_id", *PROCESS, "version_count"]
    for process_id, process in sorted(recording.processes.items()):
        yield [process_id, *fields(process, PROCESS), len(process.versions)]


def version_rows(recording):
    yield ["process_id", "version", *VERSION]
    for process_id, process in sorted(recording.processes.items()):
        for number, version in enumerate(process.versions):
            yield [process_id, number, *fields(version, VERSION)]


def lifetime_rows(recording):
    parts = [f"{m.name}.{'increase' if part == 'last' and m.kind == 'counter' else part}"
             for m in recording.process_samples.metrics for part in PARTS[m.kind]]
    yield ["block_seq", "process_id", *PROCESS, *parts]
    for block_seq, process in recording.lifetimes():
        yield [block_seq, process.process_id, *fields(process, PROCESS), *sum(process.cells, [])]


def plain_rows(recording, name):
    cursor = recording.db.execute(f"SELECT * FROM {name}")
    yield [column[0] for column in cursor.description]
    yield from cursor


def table_rows(recording, name, with_reasons):
    for table in recording.tables:
        for level in LEVELS:
            if name == table.name + f"_{level}" * (level > 0):
                return sample_rows(recording, table, level, with_reasons)
    made = {"process": process_rows, "process_version": version_rows,
            "process_lifetime": lifetime_rows}
    return made[name](recording) if name in made else plain_rows(recording, name)


# --- damage: section 18 --------------------------------------------------------------------------

def check_rows(recording):
    """Row crc and table_check of all checked tables."""
    sums = {}
    tables = recording.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for name, in tables:
        names, *rows = plain_rows(recording, name)
        if "crc" not in names:
            continue
        crc = names.index("crc")
        for row in rows:
            if row_crc(name, row[:crc]) != row[crc]:
                yield f"{name} {row[0]}: crc"
        sums[name] = (len(rows), wrap(sum(row[crc] for row in rows)))
    for row in recording.rows("table_check"):
        told = (row.row_count, row.crc_sum)
        if sums.get(row.name, told) != told:
            yield f"{row.name}: rows lost, added or replaced"


def check_blocks(recording):
    """Sequence, contents, and every chunk."""
    for level in LEVELS:
        blocks = [block for block in recording.blocks if block.level == level]
        for before, block in zip(blocks, blocks[1:]):
            if block.block_seq != before.block_seq + 1:
                yield f"level {level}: no block before {block.block_seq}"
        for table in recording.tables:
            for block in blocks:
                c = Cursor(block.contents)
                told = dict(c.varints(2) for _ in range(c.varint())).get(table.id, 0)
                found = recording.db.execute(f"SELECT count(*) FROM {chunk_table(table, level)} "
                                             "WHERE id / 4096 = ?", [block.block_seq]).fetchone()[0]
                if told != found:
                    yield f"{table.name} of {level} {block.block_seq}: {found} chunks of {told}"
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
