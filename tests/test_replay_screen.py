#!/usr/bin/env python3
"""Every key of `procscope replay` on a terminal, typed in a tmux: where it goes to, and that what is on the screen then
is the frame that the same command prints as text; screens of 20 to 400 columns, with and without UTF-8."""
import csv
import io
import os
import re
import shutil
import subprocess
import time

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
OPTIONS = "--processes 60 --seconds 300 --births 1 --gap 120:30 --tables event --incident cpu-hog@200:20 --seed 5"
COLUMNS = "pid,comm,cpu_percent_mean,resident_bytes_max"
PATIENCE_S = 20


class Terminal:
    """One tmux with one program in it."""

    count = 0

    def __init__(self, directory, words, columns=100, rows=30, language="C.UTF-8"):
        Terminal.count += 1
        self.socket = os.path.join(directory, f"tmux{Terminal.count}")
        self.raw = os.path.join(directory, "raw")
        command = f"LC_ALL={language} TERM=screen-256color {words}; echo ended $?; sleep 60"
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "-s", "t", "sleep 0.5; " + command)
        self.tmux("pipe-pane", "-t", "t", f"cat > {self.raw}")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *words], check=True, capture_output=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout.decode()

    def screen(self):
        return self.tmux("capture-pane", "-p", "-t", "t").rstrip("\n").split("\n")

    def keys(self, *keys):
        self.tmux("send-keys", "-t", "t", *keys)

    def until(self, holds):
        """The screen once that holds of it, or as it is after a while."""
        end = time.monotonic() + PATIENCE_S
        while True:
            lines = self.screen()
            if holds(lines) or time.monotonic() > end:
                return lines
            time.sleep(0.02)

    def close(self):
        self.tmux("kill-server")


def squeezed(lines):
    return [re.sub(r" +", " ", line).strip() for line in lines if line.strip() != ""]


class Replay:
    def __init__(self, path, terminal):
        self.path, self.terminal = path, terminal
        done = subprocess.run([programs.ANALYZER, "export", path, "--table", "memory_samples"], capture_output=True,
                              check=True)
        self.ticks = [int(row["time_ns"]) for row in csv.DictReader(io.StringIO(done.stdout.decode()))]
        self.words = []

    def text(self, tick, *words):
        """The frame of that tick as text."""
        ns = self.ticks[tick]
        done = subprocess.run([programs.ANALYZER, "replay", self.path, "--at", f"@{ns // 10**9}.{ns % 10**9:09d}", "--columns",
                               COLUMNS, "--top", "200", *self.words, *words], capture_output=True, check=True)
        return done.stdout.decode().rstrip("\n").split("\n")

    def goes_to(self, what, tick, *keys):
        """After those keys the screen is the frame of that tick."""
        expected = squeezed(self.text(tick))
        self.terminal.keys(*keys)
        height = len(self.terminal.screen()) - 4  # strip, mark, message, and a line without text above the rows
        expected = expected[:height]
        lines = self.terminal.until(lambda lines: squeezed(lines[:-3]) == expected)
        shown = squeezed(lines[:-3])
        check(shown == expected and len(shown) > 3, f"{what}: tick {tick}, {len(shown)} lines as text has them")
        if shown != expected:
            print("\n".join(lines), "\nexpected\n", "\n".join(expected))


def check_moves(replay):
    last = len(replay.ticks) - 1
    replay.goes_to("begin", 0)
    for what, tick, *keys in (("right", 1, "Right"), ("l", 2, "l"), ("left", 1, "Left"), ("h", 0, "h"),
                              ("before the first", 0, "Left"), ("]", 10, "]"), ("}", 70, "}"), ("{", 10, "{"),
                              ("[", 0, "["), ("End", last, "End"), ("after the last", last, "Right"), ("Home", 0, "Home"),
                              ("G", last, "G"), ("g", 0, "g")):
        replay.goes_to(what, tick, *keys)
    gap = next(i for i in range(1, last) if replay.ticks[i] - replay.ticks[i - 1] > 20 * 10**9)
    ns = replay.ticks[gap]
    replay.goes_to("b", gap, "b", f"@{ns // 10**9}.{ns % 10**9:09d}", "Enter")
    check("after a gap of 3" in "\n".join(replay.terminal.screen()), "the gap is told of")
    check_prompts(replay, gap)


