# Opens a tunnel to an allowed host and there asks TLS for another one, also twice, in pieces and in odd letters.
# network: open
import struct

from prelude import TOLD, attempt, connect, hello, named, rest, say, tls

authority = f"api.test:{TOLD['TLS']}"
with tls(authority, "api.test", verify=False) as inside:  # this one is right
    inside.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % authority.encode())
    assert b" 200 " in rest(inside)
for name in ("other.test", "opened.test", "keeper.test", "api.test.other.test", "xapi.test", "127.0.0.1"):
    with attempt(), tls(authority, name, verify=False) as inside:
        inside.sendall(b"GET /astray HTTP/1.1\r\n\r\n")
    with attempt(), tls(f"opened.test:{TOLD['TLS']}", "api.test", verify=False) as inside:
        inside.sendall(b"GET /astray HTTP/1.1\r\n\r\n")
odd = struct.pack("!BH", 1, 8) + b"api.test" + struct.pack("!BH", 0, 10) + b"other.test"
for extensions in (
    (named(b"api.test"), named(b"other.test")),
    (named(b"other.test"), named(b"api.test")),
    (named(b"api.test", b"other.test"),),
    (named(b"other.test", b"api.test"),),
    ((0, struct.pack("!H", len(odd)) + odd),),
    (named(b"api.test\0.other.test"),),
    (named(b"other.test\0.api.test"),),
    (named(b"api.test "),),
    (named(b"a" * 70 + b".test"),),
    (named(b"[api.test]"),),
    ((0, named(b"api.test")[1] + named(b"other.test")[1]),),
):
    print(say(connect(authority) + hello(*extensions))[-40:])
    print(say(connect(authority) + hello(*extensions, pieces=7))[-40:])
print("tried")
