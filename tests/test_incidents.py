#!/usr/bin/env python3
"""Incidents that make_recording --incident and --leak put into a recording are seen in what is asked of it: the
culprit's CPU time over the incident is what incidents.json and the truth's samples say, it comes first of all
processes in what it took, events are there, and pressure, disk, network, GPU and memory show it only then."""
import csv
import json
import os
import subprocess
import sys
from fractions import Fraction

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
KINDS = ["cpu-hog", "fork-storm", "memory-eater", "oom", "io-writer", "slow-disk", "network-flood", "gpu-throttle"]
SECONDS, LENGTH, APART = 640, 25, 70
LEAK = 600000000
SORTED = {"cpu-hog": "cpu_seconds", "memory-eater": "resident_bytes_max", "oom": "resident_bytes_max",
          "io-writer": "disk_written_bytes"}
PRESSURE = {"cpu-hog": "cpu", "fork-storm": "cpu", "memory-eater": "memory", "oom": "memory", "io-writer": "io",
            "slow-disk": "io"}


class Made:
    def __init__(self, work):
        self.path, truth = os.path.join(work, "incidents"), os.path.join(work, "truth")
        words = []
        for number, kind in enumerate(KINDS):
            words += ["--incident", "%s@%d:%d" % (kind, 60 + number * APART, LENGTH)]
        subprocess.run([MAKE, self.path, "--processes", "30", "--births", "1", "--seconds", str(SECONDS), "--seed", "41",
                        "--tables", "all", "--truth", truth, *words, "--leak", "leaky:%d" % LEAK], check=True,
                       stdout=subprocess.DEVNULL)
        with open(os.path.join(truth, "incidents.json"), encoding="ascii") as file:
            self.incidents = json.load(file)
        with open(os.path.join(truth, "ticks.csv"), newline="", encoding="ascii") as file:
            self.ticks = [int(row["start_ns"]) for row in csv.DictReader(file)]
        with open(os.path.join(truth, "samples.csv"), newline="", encoding="ascii") as file:
            self.samples = list(csv.DictReader(file))

    def cpu_us(self, incident):
        """Of the culprit in the window, by the samples of the truth; what is not told is as before."""
        us = [(self.ticks[int(row["tick"])], int(row["cpu_us"])) for row in self.samples
              if int(row["truth_id"]) == incident["truth_id"]]
        before = [value for ns, value in us if ns <= incident["from_ns"]]
        return [value for ns, value in us if ns <= incident["to_ns"]][-1] - (before[-1] if before else 0)

    def table(self, name, key=None):
        rows = programs.read_csv(programs.analyze("export", self.path, "--table", name))
        if key is None:
            return rows
        entities = programs.read_csv(programs.analyze("export", self.path, "--table", "entity"))
        so_called = {row["entity_id"] for row in entities if row["key"] == key}
        return [row for row in rows if row["entity_id"] in so_called]

    def report(self, incident, *options, columns):
        window = ["--%s=@%d.%09d" % (name, *divmod(incident[name + "_ns"], 10**9)) for name in ("from", "to")]
        rows = programs.report(self.path, *window, *options, columns=columns)
        return [row for row in rows if row["row"] in ("process", "group")]


def inside(rows, incident):
    return [row for row in rows if incident["from_ns"] < int(row["time_ns"]) <= incident["to_ns"]]


def share(rows, column, incident=None):
    """Of a counter, by ns: in an incident, or in the first minute, when there is none."""
    rows = inside(rows, incident) if incident else rows[:55]
    return (int(rows[-1][column]) - int(rows[0][column])) / (int(rows[-1]["time_ns"]) - int(rows[0]["time_ns"]))


def check_culprit(made, incident):
    kind = incident["kind"]
    row, = made.report(incident, "--where", "pid = %d and comm = '%s'" % (incident["pid"], incident["comm"]),
                       columns="process_id,pid,start_time,cpu_seconds,threads_max,exit_code")
    us = made.cpu_us(incident)
    check(Fraction(row["cpu_seconds"]) == Fraction(us, 10**6) and 0 < us <= incident["cpu_us"]
          and (kind == "leak" or us == incident["cpu_us"]) and int(row["process_id"]) == incident["process_id"],
          "%s: %s of CPU, %d us in the truth" % (kind, row["cpu_seconds"], us))
    if kind in SORTED:
        first = made.report(incident, "--sort", SORTED[kind], "--top", "1", columns="comm," + SORTED[kind])[0]
        check(first["comm"] == incident["comm"], "%s: the first of all by %s is %s" % (kind, SORTED[kind], first))


