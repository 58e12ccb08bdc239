# Compares its own open files with those of other processes, to learn what they share.
import os

from prelude import attempt, call, numbers, out

for number in numbers():
    for kind in range(7):
        with attempt():
            out(f"compared with {number}: {call('kcmp', os.getpid(), number, kind, 0, 0)}")
print("tried")
