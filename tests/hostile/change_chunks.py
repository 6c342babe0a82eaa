"""Chunks, block rows' blobs and the tail: what decoders are given once every checksum holds."""
import bytes_of_format as fmt

NUMBERS = (0, 1, 2, 3, 60, 61, 63, 64, 65, 127, 128, 1023, 4095, 4096, 65535, 65536, 360000, 360001, 2**22,
           2**22 + 1, 2**26, 2**27, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**62, 2**63 - 1, 2**63,
           2**64 - 1)
OVERLONG = (b"\x80" * 9 + b"\x00", b"\xff" * 10, b"\xff" * 9 + b"\x01", b"\xff" * 9 + b"\x02",
            b"\x80" * 12, b"\x80")
FRAME_MAX = 1 << 27


def number(w):
    return w.choose(OVERLONG) if w.rng.random() < 0.15 else fmt.varint(w.choose(NUMBERS))


def damaged(w, content):
    """Content of a frame with something changed in it."""
    data = bytearray(content)
    for _ in range(w.choose((1, 1, 1, 2, 4))):
        # Counts and lengths are at the beginning.
        at = min(int(w.rng.expovariate(1 / 12)) if w.rng.random() < 0.6
                 else w.rng.randrange(len(data) + 1), len(data))
        how = w.rng.randrange(8)
        if how == 0 and at < len(data):
            _, end = read_or_end(data, at)
            data[at:end] = number(w)
        elif how == 1 and at < len(data):
            data[at] = w.choose((0, 1, 2, 3, 15, 16, 127, 128, 0x99, 255, data[at] ^ 1 << w.rng.randrange(8)))
        elif how == 2:
            del data[at:at + w.choose((1, 1, 2, 8, 1000, len(data)))]
        elif how == 3:
            data[at:at] = number(w)
        elif how == 4:
            size = w.choose((1, 4, 16, 64))
            data[at:at + size] = bytes([w.choose((0, 255, 0x88, 0x11, 0x80))]) * size
        elif how == 5:
            data[at:at] = data[at:at + 30] * w.choose((1, 2, 50))
        elif how == 6:
            data += w.choose((b"\0", b"\xff", number(w), bytes(1 << 16), bytes(1 << 20)))
        else:
            other = w.rng.randrange(len(data) + 1)
            data[at:at + 8] = data[other:other + 8]
        w.note(f"byte {at} of {len(content)}, way {how}")
    return bytes(data)


def read_or_end(data, at):
    try:
        return fmt.read_varint(data, at)
    except IndexError:
        return 0, len(data)


def content_of(w, like):
    with w.database() as db:
        for _ in range(w.choose((1, 1, 3))):
            table, row_id, chunk = w.chunk(db, like)
            at = w.choose([0, 0, w.rng.randrange(len(chunk.frames))])
            w.note(f"{table} {row_id} frame {at}")
            if chunk.frames[at]:
                chunk.frames[at] = fmt.pack(damaged(w, fmt.unpack(chunk.frames[at])))
            w.set_chunk(db, table, row_id, chunk.bytes())


def sample_content(w):
    content_of(w, w.choose(("process_samples", "cpu_samples", "memory_samples", "recorder_samples")))


def directory_content(w):
    """The frame that everything else is read by."""
    with w.database() as db:
        tables = [t for t in w.chunk_tables(db) if "_samples_" in t]
        table = w.choose(tables)
        row_id = w.choose([i for i in w.row_ids(db, table) if i % 4096 in (0, 2048)])
        data, = db.execute(f"SELECT data FROM {table} WHERE id=?", [row_id]).fetchone()
        chunk = fmt.Chunk(data)
        w.note(f"{table} {row_id}")
        chunk.frames[0] = fmt.pack(damaged(w, fmt.unpack(chunk.frames[0])))
        w.set_chunk(db, table, row_id, chunk.bytes())


def lifetime_content(w):
    content_of(w, w.choose(("process_lifetime_chunk", "string_chunk")))


def usage_content(w):
    content_of(w, w.choose(("process_usage_chunk", "process_hour_chunk")))


