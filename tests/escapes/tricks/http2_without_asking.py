# Speaks HTTP/2 to the way out, and within its tunnels: a version it does not read.
# network: open
import ssl

from prelude import TOLD, attempt, connect, door, never, opened, out, rest, say

preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
request = b"\0\0\x08\1\5\0\0\0\1\x82\x86\x84\x41\x03astray"
never(preface + request, b"PRI http://api.test/astray HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0" * 24 + request)
print(say(connect(f"api.test:{TOLD['WEB']}") + preface + request)[-80:])
with attempt():
    print(opened(preface + request)[:80])
context = ssl.create_default_context(cafile=TOLD["SSL_CERT_FILE"])
context.set_alpn_protocols(["h2"])
with door() as stream, attempt():
    stream.sendall(connect(f"opened.test:{TOLD['TLS']}"))
    print(stream.recv(4096)[:80])
    with context.wrap_socket(stream, server_hostname="opened.test") as inside:
        if inside.selected_alpn_protocol() == "h2":
            out("it would speak HTTP/2")
        inside.sendall(preface + request)
        inside.settimeout(1)
        print(rest(inside)[:80])
print("tried")
