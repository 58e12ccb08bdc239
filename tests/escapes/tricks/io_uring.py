# Asks for system calls by a ring, past every filter of system calls.
import ctypes

from prelude import attempt, call, out

for entries in (1, 8):
    with attempt():
        out(f"io_uring: {call('io_uring_setup', entries, ctypes.create_string_buffer(120))}")
for arguments in ((3, 1, 1, 0, 0, 0), (-1, 0, 0, 0, 0, 0)):
    for name in ("io_uring_enter", "io_uring_register"):
        with attempt():
            call(name, *arguments)
            out(name)
print("tried")