def check_prompts(replay, tick):
    replay.terminal.keys("b", "whenever", "Enter")
    lines = replay.terminal.until(lambda lines: "whenever" in lines[-1] and "go to" not in lines[-1])
    check("whenever" in lines[-1], "a time that is none is named: " + lines[-1].strip())
    replay.terminal.keys("b", "12", "BSpace", "Escape")
    replay.terminal.until(lambda lines: "go to" not in lines[-1])
    replay.goes_to("Escape leaves the prompt", tick, "C")
    replay.terminal.keys("z")
    check("? shows" in replay.terminal.until(lambda lines: "? shows" in lines[-1])[-1], "a key without a meaning says so")


def check_events(replay):
    """e and E go to the ticks that tell of events, in their order and back."""
    done = subprocess.run([programs.ANALYZER, "export", replay.path, "--table", "event"], capture_output=True, check=True)
    times = sorted({int(row["time_ns"]) for row in csv.DictReader(io.StringIO(done.stdout.decode()))})
    stops = sorted({next((i for i, ns in enumerate(replay.ticks) if ns >= at), len(replay.ticks) - 1) for at in times})
    stops = [tick for tick in stops if tick > 0]
    check(len(stops) > 1, f"events at {len(stops)} ticks")
    replay.goes_to("g", 0, "g")
    for tick in stops[:4]:
        replay.goes_to("e", tick, "e")
    for tick in reversed(stops[:3]):
        replay.goes_to("E", tick, "E")


def check_rows(replay):
    replay.goes_to("g", 0, "g")
    for key, column in (("M", "resident_bytes_max"), ("R", "disk_read_bytes"), ("W", "disk_written_bytes"), ("P", "+pid"),
                        ("C", "cpu_seconds")):
        replay.words = ["--sort", column]
        replay.goes_to(f"{key}, on", 30, key, "g", "]", "]", "]")
    replay.words = []
    whole = squeezed(replay.text(30))
    first = squeezed(replay.terminal.screen())[3:5]
    for keys, back in ((("Down", "j"), ("Up", "k")), (("NPage",), ("PPage",))):
        replay.terminal.keys(*keys)
        lines = squeezed(replay.terminal.until(lambda lines: squeezed(lines)[3:5] != first))
        check(all(line in whole for line in lines[3:10]) and lines[4] != first[1], f"{keys} scroll")
        replay.terminal.keys(*back)
        lines = squeezed(replay.terminal.until(lambda lines: squeezed(lines)[3:5] == first))
        check(lines[3:5] == first, f"{back} scroll back")
    replay.terminal.keys("r")
    replay.terminal.keys("NPage", "NPage", "NPage", "NPage")
    lines = replay.terminal.until(lambda lines: any("[total: " in line for line in lines))
    check(any("[idle]" in line for line in lines), "r shows what is idle and the total")
    replay.terminal.keys("r", "PPage", "PPage", "PPage", "PPage", "PPage")
    name = squeezed(replay.text(30))[4].split(" ")[1]
    replay.words = ["--comm", name]
    replay.goes_to("/ leaves those of a name", 30, "/", name, "Enter")
    replay.words = []
    replay.goes_to("/ without a name leaves all", 30, "/", "Enter")


def check_times(replay):
    """A step makes a frame of ten seconds; playing goes on by itself; help has all keys."""
    replay.terminal.keys("s", "10s", "Enter")
    lines = replay.terminal.until(lambda lines: "10.00 s in 10 ticks" in lines[0])
    check("10.00 s in 10 ticks" in lines[0], "s: frames of ten seconds")
    before = lines[0]
    replay.terminal.keys("Right")
    check(replay.terminal.until(lambda lines: lines[0] != before)[0] != before, "and steps of ten seconds")
    replay.terminal.keys("s", "Enter", "g", ">", ">", ">", ">", "Space")
    began = replay.terminal.until(lambda lines: "playing" in lines[-1])[0]
    check(replay.terminal.until(lambda lines: lines[0] != began)[0] != began, "space plays")
    replay.terminal.keys("Space")
    check("playing" not in replay.terminal.until(lambda lines: "playing" not in lines[-1])[-1], "and stops")
    replay.terminal.keys("<")
    check("8 times" in replay.terminal.until(lambda lines: "8 times" in lines[-1])[-1], "> and < set the speed")
    replay.terminal.keys("?")
    lines = replay.terminal.until(lambda lines: any("these keys" in line for line in lines))
    text = "\n".join(lines)
    check(all(f"  {key} " in text for key in ("right, l", "] [", "} {", "Home, g", "b", "e E", "x X", "click", "space", "> <",
                                              "s", "/", "C", "M", "R", "W", "P", "t", "r", "?", "q")), "? tells of all keys")
    replay.terminal.keys("x")
    lines = replay.terminal.until(lambda lines: lines[-1].startswith("? keys"))
    check(lines[-1].startswith("? keys"), "any key leaves help")