def header(w):
    """The table of contents and the numbers around it."""
    with w.database() as db:
        table, row_id, chunk = w.chunk(db)
        name = w.choose(("codec", "level", "table_id", "block_seq", "column_id", "base_size",
                         "group_count", "sizes", "crc"))
        value = w.choose(NUMBERS)
        if name in ("codec", "level"):
            value &= 255
        if name == "crc":
            value &= 2**32 - 1
        if name == "sizes":
            value = [w.choose(NUMBERS) for _ in range(w.choose((1, 2, 64, 65536, 65537)))]
        setattr(chunk, name, value)
        w.note(f"{table} {row_id} {name} {str(value)[:40]}")
        w.set_chunk(db, table, row_id, chunk.bytes())


def groups(w):
    """Groups too many, too few, in another order, of another chunk."""
    with w.database() as db:
        table, row_id, chunk = w.chunk(db)
        group = w.choose(chunk.frames)
        chunk.frames[1:] = w.choose(([], [group] * 3, [b""] * 65536, [group] * 1000,
                                     chunk.frames[:0:-1], [fmt.pack(b"")] * 5))
        w.note(f"{table} {row_id}: {len(chunk.frames) - 1} groups")
        w.set_chunk(db, table, row_id, chunk.bytes())


def frame_header(w):
    """zstd frames that are larger than they say, wider than they may be, or several."""
    with w.database() as db:
        table, row_id, chunk = w.chunk(db)
        at = w.rng.randrange(len(chunk.frames))
        old = chunk.frames[at]
        content = fmt.unpack(old)
        frames = {
            "the most": lambda: fmt.repeated(FRAME_MAX),
            "one more": lambda: fmt.repeated(FRAME_MAX + 1),
            "a gigabyte": lambda: fmt.repeated(1 << 30),
            "says 10": lambda: fmt.repeated(1 << 28, declared=10),
            "says 2^60": lambda: fmt.repeated(1 << 20, declared=1 << 60),
            "says 2^64-1": lambda: fmt.repeated(1 << 20, declared=-1),
            "says 2^64-2": lambda: fmt.repeated(1 << 20, declared=-2),
            "says the most": lambda: fmt.repeated(10, declared=FRAME_MAX),
            "ones": lambda: fmt.repeated(1 << 24, 255),
            "nibbles of one": lambda: fmt.repeated(1 << 26, 0x11),
            "window 2^31": lambda: fmt.wide_window(31, 1000),
            "window 2^41": lambda: fmt.wide_window(41, 1000),
            "window 2^27": lambda: fmt.wide_window(27, 1000),
            "two": lambda: fmt.pack(content) * 2,
            "a thousand": lambda: fmt.pack(content) * 1000,
            "skippable first": lambda: b"\x50\x2a\x4d\x18\x08\0\0\0" + bytes(8) + old,
            "skippable only": lambda: b"\x5f\x2a\x4d\x18\xff\xff\xff\xff",
            "cut": lambda: old[:w.rng.randrange(len(old) + 1)],
            "plain, empty": lambda: b"\0",
            "plain, four bytes": lambda: b"\0\0\0\0\0",
            "plain, large": lambda: b"\0" + bytes(300000) + fmt.crc32c(bytes(300000)).to_bytes(4, "little"),
            "dictionary": lambda: fmt.MAGIC + b"\xe3" + b"\1\2\3\4" + bytes(8) + b"\1\0\0",
            "reserved block": lambda: fmt.MAGIC + b"\x20\x05" + b"\x2f\0\0hello",
            "legacy": lambda: b"\x27\xb5\x2f\xfd" + bytes(40),
        }
        name = w.choose(frames)
        chunk.frames[at] = frames[name]()
        w.note(f"{table} {row_id} frame {at}: {name}")
        w.set_chunk(db, table, row_id, chunk.bytes())


