# Says hello to TLS as it should be, and goes on in something else, to a server that never spoke TLS.
# network: open
# open: only the first words are looked at, and not what the server answers
from prelude import TOLD, connect, hello, named, say

authority = f"api.test:{TOLD['WEB']}"
words = f"\r\nGET /astray HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode()
print(say(connect(authority) + hello(named(b"api.test")) + words)[-100:])
print("tried")
