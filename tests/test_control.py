#!/usr/bin/env python3
"""
The control socket from outside: what each command does, and that nobody who is silent, slow, hostile
or a stranger keeps it from answering or the recorder from recording.
"""
import array
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import time

import support_programs as programs
from support_programs import check

NOBODY = 65534
GROUP = 54321
TIMEOUT = 30


def command(*arguments, timeout=TIMEOUT, **options):
    return subprocess.run([programs.ANALYZER, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=timeout, **options)


def status(path, *options):
    done = command("status", path, "--format", "json", *options)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def wait_until(holds, seconds=TIMEOUT):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(path)  # waits where the queue of those who wait is full
    client.settimeout(TIMEOUT)
    return client


def say(path, data):
    """What the recorder answers to these bytes, until it hangs up."""
    with connect(path) as client:
        try:
            client.sendall(data)
        except OSError:
            pass
        answer = b""
        while True:
            try:
                more = client.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            answer += more
        return answer


def sockets_of(recorder):
    """How many it has open."""
    folder = "/proc/%d/fd/" % recorder.process.pid
    count = 0
    for name in os.listdir(folder):
        try:
            count += os.readlink(folder + name).startswith("socket:")
        except OSError:
            pass
    return count


def marks(path):
    return [row for row in programs.read_csv(programs.analyze("export", path, "--table", "event",
                                                              "--format", "csv"))
            if row["kind"] == "mark"]


# --- what the commands do -------------------------------------------------------------------------

def commands(work):
    path = work + "/a.pscope"
    recorder = programs.Recorder(path, "-i", "100ms")
    told = status(path)
    check(told.get("pid") == recorder.process.pid, "status names the recorder's pid")
    check(told.get("recording") == os.path.realpath(path), "and its recording")
    check(told.get("interval_ns") == 100000000, "and its interval")
    check(told.get("trouble", "") is None, "writing works")
    check({c["name"]: c["status"] for c in told.get("collectors", [])}.get("process")
          in ("ok", "partial"), "the collector of processes works")
    check(wait_until(lambda: status(path).get("ticks", 0) > told.get("ticks", 0)), "ticks go on")
    table = command("status", path).stdout.decode()
    check("pid %d" % recorder.process.pid in table and "writing      works" in table,
          "the same for people")

    text = "deploy of 14:03, caf\u00e9 'x'"
    check(command("mark", path, text).returncode == 0, "a mark is taken")
    check(wait_until(lambda: marks(path)), "it is in the recording")
    found = marks(path)
    check(len(found) == 1 and found[0]["detail"] == text, "as an event with its text: %s" % found)
    check(found and found[0]["value"] == str(os.geteuid()), "and who marked")
    check(command("mark", path, "x" * 1001).returncode == 2, "one that is too long is wrong usage")
    check(command("mark", path, "two\nlines").returncode == 2, "and so is one of two lines")
    check(command("mark", path, "").returncode == 2, "and an empty one")

    for _ in range(40):
        last = command("mark", path, "many")
    check(last.returncode == 0 or b"after it" in last.stderr, "many marks are taken, or refused "
          "with words")

    ended = command("stop", path, timeout=120)
    check(ended.returncode == 0, "stop ends well: %s" % ended.stderr.decode())
    check(not os.path.exists(path + ".lock"), "the lock is gone when it returns")
    check(not os.path.exists(path + "-control"), "and the socket")
    check(not os.path.exists(path + "-wal"), "and the WAL: the file is complete")
    check(recorder.process.wait(timeout=60) == 0, "the recorder's status is 0")
    check(command("verify", path).returncode == 0, "the file is whole")


def flushes(work):
    """At an interval at which nothing else would come into the file."""
    path = work + "/flush.pscope"
    recorder = programs.Recorder(path, "-i", "1h")
    check(wait_until(lambda: status(path).get("ticks") == 1), "one tick at the start")
    done = command("flush", path)
    check(done.returncode == 0, "flush: %s" % done.stderr.decode())
    rows = programs.read_csv(programs.analyze("export", path, "--table", "memory_samples"))
    check(len(rows) == 1, "the tick is in the file: %d" % len(rows))
    check(recorder.stop() == 0, "it ends well")


def with_command(work):
    path = work + "/command.pscope"
    with open(work + "/log", "wb") as log:
        recorder = subprocess.Popen([programs.RECORDER, "-o", path, "-i", "100ms", "--", "sleep",
                                     "1000"], stderr=log)
    check(wait_until(lambda: status(path).get("pid") == recorder.pid), "a command is recorded")
    check(command("stop", path, timeout=120).returncode == 0, "stop ends it")
    check(recorder.wait(timeout=60) == 128 + signal.SIGTERM, "the command got a SIGTERM")


# --- live -----------------------------------------------------------------------------------------

def live(work):
    path = work + "/live.pscope"
    recorder = programs.Recorder(path, "-i", "500ms")
    load = programs.Load("say began burn 4 say ended wait", core=0)
    done = command("live", path, "--count", "4", "--top", "0", "--format", "csv")
    check(done.returncode == 0, "live: %s" % done.stderr.decode())
    rows = programs.read_csv(done.stdout)
    frames = sorted({row["time_ns"] for row in rows})
    check(len(frames) == 4, "as many frames as asked for: %d" % len(frames))
    ours = [row for row in rows if row["pid"] == str(load.pid)]
    check(len(ours) == 4 and {row["comm"] for row in ours} == {"load_linux"},
          "the load is in each")
    busiest = max((float(row["cpu_percent"]) for row in ours if row["cpu_percent"]), default=0)
    check(0 < busiest < 130, "it is at work, on one core: %.1f %%" % busiest)
    hosts = [row for row in rows if row["row"] == "host"]
    check(len(hosts) == 4 and all(float(row["cpu_percent"]) > 0 for row in hosts),
          "the host is in each")
    check(any(row["pid"] == str(recorder.process.pid) and int(float(row["resident_bytes"])) > 0
              for row in rows), "so is the recorder")
    text = command("live", path, "--count", "1", "--top", "3").stdout.decode()
    check(len(text.splitlines()) == 7 and " CPU " in text.splitlines()[0],
          "a frame for people: a line, a header, three rows")
    several = [subprocess.Popen([programs.ANALYZER, "live", path, "--count", "2"],
                                stdout=subprocess.PIPE) for _ in range(3)]
    check([viewer.wait(timeout=TIMEOUT) for viewer in several] == [0, 0, 0],
          "several may watch at once")
    load.process.kill()
    load.process.wait()

    watching = subprocess.Popen([programs.ANALYZER, "live", path, "--format", "ndjson"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watching.stdout.readline()
    check(recorder.stop() == 0, "it ends while somebody watches")
    _, said = watching.communicate(timeout=TIMEOUT)
    check(watching.returncode == 1 and b"ended" in said, "the viewer says so: %s" % said.decode())


def agrees_with_the_report(work):
    """What a viewer saw of a process is what the file says of it."""
    path = work + "/agree.pscope"
    recorder = programs.Recorder(path, "-i", "200ms")
    load = programs.Load("allocate 30 say ready wait")
    done = command("live", path, "--count", "3", "--top", "0", "--format", "csv")
    seen = {row["time_ns"]: row["resident_bytes"] for row in programs.read_csv(done.stdout)
            if row["pid"] == str(load.pid)}
    recorder.stop()
    load.end()
    stored = {row["time_ns"]: row["resident_bytes"] for row in programs.read_csv(
        programs.analyze("export", path, "--table", "process_samples", "--pid", str(load.pid)))}
    shared = [(seen[at], stored[at]) for at in seen if at in stored]
    check(len(seen) == 3, "the viewer saw it in three ticks")
    if shared:  # where the wall clock stayed on the timeline
        check(all(int(float(a)) == int(b) for a, b in shared), "the same bytes: %s" % shared)


def mapping(work):
    """The descriptor of the mapping lets nobody write."""
    path = work + "/map.pscope"
    recorder = programs.Recorder(path, "-i", "100ms")
    client = connect(path + "-control")
    client.sendall(b"1 live\n")
    answer, passed, _, _ = client.recvmsg(100, 100)
    check(answer == b"1 ok 0\n" and len(passed) == 1, "live hands over a descriptor")
    handed = array.array("i", passed[0][2])[0]
    size = os.fstat(handed).st_size

    def refused(attempt):
        try:
            attempt()
        except (OSError, ValueError):
            return True
        return False

    readable = mmap.mmap(handed, size, prot=mmap.PROT_READ)
    check(wait_until(lambda: readable[:8] == b"PSLIVE\r\n"), "it can be mapped for reading")
    readable.close()
    check(refused(lambda: mmap.mmap(handed, size, prot=mmap.PROT_READ | mmap.PROT_WRITE)),
          "not for writing")
    check(refused(lambda: os.pwrite(handed, b"x", 0)), "nor be written to")
    check(refused(lambda: os.ftruncate(handed, 0)), "nor be cut")

    def write_anew():
        again = os.open("/proc/self/fd/%d" % handed, os.O_RDWR)
        try:
            mmap.mmap(again, size, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        finally:
            os.close(again)

    check(refused(write_anew), "nor by opening it once more")
    os.close(handed)
    client.close()
    check(status(path).get("pid") == recorder.process.pid, "the recorder goes on")
    check(recorder.stop() == 0, "it ends well")


# --- who is silent, slow or hostile ---------------------------------------------------------------

def bad_clients(work):
    path = work + "/bad.pscope"
    recorder = programs.Recorder(path, "-i", "100ms")
    control = path + "-control"
    before = sockets_of(recorder)
    silent = [connect(control) for _ in range(50)]
    check(status(path).get("pid") == recorder.process.pid, "status works beside 50 silent clients")
    half = [connect(control) for _ in range(20)]
    for client in half:
        try:
            client.sendall(b"1 sta")
        except OSError:
            pass
    check(status(path).get("pid") == recorder.process.pid, "and beside 20 that say half a word")
    now = sockets_of(recorder)
    check(now <= before + 16, "they take few descriptors: %d, now %d" % (before, now))
    ticks = status(path).get("ticks", 0)
    check(wait_until(lambda: status(path).get("ticks", 0) >= ticks + 5), "ticks go on")
    check(wait_until(lambda: sockets_of(recorder) <= before),
          "the silent ones are hung up on")
    for client in silent + half:
        client.close()

    for data in (b"\n", b"1\n", b"1 dance\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe\x00\x01\n",
                 b"1 mark a\x1b[2Jb\n", b"1 status " + b"x" * 200 + b"\n", b"1 " + b"y" * 5000):
        answer = say(control, data)
        check(answer.startswith(b"1 error "), "%r is refused with words: %r" % (data[:20], answer))
    check(b"version 7" in say(control, b"7 status\n"), "another version is named")
    gone = connect(control)
    gone.sendall(b"1 status\n")
    gone.close()
    watching = connect(control)
    watching.sendall(b"1 live\n")
    watching.recv(10)
    try:
        watching.sendall(b"z" * 100000)
    except OSError:
        pass
    watching.close()
    check(status(path).get("pid") == recorder.process.pid, "after all of it status works")
    told = status(path)
    check(recorder.stop() == 0 and told.get("lost") == 0, "and recording")


# --- who may ask ----------------------------------------------------------------------------------

def as_other(work, uid, gid, groups, *arguments):
    """The analyzer run by another user, who may pass through the directory."""
    copy = work + "/procscope"
    if not os.path.exists(copy):
        with open(programs.ANALYZER, "rb") as source, open(copy, "wb") as target:
            target.write(source.read())
        os.chmod(copy, 0o755)
    return subprocess.run([copy, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=TIMEOUT, user=uid, group=gid, extra_groups=groups)


def strangers(work):
    if os.geteuid() != 0 or sys.version_info < (3, 9):
        print("SKIP: strangers: only root can become another user")
        return
    os.chmod(work, 0o755)
    path = work + "/strangers.pscope"
    recorder = programs.Recorder(path, "-i", "100ms", "--control-group", str(GROUP))
    for _ in range(3):
        refused = as_other(work, NOBODY, NOBODY, [], "status", path)
        check(refused.returncode == 1 and b"permission denied" in refused.stderr,
              "a stranger is refused with words: %s" % refused.stderr.decode())
    check(b"permission" in as_other(work, NOBODY, NOBODY, [], "stop", path).stderr,
          "and cannot stop it")
    check(wait_until(lambda: "refused a request" in recorder.said()), "it is in the log")
    check("uid %d" % NOBODY in recorder.said(), "with the uid")
    check(recorder.said().count("refused a request") == 1, "once, however often they come")
    allowed = as_other(work, NOBODY, NOBODY, [GROUP], "status", path, "--format", "json")
    check(allowed.returncode == 0 and json.loads(allowed.stdout)["pid"] == recorder.process.pid,
          "a member of the group is let in: %s" % allowed.stderr.decode())
    allowed = as_other(work, NOBODY, GROUP, [], "live", path, "--count", "1")
    check(allowed.returncode == 0 and b"CPU%" in allowed.stdout, "and may watch")
    check(recorder.stop() == 0, "it ends well")
    recorder = programs.Recorder(path, "-i", "100ms")
    check(as_other(work, NOBODY, NOBODY, [GROUP], "status", path).returncode == 1,
          "without --control-group the group is a stranger too")
    check(recorder.stop() == 0, "it ends well")


# --- the socket's file ----------------------------------------------------------------------------

def sockets(work):
    path = work + "/s.pscope"
    recorder = programs.Recorder(path, "-i", "100ms")
    os.kill(recorder.process.pid, signal.SIGKILL)
    recorder.process.wait()
    check(os.path.exists(path + "-control"), "a killed recorder leaves its socket")
    gone = command("status", path)
    check(gone.returncode == 1 and b"no recorder is recording" in gone.stderr,
          "nobody answers there: %s" % gone.stderr.decode())
    recorder = programs.Recorder(path, "-i", "100ms")
    check(status(path).get("pid") == recorder.process.pid, "the next one takes it over")
    other = programs.Recorder(work + "/t.pscope", "-i", "100ms", "--control", path + "-control")
    check(wait_until(lambda: "another program listens" in other.said()),
          "one that is in use is not taken: %s" % other.said())
    check(status(path).get("pid") == recorder.process.pid, "its owner still answers")
    check(other.stop() == 0 and recorder.stop() == 0, "both end well")

    with open(path + "-control", "w", encoding="ascii") as file:
        file.write("precious")
    recorder = programs.Recorder(path, "-i", "100ms")
    check(wait_until(lambda: "goes on without a control socket" in recorder.said()),
          "a file in its place is left alone: %s" % recorder.said())
    refused = command("status", path)
    check(refused.returncode == 1 and b"is being recorded by pid" in refused.stderr,
          "the client says who records: %s" % refused.stderr.decode())
    check(recorder.stop() == 0, "recording worked all the same")
    with open(path + "-control", encoding="ascii") as file:
        check(file.read() == "precious", "the file is as it was")
    os.remove(path + "-control")

    os.symlink(work + "/elsewhere", path + "-control")
    recorder = programs.Recorder(path, "-i", "100ms")
    check(wait_until(lambda: "without a control socket" in recorder.said()) and
          not os.path.exists(work + "/elsewhere"), "a link in its place is not followed")
    recorder.stop()
    os.remove(path + "-control")

    recorder = programs.Recorder(path, "-i", "100ms", "--control", "none")
    check(not os.path.exists(path + "-control"), "--control none: there is none")
    recorder.stop()

    deep = work + "/" + "/".join(["d" * 50] * 4)
    os.makedirs(deep)
    recorder = programs.Recorder(deep + "/s.pscope", "-i", "100ms")
    check(status(deep + "/s.pscope").get("pid") == recorder.process.pid,
          "a path of %d bytes works" % len(deep))
    recorder.stop()


def reconfigured(work):
    path, config, control = work + "/h.pscope", work + "/h.json", work + "/h.socket"
    with open(config, "w", encoding="ascii") as file:
        json.dump({"interval": "100ms", "control": control}, file)
    recorder = programs.Recorder(path, "-c", config)
    check(status(path, "--control", control).get("interval_ns") == 100000000,
          "--control of the configuration: the socket is there")
    watching = subprocess.Popen([programs.ANALYZER, "live", path, "--control", control, "--format",
                                 "csv", "--top", "1"], stdout=subprocess.PIPE)
    watching.stdout.readline()
    watching.stdout.readline()
    with open(config, "w", encoding="ascii") as file:
        json.dump({"interval": "50ms", "control": control}, file)
    recorder.process.send_signal(signal.SIGHUP)
    check(wait_until(lambda: status(path, "--control", control).get("interval_ns") == 50000000),
          "after SIGHUP it answers with the new configuration")
    since = status(path, "--control", control).get("since_ns", 0)
    seen = b""
    for _ in range(10000):
        line = watching.stdout.readline()
        if not line or int(line.split(b",")[1]) > since:
            seen = line
            break
    check(seen != b"", "a viewer stays, and sees the ticks of the new session")
    watching.kill()
    watching.wait()
    check(recorder.stop() == 0, "it ends well")
    check(not os.path.exists(control), "the socket is gone")


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        for part in (commands, flushes, with_command, live, agrees_with_the_report, mapping,
                     bad_clients, strangers, sockets, reconfigured):
            print("--- " + part.__name__, flush=True)
            part(work)
    programs.finish()


main()
