# Opens a tunnel to an allowed host and does not say there whom TLS is for, or says it to be nobody.
# network: open
from prelude import TOLD, attempt, connect, hello, named, say, tls

for host in ("api.test", "opened.test", "127.0.0.1"):
    with attempt(), tls(f"{host}:{TOLD['TLS']}", None, verify=False) as inside:
        inside.sendall(b"GET /astray HTTP/1.1\r\n\r\n")
    for extensions in (
        (),
        (named(b""),),
        ((0, b""),),
        ((0, b"\0\0"),),
        ((0, b"\0\3\0\0\0"),),
        (named(),),
        (named(b"."),),
    ):
        print(say(connect(f"{host}:{TOLD['TLS']}") + hello(*extensions))[-40:])
print("tried")
