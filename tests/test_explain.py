#!/usr/bin/env python3
"""procscope explain names the culprit of planted incidents first, in 20 of 20, also of two at once; in more than 20 quiet
hours it names nobody. Its figures are those of report and timeline over the same windows; any name survives."""
import csv
import json
import os
import subprocess
import sys

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
SECOND = 10**9
KINDS = ["cpu-hog", "fork-storm", "memory-eater", "oom", "io-writer", "slow-disk", "network-flood", "gpu-throttle"]
DEVICES = {"slow-disk": "sda", "gpu-throttle": "made-up GPU 0"}
FEW, APART, LENGTH = 4, 4000, 75
OFTEN = ["--tables", "all", "--gpus", "1", "--gpu-processes", "2", "--births", "0.5"]


def make(path, *words):
    subprocess.run([MAKE, path, *words], check=True, stdout=subprocess.DEVNULL)


def explain(path, *words):
    document = json.loads(programs.analyze("explain", path, "--format", "json", *words))
    return document["rows"], document["notes"]


def at(ns):
    return "@%d.%09d" % divmod(ns, SECOND)


def window(from_ns, to_ns):
    return ["--from", at(from_ns), "--to", at(to_ns)]


def is_culprit(row, incident):
    """Does a row name whom the truth names?"""
    if incident["kind"] in DEVICES:
        return row["kind"] != "lineage" and row["name"] == DEVICES[incident["kind"]]
    return row["kind"] == "lineage" and row["name"].startswith("/opt/made-up/%s (" % incident["comm"])


def culprits(rows, number):
    return [row for row in rows if row["role"] == "culprit" and row["incident"] == number]


def same(a, b):
    return a is None and b is None or (a is not None and b is not None and abs(a - b) <= 1e-9 * max(abs(a), abs(b)))


# --- planted -------------------------------------------------------------------------------------

