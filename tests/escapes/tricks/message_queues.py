# Makes and reads message queues, which belong to nobody's folder.
import ctypes
import os

from prelude import MARK, TOLD, attempt, call

space = ctypes.create_string_buffer(8192)
with attempt():
    queue = call("mq_open", MARK.encode(), os.O_CREAT | os.O_RDWR | os.O_NONBLOCK, 0o666, 0)
    call("mq_timedreceive", queue, space, 8192, 0, 0)
queues = list(range(64))
with attempt():
    queues.append(call("msgget", int(TOLD["SHARED_KEY"]), 0))
for number in queues:
    with attempt():
        call("msgrcv", number, space, 4096, 0, 0o4000)
        print(space.raw[:256])
with attempt():
    call("msgget", int(TOLD["SHARED_KEY"]), 0o1666)
print("tried")
