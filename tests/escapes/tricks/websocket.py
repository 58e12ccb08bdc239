# Changes the protocol, so that nobody reads what follows; asked for, hidden in a list, twice, or by the server alone.
# network: open
from prelude import TOLD, attempt, get, opened, reached, say

url = f"http://api.test:{TOLD['WEB']}"
reached(get(f"{url}/"))
frames = b"\x81\x06astrayGET /astray HTTP/1.1\r\nHost: astray\r\n\r\n"
key = ("Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
for lines in (
    ("Upgrade: websocket",),
    ("Upgrade: h2c, websocket",),
    ("Upgrade: h2c", "Upgrade: websocket"),
    ("upgrade:websocket",),
    ("Upgrade: \twebsocket\t",),
    ("Upgrade: TLS/1.0",),
    ("Upgrade: ",),
    ("Connection: keep-alive, Upgrade", "Upgrade: x"),
    (),
):
    for path in ("/", "/switch"):
        answer = say(get(url + path, *lines, *key) + frames)
        print(lines, answer[:60])
        if b" 101 " in answer:
            print("got out: the protocol was changed")
    with attempt():
        text = [
            "GET /open/ HTTP/1.1",
            f"Host: opened.test:{TOLD['TLS']}",
            *lines,
            *key[1:],
            "Connection: close",
            "",
            "",
        ]
        print(opened("\r\n".join(text).encode() + frames)[:60])
print("tried")
