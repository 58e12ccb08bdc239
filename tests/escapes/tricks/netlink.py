# Asks the kernel for networks, routes and addresses, and listens to what it tells of devices.
import socket
import struct

from prelude import attempt, out

NEWLINK, NEWADDR, NEWROUTE, SETLINK = 16, 20, 24, 19
REQUEST, CREATE, ACK = 1, 0x400, 4


def ask(kind, body):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as route:
        route.settimeout(1)
        route.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | ACK | CREATE, 1, 0) + body)
        answer = route.recv(4096)
    return struct.unpack("=i", answer[16:20])[0]


link = struct.pack("=BxHiII", 0, 0, 0, 1, 1)
dummy = struct.pack("=HH", 12, 0x8000 | 18) + struct.pack("=HH", 10, 1) + b"dummy\0\0\0"
for name, kind, body in (
    ("a link", NEWLINK, link + struct.pack("=HH", 16, 0x8000 | 18) + struct.pack("=HH", 10, 1) + b"dummy\0\0\0"),
    ("an address", NEWADDR, struct.pack("=BBBBI", 2, 8, 0, 0, 1) + struct.pack("=HH4B", 8, 2, 10, 0, 0, 1)),
    ("a route", NEWROUTE, struct.pack("=8BI", 2, 0, 0, 0, 254, 3, 0, 1, 0) + struct.pack("=HHI", 8, 4, 1)),
    ("the loopback's state", SETLINK, struct.pack("=BxHiII", 0, 0, 1, 0, 1)),
):
    with attempt():
        if ask(kind, body) == 0:
            out(f"made {name}")
for protocol in range(1, 22):
    with attempt(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as one:
        if protocol in (9, 15):  # what the machine's log and its devices say
            one.bind((0, 1))
            one.settimeout(0.05)
            out(f"heard {one.recv(4096)!r}")
names = [name for _, name in socket.if_nameindex()]
if names != ["lo"]:
    out(f"has networks: {names}")
print("tried")
