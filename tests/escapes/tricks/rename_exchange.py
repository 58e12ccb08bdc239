# Changes places between a file of the workspace and one outside, with renameat2 and its flags.
import os
from pathlib import Path

from prelude import MARK, TOLD, attempt, call

AT_FDCWD = -100
with open("mine", "w") as file:
    file.write(MARK)
for path in (TOLD["NEIGHBOUR"], "../neighbour", TOLD["KEY"], "/etc/passwd", "/usr/bin/env", TOLD["JOURNAL"], ".."):
    for flags in (0, 1, 2, 4):  # replace, not replace, exchange, leave a whiteout
        for first, second in ((b"mine", os.fsencode(path)), (os.fsencode(path), b"mine")):
            with attempt():
                call("renameat2", AT_FDCWD, first, AT_FDCWD, second, flags)
with attempt():
    print(Path("mine").read_text())
print("tried")
