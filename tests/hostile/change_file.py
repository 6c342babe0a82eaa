"""The file itself: pages of its b-trees, its length, what lies beside it, and what is no file at all."""
import os
import sqlite3
import struct


def page_field(w, data, size):
    """One field of one b-tree page: https://sqlite.org/fileformat.html section 1.6"""
    pages = len(data) // size
    page = 0 if w.rng.random() < 0.15 else w.rng.randrange(pages)
    begin = page * size + (100 if page == 0 else 0)
    interior = data[begin] in (2, 5)
    offset, width, values = w.choose((
        (0, 1, (0, 2, 5, 10, 13, 255)), (1, 2, (0, 1, size - 1, size - 4, 65535)),
        (3, 2, (0, 1, 100, 65535)), (5, 2, (0, 1, 8, size, 65535)), (7, 1, (0, 1, 60, 255)),
        (8, 4, (0, 1, page + 1, pages, pages + 1, 2**32 - 1, w.rng.randrange(pages) + 1)),
        ((12 if interior else 8) + 2 * w.rng.randrange(40), 2,
         (0, 1, 8, size - 1, size, 65535, w.rng.randrange(65536)))))
    value = w.choose(values)
    data[begin + offset:begin + offset + width] = struct.pack(">Q", value)[8 - width:]
    w.note(f"page {page + 1} of {pages}, offset {offset}: {value}")


def pages(w):
    data, size = w.pages()
    for _ in range(w.choose((1, 1, 2, 5, 30))):
        page_field(w, data, size)
    w.write(data)


