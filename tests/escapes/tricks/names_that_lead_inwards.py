# Asks for hosts the policy lets out, whose names lead to this machine or its network; and for such names it does not.
# network: open
from prelude import TOLD, connect, get, never

for host in ("inward.test", "inward6.test", "mapped.test", "nat64.test", "sixtofour.test", "private.test", "zone.test",
             "localhost", "LOCALHOST.", "localhost.localdomain", "ip6-localhost", "x.localhost", "INWARD.Test.", "host.docker.internal",
             "gateway.docker.internal", "kubernetes.default.svc", "router", "wpad", "127.0.0.1.nip.io", "localtest.me",
             "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3", "local\xadhost", "inward\u3002test", TOLD["MARK"][:40]):  # fmt: skip
    raw = host.encode().decode("latin-1")
    for port in {TOLD["TCP4"], TOLD.get("TCP6", "80"), "80"}:
        never(get(f"http://{raw}:{port}/astray", "Connection: close"), connect(f"{raw}:{port}"))
print("tried")
