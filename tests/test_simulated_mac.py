"""
Minutes of each Mac in tests/darwin/scenarios, recorded by the recorder's macOS half over a fake kernel
(procscoped-simulated-mac), equal what the scenario says, sample by sample and in the report; what the Mac lacks
is missing, with its reason; the kernel got everything back; no byte of an environment is in the file.
PROCSCOPE_SIMULATED_SECONDS=600: ten minutes of each.
"""
import csv
import glob
import io
import json
import os
import subprocess
import sys
from fractions import Fraction

import support_programs as programs
import support_simulated_iokit as iokit
from support_programs import check

sys.path.insert(0, os.path.join(programs.SOURCE, "tests", "darwin"))
import truth as simulated  # noqa: E402

MAC = os.path.join(programs.BUILD, "procscoped-simulated-mac")
SECRET = b"must-not-be-recorded"
# What is counted in whole microseconds, from ticks of the Mach clock: each rounds down once.
CPU = {"cpu_user_ns_total": ["cpu_user_ns"], "cpu_system_ns_total": ["cpu_system_ns"],
       "cpu_ns_total": ["cpu_user_ns", "cpu_system_ns"]}
EXACT = {"resident_bytes": "resident", "footprint_bytes": "footprint", "disk_read_bytes_total": "disk_read",
         "disk_written_bytes_total": "disk_written", "wakeups_total": "wakeups", "major_faults_total": "pageins",
         "instructions_total": "instructions", "cycles_total": "cycles", "energy_nj_total": "energy_nj"}
GAUGES = {"resident_bytes", "footprint_bytes"}
NEVER = ["run_delay_ns_total", "context_switches_voluntary_total", "context_switches_involuntary_total", "last_cpu",
         "io_read_chars_total", "io_written_chars_total", "resident_anonymous_bytes", "swap_bytes",
         "block_delay_ns_total"]


