"""
File systems that never answer: two of three FUSE mounts hold statfs. Each is told as an event with the
time since when, its row has its values missing, the third one's are there, no tick waits for them, and
what they hold comes once they answer. A recorder ends while they hang.
"""

import os
import subprocess
import sys
import time

import support_fuse as fuse
import support_programs as programs
from support_programs import check

INSIDE = "PROCSCOPE_TEST_INSIDE"
INTERVAL_S = 0.1
SIZE = fuse.BLOCK_BYTES * fuse.BLOCKS
NAMES = ("answers", "hangs", "hangs too")
recorders = []  # to be ended whatever happens


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


def mount(work, name):
    path = os.path.join(work, name)
    os.mkdir(path)
    try:
        return fuse.Fuse(path)
    except OSError as error:
        programs.skip("this machine forbids FUSE mounts: %s" % error)


def record(path):
    # The leak sanitizer, where that is built in, would wait at the end for the thread that hangs.
    options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    recorders.append(programs.Recorder(path, "-i", "100ms", environment={"ASAN_OPTIONS": options}))
    return recorders[-1]


def rows(path, table):
    return programs.read_csv(programs.analyze("export", path, "--table", table, "--format", "csv"))


def await_that(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def samples_of(path, server):
    """Of one mount, oldest first; its label begins with its path."""
    return [row for row in rows(path, "filesystem_samples")
            if row["filesystem"].startswith(server.path + " fuse")]


def events(path, kind, server):
    return [e for e in rows(path, "event")
            if e["kind"] == kind and e["detail"] == "filesystem: " + server.path]


def check_events(path, server):
    begun, ended = (events(path, kind, server) for kind in ("not_answering", "answering"))
    check(len(begun) == 1, "%s is told, once: %s" % (os.path.basename(server.path),
                                                     [e["detail"] for e in begun]))
    check(len(ended) == 1 and int(ended[0]["duration_ns"]) >= 2e9, "and that it answers again")
    return begun, ended


def check_ticks(path, begin, end):
    ticks = [int(row["time_ns"]) for row in rows(path, "memory_samples")]
    missed = sum(int(e["value"]) for e in rows(path, "event")
                 if e["kind"] == "late" and begin <= int(e["time_ns"]) <= end)
    during = sum(begin <= t < end for t in ticks)
    expected = (end - begin) / 1e9 / INTERVAL_S
    check(during + missed >= expected - 3, "%d ticks came while they hung, %.0f expected, %d missed "
          "as on a busy machine" % (during, expected, missed))
    check(missed <= expected / 4, "few are missed")


def hang_and_answer(work, answers, hanging):
    path = os.path.join(work, "a.pscope")
    recorder = record(path)
    told = ["%s: not answering since" % server.path for server in hanging]
    check(await_that(lambda: all(text in recorder.said() for text in told)),
          "the log tells of both")
    time.sleep(1)
    for server in hanging:
        server.release()
    check(await_that(lambda: recorder.said().count("answers again") == len(hanging)),
          "and that both answer again")
    check(await_that(lambda: all(server.answered(fuse.STATFS) > 1 for server in hanging)),
          "they are asked again")
    time.sleep(1)
    check(recorder.stop() == 0, "the recording ends as it should")
    programs.analyze("verify", path)
    begun, ended = zip(*(check_events(path, server) for server in hanging))
    check_ticks(path, max(int(e[0]["time_ns"]) for e in begun),
                min(int(e[0]["time_ns"]) for e in ended))
    check(all(row["total_bytes"] == str(SIZE) for row in samples_of(path, answers)) and
          samples_of(path, answers), "what answers is read at every round")
    for server in hanging:
        samples = samples_of(path, server)
        check(len(samples) > 1 and samples[0]["total_bytes"] == "" and
              samples[0]["access"] == "read-write" and samples[-1]["total_bytes"] == str(SIZE),
              "what hangs is missing, then there: %s" % [row["total_bytes"] for row in samples])
    waiting = [row["not_answering"] for row in rows(path, "recorder_samples")
               if row["collector"] == "filesystem"]
    check("2" in waiting and waiting[-1] == "0", "recorder_samples counts them")


def stop_while_they_hang(work, hanging):
    """
    Linux does not end a process while a thread of it waits for what a FUSE server has taken up, not even
    when it is killed. All else of the recorder has ended by then, and the file is another's to record.
    """
    for server in hanging:
        server.hold(fuse.STATFS)
    path = os.path.join(work, "b.pscope")
    first = record(path)
    await_that(lambda: "not answering since" in first.said())
    first.process.terminate()
    check(await_that(lambda: "stopped (" in first.said()), "it ends recording while they hang")
    programs.analyze("verify", path)
    second = record(path)
    check("recording to" in second.said(), "another may record to its file then")
    second.process.terminate()
    check(await_that(lambda: "stopped (" in second.said()), "and stop too")
    for server in hanging:
        server.release()
    check([one.process.wait(timeout=60) for one in (first, second)] == [0, 0],
          "both are gone as soon as the file systems answer")


def detach(server):
    """Nobody finds it any more; who waits for it waits on."""
    fuse.check(fuse.libc.umount2(server.path.encode(), 2))  # MNT_DETACH


def mounted_again(work, answers):
    """
    What hangs is taken away, another that hangs is mounted in its place, and another: of these two are
    asked, until one of them is back; the others' turn is never theirs.
    """
    path = os.path.join(work, "c.pscope")
    again = mount(work, "again")
    hanging = [again]
    again.hold(fuse.STATFS)
    recorder = record(path)
    check(await_that(lambda: again.held_count() > 0), "the first is asked")
    for number in ("second", "third"):
        detach(again)
        again = fuse.Fuse(again.path)
        again.hold(fuse.STATFS)
        hanging.append(again)
        if number == "second":
            check(await_that(lambda: again.held_count() > 0), "so is the second")
    rounds = answers.answered(fuse.STATFS)
    check(await_that(lambda: answers.answered(fuse.STATFS) >= rounds + 2), "others are read")
    check(again.held_count() == 0, "the third is not asked while two hang in its place")
    hanging[0].release()
    check(await_that(lambda: again.held_count() > 0), "it is when one of them is back")
    for server in hanging:
        server.release()
    check(recorder.stop() == 0, "the recording ends as it should")
    programs.analyze("verify", path)
    check(all(row["total_bytes"] == "" for row in samples_of(path, again)[:-1]),
          "what the first tells is not taken for what is in its place")
    for server in hanging[:-1]:
        os.close(server.fd)
    again.close()


class Counting:
    """How often a server was asked for something, of those that it answered."""

    def __init__(self, server):
        self.server, self.counts = server, {}
        self.reply, server.reply = server.reply, self.count

    def count(self, opcode, node, body):
        self.counts[opcode] = self.counts.get(opcode, 0) + 1
        return self.reply(opcode, node, body)


def main():
    programs.need_programs()
    own_mounts()
    with programs.work_directory() as work:
        servers = [mount(work, name) for name in NAMES]
        for server in servers:
            server.answered = (lambda counting: lambda opcode: counting.counts.get(opcode, 0))(
                Counting(server))
        try:
            for server in servers[1:]:
                server.hold(fuse.STATFS)
            hang_and_answer(work, servers[0], servers[1:])
            mounted_again(work, servers[0])
            stop_while_they_hang(work, servers[1:])
        finally:
            for recorder in recorders:
                recorder.process.kill()
            for server in servers:
                server.close()
            for recorder in recorders:
                recorder.process.wait()
    programs.finish()


main()
