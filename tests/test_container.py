"""
Containers as a recorder tells of them whose engine is right, dead, silent, slow byte by byte,
endless, or lies: what is true is recorded, what is not is missing, no tick waits for it, and memory
stays bounded.
"""

import os
import shutil
import socket
import subprocess
import time

import support_docker as docker
import support_programs as programs
from support_programs import check

SILENT = ("hang", "close", "dribble")
NONSENSE = ("garbage", "not-json", "deep", "many", "500", "redirect", "long", "endless",
            "endless-headers", "endless-continue")
BACK_AFTER_S = 14  # of an engine that was silent: a round is every 10 s
MEMORY_MOST = 40 << 20  # more than with an engine that is right

runs = {}


class Run:
    """A recorder and its engine."""

    def __init__(self, work, behaviour, *options):
        self.engine = docker.make(work, behaviour, behaviour)
        self.path = os.path.join(work, behaviour + ".pscope")
        self.recorder = programs.Recorder(
            self.path, "-i", "100ms", "--collectors", "container,memory,recorder", *options,
            environment={"DOCKER_HOST": "unix://" + self.engine.path,
                         "http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"})

    def peak_bytes(self):
        with open("/proc/%d/status" % self.recorder.process.pid, encoding="ascii") as status:
            lines = dict(line.split(":", 1) for line in status)
        return int(lines["VmHWM"].split()[0]) * 1024

    def rows(self, table):
        return programs.read_csv(programs.analyze("export", self.path, "--table", table,
                                                  "--format", "csv"))

    def events(self, kind):
        return [e for e in self.rows("event") if e["kind"] == kind]

    def silences(self):
        """What a busy machine adds, that the thread itself is late, is told without a reason."""
        return [e["detail"] for e in self.events("not_answering") if ": /containers/" in e["detail"]]

    def capability(self):
        return [row for row in self.rows("capability") if row["collector"] == "container"][-1]


def check_right(run):
    rows = run.rows("container_samples")
    web = [row for row in rows if row["container"] == "web (nginx:1.25)"]
    check(run.capability()["status"] == "ok", "the collector is there: %s" % run.capability())
    check(len(web) >= 2, "%d samples of the container" % len(web))
    first = web[0] if web else {}
    expected = {"memory_bytes": "8000000", "memory_limit_bytes": "64000000", "tasks": "5",
                "received_bytes_total": "101", "sent_bytes_total": "22",
                "io_read_bytes_total": "4100", "io_written_bytes_total": "512",
                "throttled_ns_total": "7000000", "state": "running", "restarts_total": "3"}
    for name, value in expected.items():
        check(first.get(name) == value, "%s is %s" % (name, first.get(name)))
    cpu = [int(row["cpu_ns_total"]) for row in web]
    check(cpu == sorted(cpu) and len(set(cpu)) == len(cpu), "CPU time grows: %s" % cpu)
    check([row["restarts_total"] for row in web[1:2]] == [""],
          "restarts are asked for once a minute")
    other = [row for row in rows if row["state"] == "paused"]
    check(len(other) == len(web) and other[0]["memory_bytes"] == "8000000", "a paused one, too")
    keys = {e["key"]: e["label"] for e in run.rows("entity") if e["kind"] == "container"}
    check(set(keys) == {docker.RUNNING, docker.OTHER}, "they are known by their ids: %s" % keys)
    check(not any(ord(c) < 32 for c in keys.get(docker.OTHER, "")), "a hostile name is escaped")
    check(run.engine.not_get == 0, "nothing but GET is asked for")
    check(not run.silences(), "and it is not said that it does not answer")


def check_kept_secret(work):
    with open(os.path.join(work, "right.pscope"), "rb") as recording:
        check(b"hunter2" not in recording.read(), "nothing of a container's environment is stored")


