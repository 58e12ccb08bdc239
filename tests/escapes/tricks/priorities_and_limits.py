# Changes how much processes outside may use, and how soon they are killed for want of memory.
import os
import resource

from prelude import TOLD, attempt

for name in ("VICTIM", "RUNTIME"):
    process = int(TOLD[name])
    for change in (
        lambda process=process: os.setpriority(os.PRIO_PROCESS, process, 19),
        lambda process=process: os.setpriority(os.PRIO_PGRP, process, 19),
        lambda process=process: os.sched_setaffinity(process, {0}),
        lambda process=process: resource.prlimit(process, resource.RLIMIT_NOFILE, (3, 3)),
        lambda process=process: os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0)),
    ):
        if name == "VICTIM":
            with attempt():
                change()
with attempt():
    os.setpriority(os.PRIO_USER, os.getuid(), 1)
print("tried")
