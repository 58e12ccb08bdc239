# Reads which keys the kernel keeps for the user, and for whom else.
from prelude import attempt, out

for path in ("/proc/keys", "/proc/1/root/proc/keys"):
    with attempt(), open(path) as file:
        if words := file.read().strip():
            out(f"read {path}: {words}")
print("tried")
