# Connects to sockets that have a name and no path, and finds their names.
import socket

from prelude import TOLD, attempt, out

names = [TOLD["ABSTRACT"], TOLD["ABSTRACT_DATAGRAM"], "/tmp/.X11-unix/X0", "/containerd-shim", "dbus"]
with attempt(), open("/proc/net/unix") as file:
    listed = [line.split()[-1] for line in file if "@" in line]
    names += [name.lstrip("@") for name in listed]
    for name in listed:
        out(f"sees {name}")
for name in names:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with attempt(), socket.socket(socket.AF_UNIX, kind) as one:
            one.connect("\0" + name)
            one.send(b"x")
            out(f"connected to {name}")
print("tried")
