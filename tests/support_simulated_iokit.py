"""What the simulated Mac's IOKit told, beside the scenario: for test_simulated_mac.py."""
import os
import sys
from fractions import Fraction

import support_programs as programs
from support_programs import check

sys.path.insert(0, os.path.join(programs.SOURCE, "tests", "darwin"))
import truth_registry as registry  # noqa: E402

DISK_NEVER = ["busy_ns_total", "queued_ns_total", "in_flight", "discarded_bytes_total", "discards_total",
              "flushes_total", "flush_ns_total"]


class Rows:
    """Rows that a worker read: at a tick, each has what was read at the tick before its own."""

    def __init__(self, mac, export, recording, table):
        self.mac = mac
        self.ticks = sorted({int(row["time_ns"]) - mac.wall_start for row in export(recording, "cpu_samples")})
        self.rows = export(recording, table, "--missing-reasons")
        self.wrong, self.compared = [], 0

    def read_at(self, row, period=1):
        """When the values were read: at the tick before, which was the one that it was asked at."""
        at = int(row["time_ns"]) - self.mac.wall_start
        return self.ticks[max(self.ticks.index(at) - period, 0)]

    def expect(self, row, column, expected, slack=0):
        """A number, or the reason for which it is missing."""
        self.compared += 1
        told = row[column + "__missing"] if row[column] == "" else int(row[column])
        same = told == expected if isinstance(told, str) or isinstance(expected, str) \
            else abs(told - expected) <= slack
        if not same:
            self.wrong.append((row["time"], column, told, expected))


def disk_name(driver, at):
    media = driver.children[0].value(at, "BSD Name") if driver.children else None
    product = driver.parent.value(at, "Device Characteristics", "Product Name") if driver.parent else None
    return "%s (%s)" % (media, product) if product else media


