# Leaves a daemon behind that holds half a request and an open tunnel, to say the rest in the time of the next action.
# network: open
# then: again
import os
import socket
import time

from prelude import TOLD, attempt, connect, door, get, reached

AGREED = ("127.0.0.1", 4567)
"""Where the second action tells the daemon to go on."""
half = f"GET http://api.test:{TOLD['WEB']}/".encode()
end = f"astray HTTP/1.1\r\nHost: api.test:{TOLD['WEB']}\r\n\r\n".encode()
if TOLD["STEP"] == "1":
    listener = socket.create_server(AGREED)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(3):
                os.close(number)
            one, other, third = door(), door(), door()
            one.sendall(half)
            other.sendall(connect(f"api.test:{TOLD['TLS']}") + b"\x16\x03\x01")
            third.sendall(get(f"http://api.test:{TOLD['WEB']}/"))
            listener.settimeout(60)
            listener.accept()
            for stream, words in ((one, end), (third, half + end), (door(), half + end)):
                with attempt():
                    stream.sendall(words)
                    time.sleep(0.1)
        os._exit(0)
    os.wait()
    time.sleep(0.3)  # until the daemon holds them
else:
    with attempt():
        socket.create_connection(AGREED, 1).close()
        time.sleep(0.5)
    reached(half + b" HTTP/1.1\r\nHost: api.test:%s\r\n\r\n" % TOLD["WEB"].encode())
print("tried")
