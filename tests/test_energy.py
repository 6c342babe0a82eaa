"""
Energy and power of GPUs and CPU packages, per GPU and per process, in table, CSV, JSON and NDJSON, equal what was computed from
the ground truth of made recordings (tests/support_energy.py): two GPUs, one with an energy counter, one with
power only, shared by three processes of which one sleeps, read every second and every ten seconds; and in
random windows of recordings with births, gaps, restarts, readings that fail and counters that begin anew.
"""
import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import support_energy as energy
import support_programs as programs
from support_programs import check

MAKE = os.path.join(programs.BUILD, "make_recording")
COLUMNS = ["gpu_seconds", "gpu_percent_mean", "gpu_memory_bytes_max", "gpu_power_watts_mean",
           "gpu_power_watts_p95", "gpu_power_watts_max", "gpu_energy_joules"]
CPU_COLUMNS = {"cpu_power_watts_mean": "gpu_power_watts_mean",
               "cpu_energy_joules": "gpu_energy_joules"}  # as a Group calls them
WINDOWS = int(os.environ.get("PROCSCOPE_ENERGY_WINDOWS", "25"))


def made(work, name, *options):
    path, directory = os.path.join(work, name + ".pscope"), os.path.join(work, name)
    subprocess.run([MAKE, path, "--truth", directory, *options], check=True,
                   stdout=subprocess.DEVNULL)
    ids = {(int(row["pid"]), int(row["start_ns"])): int(row["process_id"]) for row in
           programs.read_csv(programs.analyze("export", path, "--table", "process", "--format",
                                              "csv"))}
    return path, energy.Truth(directory, ids)


def timeline(ns):
    return "@%d.%09d" % divmod(ns, 10**9)


