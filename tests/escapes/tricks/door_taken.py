# Listens where the way out does, so that what others of the session send comes to it; now and in the next action.
# network: open
# then: again
import os
import socket
import struct
import time

from prelude import TOLD, attempt, call, get, out, reached

port = int(TOLD["http_proxy"].rpartition(":")[2])
taken = []
for number in range(64):  # was it left open for us, or can it be had from who holds it?
    with attempt(), socket.socket(fileno=os.dup(number)) as mine:
        if mine.getsockname()[1:2] == (port,):
            out(f"the door itself is descriptor {number}")
    for process in (1, os.getppid()):
        with attempt():
            holder = call("pidfd_open", process, 0)
            with socket.socket(fileno=call("pidfd_getfd", holder, number, 0)) as theirs:
                if theirs.getsockname()[1:2] == (port,):
                    out(f"the door was had from process {process}")
for host in ("127.0.0.1", "0.0.0.0", "127.0.0.2", "::1", "::", "::ffff:127.0.0.1"):
    for option in (None, socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        with attempt():
            one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            if option is not None:
                one.setsockopt(socket.SOL_SOCKET, option, 1)
            one.bind((host, port))
            one.listen()
            one.setblocking(False)
            taken.append(one)
with attempt(), socket.socket() as broken:
    broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    broken.connect(("127.0.0.1", port))
for _ in range(20):
    reached(get(f"http://api.test:{TOLD['WEB']}/"))
for one in taken:
    with attempt():
        out(f"it heard {one.accept()}")
# Who stays goes on listening there, and takes what knocks at the next action's door.
if TOLD["STEP"] == "1" and os.fork() == 0:
    os.setsid()
    os.closerange(0, 3)
    time.sleep(60)
print("tried")
