"""Hostile SQL in sqlite_schema, and what the header claims of the database."""
import struct

TABLES = ("session", "timeline", "capability", "samples_table", "metric", "metric_column", "entity",
          "process", "process_version", "event", "block", "tail", "table_check",
          "process_samples_chunk", "process_lifetime_chunk", "string_chunk", "process_usage_chunk",
          "process_hour_chunk", "cpu_samples_chunk_60")
# Each would be felt: code, files, time or memory that only the file asked for.
EXPRESSIONS = (
    "load_extension('./evil')", "writefile('pwned','x')", "randomblob(1000000000)",
    "zeroblob(2000000000)", "readfile('/etc/passwd')", "edit('x')", "fts3_tokenizer('x')",
    "hex(hex(hex(hex(hex(zeroblob(100000000))))))", "printf('%.1000000000c','x')",
    "replace(hex(zeroblob(30000000)),'00','aaaaaaaaaaaaaaaaaaaaaaaaa')", "group_concat(1)",
    "row_crc('session',1)", "abs(-9223372036854775808)", "9e999", "sqlite_compileoption_get(1)",
    "'%s%n%s'", "likelihood(1,0.5)", "json('[[[[[[[[')", "1/0", "-9223372036854775808", "random()")
ENDLESS = (
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT %s FROM c",
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION SELECT n+1 FROM c) SELECT %s FROM c",
    "WITH RECURSIVE c(n) AS (SELECT zeroblob(1000000) UNION ALL SELECT n||n FROM c) SELECT %s FROM c",
    "SELECT %s FROM sqlite_schema a, sqlite_schema b, sqlite_schema c, sqlite_schema d, sqlite_schema e",
    "SELECT %s FROM pragma_integrity_check", "SELECT %s FROM pragma_wal_checkpoint",
    "SELECT %s FROM generate_series(1,9e18)", "SELECT %s FROM dbstat", "SELECT %s FROM sqlite_dbpage",
    "SELECT %s FROM fsdir('/')", "VALUES(1,load_extension('./evil'))")
MODULES = ("fts5(x)", "fts3(x)", "rtree(id,a,b)", "dbstat", "sqlite_dbpage", "csv(filename='/etc/passwd')",
           "generate_series", "zipfile('x.zip')", "fts5vocab(a,b)", "json_each")


def rewrite(w, db, table, sql, kind=None, root=None):
    """Put that SQL in the place of a table's."""
    db.execute("PRAGMA writable_schema=ON")
    db.execute("UPDATE sqlite_schema SET sql=?, type=coalesce(?,type), rootpage=coalesce(?,rootpage)"
               " WHERE name=? AND type='table'", [sql, kind, root, table])
    w.note(f"{table}: {sql[:100]}")


def add(w, db, kind, name, table, root, sql):
    db.execute("PRAGMA writable_schema=ON")
    db.execute("INSERT INTO sqlite_schema VALUES(?,?,?,?,?)", [kind, name, table, root, sql])
    w.note(f"{kind} {name}: {sql[:100]}")


def root_of(db, table):
    found = db.execute("SELECT rootpage FROM sqlite_schema WHERE name=?", [table]).fetchone()
    return found[0] if found else 2


def listed(w, db, table, odd):
    """Columns of a table for a CREATE, one of them with `odd` added."""
    names = w.columns(db, table) or ["id", "data"]
    at = w.rng.randrange(len(names))
    return ", ".join(f'"{n}" {"INTEGER PRIMARY KEY" if i == 0 else ""} {odd if i == at else ""}'
                     for i, n in enumerate(names))


def view_for_table(w):
    """A table of ours is a view that never ends, grows, or calls what it should not."""
    with w.database() as db:
        table = w.choose(TABLES)
        names = w.columns(db, table) or ["id", "data"]
        inner = w.choose(ENDLESS)
        chosen = ",".join(w.choose(EXPRESSIONS + ("1",) * 20) + f' AS "{n}"' for n in names)
        body = inner % chosen if "%s" in inner else inner
        rewrite(w, db, table, f"CREATE VIEW {table} AS {body}", "view", 0)


def virtual_for_table(w):
    with w.database() as db:
        table = w.choose(TABLES)
        rewrite(w, db, table, f"CREATE VIRTUAL TABLE {table} USING {w.choose(MODULES)}", "table", 0)


