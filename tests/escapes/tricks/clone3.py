# Asks clone3, whose arguments no filter can read, for a user namespace.
import ctypes
import os
import struct

from prelude import attempt, call, out

for flags in (0x10000000, 0x10020000, 0x7E000000, 0):
    arguments = ctypes.create_string_buffer(struct.pack("=11Q", flags, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
    for size in (64, 80, 88):
        with attempt():
            child = call("clone3", arguments, size)
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
            out(f"clone3 {flags:x}")
print("tried")