def bombs(w):
    """The most that a frame may hold, in every chunk of a table."""
    with w.database() as db:
        table = w.choose([t for t in w.chunk_tables(db) if w.row_ids(db, t)])
        frame = fmt.repeated(w.choose((1 << 24, 1 << 26, FRAME_MAX)), w.choose((0, 0, 1, 0x11, 255)))
        for row_id in w.row_ids(db, table)[:40]:
            data, = db.execute(f"SELECT data FROM {table} WHERE id=?", [row_id]).fetchone()
            chunk = fmt.Chunk(data)
            chunk.frames[0] = frame
            w.set_chunk(db, table, row_id, chunk.bytes())
        w.note(f"{table}: {len(frame)} bytes of bomb each")


def wide_block(w):
    """A block of as many ticks as there may be, and series at all of them: few bytes, many samples."""
    with w.database() as db:
        ticks = w.choose((20000, 100000, 360000))
        row_id = w.choose([i for i, in db.execute("SELECT block_id FROM block WHERE level=0")])
        seq, start = db.execute("SELECT block_seq, start_ns FROM block WHERE block_id=?",
                                [row_id]).fetchone()
        axis = (fmt.varint(ticks) + fmt.zigzag(start) + fmt.zigzag(1000) + bytes(ticks - 2) +
                bytes(ticks) + b"\0")
        w.change(db, "block", row_id, "ticks", ("blob", axis))
        w.change(db, "block", row_id, "tick_count", ("integer", ticks))
        w.change(db, "block", row_id, "end_ns", ("integer", start + 1000 * (ticks - 1)))
        w.repair(db)
        found = db.execute("SELECT data FROM memory_samples_chunk WHERE id=?", [seq * 4096]).fetchone()
        if found:
            w.set_chunk(db, "memory_samples_chunk", seq * 4096, wide_directory(fmt.Chunk(found[0]), ticks))
        w.note(f"block {seq} of {ticks} ticks")


def wide_directory(chunk, ticks):
    """That of the host's one series, at every tick, nothing ever changing."""
    content = fmt.unpack(chunk.frames[0])
    metrics, _ = fmt.read_varint(content, 0)
    more = ticks - 1
    zigzagged = (more << 1).to_bytes(8, "little").rstrip(b"\0")
    chunk.frames = [fmt.pack(
        fmt.varint(metrics) + fmt.varint(ticks) + b"\1\0" + bytes(metrics) + b"\2" * metrics +
        b"\0\1" + b"\1" + b"\0" + bytes([len(zigzagged)]) + zigzagged + b"\0")]
    return chunk.bytes()


def block_blobs(w):
    """The tick axis and the contents of a block's row."""
    with w.database() as db:
        ids = w.row_ids(db, "block")
        row_id = w.choose(ids)
        column = w.choose(("ticks", "contents"))
        values = dict(zip(w.columns(db, "block"), w.values(db, "block", row_id)))
        old = values[column][1] or b""
        ticks = values["tick_count"][1] or 1
        new = w.choose((
            lambda: damaged(w, old), lambda: damaged(w, old), lambda: damaged(w, old), lambda: b"",
            lambda: fmt.varint(ticks) + fmt.zigzag(2**63 - 10) + fmt.zigzag(1) * (ticks - 1) + bytes(ticks + 1),
            lambda: fmt.varint(ticks) + fmt.zigzag(-2**63) + fmt.zigzag(2**62) + bytes(2 * ticks),
            lambda: fmt.varint(ticks) + fmt.zigzag(0) + fmt.zigzag(-1) + bytes(2 * ticks),
            lambda: fmt.varint(ticks) + fmt.zigzag(0) + fmt.zigzag(1) + bytes(ticks - 2) + fmt.zigzag(2**63 - 1) * ticks + b"\0",
            lambda: fmt.varint(2**63) + bytes(40), lambda: fmt.varint(360000) + bytes(720001),
            lambda: old[:-1] + fmt.varint(2**62)))()
        w.change(db, "block", row_id, column, ("blob", new))
        w.repair(db)
        w.note(f"block row {row_id} {column}: {len(new)} bytes")


