#!/usr/bin/env python3
"""`procscope extract` of any window gives a recording that verifies, also for a reader that knows FORMAT.md only,
and says of the window, in reports, timelines and exports, what the whole one says. With --redact it is the same
but for the texts, and nothing in the file matches."""
import json
import os
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys

import support_programs as programs
from support_programs import check

sys.path.insert(0, os.path.join(programs.SOURCE, "tests", "hostile"))
import mutate_recording  # noqa: E402

MAKE = os.path.join(programs.BUILD, "make_recording")
READER = os.path.join(programs.SOURCE, "tools", "read_format_tail.py")
RECORDINGS = {
    "long": "--start 2026-01-05T22:57:31Z --processes 12 --seconds 9000 --births 0.3 --missing --pid-reuse"
            " --gap 2000:20 --gap 5000:700 --restart 3700:15 --seed 11",
    "unclean": "--start 2026-01-05T09:10:00Z --processes 20 --seconds 2000 --births 1 --unclean --seed 12"
               " --restart 700:400 --step 1500:-600 --missing",
    "evicted": "--start 2026-01-05T21:50:00Z --processes 10 --seconds 12000 --births 0.5 --seed 13"
               " --keep 1h --missing --reboot 11000:30 --gap 9000:5",
}
COLUMNS = ",".join(["process_id", "pid", "start_time", "end_time", "user", "comm", "cmdline", "cgroup", "container",
                    "exe", "uid", "exit_code", "covered_seconds", "cpu_seconds", "cpu_percent_mean",
                    "cpu_percent_p95", "cpu_percent_max", "resident_bytes_mean", "resident_bytes_max",
                    "disk_read_bytes", "disk_written_bytes", "cpu_user_seconds", "run_delay_seconds",
                    "context_switches", "minor_faults", "major_faults", "threads_max", "io_read_chars",
                    "io_written_chars", "swap_bytes_max", "cpu_seconds_in_gaps"])
GROUPED = COLUMNS.replace("process_id,pid,start_time,end_time,user,comm,cmdline,cgroup,container,exe,uid,exit_code",
                          "%s,processes")
HOSTILE = {
    "lives": "--processes 5 --seconds 330 --births 0.3 --seed 3 --restart 150:20 --gap 40:5 --missing --pid-reuse",
    "tail": "--processes 4 --seconds 90 --births 0.5 --seed 4 --unclean --missing",
}
COMPLAINTS = re.compile(rb"AddressSanitizer|LeakSanitizer|runtime error:|Assertion")
SECRETS = ["nginx", "postgres", "alice|bob", "docker[a-z]*", "unit_[0-9]+[.]c", "session-1"]


def ask(*arguments):
    """Rows, and the line about what is covered; or how it failed."""
    done = subprocess.run([programs.ANALYZER, *arguments], capture_output=True, check=False, timeout=120)
    notes = [line for line in done.stderr.splitlines() if line.startswith((b"covered:", b"attribution:"))]
    return done.returncode, done.stdout, notes


def questions(window, by, step):
    columns = COLUMNS if by == "process" else GROUPED % by
    yield ["report", "--by", by, "--columns", columns, "--format", "csv", "--top", "0", *window]
    yield ["report", "--by", by, "--columns", columns, "--format", "csv", "--top", "0", "--no-rollups", *window]
    yield ["report", "--top", "3", "--format", "json", "--columns", "pid,cpu_seconds", *window]
    yield ["timeline", "--by", "total", "--step", step, "--format", "csv", *window]
    yield ["timeline", "--by", "process", "--step", step, "--format", "csv", *window]
    yield ["timeline", "--table", "recorder_samples", "--step", step, "--format", "csv", *window]
    for table in ["process_samples", "cpu_samples", "memory_samples", "event"]:
        yield ["export", "--table", table, *window]


