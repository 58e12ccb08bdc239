# Hides in a tunnel whom TLS is for (Encrypted Client Hello), behind the name of the allowed host.
# network: open
import struct

from prelude import TOLD, connect, door, hello, named, rest

inner = b"\0" + struct.pack("!HHB", 1, 1, 7) + struct.pack("!H", 32) + bytes(32) + struct.pack("!H", 64) + b"\x61" * 64
for extensions in (
    (named(b"api.test"), (0xFE0D, inner)),
    ((0xFE0D, inner), named(b"api.test")),
    (named(b"api.test"), (0xFE0D, b"\1")),
    (named(b"api.test"), (0xFE0D, b"")),
    ((0xFE0D, inner),),
):
    with door() as stream:
        stream.sendall(connect(f"api.test:{TOLD['TLS']}"))
        print(stream.recv(4096))
        stream.sendall(hello(*extensions))
        answer = rest(stream)
        if answer[:1] == b"\x16":
            print("got out: a server answered to a name that nobody saw")
print("tried")
