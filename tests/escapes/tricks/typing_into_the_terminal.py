# Types words into a terminal as if somebody sat at it: the one it was started from, and one of its own.
import fcntl
import os
import pty

from prelude import attempt, out

TIOCSTI, TIOCLINUX, TIOCSCTTY, TIOCCONS = 0x5412, 0x541C, 0x540E, 0x541D
mine, other = pty.openpty()
files = [0, 1, 2, mine, other]
with attempt():
    files.append(os.open("/dev/tty", os.O_RDWR))
for file in files:
    for request in (TIOCSTI, TIOCLINUX, TIOCSTI | 0x1_0000_0000):
        with attempt():
            fcntl.ioctl(file, request & 0xFFFFFFFF, b"x")
            out(f"typed into {file}")
    with attempt():
        fcntl.ioctl(file, TIOCCONS)
        out("the console's output is ours")
with attempt():
    fcntl.ioctl(0, TIOCSCTTY, 1)
    out("took the terminal")
print("tried")
