#!/usr/bin/env python3
"""Every table of samples, in recordings that make_recording --tables all made: `export` gives row by row, value by
value, with the reason where one is missing, what went in as make_recording --truth-tables wrote it down; so do
entities and events; and `verify` finds nothing amiss."""
import collections
import csv
import os
import subprocess
import sys

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
REASONS = ["", "not permitted", "not there", "unsupported", "failed", "not sampled", "exited"]
RECORDINGS = {
    "plain": "--processes 20 --seconds 400 --births 0.5 --seed 31",
    "disturbed": "--processes 25 --seconds 900 --births 0.5 --seed 32 --missing --pid-reuse --suspend 200:10"
                 " --late 260:4 --restart 300:20 --step 350:60 --reboot 500:20 --unclean",
    "seldom": "--processes 10 --seconds 4000 --interval 5s --seed 33 --missing --packages 1 --gpus 1",
}
OF_WRITER = {"start", "stop", "restart", "reboot"}  # events that the writer adds by itself


def exported(path, table, *options):
    return programs.read_csv(programs.analyze("export", path, "--table", table, *options))


def truth_of(directory, table):
    with open(os.path.join(directory, table + ".csv"), newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def text_hex(cell):
    return programs.original_bytes(cell).hex()


class Recording:
    def __init__(self, path):
        self.path = path
        self.metrics = collections.defaultdict(dict)
        for row in exported(path, "metric"):
            self.metrics[row["table"]][row["metric"]] = (row["kind"], int(row["scale"]), row["labels"].split(","))
        self.entities = {row["entity_id"]: row for row in exported(path, "entity")}
        self.keys = {number: text_hex(row["key"]) for number, row in self.entities.items()}
        self.processes = {row["process_id"]: "%s@%s" % (row["pid"], row["start_ns"])
                          for row in exported(path, "process")}

    def key_of(self, row):
        """As the truth has it, less what the table has not."""
        key = [self.keys[row["entity_id"]]] if "entity_id" in row else []
        return tuple([row["time_ns"]] + key + ([self.processes[row["process_id"]]] if "process_id" in row else []))

    def cell(self, table, metric, stored):
        """What must be exported of a stored value, and the reason beside it."""
        kind, scale, labels = self.metrics[table][metric]
        if stored.startswith("!"):
            return "", REASONS[int(stored[1:])]
        return (labels[int(stored)] if kind == "state" else str(int(stored) * scale)), ""


def compare(recording, directory, table):
    """How many values there are, and what differs."""
    metrics, wanted, differ = recording.metrics[table], {}, []
    for row in truth_of(directory, table):
        key = tuple(row[name] for name in ("time_ns", "key", "key1") if name in row)
        wanted[key] = {name: recording.cell(table, name, row[name]) for name in metrics}
    rows = exported(recording.path, table, "--missing-reasons")
    found = {recording.key_of(row): {name: (row[name], row[name + "__missing"]) for name in metrics} for row in rows}
    if len(found) != len(rows) or found.keys() != wanted.keys():
        differ.append("%d rows, %d of them different, not %d" % (len(rows), len(found), len(wanted)))
    for key in found.keys() & wanted.keys():
        if found[key] != wanted[key]:
            differ.append("%s: %s" % (key, [(name, found[key][name], wanted[key][name]) for name in metrics
                                            if found[key][name] != wanted[key][name]]))
    return len(wanted) * len(metrics), differ


def check_entities(recording, directory, name):
    wanted = {(row["kind"], row["key"], row["label"], row["parent_key"]) for row in truth_of(directory, "entity")}
    found = {(row["kind"], text_hex(row["key"]), text_hex(row["label"]),
              recording.keys[row["parent_id"]] if row["parent_id"] else "") for row in recording.entities.values()}
    check(found == wanted and len(found) == len(recording.entities), "%s: %d entities" % (name, len(found)))


def check_events(recording, directory, name):
    wanted = collections.Counter((row["at_ns"], row["duration_ns"], row["value"], row["kind"], row["detail"])
                                 for row in truth_of(directory, "event"))
    found = collections.Counter((row["time_ns"], row["duration_ns"], row["value"], text_hex(row["kind"]),
                                 text_hex(row["detail"])) for row in exported(recording.path, "event")
                                if row["kind"] not in OF_WRITER)
    check(found == wanted and sum(found.values()) > 3, "%s: %d events %s" % (
        name, sum(found.values()), "" if found == wanted else [found - wanted, wanted - found]))


def check_recording(work, name, how):
    path, directory = os.path.join(work, name), os.path.join(work, name + ".truth")
    subprocess.run([MAKE, path, "--tables", "all", "--truth-tables", directory, *how.split()], check=True,
                   stdout=subprocess.DEVNULL)
    check(programs.analyze("verify", path).startswith(b"ok"), "%s: verify finds nothing amiss" % name)
    recording = Recording(path)
    tables = sorted(entry[:-4] for entry in os.listdir(directory) if entry.endswith("_samples.csv"))
    check(set(tables) == set(recording.metrics) and len(tables) == 15, "%s: %d tables" % (name, len(tables)))
    for table in tables:
        count, differ = compare(recording, directory, table)
        for line in differ[:3]:
            print("   ", line)
        check(count > 100 and not differ, "%s: %d values of %s" % (name, count, table))
    check_entities(recording, directory, name)
    check_events(recording, directory, name)


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        for name, how in RECORDINGS.items():
            check_recording(work, name, how)
        path = os.path.join(work, "few")
        subprocess.run([MAKE, path, "--processes", "5", "--seconds", "60", "--tables", "disk,pressure_samples"],
                       check=True, stdout=subprocess.DEVNULL)
        listed = programs.analyze("export", path, "--list").decode()
        rows = {table: len(exported(path, table)) for table in ("disk_samples", "pressure_samples", "gpu_samples")}
        check(rows == {"disk_samples": 180, "pressure_samples": 240, "gpu_samples": 0} and "disk_samples" in listed,
              "only the tables that are asked for: %s" % rows)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
