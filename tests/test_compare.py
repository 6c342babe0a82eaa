#!/usr/bin/env python3
"""procscope compare names the program that changed first, in 20 of 20 windows and 20 of 20 pairs of recordings, also when it
was restarted under other pids; between quiet ones it names nobody. Every figure is that of report for the window; what one
system does not record is missing, not zero; any name survives."""
import csv
import io
import json
import os
import subprocess
import sys

import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
MAC = os.path.join(programs.BUILD, "procscoped-simulated-mac")
SCENARIOS = os.path.join(programs.SOURCE, "tests", "darwin", "scenarios")
SERVICES = ["web", "db", "cache", "queue", "mail", "search", "auth", "proxy", "cron-d", "metrics"]
METRICS = {"cpu": "cpu", "memory": "memory", "io": "disk_written"}
KINDS = list(METRICS)
SEEDS = range(1, 21)
HALF = "2026-01-05T00:10:00Z"
THIRD = "2026-01-05T00:06:40Z"


def make(path, seed, *words):
    if os.path.exists(path):
        os.remove(path)
    subprocess.run([MAKE, path, "--seed", str(seed), *words], check=True, stdout=subprocess.DEVNULL)
    return path


def services(sick=None, kind="none", at=0, restart=0):
    """Words for a host of services, one of which uses more of one thing from a second on."""
    words = ["--processes", "0", "--packages", "1"]
    for number, name in enumerate(SERVICES):
        words += ["--service", "%s:%s@%d:%d" % (name, kind if name == sick else "none", at, restart + number if restart else 0)]
    return words


def compare(*words):
    document = json.loads(programs.analyze("compare", *words, "--format", "json"))
    return document["rows"], document["notes"]


def beyond(rows):
    return [row for row in rows if row["row"] == "program" and row["verdict"] == "beyond noise"]


def is_service(row, name):
    return row["name"].startswith("/opt/made-up/%s (" % name)


def is_right(rows, sick, kind):
    """The sick service comes first, by what it has more of, and nobody else is named."""
    named = beyond(rows)
    return (bool(named) and named[0]["rank"] == 1 and named[0]["what"] == "more"
            and all(is_service(row, sick) for row in named)
            and METRICS[kind] in {row["metric"] for row in named})


def same(a, b):
    return a is None and b is None or (a is not None and b is not None and abs(a - b) <= 1e-9 * max(abs(a), abs(b)))


# --- planted, and quiet --------------------------------------------------------------------------

def check_planted(work):
    right = {"windows": 0, "recordings": 0, "quiet": 0, "energy": 0}
    for seed in SEEDS:
        sick, kind, restart = SERVICES[seed % len(SERVICES)], KINDS[seed % 3], 170 * (seed % 2)
        path = make(os.path.join(work, "planted"), seed, *services(sick, kind, 400, restart), "--seconds", "850")
        rows, _ = compare(path, "--split", THIRD)
        right["windows"] += is_right(rows, sick, kind)
        if kind == "cpu":
            rows, _ = compare(path, "--split", THIRD, "--sort", "cpu_energy")
            right["energy"] += bool(beyond(rows)) and all(is_service(row, sick) for row in beyond(rows))
        before = make(os.path.join(work, "before"), seed, *services(None, "none", 0, restart), "--seconds", "400")
        after = make(os.path.join(work, "after"), seed + 100, *services(sick, kind, 0, 170 - restart), "--seconds", "400")
        rows, _ = compare(before, "--with", after)
        right["recordings"] += is_right(rows, sick, kind)
        after = make(os.path.join(work, "quiet"), seed + 200, *services(None, "none", 0, 170 - restart), "--seconds", "400")
        right["quiet"] += not beyond(compare(before, "--with", after)[0]) and not beyond(compare(before)[0])
    for what, count in right.items():
        of = len(SEEDS) if what != "energy" else sum(KINDS[seed % 3] == "cpu" for seed in SEEDS)
        check(count == of, "%s: %d of %d are right" % (what, count, of))


def check_crowd(work):
    """Sixty processes of all behaviours, of which none begins or ends for good."""
    named = 0
    for seed in SEEDS:
        path = make(os.path.join(work, "crowd"), seed, "--processes", "60", "--seconds", "800", "--births", "0", "--tables",
                    "all", "--gpus", "1", "--gpu-processes", "2", "--packages", "1")
        named += len(beyond(compare(path)[0]))
    check(named == 0, "of 20 quiet hosts nobody is named: %d" % named)


