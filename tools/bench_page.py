#!/usr/bin/env python3
"""How long a page of `procscope html` takes until it can be used, and until it is zoomed, in headless Chromium:
bench_page.py PAGE prints ready_ms=N zoom_ms=N, medians of 9."""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))
from support_browser import Browser  # noqa: E402

TURNS = 9


def main():
    page = os.path.abspath(sys.argv[1])
    browser = Browser()
    ready, zoom = [], []
    for _ in range(TURNS):
        ready.append(browser.order("open", file=page))
        start = time.monotonic()
        browser.evaluate("document.getElementById('in').click()")
        browser.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        zoom.append((time.monotonic() - start) * 1000)
    browser.close()
    print("ready_ms=%.0f zoom_ms=%.0f" % (statistics.median(ready), statistics.median(zoom)))


if __name__ == "__main__":
    main()
