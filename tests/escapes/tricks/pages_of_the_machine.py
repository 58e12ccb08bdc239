# Reads what /proc shows to the machine's root alone: who uses which page of memory, where modules lie.
# only: root
import os
import stat

from prelude import attempt, out

for name in os.listdir("/proc"):
    path = f"/proc/{name}"
    status = os.lstat(path)
    if stat.S_ISREG(status.st_mode) and not status.st_mode & stat.S_IROTH:
        with attempt():
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            if os.read(file, 16):
                out(f"read {path}")
print("tried")