def check_spikes(replay):
    """x goes to where the strip is busiest, which is when the incident was; a click on the strip goes there."""
    replay.terminal.keys("g", "x")
    lines = replay.terminal.until(lambda lines: lines[-2].strip() == "^" and len(lines[-2]) > 1)
    mark = len(lines[-2])
    check(lines[-3][mark - 1] in "\u2585\u2586\u2587\u2588", f"x: the strip is high at the mark, column {mark}")
    replay.terminal.keys("X")
    replay.terminal.keys("Escape")
    replay.terminal.tmux("send-keys", "-t", "t", "-l", f"\x1b[M {chr(32 + 51)}{chr(32 + 28)}")
    lines = replay.terminal.until(lambda lines: len(lines[-2]) in (50, 51, 52))
    check(len(lines[-2]) in (50, 51, 52), f"a click on column 51 sets the mark there, {len(lines[-2])}")


def check_groups(path, directory):
    """t goes through all that rows can be of; with the default columns."""
    terminal = Terminal(directory, f"{programs.ANALYZER} replay {path} --at -30s", columns=140)
    titles = ["COMM ", "EXE ", "USER ", "CGROUP ", "CONTAINER ", "UNIT ", "LINEAGE ", "PID "]
    terminal.until(lambda lines: any("PID " in line for line in lines))
    seen = []
    for title in titles:
        terminal.keys("t")
        lines = terminal.until(lambda lines, title=title: any(line.lstrip().startswith(title) for line in lines))
        seen.append(any(line.lstrip().startswith(title) for line in lines))
    check(all(seen), f"t: rows of all kinds, {seen}")
    terminal.keys("C-c")
    check("ended 0" in "\n".join(terminal.until(lambda lines: "ended" in "\n".join(lines))), "Ctrl-C ends it with 0")
    with open(terminal.raw, "rb") as file:
        raw = file.read()
    check(len(raw) > 1000 and b"\x1b[31m" not in raw, "no recorded escape sequence reaches the terminal")
    terminal.close()


def check_sizes(path, directory):
    terminal = Terminal(directory, f"{programs.ANALYZER} replay {path} --at -30s", language="C")
    lines = terminal.until(lambda lines: lines[-1].startswith("? keys"))
    check(all(ord(letter) < 128 for letter in "".join(lines[-3:])), "without UTF-8 the strip is ASCII")
    for columns, rows in ((20, 5), (400, 60), (80, 2), (60, 24), (20, 12)):
        terminal.tmux("resize-window", "-t", "t", "-x", str(columns), "-y", str(rows))
        lines = terminal.until(lambda lines, rows=rows: len(lines) <= rows and lines[0].startswith("generated"))
        check(lines[0].startswith("generated") and all(len(line) <= columns for line in lines), f"{columns} x {rows}")
    terminal.keys("Right", "q")
    terminal.tmux("resize-window", "-t", "t", "-x", "80", "-y", "24")
    check("ended 0" in "\n".join(terminal.until(lambda lines: "ended" in "\n".join(lines))), "it ends after all of them")
    terminal.close()


def main():
    if shutil.which("tmux") is None:
        programs.skip("no tmux")
    with programs.work_directory() as directory:
        path = os.path.join(directory, "made.pscope")
        subprocess.run([MAKE, path, *OPTIONS.split()], check=True, capture_output=True)
        terminal = Terminal(directory, f"{programs.ANALYZER} replay {path} --columns {COLUMNS}")
        if any("built without ncurses" in line or "PROCSCOPE_CURSES=OFF" in line
               for line in terminal.until(lambda lines: len("".join(lines)) > 200)):
            programs.skip("no screen in this build")
        replay = Replay(path, terminal)
        for part in (check_moves, check_events, check_rows, check_times, check_spikes):
            part(replay)
        terminal.close()
        check_groups(path, directory)
        check_sizes(path, directory)
    programs.finish()


main()
