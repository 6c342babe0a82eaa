"""
Run as a process whose memory map is locked: argument 1 is a file whose reads do not end.

One thread reads that file's mapping through /proc/self/mem, which holds the map's lock for reading
until the page is there; another waits to change the map. Then nobody else gets the lock, and reading
/proc/PID/cmdline hangs. Says "locking" before, "unlocked" once the file can be read.
"""

import mmap
import os
import sys
import threading
import time

path = sys.argv[1]
with open(path, "rb") as file:
    page = mmap.mmap(file.fileno(), mmap.PAGESIZE, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
with open("/proc/self/maps", encoding="utf-8") as maps:
    address = next(int(line.split("-")[0], 16) for line in maps if path in line)
memory = os.open("/proc/self/mem", os.O_RDONLY)
threading.Thread(target=os.pread, args=(memory, 1, address)).start()
time.sleep(0.3)
print("locking", flush=True)
mmap.mmap(-1, mmap.PAGESIZE)
print("unlocked", flush=True)
sys.stdin.read()
