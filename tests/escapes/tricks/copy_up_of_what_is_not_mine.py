# Has files of the host copied up and handed back with other modes, owners and times.
# then: apply
import os

from prelude import TOLD, attempt

for path in ("a.txt", "src", "src/main.py", "twin", "shortcut", "fifo", "host.sock"):
    for change in (
        lambda path=path: os.chmod(path, 0o4777),
        lambda path=path: os.lchown(path, 0, 0),
        lambda path=path: os.utime(path, (0, 0), follow_symlinks=False),
        lambda path=path: os.rename(path, path + ".moved"),
        lambda path=path: os.link(path + ".moved", path),
        lambda path=path: os.symlink(TOLD["KEY"], path + ".link"),
    ):
        with attempt():
            change()
print("tried")
