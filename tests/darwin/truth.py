"""
What a simulated Mac really did, computed from its scenario by exact integers: nothing of the recorder or of the
fake kernel is used. Times are nanoseconds since the recording began.
"""
import json

NS = 10**9


def ns_of(seconds):
    return round(seconds * NS)


def whole(quotient, divisor):
    """Division as C does it: towards zero."""
    return quotient // divisor if quotient >= 0 else -(-quotient // divisor)


class Curve:
    """A quantity: a base, and from each time on so much more a second."""

    def __init__(self, item):
        item = item if isinstance(item, dict) else {"base": item or 0}
        self.base = item.get("base", 0)
        rates = item.get("rates", [])
        ends = [ns_of(rate[0]) for rate in rates[1:]] + [None]
        self.pieces = [(ns_of(rate[0]), end, rate[1]) for rate, end in zip(rates, ends)]

    def at(self, awake, begin=None):
        total = self.base * NS
        for start, end, rate in self.pieces:
            start = start if begin is None else max(start, begin)
            end = awake if end is None else min(end, awake)
            total += rate * max(end - start, 0)
        return whole(total, NS)


class Process:
    def __init__(self, mac, item, turn):
        later = turn * ns_of(item.get("repeat_every_s", 0))
        self.mac, self.item = mac, item
        self.pid, self.uid = item["pid"] + turn, item.get("uid", 0)
        self.start = ns_of(item.get("start_s", 0)) + later
        self.end = ns_of(item["end_s"]) + later if "end_s" in item else None
        self.reaped = ns_of(item["reaped_s"]) + later if "reaped_s" in item else self.end
        self.status = item.get("status", 0)
        names = ("cpu_user_ns", "cpu_system_ns", "footprint", "resident", "disk_read", "disk_written", "energy_nj",
                 "wakeups", "pageins", "faults", "instructions", "cycles")
        self.curves = {name: Curve(item.get(name)) for name in names}
        self.readable = mac.uid in (0, self.uid)

    def files(self, at):
        """What is open at a time: descriptors by number, each its kind, socket and quantities."""
        found = {}
        for item in self.item.get("files", []):
            begin, end = item.get("there", (-10**6, 10**6))
            for k in range(item.get("count", 1)):
                fd = item.get("fd", 0) + k
                if "port" not in item and ns_of(begin) <= at < ns_of(end):
                    awake = self.mac.awake(at)
                    found[fd] = dict({name: Curve(item.get(name)).at(awake) for name in ("state", "receive", "send")},
                                     kind=item.get("kind", "vnode"), socket=item.get("socket", self.item["pid"] * 10**5 + fd + 1))
        return found

    def details(self, at):
        """What a row of process_detail_samples says then."""
        files = self.files(at)
        sockets = {file["socket"]: file for file in files.values() if file["kind"] not in ("vnode", "pipe", "kqueue")}
        tcp = [file for file in sockets.values() if file["kind"].startswith("tcp")]
        told = {"open_fds": len(files), "sockets": len(sockets),
                "tcp_established": sum(file["state"] == 4 for file in tcp),
                "tcp_listening": sum(file["state"] == 1 for file in tcp),
                "udp": sum(file["kind"].startswith("udp") for file in sockets.values()),
                "unix": sum(file["kind"] == "unix" for file in sockets.values()),
                "tcp_receive_queue_bytes": sum(file["receive"] for file in tcp if file["state"] != 1),
                "tcp_send_queue_bytes": sum(file["send"] for file in tcp if file["state"] != 1)}
        return dict(told, tcp_other=len(tcp) - told["tcp_established"] - told["tcp_listening"])

    def alive(self, at):
        return self.start <= at and (self.end is None or at < self.end)

    def zombie(self, at):
        return self.end is not None and self.end <= at < self.reaped

    def value(self, name, at):
        """At a time; after its end what it used at last."""
        at = at if self.end is None else min(at, self.end)
        return self.curves[name].at(self.mac.awake(at), self.mac.awake(self.start))

    def program(self, at):
        now = self.item
        for later in self.item.get("exec", []):
            if ns_of(later["at_s"]) <= at:
                now = later
        return now


class Mac:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.scenario = json.load(file)
        self.machine = self.scenario["machine"]
        self.users = self.scenario["users"]
        self.faults = self.scenario.get("faults", {})
        self.sleeps = [(ns_of(a), ns_of(b)) for a, b in self.scenario.get("sleeps", [])]
        self.steps = [(ns_of(a), ns_of(b)) for a, b in self.scenario.get("wall_steps", [])]
        self.duration = ns_of(self.scenario["duration_s"])
        self.wall_start = (self.machine["wall_start_s"] * NS +
                           ns_of(self.machine.get("wall_start_fraction_s", 0)))
        self.hz = self.machine["tbfrequency"]
        self.page = self.machine["kernel_page_bytes"]
        own = [item for item in self.scenario["processes"] if item.get("self")]
        self.uid = own[0].get("uid", 0)
        self.processes = [Process(self, item, turn) for item in self.scenario["processes"]
                          for turn in range(item.get("repeat", 1))]

    def awake(self, at):
        return at - sum(min(max(at - begin, 0), length) for begin, length in self.sleeps)

    def fault(self, name, at):
        begin, end = self.faults.get(name, (None, None))
        return begin is not None and ns_of(begin) <= at < ns_of(end)

    def core_ticks(self, number, at):
        """user, system, idle in ticks of 10 ms since the recording began."""
        core = self.machine["cores"][number]
        off, awake = core.get("off"), self.awake(at)
        if off is not None and at >= ns_of(off[0]):
            awake = self.awake(min(at, ns_of(off[0])))
            if at >= ns_of(off[1]):
                awake = self.awake(at) - (ns_of(off[1]) - ns_of(off[0]))
        user = Curve(core.get("user_ns")).at(awake, 0)
        system = Curve(core.get("system_ns")).at(awake, 0)
        return [part // 10**7 for part in (user, system, awake - user - system)]

    def pages(self, name, at):
        return Curve(self.machine.get("memory", {}).get(name)).at(self.awake(at), 0)
