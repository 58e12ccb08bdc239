"""The story of ``faults_ground`` in a process of its own, which is killed at a chosen step of it.

    python killed_program.py FOLDER STEP

A step is a request to the engine, or to the session's server on this machine; with 0 it is not killed. FOLDER/said has a
line for each act that was acknowledged, and at the end the number of steps.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import requests
from faults_ground import DOCKER, STORY

from agentrt import Runtime
from agentrt.sandboxes.layers import wire


class Steps:
    def __init__(self, last: int) -> None:
        self._last, self._turn = last, threading.Lock()
        self.count = 0

    def before(self, module: Any, name: str) -> None:
        does = getattr(module, name)

        def step(*words: Any, **more: Any) -> Any:
            with self._turn:
                self.count += 1
                if self.count == self._last:
                    os.kill(os.getpid(), signal.SIGKILL)
            return does(*words, **more)

        setattr(module, name, step)


async def main(folder: Path, last: int) -> None:
    steps = Steps(last)
    steps.before(requests.Session, "send")
    steps.before(wire, "send")
    with (folder / "said").open("a", buffering=1) as said:
        async with Runtime.open(folder / "ws", sandbox=DOCKER) as rt:
            for command in STORY:
                done = await (rt.undo() if command is None else rt.act("bash", command=command))
                assert done.status == "settled", done
                print("done", file=said)
        print(steps.count, file=said)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