def generated_column(w):
    with w.database() as db:
        table, how = w.choose(TABLES), w.choose(("VIRTUAL", "STORED"))
        odd = f"GENERATED ALWAYS AS ({w.choose(EXPRESSIONS)}) {how}"
        rewrite(w, db, table, f"CREATE TABLE {table}({listed(w, db, table, odd)})")


def expression_in_table(w):
    """CHECK and DEFAULT: what integrity_check evaluates."""
    with w.database() as db:
        table = w.choose(TABLES)
        odd = w.choose(("CHECK({})", "DEFAULT({})", "CHECK({} IS NOT NULL)",
                        "COLLATE NOCASE CHECK({}>1)")).format(w.choose(EXPRESSIONS))
        rewrite(w, db, table, f"CREATE TABLE {table}({listed(w, db, table, odd)})")


def odd_table(w):
    """Other columns, collations, keys, names."""
    with w.database() as db:
        table = w.choose(TABLES)
        names = w.columns(db, table) or ["id", "data"]
        plain = ",".join(names)
        sql = w.choose((
            f"CREATE TABLE {table}({names[0]} PRIMARY KEY,{','.join(names[1:])}) WITHOUT ROWID",
            f"CREATE TABLE {table}({listed(w, db, table, 'COLLATE NOCASE')})",
            f"CREATE TABLE {table}({listed(w, db, table, 'COLLATE nosuch')})",
            f"CREATE TABLE {table}({names[0]})", f"CREATE TABLE {table}({plain}, crc)",
            f"CREATE TABLE {table}({plain},more,and_more)",
            f"CREATE TABLE {table}({','.join(reversed(names))})",
            f"CREATE TABLE {table}({','.join(f'c{i}' for i in range(1999))})",
            f"CREATE TABLE {table}({','.join(f'c{i}' for i in range(len(names)))})",
            'CREATE TABLE %s(%s)' % (table, ",".join(
                f'"{n}"" , hex(zeroblob(99999999)) , ""{i}"' for i, n in enumerate(names))),
            'CREATE TABLE %s(%s)' % (table, ",".join(
                f'"{n}"", (SELECT count(*) FROM sqlite_schema a,sqlite_schema b,sqlite_schema c,'
                f'sqlite_schema d,sqlite_schema e) AS ""x{i}"' for i, n in enumerate(names))),
            'CREATE TABLE %s("%s")' % (table, '","'.join(n + "x" * 400 for n in names)),
            f"CREATE TABLE {table}({plain}) STRICT", "", "CREATE TABLE", "SELECT 1", "DROP TABLE session",
            f"CREATE TABLE {table}({plain}); ATTACH 'pwned' AS p; CREATE TABLE p.x(y)",
            f"CREATE TABLE {table}({plain}) /* {'x' * 2000000} */",
            f"CREATE TABLE {table}({names[0]} CHECK({'(' * 900}1{')' * 900}))",
            f"CREATE TABLE {table} AS SELECT 1", f"CREATE TEMP TABLE {table}({plain})",
            f"CREATE TABLE {table}({plain}, FOREIGN KEY({names[0]}) REFERENCES nowhere(x))"))
        rewrite(w, db, table, sql)


def trigger(w):
    with w.database() as db:
        table = w.choose(TABLES)
        when = w.choose(("AFTER INSERT", "BEFORE DELETE", "AFTER UPDATE"))
        body = w.choose((f"SELECT {w.choose(EXPRESSIONS)};", "DELETE FROM session;",
                         "INSERT INTO tail SELECT tail_id+1,data FROM tail;"))
        add(w, db, "trigger", "t1", table, 0,
            f"CREATE TRIGGER t1 {when} ON {table} BEGIN {body} END")


def index_over_expression(w):
    with w.database() as db:
        table = w.choose(TABLES)
        name = w.choose(w.columns(db, table) or ["data"])
        sql = w.choose((f"CREATE INDEX i1 ON {table}({w.choose(EXPRESSIONS)})",
                        f"CREATE INDEX i1 ON {table}({name}) WHERE {w.choose(EXPRESSIONS)}",
                        f"CREATE UNIQUE INDEX i1 ON {table}({name} COLLATE nosuch)"))
        add(w, db, "index", "i1", table, root_of(db, w.choose(TABLES)), sql)


