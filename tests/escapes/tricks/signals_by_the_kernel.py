# Has the kernel send the signals: for input on a socket, for the death of a parent, for a timer.
import ctypes
import fcntl
import os
import signal
import socket
import time

from prelude import TOLD, attempt, libc

victim = int(TOLD["VICTIM"])
for kind in range(3):  # a thread, a process, a group
    for number in (signal.SIGWINCH, signal.SIGIO, 0):
        mine, other = socket.socketpair()
        with attempt():
            fcntl.fcntl(mine, 10, number)  # F_SETSIG
            fcntl.fcntl(mine, 15, bytes(ctypes.string_at((ctypes.c_int * 2)(kind, victim), 8)))  # F_SETOWN_EX
            fcntl.fcntl(mine, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
            other.send(b"x")
        with attempt():
            fcntl.fcntl(mine, fcntl.F_SETOWN, -victim)
            other.send(b"x")
child = os.fork()
if child == 0:
    if os.fork() == 0:
        libc.prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG
        os._exit(0)
    os._exit(0)
os.waitpid(child, 0)
time.sleep(0.05)
print("tried")
