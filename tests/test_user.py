#!/usr/bin/env python3
"""--user: root's recorder becomes that user, whose files these are, and records as much as before."""
import glob
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import time

import support_programs as programs
from support_programs import check

NAME = "nobody"
KEPT = 0x81004  # CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_SYS_PTRACE
NET_ADMIN = 0x1000  # is for the kernel's reports of exits: not kept where BPF tells of them
FOREIGN_UID = 12345


def refused(claim, words, *arguments, environment=None):
    """It ends with status 2 and says these words."""
    done = subprocess.run([programs.RECORDER, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=60,
                          env={**os.environ, **(environment or {})})
    said = done.stderr.decode(errors="replace").strip()
    check(done.returncode == 2 and words in said, "%s: %s" % (claim, said))


def of_threads(pid, field):
    """What all threads have in that line of their status."""
    found = set()
    for path in glob.glob("/proc/%d/task/*/status" % pid):
        with open(path, encoding="ascii", errors="replace") as file:
            found.add(re.search("^%s:\\s*(.*)$" % field, file.read(), re.M).group(1))
    return found


def owners(directory):
    return {(name, os.lstat(os.path.join(directory, name)).st_uid)
            for name in os.listdir(directory) if not name.endswith(".log")}  # its standard error


def capabilities(path):
    rows = programs.read_csv(programs.analyze("export", path, "--table", "capability", "--format",
                                              "csv"))
    return {(row["collector"], row["status"], row["reason"]) for row in rows}


def record(path, *options):
    """A second beside another user's process that reads, writes and ends: the recording's facts."""
    recorder = programs.Recorder(path, "-i", "100ms", *options)
    pid = recorder.process.pid
    facts = {field: of_threads(pid, field)
             for field in ("Uid", "Gid", "CapEff", "CapPrm", "NoNewPrivs")}
    facts["bpf"] = bool(re.search("process source (bpf|iter)", recorder.said()))
    facts["files"] = owners(os.path.dirname(path))
    time.sleep(0.5)  # what ends before the first tick is not recorded, and a busy machine is late
    subprocess.run(["sh", "-c", "cat /proc/self/stat > /dev/null; sleep 0.5"], check=True,
                   preexec_fn=lambda: os.setresuid(FOREIGN_UID, FOREIGN_UID, FOREIGN_UID))
    time.sleep(0.3)
    check(recorder.stop() == 0, "it ends well")
    facts["collectors"] = capabilities(path)
    processes = programs.read_csv(programs.analyze("export", path, "--table", "process"))
    foreign = [row for row in processes if row["uid"] == str(FOREIGN_UID)]
    facts["foreign"] = {(row["comm"], row["exit_reported"]) for row in foreign}
    rows = programs.read_csv(programs.analyze("export", path, "--table", "process_samples"))
    facts["io"] = any(row["comm"] == "sleep" and row["io_read_chars_total"] for row in rows)
    return facts


def as_much_as_root(work, user):
    mine = os.path.join(work, "root")
    theirs = os.path.join(work, "theirs")
    os.mkdir(mine)
    os.mkdir(theirs)
    os.chown(theirs, user.pw_uid, user.pw_gid)
    root = record(mine + "/a.pscope")
    them = record(theirs + "/a.pscope", "--user", NAME)
    check(them["Uid"] == {"\t".join([str(user.pw_uid)] * 4)}, "all threads: user %s" % them["Uid"])
    check(them["Gid"] == {"\t".join([str(user.pw_gid)] * 4)}, "and group %s" % them["Gid"])
    for field in ("CapEff", "CapPrm"):
        kept = KEPT & ~NET_ADMIN if root["bpf"] else KEPT
        check(them[field] == root[field] == {"%016x" % kept}, "%s %s" % (field, them[field]))
    check(them["NoNewPrivs"] == {"1"}, "none can be gained")
    check({uid for _, uid in them["files"]} == {user.pw_uid} and len(them["files"]) >= 2,
          "all files are theirs: %s" % them["files"])
    check(them["collectors"] == root["collectors"], "collectors can what root's can: %s"
          % (them["collectors"] ^ root["collectors"]))
    wanted = {(name, "1") for name in ("sh", "cat", "sleep")}
    check(wanted <= root["foreign"] and wanted <= them["foreign"],
          "another user's exits are reported: root's %s, theirs %s"
          % (root["foreign"], them["foreign"]))
    check(them["io"] and root["io"], "another user's IO is recorded")


def what_cannot_be(work, user):
    refused("nobody of that name", 'no user "no-such-user"', "--user", "no-such-user", "-o",
            work + "/x")
    refused("a command", "a COMMAND runs as who starts procscoped", "--user", NAME, "-o",
            work + "/x", "--", "true")
    refused("checked too", 'no user "no-such-user"', "--user", "no-such-user", "--check-config")
    refused("a recording of root's", "%s may not write to it: chown %s %s/root/a.pscope"
            % (NAME, NAME, work), "--user", NAME, "-o", work + "/root/a.pscope")
    os.chown(work + "/root/a.pscope", user.pw_uid, -1)
    refused("a directory of root's", "%s may not make files in %s/root" % (NAME, work),
            "--user", NAME, "-o", work + "/root/a.pscope")
    check({name for name, _ in owners(work + "/root")} == {"a.pscope"}, "nothing is made there")


def default_directory(work, user):
    """It is made by root, and theirs."""
    state = work + "/state/procscope"
    environment = {**os.environ, "STATE_DIRECTORY": state}
    done = subprocess.run([programs.RECORDER, "--user", NAME, "-i", "50ms", "-d", "200ms"],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60,
                          env=environment)
    files = owners(state) if os.path.isdir(state) else set()
    check(done.returncode == 0 and files == {(os.uname().nodename + ".pscope", user.pw_uid)},
          "the state directory is theirs: %s" % files)
    check(os.stat(state).st_uid == user.pw_uid and os.stat(state).st_mode & 0o777 == 0o750,
          "mode 0750")
    shutil.rmtree(state)
    os.mkdir(state)
    refused("one of root's stays root's", "%s may not make files in %s" % (NAME, state),
            "--user", NAME, "-d", "1s", environment=environment)


def configured(work):
    """In a configuration that only root can read; what was given up does not come back."""
    config = work + "/config.json"

    def write(**options):
        with open(config, "w", encoding="ascii") as file:
            json.dump(options, file)

    write(user=NAME, interval="100ms")
    os.chmod(config, 0o600)
    recorder = programs.Recorder(work + "/theirs/b.pscope", "-c", config)

    def reload(words, **options):
        write(**options)
        recorder.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            if words in recorder.said():
                return True
            time.sleep(0.05)
        return False

    check(reload("every 50 ms", user=NAME, interval="50ms"), "SIGHUP: a new session")
    check(reload("restart procscoped", user="root", interval="50ms"), "but no other user")
    if "process source bpf" in recorder.said():
        check(reload('"process-source": what fds takes was given up', user=NAME, interval="50ms",
                     **{"process-source": "fds"}), "nor a source that takes more")
    check(recorder.stop() == 0, "it ends well")


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        user = pwd.getpwnam(NAME)
        if os.geteuid() != 0:
            refused("only root can", "only root can become root", "--user", "root", "-o",
                    work + "/x")
            me = pwd.getpwuid(os.geteuid()).pw_name
            check(programs.Recorder(work + "/me", "--user", me).stop() == 0,
                  "one's own name is no change")
        else:
            with open("/proc/self/status", encoding="ascii") as file:
                has = int(re.search("^CapEff:\\s*(.*)$", file.read(), re.M).group(1), 16)
            if has & KEPT != KEPT:
                programs.skip("this root has no such capabilities: %x" % has)
            os.chmod(work, 0o755)
            as_much_as_root(work, user)
            what_cannot_be(work, user)
            default_directory(work, user)
            configured(work)
    programs.finish()


main()