def random_window(chance, first_ns, last_ns):
    """On whole minutes, on seconds, or as it comes; now and then to the very ends."""
    span = last_ns - first_ns
    begin = first_ns + int(span * chance.random())
    end = min(last_ns, begin + int(span * chance.random() ** 3) + 10**9)
    unit = chance.choice([60 * 10**9, 10**9, 1])
    begin, end = max(begin // unit * unit, first_ns - 1), end // unit * unit
    if chance.random() < 0.2:
        begin = first_ns - 1
    if chance.random() < 0.2:
        end = last_ns
    return ["--from", "@%d.%09d" % divmod(begin, 10**9), "--to", "@%d.%09d" % divmod(max(end, begin + 10**9), 10**9)]


def rows_without_texts(data):
    """What --redact must not touch."""
    texts = ("comm", "cmdline", "exe", "cgroup", "container", "user")
    return [{name: cell for name, cell in row.items() if name not in texts} for row in programs.read_csv(data)]


def same_answers(path, part, window, chance):
    by, step = chance.choice(["process", "process", "comm", "user", "exe"]), chance.choice(["10s", "1m", "7m", "1h"])
    for question in questions(window, by, step):
        whole, ours = ask(question[0], path, *question[1:]), ask(question[0], part, *question[1:])
        if question[0] == "report" and "json" in question:
            whole, ours = ([json.loads(answer[1])["rows"]] for answer in (whole, ours))
        elif whole[0] != 0:
            print("  failed:", " ".join(question))
            return False
        if whole != ours:
            print("  differs:", " ".join(question))
            for one, two in zip(*(answer[1].splitlines() + answer[2] for answer in (whole, ours))):
                if one != two:
                    print("    whole", one[:300], "\n    part ", two[:300])
                    break
            return False
    return True


def is_sound(part, slowly=False):
    """As verify says; and as a stranger says, who takes long."""
    verified = ask("verify", part)
    reader = [READER, part, "--check"] if slowly else ["-c", ""]
    stranger = subprocess.run([sys.executable, *reader], capture_output=True, check=False)
    if verified[0] != 0 or stranger.returncode != 0:
        print("  verify", verified[:2], "stranger", stranger.returncode, stranger.stdout[-300:], stranger.stderr[-300:])
    with sqlite3.connect("file:%s?mode=ro" % part, uri=True) as db:
        mode = db.execute("PRAGMA journal_mode").fetchone()[0]
    return verified[0] == 0 and stranger.returncode == 0 and mode == "delete"


def all_texts(path):
    """Everything that is told of a recording, in the bytes that its host gave."""
    tables = ["process", "process_version", "event", "entity", "session", "capability"]
    return b"\n".join(programs.original_bytes(programs.analyze("export", path, "--table", table).decode())
                      for table in tables)


def redacted(path, work, window, chance, slowly):
    secret = chance.choice(SECRETS)
    part, plain = os.path.join(work, "redacted"), os.path.join(work, "plain")
    programs.analyze("extract", path, *window, "--redact", secret, "-o", part)
    programs.analyze("extract", path, *window, "-o", plain)
    pattern = re.compile(secret.encode())
    with open(part, "rb") as file:
        hidden = not pattern.search(file.read()) and not pattern.search(all_texts(part))
    known = bool(pattern.search(all_texts(plain)))
    question = ["report", "--columns", COLUMNS, "--format", "csv", "--top", "0", *window]
    answers = [ask(question[0], where, *question[1:])[1] for where in (path, part)]
    # what is alike in all figures may come in another order
    whole, ours = (sorted(map(repr, rows_without_texts(answer))) for answer in answers)
    good = hidden and whole == ours and is_sound(part, slowly)
    if not good:
        print("  redact %s %s: hidden %s, same %s" % (secret, " ".join(window), hidden, whole == ours))
    os.remove(part)
    os.remove(plain)
    return good, known


def compare(path, work, seed, count):
    chance = random.Random(seed)
    name = os.path.basename(path)
    info = json.loads(programs.analyze("info", path, "--format", "json"))
    part = os.path.join(work, "part")
    wrong = unsound = larger = seen = not_redacted = 0
    for number in range(count):
        window = random_window(chance, info["first_ns"], info["last_ns"])
        programs.analyze("extract", path, *window, "-o", part)
        wrong += not same_answers(path, part, window, chance)
        unsound += not is_sound(part)
        larger += os.path.getsize(part) > os.path.getsize(path)
        os.remove(part)
        good, known = redacted(path, work, window, chance, number == 0 and name == "unclean")
        not_redacted += not good
        seen += known
    check(wrong == 0, "%s: of %d parts %d say something else than the whole" % (name, count, wrong))
    check(unsound == 0, "%s: %d are not sound" % (name, unsound))
    check(larger == 0, "%s: %d are larger" % (name, larger))
    check(not_redacted == 0 and seen > 0, "%s: %d are not redacted; %d had something to redact" % (
        name, not_redacted, seen))


def running(path, part):
    """Of a recording that is being written."""
    programs.analyze("mark", path, "a secret-word here")
    info = {"first_ns": 0, "last_ns": 0}
    while info["last_ns"] - info["first_ns"] < 10**9:
        programs.analyze("flush", path)
        info = json.loads(programs.analyze("info", path, "--format", "json"))
    window = ["--to", "@%d.%09d" % divmod(info["last_ns"], 10**9)]
    programs.analyze("extract", path, *window, "--redact", "secret-[a-z]+", "-o", part)
    check(is_sound(part, True), "a part of a running recording is sound")
    check(b"secret-word" not in all_texts(part) and b"a [redacted] here" in all_texts(part), "a mark is redacted")
    question = ["--columns", "process_id,cpu_seconds,covered_seconds", "--format", "csv", "--top", "0", *window]
    check(ask("report", path, *question)[1] == ask("report", part, *question)[1], "and says the same")


def refused(work, path, part):
    with open(part, "rb") as file:
        before = file.read()
    check(ask("extract", path, "-o", part)[0] == 2, "a file that is there is refused")
    with open(part, "rb") as file:
        check(file.read() == before, "and stays as it was")
    nothing = os.path.join(work, "nothing")
    check(ask("extract", path, "--from", "@1", "--to", "@2", "-o", nothing)[0] == 1, "a window without samples is an error")
    check(ask("extract", path)[0] == 2, "without -o there is none")
    for bad in ["(", "a*"]:
        check(ask("extract", path, "--redact", bad, "-o", nothing)[0] == 2, "--redact %s is refused" % bad)
    check(not os.path.exists(nothing), "none of them leaves a file")
    os.remove(part)


def with_recorder(work):
    path, part = os.path.join(work, "running"), os.path.join(work, "part")
    recorder = programs.Recorder(path, "-i", "100ms")
    try:
        running(path, part)
    finally:
        recorder.stop()
    refused(work, path, part)


def hostile(work):
    """Recordings of strangers, mutated behind their checksums: it fails with words, and leaves no file then."""
    sources = []
    for name, how in HOSTILE.items():
        sources.append(os.path.join(work, name + ".pscope"))
        subprocess.run([MAKE, sources[-1], *how.split()], check=True, stdout=subprocess.DEVNULL)
    path, part = os.path.join(work, "stranger"), os.path.join(work, "part")
    wrong = taken = 0
    for number in range(int(os.environ.get("PROCSCOPE_MUTATIONS", "60"))):
        told = mutate_recording.mutate(number, "1", sources, path)
        done = subprocess.run([programs.ANALYZER, "extract", path, "--redact", "nginx", "-o", part],
                              capture_output=True, check=False, timeout=120)
        there = os.path.exists(part)
        taken += done.returncode == 0
        if done.returncode not in (0, 1, 2, 3) or there != (done.returncode == 0) or not done.stderr or \
                COMPLAINTS.search(done.stderr):
            wrong += 1
            print("  mutation %d (%s): status %d, file %s, %s" % (number, told[:200], done.returncode, there,
                                                                done.stderr[-600:]))
        if there:
            os.remove(part)
        mutate_recording.remove(path)
    check(wrong == 0 and taken > 0, "of mutated recordings %d end badly; %d can be extracted from" % (wrong, taken))


def golden(work):
    """Of what older versions wrote, and of a table with two keys."""
    directory, part = os.path.join(programs.SOURCE, "tests", "golden"), os.path.join(work, "part")
    for name in sorted(name for name in os.listdir(directory) if name.endswith(".pscope")):
        path = os.path.join(directory, name)
        info = json.loads(programs.analyze("info", path, "--format", "json"))
        window = ["--from", "@%d.%09d" % divmod(info["first_ns"] - 1, 10**9),
                  "--to", "@%d.%09d" % divmod(info["last_ns"], 10**9)]
        programs.analyze("extract", path, *window, "-o", part)
        tables = {row["table"] for row in programs.read_csv(programs.analyze("export", path, "--list", "--format", "csv"))
                  if row["table"].endswith("_samples")}
        asked = [["report", "--format", "csv", "--no-rollups", *window],
                 *(["export", "--table", table, *window] for table in sorted(tables)),
                 *(["timeline", "--table", table, "--format", "csv", *window] for table in sorted(tables))]
        if name.startswith("killed"):  # its last block comes with the metrics of this version
            asked = [words for words in asked if "recorder_samples" not in words]
        check(all(ask(words[0], path, *words[1:]) == ask(words[0], part, *words[1:]) for words in asked)
              and is_sound(part, True), "all of %s, %d tables" % (name, len(tables)))
        os.remove(part)


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))


