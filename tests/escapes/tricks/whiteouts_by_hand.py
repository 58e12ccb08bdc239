# Makes by hand what an overlay takes for a removed file or an emptied folder.
# then: again, apply
import os
import stat

from prelude import attempt, call, out

for folder in (".", "src", "/tmp", os.path.expanduser("~")):
    for name in ("a.txt", "made", ".wh.b.txt", ".wh..wh..opq"):
        with attempt():
            os.mknod(f"{folder}/{name}.0", 0o666 | stat.S_IFCHR, os.makedev(0, 0))
            out("a whiteout was made")
with attempt():
    call("renameat2", -100, b"b.txt", -100, b"moved.txt", 4)  # RENAME_WHITEOUT
    if os.path.lexists("b.txt") and stat.S_ISCHR(os.lstat("b.txt").st_mode):
        out("a whiteout is shown")
with open(".wh.a.txt", "w"), open(".wh..wh..opq", "w"):
    pass
print("tried")
