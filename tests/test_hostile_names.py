#!/usr/bin/env python3
"""Hostile names and arguments of live processes come through every output: harmless, and whole."""

import json
import os
import pty
import subprocess
import sys
import time

from support_programs import (ANALYZER, Load, Recorder, analyze, check, finish, need_programs,
                              original_bytes, read_csv, skip, work_directory)

NAME = b'a,"b\n=1+1\x1b[31m'  # 14 bytes: the whole fits a comm
FORMULA = b"=1+1,|x"
FRAGMENT = b"\xff\xfe caf\xc3\xa9 \x80\x9b1m \xf0\x9f\x90\x8d"
LONE_RETURN = b"back\rslash\\x41\ttab \xe2\x80\xaeover\x00"


def order(name):
    """`name` in the form that the order "name" takes: every byte escaped."""
    return "name " + "".join("\\x%02x" % byte for byte in name) + " wait"


# What each process is called, and its arguments. The recorder joins those with spaces.
HOSTILE = [
    (NAME, [NAME, b"", NAME]),
    (FORMULA, [FORMULA, b"@SUM(1)"]),
    (b"\xff\xfe\xc3(", [b"prog", FRAGMENT]),
    (b"-\xc2\x9b31m", [b"+cmd", LONE_RETURN[:-1], b"C1 \xc2\x9b31m"]),
    (b"'quoted", [b"'=1", b" leading and trailing "]),
    (b"\\x41", [b"\\", b"\\x0a", b"\\\\x0a"]),
]


def expected_cmdline(arguments):
    return b" ".join(arguments)


def unsafe(text):
    return [byte for byte in text if (byte < 32 and byte != 10) or byte == 127]


def check_same(what, got, wanted):
    check(got == wanted, "%s: %r" % (what, got) if got == wanted
          else "%s: %r, not %r" % (what, got, wanted))


def check_table(path, pids, by):
    text = analyze("report", path, "--top", "0", "--by", by)
    # C1 controls as characters are as dangerous as ESC; so are bytes that are not UTF-8.
    check(not unsafe(text), "table by %s: no control byte" % by)
    decoded = text.decode("utf-8")
    check(not any(0x80 <= ord(c) < 0xa0 or ord(c) in (0x202e, 0x2028) for c in decoded),
          "table: no C1 control, no reordering")
    check(b"b\\x0a=1+1\\x1b[31m" in text, "table: newline and escape are shown as text")
    if by == "process":
        found = {line.split(None, 1)[0] for line in decoded.splitlines() if line.strip()}
        check(all(str(pid) in found for pid in pids), "table: one line for each process")


def check_terminal(path):
    """On a terminal the table is coloured: only by our own sequences."""
    try:
        screen, end = pty.openpty()
    except OSError as why:
        print("SKIP: the report on a terminal (%s)" % why)
        return
    with subprocess.Popen([ANALYZER, "report", path, "--top", "0"], stdin=subprocess.DEVNULL,
                          stdout=end, env={**os.environ, "TERM": "xterm"}) as process:
        os.close(end)
        text = b""
        try:
            while chunk := os.read(screen, 65536):
                text += chunk
        except OSError:  # the terminal's other end is closed
            pass
    os.close(screen)
    check(process.returncode == 0 and b"b\\x0a=1+1\\x1b[31m" in text, "terminal: shown as text")
    check(b"=1+1\x1b" not in text, "terminal: no escape out of a name")


def rows_of_csv(path, command, *options):
    arguments = (["report", path, "--columns", "pid,comm,cmdline"] if command == "report" else
                 ["export", path, "--table", "process_version"])
    data = analyze(*arguments, "--format", "csv", *options)
    bare = data.replace(b"\r\n", b"")
    check(not unsafe(bare) and b"\n" not in bare, "%s csv: no control byte" % command)
    return read_csv(data)


def check_csv(path, pids):
    rows = {row["pid"]: row for row in rows_of_csv(path, "report")}
    for pid, (name, arguments) in pids.items():
        row = rows[str(pid)]
        check_same("csv comm", original_bytes(row["comm"]), name)
        check_same("csv cmdline", original_bytes(row["cmdline"]), expected_cmdline(arguments))


def check_csv_safe(path, pids):
    rows = {row["pid"]: row for row in rows_of_csv(path, "report", "--csv-safe")}
    for pid, (name, arguments) in pids.items():
        for column, plain in (("comm", name), ("cmdline", expected_cmdline(arguments))):
            cell = rows[str(pid)][column]
            check(cell[:1] not in "=+-@\t\r" and not cell.startswith(";"),
                  "csv-safe %s begins with %r" % (column, cell[:1]))
            if plain[:1] in b"=+-@":
                check_same("csv-safe " + column, original_bytes(cell), b"'" + plain)


def check_json(path, pids):
    for form in ("json", "ndjson"):
        text = analyze("report", path, "--columns", "pid,comm,cmdline", "--format", form)
        rows = (json.loads(text)["rows"] if form == "json" else
                [json.loads(line) for line in text.splitlines() if line.strip()])
        by_pid = {row["pid"]: row for row in rows if row.get("pid")}
        for pid, (name, arguments) in pids.items():
            row = by_pid[pid]
            check_same(form + " comm", row["comm"].encode("utf-8", "surrogateescape"), name)
            check_same(form + " cmdline", row["cmdline"].encode("utf-8", "surrogateescape"),
                       expected_cmdline(arguments))


def check_export(path, pids):
    rows = rows_of_csv(path, "export")
    columns = {"comm", "cmdline", "process_id"}
    check(bool(rows) and columns <= set(rows[0]), "export has %s" % sorted(columns))
    names = [original_bytes(row["comm"]) for row in rows]
    lines = [original_bytes(row["cmdline"]) for row in rows]
    for name, arguments in pids.values():
        check(name in names, "export comm: %r" % name)
        check(expected_cmdline(arguments) in lines, "export cmdline: %r" % arguments)
    rows = {row["pid"]: row for row in
            read_csv(analyze("export", path, "--table", "process", "--format", "csv"))}
    check(all(str(pid) in rows for pid in pids), "export: every process is in table process")


def main():
    need_programs()
    with work_directory() as work:
        path = os.path.join(work, "names.pscope")
        loads = [Load(order(name), arguments) for name, arguments in HOSTILE]
        time.sleep(0.3)
        recorder = Recorder(path, "-i", "200ms")
        time.sleep(3)
        pids = {load.pid: hostile for load, hostile in zip(loads, HOSTILE)}
        for load in loads:
            load.end()
        time.sleep(0.5)
        check(recorder.stop() == 0, "the recorder stopped cleanly")
        check(b"\x1b" not in recorder.said().encode(), "nor does the log show an escape")
        check_table(path, pids, "process")
        check_table(path, pids, "comm")
        check_terminal(path)
        check_csv(path, pids)
        check_csv_safe(path, pids)
        check_json(path, pids)
        if b" export " in analyze("--help"):
            check_export(path, pids)
    finish()


if sys.platform != "linux":
    skip("the loads are Linux programs")
main()
