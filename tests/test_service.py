#!/usr/bin/env python3
"""What a service manager hears of procscoped: ready, alive, reloading, stopping (sd_notify)."""
import os
import signal
import socket
import subprocess
import time

import support_programs as programs
from support_programs import check


def hear(manager, seconds=20):
    """The next word as a dictionary; {} when none comes."""
    manager.settimeout(seconds)
    try:
        text = manager.recv(4096).decode()
    except socket.timeout:
        return {}
    return dict(line.split("=", 1) for line in text.splitlines())


def hear_until(manager, name):
    """Words until one has that name: that one, and how many were a sign of life."""
    alive = 0
    for _ in range(200):
        word = hear(manager)
        if name in word or not word:
            return word, alive
        alive += word.get("WATCHDOG") == "1"
    return {}, alive


def listen(address):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(address)
    return manager


def follow(work):
    manager = listen(work + "/notify")
    config = work + "/config.json"
    with open(config, "w", encoding="ascii") as file:
        file.write('{ "interval": "100ms" }')
    recorder = programs.Recorder(work + "/a", "-c", config, environment={
        "NOTIFY_SOCKET": work + "/notify", "WATCHDOG_USEC": "200000"})
    ready, _ = hear_until(manager, "READY")
    check(ready.get("READY") == "1", "ready is told")
    check(ready.get("STATUS") == "recording to " + work + "/a", "and what it does: %s" % ready)
    alive = sum(hear(manager).get("WATCHDOG") == "1" for _ in range(5))
    check(alive == 5, "it is alive: %d of 5 words" % alive)
    os.kill(recorder.process.pid, signal.SIGSTOP)
    time.sleep(0.5)
    while hear(manager, 0.3):
        pass
    check(not hear(manager, 1), "stopped by a signal it is silent")
    os.kill(recorder.process.pid, signal.SIGCONT)
    check(hear(manager).get("WATCHDOG") == "1", "going on it is alive again")
    with open(config, "w", encoding="ascii") as file:
        file.write('{ "interval": "50ms" }')
    recorder.process.send_signal(signal.SIGHUP)
    reloading, _ = hear_until(manager, "RELOADING")
    check(reloading.get("MONOTONIC_USEC", "").isdigit(), "reloading is told: %s" % reloading)
    check(hear_until(manager, "READY")[0].get("READY") == "1", "ready again")
    check(recorder.stop() == 0, "it ends well")
    check(hear_until(manager, "STOPPING")[0].get("STOPPING") == "1", "stopping is told")
    manager.close()


def without_watchdog(work):
    """Another process's watchdog is none of ours; a command hears of no manager."""
    name = "\0procscope-test-%d" % os.getpid()
    manager = listen(name)
    environment = {**os.environ, "NOTIFY_SOCKET": "@" + name[1:], "WATCHDOG_USEC": "100000",
                   "WATCHDOG_PID": "1"}
    done = subprocess.run([programs.RECORDER, "-o", work + "/b", "-i", "50ms", "--", "sh", "-c",
                           "sleep 0.5; env"], env=environment, capture_output=True, check=False,
                          timeout=60)
    words = [hear(manager, 5), hear(manager, 5)]
    check("READY" in words[0] and "STOPPING" in words[1], "an abstract socket: %s" % words)
    check(b"NOTIFY_SOCKET" not in done.stdout and b"WATCHDOG" not in done.stdout,
          "the command's environment is without them")
    manager.close()


def nobody_listens(work):
    recorder = programs.Recorder(work + "/c", "-i", "50ms", environment={
        "NOTIFY_SOCKET": work + "/nobody", "WATCHDOG_USEC": "100000"})
    time.sleep(0.5)
    check(recorder.stop() == 0, "nobody listens: recording goes on")


def main():
    programs.need_programs()
    with programs.work_directory() as work:
        follow(work)
        without_watchdog(work)
        nobody_listens(work)
    programs.finish()


main()
