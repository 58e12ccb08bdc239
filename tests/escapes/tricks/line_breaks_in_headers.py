# Breaks lines within headers, so that a part of one becomes a header, or a request, of its own.
# network: open
from prelude import TOLD, get, reached, say

url, other = f"http://api.test:{TOLD['WEB']}/", f"http://other.test:{TOLD['WEB']}/astray"
reached(get(url, "X-Harmless: yes"))
for line in (
    "X: y\rHost: astray",
    "X: y\nHost: astray",
    "X: y\r\n Harmless: x",
    "X: y\r\r\nHost: astray",
    "X: y\0\r\nAstray: x",
    "X\r\n: astray",
    "X : astray",
    " X: astray",
    "X\tY: astray",
    ": astray",
    "astray",
    "X: y\n\nGET /astray HTTP/1.1\nHost: x",
    "X: y\r\n\r\nGET /astray HTTP/1.1\r\nHost: x",
    f"X: y\r\n\r\nGET {other} HTTP/1.1\r\nHost: other.test:{TOLD['WEB']}",
    "X: y\x0bHarmless: x",
    "X: y\x0cHarmless: x",
    "X: \x85Host: y\0astray",
    "X(Y): astray",
    "Host\0: astray",
    "X: " + "harmless" * 20000,
    *("X: y",) * 3 + ("X: harmless\r\n\t\r\n\r\n",),
):
    answer = say(get(url, line))
    print(line[:60], answer[:60])
for first in (f"GET {url} HTTP/1.1\nHost", f"GET {url} HTTP/1.1\r\rHost", f"GET {url}\tHTTP/1.1\r\nHost", f"GET  {url} HTTP/1.1\r\nHost",
              f"GET {url}", f"GET {url} HTTP/1.1 astray\r\nHost", f"GET {url} HTTP/0.9\r\nHost", f"GET {url}astray HTTP/1.10\r\nHost",
              f"GET\r\nX {url} HTTP/1.1\r\nHost", f"G\0T {url} HTTP/1.1\r\nHost"):  # fmt: skip
    print(say(f"{first}: api.test:{TOLD['WEB']}\r\n\r\n".encode())[:60])
print("tried")