def rows_in(path, form, *options):
    """Rows with numbers as Fraction, None where missing; texts as they are."""
    text = programs.analyze("report", path, "--format", form, *options)
    if form == "csv":
        rows = programs.read_csv(text)
    elif form == "json":
        rows = json.loads(text, parse_float=Decimal)["rows"]
    else:
        rows = [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
        rows = [row for row in rows if "note" not in row]
    return [{name: number(cell) if is_number(name) else cell for name, cell in row.items()}
            for row in rows]


def is_number(name):
    return name in COLUMNS or name in CPU_COLUMNS or name in ["process_id", "covered_seconds", "idle_power_watts"]


def number(cell):
    return None if cell in ("", None) else Fraction(cell)


def differs(name, found, expected):
    if found is None or expected is None:
        return found is not expected
    if name.endswith("_mean"):  # a quotient, printed as the nearest double
        return abs(found - expected) > abs(expected) / 10**12
    return found != expected


# --- what a report must say ----------------------------------------------------------------------

def figures_of(gpu, cpu):
    """By column, of what a group used of GPUs and of CPUs."""
    figures = (gpu or energy.Group()).figures()
    of_cpu = (cpu or energy.Group()).figures()
    return {**figures, **{column: of_cpu[name] for column, name in CPU_COLUMNS.items()}}


def wrong_groups(rows, groups, cpu_groups, by):
    """What differs in the rows of processes or groups."""
    expected = {key: figures_of(groups.get(key), cpu_groups.get(key))
                for key in groups.keys() | cpu_groups.keys() if key is not None}
    found = {}
    for row in rows:
        if row["row"] in ("process", "group"):
            key = int(row["process_id"]) if by == "process" else programs.original_bytes(row[by])
            found[key] = row
    for key, figures in expected.items():
        if key not in found:
            yield "no row of %s" % (key,)
            continue
        for name, value in figures.items():
            if differs(name, found[key][name], value):
                yield "%s: %s is %s, not %s" % (key, name, found[key][name], value)
        on_rail = any(key in of and of[key].on_rail for of in (groups, cpu_groups))
        if (found[key]["energy_method"] in ("", None)) == on_rail:
            yield "%s: method %r" % (key, found[key]["energy_method"])
    for key in found.keys() - expected.keys():
        if any(found[key][name] is not None for name in COLUMNS + list(CPU_COLUMNS)):
            yield "%s has figures" % (key,)


def wrong_sums(rows, devices, column="gpu_energy_joules"):
    """Processes + others + idle + not attributed = devices, to the microjoule."""
    def joules(*kinds):
        cells = [row[column] for row in rows if row["row"] in kinds]
        return sum(cell for cell in cells if cell is not None) * 10**6

    parts = {"idle": sum(d.idle for d in devices.values()),
             "not_attributed": sum(d.rest for d in devices.values()),
             "total": sum(d.uj for d in devices.values())}
    for kind, uj in parts.items():
        if joules(kind) != uj:
            yield "%s is %s uJ, not %s" % (kind, joules(kind), uj)
    if joules("process", "group", "others") != sum(d.processes for d in devices.values()):
        yield "processes have %s uJ" % joules("process", "group", "others")
    if joules("process", "group", "others", "idle", "not_attributed") != joules("total"):
        yield "the parts are not the total"


def wrong_devices(rows, devices, idle):
    found = {}
    for row in rows:
        found[row["gpu"], row["row"]] = row
    for gpu, device in devices.items():
        name, known = "made-up GPU %d" % gpu, device.covered > 0
        parts = {"gpu": device.uj, "processes": device.processes, "idle": device.idle,
                 "not_attributed": device.rest}
        for kind, uj in parts.items():
            cell = found[name, kind]["gpu_energy_joules"]
            if differs("", cell, Fraction(uj, 10**6) if known else None):
                yield "%s %s has %s J, not %s uJ" % (name, kind, cell, uj)
        figures = {"covered_seconds": Fraction(device.covered, 10**9),
                   "gpu_power_watts_mean": Fraction(device.uj * 1000, device.covered or 1),
                   "gpu_power_watts_p95": Fraction(energy.percentile_95(device.levels), 10**6),
                   "gpu_power_watts_max": Fraction(max(device.levels, default=(0, 0))[0], 10**6),
                   "idle_power_watts": Fraction(idle[gpu], 10**6)}
        for column, value in figures.items():
            cell = found[name, "gpu"][column]
            if differs(column, cell, value if known else None):
                yield "%s: %s is %s, not %s" % (name, column, cell, value)
        cells = [found[name, kind]["gpu_energy_joules"] or 0 for kind in parts]
        if sum(cells[1:]) != cells[0]:
            yield "%s: processes + idle + not attributed are %s J of %s J" % (
                name, sum(cells[1:]), cells[0])


def columns(by):
    names = ["process_id"] if by == "process" else [by]
    return ["--columns", ",".join(names + COLUMNS + list(CPU_COLUMNS) +
                                 ["energy_method", "row"])]


def check_window(path, truth, claim, from_ns, to_ns, forms=("csv",), by="process", select=None,
                 idle_watts=None, devices_too=True):
    window = ["--from", timeline(from_ns), "--to", timeline(to_ns)]
    options = [] if idle_watts is None else ["--idle-watts", str(idle_watts), "--cpu-idle-watts",
                                             str(idle_watts)]
    chosen = [] if select is None else ["--" + select[0], select[1]]
    devices, groups = energy.expect(truth, from_ns, to_ns, by, select, idle_watts)
    packages, cpu_groups = energy.expect(truth, from_ns, to_ns, by, select, idle_watts, cpu=True)
    idle = {gpu: truth.idle_uw(truth.gpus[gpu]) if idle_watts is None else round(idle_watts * 10**6)
            for gpu in truth.gpus}
    wrong = []
    for form in forms:
        rows = rows_in(path, form, "--by", by, *columns(by), *window, *options, *chosen)
        wrong += wrong_groups(rows, groups, cpu_groups, by)
        wrong += wrong_sums(rows, devices)
        wrong += wrong_sums(rows, packages, "cpu_energy_joules")
        if devices_too:
            rows = rows_in(path, form, "--by", "gpu", *window, *options)
            wrong += wrong_devices(rows, devices, idle)
    check(not wrong, "%s: %s" % (claim, "; ".join(wrong[:4]) or "equal the truth"))


# --- the table -----------------------------------------------------------------------------------

def human_joules(value):
    for unit in ("J", "kJ", "MJ"):
        if value < Fraction(99995, 100) or unit == "MJ":
            return "%.1f %s" % (value, unit)
        value /= 1000
    raise AssertionError


def check_table(path, truth, claim):
    _, groups = energy.expect(truth, truth.ns[0] - 1, truth.ns[-1])
    text = programs.analyze("report", path, "--columns", "process_id,gpu_power_watts_mean,"
                            "gpu_power_watts_p95,gpu_power_watts_max,gpu_energy_joules",
                            "--sort", "gpu_energy_joules", "--top", str(len(groups))).decode()
    lines = [line.split("  ") for line in text.splitlines()[1:len(groups) + 1]]
    found = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    expected = []
    for key in sorted(groups, key=lambda key: -groups[key].uj):
        figures = groups[key].figures()
        expected.append([str(key), *("%.1f W" % figures["gpu_power_watts_" + which]
                                     for which in ("mean", "p95", "max")),
                         human_joules(figures["gpu_energy_joules"])])
    check(found == expected, "%s: the table says %s" % (claim, found if found != expected
                                                        else "the same, for people"))


# --- recordings ----------------------------------------------------------------------------------

def acceptance(work):
    for rail, uses in (("1s", "1s"), ("10s", "1s"), ("10s", "10s"), ("1s", "10s")):
        name = "rail-%s-processes-%s" % (rail, uses)
        path, truth = made(work, name, "--processes", "12", "--seconds", "900", "--gpus", "2",
                           "--gpu-processes", "3", "--gpu-interval", rail,
                           "--gpu-process-interval", uses, "--seed", "11")
        devices, groups = energy.expect(truth, truth.ns[0] - 1, truth.ns[-1])
        check(len(devices) == 2 and len(groups) == 3 and
              sorted(group.uj > 0 for group in groups.values()) == [False, True, True],
              "%s: two GPUs, three processes, of which one sleeps" % name)
        check_window(path, truth, name, truth.ns[0] - 1, truth.ns[-1], ("csv", "json", "ndjson"))
        check_table(path, truth, name)
        for watts in (0, 33.5, 120):
            check_window(path, truth, "%s, idle at %s W" % (name, watts), truth.ns[0] - 1,
                         truth.ns[-1], idle_watts=watts)
        programs.analyze("verify", path)


def seams_of(path, last_ns):
    """The last ticks of blocks that another one follows."""
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as database:
        ends = database.execute("SELECT end_ns FROM block WHERE level = 0 ORDER BY end_ns")
        return [row[0] for row in ends if row[0] < last_ns]


def near_seam(truth, seams, dice):
    """A tick at which one block ends and another begins, or one close to it."""
    at = truth.ns.index(dice.choice(seams)) + dice.choice([-2, -1, 0, 0, 1, 2, 5])
    return truth.ns[min(at, len(truth.ns) - 1)]


def random_windows(work, name, dice, *options, count=WINDOWS):
    path, truth = made(work, name, "--gpus", "3", "--packages", "2", *options)
    programs.analyze("verify", path)
    begin, end = truth.ns[0], truth.ns[-1]
    processes = sorted({use[1] for use in truth.uses})
    check_window(path, truth, "%s, all of it" % name, begin - 1, end)
    seams = seams_of(path, end)
    for ns in seams:
        check_window(path, truth, "%s, up to a block's last tick" % name, ns - 4 * 10**9, ns,
                     devices_too=False)
    for n in range(count):
        from_ns = begin - 10**9 + int((end - begin) * dice.random())
        if n % 3 == 0:
            from_ns = dice.choice(truth.ns) + dice.choice([-1, 0, 1])
        elif n % 3 == 1:
            from_ns = near_seam(truth, seams, dice)
        to_ns = from_ns + 1 + int((end + 10**9 - from_ns) * dice.random() ** 2)
        if n % 3 == 2 or n % 6 == 1:
            to_ns = max(near_seam(truth, seams, dice), from_ns + 1)
        by = dice.choice(["process", "process", "comm", "exe", "user"])
        select = None
        if dice.random() < 0.3:
            which = dice.choice(["comm", "user"])
            select = which, dice.choice(truth.versions[dice.choice(processes)])[1][which]
            if b"*" in select[1]:
                select = None
        check_window(path, truth, "%s, window %d by %s%s" % (name, n, by, " of some" if select else
                                                            ""), from_ns, to_ns, by=by,
                     select=select, devices_too=n % 4 == 0)


def rows_below(work):
    """What --top cuts off is in the row of the others, and counts as processes."""
    path, truth = made(work, "top", "--processes", "10", "--seconds", "400", "--gpus", "2",
                       "--gpu-processes", "6", "--seed", "5")
    devices, groups = energy.expect(truth, truth.ns[0] - 1, truth.ns[-1])
    best = max(group.uj for group in groups.values())
    rows = rows_in(path, "csv", *columns("process"), "--sort", "gpu_energy_joules", "--top", "1")
    wrong = list(wrong_sums(rows, devices))
    first, others = rows[0], [row for row in rows if row["row"] == "others"][0]
    check(not wrong and first["gpu_energy_joules"] == Fraction(best, 10**6) and
          others["gpu_energy_joules"] == Fraction(sum(d.processes for d in devices.values()) - best,
                                                  10**6),
          "the largest first, the others in one row: %s" % wrong)


def refused(work):
    """What is no number of watts, and what is no column of GPUs."""
    path = os.path.join(work, "top.pscope")
    for options in (["--idle-watts", "x"], ["--idle-watts", "-1"], ["--idle-watts", "nan"],
                    ["--cpu-idle-watts", "1e9"], ["--by", "gpu", "--columns", "cpu_seconds"]):
        done = subprocess.run([programs.ANALYZER, "report", path, *options], check=False,
                              capture_output=True)
        check(done.returncode == 2 and options[-1].encode() in done.stderr,
              "%s: %s" % (" ".join(options), done.stderr.decode().split("\n", maxsplit=1)[0]))


def packages(work):
    """CPU packages, one and two, of which readings fail and counters begin anew."""
    for number, options in (("1", []), ("2", ["--missing", "--restart", "200:9"])):
        path, truth = made(work, "packages-" + number, "--processes", "12", "--seconds", "500",
                           "--births", "1", "--packages", number, "--seed", "6", *options)
        devices, groups = energy.expect(truth, truth.ns[0] - 1, truth.ns[-1], cpu=True)
        check(len(devices) == int(number) and len(groups) > 100 and
              sum(device.uj for device in devices.values()) > 0,
              "%s package, %d processes" % (number, len(groups)))
        check_window(path, truth, "all", truth.ns[0] - 1, truth.ns[-1], ("csv", "json"))
        for watts in (0, 12):
            check_window(path, truth, "idle at %s W" % watts, truth.ns[0] - 1, truth.ns[-1],
                         idle_watts=watts)
        programs.analyze("verify", path)


def without_gpus(work):
    path = os.path.join(work, "none.pscope")
    subprocess.run([MAKE, path, "--processes", "5", "--seconds", "90"], check=True,
                   stdout=subprocess.DEVNULL)
    rows = rows_in(path, "csv", *columns("process"))
    check(len(rows) > 5 and all(row[name] is None for row in rows
                                for name in COLUMNS + list(CPU_COLUMNS)),
          "without GPUs all their figures are missing, none is 0")
    check(rows_in(path, "csv", "--by", "gpu") == [], "and there is no row of a GPU")


def main():
    if not os.access(MAKE, os.X_OK) or not os.access(programs.ANALYZER, os.X_OK):
        programs.skip("no " + MAKE)
    dice = random.Random(4)
    with programs.work_directory() as work:
        acceptance(work)
        rows_below(work)
        refused(work)
        packages(work)
        without_gpus(work)
        random_windows(work, "births", dice, "--processes", "12", "--seconds", "700", "--births",
                       "1", "--gpu-interval", "7s", "--gpu-process-interval", "2s", "--seed", "2",
                       "--gpu-processes", "8")
        random_windows(work, "everything", dice, "--processes", "14", "--seconds", "900",
                       "--births", "0.5", "--missing", "--pid-reuse", "--gap", "100:20",
                       "--restart", "330:15", "--gap", "500:2", "--gpu-processes", "6", "--seed",
                       "3", "--gpu-interval", "2s")
        random_windows(work, "slow processes", dice, "--processes", "9", "--seconds", "700",
                       "--missing", "--restart", "200:9", "--gpu-process-interval", "11s",
                       "--unclean", "--seed", "9")
        # Many seams between blocks, at some of which a reading is missing.
        random_windows(work, "long", dice, "--processes", "9", "--seconds", "4000", "--missing",
                       "--gpu-processes", "8", "--seed", "12", count=4)
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
