# Says hello to TLS as it should be, and goes on in something else, to a server that never spoke TLS.
# network: open
import time

from prelude import TOLD, attempt, connect, door, hello, named, rest, say

authority = f"api.test:{TOLD['WEB']}"
words = f"\r\nGET /astray HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode()
print(say(connect(authority) + hello(named(b"api.test")) + words)[-100:])
for seconds in (0.1, 0.3, 0.6):  # so that the two come apart
    with door() as stream, attempt():
        stream.sendall(connect(authority))
        print(stream.recv(4096))
        stream.sendall(hello(named(b"api.test")))
        time.sleep(seconds)
        stream.sendall(words)
        print(rest(stream)[-100:])
print("tried")
