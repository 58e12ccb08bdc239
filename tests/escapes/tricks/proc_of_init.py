# Looks into the first process of the action, which came from outside.
import contextlib
import os
from pathlib import Path

from prelude import MARK, TOLD, out, show

for name in ("environ", "mem", "maps", "exe", "root", "cwd", "auxv", "stack", "syscall", "personality", "smaps"):
    for look in (os.readlink, lambda path: Path(path).read_bytes()[:10], lambda path: os.listdir(path + "/.")):
        with contextlib.suppress(OSError):
            out(f"/proc/1/{name}: {look(f'/proc/1/{name}')!r}")
for number in range(64):
    for look in (os.readlink, lambda path: os.open(path, os.O_RDONLY | os.O_NONBLOCK)):
        for folder in ("fd", "map_files", "fdinfo"):
            with contextlib.suppress(OSError):
                out(f"/proc/1/{folder}/{number}: {look(f'/proc/1/{folder}/{number}')!r}")
show("/proc/1/cmdline")
show("/proc/1/environ")
show("/proc/1/root" + TOLD["KEY"])
for name in ("oom_score_adj", "comm", "coredump_filter", "clear_refs", "timens_offsets", "autogroup", "uid_map"):
    try:
        with open(f"/proc/1/{name}", "w") as file:
            file.write(MARK)
        out(f"/proc/1/{name} is written")
    except OSError:
        pass  # as it is to be: it gets nowhere
print("tried")
