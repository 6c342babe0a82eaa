"""
Cgroups of this host: a group with limits is recorded with them; that a process in it was killed for
lack of memory, and that it was stopped at its CPU limit, are events and counters.
"""

import os
import subprocess
import sys
import time

import support_programs as programs
from support_programs import check

MEMORY_LIMIT = 48 << 20
SAMPLE_S = 10
NAME = "procscope-test-%d" % os.getpid()


class Group:
    """One group, in one hierarchy of version 2 or two of version 1."""

    def __init__(self):
        mounts = {}
        with open("/proc/self/mountinfo", encoding="utf-8") as lines:
            for line in lines:
                left, right = line.split(" - ", 1)
                kind, _, options = right.split()[:3]
                if kind in ("cgroup", "cgroup2"):
                    mounts[kind if kind == "cgroup2" else options] = left.split()[4]
        one = {name: point for options, point in mounts.items() for name in options.split(",")}
        if "cpu" in one and "memory" in one:
            self.cpu, self.memory, self.version = one["cpu"], one["memory"], 1
        elif "cgroup2" in one:
            self.cpu = self.memory = one["cgroup2"]
            self.version = 2
        else:
            programs.skip("no hierarchy of cgroups with the controllers cpu and memory")
        self.cpu, self.memory = os.path.join(self.cpu, NAME), os.path.join(self.memory, NAME)

    def make(self):
        try:
            for path in {self.cpu, self.memory}:
                os.mkdir(path)
            if self.version == 1:
                write(self.cpu, "cpu.cfs_period_us", "100000")
                write(self.memory, "memory.limit_in_bytes", MEMORY_LIMIT)
            else:
                write(self.cpu, "cpu.max", "max 100000")
                write(self.memory, "memory.max", MEMORY_LIMIT)
        except OSError as error:
            programs.skip("this machine lets us make no cgroup with limits: %s" % error)

    def limit_cpu(self):
        """So low that a busy machine gives it more."""
        if self.version == 1:
            write(self.cpu, "cpu.cfs_quota_us", "1000")
        else:
            write(self.cpu, "cpu.max", "1000 100000")

    def remove(self):
        for path in {self.cpu, self.memory}:
            for _ in range(100):
                try:
                    os.rmdir(path)
                    break
                except FileNotFoundError:
                    break
                except OSError:  # a process is on its way out
                    time.sleep(0.05)

    def run(self, *command):
        join = "; ".join("echo $$ >%s/cgroup.procs" % path for path in {self.cpu, self.memory})
        return subprocess.Popen(["sh", "-c", join + '; exec "$@"', "sh", *command])

    def kills(self):
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        with open(os.path.join(self.memory, name), encoding="ascii") as lines:
            return int(dict(line.split() for line in lines).get("oom_kill", 0))

    def throttled(self):
        with open(os.path.join(self.cpu, "cpu.stat"), encoding="ascii") as lines:
            return int(dict(line.split() for line in lines)["nr_throttled"])

    def used_ns(self):
        if self.version == 2:
            with open(os.path.join(self.cpu, "cpu.stat"), encoding="ascii") as lines:
                return 1000 * int(dict(line.split() for line in lines)["usage_usec"])
        return None  # cpuacct may be elsewhere


def write(directory, name, value):
    with open(os.path.join(directory, name), "w", encoding="ascii") as file:
        file.write(str(value))


def rows(path, table):
    return programs.read_csv(programs.analyze("export", path, "--table", table, "--format", "csv"))


def record(path, group):
    """From before anything happens until after a sample behind it. The process to be ended."""
    recorder = programs.Recorder(path, "-i", "200ms", "--collectors", "cgroup,memory")
    time.sleep(1)
    hog = group.run(sys.executable, "-c", "a = []\nwhile True: a.append(bytearray(1 << 20))")
    deadline = time.monotonic() + 60
    while hog.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    if hog.poll() is None or group.kills() == 0:
        hog.kill()
        print("not checked: kills (the hog was not killed: it may swap)")
    busy = group.run("sh", "-c", "while :; do :; done")
    time.sleep(1)
    group.limit_cpu()
    time.sleep(2 * SAMPLE_S + 2)
    check(recorder.stop() == 0, "the recording ends as it should")
    return busy


def check_recording(path, group):
    events = {(e["kind"], e["detail"]): e for e in rows(path, "event")}
    samples = [row for row in rows(path, "cgroup_samples") if row["cgroup"] == "/" + NAME]
    check(len(samples) >= 2, "%d samples of the group" % len(samples))
    last = samples[-1]
    check(last["cpu_limit_ppm"] == "10000" and last["memory_limit_bytes"] == str(MEMORY_LIMIT),
          "with its limits: %s, %s" % (last["cpu_limit_ppm"], last["memory_limit_bytes"]))
    check(last["tasks_limit"] == "", "one that is not set is missing")
    throttled = events.get(("throttle", "/" + NAME))
    parts = [(int(b["throttled_ns_total"]) - int(a["throttled_ns_total"]))
             / (int(b["time_ns"]) - int(a["time_ns"])) for a, b in zip(samples, samples[1:])]
    print("throttled for these parts of the time: %s" % parts)
    if not any(0.09 < part < 0.11 for part in parts):  # a read is a tick before its sample's time
        check((max(parts) > 0.1) == (throttled is not None),
              "an event tells if it was: %s" % throttled)
    check(0 <= int(last["throttled_total"]) <= group.throttled(), "so does a counter")
    if group.kills() > 0:
        killed = events.get(("oom_kill", "/" + NAME))
        check(killed is not None and int(killed["value"]) == group.kills(),
              "so is a kill: %s" % killed)
        check(int(last["oom_kills_total"]) == group.kills(), "and its counter")
        check(0 < int(last["memory_peak_bytes"] or MEMORY_LIMIT) <= MEMORY_LIMIT,
              "the peak is below the limit")
    if group.used_ns() is not None:
        check(0 < int(last["cpu_ns_total"]) <= group.used_ns(),
              "CPU time is at most what it is later")
    check(all(e["kind"] != "oom_kill" or e["detail"] == "/" + NAME for e in events.values()
              if NAME in e["detail"]), "no other group is told of")


def main():
    programs.need_programs()
    group = Group()
    processes = []
    try:
        group.make()
        processes.append(group.run("sleep", "1000"))
        with programs.work_directory() as work:
            path = os.path.join(work, "a.pscope")
            processes.append(record(path, group))
            check_recording(path, group)
            check(programs.analyze("verify", path).startswith(b"ok"), "verify finds nothing amiss")
    finally:
        for process in processes:
            process.kill()
            process.wait()
        group.remove()
    programs.finish()


main()
