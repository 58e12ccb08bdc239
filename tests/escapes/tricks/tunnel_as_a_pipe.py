# Takes a tunnel to an allowed host for a pipe: plain HTTP, ssh, TLS that is none, a proxy's own first line.
# network: open
from prelude import TOLD, connect, door, hello, rest, say

plain = f"GET /astray HTTP/1.1\r\nHost: api.test:{TOLD['WEB']}\r\n\r\n".encode()
for authority in (
    f"api.test:{TOLD['WEB']}",
    f"127.0.0.1:{TOLD['WEB']}",
    f"api.test:{TOLD['TLS']}",
    f"opened.test:{TOLD['TLS']}",
):
    for words in (
        plain,
        b"\r\n" + plain,
        b"SSH-2.0-OpenSSH_9.6\r\n" + plain,
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + plain,
        b"\x16\x03\x01" + plain,
        b"\x16\x03\x01\0\1\1" + plain,
        b"\x16\x03\x01\0\0" + plain,
        b"\x15\x03\x01\0\2\1\0" + plain,
        b"\x80\x2e\1\0\2" + plain,
        b"\x05\1\0" + plain,
        b"\0" + plain,
        hello()[:9] + plain * 4,
    ):
        print(say(connect(authority) + words)[-60:])
    with door() as stream:  # only when it says that the way is free
        stream.sendall(connect(authority))
        print(stream.recv(4096))
        stream.sendall(plain)
        print(rest(stream)[-60:])
print("tried")
