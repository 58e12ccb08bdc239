# Asks for an allowed host, and says another one in the Host header; over plain HTTP, for a tunnel and in one.
# network: open
from prelude import TOLD, attempt, never, opened

web, inward, there = f"api.test:{TOLD['WEB']}", f"inward.test:{TOLD['TCP4']}", f"opened.test:{TOLD['TLS']}"
hosts = ("other.test", inward, "api.test", f"api.test:{TOLD['TCP4']}", "", " ", f"x@{web}", f"{web}/", f"{web}, other.test",
         f"{web} other.test", f"other.test#{web}", f"keeper.test:{TOLD['KEEPER']}", f"api.test.:{TOLD['TCP4']}", "127.1")  # fmt: skip
for host in hosts:
    never(
        f"GET http://{web}/astray HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(),
        f"GET http://{inward}/astray HTTP/1.1\r\nHost: {web}\r\n\r\n".encode(),
        f"CONNECT {web} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() if host != "api.test" else b"x\r\n\r\n",
        f"CONNECT {inward} HTTP/1.1\r\nHost: {web}\r\n\r\n".encode(),
        f"GET http://{web}/astray HTTP/1.1\r\nHost: {web}\r\nHost: {host}\r\n\r\n".encode(),
        f"GET http://{web}/astray HTTP/1.1\r\nHost: {host}\r\nHost: {web}\r\n\r\n".encode(),
    )
    with attempt():
        print(opened(f"GET /open/astray HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())[:200])
for target in (f"http://{there}/open/astray", f"https://{there}/open/astray", "//other.test/open/astray", there, "*"):
    with attempt():
        print(opened(f"GET {target} HTTP/1.1\r\nHost: {there}\r\nConnection: close\r\n\r\n".encode())[:200])
with attempt():
    print(opened(f"CONNECT {web} HTTP/1.1\r\nHost: {there}\r\nConnection: close\r\n\r\n".encode())[:200])
never(f"GET http://{web}/astray HTTP/1.1\r\n\r\n".encode())
print("tried")
