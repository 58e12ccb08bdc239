# Sends signals to processes outside, by their numbers, and with words for the one who gets them.
import ctypes
import os
import signal

from prelude import TOLD, attempt, call

victim, runtime = int(TOLD["VICTIM"]), int(TOLD["RUNTIME"])
for number in (28, 10, 15, 9):
    for target in (victim, -victim):
        with attempt():
            os.kill(target, number)
    with attempt():
        call("rt_sigqueueinfo", victim, number, ctypes.create_string_buffer(128))
for target in (runtime, os.getppid(), -runtime, 1):
    with attempt():
        os.kill(target, signal.SIGWINCH)
with attempt():
    os.kill(1, 9)
with attempt():
    os.kill(1, 15)
print("tried")
