"""
What `procscope live` adds to the recorder's CPU time. Two recorders run side by side, and the viewer
sits now at the one, now at the other, for 10 s each: what else the machine does falls on both alike,
in the same seconds, and what tells the two apart cancels out over two windows.

usage: tools/bench_live.py BUILD SECONDS
"""
import math
import statistics
import subprocess
import sys
import tempfile
import time

WINDOW = 10  # every tenth tick reads more than the others


def cpu_ns(pid):
    return time.clock_gettime_ns((~pid << 3) | 2)  # CPUCLOCK_SCHED of a process, all threads


def record(build, path):
    return subprocess.Popen([build + "/procscoped", "-o", path, "-i", "1s"], stderr=subprocess.DEVNULL)


def watch(build, path):
    viewer = subprocess.Popen([build + "/procscope", "live", path, "--format", "ndjson"],
                              stdout=subprocess.DEVNULL)
    time.sleep(1.5)
    return viewer


def window(pids):
    """CPU ns a second of each recorder."""
    began, used = time.monotonic_ns(), [cpu_ns(pid) for pid in pids]
    time.sleep(WINDOW)
    passed = time.monotonic_ns() - began
    return [(cpu_ns(pid) - before) * 1e9 / passed for pid, before in zip(pids, used)]


def measure(build, paths, pids, seconds):
    """CPU ns a second of who has no viewer and of who has one, in each window."""
    without, viewed = [], []
    for number in range(max(2, seconds // WINDOW // 2 * 2)):
        at = (number + number // 2) % 2  # 0 1 1 0: what drifts falls on both alike, too
        viewer = watch(build, paths[at])
        used = window(pids)
        viewer.kill()
        viewer.wait()
        time.sleep(0.5)
        viewed.append(used[at])
        without.append(used[1 - at])
    return without, viewed


def main():
    build, seconds = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="procscope-bench-") as work:
        paths = [work + "/one.pscope", work + "/other.pscope"]
        recorders = [record(build, path) for path in paths]
        try:
            time.sleep(5)
            without, viewed = measure(build, paths, [r.pid for r in recorders], seconds)
        finally:
            for recorder in recorders:
                recorder.terminate()
                recorder.wait()
    # Of two windows each, so that a recorder that costs more than the other adds nothing.
    added = [100 * (sum(viewed[i:i + 2]) / sum(without[i:i + 2]) - 1) for i in range(0, len(viewed), 2)]
    error = statistics.stdev(added) / math.sqrt(len(added)) if len(added) > 1 else float("nan")
    print("without_us=%.0f added_percent=%.2f mean_percent=%.2f standard_error=%.2f means_us=%.0f/%.0f "
          "seconds=%d" % (statistics.median(without) / 1000, statistics.median(added),
                          statistics.mean(added), error, statistics.mean(without) / 1000,
                          statistics.mean(viewed) / 1000, WINDOW * len(viewed)))


main()
