#!/usr/bin/env python3
"""Recordings that a stranger might send: mutations of good ones, the same each time.

    mutate_recording.py OUT_DIRECTORY SEED.pscope... [--seed N] [--count N] [--only K]

Writes OUT_DIRECTORY/K.pscope (and what lies beside it) and says what was done. Mutation K takes kind K
modulo the number of kinds, so that any run of them has all kinds. Needs libzstd, nothing else.
"""
import argparse
import os
import random
import sqlite3
import sys

import bytes_of_format
import change_chunks
import change_file
import change_rows
import change_schema
from workplace import NothingToChange, Workplace

CANNOT = (sqlite3.Error, IndexError, ValueError, TypeError, AttributeError, OSError)
INSIDE = change_rows.KINDS + change_chunks.KINDS


def several(w):
    """What several kinds do, in one recording."""
    for _ in range(w.choose((2, 3, 6))):
        attempt(w, w.choose(INSIDE))


def several_with_schema(w):
    several(w)
    attempt(w, w.choose(change_schema.KINDS))


def several_with_pages(w):
    several(w)
    attempt(w, w.choose((change_file.pages, change_file.cell_sizes, change_file.overflow, change_file.cut)))


def attempt(w, kind):
    """A later one may find a recording that cannot be changed any more."""
    try:
        kind(w)
    except (NothingToChange, *CANNOT) as why:
        w.note(f"{kind.__name__}: {why!r}")


KINDS = tuple((module.__name__.removeprefix("change_"), kind)
              for module in (change_schema, change_rows, change_chunks, change_file)
              for kind in module.KINDS) + tuple(
    ("several", kind) for kind in (several, several_with_schema, several_with_pages))


def kind_name(number):
    group, kind = KINDS[number % len(KINDS)]
    return f"{group}.{kind.__name__}"


def mutate(number, seed, sources, path):
    """Write mutation `number` of one of the sources; returns what was done."""
    _, kind = KINDS[number % len(KINDS)]
    rng = random.Random(f"{seed} {number}")
    for source in rng.sample(sources, len(sources)):
        remove(path)
        w = Workplace(source, path, rng)
        w.note(os.path.basename(source))
        try:
            kind(w)
        except NothingToChange:
            continue
        except CANNOT as why:  # SQLite refuses it: what was done up to there is undone
            w.note(repr(why))
        return "; ".join(w.notes)
    raise NothingToChange(kind_name(number))


def remove(path):
    for end in ("", "-wal", "-shm", "-journal"):
        if os.path.isdir(path + end) and not os.path.islink(path + end):
            os.rmdir(path + end)
        elif os.path.lexists(path + end):
            os.unlink(path + end)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("out")
    options.add_argument("source", nargs="+")
    options.add_argument("--seed", default="1")
    options.add_argument("--count", type=int, default=len(KINDS))
    options.add_argument("--only", type=int)
    asked = options.parse_args()
    if bytes_of_format.zstd() is None:
        sys.exit("mutate_recording.py: no libzstd")
    os.makedirs(asked.out, exist_ok=True)
    for number in range(asked.count) if asked.only is None else [asked.only]:
        path = os.path.join(asked.out, f"{number}.pscope")
        print(number, kind_name(number), mutate(number, asked.seed, asked.source, path), flush=True)


if __name__ == "__main__":
    main()
