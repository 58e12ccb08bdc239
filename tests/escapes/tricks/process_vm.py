# Reads and writes the memory of other processes with the calls made for it.
import ctypes

from prelude import attempt, call, libc, numbers, out

space = ctypes.create_string_buffer(4096)


def vector(address):
    return (ctypes.c_size_t * 2)(address, 4096)


mine = vector(ctypes.addressof(space))
for number in numbers():
    for address in (0x400000, 0x555555554000, ctypes.addressof(space), ctypes.cast(libc.getpid, ctypes.c_void_p).value):
        for name in ("process_vm_readv", "process_vm_writev"):
            with attempt():
                call(name, number, mine, 1, vector(address & ~4095), 1, 0)
                out(f"{name} of {number}")
    with attempt():
        handle = call("pidfd_open", number, 0)
        call("process_madvise", handle, vector(0x400000), 1, 21, 0)
        out(f"process_madvise of {number}")
print("tried")
