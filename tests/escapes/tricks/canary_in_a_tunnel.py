# Sends a planted file within a tunnel that is opened.
# network: held
from prelude import TOLD, canary, opened

text = f"POST /open/ HTTP/1.1\r\nHost: opened.test:{TOLD['TLS']}\r\nContent-Length: {len(canary())}\r\nConnection: close\r\n\r\n"
print(opened(text.encode() + canary())[:100])
print("tried")
