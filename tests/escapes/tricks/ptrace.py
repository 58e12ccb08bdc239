# Traces the first process, the processes outside, and one of its own.
import os
import time

from prelude import attempt, call, numbers, out

ATTACH, SEIZE, PEEK = 16, 0x4206, 1
child = os.fork()
if child == 0:
    with attempt():
        call("ptrace", 0, 0, 0, 0)  # let the parent trace: the parent is not ours alone
    time.sleep(0.05)
    os._exit(0)
for number in [*numbers(), child]:
    for request in (SEIZE, ATTACH, PEEK):
        with attempt():
            call("ptrace", request, number, 0, 0)
            out(f"traces {number}")
    with attempt(), open(f"/proc/{number}/mem", "r+b" if number != child else "rb") as memory:
        if number != child:
            out(f"memory of {number}: {memory}")
os.waitpid(child, 0)
print("tried")