class Planted:
    """A recording with incidents of some kinds, one after the other, or two at the same time."""

    def __init__(self, work, seed, kinds, together=1):
        self.path, truth = os.path.join(work, "planted-%d" % seed), os.path.join(work, "truth-%d" % seed)
        words = []
        for number, kind in enumerate(kinds):
            words += ["--incident", "%s@%d:%d" % (kind, APART * (number // together + 1), LENGTH)]
        make(self.path, "--processes", "60", "--seconds", str(APART * (len(kinds) // together + 1)), "--seed", str(seed),
             *OFTEN, "--truth", truth, *words)
        with open(os.path.join(truth, "incidents.json"), encoding="ascii") as file:
            self.truth = json.load(file)
        for name in os.listdir(truth):
            os.remove(os.path.join(truth, name))


def check_moment(made, incident):
    """Its minute, asked for."""
    rows, _ = explain(made.path, *window(incident["from_ns"], incident["to_ns"]))
    named = culprits(rows, 1)
    good = bool(named) and is_culprit(named[0], incident)
    check(good, "%s is named first: %s" % (incident["kind"], [row["name"] for row in named]))
    return rows


def check_found(made):
    """All are found in the whole recording, and the culprit of each comes first."""
    rows, _ = explain(made.path, "--top", "0")
    heads = [row for row in rows if row["role"] == "incident"]
    check([row["value"] for row in heads] == sorted((row["value"] for row in heads), reverse=True),
          "the most severe of %d incidents is first" % len(heads))
    right = 0
    for incident in made.truth:
        found = [row for row in heads if row["from_ns"] < incident["to_ns"] and row["to_ns"] > incident["from_ns"]]
        named = culprits(rows, found[0]["incident"])[:2] if found else []
        together = sum(other["from_ns"] == incident["from_ns"] for other in made.truth)
        good = len(found) == 1 and any(is_culprit(row, incident) for row in named[:together])
        check(good, "%s is found, and its culprit: %s" % (incident["kind"], [row["name"] for row in named]))
        right += good
    return right, rows


# --- figures -------------------------------------------------------------------------------------

def reported(path, from_ns, to_ns, column, *words):
    rows = programs.report(path, *window(from_ns, to_ns), "--top", "0", *words, columns="row,lineage," + column)
    return {row["lineage"]: float(row[column]) for row in rows if row["row"] == "group" and row[column] != ""}


def timed(path, row, from_ns, to_ns):
    """What timeline says of a counter of one entity in a window, in the units of its metric."""
    text = programs.analyze("timeline", path, "--table", row["source"], "--columns", row["figure"], "--step", "300d",
                            *window(from_ns, to_ns), "--format", "json")
    names = programs.analyze("timeline", path, "--table", row["source"], "--step", "300d", *window(from_ns, to_ns),
                             "--format", "json")
    sums = [figures for figures, named in zip(json.loads(text)["rows"], json.loads(names)["rows"])
            if row["name"] in named.values()]
    column = [name for name in sums[0] if not name.endswith(("_mean", "_max", "_in_gaps"))][0]
    return sum(float(figures[column]) for figures in sums) * {"_us": 1e6, "_ns": 1e9}.get(row["figure"][-9:-6], 1)


def check_figures(made, rows):
    """Every figure is read back: of lineages from report, of counters of the host from timeline."""
    compared, wrong = 0, []
    asked = {}
    for row in rows:
        for from_ns, to_ns, value in ((row["from_ns"], row["to_ns"], row["value"]),
                                      (row["before_from_ns"], row["from_ns"], row["value_before"])):
            if row["role"] in ("evidence", "user") and " where " not in row["figure"]:
                key = (from_ns, to_ns, row["figure"])
                if key not in asked:
                    asked[key] = reported(made.path, from_ns, to_ns, row["figure"], "--by", "lineage")
                truth = asked[key].get(row["name"])
            elif row["role"] == "symptom" and row["figure"] in ("some_us_total", "busy_ns_total",
                                                                "received_bytes_total"):
                truth = timed(made.path, row, from_ns, to_ns)
            else:
                continue
            compared += 1
            if not same(value, truth):
                wrong.append((row["role"], row["name"], row["figure"], value, truth))
        if row["role"] in ("evidence", "user") and row["per_second"] is not None:
            compared += 1
            if not same(row["per_second"], row["value"] / row["covered_seconds"]):
                wrong.append(row)
    check(compared > 20 and not wrong, "%d figures are those of report and timeline: %s" % (compared, wrong[:3]))


def check_rest(made, rows):
    """What no process had is the report's remainder; the replay command is one."""
    head = [row for row in rows if row["role"] == "incident"][0]
    rest = [row for row in rows if row["incident"] == head["incident"] and row["role"] == "remainder"]
    report = programs.report(made.path, *window(head["from_ns"], head["to_ns"]), "--by", "lineage",
                             columns="row,lineage,cpu_seconds")
    told = [float(row["cpu_seconds"]) for row in report if row["row"] == "not_attributed"]
    check(len(rest) >= 1 and same(rest[0]["value"], told[0]), "the remainder is %s, of the report %s" % (
        [row["value"] for row in rest], told))
    words = head["replay"].split()
    frame = programs.analyze(*words[1:]).decode()
    check(words[:2] == ["procscope", "replay"] and "CPU" in frame, "%s shows a frame" % head["replay"])


def check_storm(made, incident, rows):
    told = {row["figure"]: row["value"] for row in rows if row["role"] == "evidence" and " where " in row["figure"]}
    pid = incident["pid"]
    check(told.get("processes where ppid = %d" % pid) == incident["children"]
          and same(told.get("cpu_seconds where ppid = %d" % pid), incident["children_us"] / 1e6),
          "fork-storm: %s, of the truth %d children with %d us" % (told, incident["children"], incident["children_us"]))


# --- quiet, broken, hostile ----------------------------------------------------------------------

def check_quiet(work):
    hours = 0
    for seed in range(4):
        path = os.path.join(work, "quiet-%d" % seed)
        make(path, "--processes", "100", "--seconds", "20000", "--seed", str(900 + seed), *OFTEN)
        rows, notes = explain(path)
        check(rows == [] and notes["nothing"] == "nothing stands out", "seed %d is quiet: %s" % (
            seed, [(row["role"], row["name"], row["figure"]) for row in rows[:4]]))
        hours += 20000 / 3600 - 0.1
        os.remove(path)
    check(hours > 20, "%.1f quiet hours" % hours)


def check_broken(work):
    """Gaps, restarts and a kill in between make no incident, and hide none."""
    path, truth = os.path.join(work, "broken"), os.path.join(work, "truth-broken")
    make(path, "--processes", "60", "--seconds", "5000", "--seed", "71", *OFTEN, "--truth", truth, "--suspend", "1500:900",
         "--restart", "3000:30", "--step", "3300:-50", "--unclean", "--incident", "cpu-hog@4300:60")
    with open(os.path.join(truth, "incidents.json"), encoding="ascii") as file:
        incident, = json.load(file)
    rows, _ = explain(path)
    heads = [row for row in rows if row["role"] == "incident"]
    check(len(heads) == 1 and heads[0]["from_ns"] < incident["to_ns"] and heads[0]["to_ns"] > incident["from_ns"]
          and is_culprit(culprits(rows, 1)[0], incident), "among gaps it is the hog alone: %s" % culprits(rows, 1)[:1])
    return path


def check_formats(made):
    rows, notes = explain(made.path)
    table = list(csv.DictReader(programs.analyze("explain", made.path, "--format", "csv").decode().splitlines()))
    lines = [json.loads(line) for line in programs.analyze("explain", made.path, "--format", "ndjson").splitlines()]
    check([row["name"] or "" for row in rows] == [row["name"] for row in table]
          and rows == [line for line in lines if "note" not in line], "CSV, JSON and NDJSON say the same")
    check("median" in notes["method"] and "covered" in notes, "the method and what is covered are told")
    text = programs.analyze("explain", made.path)
    check(not [byte for byte in text if (byte < 32 and byte != 10) or byte == 127], "a table has no control byte")
    for wrong in (["--step", "0s"], ["--step", "x"], ["--top", "x"], ["--at", "2001-01-01 00:00"], ["--nonsense"]):
        done = subprocess.run([programs.ANALYZER, "explain", made.path, *wrong], check=False, capture_output=True)
        check(done.returncode in (1, 2) and done.stderr, "%s: %s" % (wrong, done.stderr.decode().split("\n")[0]))


def check_paths(work, made):
    """Any name of a file, in a command that can be pasted."""
    name = os.path.join(work, "a 'b'\x1b[31m\u202e$(x).pscope")
    os.link(made.path, name)
    text = programs.analyze("explain", name)
    check(b"\x1b" not in text and "\u202e".encode() not in text, "a path's escape sequences are not printed")
    rows, _ = explain(name)
    words = subprocess.run(["bash", "-c", "printf '%s\\n' " + rows[0]["replay"]], capture_output=True, check=True)
    check(words.stdout.decode().splitlines()[2] == name, "a shell takes the path as it is")


def main():
    programs.need_programs()
    right = asked = 0
    with programs.work_directory() as work:
        sets = [KINDS[:4], KINDS[4:], KINDS[1::2], KINDS[::2]]
        made = [Planted(work, 50 + number, kinds) for number, kinds in enumerate(sets)]
        made.append(Planted(work, 60, ["cpu-hog", "io-writer", "memory-eater", "network-flood"], together=2))
        for number, planted in enumerate(made):
            good, rows = check_found(planted)
            right += good
            asked += len(planted.truth)
            if number < 2:
                for incident in planted.truth:
                    moment = check_moment(planted, incident)
                    if incident["kind"] == "fork-storm":
                        check_storm(planted, incident, moment)
                check_figures(planted, rows)
                check_rest(planted, rows)
        check(right == asked == 20, "first in %d of %d" % (right, asked))
        check_formats(made[0])
        check_paths(work, made[0])
        check_broken(work)
        check_quiet(work)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
