# Asks name servers through the way out, over TCP and HTTPS, and lets it look names up that are the message.
# network: open
import struct

from prelude import MARK, TOLD, connect, get, never

query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\4mark\7example\3com\0\0\x01\0\x01"
for host in ("8.8.8.8", "1.1.1.1", "[2001:4860:4860::8888]", "127.0.0.53", "inward.test", "api.test", "dns.google"):
    for port in (53, 853, 443, int(TOLD["TCP4"])):
        never(connect(f"{host}:{port}") + struct.pack("!H", len(query)) + query)
    never(
        get(f"http://{host}:53/astray"), get(f"http://{host}/dns-query?dns=astray", "Accept: application/dns-message")
    )
for name in (
    f"{MARK[:40]}.example.com",
    f"{MARK[:40]}.api.test",
    f"{MARK[:40]}.other.test",
    f"{MARK[:20]}.{MARK[20:40]}.test",
):
    never(
        get(f"http://{name}:{TOLD['WEB']}/"),
        get(f"http://{name}/"),
        connect(f"{name}:443"),
        connect(f"{name}:{TOLD['TLS']}"),
    )
print("tried")
