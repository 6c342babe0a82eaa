"""Rows that their checksums vouch for, and that no recorder would write."""
import workplace

INTEGERS = (0, 1, -1, 2, 255, 256, 1023, 1024, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**43 - 1,
            2**53 + 1, 2**62, 2**63 - 1, -2**63, -2**31, -10**9, 10**9, 10**18,
            9223372036 * 10**9, 9_214_646_400 * 10**9)  # the last: year 2262, where ns end
TEXTS = (b"", b"../../../../etc/passwd", b"/etc/passwd", b"/dev/zero", b"../../../dev/zero", b":",
         b"Europe/Berlin\0/../x", b"UTC", b"<+99>-99", b"%s%n%s%n%1000000d", b"a" * 300,
         bytes(range(256)), b"\x1b]0;x\x07\x1b[2J", b"\xff\xfe\xfd", b"\xed\xa0\x80", b"'; DROP TABLE x; --",
         b'"', b"a,b\r\n=1+1", b"\xe2\x80\xae" * 50, b"none", b"process", b"counter", b"state", b"core",
         b"x" * 70000, b"0,1," * 20000, b"a\0b")
LARGE = 64 << 20


def odd_value(w):
    pick = w.rng.random()
    if pick < 0.5:
        return "integer", w.choose(INTEGERS)
    if pick < 0.8:
        return "text", w.choose(TEXTS)
    return w.choose((("null", None), ("real", float("inf")), ("real", 1e308), ("real", -0.0),
                     ("real", 1.5), ("blob", b""), ("blob", bytes(300)), ("blob", w.rng.randbytes(40))))


def any_row(w, db, tables=workplace.CHECKED):
    tables = [table for table in tables if w.row_ids(db, table)]
    table = w.choose(tables)
    return table, w.choose(w.row_ids(db, table))


def field(w, tables=workplace.CHECKED, columns=None, value=None):
    """One field of one row; mostly with its checksums made right again."""
    with w.database() as db:
        for _ in range(w.choose((1, 1, 2, 5))):
            table, row_id = any_row(w, db, tables)
            names = w.columns(db, table)[:-1]
            column = w.choose([n for n in names if columns is None or n in columns])
            new = odd_value(w) if value is None else value(w)
            repaired = w.rng.random() < 0.95
            w.change(db, table, row_id, column, new, repaired)
            w.note(f"{table} {row_id} {column} = {str(new)[:60]}{'' if repaired else ', unrepaired'}")
        if repaired:
            w.repair(db)


def session(w):
    field(w, ("session",))


def zone(w):
    field(w, ("session",), ("zone", "zone_offset_s", "zone_next_change_ns", "zone_next_offset_s"))


def times(w):
    field(w, ("session", "timeline", "event", "block", "process", "process_version"),
          ("wall_start_ns", "boot_start_ns", "end_ns", "interval_ns", "timeline_ns", "wall_ns", "at_ns",
           "duration_ns", "start_ns", "previous_ns", "from_ns", "value"),
          lambda w: ("integer", w.choose(INTEGERS)))


def catalog(w):
    field(w, ("samples_table", "metric"))


def block_row(w):
    field(w, ("block",))


def identities(w):
    field(w, ("process", "process_version", "entity"))


def many_rows(w):
    """Rows in masses, or none at all."""
    with w.database() as db:
        table, row_id = any_row(w, db)
        values = w.values(db, table, row_id)
        count = w.choose((0, 1, 300, 3000, 20000))
        if count == 0:
            db.execute(f"DELETE FROM {table}")
        free = max(w.row_ids(db, table), default=0) + 1
        for i in range(count):
            values[0] = ("integer", free + i * w.choose((1, 1, 1, 1024)))
            if table == "metric":
                values[2] = ("integer", i)
            w.store(db, table, values, crc=None if i < 100 or count < 4000 else 0)
        w.repair(db)
        w.note(f"{count} more rows of {table}" if count else f"no rows of {table}")


def swapped(w):
    """Two rows change places, or one has another's id."""
    with w.database() as db:
        table, one = any_row(w, db)
        other = w.choose(w.row_ids(db, table))
        values = w.values(db, table, one)
        values[0] = ("integer", w.choose((other, other, -1, 0, 2**63 - 1, -2**63)))
        w.store(db, table, values, replace=w.choose((None, one)))
        if w.rng.random() < 0.8:
            w.repair(db)
        w.note(f"{table} {one} as {values[0][1]}")


def counts(w):
    """table_check itself."""
    with w.database() as db:
        table = w.choose(workplace.CHECKED)
        row = [("text", table.encode()), ("integer", w.choose(INTEGERS)), ("integer", w.choose(INTEGERS))]
        db.execute("DELETE FROM table_check WHERE name=?", [table])
        w.store(db, "table_check", row)
        w.note(f"table_check {row}")


def large_text(w):
    """A text of 64 MB; or many of a megabyte, which together are larger than memory should get."""
    with w.database() as db:
        table, row_id = any_row(w, db, ("session", "process_version", "entity", "event", "metric",
                                        "capability", "samples_table"))
        text_columns = [n for n, v in zip(w.columns(db, table), w.values(db, table, row_id))
                        if v[0] in ("text", "null", "blob")]
        column, size = w.choose(text_columns), w.choose((65536, 65537, 1 << 20, 1 << 24, LARGE))
        values = w.values(db, table, row_id)
        values[w.columns(db, table).index(column)] = (w.choose(("text", "blob")), b"A" * size)
        # A checksum of that many bytes takes python half a minute; small ones have theirs.
        w.store(db, table, values, crc=None if size <= 65537 else 1, replace=row_id)
        w.repair(db)
        w.note(f"{table} {row_id} {column}: {size} bytes")


def cycle(w):
    """Entities and processes that are their own parents, or each other's."""
    with w.database() as db:
        table, column = w.choose((("entity", "parent_id"), ("process", "ppid")))
        ids = w.row_ids(db, table)
        for row_id in ids[:40]:
            w.change(db, table, row_id, column, ("integer", w.choose(ids + [row_id, -1, 2**63 - 1])))
        w.repair(db)
        w.note(f"{table}.{column} in a circle")


def names_twice(w):
    """Samples tables and metrics of one name, or of a name that is somebody else's."""
    with w.database() as db:
        table, column = w.choose((("samples_table", "name"), ("metric", "name"), ("metric", "position"),
                                  ("metric", "table_id"), ("samples_table", "key0"), ("metric", "kind")))
        ids = w.row_ids(db, table)
        one, other = w.choose(ids), w.choose(ids)
        values = w.values(db, table, one)
        w.change(db, table, other, column, values[w.columns(db, table).index(column)])
        w.repair(db)
        w.note(f"{table} {other} has the {column} of {one}")


KINDS = (field, session, zone, times, catalog, block_row, identities, many_rows, swapped, counts,
         large_text, cycle, names_twice)
