# Names the allowed host first, is asked by the server to say hello again, and then names another one.
# network: open
from prelude import TOLD, connect, door, hello, named

groups = (10, b"\0\4\0\x1d\0\x17")
shares = {False: (51, b"\0\0"), True: (51, b"\0\x24\0\x1d\0\x20" + b"\x09" + b"\0" * 31)}
more = [(43, b"\2\3\4"), (13, b"\0\4\4\3\x08\4"), groups]
with door() as stream:
    stream.sendall(connect(f"api.test:{TOLD['TLS']}"))
    print(stream.recv(4096))
    stream.sendall(hello(named(b"api.test"), *more, shares[False]))
    print(stream.recv(4096))
    stream.sendall(hello(named(b"other.test"), *more, shares[True]))
    print(stream.recv(4096)[:100])
print("tried")