def check_now_and_then(work):
    """What runs two minutes of fifteen is not new to a window of those two minutes."""
    jobs = [word for at in (300, 1200, 2100, 3000) for word in ("--incident", "cpu-hog@%d:130" % at)]
    path = make(os.path.join(work, "jobs"), 5, *services(), *jobs, "--seconds", "3200")
    rows, _ = compare(path, "--by", "comm", "--a", "00:00..00:50", "--b", "00:50:02..00:52:02", "--utc")
    job = [row for row in rows if row["name"] == "cpu-hog" and row["metric"] == "cpu"][0]
    check(job["change"] > 1 and job["verdict"] == "within noise", "%.2f cores more of a job that runs now and then are noise" %
          job["change"])
    rows, _ = compare(path, "--by", "comm", "--a", "00:00:05..00:04:55", "--b", "00:05:02..00:07:02", "--utc")
    job = [row for row in rows if row["name"] == "cpu-hog" and row["metric"] == "cpu"][0]
    check(job["rank"] == 1 and job["verdict"] == "beyond noise" and job["what"] == "new", "when it never ran before it is new")


# --- figures -------------------------------------------------------------------------------------

def reported(path, window, by):
    words = ["--from", "@%d.%09d" % divmod(window[0], 10**9), "--to", "@%d.%09d" % divmod(window[1], 10**9)]
    text = programs.analyze("report", path, *words, "--by", by, "--top", "0", "--format", "json", "--columns", ",".join(
        ["row", by, "covered_seconds", "cpu_seconds", "resident_bytes_mean", "disk_read_bytes", "disk_written_bytes",
         "cpu_energy_joules", "gpu_energy_joules", "gpu_seconds", "processes"]))
    return json.loads(text)["rows"]


def timed(path, window, table, key, metric):
    """What timeline says of a counter of one entity in a window."""
    words = ["timeline", path, "--table", table, "--step", "300d", "--from", "@%d.%09d" % divmod(window[0], 10**9), "--to",
             "@%d.%09d" % divmod(window[1], 10**9), "--format", "json"]
    rows = json.loads(programs.analyze(*words))["rows"]
    return sum(row[metric] for row in rows if row["resource"] == key)


def host_differs(path, letter, rows, totals):
    """Rows of the host against those below the report, and pressure against timeline."""
    window = rows[0]["from_ns_" + letter], rows[0]["to_ns_" + letter]
    told = {row["metric"]: row["value_" + letter] for row in rows}
    truth = {"busy": sum(totals[row]["cpu_seconds"] * sign for row, sign in (("total", 1), ("idle", -1), ("stolen", -1))
                         if row in totals),
             "not_attributed": totals["not_attributed"]["cpu_seconds"],
             "cpu_power": totals["total"]["cpu_energy_joules"], "gpu_power": totals["total"]["gpu_energy_joules"]}
    if told["CPU pressure"] is not None:
        truth["CPU pressure"] = timed(path, window, "pressure_samples", "cpu", "some_seconds") * 1e6
    return [(letter, name, told[name], value) for name, value in truth.items()
            if not (same(told[name], value) or abs(told[name] - value) < 1e-6)] + [
                (letter, row["metric"]) for row in rows if row["rate_" + letter] is not None and row["source"] == "report"
                and not same(row["rate_" + letter], row["value_" + letter] / row["covered_seconds_" + letter])]


def check_figures(name, paths, rows, by="lineage"):
    """Every value is a cell of the report of its window, every rate that by covered time."""
    compared, wrong = 0, []
    for side, letter in enumerate("ab"):
        window = rows[0]["from_ns_" + letter], rows[0]["to_ns_" + letter]
        report = reported(paths[side], window, by)
        groups = {row[by]: row for row in report if row["row"] == "group"}
        totals = {row["row"]: row for row in report if row["row"] != "group"}
        for row in rows:
            if row["row"] != "program":
                continue
            cells = groups.get(row["name"], {})
            value = cells.get(row["figure"])
            seconds = row["covered_seconds_" + letter]
            if not same(row["value_" + letter], value):
                wrong.append((letter, row["name"], row["figure"], row["value_" + letter], value))
            if row["processes_" + letter] != cells.get("processes"):
                wrong.append((letter, row["name"], "processes"))
            if value is not None and seconds:
                held = cells["covered_seconds"] if row["metric"] == "memory" else 1
                if not same(row["rate_" + letter], value * held / seconds):
                    wrong.append((letter, row["name"], row["metric"], row["rate_" + letter], value * held / seconds))
            compared += 1
        wrong += host_differs(paths[side], letter, [row for row in rows if row["row"] == "host"], totals)
    check(compared > 10 and not wrong, "%s: %d figures are those of report: %s" % (name, compared, wrong[:3]))
    changes = [row for row in rows if row["change"] is not None]
    check(all(same(row["change"], row["rate_b"] - row["rate_a"]) for row in changes), "a change is B less A")


