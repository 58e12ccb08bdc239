# Has, keeps or takes a capability that reaches further than its own files and processes.
import ctypes
import os
import struct
from pathlib import Path

from prelude import attempt, call, libc, out

ALLOWED = sum(1 << bit for bit in (0, 1, 3, 4, 5, 6, 7, 10)) if os.geteuid() == 0 else 0
for version in (0x20080522, 0x20071026):
    head = ctypes.create_string_buffer(struct.pack("=Ii", version, 0))
    with attempt():
        call("capset", head, ctypes.create_string_buffer(b"\xff" * 24))
        out("took all capabilities")
for bit in range(41):
    libc.prctl(47, 2, bit, 0, 0)  # ambient
libc.prctl(8, 1, 0, 0, 0)  # keep them
libc.prctl(28, 0, 0, 0, 0)  # secure bits
with attempt():
    os.setresuid(0, 0, 0)
for line in Path("/proc/self/status").read_text().splitlines():
    name, _, value = line.partition(":\t")
    if name.startswith("Cap") and name != "CapInh" and int(value, 16) & ~ALLOWED:
        out(line)
print("tried")
