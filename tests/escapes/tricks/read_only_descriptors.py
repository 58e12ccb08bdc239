# Changes files of the workspace by descriptors that were opened to read, before the overlay made its copy.
import fcntl
import mmap
import os
import struct

from prelude import MARK, attempt

for path in ("a.txt", "src/main.py", "twin", "src", "."):
    file = os.open(path, os.O_RDONLY)
    for change in (
        lambda file=file: os.fchmod(file, 0o777),
        lambda file=file: os.fchown(file, os.getuid(), os.getgid()),
        lambda file=file: os.utime(file, (1, 1)),
        lambda file=file: os.setxattr(file, "user.mark", MARK.encode()),
        lambda file=file: os.truncate(f"/proc/self/fd/{file}", 0),
        lambda file=file: os.write(os.open(f"/proc/self/fd/{file}", os.O_RDWR), MARK.encode()),
        lambda file=file: mmap.mmap(file, 1, prot=mmap.PROT_READ | mmap.PROT_WRITE),
        lambda file=file: fcntl.ioctl(file, 0x40086602, struct.pack("q", 0x10)),  # immutable
        lambda file=file: fcntl.ioctl(file, 0x40086602, struct.pack("q", 0x80)),  # no access times
        lambda file=file: fcntl.ioctl(file, 0x401C5820, bytes(28)),
        lambda file=file: fcntl.ioctl(file, 0x40049409, os.open("b.txt", os.O_RDONLY)),  # FICLONE
        lambda file=file: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK),
    ):
        with attempt():
            change()
print("tried")
