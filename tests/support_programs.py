"""Runs the built programs for end-to-end tests: the recorder, the analyzer, and loads that obey."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("PROCSCOPE_SOURCE_DIR",
                        os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("PROCSCOPE_BUILD_DIR", os.path.join(SOURCE, "build"))
RECORDER = os.path.join(BUILD, "procscoped")
ANALYZER = os.path.join(BUILD, "procscope")
LOAD = os.path.join(BUILD, "tests", "load_linux")
CSV_LINE_END = "\r\n"
failures = 0


def skip(reason):
    print("SKIP: " + reason)
    sys.exit(77)


def need_programs():
    for program in (RECORDER, ANALYZER, LOAD):
        if not os.access(program, os.X_OK):
            skip("no " + program)


def check(holds, claim):
    """One claim; the test goes on when it does not hold."""
    global failures
    if not holds:
        failures += 1
    print(("ok      " if holds else "FAILED  ") + claim, flush=True)


def finish():
    print("%d failed" % failures)
    sys.exit(1 if failures else 0)


def work_directory():
    return tempfile.TemporaryDirectory(prefix="procscope-test-")


class Recorder:
    """A running procscoped. Ready once it says that it records."""

    def __init__(self, path, *options, before=(), environment=None):
        self.path = path
        self.log = path + ".log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*before, RECORDER, "-o", path, *options],
                                            stdin=subprocess.DEVNULL, stderr=log,
                                            env={**os.environ, **(environment or {})})
        deadline = time.monotonic() + 30
        while "recording to" not in self.said():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("procscoped did not start: " + self.said())
            time.sleep(0.02)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


class Load:
    """
    A process that obeys `orders` (tests/load_linux.c); any arguments, any name of its program. On
    one core when `core` is given.
    """

    def __init__(self, orders, arguments=("load",), program=LOAD, core=None):
        pin = None if core is None else lambda: os.sched_setaffinity(0, {core})
        self.process = subprocess.Popen(list(arguments), executable=program,
                                        env={"LOAD": orders}, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, preexec_fn=pin)
        self.pid = self.process.pid

    def end(self):
        """What it said, by name."""
        text, _ = self.process.communicate(timeout=200)
        if self.process.returncode != 0:
            raise RuntimeError("a load failed with status %d" % self.process.returncode)
        lines = [json.loads(line) for line in text.splitlines()]
        return {line["say"]: line for line in lines}


def analyze(*arguments):
    """Standard output, as bytes; it must succeed."""
    done = subprocess.run([ANALYZER, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=120)
    if done.returncode != 0:
        raise RuntimeError("procscope %s: status %d: %s" % (
            " ".join(arguments), done.returncode, done.stderr.decode(errors="replace")))
    return done.stdout


def read_csv(data):
    """Rows of a CSV as dictionaries; a missing cell is "", and so is an empty text."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def report(path, *options, columns=None):
    chosen = ["--columns", columns] if columns else []
    return read_csv(analyze("report", path, "--format", "csv", *chosen, *options))


def original_bytes(cell):
    """What was escaped as in analyzer/escape.h."""
    return re.sub(rb"\\(?:x([0-9a-fA-F]{2})|\\)",
                  lambda found: bytes.fromhex(found[1].decode()) if found[1] else b"\\",
                  cell.encode("utf-8"))
