#!/usr/bin/env python3
"""Clocks that jump: suspend, wall clock set back and on by an hour, restarts, pids used again, clocks of
the zone set back, a recorder that was stopped for five seconds. Each is an event where it is one, and
figures are those of the truth.
"""
import csv
import io
import os
import signal
import subprocess
import sys
import time

from support_programs import (ANALYZER, BUILD, Load, SOURCE, Recorder, check, finish,
                              need_programs, work_directory)

START = 1767571200  # 2026-01-05T00:00:00Z
HOUR = 3600


def run(*words):
    done = subprocess.run(words, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(), done.stderr.decode()


def table(path, name, *words):
    return list(csv.DictReader(io.StringIO(run(ANALYZER, "export", path, "--table", name,
                                               *words)[0], newline="")))


def ticks_of(path, *words):
    """First and last tick that a report of the window covers, in seconds since START."""
    rows = table(path, "memory_samples", *words)
    return (int(rows[0]["time_ns"]) / 1e9 - START, int(rows[-1]["time_ns"]) / 1e9 - START)


def report(path, *words):
    out, err = run(ANALYZER, "report", path, "--format", "csv", "--columns", "cpu_seconds,row",
                   "--no-remainder", *words)
    warnings = [line for line in err.splitlines() if line.startswith("procscope:")]
    return [row["cpu_seconds"] for row in csv.DictReader(io.StringIO(out, newline=""))], \
        "; ".join(warnings)


def made(work):
    path, truth = os.path.join(work, "made.pscope"), os.path.join(work, "truth")
    run(os.path.join(BUILD, "make_recording"), path, "--processes", "30", "--births", "1",
        "--seconds", "9000", "--truth", truth, "--gap", "500:120", "--gap", "4000:30", "--restart",
        "8000:40", "--pid-reuse", "--step", "1800:-3600", "--step", "6000:3600")
    events = [(row["kind"], round(int(row["time_ns"]) / 1e9) - START, int(row["duration_ns"] or 0),
               int(row["value"] or 0)) for row in table(path, "event")]
    check([event[0] for event in events] == ["start", "suspend", "clock_step", "suspend",
                                             "clock_step", "stop", "start", "stop"],
          "starts, suspends and steps of the clock are events, in order")
    check([event[3] for event in events if event[0] == "clock_step"] ==
          [-HOUR * 10**9, HOUR * 10**9], "with how far the clock was set")
    check(all(118 <= event[2] / 1e9 <= 122 or 28 <= event[2] / 1e9 <= 32
              for event in events if event[0] == "suspend"), "and how long the host slept")
    out, _ = run(sys.executable, os.path.join(SOURCE, "tools/check_truth.py"), "--procscope",
                 ANALYZER, "--count", "25", "--seed", "7", path, truth)
    check("25 passed, 0 failed" in out,
          "totals and covered time of random windows are the truth's: " + out.strip().split("\n")[-1])
    # 00:20 on the host's clock came twice: at 1200 s and, after it was set back, at 4800 s.
    at = "2026-01-05T00:20:00Z"
    first, last = ticks_of(path, "--from", at, "--to", at)
    check(1200 < first < 1202 and 4799 <= last <= 4800.1, "a time that came twice selects both")
    _, err = report(path, "--from", at)
    check("set back" in err and "2 times" in err, "and says so: " + err.strip())
    # The clock was at 01:00 when it was set on to 02:00.
    _, err = report(path, "--from", "2026-01-05T01:10:00Z")
    check("never showed" in err, "a time that was skipped is told: " + err.strip())
    first, _ = ticks_of(path, "--from", "2026-01-05T01:10:00Z")
    check(5999 <= first <= 6002, "and is where the clock was set")
    _, err = report(path, "--from", f"@{START + 1200}", "--to", f"@{START + 1300}")
    check(err.strip() == "", "seconds of the timeline are not ambiguous")
    trust, _ = run(ANALYZER, "report", path, "--format", "table", "--top", "1")
    check("clock steps 2" in trust and "suspend" in trust, "the report says what clocks did")


def double_hour(work):
    path = os.path.join(work, "autumn.pscope")
    run(os.path.join(BUILD, "make_recording"), path, "--processes", "10", "--births", "0.1",
        "--seconds", "10800", "--interval", "5s", "--fall-back", "5400:3600")
    # Local time is UTC+1 at first: 01:00 to 02:30, then 01:30 (UTC) to 03:00.
    first, last = ticks_of(path, "--from", "2026-01-05 01:45", "--to", "2026-01-05 01:45")
    check(2700 < first <= 2706 and 6294 <= last <= 6300.1, "the doubled hour selects both")
    _, err = report(path, "--from", "2026-01-05 01:45")
    check("came twice" in err and "both are meant" in err, "with a warning: " + err.strip())
    _, err = report(path, "--from", "2026-01-05 01:10")
    check(err.strip() == "", "before it there is none")
    _, err = report(path, "--utc", "--from", "2026-01-05 01:45")
    check(err.strip() == "", "nor with --utc")
    zone = [row for row in table(path, "event") if row["kind"] == "zone"]
    check(len(zone) == 1 and zone[0]["value"] == "-3600" and
          5400 <= int(zone[0]["time_ns"]) / 1e9 - START <= 5406, f"local time set back: {zone}")


def rebooted(work):
    """Another boot: the same pids are other processes, counters begin again, nothing crosses it."""
    path, truth = os.path.join(work, "boots.pscope"), os.path.join(work, "boots")
    run(os.path.join(BUILD, "make_recording"), path, "--processes", "30", "--births", "1",
        "--seconds", "5000", "--truth", truth, "--reboot", "1000:60", "--restart", "2500:40",
        "--reboot", "3700:10")
    check([row["kind"] for row in table(path, "event")] ==
          ["start", "stop", "reboot", "stop", "start", "stop", "reboot", "stop"],
          "two of three restarts are another boot")
    out, _ = run(sys.executable, os.path.join(SOURCE, "tools/check_truth.py"), "--procscope",
                 ANALYZER, "--count", "25", "--seed", "8", path, truth)
    check("25 passed, 0 failed" in out,
          "figures of random windows are the truth's: " + out.strip().split("\n")[-1])
    processes = table(path, "process")
    first = {(row["pid"], row["start_ticks"]) for row in processes if row["session_id"] == "1"}
    again = {row["pid"] for row in processes if row["session_id"] == "2"}
    check(len(again & {pid for pid, _ in first}) > 20, "pids of the first boot come again")
    text, _ = run(ANALYZER, "report", path, "--format", "table", "--top", "1")
    check(text.count("reboot 2026") == 2 and "not recording 2026" in text,
          "the report says which gaps are reboots")


def other_boot(work):
    """A host that says it is another boot: procscoped itself, in a mount namespace with another boot id."""
    boot_id = "/proc/sys/kernel/random/boot_id"
    path, fake = os.path.join(work, "other.pscope"), os.path.join(work, "boot_id")
    with open(fake, "w", encoding="ascii") as file:
        file.write("01234567-89ab-4def-8123-456789abcdef\n")
    elsewhere = ("unshare", "-m", "sh", "-c", f'mount --bind "$0" {boot_id} && exec "$@"', fake)
    if subprocess.run([*elsewhere, "true"], capture_output=True).returncode != 0:
        print("not judged: a changed boot id, which takes a mount namespace")
        return
    load = Load("burn 1000")
    used = []
    for options in ((), (), elsewhere):
        time.sleep(0.7)
        load.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)  # until it has stopped
        with open(f"/proc/{load.pid}/schedstat", encoding="ascii") as file:
            used.append(int(file.read().split()[0]) / 1e9)
        recorder = Recorder(path, "-i", "200ms", before=options)
        time.sleep(1)
        recorder.stop()
        load.process.send_signal(signal.SIGCONT)
    load.process.kill()
    load.process.communicate()
    check([row["kind"] for row in table(path, "event") if row["kind"] in ("start", "stop", "reboot")] ==
          ["start", "stop", "start", "stop", "reboot", "stop"], "another boot id is a reboot")
    rows = list(csv.DictReader(io.StringIO(run(
        ANALYZER, "report", path, "--format", "csv", "--pid", str(load.pid), "--columns",
        "process_id,start_time,cpu_seconds,cpu_seconds_in_gaps", "--no-remainder")[0], newline="")))
    check(len({row["process_id"] for row in rows}) == 2 and len(rows) == 2,
          f"what looks the same in another boot is another process: {rows}")
    gaps = sorted(float(row["cpu_seconds_in_gaps"] or 0) for row in rows)
    check(gaps[0] == 0 and abs(gaps[-1] - (used[1] - used[0])) < 0.02,
          f"what it used while nobody looked counts within a boot only: {gaps}, {used}")
    check(run(ANALYZER, "verify", path)[0].startswith("ok"), "nothing is amiss in three sessions")


