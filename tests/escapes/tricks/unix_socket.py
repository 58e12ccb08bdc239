# Connects to sockets that servers outside listen on, by their paths: beside the workspace and inside of it.
import os
import socket

from prelude import TOLD, attempt, out

os.symlink("../outside.sock", "link.sock")
paths = [TOLD["UNIX"], TOLD["UNIX_INSIDE"], TOLD["UNIX_DATAGRAM"], "../outside.sock", "host.sock", "link.sock"]
paths += ["/proc/1/root" + TOLD["UNIX"], "/proc/1/cwd" + TOLD["UNIX"]]
for path in paths:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        with attempt(), socket.socket(socket.AF_UNIX, kind) as one:
            one.connect(path)
            one.send(b"x")
            out(f"connected to {path}")
print("tried")
