# Stands in folders that are being moved and removed, and goes up from there.
import contextlib
import os
import threading
import time
from pathlib import Path

from prelude import TOLD, attempt, show

os.makedirs("a/b/c/d", exist_ok=True)
os.makedirs("z", exist_ok=True)
os.chdir("a/b/c/d")
home = TOLD["WORKSPACE"]
until = time.monotonic() + 0.3


def move():
    while time.monotonic() < until:
        for pair in (("a/b/c", "z/c"), ("z/c", "a/b/c")):
            with contextlib.suppress(OSError):
                os.rename(*(f"{home}/{path}" for path in pair))


thread = threading.Thread(target=move)
thread.start()
while time.monotonic() < until:
    for up in range(3, 9):
        for name in ("neighbour", "home/.ssh/id_rsa"):
            with contextlib.suppress(OSError):
                print(Path("../" * up + name).read_text())
thread.join()
with attempt():
    os.rmdir(os.getcwd())
show("../../neighbour")
print("tried")
