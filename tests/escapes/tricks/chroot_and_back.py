# Leaves by the old way out of a chroot: a folder held open, a root below it, and up.
import os

from prelude import TOLD, attempt, out, show

os.makedirs("below", exist_ok=True)
here = os.open(".", os.O_RDONLY)
with attempt():
    os.chroot("below")
    out("chroot")
os.fchdir(here)
for _ in range(64):
    os.chdir("..")
for path in (TOLD["KEY"], TOLD["NEIGHBOUR"], TOLD["LAYER"]):
    show(path.lstrip("/"))
for up in range(1, 12):
    with attempt():
        print(os.listdir("/".join([".."] * up)))
print("tried")
