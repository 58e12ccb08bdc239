# Takes the filter of system calls off, by a new one, by a new program, and by asking.
import ctypes
import struct
import subprocess

from prelude import attempt, libc, out

NO_NEW_PRIVILEGES, SECCOMP = 38, 22
libc.prctl(NO_NEW_PRIVILEGES, 0, 0, 0, 0)
libc.prctl(SECCOMP, 0, 0, 0, 0)
allow = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))
libc.prctl(SECCOMP, 2, ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", 1, ctypes.addressof(allow))), 0, 0)
for command in (
    ["cat", "/proc/self/status"],
    ["setsid", "cat", "/proc/self/status"],
    ["env", "-i", "cat", "/proc/self/status"],
):
    with attempt():
        status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if fields.get("Seccomp") != "2" or fields.get("NoNewPrivs") != "1":
            out(f"{command}: {fields.get('Seccomp')} {fields.get('NoNewPrivs')}")
print("tried")
