"""A browser without a network, for tests of the page of `procscope html`."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess

from support_programs import ANALYZER, BUILD, SOURCE, skip

DRIVER = os.path.join(SOURCE, "tests", "page")
PACKAGES = os.path.join(BUILD, "tests", "page")


def need_page():
    """The page is in the program; else says why not, as the program does."""
    said = subprocess.run([ANALYZER, "html", "/dev/null", "-o", "/dev/null"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=60).stderr
    if "this program has no page in it" in said:
        skip(said.strip().splitlines()[0])


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    return skip("no chromium")


def fetch_driver():
    """Playwright by npm into the build folder, in the version of the lock file, once; tests run side by side."""
    os.makedirs(PACKAGES, exist_ok=True)
    with open(os.path.join(PACKAGES, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fetch_driver_alone()


def fetch_driver_alone():
    if not (npm := shutil.which("npm")) or not shutil.which("node"):
        skip("no npm and node")
    with open(os.path.join(DRIVER, "package-lock.json"), "rb") as lock:
        wanted = hashlib.sha256(lock.read()).hexdigest()
    mark = os.path.join(PACKAGES, "fetched")
    for name in ("package.json", "package-lock.json", "drive.mjs"):
        shutil.copy(os.path.join(DRIVER, name), PACKAGES)
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as there:
            if there.read() == wanted:
                return
    done = subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
                           "--fetch-retries=0", "--loglevel=error"], cwd=PACKAGES, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        skip("npm could not fetch playwright-core: " + " ".join(done.stderr.split())[:200])
    with open(mark, "w", encoding="utf-8") as there:
        there.write(wanted)


class Browser:
    """Orders are those of tests/page/drive.mjs."""

    def __init__(self):
        program = chromium()
        need_page()
        fetch_driver()
        self.process = subprocess.Popen(["node", "drive.mjs", program], cwd=PACKAGES, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.process.stdout.readline() == "":
            skip("%s does not start here: %s" % (program, " ".join(self.process.stderr.read().split())[:300]))

    def order(self, what, **how):
        self.process.stdin.write(json.dumps({"do": what, **how}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if line == "":
            raise RuntimeError("the browser's driver ended: " + self.process.stderr.read())
        answer = json.loads(line)
        if "failed" in answer:
            raise RuntimeError("%s %r: %s" % (what, how, answer["failed"]))
        return answer["is"]

    def evaluate(self, script):
        return self.order("evaluate", script=script)

    def text(self, selector):
        return self.evaluate("document.querySelector(%s).textContent" % json.dumps(selector))

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