def check_ticks(run, name):
    ticks = [int(row["time_ns"]) for row in run.rows("memory_samples")]
    late = sum(int(e["value"]) for e in run.events("late"))
    expected = (ticks[-1] - ticks[0]) / 1e8
    check(len(ticks) + late >= 0.97 * expected - 3,
          "%s: %d ticks came and %d were late, of %.0f" % (name, len(ticks), late, expected))
    waited = [int(row["lateness_ns"]) for row in run.rows("recorder_samples") if row["lateness_ns"]]
    check(sorted(waited)[len(waited) // 2] < 1e8, "%s: half of them less than 100 ms late" % name)


def check_bad(name):
    run = runs[name]
    check(not run.rows("container_samples"), name + ": no sample")
    check(len(run.silences()) == 1,
          name + ": an event says that it does not answer, once")
    check("1" in [row["not_answering"] for row in run.rows("recorder_samples")
                  if row["collector"] == "container"], name + ": and so does recorder_samples")
    failures = [int(row["failures_total"]) for row in run.rows("recorder_samples")
                if row["collector"] == "container"]
    check((failures[-1] > 0) == (name in NONSENSE), "%s: %d failures" % (name, failures[-1]))
    said = "not answering" in run.recorder.said() and run.engine.path in run.recorder.said()
    check(said, name + ": the log says so")
    detail = "".join(run.silences())
    check(detail.startswith("container: %s: /containers/json: " % run.engine.path),
          name + ": with the reason: " + detail[len(run.engine.path) + 13:])
    check_ticks(run, name)


def check_lies():
    run = runs["lie"]
    rows = run.rows("container_samples")
    web = next(row for row in rows if row["container"] == "web (nginx:1.25)")
    first = [row for row in rows if row["time_ns"] == web["time_ns"]]
    check(len(first) == 256, "%d of 400 and more containers are recorded" % len(first))
    check(len({row["entity_id"] for row in first}) == len(first),
          "one that is listed twice is there once")
    numbers = {name: web[name] for name in web if name.endswith(("_total", "_bytes", "tasks"))}
    check(numbers.pop("restarts_total") == "3" and not any(numbers.values()),
          "impossible numbers are missing: %s" % numbers)
    check(all(row["cpu_ns_total"] == "" for row in first if row["state"] == "paused"),
          "another container's statistics are not taken")
    check(all(row["state"] in ("running", "paused", "created", "unknown") for row in first),
          "a state that there is not is unknown")
    check(len(run.events("left_out")) == 1, "an event tells that some are left out")
    check(not any(".." in path.split("?")[0] for path in run.engine.asked),
          "no id is taken for a path")
    check_ticks(run, "lie")


def check_slow_ones():
    """The list comes, what one asks about a container does not."""
    run = runs["stats-hang"]
    rows = run.rows("container_samples")
    check(rows and all(row["state"] for row in rows), "stats-hang: the containers are there")
    check(all(row["cpu_ns_total"] == "" for row in rows), "stats-hang: what they use is missing")
    check_ticks(run, "stats-hang")


def check_back():
    run = runs["hang"]
    check(run.rows("container_samples") != [], "hang: what answers again is recorded again")
    ended = run.events("answering")
    check(any(int(e["duration_ns"]) > 5e9 for e in ended),
          "hang: an event says so: %s" % ended)


def list_collectors(environment, *before):
    done = subprocess.run([*before, programs.RECORDER, "--list-collectors"], capture_output=True,
                          check=True, env={**os.environ, **environment})
    lines = done.stdout.decode().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("container"))
    return " ".join(lines[at:at + 3])


def check_capabilities(work):
    here = os.path.join(work, "caps")
    os.mkdir(here)
    engine = docker.make(here, "docker", "right")
    for host in ("tcp://me:secret@127.0.0.1:2375", "ssh://host", "npipe:////./pipe/x", "nonsense"):
        said = list_collectors({"DOCKER_HOST": host})
        check("unsupported" in said and "unix://" in said and "secret" not in said,
              "DOCKER_HOST=%s is refused: %s" % (host, said[:80]))
    check("not there" in list_collectors({"DOCKER_HOST": "unix://" + here + "/nothing.sock"}),
          "a socket that is not there")
    with open(os.path.join(here, "file"), "w", encoding="ascii"):
        pass
    check("not there" in list_collectors({"DOCKER_HOST": "unix://" + here + "/file"}),
          "a file is no socket")
    said = list_collectors({"DOCKER_HOST": "unix://" + engine.path})
    check(said.split()[1] == "ok", "one that is: " + said[:80])
    said = list_collectors({"DOCKER_HOST": "", "XDG_RUNTIME_DIR": here})
    check(said.split()[1] == "ok" or os.path.exists("/var/run/docker.sock"),
          "one of a user's own engine: " + said[:80])
    if os.getuid() == 0 and shutil.which("setpriv"):
        os.chmod(work, 0o755)
        os.chmod(engine.path, 0o600)
        said = list_collectors({"DOCKER_HOST": "unix://" + engine.path},
                               "setpriv", "--reuid", "65534", "--clear-groups")
        check("not permitted" in said and "group" in said, "one that is closed to us: " + said)
    engine.close()
    said = list_collectors({"DOCKER_HOST": "unix://" + engine.path})
    check("partial" in said and "nobody listens" in said, "a dead one: " + said[:120])


def check_dead(work):
    """Nobody listens when recording begins; somebody does later."""
    path = os.path.join(work, "dead.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    recorder = programs.Recorder(os.path.join(work, "dead.pscope"), "-i", "100ms", "--collectors",
                                 "container,memory", environment={"DOCKER_HOST": "unix://" + path})
    time.sleep(1)
    os.unlink(path)
    engine = docker.Engine(path)
    return recorder, engine


def check_nothing_refused(work):
    """The sandbox allows all that libcurl does."""
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "-o", "/dev/null", "true"], check=False,
                                        capture_output=True).returncode != 0:
        print("not checked: what the sandbox refuses (no strace)")
        return
    engine = docker.make(work, "traced", "right")
    trace = os.path.join(work, "trace")
    recorder = programs.Recorder(
        os.path.join(work, "traced.pscope"), "-i", "100ms", "--collectors", "container", "-d", "2s",
        before=(strace, "-D", "-f", "-qq", "-e", "status=failed", "-o", trace),
        environment={"DOCKER_HOST": "unix://" + engine.path})
    recorder.process.wait(timeout=60)
    with open(trace, encoding="utf-8", errors="replace") as lines:
        refused = [line for line in lines if "ENOSYS" in line and "clone3" not in line]
    check(engine.asked and not refused, "nothing is refused: %s" % refused[:3])


