# Makes every kind of namespace by every call that can.
import os

from prelude import attempt, call, out

FLAGS = (0x20000000, 0x10000000, 0x00020000, 0x40000000, 0x02000000, 0x04000000, 0x08000000, 0x00000080)
SIGCHLD = 17
for flag in (*FLAGS, 0x10020000, 0x7E020000):
    with attempt():
        call("unshare", flag)
        out(f"unshare {flag:x}")
    for flags in (flag, flag | 1 << 40):
        if flag == 0x80:
            continue
        with attempt():
            child = call("clone", flags | SIGCHLD, 0, 0, 0, 0)
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
            out(f"clone {flags:x}")
print("tried")
