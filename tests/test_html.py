#!/usr/bin/env python3
"""Every figure on the page of `procscope html` is that of `procscope report` and `timeline` for the same window: of
the whole, of parts that are zoomed to by keys, buttons and mouse, and of single steps under the cursor. It opens
without a network, asks for nothing, and reports no fault."""

import csv
import json
import os
import random
import re
import subprocess
import sys

from support_browser import Browser
from support_programs import ANALYZER, BUILD, analyze, check, finish, read_csv, report, work_directory

MAKE = os.path.join(BUILD, "make_recording")
# name -> how it is made; steps of the table are one bucket long, then several
RECORDINGS = {
    "plain": "--processes 40 --seconds 400 --births 1 --gpus 2 --gpu-processes 6 --tables all --seed 5"
             " --incident cpu-hog@120:40 --incident oom@200",
    "broken": "--processes 30 --seconds 500 --births 1 --missing --pid-reuse --gap 90:20 --restart 330:15 --seed 6",
    "long": "--processes 450 --seconds 3000 --births 0.2 --mix busy=1,periodic=1,io=1 --seed 7",
    # samples of the first hours are gone
    "evicted": "--processes 25 --seconds 9000 --births 0.05 --keep 1h --keep-rollups 48h --seed 8",
}
# of the page -> of the report's JSON, and how near: sums are exact, means of memory are kept in 64ths of a byte
FIGURES = {"cpu_seconds": 0, "cpu_percent_mean": 1e-9, "cpu_percent_max": 1e-9, "resident_bytes_mean": 0.02,
           "resident_bytes_max": 0, "disk_read_bytes": 0, "disk_written_bytes": 0, "gpu_energy_joules": 1e-9,
           "gpu_power_watts_mean": 1e-6}
READ_ROWS = """(() => [...document.querySelectorAll("#rows tbody tr, #rows tfoot tr")].map((tr) => ({
    id: tr.dataset.processId ?? "", foot: tr.parentNode.tagName === "TFOOT", comm: tr.className === "comm",
    text: Object.fromEntries([...tr.cells].map((td) => [td.dataset.name, td.textContent])),
    full: Object.fromEntries([...tr.cells].map((td) => [td.dataset.name, td.title])) })))()"""


def make(directory, name):
    path = os.path.join(directory, name + ".pscope")
    subprocess.run([MAKE, path, *RECORDINGS[name].split()], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, timeout=120)
    return path


def write_page(path, *options):
    page = path + ".html"
    analyze("html", path, "-o", page, *options)
    return page


def all_rows(browser):
    """Of the table, also those that are drawn on request only."""
    while not browser.evaluate("document.getElementById('more').hidden"):
        browser.evaluate("document.getElementById('more').click()")
    return browser.evaluate(READ_ROWS)


def by_id(rows):
    return {row["id"]: row for row in rows if not row["foot"] and not row["comm"]}


# --- the table -----------------------------------------------------------------------------------

def table_lines(path, *options):
    """Lines of the report for people, cells apart."""
    lines = analyze("report", path, "--top", "0", *options).decode().split("\n\n")[0].splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


def check_whole_text(name, path, rows):
    """The page has the very texts of the report: of rows with all cells, in their order."""
    head, *lines = table_lines(path)
    shown = by_id(rows)
    order = [row["id"] for row in rows if row["id"] in shown and not row["foot"]]
    columns = list(rows[0]["text"])
    wanted = {tuple(line[:-1]) for line in lines if len(line) == len(head)}
    got = [tuple(shown[key]["text"][column] for column in columns[:-1]) for key in order]
    missing = [cells for cells in got if cells not in wanted]
    check(len(head) == len(columns) and not missing and len(got) > 20,
          "%s: %d rows have the texts of the report%s" % (name, len(got), ": " + repr(missing[:2]) if missing else ""))
    cpu = [float(shown[key]["full"]["cpu_seconds"] or -1) for key in order]
    check(cpu == sorted(cpu, reverse=True), "%s: most CPU time first" % name)


def near(got, wanted, tolerance):
    if got in ("", None) or wanted is None:
        return got in ("", None) and wanted is None
    return abs(float(got) - float(wanted)) <= tolerance * max(1, abs(float(wanted))) + 1e-12


