# Gives files capabilities and other attributes that the kernel obeys, and has them applied.
# then: apply
import os
import shutil
import struct

from prelude import attempt

shutil.copy("/usr/bin/env", "mine")
for name, value in (
    ("security.capability", struct.pack("<IIIII", 0x02000001, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0)),
    ("security.capability", struct.pack("<IIIIII", 0x03000001, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0, 0)),
    ("security.selinux", b"unconfined"),
    ("security.ima", b"x"),
    ("system.posix_acl_access", struct.pack("<IHHI", 2, 1, 7, 0xFFFFFFFF)),
    ("trusted.overlay.opaque", b"y"),
):
    for path in ("mine", "a.txt", "src"):
        with attempt():
            os.setxattr(path, name, value)
print("tried")
