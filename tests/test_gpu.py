"""
GPUs from end to end, with a double of NVIDIA's library (tests/double_nvml.c): the export equals what the
library said, to the microjoule; two processes share a GPU; a library that hangs costs no tick, is told
with the time since when, and keeps nobody from ending.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

import support_programs as programs
from support_programs import check

LIBRARIES = os.path.join(programs.BUILD, "tests", "nvml")
INITIAL_PID_NAMESPACE = 4026531836
INTERVAL_S = 0.1

GPUS = """gpus 2
gpu 0 bus 1
gpu 0 name Double, with energy
gpu 0 utilization {together} 20
gpu 0 memory 3145728 104857600
gpu 0 power 250000
gpu 0 energy 4611686018427 987654321
gpu 1 bus 2
gpu 1 name Double, power only
gpu 1 power 100003
process 0 compute {first} 1048576
process 0 compute {second} 2097152
process 0 compute 2147483646 5
sample 0 {first} {part} 15 0 0
sample 0 {second} 31 5 0 0
log {log}
"""


def order(path, text):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)


def record(work, name, *options, before=()):
    environment = {
        "LD_LIBRARY_PATH": LIBRARIES + ":" + os.environ.get("LD_LIBRARY_PATH", ""),
        "PROCSCOPE_DOUBLE_NVML": os.path.join(work, "orders"),
        # The leak sanitizer, where that is built in, would wait at the end for the thread that hangs.
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0",
    }
    return programs.Recorder(os.path.join(work, name), "-i", "100ms", *options,
                             before=before, environment=environment)


def rows(path, table):
    return programs.read_csv(programs.analyze("export", path, "--table", table, "--format", "csv"))


def await_rows(seconds, done):
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.1)
    return done()


def says(recorder, what):
    """Of the library; on a busy machine other sources may not answer either."""
    return any("gpu: nvml" in line and what in line for line in recorder.said().splitlines())


def unanswered(path, kind):
    return [e for e in rows(path, "event") if e["kind"] == kind and "gpu: nvml" in e["detail"]]


def logged(path, what):
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as file:
        return [int(line.split()[2]) for line in file if line.startswith(what + " ")]


def truth(work, loads):
    log, path = os.path.join(work, "log"), os.path.join(work, "a.pscope")
    first, second = (load.pid for load in loads)
    orders = os.path.join(work, "orders")
    order(orders, GPUS.format(together=75, first=first, second=second, part=44, log=log))
    recorder = record(work, "a.pscope")
    await_rows(30, lambda: len(logged(log, "energy 0")) >= 6)
    check(recorder.stop() == 0, "it records and ends")

    gpus = rows(path, "gpu_samples")
    with_energy = [row for row in gpus if row["gpu"] == "Double, with energy"]
    without = [row for row in gpus if row["gpu"] == "Double, power only"]
    said = [mj * 1000 for mj in logged(log, "energy 0")]
    exported = [int(row["energy_uj_total"]) for row in with_energy]
    at = said.index(exported[0]) if exported and exported[0] in said else -1
    check(len(exported) >= 4 and at >= 0 and said[at:at + len(exported)] == exported,
          "%d readings of energy are what the library said, to the microjoule" % len(exported))
    check(len(without) == len(with_energy) and
          all(row["energy_uj_total"] == "" and row["power_mw"] == "100003" for row in without),
          "a GPU with power only has no energy, and its power")

    uses = rows(path, "gpu_process_samples")
    for time_ns in {row["time_ns"] for row in uses}:
        now = {row["pid"]: row for row in uses if row["time_ns"] == time_ns}
        if set(now) != {str(first), str(second)}:
            check(False, "rows of both processes and of no other: %s" % sorted(now))
            break
        total = next(row["utilization_ppm"] for row in with_energy if row["time_ns"] == time_ns)
        if sum(int(row["utilization_ppm"]) for row in now.values()) != int(total):
            check(False, "shares sum to the GPU's %s: %s" % (total, now))
            break
    else:
        check(len(uses) > 0, "the shares of two processes sum to the GPU's, %d rows" % len(uses))
    check({row["memory_bytes"] for row in uses if row["pid"] == str(second)} == {"2097152"} and
          {row["gpu"] for row in uses} == {"Double, with energy"}, "with their memory, on that GPU")
    programs.analyze("verify", path)


def hang(work, function):
    """It works, hangs for a while, works again."""
    log, name = os.path.join(work, "log-" + function), function + ".pscope"
    orders, path = os.path.join(work, "orders"), os.path.join(work, name)
    text = GPUS.format(together=75, first=1, second=2, part=44, log=log)
    order(orders, text)
    recorder = record(work, name)
    await_rows(30, lambda: len(logged(log, "energy 0")) >= 3)
    order(orders, text + "hang %s 6\n" % function)
    check(await_rows(30, lambda: says(recorder, "not answering since")),
          "the log tells of a library that hangs in %s" % function)
    order(orders, text)
    check(await_rows(30, lambda: says(recorder, "answers again")), "and that it answers again")
    answered = len(logged(log, "energy 0"))
    await_rows(30, lambda: len(logged(log, "energy 0")) >= answered + 3)
    check(recorder.stop() == 0, "it ends as it should")
    check_ticks(path)


def check_ticks(path):
    events = rows(path, "event")
    begun, ended = unanswered(path, "not_answering"), unanswered(path, "answering")
    check(len(begun) == 1 and len(ended) == 1 and begun[0]["detail"].startswith("gpu: nvml: 0000:0"),
          "one event says which GPU: %s" % [e["detail"] for e in begun])
    if not begun or not ended:
        return
    begin, end = int(begun[0]["time_ns"]), int(ended[0]["time_ns"])
    check(end - begin >= 4e9 and int(ended[0]["duration_ns"]) == end - begin,
          "with its time, %.1f s" % ((end - begin) / 1e9))
    ticks = [int(row["time_ns"]) for row in rows(path, "memory_samples")]
    late = sum(int(e["value"]) for e in events
               if e["kind"] == "late" and begin <= int(e["time_ns"]) <= end)
    during = sum(begin <= t < end for t in ticks)
    expected = (end - begin) / 1e9 / INTERVAL_S
    check(during + late >= expected - 3, "%d ticks came meanwhile and %d were missed for other "
          "reasons, %.0f expected" % (during, late, expected))
    waiting = [row["not_answering"] for row in rows(path, "recorder_samples")
               if row["collector"] == "gpu"]
    check("1" in waiting and waiting[-1] == "0", "recorder_samples counts it while it lasts")
    after = [row for row in rows(path, "gpu_samples") if int(row["time_ns"]) >= end]
    check(len(after) > 0, "rows come again")
    programs.analyze("verify", path)


def beside_another(work):
    """What one library hangs in does not concern another driver's GPU."""
    devices = os.path.join(work, "devices")
    shutil.copytree(os.path.join(programs.SOURCE, "tests/fixtures/gpu-amd/sys/bus/pci/devices"),
                    devices, symlinks=True)
    before = ["unshare", "--mount", "bash", "-c",
              'mount --bind "$0" /sys/bus/pci/devices && exec "$@"', devices]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode != 0:
        print("not judged: two drivers' GPUs, for want of a mount namespace or of /sys/bus/pci")
        return
    log, orders, path = (os.path.join(work, name) for name in ("log-two", "orders", "c.pscope"))
    text = GPUS.format(together=75, first=1, second=2, part=44, log=log)
    order(orders, text)
    recorder = record(work, "c.pscope", before=before)
    await_rows(30, lambda: len(logged(log, "energy 0")) >= 3)
    order(orders, text + "hang nvmlDeviceGetPowerUsage 60\n")
    await_rows(30, lambda: says(recorder, "not answering since"))
    time.sleep(3)
    check(recorder.stop() == 0, "with GPUs of two drivers it ends while one hangs")
    begin = max(int(e["time_ns"]) for e in unanswered(path, "not_answering"))
    gpus = [row for row in rows(path, "gpu_samples") if int(row["time_ns"]) > begin]
    other = [row for row in gpus if row["gpu"].startswith("amdgpu")]
    hung = [row for row in gpus if row["gpu"] == "Double, with energy"]
    check(len(other) >= 3 and all(row["power_mw"] == "143000" for row in other),
          "one that works is read on, %d rows" % len(other))
    check(len(hung) == len(other) and hung[-1]["power_mw"] == "" and
          hung[-1]["energy_uj_total"] == "", "the other has rows without values")


