#!/usr/bin/env python3
"""
Where little can be seen or little is permitted: nothing crashes, names are right, and each collector
either records or says why not.
"""
import json
import os
import subprocess
import sys

import support_programs as programs
from support_programs import check

UNPRIVILEGED = 65534
WORKS = ("ok", "partial")
# Told apart by its arguments.
SLEEPER = ["sleep", "600.25"]
RECORDS_BESIDE_IT = ('%s & "$RECORDER" -o "$FILE" -i 100ms -d 2s; status=$?; kill $!; exit $status'
                     % " ".join(SLEEPER))


def permitted(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                          check=False).returncode == 0


def drop():
    os.setgroups([])
    os.setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
    os.setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)


def run(claim, work, preexec=None):
    """A shell that records two seconds into $FILE with a sleeper beside it; its exit status is 0."""
    path = os.path.join(work, claim.replace(" ", "-") + ".pscope")
    done = subprocess.run(["sh", "-c", RECORDS_BESIDE_IT], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=120, preexec_fn=preexec,
                          env={**os.environ, "RECORDER": programs.RECORDER, "FILE": path})
    check(done.returncode == 0, "%s: it records: %s"
          % (claim, done.stderr.decode(errors="replace").strip()[-300:]))
    return path


def look(claim, path):
    """What any recording must have: the sleeper by its name, and reasons."""
    processes = programs.read_csv(programs.analyze("export", path, "--table", "process"))
    named = [row for row in processes if row["comm"] == SLEEPER[0] and SLEEPER[1] in row["cmdline"]]
    check(len(named) == 1, "%s: the process that sleeps is there once, with its arguments: %s"
          % (claim, [(row["pid"], row["comm"], row["cmdline"]) for row in named]))
    samples = programs.read_csv(programs.analyze("export", path, "--table", "process_samples"))
    check(any(row["comm"] == SLEEPER[0] and row["cpu_ns_total"] != "" for row in samples),
          "%s: and its CPU time" % claim)
    for row in programs.read_csv(programs.analyze("export", path, "--table", "capability")):
        check(row["status"] == "ok" or row["reason"] != "",
              "%s: %s is %s: %s" % (claim, row["collector"], row["status"], row["reason"]))
    programs.analyze("verify", path)  # raises when anything is amiss
    return processes


def listed(claim, preexec=None, before=()):
    """--list-collectors: each works or says why not."""
    done = subprocess.run([*before, programs.RECORDER, "--list-collectors", "--format", "json"],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120,
                          preexec_fn=preexec)
    check(done.returncode == 0, "%s: the list: %s" % (claim, done.stderr.decode()[-200:]))
    for row in json.loads(done.stdout or "[]"):
        check(row["status"] in WORKS or row["reason"] != "",
              "%s: %s is %s: %s; %s" % (claim, row["name"], row["status"], row["reason"],
                                        row["enable"]))
        if row["status"] == "not permitted":
            check(row["enable"] != "", "%s: %s says how" % (claim, row["name"]))


def unprivileged(work):
    directory = os.path.join(work, "theirs")
    os.mkdir(directory)
    os.chown(directory, UNPRIVILEGED, UNPRIVILEGED)
    os.chmod(work, 0o755)
    listed("unprivileged", drop)
    look("unprivileged", run("unprivileged", directory, drop))


def pid_namespace(work):
    if not permitted(["unshare", "-p", "-m", "--fork", "--mount-proc", "true"]):
        print("SKIP: unshare -p is not permitted here")
        return
    script = "exec unshare -p -m --fork --mount-proc sh -c '%s'" % RECORDS_BESIDE_IT
    path = os.path.join(work, "pids.pscope")
    done = subprocess.run(["sh", "-c", script], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=120,
                          env={**os.environ, "RECORDER": programs.RECORDER, "FILE": path})
    check(done.returncode == 0, "a pid namespace: it records: %s"
          % done.stderr.decode(errors="replace").strip()[-300:])
    processes = look("a pid namespace", path)
    check(all(int(row["pid"]) < 1000 for row in processes) and len(processes) < 50,
          "a pid namespace: its own pids, and nobody else: %s"
          % sorted({row["comm"] for row in processes}))


def without_sys(work):
    if not permitted(["unshare", "-m", "sh", "-c", "mount -t tmpfs none /sys"]):
        print("SKIP: /sys cannot be hidden here")
        return
    script = "mount -t tmpfs none /sys || exit 9"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script + "; exec \"$0\" \"$@\"",
                           sys.executable, __file__, "inside", work],
                          stdin=subprocess.DEVNULL, check=False, timeout=240)
    check(done.returncode == 0, "without /sys: all of that")


def hidden(work):
    if not permitted(["unshare", "-m", "sh", "-c", "mount -t proc -o hidepid=2 proc /proc"]):
        print("SKIP: hidepid=2 cannot be set here")
        return
    directory = os.path.join(work, "hidden")
    os.mkdir(directory)
    os.chown(directory, UNPRIVILEGED, UNPRIVILEGED)
    path = os.path.join(directory, "a.pscope")
    script = ("mount -t proc -o hidepid=2 proc /proc || exit 9\n"
              "exec setpriv --reuid %d --regid %d --clear-groups sh -c '%s'"
              % (UNPRIVILEGED, UNPRIVILEGED, RECORDS_BESIDE_IT))
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=120,
                          env={**os.environ, "RECORDER": programs.RECORDER, "FILE": path})
    check(done.returncode == 0, "hidepid=2: it records: %s"
          % done.stderr.decode(errors="replace").strip()[-300:])
    processes = look("hidepid=2", path)
    check({row["uid"] for row in processes} <= {str(UNPRIVILEGED), ""},
          "hidepid=2: nobody else is seen")


def main():
    programs.need_programs()
    if len(sys.argv) > 1:  # in a mount namespace whose /sys is empty
        listed("without /sys")
        look("without /sys", run("inside", sys.argv[2]))
        programs.finish()
    if os.geteuid() != 0:
        programs.skip("only root can make such surroundings")
    with programs.work_directory() as work:
        unprivileged(work)
        pid_namespace(work)
        without_sys(work)
        hidden(work)
    programs.finish()


main()
