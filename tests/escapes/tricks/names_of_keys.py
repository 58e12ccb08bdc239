# Reads which keys the kernel keeps for the user, and for whom else.
# open: user: /proc/keys is hidden from root's actions only; it names keys, and does not show what they hold
from prelude import attempt, out

for path in ("/proc/keys", "/proc/1/root/proc/keys"):
    with attempt(), open(path) as file:
        if words := file.read().strip():
            out(f"read {path}: {words}")
print("tried")
