# Makes paths so long, and links so many, that whoever walks them later may lose the way out of the workspace.
# then: again, apply
import os
from pathlib import Path

from prelude import MARK, TOLD, attempt

here = os.open(".", os.O_RDONLY)
for _ in range(60):
    with attempt():
        os.mkdir("d" * 100)
    os.chdir("d" * 100)
with attempt():
    os.symlink(TOLD["HOST_HOME"], "home")
with attempt():
    os.symlink("../" * 61 + "neighbour", "up")
with attempt(), open("file", "w") as file:
    file.write(MARK)
os.fchdir(here)
for number in range(45):
    with attempt():
        os.symlink(f"link{number + 1}", f"link{number}")
with attempt():
    os.symlink(TOLD["KEY"], "link45")
with attempt():
    print(Path("link10").read_text())
with attempt():
    os.symlink("loop", "loop")
print("tried")
