#!/usr/bin/env python3
"""schema/FORMAT.md suffices: tools/read_format.py, written from that page alone, reads what
`procscope export` reads, value for value: of a made-up recording, of one of this host, of killed
ones. It also sees damage."""
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict

SOURCE = os.environ.get("PROCSCOPE_SOURCE_DIR",
                        os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("PROCSCOPE_BUILD_DIR", os.path.join(SOURCE, "build"))
# The stranger; and what it takes to read a recording without a clean end, and to see damage.
SEALED, READER = ([sys.executable, os.path.join(SOURCE, "tools", name)]
                  for name in ("read_format.py", "read_format_tail.py"))
PROCSCOPE, RECORDER, MAKE = (os.path.join(BUILD, name)
                             for name in ("procscope", "procscoped", "make_recording"))
SAMPLES = ["process_samples", "cpu_samples", "memory_samples", "recorder_samples"]
ROLLUPS = [name + level for name in SAMPLES for level in ("_60", "_3600")]
ROWS = ["process", "process_version", "process_lifetime", "entity", "event", "session",
        "capability", "metric", "timeline"]
# Its last minute is so short that some metrics are not read in it.
MADE = ["--start", "2026-01-05T23:56:00Z", "--processes", "66", "--seconds", "424", "--births", "1",
        "--missing", "--pid-reuse", "--gap", "200:20", "--restart", "330:15"]
CELL = re.compile(r'((?:[^",\r\n]|"(?:[^"]|"")*")*)(,|\r\n)')
# What the export calls differently, leaves out, and adds: times as text, and joins.
RENAMED = {"event": {"at_ns": "time_ns"}, "metric": {"name": "metric"},
           "timeline": {"timeline_ns": "time_ns"},
           "session": {"wall_start_ns": "start_ns", "pid": "recorder_pid",
                       "zone_offset_s": "zone_offset_seconds",
                       "zone_next_offset_s": "zone_next_offset_seconds"}}
LEFT_OUT = {"crc", "capability_id", "timeline_id", "metric_id", "table_id"}
ADDED = {"time", "start_time", "end_time", "from_time", "first_time", "last_time", "wall_time"}
JOINED = {"metric": {"table"}, "process_version": {"pid"},
          "process": {"comm", "exe", "cmdline", "cwd", "cgroup", "container", "user", "uid",
                      "cmdline_length", "cmdline_hash"},
          "process_samples": {"pid", "comm"}, "cpu_samples": {"core"},
          "recorder_samples": {"collector"}}
# Stored numbers that stand for "none", where the export has an empty cell.
NONE = {"exit_code": "-1", "cmdline_hash": "0", "parent_id": "0", "zone_next_change_ns": "0",
        "zone_next_offset_seconds": "0"}
counts = Counter()


def check(holds, claim):
    counts[bool(holds)] += 1
    if not holds:
        print("FAILED  " + claim, flush=True)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout.decode()


def parse(text):
    """Rows as dictionaries. An empty text is the cell "", which is not nothing."""
    rows, row = [], []
    for cell, end in CELL.findall(text):
        row.append(cell[1:-1].replace('""', '"') if cell[:1] == '"' and cell != '""' else cell)
        if end == "\r\n":
            rows.append(row)
            row = []
    return rows[0], [dict(zip(rows[0], row)) for row in rows[1:]]


def read(path, table, *options):
    sealed = os.path.basename(path) in ("made.pscope", "real.pscope")
    return parse(output(*(SEALED if sealed else READER), path, table, *options))


def as_exported(table, row):
    """A row as it is stored, in the export's words."""
    row = {RENAMED.get(table, {}).get(name, name): cell for name, cell in row.items()}
    if table == "process_lifetime":
        row = {re.sub(r"_total\.last$", "_total.increase", name): row[name] for name in row}
    for name, none in NONE.items():
        if row.get(name) == none:
            row[name] = ""
    if "how" in row:
        how = row.pop("how")
        row["exit_reported"] = how if row["end_ns"] else ""
        flags = int(row.pop("flags"))
        row["start_approximate"], row["kernel_thread"] = str(flags & 1), str(flags >> 1 & 1)
    if row.get("cmdline_hash"):
        row["cmdline_hash"] = "%016x" % (int(row["cmdline_hash"]) % 2**64)
    if table == "process_version":
        row["cmdline_length"] = row["cmdline_length"] if row["cmdline"] else ""
        row["cmdline"] = row["cmdline"].replace("\\x00", " ")
    if row.get("end_reason") == "":
        row["end_reason"] = '""'
    return row


def compare(path, table, *options):
    """Columns that both have hold the same in every row, and each has the columns it should."""
    what = f"{os.path.basename(path)}: {table}"
    _, ours = read(path, table, *options)
    names, theirs = parse(output(PROCSCOPE, "export", path, "--table", table, *options,
                                 "--format", "csv"))
    ours = [as_exported(table, row) for row in ours]
    if table == "process_lifetime":  # the export makes some of the tail, too
        last = max((int(row["block_seq"]) for row in ours), default=0)
        theirs = [row for row in theirs if int(row["block_seq"]) <= last]
    if ours:
        check(not set(ours[0]) - set(names) - LEFT_OUT,
              f"{what}: not exported: {set(ours[0]) - set(names) - LEFT_OUT}")
        joined = JOINED.get(re.sub("_(60|3600)$", "", table), set())
        lacking = set(names) - set(ours[0]) - ADDED - joined
        check(not lacking, f"{what}: not read: {lacking}")
        names = [name for name in names if name in ours[0]]
    ours, theirs = (sorted(tuple(row[name] for name in names) for row in rows)
                    for rows in (ours, theirs))
    check(len(ours) == len(theirs), f"{what}: {len(ours)} rows read, {len(theirs)} exported")
    different = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]]
    check(not different, f"{what}: {len(different)} of {len(ours)} rows differ")
    for pair in different[:3]:
        print("   ", [cells for cells in zip(names, *pair) if cells[1] != cells[2]][:6])
    counts["values"] += len(ours) * len(names)
    return len(ours)


