# Asks the way out for this machine in every spelling of an IPv4 address.
# network: open
from prelude import TOLD, never

ports = (TOLD["TCP4"], "80")
for host in ("127.0.0.1", "127.0.0.2", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "127.1", "127.0.1",
             "127.000.000.001", "0x7f.1", "00000177.1", "127.0.0.1.", "127.0.0.1..", "127.0.0.01", "127.0.0.256", "127.0.0.1e0",
             "0", "0.0.0.0", "0.0.0.0.", "00.0.0.0", "256.0.0.1", "4294967297", "6425673729", "-2130706431", "127.255.255.254",
             "127.0.0.1%00", "127.0.0.1%20", "1\u20e32", "\xb2\xb9\xb2", "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1",
             "\u2460\u2461\u2466.0.0.1", "127.0.0.1:80", "0x7f000001.", "0x", "10.0.0.1", "192.168.0.1", "172.17.0.1", "100.64.0.1",
             TOLD["ADDRESS"]):  # fmt: skip
    for port in ports:
        authority = f"{host}:{port}".encode()
        never(
            b"GET http://%s/astray HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (authority, authority),
            b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (authority, authority),
        )
print("tried")
