"""One copy of a recording that is being changed: rows with their checksums, chunks, the tail."""
import contextlib
import os
import shutil
import sqlite3
import struct

import bytes_of_format as fmt

CHECKED = ("session", "timeline", "capability", "samples_table", "metric", "metric_column", "entity",
           "process", "process_version", "event", "block")
WITHOUT_CRC = "tail"
BESIDE = ("", "-wal", "-shm", "-journal")


class NothingToChange(Exception):
    """This recording has nothing of that sort."""


class Workplace:
    def __init__(self, seed, path, rng):
        self.path, self.rng = path, rng
        self.notes = []
        for end in BESIDE:
            if os.path.exists(seed + end):
                shutil.copyfile(seed + end, path + end)

    def note(self, text):
        self.notes.append(text)

    @contextlib.contextmanager
    def database(self):
        """Open for changing, in one transaction; leaves no file beside the recording."""
        db = sqlite3.connect(self.path, isolation_level=None)
        db.text_factory = bytes
        db.execute("PRAGMA journal_mode=OFF")
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        try:
            yield db
            db.execute("COMMIT")
        finally:
            db.close()

    def choose(self, sequence):
        if not sequence:
            raise NothingToChange
        return self.rng.choice(list(sequence))

    def pages(self):
        """The recording as bytes, and the size of its pages."""
        with open(self.path, "rb") as file:
            data = bytearray(file.read())
        if len(data) < 512:
            raise NothingToChange
        size = int.from_bytes(data[16:18], "big")
        return data, 65536 if size == 1 else max(size, 512)

    def write(self, data, end=""):
        with open(self.path + end, "wb") as file:
            file.write(data)

    # --- rows ---

    def chunk_tables(self, db):
        return sorted(name.decode() for name, in db.execute(
            "SELECT name FROM sqlite_schema WHERE type='table' AND name LIKE '%\\_chunk%' ESCAPE '\\'"))

    def columns(self, db, table):
        return [row[1].decode() for row in db.execute(f"PRAGMA table_info({table})")]

    def row_ids(self, db, table):
        return [row_id for row_id, in db.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]

    def values(self, db, table, row_id):
        """Each column of a checked row but its crc, as (storage class, value)."""
        names = self.columns(db, table)[:-1]
        row = db.execute("SELECT %s FROM %s WHERE rowid=?" % (",".join(
            f'typeof("{n}"), CASE typeof("{n}") WHEN \'text\' THEN CAST("{n}" AS BLOB) ELSE "{n}" END'
            for n in names), table), [row_id]).fetchone()
        return [(row[i].decode(), row[i + 1]) for i in range(0, len(row), 2)]

    def store(self, db, table, values, crc=None, replace=None):
        """A row with its checksum; instead of the row `replace` if that is given."""
        if replace is not None:
            db.execute(f"DELETE FROM {table} WHERE rowid=?", [replace])
        places = ",".join("CAST(? AS TEXT)" if kind == "text" else "?" for kind, _ in values)
        crc = fmt.row_crc(table, values) if crc is None else crc
        db.execute(f"INSERT OR REPLACE INTO {table} VALUES({places},?)",
                   [what for _, what in values] + [crc])

    def change(self, db, table, row_id, column, value, repair=True):
        values = self.values(db, table, row_id)
        old = db.execute(f"SELECT crc FROM {table} WHERE rowid=?", [row_id]).fetchone()[0]
        values[self.columns(db, table).index(column)] = value
        self.store(db, table, values, crc=None if repair else old, replace=row_id)

    def repair(self, db, tables=CHECKED):
        """table_check as it would be, had a recorder written these rows."""
        for table in tables:
            count, total = db.execute(
                f"SELECT count(*), coalesce(sum(crc), 0) FROM {table}").fetchone()
            row = [("text", table.encode()), ("integer", count), ("integer", total)]
            db.execute("INSERT OR REPLACE INTO table_check VALUES(?,?,?,?)",
                       [table, count, total, fmt.row_crc("table_check", row)])

    # --- chunks and the tail ---

    def chunk(self, db, like="%"):
        """(table, id, Chunk) of any chunk whose table is named so."""
        tables = [t for t in self.chunk_tables(db) if like == "%" or t.startswith(like)]
        self.rng.shuffle(tables)
        for table in tables:
            ids = self.row_ids(db, table)
            if ids:
                row_id = self.rng.choice(ids)
                data, = db.execute(f"SELECT data FROM {table} WHERE id=?", [row_id]).fetchone()
                return table, row_id, fmt.Chunk(data)
        raise NothingToChange

    def set_chunk(self, db, table, row_id, data):
        db.execute(f"UPDATE {table} SET data=? WHERE id=?", [data, row_id])

    def tail(self, db):
        """[id, content] of each record."""
        records = [[row_id, fmt.unpack(data[8:])] for row_id, data in
                   db.execute("SELECT tail_id, data FROM tail ORDER BY tail_id")]
        if not records:
            raise NothingToChange
        return records

    def set_tail(self, db, records, frames=None):
        """All records, each told of the one before; frames[i] instead of what would hold it."""
        db.execute("DELETE FROM tail")
        before = 0
        for i, (row_id, content) in enumerate(records):
            frame = (frames or {}).get(i) or fmt.pack(content)
            covered = struct.pack("<qI", row_id, before) + frame
            crc = fmt.crc32c(covered)
            db.execute("INSERT OR REPLACE INTO tail VALUES(?,?)",
                       [row_id, struct.pack("<II", crc, before) + frame])
            before = crc
