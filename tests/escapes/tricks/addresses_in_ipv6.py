# Asks the way out for this machine by IPv6: mapped, by NAT64, by 6to4, Teredo, with a zone, and plainly.
# network: open
from prelude import TOLD, connect, get, never

for host in ("[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0:127.0.0.1]",
             "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
             "[2002:7f00:1::1]", "[2001:0:7f00:1::80ff:fffe]", "[fe80::1]", "[fe80::1%lo]", "[fe80::1%25lo]", "[::1%lo]", "[::1%1]",
             "[::1%25lo]", "[fec0::1]", "[fc00::1]", "[ff02::1]", "::1", "[::1", "::1]", "[[::1]]", "[::1].", "[::1]x", "[1]",
             "[127.0.0.1]", "[v1.::1]", "[::ffff:127.1]", "[::ffff:0x7f.1]", "[::ffff:127.0.0.1%1]", "[::FFFF:7F00:0001]"):  # fmt: skip
    for port in {TOLD["TCP4"], TOLD.get("TCP6", "80"), "80"}:
        never(get(f"http://{host}:{port}/astray", "Connection: close"), connect(f"{host}:{port}"))
print("tried")