def check_all_figures(work):
    path = make(os.path.join(work, "figures"), 7, "--processes", "80", "--seconds", "1500", "--births", "1", "--tables", "all",
                "--gpus", "1", "--gpu-processes", "3", "--packages", "2", "--missing", "--restart", "600:60",
                "--incident", "cpu-hog@900:500")
    rows, notes = compare(path, "--split", "2026-01-05T00:15:00Z")
    check_figures("one recording", (path, path), rows)
    hog = [row for row in beyond(rows) if is_service(row, "cpu-hog")]
    check(hog and hog[0]["rank"] == 1 and {row["what"] for row in hog} == {"new"} and
          {"cpu", "cpu_energy"} <= {row["metric"] for row in hog}, "the hog is new, and the first, also by energy")
    check("covered A" in notes and "covered B" in notes and "clock B" in notes, "both sides have a trust statement")
    replay = hog[0]["replay"].split(" ")
    frame = programs.analyze(*replay[1:], "--count", "1")
    check("cpu-hog" in (frame if isinstance(frame, str) else frame.decode()), "the command for replay shows it")
    rows, _ = compare(path, "--split", "2026-01-05T00:15:00Z", "--by", "comm", "--sort", "cpu_energy")
    check_figures("by comm", (path, path), rows, "comm")
    check({row["metric"] for row in rows if row["row"] == "program"} == {"cpu_energy"} and
          beyond(rows)[0]["name"] == "cpu-hog", "sorted by energy there is only that, and the hog is first")
    return path


def check_evicted(work):
    """Where samples are evicted, who has no row may have been there."""
    path = make(os.path.join(work, "evicted"), 2, *services()[:8], "--seconds", "10800", "--keep", "1h", "--keep-rollups",
                "48h", "--incident", "cpu-hog@10000:600")
    for from_a, what, verdict in (("00:30", "missing", "missing"), ("02:30", "new", "beyond noise")):
        rows, notes = compare(path, "--utc", "--a", from_a + "..02:46", "--b", "02:47..02:56")
        hog = [row for row in rows if row["row"] == "program" and is_service(row, "cpu-hog") and row["metric"] == "cpu"]
        check(len(hog) == 1 and (hog[0]["what"], hog[0]["verdict"]) == (what, verdict) and
              ("evicted: " in notes["covered A"]) == (what == "missing"), "since %s it is %s" % (from_a, what))


# --- systems -------------------------------------------------------------------------------------