def full(work):
    """Where there is no room for all of it there is nothing: not its journal either."""
    path = os.path.join(work, "many")  # more than SQLite keeps in memory until the end
    subprocess.run([MAKE, path, "--processes", "8000", "--seconds", "3"], check=True, stdout=subprocess.DEVNULL)
    for words in (["extract", path, "-o"], ["verify", path, "--salvage"], ["export", path, "--format", "sqlite", "-o"]):
        out = os.path.join(work, "no-room")
        done = subprocess.run([programs.ANALYZER, *words, out], capture_output=True, check=False, timeout=120,
                              preexec_fn=small_files)
        check(done.returncode == 1 and out.encode() in done.stderr, "%s without room: %s" % (words[0], done.stderr[-150:]))
        left = [name for name in os.listdir(work) if name.startswith("no-room")]
        check(not left, "and nothing is left: %s" % left)


def main():
    programs.need_programs()
    count = int(os.environ.get("PROCSCOPE_WINDOWS", "3"))
    with programs.work_directory() as work:
        for number, (name, how) in enumerate(RECORDINGS.items()):
            path = os.path.join(work, name)
            subprocess.run([MAKE, path, *how.split()], check=True, stdout=subprocess.DEVNULL)
            compare(path, work, number, count)
        full(work)
        with_recorder(work)
        hostile(work)
        golden(work)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
