#!/usr/bin/env python3
"""Recordings of strangers, mutated in ways that get past their checksums, through every command: no crash, no
hang, no memory beyond 512 MiB, no failure without words, nothing written but with -o, no code of the file run.

    PROCSCOPE_MUTATIONS=5000 tests/test_mutations.py     so many (default: each kind once)
    PROCSCOPE_MUTATIONS=5000 ... --only 1234             that one alone, and what it says
    ... --from 2000                                      from there on
    PROCSCOPE_MUTATIONS_SHARE=3 ...                      a third of the commands each, in turns

What mutation K is, tests/hostile/mutate_recording.py tells.
"""
import argparse
import collections
import contextlib
import os
import re
import shutil
import subprocess
import sys
import time

from support_programs import ANALYZER, BUILD, RECORDER, SOURCE, check, finish, skip, work_directory

sys.path.insert(0, os.path.join(SOURCE, "tests", "hostile"))
import bytes_of_format  # noqa: E402
import mutate_recording  # noqa: E402

SERVER = os.path.join(BUILD, "tests", "serve_commands_linux")
MEMORY_MIB = 512
CPU_SECONDS = 30  # a command that needs more hangs; the slowest of a sane recording needs 0.1
SEED = "1"
SHARE = int(os.environ.get("PROCSCOPE_MUTATIONS_SHARE", "1"))
SIGSYS, SIGXCPU, SIGALRM = 31, 24, 14
# The sanitizers' own memory is not the analyzer's: little of what was freed is kept back.
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=512:"
                              "quarantine_size_mb=8:malloc_context_size=5",
              "UBSAN_OPTIONS": "print_stacktrace=0"}  # a stack trace would start a program
COMPLAINTS = re.compile(rb"AddressSanitizer|LeakSanitizer|runtime error:|Assertion|stack smashing")
RECORDINGS = {
    "lives": "--processes 5 --seconds 330 --births 0.3 --seed 3 --restart 150:20 --gap 40:5 --missing"
             " --pid-reuse --step 60:5",
    "tail": "--processes 4 --seconds 90 --births 0.5 --seed 4 --unclean --missing",
}
REFUSED = re.compile(rb"more than 10000000 rows of time|--missing-reasons: only for samples tables|"
                     rb"no sample lies in (?:the )?window|--explain-cell: no row row=1")
FORMATS = ("table", "csv", "json", "ndjson")
WINDOWS = ([], ["--last", "1m"], ["--at", "00:02", "--span", "2m"], ["--from", "@0", "--to", "@9000000000"],
           ["--utc"], ["--from", "-15m", "--to", "-1m"], ["--from", "2026-01-05 00:00"])
SELECTIONS = ([], [], ["--comm", "*a*"], ["--user", "root"], ["--pid", "1"], ["--comm", "nothing"],
              ["--cgroup", "/s*"], ["--where", "not (unit ~ '*-*' and uid < 99) or container = ''"])
GROUPINGS = ("process", "comm", "exe", "user", "container", "unit", "lineage")
EXPLAINED = ("cpu_seconds", "cpu_percent_p95", "cpu_percent_mean", "resident_bytes_mean", "context_switches",
             "resident_bytes_max", "cpu_percent_max", "cpu_seconds_in_gaps", "disk_read_bytes", "covered_seconds")
TABLES = [name + level for name in ("process_samples", "cpu_samples", "memory_samples", "recorder_samples")
          for level in ("", "_60", "_3600")]
OTHERS = ["process", "process_version", "process_lifetime", "process_hour", "entity", "event", "capability",
          "session", "timeline", "metric"]
QUERIES = ("SELECT * FROM usage", "SELECT * FROM top", "SELECT * FROM busiest_minutes",
           "SELECT * FROM lifetimes ORDER BY 1 LIMIT 50",
           "SELECT comm, cpu_seconds FROM usage WHERE from_ns = {begin} AND to_ns = {begin} + 90000000000",
           "SELECT * FROM process_samples WHERE process_id = 3 AND time_ns > {begin}",
           "SELECT count(*), sum(cpu_ns_total), max(time_ns), min(comm) FROM process_samples",
           "SELECT s.time_ns, p.comm FROM process_samples s JOIN process_version p"
           " ON s.process_id = p.process_id LIMIT 100")
BEGIN_NS = 1767571200 * 10**9  # of what make_recording makes


