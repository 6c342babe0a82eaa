"""
Details of processes, end to end: of one with known sockets, descriptors and shared memory the rows, of one
in uninterruptible sleep the events; of a user without privileges what it may read, and why not more.
"""

import contextlib
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time

import support_programs as programs
from support_programs import check

BLOCKED = os.path.join(programs.BUILD, "tests", "load_blocked_linux")
READER = os.path.join(programs.SOURCE, "tools", "read_format.py")
SHARED = 48 << 20
FDS = 150
TABLE = "process_detail_samples"
NOBODY = 65534
children = []

# Two processes: the first has the sockets and descriptors, both have the memory. They end with their input.
SUBJECT = """
import mmap, os, socket, sys
shared, fds = int(sys.argv[1]), int(sys.argv[2])
memory = mmap.mmap(-1, shared)
for at in range(0, shared, 4096):
    memory[at] = 1
touched, tell = os.pipe()
child = os.fork()
if child == 0:
    for at in range(0, shared, 4096):
        memory[at]
    os.close(touched)
    os.close(tell)
    sys.stdin.read()
    os._exit(0)
os.close(tell)
os.read(touched, 1) # both have all of it now
os.close(touched)
held = [socket.socket() for _ in range(3)]
for s in held:
    s.bind(("127.0.0.1", 0))
    s.listen()
pair = socket.create_connection(held[0].getsockname()), held[0].accept()[0]
pair[0].sendall(b"x" * 1000)
udp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for s in udp:
    s.bind(("127.0.0.1", 0))
local = socket.socketpair()
route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
have = len(os.listdir("/proc/self/fd")) - 1
more = [os.open("/dev/null", os.O_RDONLY) for _ in range(fds - have)]
print(child, flush=True)
sys.stdin.read()
"""


def start(*command, **options):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    children.append(child)
    return child


def export(path, table, *options):
    return programs.read_csv(programs.analyze("export", path, "--table", table, "--format", "csv",
                                              *options))


def of(rows, pid):
    return [row for row in rows if row["pid"] == str(pid)]


def await_rows(path, table, wanted, seconds, *options):
    """The rows once `wanted` says so of them, or as they are in the end."""
    deadline = time.monotonic() + seconds
    while True:
        rows = export(path, table, *options)
        if wanted(rows) or time.monotonic() > deadline:
            return rows
        time.sleep(0.5)


def values(rows, pid, column):
    return [int(row[column]) for row in of(rows, pid) if row[column] != ""]


def has_values(pids, column):
    return lambda rows: all(values(rows, pid, column) for pid in pids)


