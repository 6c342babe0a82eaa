#!/usr/bin/env python3
"""
What `procscope live` adds to the recorder's CPU time: one recorder, windows of 10 s in turn without
and with a viewer, so that what else the machine does falls on both alike.

usage: tools/bench_live.py BUILD SECONDS
"""
import statistics
import subprocess
import sys
import tempfile
import time

WINDOW = 10  # every tenth tick reads more than the others


def cpu_ns(pid):
    return time.clock_gettime_ns((~pid << 3) | 2)  # CPUCLOCK_SCHED of a process, all threads


def watch(build, path):
    viewer = subprocess.Popen([build + "/procscope", "live", path, "--format", "ndjson"],
                              stdout=subprocess.DEVNULL)
    time.sleep(1.5)
    return viewer


def measure(build, path, pid, seconds):
    """CPU ns a second, of each pair of windows: without a viewer, and with one; one first, then the other."""
    without, viewed = [], []
    for pair in range(max(1, seconds // (2 * WINDOW))):
        for with_viewer in (pair % 2 == 0, pair % 2 != 0):
            viewer = watch(build, path) if with_viewer else None
            (viewed if with_viewer else without).append(window(pid))
            if viewer is not None:
                viewer.kill()
                viewer.wait()
                time.sleep(0.5)
    return without, viewed


def window(pid):
    began, used = time.monotonic_ns(), cpu_ns(pid)
    time.sleep(WINDOW)
    return (cpu_ns(pid) - used) * 1e9 / (time.monotonic_ns() - began)


def main():
    build, seconds = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="procscope-bench-") as work:
        path = work + "/live.pscope"
        recorder = subprocess.Popen([build + "/procscoped", "-o", path, "-i", "1s"],
                                    stderr=subprocess.DEVNULL)
        try:
            time.sleep(5)
            without, viewed = measure(build, path, recorder.pid, seconds)
        finally:
            recorder.terminate()
            recorder.wait()
    # Of a busy machine the mean tells what else it did: medians of pairs do not heed that.
    plain = statistics.median(without)
    added = statistics.median(v - w for w, v in zip(without, viewed))
    print("without_us=%.0f with_us=%.0f added_percent=%.2f means_us=%.0f/%.0f seconds=%d" % (
        plain / 1000, (plain + added) / 1000, 100 * added / plain, statistics.mean(without) / 1000,
        statistics.mean(viewed) / 1000, WINDOW * (len(without) + len(viewed))))


main()
