# Mounts with the new system calls: file systems, trees and attributes by descriptors.
import ctypes
import os

from prelude import TOLD, attempt, call, out

AT_FDCWD, CLONE, RECURSIVE = -100, 1, 0x8000
for kind in (b"tmpfs", b"overlay", b"proc", b"sysfs", b"cgroup2", b"ext4"):
    with attempt():
        out(f"fsopen {kind!r}: {call('fsopen', kind, 0)}")
for path in (b"/", b"/usr", b"/etc", b".", b"..", TOLD["GROUND"].encode()):
    with attempt():
        out(f"fspick {path!r}: {call('fspick', AT_FDCWD, path, 0)}")
    for flags in (CLONE | RECURSIVE, CLONE, 0):
        with attempt():
            out(f"open_tree {path!r}: {call('open_tree', AT_FDCWD, path, flags)}")
    with attempt():
        call("mount_setattr", AT_FDCWD, path, 0, ctypes.create_string_buffer(32), 32)
        out(f"mount_setattr {path!r}")
with attempt():
    here = os.open(".", os.O_PATH)
    call("move_mount", here, b"", AT_FDCWD, b"/mnt", 4)
    out("move_mount")
with attempt():
    call("fsmount", 3, 0, 0)
    out("fsmount")
with attempt():
    call("fsconfig", 3, 6, 0, 0, 0)
    out("fsconfig")
print("tried")
