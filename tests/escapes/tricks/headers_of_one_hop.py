# Says to the way out what is about one connection only, so that the other side reads it, or loses what it needs.
# network: open
from prelude import TOLD, get, reached, say

url = f"http://api.test:{TOLD['WEB']}/"
for lines in (
    ("Proxy-Authorization: Basic YXN0cmF5OmFzdHJheQ==", "Proxy-Authorization: astray"),
    ("Proxy-Connection: keep-alive, astray",),
    ("Connection: X-Lost, astray", "X-Lost: astray"),
    ("Connection: Host",),
    ("Connection: close, hOST ,Content-Type, Content-Length",),
    ("Connection: ,,;", "Connection: Host", "Connection: Authorization", "Authorization: astray"),
    ("Keep-Alive: astray",),
    ("TE: trailers, astray", "Connection: TE"),
    ("Trailer: astray",),
    ("Upgrade: h2c", "HTTP2-Settings: YXN0cmF5", "Connection: Upgrade, HTTP2-Settings"),
    ("Proxy-Authenticate: astray",),
):
    reached(get(url, *lines, method="POST", body=b"x"))
trailers = b"1\r\nx\r\n0\r\nHost: astray\r\nAuthorization: astray\r\n\r\n"
reached(get(url, "Transfer-Encoding: chunked", "Trailer: Host", method="POST") + trailers)
for line in ("Expect: astray", "Expect: 100-continue, astray", "Connection: \0", "Connection: astray\r\n x"):
    print(say(get(url, line, method="POST", body=b"x"))[:80])
print("tried")
