# Says the length of a body in two ways, so that its end is a request to whoever reads it the other way.
# network: open
from prelude import TOLD, attempt, get, opened, reached, say

url = f"http://api.test:{TOLD['WEB']}/"
inner = f"GET /astray HTTP/1.1\r\nHost: api.test:{TOLD['WEB']}\r\nX: ".encode()
chunked, sized = "Transfer-Encoding: chunked", f"Content-Length: {len(inner)}"
chunks = b"0\r\n\r\n" + inner
reached(get(url, chunked, method="POST") + b"3\r\nabc\r\n0\r\n\r\n")
ways = [
    *[([one, two], chunks) for one, two in ((chunked, "Content-Length: 4"), ("Content-Length: 4", chunked))],
    *[(["Content-Length: 0", sized], inner), ([sized, "Content-Length: 0"], inner), (["Content-Length: 0, 9"], inner)],
    *[([f"Content-Length: {n}"], inner) for n in ("+0", "-1", " 0 0", "0x0", "0;", "", "1e1", "\xb2", "0\0", "9" * 30, "0,0")],
    *[([line, sized], chunks) for line in (
        "Transfer-Encoding : chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked,",
        "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked", "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow", "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding:\r\n chunked", "X: y\r\n Transfer-Encoding: chunked", "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked", "Transfer-Encoding: \"chunked\"", "Transfer_Encoding: chunked", "\0Transfer-Encoding: chunked",
        "Transfer-Encoding: CHUNKED", "transfer-Encoding: chunked", "Transfer-Encoding\0: chunked", " Transfer-Encoding: chunked",
        "Content-Length: 0\r\n 9", "Connection: Content-Length", "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked")],
    *[([chunked], body + inner) for body in (
        b"0x3\r\nabc\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n", b"3;x=\"\r\n\"\r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"+3\r\nabc\r\n0\r\n\r\n",
        b"-1\r\n", b"ffffffffffffffffff\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3\r\nabc0\r\n\r\n", b"0\r\nHost: astray\r\nAstray: x\r\n\r\n",
        b"3;\nabc\r\n0\r\n\r\n", b"00000000000000000000003\r\nabc\r\n0\r\n\r\n", b"3\r\r\nabc\r\n0\r\n\r\n", b"\r\n0\r\n\r\n")],
]  # fmt: skip
for headers, body in ways:
    for method in ("POST", "GET"):
        print(headers, say(get(url, *headers, method=method) + body)[:40])
print(say(f"POST {url} HTTP/1.0\r\nHost: api.test:{TOLD['WEB']}\r\n{chunked}\r\n\r\n".encode() + chunks)[:40])
for headers, body in ways[:4]:
    lines = ["POST /open/ HTTP/1.1", f"Host: opened.test:{TOLD['TLS']}", *headers, "Connection: close", "", ""]
    with attempt():
        print(opened("\r\n".join(lines).encode() + body)[:40])
print("tried")
