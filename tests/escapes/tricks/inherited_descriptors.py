# Uses open files that were left by whoever started it: to read, to leave by, to find what they are.
import contextlib
import fcntl
import os
import socket
import stat

from prelude import TOLD, attempt, out

found = {}
for number in range(256):
    with contextlib.suppress(OSError):
        found[number] = os.fstat(number)
for number, status in found.items():
    where = os.readlink(f"/proc/self/fd/{number}")
    print(number, where)
    if number > 2:
        out(f"inherited {where}")
    if stat.S_ISSOCK(status.st_mode):
        out(f"{where} is a socket")
    for path in ("..", "../../.." + TOLD["KEY"], "neighbour"):
        with attempt():
            out(f"{path} beside {where}: {os.read(os.open(path, os.O_RDONLY, dir_fd=number), 100)!r}")
    with attempt():
        os.fchdir(number)
        out(f"in {where}")
    with attempt():
        print(fcntl.fcntl(number, fcntl.F_GET_SEALS))
    with attempt():
        socket.socket(fileno=os.dup(number)).getpeername()
        out(f"{where} has a peer")
for number in range(3):  # what it may read of them: nothing was given, and its own output is not for it
    with attempt():
        again = os.open(f"/proc/self/fd/{number}", os.O_RDWR | os.O_NONBLOCK)
        if words := os.read(again, 4096):
            out(f"read from {number}: {words!r}")
print("tried")
