#!/usr/bin/env python3
"""`procscope verify --salvage` of a damaged recording writes one that has no damage and holds everything that is
not listed as gone, cell by cell as it was; what is listed is missing, and says why."""
import collections
import csv
import io
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
ROUNDS = int(os.environ.get("PROCSCOPE_SALVAGES", "1"))
RECORDINGS = {
    "wide": "--start 2026-01-05T22:57:31Z --processes 70 --seconds 200 --births 2 --missing --pid-reuse"
            " --gap 70:20 --restart 110:15 --seed 21",
    "long": "--start 2026-01-05T22:20:31Z --processes 2 --seconds 4500 --births 0.03 --gap 3000:400 --seed 22",
    "unclean": "--start 2026-01-05T09:10:00Z --processes 8 --seconds 400 --births 1 --unclean --seed 23 --missing",
}
GONE = re.compile(r"gone: ([a-z0-9_]+)(?:, block (\d+))?(?:, (\S+) to (\S+))?: (.*?): (.*)")
ROWS = {"event": "event_id", "entity": "entity_id", "session": "session_id"}
SERIES = re.compile(r" of (process|core|disk|collector|resource|[a-z]+) ((?:\d+(?:-\d+)?(?: |$))+)$")


def run(*arguments):
    done = subprocess.run([programs.ANALYZER, *arguments], capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def tables(path):
    return [line.split()[0] for line in run("export", path, "--list")[1].splitlines()[1:]]


def export(path, table):
    reasons = ["--missing-reasons"] if table.endswith("_samples") else []
    status, text, said = run("export", path, "--table", table, "--format", "csv", *reasons)
    if status != 0:
        raise RuntimeError(f"export {table}: {status} {said}")
    rows = list(csv.reader(io.StringIO(text)))
    return rows[0], rows[1:]


def blocks(path):
    """(level, block_seq) -> first and last tick."""
    with sqlite3.connect(path) as db:
        return {(level, seq): (start, end) for level, seq, start, end in
                db.execute("SELECT level, block_seq, start_ns, end_ns FROM block")}


class Recording:
    """What a good one says, read once."""

    def __init__(self, path):
        self.path = path
        self.blocks = blocks(path)
        if "unclean" in path:  # the tail is the next block
            number = max(seq for level, seq in self.blocks if level == 0)
            self.blocks[0, number + 1] = self.blocks[0, number][1] + 1, 1 << 62
        self.tables = {name: export(path, name) for name in tables(path)}
        head, rows = self.tables["process_lifetime"]
        block, process = head.index("block_seq"), head.index("process_id")
        self.lives = collections.defaultdict(set)
        for row in rows:
            self.lives[int(row[block])].add(row[process])


def level_of(table):
    return 3600 if table.endswith("_3600") else 60 if table.endswith("_60") else 0


class Losses:
    """The list, by what it means for the exports."""

    def __init__(self, text, good):
        self.good = good
        self.lines = []
        self.whole = set()                            # (table, block) of which all rows are gone; table "": all
        self.cells = collections.defaultdict(list)    # (table, block) -> [(metrics, ids or None)]
        self.life_metrics = collections.defaultdict(set)
        self.who, self.called, self.rows = set(), set(), collections.defaultdict(set)
        self.odd, self.unknown = [], set()
        for line in text.splitlines():
            match = GONE.fullmatch(line)
            if match:
                self.lines.append(line)
                self.take(match.group(1), int(match.group(2) or 0), match.group(5))

    def take(self, table, block, what):
        base = table.removesuffix("_3600").removesuffix("_60")
        if base == "block" and block:
            self.whole.add((level_of(table), block))
        elif "_samples" in table and what == "all of it":
            self.whole.add((table, block))
        elif "_samples" in table and what.startswith(("reference values", "whom reference")):
            return  # the blocks that they are used in have lines of their own
        elif "_samples" in table:
            series = SERIES.search(what)
            ids = None
            if series:
                what = what[:series.start()]
                ids = set()
                for part in series.group(2).split():
                    first, _, last = part.partition("-")
                    ids.update(map(str, range(int(first), int(last or first) + 1)))
            self.cells[table, block].append((set(what.split(", ")), ids))
        elif table == "process_lifetime" and what.startswith("who "):
            self.who.add(block)
        elif table == "process_lifetime" and what.startswith("what "):
            self.called.add(block)
        elif table == "process_lifetime":
            self.life_metrics[block].add(what.split()[0])
        elif table in ("process_usage", "process_hour"):
            return
        elif what.startswith("row "):
            self.rows[table].add(int(what.split()[1]))
        elif re.search(r" (\d+)( is)?; its (samples|names) stay$|the samples of process (\d+)$", what):
            self.rows[table].add(int(re.search(r" (\d+)( is)?(;|$)", what).group(1)))
        elif re.fullmatch(r"\d+ more rows?|maybe more rows", what):
            self.unknown.add(table)
        elif table == "tail" or table == "block":
            self.unknown.add(table)
        else:
            self.odd.append(what)

    def is_gone(self, table, block):
        return (table, block) in self.whole or (level_of(table), block) in self.whole

    def metrics(self, table, block, ident):
        return set().union(*(metrics for metrics, ids in self.cells[table, block]
                             if ids is None or ident in ids), set())

    def processes(self):
        """Whose names are gone, by rows."""
        return {str(number) for number in self.rows["process"]} | {
            str(number // 1024) for number in self.rows["process_version"]}

    def unnamed(self, table, block):
        if table in ("process", "gpu_process", "process_detail"):
            return self.processes() | (self.good.lives[block] if block in self.who | self.called else set())
        return {str(number) for number in self.rows["entity"]}


def compare_samples(table, good, left, losses):
    """Differences that are not listed, and listed cells that are not gone."""
    head, rows = good.tables[table]
    left_head, left_rows = export(left, table)
    if left_head != head:
        return [f"{table}: other columns"]
    level = level_of(table)
    metrics = {n: name.split(".")[0] for n, name in enumerate(head)
               if ("." in name if level else name + "__missing" in head)}
    reason = {n: head.index(name + "__missing") for n, name in metrics.items() if not level}
    time, first = head.index("time_ns"), min(metrics)
    keys = [n for n in range(first) if head[n].endswith("_id")]

    def why(row, n):
        return row[reason[n]] if n in reason else "damaged" if row[n] == "" else ""

    def name_of(row):
        return row[time], *(row[n] for n in keys)

    found, wrong, last, placed = collections.defaultdict(list), [], {}, []
    mine = sorted((span, seq) for (at, seq), span in good.blocks.items() if at == level)
    for row in left_rows:
        found[name_of(row)].append(row)
    for row in rows:  # two sessions may share a window: then it is of one of two blocks
        at, ident = int(row[time]), row[keys[0]] if keys else ""
        holds = [seq for (start, end), seq in mine if start <= at and (at < end if level else at <= end)]
        placed.append((name_of(row), ident, holds, row))
        last[holds[0], ident] = at
    for name, ident, holds, row in placed:
        block = holds[0]
        if any(losses.is_gone(table, seq) for seq in holds):
            if len(holds) > 1 and found[name]:
                found[name].pop(0)
            continue
        if not found[name]:
            wrong.append(f"{table}: row {name} of block {block} is not there")
            continue
        other = found[name].pop(0)
        lost = [losses.metrics(table, seq, ident) for seq in holds]
        final = last[block, ident] == int(row[time])
        life = bool(keys) and head[keys[0]] == "process_id" and level == 0 and ident in good.lives[block]
        told = final and life
        maybe = losses.life_metrics[block] if told else set()
        everything = told and block in losses.who
        for n, cell in enumerate(row):
            if n in metrics:
                gone = other[n] == "" and why(other, n) in ("damaged", "exited", "not sampled")
                must = all(metrics[n] in some for some in lost) and not told
                may = any(metrics[n] in some for some in lost) or metrics[n] in maybe or everything
                if other[n] == cell and why(other, n) == why(row, n) and not (must and cell != ""):
                    continue
                if not (may and gone):
                    wrong.append(f"{table}: {name} {head[n]}: {cell!r} became {other[n]!r}"
                                 f" ({why(other, n)}), listed: {may}")
            elif other[n] != cell and "__missing" not in head[n] and not (
                    n not in keys and n > time and ident in losses.unnamed(table.split("_samples")[0], block)):
                wrong.append(f"{table}: {name} {head[n]}: {cell!r} became {other[n]!r}")
    extra = sum(map(len, found.values()))
    if extra:
        wrong.append(f"{table}: {extra} rows that were not there")
    return wrong


def compare_lives(good, left, losses):
    head, rows = good.tables["process_lifetime"]
    _, left_rows = export(left, "process_lifetime")
    block, process, wrong = head.index("block_seq"), head.index("process_id"), []
    there = {(row[block], row[process]): row for row in left_rows}
    for row in rows:
        number = int(row[block])
        other = there.pop((row[block], row[process]), None)
        if number in losses.who or losses.is_gone("process_lifetime", number):
            continue
        if other is None:
            wrong.append(f"life {row[process]} is not there")
            continue
        wrong += [f"life {row[process]} {name}: {a!r} became {b!r}" for name, a, b in zip(head, row, other)
                  if a != b and name.split(".")[0] not in losses.life_metrics[number]
                  and number not in losses.called]
    return wrong + [f"life {key} was not there" for key in there]


def compare_rows(table, good, left, losses):
    """Tables of rows: those that are listed are not there, all others are as they were."""
    head, rows = good.tables[table]
    _, left_rows = export(left, table)
    exempt = set().union(*(good.lives[block] for block in losses.who | losses.called |
                           {block for _, block in losses.whole}), losses.processes())
    process = head.index("process_id") if "process_id" in head else None
    keep = lambda row: process is None or row[process] not in exempt  # noqa: E731
    if table == "event":
        kind = head.index("kind")
        left_rows = [row for row in left_rows if row[kind] not in ("damaged", "salvaged")]
    if table in ("capability", "timeline"):  # their exports have no ids
        return [] if len(rows) - len(left_rows) == len(losses.rows[table]) else [f"{table}: {len(left_rows)} rows"]
    if table == "session":  # one without an end gets one
        rows, left_rows = ([[cell for name, cell in zip(head, row) if not name.startswith("end_")] for row in some]
                           for some in (rows, left_rows))
    if table in ROWS:
        number = head.index(ROWS[table])
        rows, left_rows = ([row for row in some if int(row[number]) not in losses.rows[table]]
                           for some in (rows, left_rows))
    before = collections.Counter(map(tuple, filter(keep, rows)))
    after = collections.Counter(map(tuple, filter(keep, left_rows)))
    return [f"{table}: {sign} {row}" for sign, some in (("-", before - after), ("+", after - before)) for row in some]


def salvage(path, out):
    """Status, list, what it said; the new one has to be whole."""
    status, text, said = run("verify", path, "--salvage", out)
    if status in (0, 3) and os.path.exists(out):
        verified = run("verify", out)
        if verified[0] != 0:
            return status, text, f"not whole: {verified} {said}"
        return status, text, ""
    return status, text, f"nothing written: {said}"


def compare(good, left, text):
    losses = Losses(text, good)
    wrong = [f"not understood: {what}" for what in losses.odd]
    for table in good.tables:
        if "_samples" in table:
            wrong += compare_samples(table, good, left, losses)
        elif table == "process_lifetime":
            wrong += compare_lives(good, left, losses)
        elif table != "process_hour":
            wrong += compare_rows(table, good, left, losses)
    return losses, wrong


# --- damage ---------------------------------------------------------------------------------------------------

def chunks(db):
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE name LIKE '%chunk%'")]
    return [(name, key) for name in names for (key,) in db.execute(f"SELECT id FROM {name}")]


def damage_chunks(path, rng, count, only=lambda name, key: True):
    with sqlite3.connect(path) as db:
        chosen = rng.sample([place for place in chunks(db) if only(*place)], count)
        for name, key in chosen:
            (data,) = db.execute(f"SELECT data FROM {name} WHERE id=?", (key,)).fetchone()
            data = bytearray(data)
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            db.execute(f"UPDATE {name} SET data=? WHERE id=?", (bytes(data), key))
    db.close()
    return chosen


def one_round(good, work, rng, count, only=lambda name, key: True):
    bad, out = os.path.join(work, "bad.pscope"), os.path.join(work, "out.pscope")
    shutil.copy(good.path, bad)
    chosen = damage_chunks(bad, rng, count, only)
    before = run("verify", bad)
    status, text, said = salvage(bad, out)
    wrong = [said] if said else []
    losses = None
    if not wrong:
        losses, wrong = compare(good, out, text)
        if status != 3 or not losses.lines:
            wrong.append(f"status {status}, {len(losses.lines)} lines, verify says {before[0]}")
    if wrong:
        print("\n".join(text.splitlines()[-30:]), "\n".join(wrong[:10]), chosen, sep="\n")
    for path in (bad, out):
        if os.path.exists(path):
            os.unlink(path)
    return wrong, losses


def test_chunks(goods, work):
    for name, good in goods.items():
        rng = random.Random(f"chunks {name}")
        faults = [one_round(good, work, rng, 20)[0] for _ in range(ROUNDS)]
        check(not any(faults), f"{name}: {ROUNDS} times 20 damaged chunks: all else is as it was, what is gone is listed")


def damage_rows(path, rng, columns):
    """One row of each table says something else than it did."""
    with sqlite3.connect(path) as db:
        for table, column in columns.items():
            ids = [number for (number,) in db.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]
            db.execute(f"UPDATE {table} SET {column}={column}+1 WHERE rowid=?", (rng.choice(ids),))
    db.close()


def check_damage(good, work, claim, damage, compares=True):
    """Damage a copy; the list, or None if anything is wrong."""
    bad, out = os.path.join(work, "bad.pscope"), os.path.join(work, "out.pscope")
    for path in (bad, out):
        if os.path.exists(path):
            os.unlink(path)
    shutil.copy(good.path, bad)
    damage(bad)
    status, text, said = salvage(bad, out)
    losses, wrong = (None, [said]) if said else compare(good, out, text) if compares else (Losses(text, good), [])
    if status != 3:
        wrong.append(f"status {status}")
    if wrong:
        print("\n".join(text.splitlines()[-30:]), "\n".join(wrong[:10]), sep="\n")
    check(not wrong, claim)
    return losses


def test_rows(goods, work):
    rng = random.Random("rows")
    few = {"samples_table": "crc", "metric": "scale", "metric_column": "position", "entity": "parent_id",
           "process": "pid", "process_version": "uid", "event": "value", "capability": "crc"}
    check_damage(goods["wide"], work, "a row of each table: the samples stay, the catalog is known, names are lost",
                 lambda path: damage_rows(path, rng, few))
    check_damage(goods["unclean"], work, "a session and a process of the tail's recording: the same",
                 lambda path: damage_rows(path, rng, {"session": "pid", "process": "pid"}))

    def lose_block(path):
        with sqlite3.connect(path) as db:
            db.execute("UPDATE block SET tick_count=tick_count+1 WHERE level=0 AND block_seq=3")
        db.close()
    losses = check_damage(goods["long"], work, "the row of a block: its samples are gone, all others stay", lose_block)
    start, end = goods["long"].blocks[0, 2][1], goods["long"].blocks[0, 3][1]
    head, events = export(os.path.join(work, "out.pscope"), "event")
    row = next(row for row in events if row[head.index("kind")] == "damaged")
    check(int(row[head.index("time_ns")]) == start and int(row[head.index("duration_ns")]) == end - start and
          row[head.index("detail")] == "block 3", "and an event tells from when to when")
    check((0, 3) in losses.whole, "and the list")
    said = run("report", os.path.join(work, "out.pscope"), "--no-rollups")[1]
    check("gaps (damaged " in said, "and a report names the gap")


def test_tail(good, work, rng):
    """Of a tail stays what lies before the damaged record."""
    head, rows = good.tables["cpu_samples"]
    end = max(span[1] for span in good.blocks.values() if span[1] < 1 << 62)
    time = head.index("time_ns")
    ticks = sorted({int(row[time]) for row in rows if int(row[time]) > max(
        last for (level, _), (_, last) in good.blocks.items() if level == 0 and last < 1 << 62)})
    record = rng.randrange(2, len(ticks))

    def damage(path):
        with sqlite3.connect(path) as db:
            (key, data), = db.execute("SELECT tail_id, data FROM tail WHERE (tail_id & 1048575)=?", (record,))
            db.execute("UPDATE tail SET data=? WHERE tail_id=?", (data[:-1] + bytes([data[-1] ^ 1]), key))
        db.close()
    check_damage(good, work, f"record {record} of a tail of {len(ticks)} ticks ({end}): what is written has no damage",
                 damage, compares=False)
    left = {int(row[time]) for row in export(os.path.join(work, "out.pscope"), "cpu_samples")[1]}
    check(left == {int(row[time]) for row in rows} - set(ticks[record - 1:]), "the ticks before it stay, no others")


def is_part(table, good, left):
    """Is every row of the salvaged one a row of the good one, cells that are missing aside?"""
    head, rows = good.tables[table]
    left_head, left_rows = export(left, table)
    names = [n for n, name in enumerate(head) if name == "time_ns" or name in ("process_id", "entity_id")]
    figures = [n for n, name in enumerate(head) if "." in name or name + "__missing" in head]
    known = collections.defaultdict(list)
    for row in rows:
        known[tuple(row[n] for n in names)].append(row)
    return left_head == head and all(
        any(all(row[n] in ("", other[n]) for n in figures) for other in known[tuple(row[n] for n in names)])
        for row in left_rows)


def test_pages(good, work):
    rng = random.Random("pages")

    def pages(path):
        with open(path, "r+b") as file:
            for page in rng.sample(range(8, os.path.getsize(path) // 1024), 12):
                file.seek(page * 1024)
                file.write(rng.choice((bytes(1024), rng.randbytes(1024))))

    def bits(path):
        with open(path, "r+b") as file:
            for at in rng.sample(range(8192, os.path.getsize(path)), 40):
                file.seek(at)
                byte = file.read(1)[0]
                file.seek(at)
                file.write(bytes([byte ^ 1 << rng.randrange(8)]))
    for name, damage in (("12 pages", pages), ("40 bits", bits),
                         ("the last quarter", lambda path: os.truncate(path, os.path.getsize(path) * 3 // 4))):
        for _ in range(ROUNDS):
            if check_damage(good, work, f"{name} of the file: what is written has no damage", damage, compares=False):
                out = os.path.join(work, "out.pscope")
                odd = [table for table in good.tables if "_samples" in table and not is_part(table, good, out)]
                check(not odd, f"and nothing that was not there before: {odd}")


def test_reports(good, work):
    """A damaged rollup is no loss to reports: level 0 says the same."""
    rng = random.Random("reports")
    asked = ["--columns", "process_id,covered_seconds,cpu_seconds,cpu_percent_max,resident_bytes_mean", "--format",
             "csv", "--top", "0"]
    check_damage(good, work, "10 chunks of sums: all else is as it was", lambda path: damage_chunks(
        path, rng, 10, lambda name, key: name in ("process_samples_chunk_60", "process_samples_chunk_3600")))
    check(run("report", os.path.join(work, "out.pscope"), *asked)[:2] == run("report", good.path, *asked)[:2],
          "and reports say what they said")


def test_whole(good, work):
    out = os.path.join(work, "whole.pscope")
    status, text, said = salvage(good.path, out)
    losses, wrong = compare(good, out, text)
    check(status == 0 and not said and not losses.lines and not wrong and text.startswith("ok: "),
          f"of a good one nothing is gone: {status} {text} {said} {wrong[:3]}")
    with open(out, "rb") as file:
        before = file.read()
    again = run("verify", good.path, "--salvage", out)
    with open(out, "rb") as file:
        check(again[0] == 2 and file.read() == before, "a file that is there is left alone")
    nothing = os.path.join(work, "nothing.pscope")
    with open(nothing, "wb") as file:
        file.write(before[:100] + bytes(5000))
    status, text, said = run("verify", nothing, "--salvage", nothing + "-left")
    check(status in (1, 3) and said and not os.path.exists(nothing + "-left"), f"of nothing nothing is written: {said}")


def main():
    if not os.access(MAKE, os.X_OK):
        programs.skip("no " + MAKE)
    with programs.work_directory() as work:
        goods = {}
        for name, options in RECORDINGS.items():
            path = os.path.join(work, name + ".pscope")
            subprocess.run([MAKE, path, *options.split()], check=True, stdout=subprocess.DEVNULL)
            goods[name] = Recording(path)
        test_whole(goods["long"], work)
        test_chunks(goods, work)
        test_rows(goods, work)
        test_tail(goods["unclean"], work, random.Random("tail"))
        test_pages(goods["wide"], work)
        test_reports(goods["long"], work)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