def record(mac, path, work):
    recording, calls = os.path.join(work, "mac.pscope"), os.path.join(work, "calls.json")
    run = subprocess.run([MAC, "--scenario", path, "--calls", calls, "-o", recording, "--control", "none"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                         env=dict(os.environ, DOCKER_HOST="unix://" + os.path.join(work, "no-engine")))
    check(run.returncode == 0, "it is recorded, and all that the kernel handed out came back")
    if run.returncode != 0:
        print(run.stdout.decode())
    told = b"".join(programs.analyze("export", recording, "--table", table, "--format", "ndjson") for table in
                    ("process", "process_version", "process_lifetime", "event", "entity", "session", "disk_samples"))
    check(SECRET not in told and b"procscoped" in told, "no byte of an environment is in the file")
    with open(calls, encoding="utf-8") as file:
        return recording, json.load(file)


def export(recording, table, *options):
    output = programs.analyze("export", recording, "--table", table, "--format", "csv", *options)
    text = output.decode() if isinstance(output, bytes) else output
    return list(csv.DictReader(io.StringIO(text)))


class Samples:
    """Each row of process_samples beside the simulated process that it is of."""

    def __init__(self, mac, recording):
        self.mac = mac
        self.rows = export(recording, "process_samples", "--missing-reasons")
        self.ticks = sorted({int(row["time_ns"]) for row in self.rows})
        starts = {row["process_id"]: int(row["start_ns"]) for row in export(recording, "process")}
        self.wrong = {}
        self.of = {}
        self.compared = 0
        for row in self.rows:
            self.of.setdefault(row["process_id"], self.find(int(row["pid"]), starts[row["process_id"]]))

    def find(self, pid, start_ns):
        start = start_ns - self.mac.wall_start
        near = [p for p in self.mac.processes if p.pid == pid]
        return min(near, key=lambda p: abs(p.start - start)) if near else None

    def differ(self, what, *detail):
        self.wrong.setdefault(what, detail)

    def expect(self, row, metric, low, high):
        value = row[metric]
        self.compared += 1
        if value == "" or not low <= int(value) <= high:
            self.differ(metric, row["time"], row["pid"], value, (low, high))

    def expect_missing(self, row, metric, reason):
        self.compared += 1
        if row[metric] != "" or row[metric + "__missing"] != reason:
            self.differ(metric, row["time"], row["pid"], row[metric], row[metric + "__missing"], reason)

    def compare_usage(self, row, process, at, last):
        machine = self.mac.machine
        for metric, names in CPU.items():
            ns = sum(process.value(name, at) for name in names)
            slack = 1000 + len(names) * (10**9 // self.mac.hz + 1)
            self.expect(row, metric, ns - slack, ns)
        for metric, name in EXACT.items():
            value = process.value(name, at)
            if metric == "energy_nj_total" and (self.mac.hz == 10**9 or machine["rusage_version"] < 6):
                self.expect_missing(row, metric, "unsupported")
            elif metric in ("instructions_total", "cycles_total") and machine["rusage_version"] < 4:
                self.expect_missing(row, metric, "unsupported")
            elif last and metric in GAUGES:
                self.expect_missing(row, metric, "exited")
            else:
                self.expect(row, metric, value, value)

    def compare(self):
        for row in self.rows:
            at, process = int(row["time_ns"]) - self.mac.wall_start, self.of[row["process_id"]]
            if process is None or not (process.alive(at) or process.zombie(at)):
                self.differ("who there is", row["time"], row["pid"])
            elif not process.readable:
                for metric in list(CPU) + list(EXACT):
                    ended = metric in GAUGES and process.zombie(at)
                    if row[metric + "__missing"] != "unsupported":
                        self.expect_missing(row, metric, "exited" if ended else "not permitted")
            elif self.mac.fault("usage_fails", at) and not process.item.get("self"):
                for metric in CPU:
                    self.expect_missing(row, metric, "failed")
            else:
                self.compare_usage(row, process, at, process.zombie(at))
            for metric in NEVER:
                self.expect_missing(row, metric, "unsupported")

    def compare_presence(self):
        """One row for each that lives at a tick, and one more for each that is a zombie then."""
        have = {(int(row["time_ns"]), row["process_id"]) for row in self.rows}
        counts = {}
        for tick, _ in have:
            counts[tick] = counts.get(tick, 0) + 1
        told = set()
        for index, tick in enumerate(self.ticks):
            at = tick - self.mac.wall_start
            expected = 0
            for number, process in enumerate(self.mac.processes):
                dies = process.zombie(at) and number not in told and index > 0
                told |= {number} if process.zombie(at) else set()
                expected += process.alive(at) or dies
            if counts[tick] != expected and not (self.mac.fault("list_races", at) and counts[tick] < expected):
                self.differ("rows at a tick", tick, counts[tick], expected)


def check_samples(mac, recording):
    samples = Samples(mac, recording)
    samples.compare()
    samples.compare_presence()
    ticks = samples.ticks
    least = (mac.duration - sum(length for _, length in mac.sleeps)) // 10**9
    check(least <= len(ticks) <= least + 4, "%d ticks" % len(ticks))
    check(not samples.wrong, "%d values of %d rows of processes are the scenario's" %
          (samples.compared, len(samples.rows)))
    for what, detail in samples.wrong.items():
        print("        ", what, detail)
    return samples


def check_cores(mac, recording):
    rows = export(recording, "cpu_samples", "--missing-reasons")
    first, wrong = {}, []
    for row in rows:
        number = int(row["core"].split(",")[0].split()[1])
        now = mac.core_ticks(number, int(row["time_ns"]) - mac.wall_start)
        values = [int(row[name]) // 10**7 for name in ("user_ns_total", "system_ns_total", "idle_ns_total")]
        begin = first.setdefault(number, (now, values))
        if [a - b for a, b in zip(now, begin[0])] != [a - b for a, b in zip(values, begin[1])]:
            wrong.append((row["time"], number))
        for name in ("nice_ns_total", "iowait_ns_total", "irq_ns_total", "steal_ns_total"):
            if row[name + "__missing"] != "unsupported":
                wrong.append((row["time"], name))
    check(not wrong and len(first) == len(mac.machine["cores"]), "%d rows of cores: %s" % (len(rows), wrong[:3]))
    kinds = [cluster["name"] for cluster in reversed(mac.machine.get("clusters", []))
             for _ in range(cluster["cores"])]
    labels = {row["core"] for row in rows}
    check(labels == {"core %d" % n + (", " + kinds[n] if kinds else "") for n in range(len(first))},
          "each core is told by its kind")


def check_memory(mac, recording):
    page = mac.page
    rows = export(recording, "memory_samples", "--missing-reasons")
    wrong = []
    for row in rows:
        at = int(row["time_ns"]) - mac.wall_start

        def pages(name):
            return mac.pages(name, at)
        expected = {"total_bytes": mac.machine["memory_bytes"], "wired_bytes": pages("wire") * page,
                    "free_bytes": max(pages("free") - pages("speculative"), 0) * page,
                    "page_in_bytes_total": pages("pageins") * page, "page_out_bytes_total": pages("pageouts") * page,
                    "swap_total_bytes": mac.machine.get("swap_total", 0),
                    "swap_free_bytes": mac.machine.get("swap_total", 0) - mac.machine.get("swap_used", 0)}
        newer = {"cached_bytes": (pages("external") + pages("purgeable")) * page,
                 "anonymous_bytes": pages("internal") * page, "compressed_bytes": pages("compressor") * page,
                 "swap_in_bytes_total": pages("swapins") * page, "swap_out_bytes_total": pages("swapouts") * page}
        if mac.machine.get("vm_words", 38) >= 38:
            expected.update(newer)
        elif any(row[name + "__missing"] != "unsupported" for name in newer):
            wrong.append((row["time"], "newer"))
        wrong += [(row["time"], name, row[name], value) for name, value in expected.items()
                  if row[name] != str(value)]
    check(rows and not wrong, "%d rows of memory: %s" % (len(rows), wrong[:3]))


def check_details(mac, recording, samples):
    """A row is read at its tick or at the one before, whole or not at all; who has sockets or many descriptors has one."""
    rows = export(recording, "process_detail_samples", "--missing-reasons")
    ticks = [tick - mac.wall_start for tick in samples.ticks]
    wrong, compared, unread = [], 0, 0
    for row in rows:
        at, process = int(row["time_ns"]) - mac.wall_start, samples.of[row["process_id"]]
        times = [at] + [tick for tick in ticks if tick < at][-1:]
        truths = [process.details(then) for then in times]
        truths += [dict(process.details(then), **dict.fromkeys(set(truths[0]) - {"open_fds"}, 0)) for then in times
                   if mac.fault("files_race", then)]
        told = {name: int(row[name]) for name in truths[0] if row[name] != ""}
        reasons = {row[name + "__missing"] for name in truths[0] if row[name] == ""}
        if not told:
            unread += 1
        elif told not in truths:
            wrong.append((row["time"], process.pid, told, truths))
        if not process.readable or row["pss_bytes__missing"] != "unsupported" or not reasons <= {"not sampled"}:
            wrong.append((row["time"], process.pid, reasons))
        compared += len(told)
    expected = {process_id for process_id, process in samples.of.items()
                if process is not None and process.readable and process.pid != 0 and process.end is None and
                process.start <= ticks[0] and process.details(ticks[0]).get("sockets", 0) > 0}
    have = {row["process_id"] for row in rows}
    enough = expected <= have or len({row["process_id"] for row in rows if row["time"] == rows[-1]["time"]}) == 512
    check(enough and not wrong, "%d values of %d rows of details, %d of them not read, are the scenario's: %s" %
          (compared, len(rows), unread, wrong[:3]))
    check(not any("files" in item for item in mac.scenario["processes"]) or compared > 0, "some were read")


def check_coalitions(mac, recording):
    """What others use as a whole, unless we are root; a coalition of our own processes only has no row."""
    collectors = {row["collector"]: row for row in export(recording, "capability")}
    all_rows = export(recording, "cgroup_samples", "--missing-reasons")
    if mac.uid == 0:
        check(collectors["coalition"]["status"] == "not there" and not all_rows, "root has no need of coalitions")
        return
    of, wrong = {item["id"]: item for item in mac.scenario.get("coalitions", [])}, []
    for row in all_rows:
        at, item = int(row["time_ns"]) - mac.wall_start, of[int(row["cgroup"].split()[-1])]

        def value(name):
            return simulated.Curve(item.get(name)).at(mac.awake(at), 0)
        expected = {"io_read_bytes_total": value("disk_read"), "io_written_bytes_total": value("disk_written"),
                    "tasks": item.get("started", 1) - item.get("ended", 0), "memory_bytes": value("footprint") or None}
        wrong += [(row["time"], row["cgroup"], name, row[name]) for name, told in expected.items()
                  if row[name] != ("" if told is None else str(told))]
        if not -2000 < int(row["cpu_ns_total"]) - value("cpu_ns") <= 0:
            wrong.append((row["time"], row["cgroup"], row["cpu_ns_total"], value("cpu_ns")))
    names = {row["cgroup"] for row in all_rows}
    check(collectors["coalition"]["status"] == "ok" and names == {"launchd, coalition 3", "rootjob, coalition 9"} and not wrong,
          "%d rows of coalitions %s: %s" % (len(all_rows), sorted(names), wrong[:3]))


def check_pressure(mac, recording):
    rows = export(recording, "pressure_samples", "--missing-reasons")
    names, wrong = {1: "normal", 2: "warning", 4: "critical"}, []
    for row in rows:
        awake = mac.awake(int(row["time_ns"]) - mac.wall_start)
        loads = {"load_%s_ppm" % name: simulated.Curve(mac.machine.get("load_" + name)).at(awake, 0)
                 for name in ("1m", "5m", "15m")}
        level = names.get(simulated.Curve(mac.machine.get("pressure_level")).at(awake, 0))
        if row["resource"] == "cpu":
            wrong += [(row["time"], name) for name, value in loads.items()
                      if row[name] != str(value * 10**6 // 2048)]
        elif row["level"] != (level or "") or (level is None and row["level__missing"] != "failed"):
            wrong.append((row["time"], row["level"], level))
        wrong += [(row["time"], name) for name in ("some_us_total", "full_us_total")
                  if row[name + "__missing"] != "unsupported"]
    resources = {row["resource"] for row in rows}
    check(resources == {"cpu", "memory"} and not wrong, "%d rows of pressure: %s" % (len(rows), wrong[:3]))


def check_network(mac, recording):
    rows = export(recording, "network_samples", "--missing-reasons")
    ticks = len({row["time_ns"] for row in export(recording, "cpu_samples")})
    wrong, expected = [], 0
    columns = {"received_bytes_total": "received_bytes", "sent_bytes_total": "sent_bytes",
               "received_packets_total": "received_packets", "sent_packets_total": "sent_packets"}
    of = {item["name"]: item for item in mac.machine.get("interfaces", []) if item["name"]}
    for row in rows:
        at, item = int(row["time_ns"]) - mac.wall_start, of[row["interface"]]
        begin, end = item.get("there", (-1, 10**6))
        if not simulated.ns_of(begin) <= at < simulated.ns_of(end):
            wrong.append((row["time"], row["interface"], "not there"))
        for column, name in columns.items():
            if row[column] != str(simulated.Curve(item.get(name)).at(mac.awake(at), 0)):
                wrong.append((row["time"], row["interface"], column, row[column]))
        if row["link"] != ("up" if item.get("flags", 0x41) == 0x41 else "down"):
            wrong.append((row["time"], row["interface"], row["link"]))
        if item.get("speed") != (int(row["speed_bits_per_second"]) if row["speed_bits_per_second"] else None):
            wrong.append((row["time"], row["interface"], row["speed_bits_per_second"]))
    if not any("there" in item for item in of.values()) and not mac.scenario.get("faults"):
        expected = ticks * len(of)
        check(len(rows) == expected, "%d rows of interfaces, %d expected" % (len(rows), expected))
    check({row["interface"] for row in rows} == set(of) and not wrong,
          "%d rows of interfaces: %s" % (len(rows), wrong[:3]))


def in_gaps(mac, process, name, times):
    """What it used between two ticks with a sleep in between: no rate crosses that, so the report leaves it out."""
    return sum(process.value(name, end) - process.value(name, begin) for begin, end in zip(times, times[1:])
               if any(begin < sleep + length <= end for sleep, length in mac.sleeps))


def has_energy(mac):
    return mac.hz != 10**9 and mac.machine["rusage_version"] >= 6


def energy_differs(mac, process, row, nanojoules, times):
    """What the kernel charged to a task is its CPU energy, and the row says that this is the method."""
    told = [row[name] for name in ("cpu_energy_joules", "task_energy_joules", "cpu_power_watts_mean")]
    method = row["energy_method"].split("; ")
    if nanojoules is None or len(times) < 2:
        wrong = nanojoules is None and (any(told) or "kernel counter by task" in method)
        return [(process.pid, "no energy", told, method)] if wrong else []
    if Fraction(told[1]) * 10**9 != nanojoules or Fraction(told[0]) * 10**6 != nanojoules // 1000 or \
            "kernel counter by task" not in method:
        return [(process.pid, "energy", told, method, nanojoules)]
    watts = nanojoules / (times[-1] - times[0])
    gaps = any(begin <= times[-1] for begin, _ in mac.sleeps)
    born = process.start > 0
    return [(process.pid, "power", told[2], watts)] \
        if not gaps and not born and abs(float(told[2]) - watts) > 1e-6 * max(watts, 1e-9) + 1e-9 else []


def footprint_differs(mac, process, row, times, born):
    """The largest at a tick, and the mean: each value holds from its tick back to the one before."""
    alive = [at for at in times if not process.zombie(at) and not mac.fault("usage_fails", at)]
    if not alive:
        return []
    values = {at: process.value("footprint", at) for at in times}
    told = row["footprint_bytes_max"], row["footprint_bytes_mean"]
    if told[0] != str(max(values[at] for at in alive)):
        return [(process.pid, "footprint max", told, max(values[at] for at in alive))]
    if mac.sleeps or mac.faults or len(alive) != len(times) or len(times) < 2 or born:
        return []
    steps = list(zip(times, times[1:]))
    mean = sum(values[end] * (end - begin) for begin, end in steps) / sum(end - begin for begin, end in steps)
    return [] if abs(float(told[1]) - mean) <= 1e-9 * mean + 1 else [(process.pid, "footprint mean", told, mean)]


def check_report(mac, recording, samples):
    """CPU and disk of each process in the default report: from the first tick, or its birth, to the last."""
    ticks = [tick - mac.wall_start for tick in samples.ticks]
    rows = programs.read_csv(programs.analyze("report", recording, "--format", "csv", "--top", "0", "--columns",
                                              "process_id,cpu_seconds,disk_read_bytes,disk_written_bytes,row,"
                                              "cpu_energy_joules,cpu_power_watts_mean,energy_method,"
                                              "task_energy_joules,footprint_bytes_mean,footprint_bytes_max"))
    by_id = {row["process_id"]: row for row in rows if row.get("row", "process") == "process"}
    wrong = []
    for process_id, process in samples.of.items():
        if not process.readable:
            continue
        times = [int(row["time_ns"]) - mac.wall_start for row in samples.rows if row["process_id"] == process_id]
        row = by_id.get(process_id)
        born = process.start > 0 and not any(process.start <= tick < times[0] for tick in ticks)
        if row is None:
            wrong.append((process.pid, "no row"))
            continue

        def used(*names):
            return sum(process.value(name, times[-1]) - in_gaps(mac, process, name, times) -
                       (0 if born else process.value(name, times[0])) for name in names)
        cpu = Fraction(row["cpu_seconds"]) * 10**9
        if abs(cpu - used("cpu_user_ns", "cpu_system_ns")) > 2000:
            wrong.append((process.pid, "cpu", row["cpu_seconds"], used("cpu_user_ns", "cpu_system_ns")))
        for column, name in (("disk_read_bytes", "disk_read"), ("disk_written_bytes", "disk_written")):
            if row[column] != str(used(name)):
                wrong.append((process.pid, column, row[column], used(name)))
        wrong += energy_differs(mac, process, row, None if not has_energy(mac) else used("energy_nj"), times)
        wrong += footprint_differs(mac, process, row, times, born)
    check(not wrong, "the report of %d processes is the scenario's: %s" % (len(by_id), wrong[:3]))


def check_names(mac, recording, samples):
    wrong = []
    for row in export(recording, "process"):
        process = samples.of.get(row["process_id"])
        if process is None:
            continue
        seen = [int(one["time_ns"]) - mac.wall_start for one in samples.rows
                if one["process_id"] == row["process_id"]]
        program = process.program(seen[-1])
        if row["comm"] != program["comm"][:16]:
            wrong.append((process.pid, row["comm"]))
        if row["uid"] != str(process.uid) or row["user"] not in ("", mac.users.get(str(process.uid), "")):
            wrong.append((process.pid, row["uid"], row["user"]))
        lived = sum(process.alive(at) for at in seen) > 1
        if lived and not program.get("no_arguments") and not process.item.get("path_gone") and \
                row["exe"] != program.get("path", ""):
            wrong.append((process.pid, row["exe"]))
        odd = any(key.startswith("odd_") for key in process.item)
        arguments = program.get("args", [])
        if lived and process.readable and not odd and "no_arguments" not in process.item and \
                "--password" not in arguments and row["cmdline"].split() != " ".join(arguments).split():
            wrong.append((process.pid, row["cmdline"], arguments))
        if not process.readable and row["cmdline"] != "":
            wrong.append((process.pid, "not ours", row["cmdline"]))
        start = int(row["start_ns"]) - mac.wall_start
        if not process.start - 1000 <= start <= process.start:  # the kernel keeps microseconds
            wrong.append((process.pid, "start", start, process.start))
        if any(process.zombie(at) for at in seen):
            told = row["exit_reported"] == "1" and row["end_ns"] != ""
            late = int(row["end_ns"] or 0) - mac.wall_start - process.end
            if process.readable and abs(late) > 100:  # two ticks of the Mach clock
                wrong.append((process.pid, "end", late))
            if not told or (process.readable and row["exit_code"] != str(process.status)):
                wrong.append((process.pid, "exit", row["exit_reported"], row["exit_code"], process.status))
    check(not wrong, "names, users and ends are the scenario's: %s" % wrong[:3])


def calls_of_details(recording, samples, mac):
    """One for each process that may be read and one for each of its sockets, 1000 every ten seconds at most."""
    total = 0
    for tick in {int(row["time_ns"]) for row in export(recording, "process_detail_samples")}:
        at = tick - mac.wall_start
        living = [process for process in samples.of.values() if process.readable and process.alive(at)]
        total += min(1000, sum(2 + len(process.files(at)) for process in living))
        total += len(mac.scenario.get("coalitions", []))
    return total


def check_execs(mac, recording, samples):
    """Who becomes the program that it is, with other arguments, is called so within ten ticks; nobody else has a version more."""
    rows = export(recording, "process_version")
    for process_id, process in samples.of.items():
        later = [item for item in process.item.get("exec", []) if process is not None]
        for before, item in zip([process.item] + later, later):
            if item["path"] != before["path"] or not process.readable:
                continue
            said = [row for row in rows if row["process_id"] == process_id and
                    row["cmdline"].split() == item["args"] and int(row["from_ns"]) - mac.wall_start > simulated.ns_of(item["at_s"])]
            late = [int(row["from_ns"]) - mac.wall_start - simulated.ns_of(item["at_s"]) for row in said[:1]]
            check(late and late[0] <= 10 * 10**9, "%s of pid %d is told after %s ns" % (item["args"], process.pid, late))


def check_calls(mac, recording, samples, calls):
    """
    A call for each process and tick and a fifth more at full passes; what is new costs some once, and a tick a few; what
    details take besides does not grow with how many there are.
    """
    rows, total = len(samples.rows), sum(calls.values())
    most = 1.2 * rows + 8 * len(samples.of) + 8 * len(samples.ticks) + 60 + calls_of_details(recording, samples, mac)
    check(total <= most, "%d calls, at most %d: %.2f for each process and tick" % (total, most, total / rows))


def check_events(mac, recording):
    events = export(recording, "event")
    slept = [int(event["duration_ns"]) for event in events if event["kind"] == "suspend"]
    stepped = [int(event["value"]) for event in events if event["kind"] == "clock_step"]
    check(slept == [length for _, length in mac.sleeps] and stepped == [by for _, by in mac.steps],
          "sleeps and steps of the clock are events: %s %s" % (slept, stepped))


def check_told(mac, recording):
    collectors = {row["collector"]: row for row in export(recording, "capability")}
    reason = collectors["process"]["reason"]
    check(("other users' processes" in reason) == (mac.uid != 0), "it says whose processes it cannot read")
    verify = subprocess.run([programs.ANALYZER, "verify", recording], stdout=subprocess.DEVNULL, check=False)
    check(verify.returncode == 0, "procscope verify finds it whole")


def record_short(work, **changes):
    """The Intel Mac for 15 seconds, with other answers about coalitions; the rows of capability and of coalitions."""
    path = os.path.join(work, "changed.json")
    with open(os.path.join(programs.SOURCE, "tests", "darwin", "scenarios", "intel_user.json"), encoding="utf-8") as file:
        scenario = json.load(file)
    scenario["duration_s"] = 15
    scenario["faults"] = changes.get("faults", {})
    scenario["machine"].update(changes.get("machine", {}))
    with open(path, "w", encoding="utf-8") as file:
        json.dump(scenario, file)
    recording, _ = record(simulated.Mac(path), path, work)
    return ({row["collector"]: row for row in export(recording, "capability")},
            export(recording, "cgroup_samples", "--missing-reasons"))


def check_coalition_answers():
    with programs.work_directory() as work:
        told, rows = record_short(work, faults={"coalitions_refused": True})
        check(told["coalition"]["status"] == "not permitted" and "refused" in told["coalition"]["reason"] and
              "root" in told["coalition"]["enable"] and not rows, "refused: it is off, and says why")
    with programs.work_directory() as work:
        told, rows = record_short(work, machine={"coalition_bytes": 176})
        check(rows and all(row["memory_bytes__missing"] == "unsupported" and row["cpu_ns_total"] != "" for row in rows),
              "a kernel that tells less: memory is missing, the rest is there")


def lasting(path, work):
    """The scenario, of PROCSCOPE_SIMULATED_SECONDS if that is set; a machine goes on as it did at last."""
    seconds = os.environ.get("PROCSCOPE_SIMULATED_SECONDS")
    if seconds is None:
        return path
    with open(path, encoding="utf-8") as file:
        scenario = json.load(file)
    scenario["duration_s"] = int(seconds)
    longer = os.path.join(work, "lasting.json")
    with open(longer, "w", encoding="utf-8") as file:
        json.dump(scenario, file)
    return longer


def main():
    if not os.access(MAC, os.X_OK):
        programs.skip("no " + MAC)
    for original in sorted(glob.glob(os.path.join(programs.SOURCE, "tests", "darwin", "scenarios", "*.json"))):
        with programs.work_directory() as work:
            path = lasting(original, work)
            mac = simulated.Mac(path)
            print("--- " + mac.scenario["name"])
            recording, calls = record(mac, path, work)
            samples = check_samples(mac, recording)
            check_cores(mac, recording)
            check_memory(mac, recording)
            check_details(mac, recording, samples)
            check_coalitions(mac, recording)
            check_pressure(mac, recording)
            check_network(mac, recording)
            check_report(mac, recording, samples)
            iokit.check_all(mac, recording, export)
            check_names(mac, recording, samples)
            check_execs(mac, recording, samples)
            check_calls(mac, recording, samples, calls)
            check_events(mac, recording)
            check_told(mac, recording)
    check_coalition_answers()
    programs.finish()


main()
