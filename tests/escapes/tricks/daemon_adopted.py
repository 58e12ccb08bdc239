# Leaves a process behind that is its own reaper, and one whose parent is the first process.
import ctypes
import os
import time

from prelude import attempt, call, libc

PARENT, SIGCHLD = 0x8000, 17
libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
if os.fork() == 0:
    libc.prctl(36, 1, 0, 0, 0)
    if os.fork() == 0:
        time.sleep(30)
    time.sleep(30)
with attempt():
    for flags in (PARENT | SIGCHLD, PARENT):
        child = call("clone", flags, 0, 0, 0, 0)
        if child == 0:
            ctypes.CDLL(None).sleep(30)
            os._exit(0)
print("tried")
