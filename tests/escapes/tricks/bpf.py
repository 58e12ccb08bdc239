# Loads programs into the kernel, and makes maps there.
import ctypes
import struct

from prelude import attempt, call, out

program = struct.pack("=BBhi", 0xB7, 0, 0, 0) + struct.pack("=BBhi", 0x95, 0, 0, 0)
code, licence = ctypes.create_string_buffer(program), ctypes.create_string_buffer(b"GPL")
with attempt():
    out(f"map {call('bpf', 0, ctypes.create_string_buffer(struct.pack('=5I', 2, 4, 4, 1, 0) + bytes(100)), 120)}")
for kind in (1, 2, 8, 13):
    fields = struct.pack("=IIQQ", kind, 2, ctypes.addressof(code), ctypes.addressof(licence)) + bytes(96)
    with attempt():
        out(f"program {call('bpf', 5, ctypes.create_string_buffer(fields), 120)}")
for command in (11, 12, 13, 18, 23):
    with attempt():
        out(f"bpf {command}: {call('bpf', command, ctypes.create_string_buffer(120), 120)}")
print("tried")