def interior_loop(w):
    """Interior pages whose children are they themselves, their parents, or all the same page."""
    data, size = w.pages()
    count = len(data) // size
    interior = [p for p in range(count) if data[p * size + (100 if p == 0 else 0)] == 5]
    for page in w.rng.sample(interior, min(len(interior), w.choose((1, 2, 100)))):
        begin = page * size + (100 if page == 0 else 0)
        child = w.choose((page + 1, 1, w.rng.randrange(count) + 1))
        cells = int.from_bytes(data[begin + 3:begin + 5], "big")
        data[begin + 8:begin + 12] = struct.pack(">I", child)
        for cell in range(min(cells, size // 8)):
            pointer = begin + 12 + 2 * cell
            at = page * size + int.from_bytes(data[pointer:pointer + 2], "big")
            if at + 4 <= len(data):
                data[at:at + 4] = struct.pack(">I", child)
        w.note(f"page {page + 1}: all children are {child}")
    if not interior:
        page_field(w, data, size)
    w.write(data)


def overflow(w):
    """Chains of overflow pages that loop, meet, or leave the file."""
    data, size = w.pages()
    count = len(data) // size
    chained = [p for p in range(1, count) if data[p * size] == 0 and
               0 < int.from_bytes(data[p * size:p * size + 4], "big") <= count]
    for page in w.rng.sample(chained, min(len(chained), w.choose((1, 3, 1000)))):
        to = w.choose((page + 1, w.rng.randrange(count) + 1, count + 1, 2**31, 1, 0))
        data[page * size:page * size + 4] = struct.pack(">I", to)
        w.note(f"page {page + 1} goes on in {to}")
    w.write(data)


def cell_sizes(w):
    """Payloads of leaf cells that claim to be larger than memory or the file."""
    data, size = w.pages()
    count = len(data) // size
    leaves = [p for p in range(1, count) if data[p * size] in (10, 13)]
    for page in w.rng.sample(leaves, min(len(leaves), w.choose((1, 4, 1000)))):
        cells = int.from_bytes(data[page * size + 3:page * size + 5], "big")
        cell = w.rng.randrange(max(cells, 1))
        at = page * size + int.from_bytes(data[page * size + 8 + 2 * cell:][:2], "big")
        claim = w.choose((b"\xff\xff\xff\xff\x07", b"\x87\xff\xff\xff\x7f", b"\x81\x80\x80\x00",
                          b"\xff" * 9, b"\x00", b"\x01", b"\x83\x7f"))
        data[at:at + len(claim)] = claim
        w.note(f"cell {cell} of page {page + 1}: size {claim.hex()}")
    w.write(data)


def freelist(w):
    data, size = w.pages()
    count = len(data) // size
    trunk = w.choose((0, 1, 2, count, count + 1, w.rng.randrange(count) + 1))
    data[32:36] = struct.pack(">I", trunk)
    data[36:40] = struct.pack(">I", w.choose((0, 1, 1000, 2**32 - 1)))
    if 1 < trunk <= count:
        data[(trunk - 1) * size:trunk * size] = (struct.pack(">II", trunk, w.choose((1, size // 4, 2**31)))
                                                 + struct.pack(">I", trunk) * (size // 4))[:size]
    w.note(f"free pages begin at {trunk}")
    w.write(data)


def bytes_anywhere(w):
    data, _ = w.pages()
    for _ in range(w.choose((1, 10, 100, 1000))):
        at = w.rng.randrange(len(data))
        data[at] = w.rng.randrange(256)
    begin = w.rng.randrange(len(data))
    length = w.choose((0, 16, 1024, 5000))
    data[begin:begin + length] = w.choose((bytes(length), b"\xff" * length, data[:length]))
    w.note(f"bytes; {length} at {begin}")
    w.write(data[:])


def cut(w):
    """Cut off anywhere, or longer than it is, with a hole of a terabyte."""
    data, size = w.pages()
    at = w.choose((w.rng.randrange(len(data)), w.rng.randrange(len(data)), w.rng.randrange(200), 0, 16, 20,
                   100, size - 1, size, len(data) - 1, len(data) + 1, 1 << 31, 1 << 40))
    os.truncate(w.path, at)
    w.note(f"{at} of {len(data)} bytes")


def no_file(w):
    """A directory, a pipe, a device, a link to itself, to /proc; a database without tables."""
    os.unlink(w.path)
    kind = w.choose(("directory", "fifo", "zero", "full", "tty", "loop", "dangling", "proc", "empty", "no tables",
                     "text", "other database", "socket"))
    w.note(kind)
    if kind == "directory":
        os.mkdir(w.path)
    elif kind == "fifo":
        os.mkfifo(w.path)
    elif kind == "socket":
        os.mknod(w.path, 0o140600)
    elif kind in ("no tables", "other database"):
        with sqlite3.connect(w.path) as db:
            db.execute("PRAGMA application_id=1886610288")
            db.execute("PRAGMA user_version=1001")
            if kind != "no tables":
                db.execute("CREATE TABLE session(x)")
        db.close()
    elif kind in ("empty", "text"):
        w.write(b"" if kind == "empty" else b"SQLite format 3\0" + b"x" * 5000)
    else:
        os.symlink({"zero": "/dev/zero", "full": "/dev/full", "tty": "/dev/tty", "dangling": "/nowhere/x",
                    "loop": os.path.basename(w.path), "proc": "/proc/self/maps"}[kind], w.path)


def with_wal(w):
    """The recording as a killed recorder leaves it, its last change in the WAL, with or without -shm."""
    db = sqlite3.connect(w.path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA wal_autocheckpoint=0")
    db.execute("UPDATE block SET block_id=block_id")
    db.execute("CREATE TABLE IF NOT EXISTS later_version(a)")
    left = {}
    for end in ("", "-wal", "-shm"):
        with open(w.path + end, "rb") as file:
            left[end] = bytearray(file.read())
    db.close()
    if w.rng.random() < 0.5:
        del left["-shm"]
    return left


def wal(w):
    left = with_wal(w)
    target = left[w.choose([end for end in left if end])]
    how = w.rng.randrange(7)
    if how == 0:
        for _ in range(w.choose((1, 5, 100))):
            target[w.rng.randrange(len(target))] ^= 1 << w.rng.randrange(8)
    elif how == 1:
        at = 4 * w.rng.randrange(8)
        target[at:at + 4] = struct.pack(">I", w.choose((0, 1, 512, 65536, 2**31, 2**32 - 1)))
    elif how == 2:
        del target[w.rng.randrange(len(target)):]
    elif how == 3:
        target += bytes(w.rng.randrange(100000))
    elif how == 4:
        target[:] = w.rng.randbytes(len(target))
    elif how == 5:
        left[""] = left[""][:w.choose((0, 100, 1024))]
    else:
        field = 32 + 24 * w.rng.randrange(2) + w.choose((0, 4))
        target[field:field + 4] = struct.pack(">I", w.choose((0, 1, 2**31 - 1, 2**32 - 1)))
    for end, data in left.items():
        w.write(data, end)
    w.note(f"WAL way {how}, {sorted(left)}")


def beside(w):
    """-wal, -shm and -journal that are no such thing."""
    end = w.choose(("-wal", "-shm", "-journal", "-wal", "-journal"))
    if w.rng.random() < 0.6:
        for name, data in with_wal(w).items():
            w.write(data, name)
    path = w.path + end
    if os.path.lexists(path):
        os.unlink(path)
    kind = w.choose(("fifo", "directory", "zero", "loop", "random", "hole", "itself", "journal", "elsewhere"))
    w.note(f"{end} is {kind}")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    elif kind in ("zero", "loop", "itself", "elsewhere"):
        os.symlink({"zero": "/dev/zero", "loop": os.path.basename(path), "itself": w.path,
                    "elsewhere": os.path.join(os.path.dirname(w.path), "target")}[kind], path)
    elif kind == "journal":
        data, size = w.pages()
        head = bytes.fromhex("d9d505f920a163d7") + struct.pack(">IIIII", 1, 0, 1, 512, size)
        w.write(head.ljust(512, b"\0") + struct.pack(">I", 1) + bytes(size) + bytes(4), end)
    else:
        w.write(w.rng.randbytes(5000), end)
        if kind == "hole":
            os.truncate(path, 1 << 40)


KINDS = (pages, interior_loop, overflow, cell_sizes, freelist, bytes_anywhere, cut, no_file, wal, beside)
