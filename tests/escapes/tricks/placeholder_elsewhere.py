# Sends a secret's placeholder to hosts the secret is not for: in headers, logins, path, query, bodies, in every guise.
# network: held
from base64 import b64encode

from prelude import TOLD, attempt, get, opened, reached, say

key, keeper = TOLD["SERVICE_KEY"], f"http://keeper.test:{TOLD['KEEPER']}"
reached(get(f"{keeper}/", f"Authorization: Bearer {key}"))  # there it is put in
login = b64encode(f"user:{key}".encode()).decode()
half = len(key) // 2
chunks = f"{len(key):x}\r\n{key}\r\n0\r\n\r\n".encode()
split = f"{half:x}\r\n{key[:half]}\r\n{len(key) - half:x}\r\n{key[half:]}\r\n0\r\n\r\n".encode()
for base in (f"http://api.test:{TOLD['WEB']}", f"http://127.0.0.1:{TOLD['WEB']}", f"http://keeper.test:{TOLD['WEB']}",
             f"http://xkeeper.test:{TOLD['KEEPER']}", f"http://127.0.0.1:{TOLD['KEEPER']}"):  # fmt: skip
    for request in (
        get(f"{base}/", f"Authorization: Bearer {key}"),
        get(f"{base}/", f"Authorization: Basic {login}"),
        get(f"{base}/", f"authorization:bASIC   {login}  "),
        get(f"{base}/", f"Proxy-Authorization: Basic {login}"),
        get(f"{base}/", f"Cookie: a=b; key={key}"),
        get(f"{base}/", f"X: y{key}z"),
        get(f"{base}/", f"Connection: {key}"),
        get(f"{base}/{key}"),
        get(f"{base}/?key={key}"),
        get(f"{base}/{key.replace('-', '%2D')}"),
        get(f"{base}/", method="POST", body=key.encode()),
        get(f"{base}/", "Content-Type: application/json", method="POST", body=f'{{"a": "{key}"}}'.encode()),
        get(f"{base}/", "Transfer-Encoding: chunked", method="POST") + chunks,
        get(f"{base}/", "Transfer-Encoding: chunked", method="POST") + split,
        get(f"{base}/", method="POST", body=b"x" * (1 << 20) + key.encode()),
        get(f"{base}/", method="POST", body=b64encode(key.encode())),
        f"GET {base}/ HTTP/1.1\r\nHost: keeper.test:{TOLD['KEEPER']}\r\nX: {key}\r\n\r\n".encode(),
    ):
        print(request[:60], say(request)[:60])
for line in (f"X: {key}", f"Authorization: Basic {login}", f"Host: {key}.opened.test"):
    with attempt():
        text = f"GET /open/ HTTP/1.1\r\nHost: opened.test:{TOLD['TLS']}\r\n{line}\r\nConnection: close\r\n\r\n"
        print(opened(text.encode())[:100])
print("tried")
