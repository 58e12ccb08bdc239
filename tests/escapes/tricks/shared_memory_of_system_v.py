# Attaches a segment of shared memory that a program outside has made, by its key and by every number.
import ctypes
from pathlib import Path

from prelude import TOLD, attempt, call

libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
segments = list(range(64))
with attempt():
    segments.append(call("shmget", int(TOLD["SHARED_KEY"]), 0, 0))
for segment in segments:
    where = libc.shmat(segment, None, 0)
    if where not in (None, 2**64 - 1):
        print(ctypes.string_at(where, 256))
        ctypes.memset(where, 0, 16)
with attempt():
    call("shmget", int(TOLD["SHARED_KEY"]), 4096, 0o1666)
with attempt():
    print(Path("/proc/sysvipc/shm").read_text())
print("tried")
