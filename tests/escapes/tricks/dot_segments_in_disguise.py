# Climbs out of the paths that are allowed by dots that only some servers see: overlong, and with blanks behind them.
# network: open
from prelude import TOLD, attempt, opened

for up in ("%e0%80%ae%e0%80%ae", ".%e0%80%ae", "%f0%80%80%ae.", "..%20", "..%09", "..%a0", "%20.."):
    for path in (f"/open/{up}/climbed", f"/open/{up}%2fclimbed"):
        with attempt():
            text = f"GET {path} HTTP/1.1\r\nHost: opened.test:{TOLD['TLS']}\r\nConnection: close\r\n\r\n"
            print(path, opened(text.encode())[:60])
print("tried")
