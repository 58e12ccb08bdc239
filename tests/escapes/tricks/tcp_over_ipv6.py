# Connects to servers of the machine by IPv6: its loopback, mapped addresses, and the link.
import socket

from prelude import TOLD, attempt, out

ports = {int(TOLD[name]) for name in ("TCP4", "TCP6") if name in TOLD}
for host in (
    "::1",
    "::",
    "::ffff:127.0.0.1",
    f"::ffff:{TOLD['ADDRESS']}",
    "fe80::1%1",
    "fe80::1%2",
    "fe80::1%lo",
    "64:ff9b::7f00:1",
):
    for port in ports:
        with attempt():
            with socket.create_connection((host, port), 1) as stream:
                stream.sendall(b"x")
            out(f"connected to {host}")
print("tried")
