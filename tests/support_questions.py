"""Questions to ask of a made-up recording, with the answers that its truth gives: selections, expressions of
--where and groupings, worked out here from what tools/check_truth.py reads, in another way than the analyzer does."""
import csv
import os
import re
import sys

import support_programs as programs

sys.path.insert(0, os.path.join(programs.SOURCE, "tools"))
import check_truth  # noqa: E402

GROUPINGS = ["process", "comm", "exe", "user", "cgroup", "container", "unit", "lineage"]
NAMES = ["user", "comm", "exe", "cmdline", "cgroup", "unit", "container"]


# --- names, made another way than analyzer/unit_name.c and group_key.c do ------------------------

def unit_of(cgroup):
    """Of the cgroups that are made up here."""
    parts = cgroup.split(b"/")
    units = [part for part in parts if re.search(rb".\.(service|scope)$", part)]
    slices = [part for part in parts if part.endswith(b".slice")]
    return b"/".join(units) or (slices or [b""])[-1]


def lineage_of(version):
    place = version["unit"] or version["container"] or version["cgroup"] or b"?"
    return (version["exe"] or version["comm"]) + b" (" + version["user"] + b", " + place + b")"


class Truth(check_truth.Truth):
    """With the names that are made of others; `known` are the processes that questions are about."""

    number_fields = ["pid", "ppid", "uid"]

    def __init__(self, directory):
        super().__init__(directory)
        with open(os.path.join(directory, "versions.csv"), newline="", encoding="ascii") as file:
            for row in csv.DictReader(file):
                process = self.processes[row["truth_id"]]
                version = next(v for ns, v in process.versions if ns == int(row["from_ns"]))
                version["uid"] = int(row["uid"])
                version["unit"] = unit_of(version["cgroup"])
        for process in self.processes.values():
            for _, version in process.versions:
                version["lineage"] = lineage_of(process.versions[-1][1])
        self.known = list(self.processes.values())


# --- expressions ---------------------------------------------------------------------------------

RELATIONS = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
             "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


def like(pattern, text):
    parts = [b".*" if byte == b"*" else b"." if byte == b"?" else re.escape(byte)
             for byte in (pattern[i:i + 1] for i in range(len(pattern)))]
    return re.fullmatch(b"".join(parts), text, re.DOTALL) is not None


def pattern_of(dice, text):
    """Something that the text may be like."""
    kept = bytearray()
    for byte in text[:60]:
        kept += dice.choice([bytes([byte])] * 8 + [b"?", b"*", b""])
    return dice.choice([bytes(kept), b"*" + text[2:], text[:3] + b"*", b"*" + text[1:4] + b"*"])


def number_comparison(dice, truth, process, version):
    field = dice.choice(truth.number_fields)
    truth.asked.add(field)
    number = version["uid"] if field == "uid" else getattr(process, field)
    number += dice.choice([-1, 0, 0, 1])
    relation = dice.choice(list(RELATIONS))
    holds = RELATIONS[relation]
    if field == "uid":
        return b"uid %s %d" % (relation.encode(), number), lambda p, v: holds(v["uid"], number)
    return (b"%s %s %d" % (field.encode(), relation.encode(), number),
            lambda p, v: holds(getattr(p, field), number))


def time_comparison(dice, truth, process):
    truth.asked.add("start_time")
    relation = dice.choice(list(RELATIONS))
    ns = process.start_ns
    return (b"start_time%s'%s'" % (relation.encode(), check_truth.timeline_text(ns).encode()),
            lambda p, v: RELATIONS[relation](p.start_ns, ns))


def text_comparison(dice, truth, version):
    field = dice.choice(NAMES)
    truth.asked.add(field)
    value, relation = version[field], dice.choice(list(RELATIONS) + ["~", "~", "~"])
    holds = like if relation == "~" else RELATIONS[relation]
    if relation == "~":
        value = pattern_of(dice, value)
        holds = lambda text, pattern: like(pattern, text)  # noqa: E731
    if b"'" in value and b'"' in value:
        value = b"*"
    quote = b'"' if b"'" in value else b"'"
    known = (lambda v: v["cgroup"] != b"") if field == "unit" else (lambda v: v[field] != b"")
    return (b"%s %s %s%s%s" % (field.encode(), relation.encode(), quote, value, quote),
            lambda p, v: known(v) and holds(v[field], value))


def expression(dice, truth, depth):
    """A text, and whether it is true of a process under a version."""
    kind = dice.random()
    if depth == 0 or kind < 0.3:
        process = dice.choice(truth.known)
        version = dice.choice(process.versions)[1]
        if kind < 0.06:
            return time_comparison(dice, truth, process)
        return number_comparison(dice, truth, process, version) if kind < 0.15 else text_comparison(dice, truth, version)
    first, is_first = expression(dice, truth, depth - 1)
    if kind < 0.4:
        return b"not (" + first + b")", lambda p, v: not is_first(p, v)
    second, is_second = expression(dice, truth, depth - 1)
    if kind < 0.7:
        return b"(" + first + b") and (" + second + b")", lambda p, v: is_first(p, v) and is_second(p, v)
    return b"(" + first + b") or (" + second + b")", lambda p, v: is_first(p, v) or is_second(p, v)


# --- selections ----------------------------------------------------------------------------------

def ends_like(option, text):
    """As --comm: exact, or with * at either end."""
    want = option[option.startswith(b"*"):]
    front, back = option.startswith(b"*"), option.endswith(b"*") and len(option) > 1
    want = want[:-1] if back else want
    if front and back:
        return want in text
    return text.endswith(want) if front else text.startswith(want) if back else text == want


def one_option(dice, truth):
    process = dice.choice(truth.known)
    version = dice.choice(process.versions)[1]
    name = dice.choice(["pid", "comm", "user", "cgroup", "container"])
    truth.asked.add(name)
    if name == "pid":
        return [b"--pid", b"%d" % process.pid], lambda p, v: p.pid == process.pid
    text = version[name]
    option = dice.choice([text, text[:4] + b"*", b"*" + text[-3:], b"*" + text[1:4] + b"*"])
    if option.startswith(b"-"):
        option = b"*"
    if name == "user":  # also a uid
        return [b"--user", option], lambda p, v: ends_like(option, v["user"]) or option == b"%d" % v["uid"]
    return [b"--" + name.encode(), option], lambda p, v: v[name] != b"" and ends_like(option, v[name])


def selection(dice, truth):
    """Options, and whom they mean; truth.asked: what of them is asked for."""
    truth.asked = set()
    kind = dice.random()
    if kind < 0.15:
        return [], lambda p, v: True
    if kind < 0.4:
        return one_option(dice, truth)
    text, holds = expression(dice, truth, dice.randint(0, 4))
    if kind < 0.85:
        return [b"--where", text], holds
    options, also = one_option(dice, truth)
    return options + [b"--where=" + text], lambda p, v: also(p, v) and holds(p, v)


class Query(check_truth.Query):
    def __init__(self, by, window, chosen):
        super().__init__(by, window.from_ns, window.to_ns)
        self.options, self.holds = chosen
        self.select = self.options or None

    def columns(self):
        return super().columns() + (["unit", "lineage"] if self.by == "process" else [])

    def arguments(self):
        select, self.select = self.select, None
        words = super().arguments() + self.options
        self.select = select
        return words

    def keeps(self, process, version):
        return self.holds(process, version)


def shown(words):
    return " ".join(word if isinstance(word, str) else repr(word)[1:] for word in words)