def check_systems(work, linux):
    mac = os.path.join(work, "mac")
    subprocess.run([MAC, "--scenario", os.path.join(SCENARIOS, "mac_mini_m4_macos27.json"), "-o", mac, "--control", "none"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    quiet = make(os.path.join(work, "no-energy"), 3, *services()[:2], "--service", "web", "--seconds", "600")
    rows, notes = compare(quiet, "--with", mac, "--by", "comm")
    check_figures("a Linux host and a Mac", (quiet, mac), rows, "comm")
    energy = [row for row in rows if row["metric"] == "cpu_energy"]
    check(energy and all(row["verdict"] == "missing" and row["change"] is None and row["rate_a"] is None for row in energy),
          "energy that one side does not record is missing")
    check("cpu_energy" in notes["missing in A"], "and is said to be: %s" % notes["missing in A"])
    memory = [row for row in rows if row["metric"] == "memory" and row["what"] == "gone"]
    check(memory and all(row["rate_b"] == 0 and row["value_b"] is None for row in memory),
          "a program that is gone has used nothing")
    rows, _ = compare(linux, "--with", mac)
    check(any(row["what"] == "new" for row in beyond(rows)) and any(row["what"] == "gone" for row in beyond(rows)),
          "their programs are new and gone")


def check_own_energy(work):
    """What a Mac's kernel charges to one process rises, while its CPU time stays."""
    with open(os.path.join(SCENARIOS, "macbook_air_m1.json"), encoding="utf-8") as file:
        scenario = json.load(file)
    scenario["processes"] = [process for process in scenario["processes"] if process["comm"] in
                             ("kernel_task", "launchd", "WindowServer", "procscoped")]
    server = [process for process in scenario["processes"] if process["comm"] == "WindowServer"][0]
    server["cpu_user_ns"]["rates"] = [[0, 90000000]]
    server["energy_nj"]["rates"] = [[0, 120000007], [300, 900000000]]
    path, mac = os.path.join(work, "scenario.json"), os.path.join(work, "energy")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(scenario, file)
    subprocess.run([MAC, "--scenario", path, "-o", mac, "--control", "none"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    rows, _ = compare(mac)
    named = [(row["name"].split(" (")[0].split("/")[-1], row["metric"], row["what"]) for row in beyond(rows)]
    check(named == [("WindowServer", "cpu_energy", "more")], "a program that takes more energy is named alone: %s" % named)
    watts = [row for row in beyond(rows)][0]
    check(abs(watts["rate_a"] - 0.12) < 0.01 and abs(watts["rate_b"] - 0.9) < 0.01, "by %.3f, then %.3f W" %
          (watts["rate_a"], watts["rate_b"]))


# --- words ---------------------------------------------------------------------------------------

def refused(*words):
    run = subprocess.run([programs.ANALYZER, "compare", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return run.returncode, run.stderr.decode()


def check_words(path):
    spans = {}
    for name, words in (("named", ["--a", "00:05..00:10", "--b", "00:10..00:15"]), ("b", ["--b", "00:10..00:15"]),
                        ("a", ["--a", "00:05..00:10"]), ("split", ["--split", "00:10", "--span", "5m"]),
                        ("window", ["--from", "00:10", "--to", "00:15"]), ("at", ["--at", "00:12:30", "--span", "5m"])):
        row = compare(path, "--utc", *words)[0][0]
        spans[name] = row["from_ns_a"], row["to_ns_a"], row["from_ns_b"], row["to_ns_b"]
    check(len(set(spans.values())) == 1, "six ways of saying the same windows: %s" % spans)
    for words, what in ((["--a", "14:00"], "FROM..TO"), (["--a", ".."], "FROM..TO"), (["--by", "process"], "lineage"),
                        (["--split", "00:10", "--at", "00:10"], "--split"), (["--sort", "joules"], "cpu_energy"),
                        (["--a", "00:01..", "--last", "5m"], "--a"), (["--split", "23:00"], "not in the window"),
                        (["--by", "gpu"], "lineage")):
        code, text = refused(path, "--utc", *words)
        check(code == 2 and what in text, "%s is refused: %s" % (" ".join(words), text.splitlines()[:1]))
    code, text = refused(path, "--from", "2026-01-04T23:50Z", "--to", "2026-01-04T23:55Z")
    check(code == 1 and "window A" in text, "a window before the recording is no window: %s" % text.strip())
    code, text = refused(path, "--with", path, "-o", path)
    check(code == 2 and "recording itself" in text, "no recording is written over")


def check_formats(path):
    """The siblings have the same rows; no byte of a name reaches a terminal raw."""
    words = ["--split", HALF]
    rows, _ = compare(path, *words)
    text = programs.analyze("compare", path, *words, "--format", "csv")
    listed = list(csv.DictReader(io.StringIO(text if isinstance(text, str) else text.decode())))
    check([row["verdict"] for row in listed] == [row["verdict"] for row in rows] and
          [row["metric"] for row in listed] == [row["metric"] for row in rows], "CSV has the rows of JSON: %d" % len(rows))
    table = programs.analyze("compare", path, *words, "--all", "--top", "0")
    table = table.encode() if isinstance(table, str) else table
    check(b"\x1b" not in table and b"\r" not in table, "a table has no byte that a terminal obeys")
    short = programs.analyze("compare", path, "--a", "-8s..-4s", "--b", "-4s..")
    short = short if isinstance(short, str) else short.decode()
    check("beyond noise\n" not in short.split("\n\n", maxsplit=1)[0], "windows of a few ticks accuse nobody")


def main():
    if not os.access(MAKE, os.X_OK):
        programs.skip("no " + MAKE)
    with programs.work_directory() as work:
        check_planted(work)
        check_crowd(work)
        check_now_and_then(work)
        check_evicted(work)
        path = check_all_figures(work)
        if os.access(MAC, os.X_OK):
            check_systems(work, path)
            check_own_energy(work)
        check_words(path)
        check_formats(path)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
