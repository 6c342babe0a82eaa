#!/usr/bin/env python3
"""Work that takes long says how far it is: on a terminal, and nowhere else, and takes the line away again.

The recording is locked for a while, so that all of the work, however short, comes after more than a second.
"""
import os
import pty
import re
import select
import sqlite3
import subprocess
import time

import support_programs as programs
from support_programs import ANALYZER, BUILD, check

LOCKED_SECONDS = 1.5
PROGRESS = re.compile(rb"\r(?:reading \d+ of \d+ blocks|read [0-9.]+ %) ")
CLEAR = b"\r\x1b[K"


class Command:
    """A command whose standard error, and output if asked for, is a terminal."""

    def __init__(self, words, terminal_output=False):
        self.words = words
        self.screen, end = pty.openpty()
        self.process = subprocess.Popen([ANALYZER, *words], stdin=subprocess.DEVNULL, stderr=end,
                                        stdout=end if terminal_output else subprocess.PIPE)
        os.close(end)
        self.shown = self.output = b""

    def end(self):
        streams = [self.screen] + ([self.process.stdout.fileno()] if self.process.stdout else [])
        while streams:
            for stream in select.select(streams, [], [], 100)[0]:
                try:
                    data = os.read(stream, 65536)
                except OSError:  # the terminal's other end is closed
                    data = b""
                if not data:
                    streams.remove(stream)
                elif stream == self.screen:
                    self.shown += data
                else:
                    self.output += data
        os.close(self.screen)
        if self.process.stdout:
            self.process.stdout.close()
        return self.process.wait()


class Locked:
    """Nobody can begin to read the recording."""

    def __init__(self, path):
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("BEGIN EXCLUSIVE")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.database.execute("ROLLBACK")
        self.database.close()


def commands(path, work, where):
    return [["report", path, "--no-rollups"], ["report", path, "--by", "comm", "--format", "json", "--no-rollups"],
            ["timeline", path, "--step", "1m"], ["timeline", path, "--table", "cpu_samples", "--format", "csv"],
            ["export", path, "--table", "process_samples"],
            ["export", path, "--table", "cpu_samples_60", "--format", "ndjson"],
            ["export", path, "--table", "process_samples", "--format", "json"],
            ["export", path, "--format", "openmetrics"], ["export", path, "--format", "perfetto"],
            ["export", path, "--format", "sqlite", "-o", "%s/%s.db" % (work, where)],
            ["extract", path, "-o", "%s/%s.pscope" % (work, where)], ["verify", path],
            ["sql", path, "SELECT count(*), sum(cpu_ns_total) FROM process_samples"],
            ["sql", path, "SELECT comm, cpu_seconds FROM usage ORDER BY 2 DESC"]]


def on_a_terminal(path, work):
    with Locked(path):
        running = [Command(words) for words in commands(path, work, "terminal")]
        time.sleep(LOCKED_SECONDS)
    for command, words in zip(running, commands(path, work, "pipe")):
        status = command.end()
        name = " ".join(words[:1] + [word for word in words[2:] if "/" not in word])[:60]
        piped = subprocess.run([ANALYZER, *words], capture_output=True, check=False)
        rest = PROGRESS.sub(b"", command.shown).replace(CLEAR, b"").replace(b"\r\n", b"\n")
        check(status == piped.returncode == 0 and command.output == piped.stdout,
              "%s: as without a terminal" % name)
        check(PROGRESS.match(command.shown) is not None, "%s: %r" % (name, command.shown[:40]))
        check(re.search(PROGRESS.pattern + rb"[^\r]", command.shown) is None, "%s: nothing stands behind it" % name)
        last = [found.end() for found in PROGRESS.finditer(command.shown)][-1:]
        check(last and CLEAR in command.shown[last[0]:] and rest == piped.stderr,
              "%s: its line is taken away: %r" % (name, command.shown[-60:]))


def off_a_terminal(path, work):
    with Locked(path):
        running = [(words, subprocess.Popen([ANALYZER, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT))
                   for words in commands(path, work, "locked")]
        time.sleep(LOCKED_SECONDS)
    said = [(words, process.communicate()[0]) for words, process in running]
    check(all(PROGRESS.search(output) is None and CLEAR not in output for _, output in said),
          "%d commands into a pipe: none" % len(said))


def with_output(path):
    """What is printed to the same terminal does not stand behind the line."""
    words = [["verify", path], ["report", path, "--no-rollups"], ["timeline", path, "--step", "1m"],
             ["export", path, "--table", "process_samples"]]
    with Locked(path):
        running = [Command(one, terminal_output=True) for one in words]
        time.sleep(LOCKED_SECONDS)
    for command in running:
        check(command.end() == 0 and re.search(PROGRESS.pattern + rb"[^\r]", command.shown) is None,
              "%s to the same terminal: %r" % (command.words[0], command.shown[-50:]))
    check(PROGRESS.search(running[-1].shown) is None and len(running[-1].shown) > 10000,
          "rows on the terminal: they say how far it is")


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        path = work + "/r.pscope"
        subprocess.run([BUILD + "/make_recording", path, "--processes", "5", "--seconds", "1500", "--births", "0.1"],
                       check=True, stdout=subprocess.DEVNULL)
        on_a_terminal(path, work)
        off_a_terminal(path, work)
        with_output(path)
        short = Command(["report", path])
        check(short.end() == 0 and PROGRESS.search(short.shown) is None, "short work says nothing")
    programs.finish()


main()