def check_storm(made, incident):
    row, = made.report(incident, "--by", "comm", "--comm", "storm-child", columns="comm,processes,cpu_seconds")
    check(int(row["processes"]) == incident["children"] > 300
          and Fraction(row["cpu_seconds"]) * 10**6 == incident["children_us"],
          "fork-storm: %d children, %d us" % (incident["children"], incident["children_us"]))
    table = programs.read_csv(programs.analyze("export", made.path, "--table", "process", "--comm", "storm-child"))
    check(len(table) == incident["children"] and {int(row["ppid"]) for row in table} == {incident["pid"]},
          "fork-storm: all are its children")


def check_leak(made, incident):
    rows = [row for row in made.table("process_samples") if int(row["process_id"]) == incident["process_id"]]
    wrong = [row for row in rows if int(row["resident_bytes"]) != (64 << 20) + LEAK * (
        int(row["time_ns"]) - incident["from_ns"]) // (3600 * 10**9) // 4096 * 4096]
    check(len(rows) == SECONDS and not wrong, "leak: %d samples, %s" % (len(rows), wrong[:1]))


def check_host(made, incident):
    """What the tables of the host show of it."""
    kind = incident["kind"]
    if kind in PRESSURE:
        rows = made.table("pressure_samples", PRESSURE[kind])
        before, then = (share(rows, "some_us_total", which) for which in (None, incident))
        check(then > 20 * before, "%s: pressure is %.4f, was %.4f" % (kind, then * 1000, before * 1000))
    if kind in ("io-writer", "slow-disk"):
        rows = made.table("disk_samples", "8:0")
        column = "written_bytes_total" if kind == "io-writer" else "write_ns_total"
        before, then = (share(rows, column, which) for which in (None, incident))
        check(then > 20 * before, "%s: %s is %.5f a ns, was %.5f" % (kind, column, then, before))
    if kind == "network-flood":
        then = share(made.table("network_samples", "eth0"), "received_bytes_total", incident)
        check(0.109 < then < 0.112, "network-flood: %.4f bytes a ns" % then)
        details = [int(row["tcp_established"]) for row in made.table("process_detail_samples")
                   if row["comm"] == incident["comm"] and row["tcp_established"] != ""]
        check(details and all(count >= 400 for count in details), "network-flood: connections %s" % details)
    if kind == "gpu-throttle":
        rows = made.table("gpu_samples", incident["key"])
        hot = [row for row in rows if row["throttle_reasons"] != "0"]
        check(hot == inside(rows, incident) and {row["core_clock_hz"] for row in hot} == {"300000000"},
              "gpu-throttle: %d samples are slowed down" % len(hot))
    if kind in ("memory-eater", "oom"):
        least = min(int(row["available_bytes"]) for row in inside(made.table("memory_samples"), incident))
        check(least < min(int(row["available_bytes"]) for row in made.table("memory_samples")[:55]) - (700 << 20),
              "%s: %d bytes are available" % (kind, least))


def check_events(made, incident):
    kinds = [row["kind"] for row in inside(made.table("event"), incident)]
    if incident["event"]:
        check(kinds.count(incident["event"]) >= 1, "%s: events %s" % (incident["kind"], kinds))
    if incident["kind"] == "oom":
        kills = {row["oom_kills_total"] for row in made.table("memory_samples")}
        row, = [row for row in made.table("process") if row["process_id"] == str(incident["process_id"])]
        check(kills == {"0", "1"} and row["exit_code"] == "9", "oom: killed: %s, %s" % (kills, row["exit_code"]))


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        made = Made(work)
        check([incident["kind"] for incident in made.incidents] == KINDS + ["leak"], "all are told of")
        check(programs.analyze("verify", made.path).startswith(b"ok"), "verify finds nothing amiss")
        for incident in made.incidents:
            if "truth_id" in incident:
                check_culprit(made, incident)
            check_host(made, incident)
            check_events(made, incident)
        check_storm(made, made.incidents[1])
        check_leak(made, made.incidents[-1])
        for wrong in ("cpu-hog", "nothing@5", "cpu-hog@0", "cpu-hog@5:", "cpu-hog@5:0", "cpu-hog@5:5x"):
            done = subprocess.run([MAKE, os.path.join(work, "not"), "--incident", wrong], check=False,
                                  capture_output=True)
            check(done.returncode != 0, "%s: %s" % (wrong, done.stderr.decode().splitlines()[0]))
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