def main():
    programs.need_programs()
    if "built with" in list_collectors({"DOCKER_HOST": "unix:///nothing"}):
        programs.skip("built without libcurl")
    plain = b"sanitizer" not in subprocess.run([programs.RECORDER, "--list-collectors"],
                                               capture_output=True, check=True).stdout
    with programs.work_directory() as work:
        for name in ("right", "lie", "stats-hang") + SILENT + NONSENSE:
            runs[name] = Run(work, name)
        dead, revived = check_dead(work)
        check_capabilities(work)
        if plain:
            check_nothing_refused(work)
        time.sleep(3)
        runs["hang"].engine.behaviour = "right"
        time.sleep(BACK_AFTER_S)
        peaks = {name: run.peak_bytes() for name, run in runs.items()}
        for name, run in runs.items():
            begin = time.monotonic()
            check(run.recorder.stop() == 0 and time.monotonic() - begin < 20, name + ": it ends")
            run.engine.close()
        check(dead.stop() == 0 and revived.asked, "an engine that came later is asked")
        check_right(runs["right"])
        check_kept_secret(work)
        check_ticks(runs["right"], "right")
        for name in SILENT[1:] + NONSENSE:
            check_bad(name)
        check_back()
        check_ticks(runs["hang"], "hang")
        check_lies()
        check_slow_ones()
        for name, peak in peaks.items() if plain else ():
            check(peak - peaks["right"] < MEMORY_MOST,
                  "%s: %.1f MB of memory at most" % (name, peak / 1e6))
    programs.finish()


main()
