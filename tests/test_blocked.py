"""
A source that never answers does not stop the sampler: a process whose memory map is locked, so that
its command line cannot be read. It is told with the time since when, all else is recorded, the
recorder ends when it is told to, and that it answers again is told too.
"""

import os
import subprocess
import sys
import time

import support_fuse as fuse
import support_programs as programs
from support_programs import check

INSIDE = "PROCSCOPE_TEST_INSIDE"
HERE = os.path.dirname(os.path.abspath(__file__))
LOCKED = os.path.join(HERE, "support_locked_map.py")
INTERVAL_S = 0.1
children = []  # to be ended whatever happens: what they hold open would keep the test's caller waiting


def start(*command, **options):
    child = subprocess.Popen(command, **options)
    children.append(child)
    return child


def record(path):
    # The leak sanitizer, where that is built in, would wait at the end for the thread that hangs.
    options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    recorder = programs.Recorder(path, "-i", "100ms", environment={"ASAN_OPTIONS": options})
    children.append(recorder.process)
    return recorder


def own_mounts():
    """Go on in a mount namespace of our own: no mount is left behind, root or not."""
    if os.environ.get(INSIDE):
        return
    command = ["unshare", "--mount"]
    if os.getuid() != 0:
        command += ["--user", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        programs.skip("this machine forbids mount namespaces (%s)" % " ".join(command))
    os.execvpe("unshare", [*command, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})


def mount(path):
    os.mkdir(path)
    try:
        return fuse.Fuse(path)
    except OSError as error:
        programs.skip("this machine forbids FUSE mounts: %s" % error)


def locked_process(path):
    process = start(sys.executable, LOCKED, path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    text=True)
    if process.stdout.readline() != "locking\n":
        programs.skip("no process could be made whose memory map is locked")
    time.sleep(0.2)  # from its word to its lock
    reader = start("cat", "/proc/%d/cmdline" % process.pid, stdout=subprocess.DEVNULL)
    try:
        reader.wait(timeout=1)
        programs.skip("on this kernel a locked memory map does not block readers of cmdline")
    except subprocess.TimeoutExpired:
        reader.kill()
        reader.wait()
    return process


def rows(path, table):
    return programs.read_csv(programs.analyze("export", path, "--table", table, "--format", "csv"))


def await_log(recorder, text, seconds=30):
    deadline = time.monotonic() + seconds
    while text not in recorder.said() and time.monotonic() < deadline:
        time.sleep(0.05)
    return text in recorder.said()


def events(path, kind, what):
    return [e for e in rows(path, "event") if e["kind"] == kind and what in e["detail"]]


def check_sampling(path, pid):
    """Between the onset of the last hang and its end ticks came as before."""
    ticks = [int(row["time_ns"]) for row in rows(path, "memory_samples")]
    about = "pid %d" % pid
    begin = max(int(e["time_ns"]) for e in events(path, "not_answering", about))
    end = min(int(e["time_ns"]) for e in events(path, "answering", about))
    late = sum(int(e["value"]) for e in events(path, "late", "")
               if begin <= int(e["time_ns"]) <= end)
    during = sum(begin <= t < end for t in ticks)
    expected = (end - begin) / 1e9 / INTERVAL_S
    check(end - begin > 1e9 and during + late >= expected - 3,
          "%d ticks came while sources hung, %.0f expected" % (during, expected))
    check(late <= expected / 4, "%d ticks were missed, as a busy machine may" % late)


def check_locked(path, pid):
    first = min(int(row["time_ns"]) for row in rows(path, "memory_samples"))
    for what in ("names", "memory"):
        begun, ended = (events(path, kind, "%s of pid %d" % (what, pid))
                        for kind in ("not_answering", "answering"))
        check(len(begun) == 1 and begun[0]["value"] == str(pid),
              "a locked memory map is an event, once: %s" % [e["detail"] for e in begun])
        check(len(ended) == 1 and int(ended[0]["duration_ns"]) >= 2e9,
              "and its end another: %s" % [e["duration_ns"] for e in ended])
        check(what == "memory" or all(int(e["time_ns"]) - first < 3e9 for e in begun),
              "it says since when")


def read_memory(path):
    """The processes whose PSS was read."""
    return {row["pid"] for row in rows(path, "process_detail_samples") if row["pss_bytes"] != ""}


def check_others_memory(path, locked, seconds=60):
    """PSS of others goes on being read, by another thread; it is in the sample of the next run."""
    deadline = time.monotonic() + seconds
    while len(read_memory(path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
    read = read_memory(path)
    check(len(read) >= 2 and str(locked) not in read,
          "PSS was read of %d other processes" % len(read))


def record_hangs(work, server, locked):
    path = os.path.join(work, "a.pscope")
    recorder = record(path)
    check(await_log(recorder, "names of pid %d: not answering since 2" % locked.pid),
          "the log says so of the locked process")
    check(await_log(recorder, "memory of pid %d: not answering since 2" % locked.pid, 60),
          "and that its memory cannot be measured")
    check_others_memory(path, locked.pid)
    later = start("sleep", "1000")
    time.sleep(2)
    server.release()
    check(await_log(recorder, "names of pid %d: answers again" % locked.pid) and
          await_log(recorder, "memory of pid %d: answers again" % locked.pid),
          "the log says when it answers again")
    time.sleep(0.5)
    check(recorder.stop() == 0, "the recording ends as it should")
    check_locked(path, locked.pid)
    check_sampling(path, locked.pid)
    names = {row["pid"]: row["cmdline"] for row in programs.report(path, "--top", "0",
                                                                   columns="pid,cmdline")}
    check(names.get(str(later.pid)) == "sleep 1000", "what began meanwhile has its name")
    check("support_locked_map" in names.get(str(locked.pid), ""), "and so has the locked one")
    for collector in ("process", "process_detail"):
        waiting = [row["not_answering"] for row in rows(path, "recorder_samples")
                   if row["collector"] == collector]
        check("1" in waiting and waiting[-1] == "0", "recorder_samples counts reads that hang")


def stop_while_it_hangs(work, server):
    server.hold(fuse.READ)
    locked = locked_process(os.path.join(server.path, "file"))
    path = os.path.join(work, "b.pscope")
    recorder = record(path)
    await_log(recorder, "names of pid %d: not answering" % locked.pid)
    begin = time.monotonic()
    check(recorder.stop() == 0 and time.monotonic() - begin < 20,
          "it ends while a read hangs, after %.1f s" % (time.monotonic() - begin))
    check(len(events(path, "not_answering", "names of pid %d" % locked.pid)) == 1 and
          events(path, "answering", "pid %d" % locked.pid) == [], "with its beginning in the recording and no end")
    programs.analyze("verify", path)
    server.release()
    locked.communicate()


def main():
    programs.need_programs()
    own_mounts()
    with programs.work_directory() as work:
        server = mount(os.path.join(work, "hanging"))
        try:
            server.hold(fuse.READ)
            locked = locked_process(os.path.join(server.path, "file"))
            record_hangs(work, server, locked)
            locked.communicate()
            stop_while_it_hangs(work, server)
        finally:
            server.close()
            for child in children:
                child.kill()
                child.wait()
    programs.finish()


main()