def check_rows(claim, rows, report, whole):
    """Figures of all rows against the report's JSON of the same window."""
    processes = {str(row["process_id"]): row for row in report["rows"] if row["row"] == "process"}
    shown = by_id(rows)
    wrong = []
    for key, row in shown.items():
        for name, tolerance in FIGURES.items():
            if name not in row["full"]:
                continue
            if key not in processes or not near(row["full"][name], processes[key][name], tolerance):
                wrong.append((key, name, row["full"][name], processes.get(key, {}).get(name)))
    comms = [row for row in rows if row["comm"]]
    check(not wrong, "%s: figures of %d rows%s" % (claim, len(shown), ": " + repr(wrong[:3]) if wrong else ""))
    differ = sorted(set(shown) ^ set(processes)) if not comms else []
    check(not differ, "%s: the same processes%s" % (claim, ": not both have %r" % differ[:5] if differ else ""))
    for name, exact in (("cpu_seconds", 1e9), ("disk_read_bytes", 1), ("disk_written_bytes", 1)):
        total = sum(round(float(row["full"][name] or 0) * exact) for row in list(shown.values()) + comms)
        wanted = sum(round((row[name] or 0) * exact) for row in processes.values())
        check(total == wanted, "%s: %s of all rows adds up to the report's" % (claim, name))
    foot = [row for row in rows if row["foot"] and "others" not in row["text"]["comm"]]
    extra = [row for row in report["rows"] if row["row"] not in ("process", "others")]
    same = len(foot) == len(extra) and all(
        got["text"]["comm"] == wanted["comm"] and near(got["full"]["cpu_seconds"], wanted["cpu_seconds"], 0)
        and near(got["full"]["cpu_percent_mean"], wanted["cpu_percent_mean"], 1e-9)
        and near(got["full"].get("gpu_energy_joules"), wanted["gpu_energy_joules"], 1e-9)
        for got, wanted in zip(foot, extra))
    check(same, "%s: idle, not attributed and the total%s" % (
        claim, "" if same else ": %r, not %r" % ([(r["text"]["comm"], r["full"]) for r in foot], extra)))
    if not whole:
        check(all(row["text"]["cpu_percent_p95"] == "-" for row in shown.values()),
              "%s: percentiles are not known of a part" % claim)


def report_of(path, *window):
    """Of the page's columns: others may know of more processes, as that of CPUs' energy."""
    columns = ["process_id", "pid", "comm", "row", *FIGURES]
    return json.loads(analyze("report", path, "--top", "0", "--format", "json", "--columns", ",".join(columns),
                              *window).decode("utf-8", "surrogateescape"))


def shown_window(browser):
    """The window that the page says it shows, by the command that it offers."""
    found = re.search(r"--from (@[0-9.]+) --to (@[0-9.]+)", browser.text("#shown"))
    return ["--from", found[1], "--to", found[2]] if found else []


def zoom_somewhere(browser, how):
    """One of the ways to another part of the window."""
    chosen = how.randrange(6)
    if chosen == 0:
        browser.order("press", selector="#cpu .plot", key="0")
        browser.order("point", selector="#cpu .u-over", x=how.uniform(0.02, 0.6), to=how.uniform(0.65, 0.97))
    elif chosen == 1:
        browser.order("press", selector="#cpu .plot", key="0")
        browser.order("point", selector="#memory .u-over", x=how.uniform(0.1, 0.4), to=how.uniform(0.42, 0.6))
    elif chosen == 2:
        browser.order("press", selector="#cpu .plot", key="+")
    elif chosen == 3:
        browser.order("press", selector="#cpu .plot", key="Shift+ArrowRight")
    elif chosen == 4:
        browser.order("press", selector="#cpu .plot", key="Shift+ArrowLeft")
    else:
        browser.evaluate("document.getElementById('in').click()")


def check_legends(browser, claim, rows):
    """What charts by process tell of all that is shown is what the table tells."""
    own = {(row["text"]["comm"] + " " + row["text"]["pid"], row["text"][column])
           for row in rows if not row["foot"] and not row["comm"]
           for column in ("cpu_seconds", "gpu_energy_joules") if column in row["text"]}
    foot = {re.sub(r"^\[|\W.*", "", row["text"]["comm"].split(":")[0].replace("[not attributed", "rest")): row["text"]
            for row in rows if row["foot"]}
    browser.order("press", selector="#cpu .plot", key="Escape")
    wrong, seen = [], 0
    for chart, column in (("cpu", "cpu_seconds"), ("gpu", "gpu_energy_joules")):
        for label, text in legend(browser, chart).items():
            if label in ("not attributed", "idle"):
                same = text == foot["rest" if label == "not attributed" else "idle"][column]
            elif label.startswith(("other processes", "all processes")):
                continue
            else:  # one that was not there has nothing
                same = (label, text) in own or text in ("0 s", "0.0 J")
            seen += 1
            if not same:
                wrong.append((chart, label, text))
    check(not wrong and seen >= 6, "%s: legends of %d series are the table's%s" % (claim, seen, wrong or ""))


