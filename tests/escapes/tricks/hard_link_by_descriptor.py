# Links open files to names in the workspace, by number and by the names of descriptors.
import os

from prelude import TOLD, attempt, call, out

AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, AT_FDCWD = 0x1000, 0x400, -100
for path in ("/etc/passwd", "/usr/bin/env", TOLD["PREFIX"] + "/pyvenv.cfg", "/proc/self/exe"):
    with attempt():
        file = os.open(path, os.O_RDONLY)
        for number, name, flags in (
            (file, b"", AT_EMPTY_PATH),
            (AT_FDCWD, b"/proc/self/fd/%d" % file, AT_SYMLINK_FOLLOW),
        ):
            with attempt():
                call("linkat", number, name, AT_FDCWD, b"linked", flags)
                out(f"{path} is linked")
print("tried")