def compare_all(path):
    rows = {table: compare(path, table, "--missing-reasons") for table in SAMPLES}
    rows.update((table, compare(path, table)) for table in ROLLUPS + ROWS)
    print(os.path.basename(path) + ":", ", ".join(f"{n} {table}" for table, n in rows.items()),
          flush=True)
    return rows


def check_reasons(path, table):
    """The export does not tell why a window is missing: its samples tell."""
    _, samples = read(path, table, "--missing-reasons")
    names, windows = read(path, table + "_60", "--missing-reasons")
    names = [name for name in names if name.endswith("__missing")]
    key = "process_id" if table == "process_samples" else "entity_id"
    inside, times = defaultdict(list), Counter()
    for row in samples:
        window = (int(row["time_ns"]) - 1) // 60_000_000_000 * 60_000_000_000
        inside[str(window), row.get(key)].append(row)
    times.update((row["time_ns"], row.get(key)) for row in windows)
    wrong, reasons = 0, Counter()
    for row in windows:
        at = (row["time_ns"], row.get(key))
        if times[at] > 1:
            continue  # one for each of two sessions
        for name in names:
            seen = [sample[name] for sample in inside[at]]
            told = [reason for reason in seen if reason != "not sampled"]
            expected = "" if "" in seen else told[-1] if told else "not sampled"
            wrong += row[name] != expected
            reasons[row[name]] += 1
    check(windows and wrong == 0, f"{table}_60: {wrong} missing reasons are wrong")
    return reasons


def check_damage(path, work):
    def seen(order, *arguments):
        copy = os.path.join(work, "damaged.pscope")
        shutil.copyfile(path, copy)
        db = sqlite3.connect(copy)
        done = db.execute(order, arguments).rowcount
        db.commit()
        db.close()
        found = subprocess.run([*READER, copy, "--check"], capture_output=True, check=False)
        check(done == 1 and found.returncode == 1, f"damage is not seen: {order}")

    check(output(*READER, path, "--check") == "no damage\n", "an intact recording has damage")
    seen("UPDATE metric SET unit = unit || 'x' WHERE metric_id = 1")
    seen("DELETE FROM entity WHERE entity_id = 1")
    seen("DELETE FROM memory_samples_chunk WHERE id = (SELECT max(id) FROM memory_samples_chunk)")
    chunk = "FROM process_samples_chunk WHERE id % 4096 = 8 LIMIT 1"
    db = sqlite3.connect(path)
    chunk_id, data = db.execute("SELECT id, data " + chunk).fetchone()
    db.close()
    for at in (2, 8, len(data) - 3):  # two in the header, one in a frame
        broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        seen("UPDATE process_samples_chunk SET data = ? WHERE id = ?", broken, chunk_id)


def chunk(reader, column, base, group):
    """A chunk of the block of section 17, of plain frames."""
    frames = [b"\0" + data + reader.crc32c(data) for data in (base, group)]
    header = bytes([1, 0, 1, 7, column, len(frames[0]), 1, len(frames[1])])
    return header + reader.crc32c(header) + b"".join(frames)