def check_zooms(browser, name, path, how, turns):
    for turn in range(turns):
        zoom_somewhere(browser, how)
        window = shown_window(browser)
        if window:
            claim, rows = "%s, zoom %d %s" % (name, turn, " ".join(window)), all_rows(browser)
            check_rows(claim, rows, report_of(path, *window), False)
            check_legends(browser, claim, rows)
    browser.order("doubleclick", selector="#cpu .u-over")
    check(shown_window(browser) == [], "%s: a double click shows the whole window" % name)


# --- charts --------------------------------------------------------------------------------------

def legend(browser, chart):
    return dict(browser.evaluate("""[...document.querySelectorAll("#%s .legend li")].map((li) =>
        [li.querySelector("bdi").textContent, li.querySelector(".value").textContent])""" % chart))


def timeline_of(path, table, step, *options):
    return read_csv(analyze("timeline", path, "--table", table, "--step", step, "--format", "csv", *options))


def human(browser, kind, value):
    """As a report's table writes it: the page's own is checked against that by whole tables."""
    units = {"bytes": [" B", " KiB", " MiB", " GiB", " TiB"]}[kind]
    unit = 0
    while unit + 1 < len(units) and round(abs(value) * 10) >= 10240:
        value, unit = value / 1024, unit + 1
    return ("%.0f" if unit == 0 else "%.1f") % (int(value * (10 if unit else 1) + 0.5) / (10 if unit else 1)) \
        + units[unit]


def check_cursor(browser, name, path, step):
    """The values under the cursor, which keys move, are the timeline's of that step."""
    memory = {row["time_ns"]: row for row in timeline_of(path, "memory_samples", step)}
    times = sorted(memory)
    processes = timeline_of(path, "process_samples", step, "--by", "process")
    browser.order("press", selector="#memory .plot", key="Escape")
    wrong, seen = [], 0
    for bucket in range(12):
        browser.order("press", selector="#memory .plot", key="ArrowRight")
        at = times[bucket]
        if memory[at]["available_bytes_mean"] == "":
            continue  # no tick lies in it
        seen += 1
        got = legend(browser, "memory")["available"].split(" (")[0]
        wanted = human(browser, "bytes", float(memory[at]["available_bytes_mean"]))
        when = browser.text("#memory .when")
        of_step = [row for row in processes if row["time_ns"] == at]
        covered = max((float(row["covered_seconds"] or 0) for row in of_step), default=0)
        cpu = legend(browser, "cpu")
        for label, text in cpu.items():
            pid = label.rsplit(" ", 1)[-1]
            own = [row for row in of_step if row["pid"] == pid]
            if not pid.isdigit() or covered == 0:
                continue
            percent = sum(float(row["cpu_seconds"] or 0) for row in own) / covered * 100
            if abs(float(text.split(" ")[0]) - percent) > 0.0501:
                wrong.append((bucket, label, text, percent))
        if got != wanted or not when:
            wrong.append((bucket, got, wanted, when))
    check(not wrong and seen > 4, "%s: steps under the cursor are those of the timeline%s" % (
        name, ": " + repr(wrong[:2]) if wrong else ""))
    said = browser.text("body > .aside")
    check("available" in said and " to " in said, "%s: what the cursor is at is said aloud" % name)
    browser.order("point", selector="#disk .u-over", x=0.5)
    check("/s" in " ".join(legend(browser, "disk").values()), "%s: the mouse reads values, too" % name)
    browser.order("press", selector="#memory .plot", key="Escape")


def check_names(browser, name, path):
    """CPU time by name is the report's, also of a part of the window."""
    for key in ("0", "+"):
        browser.order("press", selector="#cpu .plot", key=key)
        browser.order("click", selector="#names")
        window = shown_window(browser)
        rows = {row["comm"]: row for row in report(path, "--by", "comm", "--top", "0", *window)}
        shown = legend(browser, "cpu")
        lines = {cells[0]: cells[2] for cells in table_lines(path, "--by", "comm", *window)}
        own = {comm: text for comm, text in shown.items() if comm in lines and rows[comm]["row"] == "group"}
        wrong = {comm: (text, lines[comm]) for comm, text in own.items() if text != lines[comm]}
        check(len(own) == 8 and not wrong, "%s: CPU time of 8 names is that of report --by comm %s%s" % (
            name, " ".join(window), wrong or ""))
        browser.order("click", selector="#names")
    browser.order("press", selector="#cpu .plot", key="0")


