# Connects to the allowed hosts by itself, past the way out; and asks the way out for more than HTTP.
# network: open
import socket

from prelude import TOLD, attempt, never, out

for host in ("127.0.0.1", TOLD["ADDRESS"], "api.test", "localhost", "::1"):
    for name in ("WEB", "TLS", "KEEPER", "TCP4"):
        with attempt():
            socket.create_connection((host, int(TOLD[name])), 1).close()
            out(f"connected to {host}:{TOLD[name]}")
with attempt(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
    datagrams.sendto(b"astray", (TOLD["ADDRESS"], int(TOLD["UDP4"])))
    out("a datagram was sent")
web = int(TOLD["WEB"]).to_bytes(2, "big")
never(
    b"\5\1\0\5\1\0\1\x7f\0\0\1" + web,  # SOCKS
    b"\4\1" + web + b"\x7f\0\0\1astray\0",
    b"GET /astray HTTP/1.1\r\nHost: api.test:%s\r\n\r\n" % TOLD["WEB"].encode(),
    b"OPTIONS * HTTP/1.1\r\nHost: api.test\r\n\r\n",
    b"CONNECT-UDP 127.0.0.1:%s HTTP/1.1\r\nHost: x\r\n\r\n" % TOLD["UDP4"].encode(),
    b"GET\r\n\r\n",
    b"\x16\x03\x01astray",
)
print("tried")