def commands(path, number, columns):
    """Every command, table and grouping; formats, windows and selections take turns."""
    turn = number

    def next_of(choices):
        nonlocal turn
        turn += 1
        return choices[turn % len(choices)]
    yield ["info", path, "--format", next_of(("table", "json"))]
    yield ["verify", path]
    yield ["verify", "--quick", path]
    for group in GROUPINGS:
        yield ["report", path, "--by", group, "--format", next_of(FORMATS), "--top", next_of(("0", "3")),
               *next_of(WINDOWS), *next_of(SELECTIONS),
               *next_of(([], ["--columns", columns[group]], ["--no-remainder", "--csv-safe"],
                         ["--no-rollups"]))]
    for group in ("total", "process", "comm", "user"):
        yield ["timeline", path, "--by", group, "--format", next_of(FORMATS), *next_of(WINDOWS),
               *next_of(SELECTIONS), *next_of(([], ["--step", "10s"], ["--step", "7m"]))]
    for table in TABLES[::3]:
        yield ["timeline", path, "--table", table, "--by", next_of(("entity", "total")), "--step", "1m",
               "--format", next_of(FORMATS), *next_of(WINDOWS)]
    yield ["explain", path, "--format", next_of(FORMATS), *next_of(WINDOWS), *next_of(([], ["--step", "10s"], ["--top", "0"]))]
    yield ["compare", path, "--format", next_of(FORMATS), *next_of(([], ["--split", "-20s"], ["--with", path])),
           *next_of(([], ["--all"], ["--by", "comm"]))]
    yield ["growth", path, "--format", next_of(FORMATS), *next_of(WINDOWS), *next_of(([], ["--all"], ["--step", "3s"]))]
    yield ["check", path, "count() >= 0", f"max(resident_bytes) by {next_of(GROUPINGS)} >= 0", "covered_percent >= 0",
           "--format", next_of(FORMATS)]
    yield ["replay", path, "--count", "5", *next_of(WINDOWS), *next_of(SELECTIONS),
           *next_of(([], ["--step", "10s"], ["--remainder", "--by", "lineage"]))]
    yield ["export", path, "--list", "--format", next_of(FORMATS)]
    for table in TABLES + OTHERS:
        select = SELECTIONS if table.startswith("process") else ([],)
        yield ["export", path, "--table", table, "--format", next_of(FORMATS), *next_of(WINDOWS),
               *next_of(select), *next_of(([], ["--missing-reasons"], ["--csv-safe"]))]
    for query in (next_of(QUERIES), next_of(QUERIES), f"SELECT * FROM {next_of(TABLES[::3] + OTHERS)}"):
        yield ["sql", path, query.format(begin=BEGIN_NS), "--format", next_of(FORMATS)]
    # what takes much memory to sort, SQLite sorts in files that it has unlinked
    yield ["export", path, "--format", "openmetrics", "-o", "asked.om", *next_of(WINDOWS)]
    yield ["export", path, "--format", "perfetto", *next_of(WINDOWS), *next_of(SELECTIONS)]
    yield ["export", path, "--format", "sqlite", "-o", "asked.db", *next_of(WINDOWS)]
    yield ["html", path, "-o", "asked.html", *next_of(WINDOWS)]
    yield ["verify", path, "--salvage", "asked.pscope"]
    yield ["extract", path, *next_of(WINDOWS), *next_of(([], ["--redact", "a|b"])), "-o", "asked.pscope"]
    yield ["report", path, "-o", "asked.txt"]
    yield ["report", path, "--by", next_of(GROUPINGS), "--explain-cell", "row=1:" + next_of(EXPLAINED),
           "--format", next_of(FORMATS), *next_of(WINDOWS)]


