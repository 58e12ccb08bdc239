# Finds the namespaces above its own by ioctl on the files in /proc/self/ns.
import fcntl
import os

from prelude import attempt, call, out

GET_USERNS, GET_PARENT = 0xB701, 0xB702
for name in ("user", "pid", "mnt", "net", "ipc", "uts"):
    with attempt():
        file = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
        for request in (GET_PARENT, GET_USERNS):
            with attempt():
                above = fcntl.ioctl(file, request)
                with attempt():
                    fcntl.ioctl(above, GET_PARENT)
                    out(f"two above {name}")
                with attempt():
                    call("setns", above, 0)
                    out(f"in the namespace above {name}")
print("tried")