def stopped(work):
    """A recorder that gets no CPU for five seconds misses ticks, but nothing of what was used."""
    path = os.path.join(work, "stopped.pscope")
    recorder = Recorder(path, "-i", "200ms")
    time.sleep(0.5)
    load = Load("burn 7")
    time.sleep(1)
    recorder.process.send_signal(signal.SIGSTOP)
    time.sleep(5)
    recorder.process.send_signal(signal.SIGCONT)
    load.end()
    time.sleep(0.5)
    recorder.stop()
    late = [row for row in table(path, "event") if row["kind"] == "late"]
    check(len(late) >= 1 and max(int(row["value"]) for row in late) >= 20 and
          max(int(row["duration_ns"]) for row in late) >= 4.5e9,
          "the five seconds are an event, with the ticks that were missed")
    rows = list(csv.DictReader(io.StringIO(run(
        ANALYZER, "report", path, "--format", "csv", "--pid", str(load.pid), "--columns",
        "comm,covered_seconds,cpu_seconds", "--no-remainder")[0], newline="")))
    check(len(rows) == 1 and float(rows[0]["covered_seconds"]) >= 6 and
          abs(float(rows[0]["cpu_seconds"]) - 7) < 0.2,
          f"they are covered, and counters went on: {rows}")
    check(run(ANALYZER, "verify", path)[0].startswith("ok"), "nothing is amiss")


need_programs()
with work_directory() as directory:
    made(directory)
    double_hour(directory)
    rebooted(directory)
    other_boot(directory)
    stopped(directory)
finish()
