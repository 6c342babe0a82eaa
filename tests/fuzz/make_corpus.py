#!/usr/bin/env python3
"""Make the corpora that follow the recording format anew: tests/fuzz/make_corpus.py [BUILD_DIR]

They are cut out of recordings of BUILD_DIR/make_recording (default: build), which are the same each
time, and laid out as the targets' first comments and fuzz_input.h say: pieces that are not wrapped
in frames and checksums, because the targets do that. Needs the command zstd.
"""
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
SIZE_MAX = 4000  # a seed leaves out chunks that would make it larger; the targets go on without

# Short lives, missing values, a gap and the end of an hour, at which a block ends; then enough
# processes for two groups and for reference values, which the third block finds in the second; then
# a tail. In all of them some metrics are not always read.
RECORDINGS = {
    "lives": "--processes 6 --births 0.03 --interval 15s --start 2026-01-05T00:55:00Z --seconds 600"
             " --missing --gap 400:45 --pid-reuse --cmdline-bytes 60",
    "idle": "--processes 66 --mix idle=1 --seconds 310 --jitter 0",
    "tail": "--processes 3 --births 0.5 --seconds 8 --missing --unclean --cmdline-bytes 60",
}
TABLES = ("process_samples", "cpu_samples", "memory_samples", "recorder_samples")
LEVELS = (0, 60, 3600)
DIRECTORY, REFERENCE = 0, 2048
SAMPLES, LIFETIMES, STRINGS = 0, 1 << 12, 2 << 12  # what fuzz_input.h names chunks with
REBUILD = 128  # bit of fuzz_block's first byte


# --- frames and chunks: schema/FORMAT.md, sections 2 and 9 ---------------------------------------

def content(frame):
    if frame[:1] == b"\0":
        return frame[1:-4]
    return subprocess.run(["zstd", "-dc"], input=frame, capture_output=True, check=True).stdout


def varint(data, at):
    value = shift = 0
    while data[at] > 127:
        value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
    return value | data[at] << shift, at + 1


def frames(chunk):
    """The base frame's content, then those of the groups, b"" where there is none."""
    numbers, at = [], 2
    while len(numbers) < 5 or len(numbers) < 5 + numbers[4]:
        number, at = varint(chunk, at)
        numbers.append(number)
    at += 4  # checksum
    for size in [numbers[3], *numbers[5:]]:
        yield content(chunk[at:at + size]) if size else b""
        at += size


# --- what the targets take: fuzz_input.h ---------------------------------------------------------

def piece(data):
    return len(data).to_bytes(2, "little") + data


def named(kind, column, chunk):
    base, *groups = frames(chunk)
    return ((kind | column).to_bytes(2, "little") + piece(base) + bytes([len(groups)]) +
            b"".join(piece(group) for group in groups))


def join(head, chunks):
    """The chunks that fit, in order of how much depends on them."""
    seed = head
    for chunk in chunks:
        if len(seed) + len(chunk) <= SIZE_MAX:
            seed += chunk
    return seed


# --- a recording ---------------------------------------------------------------------------------

class Recording:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.text_factory = bytes

    def rows(self, sql, *parameters):
        return self.db.execute(sql, parameters).fetchall()

    def chunks(self, table, seq, kind):
        """(column, bytes for a seed) of a block's chunks."""
        return [(row_id % 4096, named(kind, row_id % 4096, data)) for row_id, data in self.rows(
            "SELECT id, data FROM %s WHERE id / 4096 = ? ORDER BY id" % table, seq)]

    def lifetimes(self, seq):
        own = self.chunks("process_lifetime_chunk", seq, LIFETIMES)
        return [chunk for _, chunk in own[:1] + self.chunks("string_chunk", seq, STRINGS) + own[1:]]

    def samples(self, name, level, seq):
        """Chunks of a table: its directory, those that its series lean on, columns one by one."""
        own = self.chunks(name + "_chunk" + ("_%d" % level if level else ""), seq, SAMPLES)
        if level == 0:  # reference values may be those of an earlier block
            found = self.rows("SELECT max(id) / 4096 FROM %s_chunk WHERE id %% 4096 = ? AND"
                              " id / 4096 <= ?" % name, REFERENCE, seq)[0][0]
            own += [] if found in (None, seq) else [
                (column, chunk) for column, chunk in self.chunks(name + "_chunk", found, SAMPLES)
                if column >= REFERENCE]
        if name == TABLES[0] and level == 0:
            own += [(column, chunk) for column, chunk in self.chunks(
                "process_lifetime_chunk", seq, LIFETIMES) if column != 2]
        return [chunk for column, chunk in sorted(own, key=lambda pair: need(pair[0]))]


def need(column):
    """Directory, whom lifetimes and reference values are of; then what each metric needs."""
    if column in (DIRECTORY, 1, REFERENCE):
        return 0, column
    return 1, column % 512


# --- seeds ---------------------------------------------------------------------------------------

def block_seeds(name, recording):
    for level_index, level in enumerate(LEVELS):
        for seq, ticks in recording.rows("SELECT block_seq, ticks FROM block WHERE level = ?",
                                         level):
            for table_id, table in enumerate(TABLES):
                if name == "idle" and (table_id or level == 3600):
                    continue  # as in the other
                which = table_id | level_index << 4 | (REBUILD if seq == 1 else 0)
                chunks = recording.samples(table, level, seq)
                yield ("block", "%s-%s-%d-%d" % (name, table.split("_")[0], level, seq),
                       join(bytes([which]) + piece(ticks), chunks))


def lifetime_seeds(name, recording):
    for seq, ticks in recording.rows("SELECT block_seq, ticks FROM block WHERE level = 0"):
        chunks = recording.lifetimes(seq)
        if chunks:
            yield "lifetimes", "%s-%d" % (name, seq), join(piece(ticks), chunks)


def other_seeds(name, recording):
    for level, seq, ticks in recording.rows("SELECT level, block_seq, ticks FROM block"):
        yield "ticks", "%s-%d-%d" % (name, level, seq), ticks
    for table in ("process_samples_chunk", "process_samples_chunk_60", "process_lifetime_chunk"):
        for row_id, data in recording.rows("SELECT id, data FROM %s LIMIT 2" % table):
            yield "chunk", "%s-%s-%d" % (name, table, row_id), data
    tail = [content(data[8:]) for data, in recording.rows("SELECT data FROM tail ORDER BY tail_id")]
    if len(tail) > 1:
        yield "tail", name, b"".join(piece(record) for record in tail)


def usage_seeds(name, recording):
    for row_id, data in recording.rows("SELECT id, data FROM process_usage_chunk"):
        yield "usage", "%s-%d" % (name, row_id >> 12), bytes([0]) + next(frames(data))


def make(build, folder):
    for name, options in RECORDINGS.items():
        path = folder / (name + ".pscope")
        subprocess.run([build / "make_recording", path, *options.split()], check=True)
        recording = Recording(path)
        for seeds in (block_seeds, lifetime_seeds, other_seeds, usage_seeds):
            yield from seeds(name, recording)


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
    with tempfile.TemporaryDirectory() as folder:
        seeds = list(make(build, Path(folder)))
    for target in {target for target, _, _ in seeds}:
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        for seed in (CORPUS / target).iterdir():
            if not seed.name.startswith("found-"):  # what a fuzzer found stays
                seed.unlink()
    for target, name, seed in seeds:
        (CORPUS / target / name).write_bytes(seed)
    print("%d seeds, %d bytes" % (len(seeds), sum(len(seed) for _, _, seed in seeds)))


if __name__ == "__main__":
    main()