def second_of_a_name(w):
    """Names twice, in another case, that point to other tables, or that nobody may take."""
    with w.database() as db:
        table, other = w.choose(TABLES), w.choose(TABLES)
        if w.rng.random() < 0.5:
            name = w.choose((table, table.upper(), table.title(), "sqlite_sequence", "sqlite_stat1",
                             "sqlite_autoindex_x_1", "sqlite_master", "", 'a"b', "a\x00b"))
            add(w, db, w.choose(("table", "TABLE", "index", "view", "x", "")), name, other,
                w.choose((root_of(db, other), 0, 1, -1, 2**31, 2**40)),
                w.choose((f'CREATE TABLE "{name}"(a,b)', f"CREATE VIEW {name} AS SELECT 1", "", None))
                or "")
        else:
            db.execute("PRAGMA writable_schema=ON")
            root = w.choose((root_of(db, other), 0, 1, -5, 2**31 - 1, 2**62, root_of(db, table) + 1))
            db.execute("UPDATE sqlite_schema SET rootpage=? WHERE name=?", [root, table])
            w.note(f"{table} begins at page {root}")


def table_gone(w):
    with w.database() as db:
        table = w.choose(TABLES)
        db.execute(f"DROP TABLE IF EXISTS {table}")
        w.note(f"no {table}")
        if w.rng.random() < 0.3:
            db.execute("DELETE FROM table_check WHERE name=?", [table])


def statistics(w):
    """What the planner would believe; and a table that nobody knows, which is to be carried."""
    with w.database() as db:
        table = w.choose(TABLES)
        db.execute("CREATE TABLE later_version(a, b)")
        db.execute("INSERT INTO later_version VALUES(1, zeroblob(5000))")
        db.execute("ANALYZE")
        db.execute("DELETE FROM sqlite_stat1")
        for lie in ("0 0", "9" * 400, "1 1 unordered", "-1 noskipscan sz=0", "%n%s", "\x00"):
            db.execute("INSERT INTO sqlite_stat1 VALUES(?,?,?)", [table, None, lie])
        w.note(f"statistics of {table}")


def schema_bytes(w):
    """A page with CREATE statements, with a few characters of SQL changed in place."""
    data, _ = w.pages()
    found = [i for i in range(len(data) - 6) if data[i:i + 6] == b"CREATE"]
    at = w.choose(found) + w.rng.randrange(60)
    piece = w.choose((b"VIEW", b"(((((", b"\0\0\0", b'"""', b"--", b"/*", b";", b"\xff\xff", b"CHECK"))
    data[at:at + len(piece)] = piece
    w.write(data[:len(data)])
    w.note(f"SQL at byte {at}: {piece!r}")


# Offset, size, values: https://sqlite.org/fileformat.html section 1.3
HEADER = (
    (0, 16, None), (16, 2, (0, 1, 2, 256, 511, 512, 513, 1024, 4096, 32768, 65535)),
    (18, 1, (0, 1, 2, 3, 255)), (19, 1, (0, 1, 2, 3, 255)), (20, 1, (0, 1, 32, 255)),
    (21, 1, (0, 64, 255)), (22, 1, (0, 32, 255)), (23, 1, (0, 32, 255)),
    (24, 4, (0, 2**32 - 1)), (28, 4, (0, 1, 2, 10**6, 2**31 - 1, 2**32 - 2)),
    (32, 4, (1, 2, 5, 2**31, 2**32 - 1)), (36, 4, (1, 1000, 2**32 - 1)), (40, 4, (0, 2**32 - 1)),
    (44, 4, (0, 1, 2, 3, 4, 5, 99, 2**31)), (48, 4, (0, 10**6, 2**31, 2**32 - 1)),
    (52, 4, (1, 3, 2**31)), (56, 4, (0, 2, 3, 4, 2**31)),
    (60, 4, (0, 999, 1000, 1002, 1999, 2001, 2**31, 2**32 - 1)), (64, 4, (1, 2**32 - 1)),
    (68, 4, (0, 1, 2**31)), (92, 4, (0, 2**32 - 1)), (96, 4, (0, 2**32 - 1)))


def header(w):
    data, _ = w.pages()
    for _ in range(w.choose((1, 1, 2, 4))):
        at, size, values = w.choose(HEADER)
        value = (w.rng.randbytes(size) if values is None else
                 struct.pack(">Q", w.choose(values))[8 - size:])
        data[at:at + size] = value
        w.note(f"header byte {at}: {value.hex()}")
    w.write(data)


KINDS = (view_for_table, virtual_for_table, generated_column, expression_in_table, odd_table, trigger,
         index_over_expression, second_of_a_name, table_gone, statistics, schema_bytes, header)
