"""A file system that answers when a test lets it: the raw protocol of /dev/fuse, no library.

It holds a directory with one file. Requests of the kinds in `holding` are not answered until
`release`. Protocol: include/uapi/linux/fuse.h of the kernel, version 7.31.
"""

import ctypes
import os
import struct
import threading

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS = 1, 2, 3, 14, 15, 17
INIT, INTERRUPT, BATCH_FORGET = 26, 36, 42
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
ENOENT, ENOSYS = 2, 38
ROOT, FILE = 1, 2
BLOCK_BYTES, BLOCKS, BLOCKS_FREE, INODES, INODES_FREE = 4096, 1000, 400, 50, 30

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Fuse(threading.Thread):
    """Mounted at `path` until `close`. OSError where mounting is forbidden."""

    def __init__(self, path, source="procscope-test"):
        super().__init__(daemon=True)
        self.path = path
        self.holding = set()
        self.held = []
        self.lock = threading.Lock()
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fd},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        try:
            check(libc.mount(source.encode(), path.encode(), b"fuse", 0, options.encode()))
        except OSError:
            os.close(self.fd)
            raise
        self.start()

    def run(self):
        while True:
            try:
                request = os.read(self.fd, 1 << 18)
            except OSError:
                return
            opcode, unique = struct.unpack_from("=IQ", request, 4)
            with self.lock:
                if opcode in self.holding:
                    self.held.append(request)
                elif opcode not in UNANSWERED:
                    self.answer(request)

    def answer(self, request):
        size, opcode, unique, node = struct.unpack_from("=IIQQ", request)
        error, body = self.reply(opcode, node, request[40:size])
        try:
            os.write(self.fd, struct.pack("=IiQ", 16 + len(body), -error, unique) + body)
        except OSError:
            pass  # who asked is gone

    @staticmethod
    def attributes(node):
        mode, size = (0o40755, 4096) if node == ROOT else (0o100644, 8192)
        return struct.pack("=6Q10I", node, size, 16, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def reply(self, opcode, node, body):
        if opcode == INIT:
            readahead, = struct.unpack_from("=I", body, 8)
            return 0, struct.pack("=4I2H2I2HI7I", 7, 31, readahead, 0, 0, 0, 4096, 1, 0, 0, *[0] * 8)
        if opcode == LOOKUP:
            if body.rstrip(b"\0") != b"file":
                return ENOENT, b""
            return 0, struct.pack("=4Q2I", FILE, 0, 60, 60, 0, 0) + self.attributes(FILE)
        if opcode == GETATTR:
            return 0, struct.pack("=Q2I", 60, 0, 0) + self.attributes(node)
        if opcode == OPEN:
            return 0, struct.pack("=Q2I", 1, 0, 0)
        if opcode == READ:
            size, = struct.unpack_from("=I", body, 16)
            return 0, b"x" * min(size, 8192)
        if opcode == STATFS:
            return 0, struct.pack("=5Q4I6I", BLOCKS, BLOCKS_FREE, BLOCKS_FREE, INODES,
                                  INODES_FREE, BLOCK_BYTES, 255, BLOCK_BYTES, 0, *[0] * 6)
        return ENOSYS, b""

    def hold(self, *opcodes):
        with self.lock:
            self.holding = set(opcodes)

    def held_count(self):
        with self.lock:
            return len(self.held)

    def release(self):
        with self.lock:
            self.holding = set()
            for request in self.held:
                self.answer(request)
            self.held = []

    def close(self):
        self.release()
        libc.umount2(self.path.encode(), 2)  # MNT_DETACH
        os.close(self.fd)
