# Sends a signal to every process there is, to its group and its session. One that is harmless if it gets through.
import os
import signal

from prelude import attempt

for number in (signal.SIGWINCH, signal.SIGURG, signal.SIGCONT):
    for target in (-1, 0, -os.getsid(0), -os.getpgid(0)):
        with attempt():
            os.kill(target, number)
print("tried")
