#!/usr/bin/env python3
"""
Confidential values in the command lines of live processes never reach the disk, whether the
recorder stops cleanly or is killed; harmless lines stay as they are; no environment is opened.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

from support_programs import (RECORDER, SOURCE, Load, Recorder, analyze, check, finish,
                              need_programs, original_bytes, report, skip, work_directory)

REDACTED = b"[redacted]"
SUFFIXES = ("", "-wal", "-shm", "-journal")
SHORTEST = 6  # a shorter value is found in any file by chance; it is judged by its cell alone
OWN = b"falcon-7zq"  # what --redact hides


def parse(text):
    """One line of a fixture: arguments, what must be recorded, and the values as bytes."""
    raw, wanted, values = b"", b"", []
    planted = False
    while text:
        if text.startswith("{{") or (planted and text.startswith("}}")):
            planted = text.startswith("{{")
            if planted:
                wanted += REDACTED
                values.append(b"")
            text = text[2:]
            continue
        short = {"\\p": b"|", "\\n": b"\n"}.get(text[:2])
        byte = short or {"|": b"\0", "~": b""}.get(text[0], text[0].encode())
        text = text[2 if short else 1:]
        raw += byte
        if planted:
            values[-1] += byte
        else:
            wanted += b" " if byte == b"\0" else byte
    values = [part for value in values for part in value.split(b"\0")]
    return raw.split(b"\0"), wanted.rstrip(b" "), values


def read_fixture(name):
    path = os.path.join(SOURCE, "tests", "fixtures", "redact", name)
    with open(path, encoding="utf-8") as file:
        return [parse(line.rstrip("\n")) for line in file if line.strip() and line[0] != "#"]


def files_of(path):
    """The recording's files as they are now, one after the other."""
    data = b""
    for suffix in SUFFIXES:
        try:
            with open(path + suffix, "rb") as file:
                data += b"\0" + file.read()
        except FileNotFoundError:
            pass
    return data


def exported(path):
    """Everything that was packed, as text."""
    tables = ("process", "process_version", "process_lifetime", "entity", "event", "session",
              "capability")
    return b"".join(original_bytes(analyze("export", path, "--table", table,
                                           "--format", "csv").decode("utf-8"))
                    for table in tables)


def check_absent(what, data, secrets):
    found = sorted({value for value in secrets if value in data})
    check(not found, "%s, %d bytes: no planted value%s" % (what, len(data),
                                                          ": %r" % found if found else ""))


def cells_of(path):
    rows = report(path, "--no-remainder", "--comm", "load_linux", columns="pid,cmdline")
    return {int(row["pid"]): original_bytes(row["cmdline"]) for row in rows}


def check_cells(what, path, lines):
    cells = cells_of(path)
    wrong = [(cells.get(pid), wanted) for pid, wanted in lines.items() if cells.get(pid) != wanted]
    for got, wanted in wrong[:10]:
        print("    got  %r\n    want %r" % (got, wanted))
    check(not wrong, "%s: %d of %d lines as they should be" % (what, len(lines) - len(wrong),
                                                             len(lines)))


def trace_recorder(work):
    """The files that the recorder opens; None where it cannot be traced."""
    log, trace = os.path.join(work, "strace"), shutil.which("strace")
    if trace is None or subprocess.run([trace, "-o", log, "true"], check=False,
                                       capture_output=True).returncode != 0:
        return None
    subprocess.run([trace, "-f", "-e", "trace=open,openat,openat2,readlink,readlinkat", "-s", "200",
                    "-o", log, RECORDER, "-o", os.path.join(work, "traced"), "-i", "500ms",
                    "-d", "2s"], check=False, capture_output=True, timeout=100)
    with open(log, encoding="utf-8", errors="replace") as file:
        return [line for line in file if "open" in line or "readlink" in line]


def check_trace(work):
    opened = trace_recorder(work)
    if opened is None:
        print("not judged: which files are opened, for want of a working strace")
        return
    check(any("cmdline" in line for line in opened), "strace saw %d files opened" % len(opened))
    with open(RECORDER, "rb") as file:
        if b"__asan_init" in file.read():  # that runtime itself reads its own
            opened = [line for line in opened if "/proc/self/environ" not in line]
    check(not any("environ" in line for line in opened), "no environ is opened")


def record(work, lines):
    """All recorders at once; what each left, after checks on the files while they are written."""
    recorders = {
        "clean": Recorder(os.path.join(work, "clean"), "-i", "500ms"),
        "killed": Recorder(os.path.join(work, "killed"), "-i", "500ms", "--sync", "1s"),
        "none": Recorder(os.path.join(work, "none"), "-i", "500ms", "--no-cmdline"),
        "own": Recorder(os.path.join(work, "own"), "-i", "500ms", "--redact",
                        "f[a-z]*-[0-9][a-z]+"),
    }
    late = lines[len(lines) // 2:]
    loads = [Load("wait", arguments) for arguments, _, _ in late]
    running = b""
    for _ in range(4):
        time.sleep(2)
        running += files_of(recorders["clean"].path) + files_of(recorders["killed"].path)
    recorders["killed"].stop(signal.SIGKILL)
    for load in loads:
        load.end()
    time.sleep(1)
    for name in ("clean", "none", "own"):
        check(recorders[name].stop() == 0, "%s: stopped cleanly" % name)
    return recorders, {load.pid: wanted for load, (_, wanted, _) in zip(loads, late)}, running


def main():
    need_programs()
    lines = read_fixture("planted.txt") + read_fixture("harmless.txt")
    own = [b"app", b"--project", OWN], b"app --project " + OWN, []
    lines.append(own)
    secrets = {value for _, _, values in lines for value in values if len(value) >= SHORTEST}
    values = sum(len(values) for _, _, values in lines)
    check(values >= 60, "%d values planted in %d lines" % (values, len(lines)))
    with work_directory() as work:
        half = lines[:len(lines) // 2]
        loads = [Load("wait", arguments) for arguments, _, _ in half]
        pids = {load.pid: wanted for load, (_, wanted, _) in zip(loads, half)}
        recorders, late_pids, running = record(work, lines)
        pids.update(late_pids)
        for load in loads:
            load.end()
        check_absent("while recording", running, secrets)
        for name in ("clean", "killed"):
            path = recorders[name].path
            check_absent(name, files_of(path), secrets)
            check_absent(name + ", unpacked", exported(path), secrets)
            check_cells(name, path, pids)
            check_absent(name + ", log", recorders[name].said().encode(), secrets)
        check_cells("--redact", recorders["own"].path,
                    {pid: wanted.replace(OWN, REDACTED) for pid, wanted in pids.items()})
        check_absent("--redact", files_of(recorders["own"].path), secrets | {OWN})
        check_absent("--redact, unpacked", exported(recorders["own"].path), secrets | {OWN})
        stored = {row["cmdline"] for row in report(recorders["none"].path, "--no-remainder",
                                                   columns="cmdline")}
        check(stored == {""}, "--no-cmdline stores none")
        check_absent("--no-cmdline", files_of(recorders["none"].path) +
                     exported(recorders["none"].path), secrets | {OWN, b"registry.host"})
        check_trace(work)
    finish()


if sys.platform != "linux":
    skip("the loads are Linux programs")
main()
