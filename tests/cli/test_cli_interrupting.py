"""What a second signal does where the terminal is somebody else's."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

SHELL = """
import os, signal, subprocess, sys, time
terminal = os.open(sys.argv[1], os.O_RDWR)  # it has none: this one is its own from now on
work = subprocess.Popen([sys.executable, "-c", sys.argv[2]], stdin=terminal, stdout=subprocess.PIPE, process_group=0)
for said in (b"works", b"ends"):
    assert work.stdout.readline().strip() == said
    work.send_signal(signal.SIGTERM)
_, status = os.waitpid(work.pid, os.WUNTRACED)
print("stopped" if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status))
work.kill()
"""
WORK = """
import asyncio, time
from agentrt.cli.interrupting import run
async def work():
    print("works", flush=True)
    try:
        await asyncio.sleep(1000)
    finally:
        print("ends", flush=True)
        while True:
            time.sleep(0.01)
run(work(), lambda: "to go on: so")
"""


def test_in_the_background_a_second_signal_ends_it_as_well() -> None:
    ours, theirs = pty.openpty()
    try:
        shell = [sys.executable, "-c", SHELL, os.ttyname(theirs), WORK]
        done = subprocess.run(shell, capture_output=True, text=True, start_new_session=True, check=True)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.stdout, done.stderr) == ("143\n", "agentrt: interrupted; to go on: so\n")
