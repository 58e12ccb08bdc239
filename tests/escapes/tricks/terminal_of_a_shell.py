# Uses the terminal of a shell that a person opened: its other side, those beside it, what is typed at it.
# at: terminal
import contextlib
import fcntl
import os
import signal
import struct
import termios

from prelude import attempt, numbers, out

TIOCSTI, TIOCLINUX, TIOCCONS, TIOCGPTPEER, TIOCGPTN = 0x5412, 0x541C, 0x541D, 0x5441, 0x80045430
files = [0, 1, 2, os.open("/dev/tty", os.O_RDWR), os.open("/proc/self/fd/1", os.O_RDWR)]
for file in files:
    for request in (TIOCSTI, TIOCSTI | 0x1_0000_0000, TIOCLINUX, TIOCCONS):
        with attempt():
            fcntl.ioctl(file, request & 0xFFFFFFFF, b"x")
            out(f"typed into {file}, or got the console's output")
    with attempt():
        fcntl.ioctl(file, TIOCGPTN, bytes(4))
        out(f"{file} is the other side")
    with attempt():
        fcntl.ioctl(file, TIOCGPTPEER, os.O_RDWR)
        out(f"{file} opens more of it")
name = os.readlink("/proc/self/fd/0")
print(name, os.listdir("/dev/pts"))
for other in {name, *(f"/dev/pts/{number}" for number in range(64))}:
    with attempt():
        os.open(other, os.O_RDWR | os.O_NOCTTY)
        out(f"opened {other}")
with attempt():
    out(f"beside it lie {os.listdir(os.open('/proc/self/fd/0/..', os.O_RDONLY))}")
for pid in {*filter(str.isdigit, os.listdir("/proc")), *map(str, numbers())}:
    with contextlib.suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                held = os.readlink(f"/proc/{pid}/fd/{number}")
                if "ptmx" in held or (held.startswith("socket:") and pid != "1"):
                    out(f"{pid} holds {held}")
for pid in numbers():
    with attempt():
        fcntl.ioctl(0, termios.TIOCSPGRP, struct.pack("i", pid))
        if pid not in (1, os.getppid()):
            out(f"{pid} is in front at the terminal")
with attempt():
    fcntl.ioctl(0, termios.TIOCSPGRP, struct.pack("i", os.getpgrp()))
# Kept for itself alone, without answers, in another mode, stopped for good: whoever opened it goes on.
signal.signal(signal.SIGHUP, signal.SIG_IGN)
fcntl.ioctl(0, termios.TIOCEXCL)
mode = termios.tcgetattr(0)
mode[3] = 0
termios.tcsetattr(0, termios.TCSANOW, mode)
print("tried", flush=True)
termios.tcflow(0, termios.TCOOFF)