def check_trust(browser, name, path):
    text = analyze("report", path, "--top", "1").decode().split("\n\n")[1].strip().splitlines()
    shown = browser.evaluate("""[...document.querySelectorAll("#trust dt")].map((dt) =>
        dt.textContent + ": " + dt.nextElementSibling.textContent)""")
    check(shown == text, "%s: the trust statement is the report's" % name)
    info = json.loads(analyze("info", path, "--format", "json"))
    last = info["sessions"][-1]["session_id"]
    rows = browser.evaluate("""[...document.querySelectorAll("#collectors tbody tr")].map((tr) =>
        [...tr.cells].map((td) => td.textContent))""")
    wanted = [[one["collector"], one["status"], one["reason"], one["enable"]] for one in info["collectors"]
              if one["session_id"] == last]
    check(rows == wanted and rows, "%s: collectors are those of info" % name)
    events = browser.evaluate("document.querySelectorAll('#events tbody tr').length")
    stored = list(csv.reader(analyze("export", path, "--table", "event", "--format", "csv").decode().splitlines()))
    check(events == len(stored) - 1, "%s: all %d events are listed" % (name, events))


# --- the table's own ways ------------------------------------------------------------------------

def first_cells(browser, column):
    return browser.evaluate("""[...document.querySelectorAll("#rows tbody td[data-name=%s]")]
        .map((td) => td.title || td.textContent)""" % column)


def check_sort(browser, name):
    for column, down_first in (("resident_bytes_max", True), ("pid", True), ("comm", False)):
        button = "#rows th[data-name=%s] button" % column
        for down in (down_first, not down_first):
            browser.order("click", selector=button)
            all_rows(browser)
            state = browser.evaluate("document.querySelector('#rows th[data-name=%s]').ariaSort" % column)
            cells = [cell for cell in first_cells(browser, column) if cell != "-"]
            keys = cells if column == "comm" else [float(cell) for cell in cells]
            check(keys == sorted(keys, reverse=down) and state == ("descending" if down else "ascending"),
                  "%s: sorted by %s, %s" % (name, column, state))
    browser.order("click", selector="#rows th[data-name=cpu_seconds] button")


def check_filter(browser, name):
    comm = first_cells(browser, "comm")[3]
    browser.order("fill", selector="#filter", text=comm.upper())
    shown = browser.evaluate("""[...document.querySelectorAll("#rows tbody tr")].map((tr) => tr.textContent)""")
    found = browser.text("#found")
    check(shown and all(comm.lower() in text.lower() for text in shown), "%s: the filter finds %s" % (name, comm))
    check(found.startswith("%d of " % len(shown)), "%s: it says how many: %s" % (name, found))
    browser.order("fill", selector="#filter", text="nobody is called this")
    check(browser.evaluate("document.querySelectorAll('#rows tbody tr').length") == 0, "%s: it finds nothing" % name)
    browser.order("fill", selector="#filter", text="")


def check_detail(browser, name, path):
    opener = "#rows tbody tr:not(.comm) button.open"
    key = browser.evaluate("document.querySelector('%s').closest('tr').dataset.processId" % opener)
    browser.order("press", selector=opener + " >> nth=0", key="Enter")
    facts = dict(browser.evaluate("""[...document.querySelectorAll("#detail dd")].map((dd) =>
        [dd.dataset.name, dd.textContent])"""))
    row = next(row for row in report_of(path)["rows"] if str(row["process_id"]) == key)
    check(facts["process_id"] == key and facts["comm"] == row["comm"] and facts["pid"] == str(row["pid"]),
          "%s: a process is looked at by keys" % name)
    check(browser.evaluate("document.activeElement.id") == "detail-title", "%s: the focus goes there" % name)
    check(browser.evaluate("document.querySelectorAll('#detail canvas').length") == 2, "%s: two charts of it" % name)
    browser.order("click", selector="#detail .detail-head button")
    check(browser.evaluate("document.activeElement.className") == "open", "%s: and back" % name)


