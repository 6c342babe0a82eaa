"""pslist over the simulated Mac: the pids of each criterion and the fields of one process are the scenario's."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "darwin"))
import support_programs as programs
import truth as simulated

PSLIST = os.path.join(programs.BUILD, "pslist-simulated-mac")
SCENARIOS = os.path.join(programs.SOURCE, "tests", "darwin", "scenarios")
check = programs.check


def ask(path, seconds, *arguments):
    done = subprocess.run([PSLIST, path, str(seconds)] + [str(word) for word in arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def pids(path, seconds, *arguments):
    return sorted(int(line) for line in ask(path, seconds, *arguments)[1].split())


def check_lists(path, seconds):
    mac = simulated.Mac(path)
    at = simulated.ns_of(seconds)
    there = [process for process in mac.processes if process.alive(at) or process.zombie(at)]

    def those(choose):
        return sorted(process.pid for process in there if choose(process.item, process))
    wrong = []
    for words, expected in [(("all",), those(lambda item, process: True)),
                            (("user", 501), those(lambda item, process: process.uid == 501)),
                            (("real-user", 0), those(lambda item, process: item.get("real_uid", process.uid) == 0)),
                            (("group", 815), those(lambda item, process: item.get("group", process.pid) == 815)),
                            (("terminal", 268435457), those(lambda item, process: item.get("terminal", 0) == 268435457)),
                            (("parent", 1), those(lambda item, process: item.get("ppid", 1) == 1)),
                            (("parent", 31337), [])]:
        if pids(path, seconds, *words) != expected:
            wrong.append((words, pids(path, seconds, *words), expected))
    check(not wrong, "the lists of %s at %s s: %s" % (os.path.basename(path), seconds, wrong))


def answers(path, seconds, pid):
    """What is told, by call and name: fields, or why not."""
    found, now = {}, None
    for line in ask(path, seconds, "pid", pid)[1].splitlines():
        if line.startswith("    "):
            name, value = line.split(None, 1)
            now.setdefault(name, []).append(value)
        else:
            head, _, rest = line.partition(": ")
            words = head.split()
            now = found.setdefault((words[0], words[2]), {})
            if not rest.endswith(" bytes"):
                now.setdefault("refused", []).append(rest)
    return found


def check_one(path):
    told = answers(path, 155, 815)
    bsd = told["pidinfo", "PROC_PIDTBSDINFO"]
    check(bsd["pbi_pid"] == ["815"] and bsd["pbi_uid"] == ["501"] and bsd["pbi_comm"] == ['"sh"'] and
          bsd["pbi_pgid"] == ["810"] and bsd["e_tdev"] == ["268435457"], "who it is: %s" % bsd)
    check(bsd["pbi_start_tvsec"] == ["1790000140"] and bsd["pbi_start_tvusec"] == ["445678"], "when it began")
    both = told["pidinfo", "PROC_PIDTASKALLINFO"]
    task = told["pidinfo", "PROC_PIDTASKINFO"]
    check({name: both[name] for name in list(bsd) + list(task)} == {**bsd, **task}, "both at once say the same")
    sockets = told["pidfdinfo", "PROC_PIDFDSOCKETINFO"]
    check(sockets["tcpsi_state"] == ["1", "4", "4", "4", "0", "0"] and sockets["soi_protocol"] == ["6"] * 4 + ["17", "1"] and
          sockets["refused"] == ["Socket operation on non-socket"] * 4, "its sockets: %s" % sockets)
    ports = told["pidfileportinfo", "PROC_PIDFILEPORTSOCKETINFO"]
    check(told["pidinfo", "PROC_PIDLISTFILEPORTS"]["proc_fileport"] == ["4099"] and ports["soi_kind"] == ["3"],
          "its file port")
    check(told["pidinfo", "PROC_PIDPATHINFO"]["path"] == ['"/bin/sh"'], "its path")
    calls = {call for call, _ in told}
    names = [name for call, name in told if call == "pidinfo"]
    check(calls == {"pidinfo", "pidfdinfo", "pidfileportinfo"} and len(names) == 25, "%d flavors" % len(names))


def check_others(path):
    """Of another user's process some is told to everybody; of a zombie what it still is."""
    told = answers(path, 301, 1)
    refused = {name for (call, name), fields in told.items() if "Operation not permitted" in fields.get("refused", [])}
    for name in ("LISTFDS", "TASKALLINFO", "TBSDINFO", "TASKINFO", "VNODEPATHINFO"):
        check("PROC_PID" + name in refused, name + " is refused")
    for name in ("PATHINFO", "T_SHORTBSDINFO", "UNIQIDENTIFIERINFO", "COALITIONINFO"):
        check("PROC_PID" + name not in refused and "refused" not in told["pidinfo", "PROC_PID" + name], name + " is told")
    zombie = answers(path, 365, 330)
    check("refused" not in zombie["pidinfo", "PROC_PIDTBSDINFO"] and zombie["pidinfo", "PROC_PIDTBSDINFO"]["pbi_status"] == ["5"] and
          zombie["pidinfo", "PROC_PIDTASKINFO"]["refused"] == ["No such process"], "a zombie")


def check_usage(path):
    for words in (["nonsense"], ["user"], ["user", "x"], ["user", "1", "2"], ["pid", "4294967296"], ["pid", "-"]):
        check(ask(path, 1, *words)[0] == 2, "wrong usage: %s" % words)


def main():
    if not os.access(PSLIST, os.X_OK):
        programs.skip("no " + PSLIST)
    air, imac, rosetta = (os.path.join(SCENARIOS, name + ".json")
                          for name in ("macbook_air_m1", "intel_user", "rosetta_faults"))
    check_lists(air, 155)
    check_lists(air, 120.75)
    check_lists(imac, 365)
    check_lists(rosetta, 305)
    check_one(air)
    check_others(imac)
    check_usage(air)
    programs.finish()


main()
