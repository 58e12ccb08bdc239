# Enters the namespaces of other processes, by their files and by a handle on the process.
import os

from prelude import attempt, call, numbers, out

for number in [*numbers(), "self", "thread-self"]:
    for name in ("mnt", "net", "pid", "user", "ipc", "uts", "cgroup", "time", "pid_for_children"):
        with attempt():
            file = os.open(f"/proc/{number}/ns/{name}", os.O_RDONLY)
            call("setns", file, 0)
            out(f"in the {name} namespace of {number}")
    with attempt():
        handle = call("pidfd_open", number if isinstance(number, int) else os.getpid(), 0)
        for flags in (0x00020000, 0x40000000, 0x10000000, 0x20000000):
            with attempt():
                call("setns", handle, flags)
                out(f"in namespaces of {number}")
print("tried")
