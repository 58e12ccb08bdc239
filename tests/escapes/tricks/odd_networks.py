# Makes sockets of every other family there is, and connects by those that know no network namespace.
import socket
import struct

from prelude import attempt, out

OWN_NAMESPACE = {1, 2, 10, 16, 38, 41, 44}  # of these it has its own, or they lead nowhere (AF_ALG, KCM, XDP)
for family in range(3, 46):
    for kind in (1, 2, 3, 4, 5):
        for protocol in (0, 1, 2, 3, 4, 5, 6):
            try:
                one = socket.socket(family, kind, protocol)
            except OSError:
                continue
            one.close()
            if family not in OWN_NAMESPACE and family != 40:  # vsock is a trick of its own
                out(f"a socket of family {family}, type {kind}, protocol {protocol}")
with attempt(), open("/dev/net/tun", "r+b", buffering=0) as tunnel:
    out(f"a tunnel: {tunnel}")
print(struct.calcsize("I"))
print("tried")