def check_examples():
    """What FORMAT.md spells out in bytes (sections 2, 5, 10 and 17)."""
    sys.path.insert(0, os.path.join(SOURCE, "tools"))
    import read_format as reader
    from read_format_tail import summed

    def crc32c(*parts):
        return int.from_bytes(reader.crc32c(b"".join(parts)), "little")

    check(crc32c(b"123456789") == 0xe3069283, "crc32c of section 2")
    for table, row, crc in ((b"timeline", (1, 2, 3000, -1), 0xcedf6a79),
                            (b"t", (-2, "hi", None, b"\xff"), 0xca9c7eaa)):
        check(crc32c(table, *map(summed, row)) == crc, f"crc of {table} in section 5")
    check(reader.Cursor(bytes.fromhex("1012 01580a 02")).planes(4) == [0, -1, 300, 5], "planes")
    with open(os.path.join(SOURCE, "schema", "FORMAT.md"), encoding="utf-8") as file:
        example = file.read().split("## 17. ")[1]
    lines = re.findall(r"^    ((?:[0-9a-f]{2} {1,2})*[0-9a-f]{2})(?:  |$)", example, re.M)
    columns = [[bytes.fromhex(frame) for frame in frames] for frames in (
        ("00 01c8", "03 1101 640a08"), ("01 010e 01 0001 0001", "01 01 01"))]
    chunks = [bytes.fromhex(" ".join(lines)), *(chunk(reader, 8 * p + 8, *frames)
                                                for p, frames in enumerate(columns))]
    reader.db = sqlite3.connect(":memory:")
    reader.db.execute("CREATE TABLE t_chunk(id INTEGER PRIMARY KEY, data BLOB)")
    reader.db.executemany("INSERT INTO t_chunk VALUES (?, ?)",
                          [(28672 + 8 * i, data) for i, data in enumerate(chunks)])
    metrics = [reader.Record(name="", kind=kind, labels="", scale=1)
               for kind in ("counter", "gauge")]
    table = reader.Record(name="t", table_id=1, metrics=metrics, keys=["core"])
    block = reader.Record(block_seq=7, times=[1000, 2000, 3000])
    why = "not permitted"
    check(list(reader.read_samples(table, 0, block)) ==
          [[1000, 4, 100, 7, None, None], [2000, 4, 100, 7, None, None],
           [3000, 4, 150, 6, None, None], [2000, 9, 5, None, None, why],
           [3000, 9, 9, None, None, why]], "the block of section 17")


def load(seconds):
    """Processes with odd names that come and go."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        odd = b"a\\b \"c\", \n\x01 \xff\xc3\xbc" + b"x" * (int(end * 10) % 7)
        subprocess.run([b"sh", b"-c", b"sleep 0.3; :", odd], check=False)


def record_real(work):
    """One that ends, with odd bytes in an event; one that is killed: its tail is in the -wal."""
    real, killed = (os.path.join(work, name + ".pscope") for name in ("real", "killed"))
    recorders = [subprocess.Popen([RECORDER, "-o", path, "-i", "200ms", "-d", seconds],
                                  stderr=subprocess.DEVNULL)
                 for path, seconds in ((real, "5s"), (killed, "60s"))]
    load(2)
    subprocess.run([PROCSCOPE, "mark", real, b"a\\b \"c\", \xff\xc3\xbc"], check=True)
    load(2)
    recorders[1].kill()
    for recorder in recorders:
        recorder.wait(timeout=30)
    lonely = os.path.join(work, "without_shm.pscope")
    for end in ("", "-wal"):
        shutil.copyfile(killed + end, lonely + end)
    return real, killed, lonely


def main():
    for program in ("zstd", PROCSCOPE, RECORDER, MAKE):
        if not shutil.which(program):
            print("SKIP: no " + program)
            sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="procscope-test-") as work:
        made, unclean = (os.path.join(work, name + ".pscope") for name in ("made", "unclean"))
        output(MAKE, made, *MADE)
        output(MAKE, unclean, "--unclean", "--processes", "25", "--seconds", "380", "--births", "1",
               "--missing", "--restart", "320:5")
        real, killed, lonely = record_real(work)
        rows = compare_all(made)
        check(all(rows[table] for table in rows if table != "timeline"), "a table is empty")
        reasons = check_reasons(made, "process_samples") + check_reasons(made, "memory_samples")
        check({"not permitted", "unsupported", "not sampled"} <= set(reasons),
              f"only these reasons: {reasons}")
        for path in (real, unclean, killed):
            compare_all(path)
        without = output(*READER, lonely, "process_samples")
        check(without == output(*READER, killed, "process_samples"), "no -shm, other samples")
        check_damage(real, work)
    check_examples()
    print(f"{counts['values']} values compared; {counts[True]} passed, {counts[False]} failed")
    sys.exit(1 if counts[False] else 0)


if __name__ == "__main__":
    main()
