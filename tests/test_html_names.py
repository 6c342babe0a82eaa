#!/usr/bin/env python3
"""Names and arguments that live processes choose come onto the page of `procscope html` as text, whatever is in them:
nothing of them runs, nothing ends an element, nothing turns the text around it. And the page's own policy refuses what
would come in some other way."""

import json
import os
import re
import sys
import time

from support_browser import Browser
from support_programs import Load, Recorder, analyze, check, finish, need_programs, work_directory


def order(name):
    """`name` in the form that the order "name" takes: every byte escaped."""
    return "name " + "".join("\\x%02x" % byte for byte in name) + " wait"


ALERT = b"<img src=x onerror=alert(1)>"
# What each process is called (15 bytes at most), and its arguments.
HOSTILE = [
    (b"</script>", [b"</script><script>alert(1)</script>", ALERT]),
    (b"<!--<script>", [b"<!-- <script>", b"]]>", b"--></style>"]),
    (b"\"'`&amp;<b>", [b"\" onmouseover=\"alert(1)", b"'\\\"", b"&lt;script&gt;"]),
    (b"\xe2\x80\xaetxt.exe", [b"\xe2\x80\xaegpj.exe", b"\xe2\x81\xa6x\xe2\x81\xa9"]),
    ("שלום".encode(), ["مرحبا <b>".encode()]),
    (b"a\nb\tc\x1b[1m", [b"\x00"[:0], b"\r\n\x07\x7f", b"\xc2\x9b31m"]),
    (b"\xff\xfe\xc3(", [b"\xed\xb0\x80\xff", b"__proto__", b"@FACTS@ @SERIES@"]),
    (b"__proto__", [b"x" * 4000 + ALERT]),
    (b"four-kb", [ALERT * 140]),
]
CELLS = """[...document.querySelectorAll("#rows tbody tr")].map((tr) => Object.fromEntries(
    [...tr.cells].map((td) => [td.dataset.name, td.textContent])))"""


def record(path):
    recorder = Recorder(path, "-i", "200ms", "--no-sandbox")
    loads = [Load(order(name), [name, *arguments]) for name, arguments in HOSTILE]
    time.sleep(2)
    for load in loads:
        load.end()
    time.sleep(0.5)
    recorder.stop()
    return [load.pid for load in loads]


def report_rows(path):
    """By pid: cells of the table for people, apart at columns' places."""
    lines = analyze("report", path, "--top", "0", "--no-remainder", "--columns", "pid,comm").decode().splitlines()
    return {line.split()[0]: line.strip().split(None, 1)[1].strip() for line in lines[1:] if line.strip()[:1].isdigit()}


def check_text(browser, path, pids):
    rows = {cells["pid"]: cells for cells in browser.evaluate(CELLS)}
    names = report_rows(path)
    for (name, _), pid in zip(HOSTILE, map(str, pids)):
        shown = rows.get(pid, {}).get("comm")
        check(shown is not None and shown == names.get(pid), "%r is shown as the report shows it: %r" % (name, shown))
        line = rows.get(pid, {}).get("cmdline", "")
        check(len(line.encode()) <= 4 * 303 and not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line),
              "%r: the command line is cut, and has no control in it" % name)


def check_structure(browser):
    count = browser.evaluate("""({
        scripts: document.scripts.length, styles: document.querySelectorAll("style, link").length,
        images: document.images.length, bold: document.querySelectorAll("b").length,
        handlers: [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) =>
            a.name.startsWith("on"))).length,
        loose: [...document.querySelectorAll("#rows td.text")].filter((td) => td.textContent !== "" &&
            td.querySelector("bdi") === null).length })""")
    check(count == {"scripts": 3, "styles": 1, "images": 0, "bold": 0, "handlers": 0, "loose": 0},
          "no name has become an element, and each stands apart: %r" % count)


def check_policy(browser):
    """Were a name to get in after all, it would do nothing."""
    refused = browser.evaluate("""new Promise((done) => {
        const refused = [];
        document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        const image = document.createElement("img");
        image.src = "http://example.invalid/x.png";
        document.body.append(image);
        const style = document.createElement("style");
        style.textContent = "body { display: none }";
        document.body.append(style);
        const frame = document.createElement("iframe");
        frame.src = "http://example.invalid/";
        document.body.append(frame);
        fetch("http://example.invalid/").catch(() => {});
        setTimeout(() => done({ refused: refused.sort(), ran: window.ran === true,
                                shown: getComputedStyle(document.body).display !== "none" }), 500);
    })""")
    wanted = {"connect-src", "frame-src", "img-src", "script-src-elem", "style-src-elem"}
    check(set(refused["refused"]) == wanted and not refused["ran"] and refused["shown"],
          "the policy refuses scripts, styles, images, frames and requests: %r" % refused)


def check_bytes(page):
    with open(page, "rb") as file:
        text = file.read()
    facts = re.search(rb'<script type="application/json" id="facts">(.*?)</script>', text, re.S)[1]
    json.loads(facts)
    check(b"<" not in facts and text.count(b"</script>") == 3, "the figures' element has no < in it")
    check(not re.search(rb"https?://(?!github\.com/leeoniya/uPlot)", re.sub(rb'"id":"[^"]*"', b"", text)
                        .split(b"<script type", 1)[0]), "before the figures no address is named")


def main():
    need_programs()
    browser = Browser()
    with work_directory() as directory:
        path = os.path.join(directory, "names.pscope")
        pids = record(path)
        page = path + ".html"
        analyze("html", path, "-o", page)
        check_bytes(page)
        browser.order("open", file=page)
        while not browser.evaluate("document.getElementById('more').hidden"):
            browser.order("click", selector="#more")
        check_text(browser, path, pids)
        check_structure(browser)
        browser.order("fill", selector="#filter", text="</script>")
        check(browser.evaluate("document.querySelectorAll('#rows tbody tr').length") >= 1, "it is found by its name")
        browser.order("click", selector="#rows tbody button.open")
        check("</script>" in browser.text("#detail-title"), "and looked at")
        browser.order("press", selector="#cpu .plot", key="ArrowRight")
        check_structure(browser)
        check(not browser.order("faults"), "no fault, no request, no dialog: %r" % browser.order("faults"))
        check_policy(browser)
    browser.close()
    finish()


if __name__ == "__main__":
    sys.exit(main())
