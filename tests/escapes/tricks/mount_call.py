# Mounts with the old system calls, whatever the programs think of it.
import os

from prelude import TOLD, attempt, call, out

os.makedirs("at", exist_ok=True)
BIND, REC, REMOUNT, MOVE, PRIVATE, SHARED = 4096, 16384, 32, 8192, 1 << 18, 1 << 20
for source, target, kind, flags in (
    (b"none", b"at", b"tmpfs", 0),
    (b"/", b"at", None, BIND | REC),
    (TOLD["GROUND"].encode(), b"at", None, BIND),
    (b"none", b"/usr", None, REMOUNT | BIND),
    (b"none", b"/", None, REMOUNT | BIND),
    (b"none", b"/", None, SHARED | REC),
    (b"none", b"/", None, PRIVATE | REC),
    (b"/proc", b"at", None, MOVE),
    (b"proc", b"at", b"proc", 0),
    (b"sysfs", b"at", b"sysfs", 0),
    (b"cgroup", b"at", b"cgroup2", 0),
    (b"none", b"at", b"devtmpfs", 0),
    (b"none", b"at", b"mqueue", 0),
    (b"none", b"at", b"debugfs", 0),
):
    with attempt():
        call("mount", source, target, kind if kind is not None else 0, flags, 0)
        out(f"mounted {source!r} on {target!r}")
for target in (
    b"/etc/shadow",
    b"/etc/gshadow",
    b"/proc/sys",
    b"/proc/kcore",
    b"/dev/null",
    b"/tmp",
    b"/",
    b".",
    b"/dev/pts",
):
    for flags in (0, 1, 2, 8):
        with attempt():
            call("umount2", target, flags)
            out(f"unmounted {target!r}")
print("tried")
