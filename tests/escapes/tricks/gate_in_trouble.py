# Sends requests that the way out may stumble over, so that those before and after them go without being told of.
# network: open
from prelude import TOLD, attempt, connect, get, opened, reached, say

web = f"http://api.test:{TOLD['WEB']}"
reached(get(f"{web}/before"))
for words in (
    get(f"{web}/", "Content-Length: " + "0" * 5000 + "1", method="POST") + b"x",
    get(f"{web}/", "Content-Length: " + "9" * 20, method="POST") + b"x",
    get(f"{web}/", "Transfer-Encoding: chunked", method="POST") + b"0" * 5000 + b"1\r\nx\r\n0\r\n\r\n",
    get(f"{web}/%ff%fe%ed%a0%80"),
    get(f"{web}/%F0%9F%98%80?\xff"),
    get(f"{web}/", method="X" * 60000),
    get(f"{web}/" + "x" * 60000),
    get(f"{web}/" + "/" * 30000),
    get(f"{web}/" + "a/../" * 10000),
    get(f"{web}/", method="!#$%&'*+-.^_`|~"),
    get(f"{web}/", *["X: y"] * 5000),
    get(f"{web}/", "X: \xff\xfe", "Authorization: Basic " + "=" * 9, "Upgrade: \xff", "Connection: \xff"),
    get(f"http://{'a.' * 120}test/"),
    get(f"http://xn--{'9' * 50}.test/"),
    get("http://xn--a.test/"),
    connect("xn--\xff.test:443"),
    connect(f"api.test:{TOLD['TLS']}", "Content-Length: 5", "Transfer-Encoding: chunked"),
    connect(f"api.test:{TOLD['TLS']}", "Content-Length: 5") + b"hello",
    connect(f"api.test:{TOLD['TLS']}") + b"\x16\x03\x01\xff\xff",
    connect(f"opened.test:{TOLD['TLS']}") + b"\x16\x03\x01\0\5\1\0\0\1\0",
):
    print(words[:60], say(words)[:120])
for line in (
    "GET /open/%ff HTTP/1.1",
    "GET /open/\xff HTTP/1.1",
    "GET /open/ HTTP/1.1\r\nContent-Length: " + "0" * 5000,
):
    with attempt():
        print(opened(f"{line}\r\nHost: opened.test:{TOLD['TLS']}\r\nConnection: close\r\n\r\n".encode("latin-1"))[:100])
reached(get(f"{web}/after"))
print("tried")