def moved(w):
    """Chunks under other ids, of other tables, none at all, or not a blob."""
    with w.database() as db:
        table, row_id, chunk = w.chunk(db)
        other = w.choose(w.chunk_tables(db))
        how = w.rng.randrange(5)
        if how == 0:
            db.execute(f"DELETE FROM {table} WHERE id=?", [row_id])
        elif how == 1:
            db.execute(f"INSERT OR REPLACE INTO {other} VALUES(?,?)", [row_id, chunk.bytes()])
        elif how == 2:
            new = w.choose((-1, 0, 2**63 - 1, -2**63, row_id + 4096, (2**51 - 1) * 4096))
            db.execute(f"INSERT OR REPLACE INTO {table} VALUES(?,?)", [new, chunk.bytes()])
        elif how == 3:
            w.set_chunk(db, table, row_id, w.choose((None, 5, 1.5, "text", b"", b"\1", bytes(1 << 21))))
        else:
            db.execute(f"DELETE FROM {table}")
        w.note(f"{table} {row_id}, way {how}, {other}")


def process_ids(w):
    """Ids beyond every table, in directories of the process table."""
    with w.database() as db:
        row_id = w.choose([i for i in w.row_ids(db, "process_samples_chunk") if i % 4096 == 0])
        data, = db.execute("SELECT data FROM process_samples_chunk WHERE id=?", [row_id]).fetchone()
        chunk = fmt.Chunk(data)
        content = bytearray(fmt.unpack(chunk.frames[0]))
        for _ in range(w.choose((1, 3, 20))):
            content[w.rng.randrange(len(content))] ^= 1 << w.rng.randrange(8)
        chunk.frames[0] = fmt.pack(bytes(content))
        w.set_chunk(db, "process_samples_chunk", row_id, chunk.bytes())
        gone = w.choose(w.row_ids(db, "process"))
        db.execute("DELETE FROM process WHERE process_id=?", [gone])
        db.execute("DELETE FROM process_version WHERE version_id/1024=?", [gone])
        w.repair(db)
        w.note(f"no process {gone}; directory {row_id}")


# --- the tail, section 16 ---

def tail_content(w):
    with w.database() as db:
        records = w.tail(db)
        for _ in range(w.choose((1, 1, 3))):
            at = 0 if w.rng.random() < 0.3 else w.rng.randrange(len(records))
            w.note(f"tail record {at}")
            records[at][1] = damaged(w, records[at][1])
        w.set_tail(db, records)


def tail_frames(w):
    with w.database() as db:
        records = w.tail(db)
        at = w.rng.randrange(len(records))
        frame = w.choose((fmt.repeated(1 << 28), fmt.repeated((1 << 28) + 1), fmt.repeated(FRAME_MAX, 255),
                          fmt.repeated(1 << 27, 1), fmt.wide_window(31, 100), b"\0", b"",
                          fmt.repeated(100, declared=1 << 60)))
        w.set_tail(db, records, {at: frame})
        w.note(f"tail record {at}: frame of {len(frame)} bytes")


def tail_order(w):
    """Records lost, doubled, in another order, of another block, in masses."""
    with w.database() as db:
        records = w.tail(db)
        how = w.rng.randrange(6)
        if how == 0:
            del records[w.rng.randrange(len(records))]
        elif how == 1:
            contents = [content for _, content in records]
            w.rng.shuffle(contents)
            records = [[row_id, content] for (row_id, _), content in zip(records, contents)]
        elif how == 2:
            shift = w.choose((1 << 20, -(1 << 20), 5 << 20, 1 << 50, -1))
            records = [[row_id + shift, content] for row_id, content in records]
        elif how == 3:
            last = records[-1]
            records += [[last[0] + 1 + i, last[1]] for i in range(w.choose((1, 100, 3000)))]
        elif how == 4:
            records = records[:w.choose((0, 1, 2))]
        else:
            records = [[records[0][0] + i, records[0][1]] for i in range(5)]
        w.set_tail(db, records)
        w.note(f"tail order, way {how}")


KINDS = (sample_content, directory_content, lifetime_content, usage_content, header, groups, frame_header,
         bombs, wide_block, block_blobs, moved, process_ids, tail_content, tail_frames, tail_order)