def start_and_end_while_it_hangs(work):
    order(os.path.join(work, "orders"), "hang nvmlInit_v2 60\n")
    begin = time.monotonic()
    recorder = record(work, "b.pscope")
    check(time.monotonic() - begin < 20, "a library that hangs from the start delays it by %.1f s" %
          (time.monotonic() - begin))
    await_rows(30, lambda: says(recorder, "not answering since"))
    path = os.path.join(work, "b.pscope")
    check(await_rows(60, lambda: len(rows(path, "memory_samples")) > 10), "all else is recorded")
    begin = time.monotonic()
    check(recorder.stop() == 0 and time.monotonic() - begin < 20,
          "it ends while the library hangs, after %.1f s" % (time.monotonic() - begin))
    found = [row for row in rows(path, "capability") if row["collector"] == "gpu"]
    check(found[0]["status"] == "partial" and "does not answer yet" in found[0]["reason"],
          "the recording says so: %s" % found[0]["reason"])
    programs.analyze("verify", path)


def main():
    programs.need_programs()
    if not os.path.exists(os.path.join(LIBRARIES, "libnvidia-ml.so.1")):
        programs.skip("no double of NVIDIA's library in " + LIBRARIES)
    loads = [subprocess.Popen(["sleep", "1000"]) for _ in range(2)]
    try:
        with programs.work_directory() as work:
            if os.stat("/proc/self/ns/pid").st_ino == INITIAL_PID_NAMESPACE:
                truth(work, loads)
            else:
                print("not judged: processes on GPUs, whose pids are not known in a pid namespace")
            hang(work, "nvmlDeviceGetPowerUsage")
            beside_another(work)
            start_and_end_while_it_hangs(work)
    finally:
        for load in loads:
            load.send_signal(signal.SIGKILL)
            load.wait()
    programs.finish()


if __name__ == "__main__":
    sys.exit(main())