def pss_of(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return int(re.search(r"^Pss: *(\d+) kB", file.read(), re.M)[1]) * 1024


def lists_sockets():
    """Whether this kernel lists sockets: struct inet_diag_req_v2 for TCP."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as netlink:
        netlink.send(b"\x48\0\0\0\x14\0\1\3\1\0\0\0\0\0\0\0\2\6\0\0\xff\x0f\0\0" + bytes(48))
        return netlink.recv(65536)[4:6] != b"\2\0"


def check_memory(path, first, second):
    rows = await_rows(path, TABLE, has_values([first, second], "pss_bytes"), 150)
    if not has_values([first, second], "pss_bytes")(rows):
        print("not judged: PSS, the budget went to larger processes")
        return
    for pid in (first, second):
        recorded, now = values(rows, pid, "pss_bytes")[-1], pss_of(pid)
        check(abs(recorded - now) < 2 << 20, "PSS of %d: %d, and now %d" % (pid, recorded, now))
        check(SHARED // 2 < recorded < SHARED, "what two share counts half for each")


def check_descriptors(path, pid):
    rows = await_rows(path, TABLE, has_values([pid], "tcp_established"), 60)
    expected = {"open_fds": FDS, "sockets": 10, "tcp_established": 2, "tcp_listening": 3, "tcp_other": 0,
                "udp": 2, "unix": 2, "tcp_receive_queue_bytes": 1000, "tcp_send_queue_bytes": 0}
    if not lists_sockets():
        print("not judged: sockets by kind, which this kernel does not list")
        expected = {"open_fds": FDS, "sockets": 10}
    for column, value in expected.items():
        check(values(rows, pid, column)[-1:] == [value],
              "%s is %d: %s" % (column, value, values(rows, pid, column)))


def is_blocked(pid):
    with open("/proc/%d/stat" % pid, "rb") as file:
        return file.read().rpartition(b") ")[2][:1] == b"D"


def told(kind, pid):
    return lambda rows: [row for row in rows if row["kind"] == kind and row["value"] == str(pid)]


def check_blocked(path, blocked):
    name = "D\\x1b[31m\\xff,\"x(%d)" % blocked.pid
    if not is_blocked(blocked.pid):
        print("not judged: on this kernel the parent in a vfork is not in uninterruptible sleep")
        return
    rows = told("blocked", blocked.pid)(await_rows(path, "event", told("blocked", blocked.pid), 60))
    check(len(rows) == 1, "a process in uninterruptible sleep is an event, once")
    with open("/proc/%d/wchan" % blocked.pid, encoding="ascii") as file:
        wchan = file.read()
    check(rows[0]["detail"].startswith(name + " "), "with its name escaped: " + rows[0]["detail"])
    if wchan in ("", "0"):
        print("not judged: where it waits, which this kernel does not tell")
    else:
        check((name + " " + wchan) in rows[0]["detail"], "and where it waits: " + wchan)
    check(b"\x1b" not in programs.analyze("info", path) + programs.analyze(
        "export", path, "--table", "event", "--format", "table"), "no terminal sees the name itself")
    blocked.stdin.close()
    blocked.wait()
    rows = told("unblocked", blocked.pid)(await_rows(path, "event", told("unblocked", blocked.pid), 60))
    check(len(rows) == 1 and int(rows[0]["duration_ns"]) > 0 and rows[0]["detail"] == name,
          "its end is an event that tells how long it took")


def check_afterwards(path, pid):
    """They lived in one block only, so no row tells who they were."""
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
        stored = db.execute("SELECT count(*) FROM process WHERE pid = ?", (pid,)).fetchone()
    if stored != (0,):
        print("not judged: a process of one block only; a block ended meanwhile")
    check({row["comm"] for row in of(export(path, TABLE), pid)} == {"python3"}, "who lived in one block only has its name")
    check(stored != (0,) or not of(export(path, TABLE + "_60"), pid), "and no minutes")
    programs.analyze("verify", path)
    for table in (TABLE, TABLE + "_60"):
        read = programs.read_csv(subprocess.run([sys.executable, READER, path, table], check=True,
                                                capture_output=True).stdout)
        exported = export(path, table)
        columns = [c for c in exported[0] if c not in ("time", "pid", "comm")] if exported else []
        check([[row[c] for c in columns] for row in read] ==
              [[row[c] for c in columns] for row in exported],
              "%d rows of %s are what tools/read_format.py reads" % (len(read), table))


def check_root(work):
    path = os.path.join(work, "a.pscope")
    subject = start(sys.executable, "-c", SUBJECT, str(SHARED), str(FDS))
    second = int(subject.stdout.readline())
    blocked = start(BLOCKED)
    blocked.stdout.readline()
    recorder = programs.Recorder(path, "-i", "200ms")
    children.append(recorder.process)
    check_descriptors(path, subject.pid)
    check_memory(path, subject.pid, second)
    check_blocked(path, blocked)
    subject.communicate()
    time.sleep(1)
    check(recorder.stop() == 0, "the recording ends as it should")
    check_afterwards(path, subject.pid)


# --- without privileges ----------------------------------------------------------------------------


def record_unprivileged(work, name, *before):
    directory = os.path.join(work, name)
    os.mkdir(directory)
    os.chown(directory, NOBODY, NOBODY)
    os.chmod(work, 0o755)
    own = start("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
                sys.executable, "-c", SUBJECT, str(SHARED), str(FDS))
    own.stdout.readline()
    path = os.path.join(directory, "a.pscope")
    recorder = programs.Recorder(path, "-i", "200ms", "--collectors", "process,process_detail",
                                 before=[*before, "setpriv", "--reuid", str(NOBODY), "--regid",
                                         str(NOBODY), "--clear-groups"])
    children.append(recorder.process)
    rows = await_rows(path, TABLE, has_values([own.pid], "tcp_listening"), 60, "--missing-reasons")
    check(recorder.stop() == 0, "%s: it records" % name)
    programs.analyze("verify", path)
    check(values(rows, own.pid, "open_fds")[-1:] == [FDS] and
          values(rows, own.pid, "tcp_listening")[-1:] == [3], "%s: our own processes in full" % name)
    own.communicate()
    return path, rows


def check_unprivileged(work):
    path, rows = record_unprivileged(work, "unprivileged")
    others = of(rows, os.getpid())
    check(others and all(row["pss_bytes__missing"] in ("not permitted", "not sampled") and
                         row["sockets__missing"] in ("not permitted", "not sampled")
                         for row in others), "others' memory and sockets are missing")
    reasons = {row[column] for row in others for column in ("pss_bytes__missing", "sockets__missing")}
    check("not permitted" in reasons, "as not permitted: %s" % reasons)
    capability = [row for row in export(path, "capability") if row["collector"] == "process_detail"][0]
    check(capability["status"] == "partial" and "own processes only" in capability["reason"] and
          "CAP_SYS_PTRACE" in capability["enable"], "and the capability says so: %s" % capability)


def check_hidden(work):
    release = [int(number) for number in re.findall(r"\d+", os.uname().release)[:2]]
    hide = ["unshare", "--mount", "sh", "-c",
            'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh"]
    if release < [5, 8] or subprocess.run([*hide, "true"], capture_output=True, check=False).returncode:
        print("SKIP: no /proc of one's own with hidepid=2 here")
        return
    _, rows = record_unprivileged(work, "hidepid", *hide)
    check(not of(rows, os.getpid()), "with hidepid=2 others are not there")


def main():
    programs.need_programs()
    if not os.access(BLOCKED, os.X_OK):
        programs.skip("no " + BLOCKED)
    try:
        with programs.work_directory() as work:
            check_root(work)
            if os.getuid() != 0 or subprocess.run(["setpriv", "--version"], capture_output=True,
                                                  check=False).returncode != 0:
                print("SKIP: only root with setpriv can become another user")
            else:
                check_unprivileged(work)
                check_hidden(work)
    finally:
        for child in children:
            child.kill()
            child.wait()
    programs.finish()


main()
