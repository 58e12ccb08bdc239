# Opens every setting of the kernel to write.
import os

from prelude import out

for place in ("/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi", "/proc/driver", "/sys"):
    for folder, _, names in os.walk(place):
        for name in names:
            path = f"{folder}/{name}"
            if path == "/proc/sys/kernel/ns_last_pid":  # of its own process numbers
                continue
            try:
                os.close(os.open(path, os.O_WRONLY))
            except OSError:
                continue
            out(f"may write {path}")
print("tried")
