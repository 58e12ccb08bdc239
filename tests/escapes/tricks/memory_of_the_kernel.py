# Reads what the kernel has in memory, and where.
from prelude import attempt, out

for path in (
    "/proc/kcore",
    "/dev/mem",
    "/dev/kmem",
    "/dev/port",
    "/proc/vmcore",
):
    with attempt(), open(path, "rb", buffering=0) as file:
        if file.read(16):
            out(f"read {path}")
with attempt(), open("/proc/kallsyms") as file:
    if any(int(line.split()[0], 16) for line in file):
        out("knows where the kernel is")
for path in ("/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats"):
    with attempt(), open(path) as file:
        if file.read().strip():
            out(f"read {path}")
print("tried")
