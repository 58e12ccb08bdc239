# Uses the sockets between a virtual machine and its host, which belong to no network namespace.
import socket

from prelude import TOLD, attempt, out

ANY, LOCAL = 0xFFFFFFFF, 1
if "VSOCK" in TOLD:
    port = int(TOLD["VSOCK"])
    with attempt(), socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as one:
        one.bind((ANY, ANY))
        one.listen()
        out("may be called from outside the machine")
    with attempt(), socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as one:
        one.settimeout(1)
        one.connect((LOCAL, port))
        one.sendall(b"x")
print("tried")