def check_disks(mac, recording, export):
    rows = Rows(mac, export, recording, "disk_samples")
    drivers = [entry for entry in registry.entries(mac) if entry.is_a("IOBlockStorageDriver")]
    counted = 0
    for row in rows.rows:
        at = rows.read_at(row)
        driver = [one for one in drivers if one.there(at) and disk_name(one, at) == row["disk"]]
        if not driver:
            rows.wrong.append((row["time"], row["disk"], "is not there"))
            continue
        counted += 1

        def told(*keys):
            return registry.number(mac, driver[0].item["properties"], at, "Statistics", *keys)
        for column, key in (("read_bytes_total", "Bytes (Read)"), ("written_bytes_total", "Bytes (Write)"),
                            ("reads_total", "Operations (Read)"), ("writes_total", "Operations (Write)")):
            rows.expect(row, column, told(key))
        for column, key in (("read_ns_total", "Total Time (Read)"), ("write_ns_total", "Total Time (Write)")):
            value = told(key)
            rows.expect(row, column, value if isinstance(value, str) else value // 1000 * 1000)
        errors = [told("Errors (Read)"), told("Errors (Write)")]
        rows.expect(row, "errors_total", next((one for one in errors if isinstance(one, str)), None) or sum(errors))
        rows.expect(row, "size_bytes", driver[0].children[0].value(at, "Size"))
        for column in DISK_NEVER:
            rows.expect(row, column, "unsupported")
    expected = sum(driver.there(at) for at in rows.ticks[:-1] for driver in drivers)
    check(counted == expected and not rows.wrong, "%d values of %d rows of disks, %d expected: %s" %
          (rows.compared, len(rows.rows), expected, rows.wrong[:3]))


def accelerators(mac):
    return [entry for entry in registry.entries(mac) if entry.is_a("IOAccelerator")]


def is_asleep(gpu, at):
    return (gpu.value(at, "AGCInfo", "poweredOffByAGC") or 0) != 0


class Uses:
    """
    What processes used of a GPU, as one who looks at these times and nowhere between can know: each client
    counts with what it had when it was last seen, the sum begins anew when none of a pid's clients is left.
    """

    def __init__(self, mac, gpu, times):
        self.at, self.busy, self.begun = {}, {}, {}
        sums, last, busy, before = {}, {}, 0, None
        for at in times:
            if not gpu.there(at) or is_asleep(gpu, at):
                continue
            now = {}
            for client in gpu.children:
                pid = self.pid(client, at)
                used = self.used(mac, client, at)
                if pid is not None and client.there(at) and used is not None:
                    now[client.item["id"]] = (pid, used)
            pids = {pid for pid, _ in now.values()}
            kept = {pid for one, (pid, _) in now.items() if one in last}
            for pid in pids - kept:
                sums[pid] = 0
                self.begun[pid, at] = before
            for one, (pid, used) in now.items():
                step = max(used - last[one][1], 0) if one in last else used
                sums[pid] += step
                busy += step
            sums = {pid: total for pid, total in sums.items() if pid in pids}
            last, before = now, at
            self.at[at], self.busy[at] = dict(sums), busy

    @staticmethod
    def pid(client, at):
        if not client.item["class"].startswith(("AGXDeviceUserClient", "IGAccel")):
            return None
        creator = client.value(at, "IOUserClientCreator") or ""
        number = creator[4:].split(",")[0]
        return int(number) if creator.startswith("pid ") and "," in creator and number.isdigit() else None

    @staticmethod
    def used(mac, client, at):
        direct = client.value(at, "accumulatedGPUTime")
        if client.item["class"].startswith("IGAccel") and direct is not None:
            return direct
        usage = client.value(at, "AppUsage")
        return None if usage is None else sum(registry.value_of(mac, one, at, "accumulatedGPUTime") for one in usage)


def first_number(mac, gpu, at, *keys):
    told = [registry.number(mac, gpu.item["properties"], at, "PerformanceStatistics", key) for key in keys]
    return next((one for one in told if one != "unsupported"), "unsupported")


def scaled(value, scale, most=None):
    if isinstance(value, str):
        return value
    return "failed" if most is not None and value > most else value * scale


def expected_of_gpu(mac, gpu, at):
    def told(*keys):
        return first_number(mac, gpu, at, *keys)
    used, unused = told("vramUsedBytes"), told("vramFreeBytes")
    total = used if isinstance(used, str) else unused if isinstance(unused, str) else used + unused
    megabytes = told("VRAM,totalMB")
    heat = told("Temperature(C)")
    return {
        "utilization_ppm": scaled(told("Device Utilization %", "GPU Activity(%)"), 10**4, 100),
        "memory_used_bytes": told("vramUsedBytes", "inUseVidMemoryBytes", "In use system memory"),
        "memory_total_bytes": total if megabytes == "unsupported" else scaled(megabytes, 2**20),
        "temperature_millicelsius": scaled(heat, 1000, 127),
        "fan_ppm": scaled(told("Fan Speed(%)"), 10**4, 100),
        "core_clock_hz": scaled(told("Core Clock(MHz)"), 10**6),
        "memory_clock_hz": scaled(told("Memory Clock(MHz)"), 10**6),
        "power_mw": scaled(told("Total Power(W)"), 1000),
    }


def apple_gpu(mac, rows, row, at, uses):
    """Energy and clock as IOReport has them, which stand still while the GPU does not."""
    energies = [one for one in channels(mac, "Energy Model") if one["name"].endswith("GPU Energy")]
    if not energies:
        return {"energy_uj_total": "unsupported", "core_clock_hz": "unsupported"}
    values = [energy(mac, one, at) for one in energies]
    total = next((one for one in values if isinstance(one, str)), None) or sum(values)
    same = [time for time in rows.read if time <= at and
            all(energy(mac, one, time) == now for one, now in zip(energies, values))]
    since = same[0] if same and not isinstance(total, str) else at
    if mac.awake(at) - mac.awake(since) >= 5 * 10**9 and uses.busy.get(at, 0) > uses.busy.get(since, 0):
        total = "failed"
    clock = "unsupported"
    states = [one for one in channels(mac, "GPU Stats") if one["name"] == "GPUPH"]
    if states:
        place = rows.read.index(at)
        clock = mean_frequency(mac, states[0], table_of(mac, "voltage-states9"),
                               rows.read[place - 1] if place > 0 else None, at)
    return {"energy_uj_total": total, "core_clock_hz": clock}


def compare_gpu(mac, rows, row, gpu, at, uses):
    asleep = is_asleep(gpu, at)
    info = gpu.value(at, "AGCInfo")
    state = "asleep" if asleep else "awake" if info else ""
    if row["power_state"] != state:
        rows.wrong.append((row["time"], row["power_state"], state))
    expected = expected_of_gpu(mac, gpu, at)
    expected.update(apple_gpu(mac, rows, row, at, uses) if gpu.item["class"].startswith("AGX") and not asleep else {})
    for column, value in expected.items():
        rows.expect(row, column, "not sampled" if asleep else value)
    busy = "not sampled" if asleep else uses.busy.get(at, "not sampled")
    if not gpu.item["class"].startswith(("AGX", "Intel")):  # its clients do not tell
        busy = "unsupported"
    rows.expect(row, "busy_ns_total", busy if isinstance(busy, str) else busy // 1000 * 1000)


def gpu_name(gpu, at):
    node, model = gpu, None
    while node is not None and model is None:
        model, node = node.value(at, "model"), node.parent
        model = bytes(model["bytes"]).rstrip(b"\0").decode() if isinstance(model, dict) else model
    return "%s (%s)" % (model, gpu.item["class"]) if model else gpu.item["class"]


def check_gpus(mac, recording, export):
    rows = Rows(mac, export, recording, "gpu_samples")
    gpus, counted = accelerators(mac), 0
    uses = {gpu.item["id"]: Uses(mac, gpu, rows.ticks) for gpu in gpus}
    rows.read = [at for at in rows.ticks if any(gpu.there(at) and not is_asleep(gpu, at) for gpu in gpus
                                                if gpu.item["class"].startswith("AGX"))]
    for row in rows.rows:
        at = rows.read_at(row)
        found = [gpu for gpu in gpus if gpu.there(at) and gpu_name(gpu, at) == row["gpu"]]
        if not found:
            rows.wrong.append((row["time"], row["gpu"], "is not there"))
            continue
        counted += 1
        compare_gpu(mac, rows, row, found[0], at, uses[found[0].item["id"]])
    expected = sum(gpu.there(at) for at in rows.ticks[:-1] for gpu in gpus)
    check(counted == expected and not rows.wrong, "%d values of %d rows of GPUs, %d expected: %s" %
          (rows.compared, len(rows.rows), expected, rows.wrong[:3]))
    check_gpu_uses(mac, recording, export, gpus, uses)
    if not gpus:
        told = {row["collector"]: row for row in export(recording, "capability")}["gpu"]
        check(told["status"] == "not there" and "IOAccelerator" in told["reason"], "there is no GPU, and why it says")


def check_gpu_uses(mac, recording, export, gpus, uses):
    rows = Rows(mac, export, recording, "gpu_process_samples")
    have, used = {}, {}
    for row in rows.rows:
        at = rows.read_at(row)
        gpu = next(one for one in gpus if one.there(at) and gpu_name(one, at) == row["gpu"])
        told, pid = uses[gpu.item["id"]], int(row["pid"])
        total = told.at.get(at, {}).get(pid)
        have[gpu.item["id"], at] = have.get((gpu.item["id"], at), 0) + 1
        rows.expect(row, "gpu_ns_total", "not sampled" if total is None else total // 1000 * 1000)
        if total is None:
            continue
        series = used.setdefault((row["process_id"], gpu.item["id"]), [])
        if (pid, at) in told.begun or not series:
            series.append([0 if told.begun.get((pid, at)) is not None else total, total])
        series[-1][1] = total
    wrong = []
    for gpu in gpus:
        for at, sums in uses[gpu.item["id"]].at.items():
            tick = next((tick for tick in rows.ticks if tick > at), None)
            expected = sum(any(p.pid == pid and p.alive(at) and p.alive(tick) for p in mac.processes) for pid in sums) \
                if tick is not None else 0
            if have.get((gpu.item["id"], at), 0) != expected:
                wrong.append((at, have.get((gpu.item["id"], at)), expected))
    check(not wrong and not rows.wrong, "%d rows of processes on GPUs: %s %s" %
          (len(rows.rows), wrong[:3], rows.wrong[:3]))
    check_gpu_report(recording, used)


def check_gpu_report(recording, used):
    if not used:
        return
    seconds = {}
    for (process, _), series in used.items():
        seconds[process] = seconds.get(process, 0) + sum(end - begin for begin, end in series)
    told = {row["process_id"]: row for row in programs.read_csv(
        programs.analyze("report", recording, "--format", "csv", "--top", "0", "--columns", "process_id,gpu_seconds"))}
    wrong = [(process, told[process]["gpu_seconds"], ns) for process, ns in seconds.items()
             if abs(Fraction(told[process]["gpu_seconds"] or 0) * 10**9 - ns) > 5000]
    check(not wrong, "the report's GPU seconds of %d processes are the scenario's: %s" % (len(seconds), wrong[:3]))


UNITS = {"mJ": (1000, 1), "uJ": (1, 1), "µJ": (1, 1), "nJ": (1, 1000), "pJ": (1, 1000000)}


def channels(mac, group):
    return [one for one in (mac.machine.get("ioreport") or {}).get("channels", []) if one["group"] == group]


def energy(mac, channel, at):
    """Microjoules since the host started, or why there are none."""
    value = registry.value_of(mac, channel["value"], at)
    if channel["unit"].strip() not in UNITS:
        return "unsupported"
    times, divisor = UNITS[channel["unit"].strip()]
    return "failed" if value is None or value < 0 else value * times // divisor


def is_rail(name):
    own = name.split("_", 2)[2] if name.startswith("DIE_") else name
    return (own == "CPU Energy" or own.startswith(("ANE", "DRAM", "GPU SRAM")) or
            own in [tier + part for tier in "EMP" for part in ("CPU", "ACC_CPU", "ACC0_CPU", "ACC1_CPU")])


def table_of(mac, key):
    """In Hz; the chips up to M3 have Hz, later ones kHz for CPUs."""
    for entry in registry.entries(mac):
        if entry.is_a("AppleARMIODevice") and entry.item.get("name") == "pmgr":
            words = entry.item["properties"].get(key, {}).get("words", [])
            told = [hz for hz in words[::2] if hz != 0]
            return [hz if hz >= 10**8 else hz * 1000 for hz in told]
    return []


def mean_frequency(mac, channel, table, begin, end):
    """Of the time between two readings, or why there is none."""
    if begin is None:
        return "not sampled"
    states = [(name, registry.value_of(mac, spent, end) - registry.value_of(mac, spent, begin))
              for name, spent in channel["states"]]
    active = [spent for name, spent in states if name not in ("IDLE", "DOWN", "OFF", "NON_IDLE")]
    if len(active) != len(table):
        return "unsupported"
    if sum(active) == 0:
        return "not there"
    return sum(spent * hz for spent, hz in zip(active, table)) // sum(active)


def check_frequencies(mac, recording, export):
    rows = Rows(mac, export, recording, "cpu_samples")
    named = {one["name"]: one for one in channels(mac, "CPU Stats")}
    asked = rows.ticks[:1]  # once a second, which ticks may miss by a little
    for at in rows.ticks:
        asked += [at] if at - asked[-1] >= 9 * 10**8 else []
    told = {row["collector"]: row for row in export(recording, "capability")}["cpu"]
    for row in rows.rows:
        if not mac.machine.get("core_channels"):
            rows.expect(row, "frequency_hz", "unsupported")
            continue
        tick = rows.ticks.index(int(row["time_ns"]) - mac.wall_start)
        if tick == 0 or rows.ticks[tick - 1] not in asked:
            rows.expect(row, "frequency_hz", "not sampled")
            continue
        number = int(row["core"].split(",")[0].split()[1])
        name, table = mac.machine["core_channels"][number]
        place = asked.index(rows.ticks[tick - 1])
        begin = asked[place - 1] if place > 0 else None
        rows.expect(row, "frequency_hz", mean_frequency(mac, named[name], table_of(mac, "voltage-states%d-sram" % table),
                                                        begin, rows.ticks[tick - 1]))
    check(rows.rows and not rows.wrong, "%d frequencies of cores: %s" % (rows.compared, rows.wrong[:3]))
    check(("no frequency_hz" in told["reason"]) != bool(mac.machine.get("core_channels")),
          "it says whether it tells frequencies")


def check_power(mac, recording, export):
    rows = Rows(mac, export, recording, "power_samples")
    rails = {one["name"]: one for one in channels(mac, "Energy Model") if is_rail(one["name"])}
    times = {}
    for row in rows.rows:
        times.setdefault(row["rail"], []).append(rows.read_at(row))
    stalled = []
    for row in rows.rows:
        at = rows.read_at(row)
        expected = energy(mac, rails[row["rail"]], at)
        before = [time for time in times[row["rail"]] if time <= at - 5 * 10**9]
        still = all(before and energy(mac, rail, at) == energy(mac, rail, before[-1]) for name, rail in rails.items()
                    if name.endswith("CPU Energy"))
        if still and before and expected == energy(mac, rails[row["rail"]], before[-1]) and \
                not isinstance(expected, str):
            expected = "failed"
            stalled.append(row["rail"])
        rows.expect(row, "energy_uj_total", expected)
    gaps = {later - earlier for one in times.values() for earlier, later in zip(one, one[1:])}
    slept = any(length for _, length in mac.sleeps)
    check(set(times) == set(rails) and not rows.wrong and (slept or all(9 * 10**9 < gap <= 10**10 for gap in gaps)),
          "%d rows of %d rails, %d of them stalled: %s %s" % (len(rows.rows), len(rails), len(stalled),
                                                             rows.wrong[:3], gaps))
    told = {row["collector"]: row for row in export(recording, "capability")}["power"]
    if not rails:
        check(told["status"] == "not there" and "IOReport" in told["reason"], "there is no energy, and why it says")
    unknown = [one for one in rails.values() if one["unit"].strip() not in UNITS]
    check(not unknown or unknown[0]["name"] in told["reason"], "it says whose unit it does not know")


def sensors(mac):
    """By key: what it is, and its name."""
    if not any(entry.is_a("AppleSMC") for entry in registry.entries(mac)) or mac.machine["smc"].get("no_count"):
        return {}
    heat = {"Tp": "CPU", "Te": "CPU", "Ts": "CPU", "Tg": "GPU"}
    found = {}
    for key in (mac.machine.get("smc") or {}).get("keys", {}):
        what = heat.get(key[:2], "GPU" if key in ("TGDD", "TCGC") else None)
        what = "fan" if key[0] == "F" and key[2:] == "Ac" else what
        if what is not None:
            found["%s %s" % (what, key)] = key
    return found


def told_by_smc(mac, key, at):
    """Thousandths, as exactly as the key's type has them; None: it cannot be read."""
    item = mac.machine["smc"]["keys"][key]
    milli = registry.value_of(mac, item["milli"], at)
    if milli is None or item["type"] == "flt ":
        return milli
    parts = {"sp78": 256, "fpe2": 4}.get(item["type"], 1)
    return milli * parts // 1000 * 1000 // parts


def check_heat(mac, recording, export):
    rows = Rows(mac, export, recording, "thermal_samples")
    known = sensors(mac)
    for row in rows.rows:
        key, at = known[row["sensor"]], rows.read_at(row)
        milli = told_by_smc(mac, key, at)
        is_fan = key[0] == "F"
        if is_fan:
            expected = "failed" if milli is None else milli // 1000
        else:
            expected = "failed" if milli is None or not 0 < milli <= 150000 or milli == 128000 else milli
        rows.expect(row, "fan_rpm", expected if is_fan else "unsupported")
        rows.expect(row, "temperature_millicelsius", "unsupported" if is_fan else expected, 1)
    check({row["sensor"] for row in rows.rows} == set(known) and not rows.wrong,
          "%d rows of %d sensors: %s" % (len(rows.rows), len(known), rows.wrong[:3]))
    told = {row["collector"]: row for row in export(recording, "capability")}["thermal"]
    check(bool(known) or (told["status"] in ("not there", "partial") and "no temperatures" in told["reason"]),
          "it says why there are no temperatures" if not known else "there are temperatures")


def check_all(mac, recording, export):
    check_disks(mac, recording, export)
    check_power(mac, recording, export)
    check_frequencies(mac, recording, export)
    check_heat(mac, recording, export)
    check_gpus(mac, recording, export)