class Server:
    """Commands of the analyzer, each in a process of its own (tests/serve_commands_linux.c)."""

    def __init__(self, directory):
        self.directory = directory
        self.process = subprocess.Popen([SERVER], cwd=directory, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **SANITIZERS})
        self.process.stdin.write(f"limits {CPU_SECONDS} {MEMORY_MIB << 20}\n")

    def run(self, words):
        """Exit status, signal, CPU ms, KiB, what it said."""
        wrote = next((words[words.index(name) + 1] for name in ("-o", "--salvage") if name in words), None)
        kind = "r" if wrote is None else "w" if wrote.endswith(".txt") else "d"
        self.process.stdin.write("\x1f".join([kind, *words]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if kind == "d":  # the next one wants a new file
            for ending in ("", "-wal", "-shm", "-journal"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self.directory, wrote + ending))
        with open(os.path.join(self.directory, "stderr.txt"), "rb") as said:
            return (*map(int, answer), said.read())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def state(directory):
    """Everything under a directory: type, size, and of files the first bytes and the last."""
    found = {}
    for folder, directories, files in os.walk(directory):
        for name in directories + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            ends = b""
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    ends = file.read(1 << 20)
            found[path] = info.st_mode, info.st_size, info.st_mtime_ns, hash(ends)
    return found


class Tally:
    def __init__(self):
        self.failures = collections.Counter()
        self.statuses = collections.Counter()
        self.kinds = collections.Counter()
        self.slowest, self.largest = (0, ""), (0, "")
        self.out_of_memory = collections.Counter()
        self.commands = 0

    def judge(self, name, words, status, signal, ms, kib, said):
        """Count one command; what is wrong with it, or None."""
        self.commands += 1
        self.statuses[f"signal {signal}" if signal else status] += 1
        shown = f"{name}: {' '.join(words[:1] + words[2:])}"
        self.slowest = max(self.slowest, (ms, shown))
        self.largest = max(self.largest, (kib, shown))
        if status == 1 and b"memory" in said:
            self.out_of_memory[name.split()[1]] += 1
        if signal in (SIGXCPU, SIGALRM) or signal == 9:
            return "it hangs"
        if signal == SIGSYS:
            return "it did what only code of the file could want"
        if signal:
            return f"killed by signal {signal}"
        if COMPLAINTS.search(said):
            return "a sanitizer complains"
        if status not in (0, 1, 2, 3):
            return f"exit status {status}"
        if status != 0 and not said and words[0] != "verify":
            return f"exit status {status} without a word"
        if kib > MEMORY_MIB << 10:
            return f"{kib >> 10} MiB of memory"
        return None


def sources(work):
    """Good recordings: made here, and those of every format version."""
    found = []
    for name, options in RECORDINGS.items():
        found.append(os.path.join(work, name + ".pscope"))
        subprocess.run([os.path.join(BUILD, "make_recording"), found[-1], *options.split()], check=True,
                       stdout=subprocess.DEVNULL)
    golden = os.path.join(SOURCE, "tests", "golden")
    return found + sorted(os.path.join(golden, name) for name in os.listdir(golden)
                          if name.endswith(".pscope"))


def report_columns(path):
    """All column names of each grouping."""
    names = {}
    for group in GROUPINGS:
        text = subprocess.run([ANALYZER, "report", path, "--by", group, "--columns", "help"],
                              capture_output=True, check=True).stdout.decode()
        names[group] = ",".join(line.split()[0] for line in text.splitlines()
                                if re.match(r"^ *[a-z0-9_]+", line))
    return names


def through_the_recorder(path, name, tally):
    """A recorder that is told to go on with it: it may refuse."""
    try:
        done = subprocess.run([RECORDER, "-o", path, "-d", "1s"], capture_output=True, timeout=600,
                              env={**os.environ, **SANITIZERS}, check=False)
    except subprocess.TimeoutExpired:
        return "the recorder hangs"
    tally.statuses[f"recorder {done.returncode}"] += 1
    if done.returncode < 0 or done.returncode > 3 or COMPLAINTS.search(done.stderr):
        return f"the recorder: {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}"
    if done.returncode != 0 and not done.stderr:
        return "the recorder fails without a word"
    return None


def under_strace(path, work):
    """The program itself, as the system sees it: it opens nothing for writing and starts nothing."""
    log = os.path.join(work, "strace.txt")
    calls = "execve,execveat,connect,socket,openat,unlink,unlinkat,rename,ftruncate,mkdir"
    subprocess.run(["strace", "-f", "-qq", "-o", log, "-e", "trace=" + calls, ANALYZER, "verify", path],
                   capture_output=True, timeout=300, env={**os.environ, **SANITIZERS}, check=False)
    with open(log, encoding="utf-8", errors="replace") as file:
        odd = [line for line in file.read().splitlines()[1:]
               if "openat(" not in line and "(" in line or re.search("O_WRONLY|O_RDWR|O_CREAT", line)]
    return odd


def try_mutation(number, asked, place, tally):
    path = os.path.join(place["folder"], "r.pscope")
    name = f"{number} {mutate_recording.kind_name(number)}"
    tally.kinds[mutate_recording.kind_name(number).split(".")[0]] += 1
    told = mutate_recording.mutate(number, SEED, place["sources"], path)
    before = state(place["folder"])
    wrong = []
    if asked.every_line:
        print(f"{time.monotonic() - place['start']:.1f} s {name}: {told[:200]}", flush=True)
    every = list(commands(path, number, place["columns"]))
    status, *_ = place["server"].run(every[2])
    if status != 0:  # it cannot be opened: the same to all, some take turns
        salvage = [words for words in every if "--salvage" in words]
        every = every[:3] + salvage + [every[3 + (number + i * 5) % (len(every) - 3)] for i in range(5)]
    else:
        every = every[:3] + every[3 + number % SHARE::SHARE]
    for words in every:
        *answer, said = place["server"].run(words)
        fault = tally.judge(name, words, *answer, said)
        if asked.only is not None:
            print(" ".join(words[:1] + words[2:]), answer, said.decode(errors="replace")[:600].rstrip())
        if fault is not None:
            wrong.append(f"{' '.join(words[:1] + words[2:])}: {fault}: "
                         f"{said.decode(errors='replace')[:3000]}")
    if state(place["folder"]) != before:
        wrong.append("files beside it changed")
    left = set(os.listdir(place["scratch"])) - {"stderr.txt", "asked.txt"}
    if left:
        wrong.append(f"wrote {left}")
    if place["strace"] and number % 50 == 7 and os.path.isfile(path):
        wrong += under_strace(path, place["work"])
    if number % 25 == asked.every and os.path.isfile(path):
        fault = through_the_recorder(path, name, tally)
        wrong += [fault] if fault else []
    for fault in wrong[:3]:
        print(f"FAILED  {name}: {told[:300]}\n        {fault}", flush=True)
        tally.failures[name.split()[1]] += 1
    mutate_recording.remove(path)


def on_a_good_one(place):
    """What the commands say of a recording that nobody touched: each is a command that works."""
    path = os.path.join(place["folder"], "r.pscope")
    shutil.copy(place["sources"][0], path)
    wrong = []
    for number in range(3):  # turns of formats, windows and selections
        for words in commands(path, number, place["columns"]):
            status, signal, *_, said = place["server"].run(words)
            if signal or (status != 0 and not REFUSED.search(said)):
                wrong.append(f"{' '.join(words[:1] + words[2:])}: {status} {signal} {said[-300:]}")
    os.unlink(path)
    check(not wrong, f"every command works on a good recording: {wrong[:3]}")


def parse():
    options = argparse.ArgumentParser()
    options.add_argument("--only", type=int)
    options.add_argument("--from", type=int, default=0, dest="begin")
    options.add_argument("--every-line", action="store_true", help="each mutation as it begins")
    asked = options.parse_args()
    asked.every = 11
    return asked


def main():
    asked = parse()
    if not os.access(SERVER, os.X_OK):
        skip("no " + SERVER)
    if bytes_of_format.zstd() is None:
        skip("no libzstd for python")
    count = int(os.environ.get("PROCSCOPE_MUTATIONS", len(mutate_recording.KINDS)))
    start, tally = time.monotonic(), Tally()
    with work_directory() as work:
        place = {name: os.path.join(work, name) for name in ("folder", "scratch")}
        for directory in place.values():
            os.mkdir(directory)
        with open(os.path.join(place["folder"], "target"), "wb") as file:
            file.write(b"of somebody else")
        place.update(start=start, work=work, sources=sources(work), strace=shutil.which("strace") is not None)
        place.update(columns=report_columns(place["sources"][0]), server=Server(place["scratch"]))
        on_a_good_one(place)
        for number in [asked.only] if asked.only is not None else range(asked.begin, count):
            try_mutation(number, asked, place, tally)
        place["server"].close()
    seconds = time.monotonic() - start
    print(f"{sum(tally.kinds.values())} mutations {dict(tally.kinds)}, {tally.commands} commands, "
          f"{seconds:.0f} s; exit statuses {dict(tally.statuses)}")
    print(f"most CPU {tally.slowest[0]} ms ({tally.slowest[1]}), most memory {tally.largest[0] >> 10} MiB "
          f"({tally.largest[1]}); out of memory, in words: {dict(tally.out_of_memory)}")
    check(not tally.failures, f"nothing failed: {dict(tally.failures)}")
    finish()


if sys.platform != "linux":
    skip("the commands run under Linux's seccomp")
main()
