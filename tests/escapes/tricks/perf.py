# Watches what the machine does, with the counters of its processor.
import ctypes
import struct

from prelude import attempt, call, out

for kind, config in ((0, 0), (1, 0), (2, 1), (4, 0)):
    for process, processor in ((0, -1), (-1, 0), (1, -1)):
        for flags in (0, 0x60):
            about = ctypes.create_string_buffer(struct.pack("=IIQQQQQ", kind, 112, config, 0, 0, 0, flags) + bytes(64))
            with attempt():
                out(f"perf {kind}: {call('perf_event_open', about, process, processor, -1, 0)}")
print("tried")
