"""Bytes of a recording, taken apart and put together again with right, or chosen wrong, numbers.

Sections are those of schema/FORMAT.md. Checksums are made anew, so that a change gets past them.
"""
import ctypes
import ctypes.util
import functools
import struct

MAGIC = b"\x28\xb5\x2f\xfd"
CONTENT_MAX = 1 << 26  # of a frame that is to be changed
CHECKSUM_FLAG = 201  # ZSTD_c_checksumFlag
CRC_TABLE = [functools.reduce(lambda c, _: c >> 1 ^ 0x82f63b78 * (c & 1), range(8), byte)
             for byte in range(256)]


def crc32c(data, crc=0):
    crc ^= 0xffffffff
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xffffffff


def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def read_varint(data, at):
    value = shift = 0
    while data[at] > 127:
        value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
    return value | data[at] << shift, at + 1


def zigzag(value):
    return varint(value << 1 ^ value >> 63)


# --- frames, section 2 ---------------------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def zstd():
    """libzstd, or None where only the programs are."""
    name = ctypes.util.find_library("zstd")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    for function in ("ZSTD_compress2", "ZSTD_compressBound", "ZSTD_decompress"):
        getattr(library, function).restype = ctypes.c_size_t
    library.ZSTD_createCCtx.restype = ctypes.c_void_p
    library.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    return library


@functools.lru_cache(maxsize=None)
def compressor():
    context = ctypes.c_void_p(zstd().ZSTD_createCCtx())
    zstd().ZSTD_CCtx_setParameter(context, CHECKSUM_FLAG, 1)
    return context


def unpack(frame):
    """Content of a frame; b"" of one that is none."""
    if frame[:1] == b"\0":
        return frame[1:-4]
    size = zstd().ZSTD_getFrameContentSize(frame, ctypes.c_size_t(len(frame)))
    if size > CONTENT_MAX:
        return b""
    buffer = ctypes.create_string_buffer(size + 1)
    got = zstd().ZSTD_decompress(buffer, ctypes.c_size_t(size), frame, ctypes.c_size_t(len(frame)))
    return buffer.raw[:size] if got == size else b""


def pack(content):
    if len(content) <= 128:
        return b"\0" + content + struct.pack("<I", crc32c(content))
    bound = zstd().ZSTD_compressBound(ctypes.c_size_t(len(content)))
    buffer = ctypes.create_string_buffer(bound)
    got = zstd().ZSTD_compress2(compressor(), buffer, ctypes.c_size_t(bound), content,
                                ctypes.c_size_t(len(content)))
    return buffer.raw[:got]


def repeated(size, byte=0, declared=None):
    """A frame of one byte repeated, 4 bytes for every 128 KiB, that declares a size of its own."""
    blocks, left = [], size
    while True:
        step = min(left, 1 << 17)
        left -= step
        blocks.append(struct.pack("<I", step << 3 | 2 | (left == 0))[:3] + bytes([byte]))
        if left == 0:
            break
    whole = size if declared is None else declared
    return MAGIC + b"\xe0" + struct.pack("<Q", whole & (1 << 64) - 1) + b"".join(blocks)


def wide_window(log, size):
    """A frame that wants a window of 2**log bytes."""
    return (MAGIC + b"\xc0" + bytes([(log - 10) << 3]) + struct.pack("<Q", size) +
            struct.pack("<I", size << 3 | 2 | 1)[:3] + b"\0")


# --- chunks, section 9 ---------------------------------------------------------------------------

class Chunk:
    """A chunk apart: header numbers, base frame, group frames. Numbers left None are the right ones."""

    def __init__(self, data):
        self.codec, self.level = data[0], data[1]
        at, numbers = 2, []
        while len(numbers) < 5 or len(numbers) < 5 + numbers[4]:
            number, at = read_varint(data, at)
            numbers.append(number)
        self.table_id, self.block_seq, self.column_id = numbers[:3]
        self.base_size = self.group_count = self.sizes = self.crc = None
        at += 4
        self.frames = []
        for size in [numbers[3], *numbers[5:]]:
            self.frames.append(data[at:at + size])
            at += size

    def bytes(self):
        base, *groups = self.frames
        sizes = [len(group) for group in groups] if self.sizes is None else self.sizes
        head = bytes([self.codec, self.level]) + b"".join(varint(number) for number in [
            self.table_id, self.block_seq, self.column_id,
            len(base) if self.base_size is None else self.base_size,
            len(groups) if self.group_count is None else self.group_count, *sizes])
        crc = crc32c(head) if self.crc is None else self.crc
        return head + struct.pack("<I", crc) + b"".join(self.frames)


# --- rows, section 5 -----------------------------------------------------------------------------

def field_bytes(value):
    """A value as (storage class, bytes or number) in the form that the row checksum covers."""
    kind, what = value
    if kind == "integer":
        return b"\1" + struct.pack("<q", what)
    if kind == "real":
        return b"\2"
    if kind == "null":
        return b"\5"
    return (b"\3" if kind == "text" else b"\4") + struct.pack("<I", len(what)) + what


def row_crc(table, values):
    return crc32c(table.encode() + b"".join(field_bytes(value) for value in values))
