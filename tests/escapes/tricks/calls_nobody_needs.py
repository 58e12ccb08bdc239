# Makes calls about the machine; with arguments that change nothing where they get through.
import ctypes
import struct
import time

from prelude import MARK, attempt, call, out

now = ctypes.create_string_buffer(struct.pack("=qq", int(time.time()), 0))
for name, *arguments in (
    ("acct", 0),
    ("clock_settime", 0, now),
    ("delete_module", MARK.encode(), 0),
    ("fanotify_init", 0, 0),
    ("init_module", now, 16, b""),
    ("kexec_load", 0, 0, 0, 0),
    ("reboot", 0xFEE1DEAD - (1 << 32), 672274793, 0x89ABCDEF, 0),
    ("setdomainname", MARK.encode(), len(MARK)),
    ("sethostname", MARK.encode(), len(MARK)),
    ("swapoff", b"/dev/null"),
    ("swapon", b"/dev/null", 0),
    ("syslog", 3, ctypes.create_string_buffer(4096), 4096),
    ("syslog", 10, 0, 0),
):
    with attempt():
        call(name, *arguments)
        out(name)
print("tried")