def check_reach(browser, name):
    """What does not see or point gets the same."""
    problems = browser.evaluate("""(() => {
        const wrong = [];
        for (const button of document.querySelectorAll("button"))
            if ((button.ariaLabel ?? button.textContent).trim() === "" && !button.hidden)
                wrong.push("a button without a name");
        for (const th of document.querySelectorAll("th"))
            if (th.scope !== "col")
                wrong.push("a head without scope");
        for (const table of document.querySelectorAll("table"))
            if (!table.caption)
                wrong.push("a table without a caption");
        for (const plot of document.querySelectorAll(".plot"))
            if (plot.tabIndex !== 0 || !plot.ariaLabel ||
                document.getElementById(plot.getAttribute("aria-describedby")).textContent.length < 20)
                wrong.push("a chart without words");
        const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
        if (new Set(ids).size !== ids.length)
            wrong.push("an id twice");
        return wrong;
    })()""")
    check(not problems, "%s: names, heads, captions and words are there%s" % (name, problems or ""))


def check_looks(browser, name, page):
    back = "getComputedStyle(document.body).backgroundColor"
    light = browser.evaluate(back)
    browser.order("click", selector="#theme")
    dark = browser.evaluate(back)
    check(light != dark, "%s: the button makes it dark" % name)
    browser.order("media", media="print")
    check(browser.evaluate("getComputedStyle(document.querySelector('.buttons')).display") == "none",
          "%s: printed without buttons" % name)
    check(not browser.order("faults"), "%s: no fault, no request: %r" % (name, browser.order("faults")))
    browser.order("open", file=page, width=380, height=700, scheme="dark")
    check(browser.evaluate(back) == dark, "%s: dark where that is preferred" % name)
    check(browser.evaluate("document.documentElement.scrollWidth <= innerWidth"),
          "%s: nothing sticks out of a narrow screen" % name)
    check(not browser.order("faults"), "%s: narrow and dark, no fault" % name)


def check_recording(browser, directory, name, turns):
    path = make(directory, name)
    page = write_page(path)
    how = random.Random(name)
    browser.order("open", file=page)
    rows = all_rows(browser)
    check_whole_text(name, path, rows)
    check_rows(name + ", whole", rows, report_of(path), True)
    if name != "evicted":
        check_legends(browser, name + ", whole", rows)
    check_trust(browser, name, path)
    check_zooms(browser, name, path, how, turns)
    check(not browser.order("faults"), "%s: no fault, no request: %r" % (name, browser.order("faults")))
    return path, page


def check_several(browser, directory):
    """Two files of one host are one timeline, and the page names both where it says how to ask for its figures."""
    first = os.path.join(directory, "two.pscope")
    subprocess.run([MAKE, first, "--processes", "20", "--seconds", "300", "--restart", "150:20", "--split"], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)
    files = [first, first + ".2"]
    page = first + ".html"
    analyze("html", *files, "-o", page)
    browser.order("open", file=page, before="delete Uint8Array.fromBase64")  # as in older browsers
    check_rows("two files", all_rows(browser), json.loads(analyze(
        "report", *files, "--top", "0", "--format", "json", "--columns", ",".join(
            ["process_id", "pid", "comm", "row", *FIGURES]))), True)
    browser.order("press", selector="#cpu .plot", key="+")
    check(" ".join(files) in browser.text("#shown"), "two files: both are named")


def main():
    browser = Browser()
    with work_directory() as directory:
        path, page = check_recording(browser, directory, "plain", 6)
        check_cursor(browser, "plain", path, "1s")
        check_names(browser, "plain", path)
        check_sort(browser, "plain")
        check_filter(browser, "plain")
        check_detail(browser, "plain", path)
        check_reach(browser, "plain")
        check_looks(browser, "plain", page)
        check_recording(browser, directory, "broken", 3)
        _, page = check_recording(browser, directory, "long", 2)
        check(browser.evaluate("JSON.parse(document.getElementById('facts').textContent).fold") > 1,
              "long: the table has longer steps than charts")
        check_recording(browser, directory, "evicted", 2)
        check("there are sums at most" in browser.text("#before"), "evicted: it says what charts do not have")
        check_several(browser, directory)
        window = ["--at", "-5m", "--span", "2m"]
        page = write_page(path, *window)
        browser.order("open", file=page)
        check_rows("a window of a recording", all_rows(browser), report_of(path, *window), True)
        failed = subprocess.run([ANALYZER, "html", path], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                check=False)
        check(failed.returncode == 2 and "-o PAGE.html" in failed.stderr, "without -o it says what is missing")
    browser.close()
    finish()


if __name__ == "__main__":
    sys.exit(main())
