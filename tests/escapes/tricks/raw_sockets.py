# Makes packets by hand: raw IP, whole frames, and pings.
import socket

from prelude import TOLD, attempt, out

for family, kind, protocol in (
    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
    (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW),
    (socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)),
    (socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)),
):
    with attempt():
        socket.socket(family, kind, protocol).close()
        out(f"a raw socket: {family!r} {protocol}")
with attempt(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as ping:
    ping.settimeout(0.2)
    ping.sendto(b"\x08\0\0\0\0\0\0\0", (TOLD["ADDRESS"] if TOLD["ADDRESS"][:4] != "127." else "192.0.2.1", 0))
    out(f"an answer: {ping.recv(100)!r}")
print("tried")
