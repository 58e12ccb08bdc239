"""A fixed session, run by a child process that is killed at a chosen step of it; and what it should come to.

As a script: reads jobs as JSON lines, forks a child for each, and says how it ended and which of its processes
outlived it. A step is a statement to the journal, a request to the sandbox's server, its answer, or a checkpoint
of an apply. The ``Server`` modes kill the sandbox's server instead, and the session goes on.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGIN = """
    printf 'read me\\n' > README; mkdir -p src/lib old/deep empty
    printf 'print(1)\\n' > src/main.py; chmod 755 src/main.py; printf 'x = 1\\n' > src/lib/util.py
    printf a > old/a; printf b > old/deep/b; ln -s ../README old/link
    printf one > first; ln first second; printf '\\377' > "$(printf 'name\\nwith\\377bytes')"
    find . -exec touch -h -d '2024-02-03 04:05:06.123456789' {} +
"""
"""The workspace, before anything."""

PROGRAM: tuple[tuple[str, Any], ...] = (
    ("write", {"path": "count", "content": "1\n"}),
    ("bash", "rm -r old; mkdir -p made/deep; echo 2 > made/deep/two; ln -s deep made/link; echo 2 >> count"),
    ("bash", 'mkdir ~/config; echo 3 >> ~/config/file; echo 3 >> ~/count; echo 3 >> "$TMPDIR/count"'),
    ("undo", None),
    ("redo", None),
    (
        "bash",
        "mv src lib; chmod 600 README; rm made/link; mkdir made/link; echo 6 > made/link/six; echo 6 >> lib/util.py;"
        " echo 6 >> count; echo 6 >> ~/count",
    ),
    ("apply", None),
    ("bash", 'rm -rf made lib first; echo 8 > README; echo 8 >> count; rm "$TMPDIR/count"'),
    ("undo", None),
    ("undo", None),
    ("redo", None),
    ("restore", 1),
    ("bash", "mkdir r; echo 13 > r/a; echo 13 > README; rm -r empty; echo 13 >> count; echo 13 > ~/r"),
    ("bash", "echo 14 > r/b; sed -i '1i 14' count; echo 14 > ~/later"),
    ("revert", (13, "rm r/a ~/r; echo read me > README; mkdir empty; sed -i '/^13$/d' count")),
    ("undo", None),
    ("redo", None),
    ("revert", (15, "rm -r empty; echo 13 > r/a; echo 13 > README; echo 13 >> count; echo 13 > ~/r")),
)
"""Operation n is the n-th of these. Each act adds its number to what it found, so that acting twice shows. A revert
has the number of its target, and the command that does as much in the open."""
VIEWS = (0, 1, 2, 3, 2, 3, 6, 6, 8, 6, 6, 6, 1, 13, 14, 15, 14, 15, 18)
"""After operation n processes see what act (or revert) VIEWS[n] left."""
APPLIED = (0, 0, 0, 0, 0, 0, 0, 6, 6, 6, 0, 6, 0, 0, 0, 0, 0, 0, 0)
"""After operation n the real workspace is what act APPLIED[n] left."""


def play_in_the_open(folder: Path) -> dict[int, Path]:
    """The acts without any agentrt: by number, a folder with ``work``, ``home`` and ``tmp`` as they leave it."""
    left = {0: folder / "0"}
    for name in ("work", "home", "tmp"):
        (left[0] / name).mkdir(parents=True)
    subprocess.run(["bash", "-euc", BEGIN], cwd=left[0] / "work", check=True)
    for number, (kind, what) in enumerate(PROGRAM, start=1):
        if kind not in ("bash", "write", "revert"):
            continue
        here = left[number] = folder / str(number)
        subprocess.run(["cp", "-a", left[VIEWS[number - 1]], here], check=True)
        if kind == "write":
            (here / "work" / what["path"]).write_text(what["content"])
        else:
            environment = {**os.environ, "HOME": str(here / "home"), "TMPDIR": str(here / "tmp")}
            command = what if kind == "bash" else what[1]
            subprocess.run(["bash", "-euc", command], cwd=here / "work", env=environment, check=True)
    return left


class Steps:
    """Counts; at step ``at`` something happens, once."""

    def __init__(self, at: int, happens: Callable[[], None]) -> None:
        self.at, self.happens, self.verb = at, happens, "open"
        self.seen: list[str] = []

    def __call__(self, name: str) -> bool:
        self.seen.append(f"{self.verb}: {name}")
        if len(self.seen) != self.at:
            return False
        self.happens()
        return True


def count_everything(step: Steps) -> None:
    from agentrt.history import steps
    from agentrt.sandboxes.layers import client

    connect, send, receive = sqlite3.connect, client.wire.send, client.wire.receive

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        db = connect(*arguments, **options)
        db.set_trace_callback(lambda statement: step(f"sql {' '.join(statement.split()[:3])}"))
        return db

    def sent(channel: Any, message: Any, files: Any = ()) -> None:
        step(f"ask {message['do']}")
        send(channel, message, files)
        step(f"asked {message['do']}")

    def received(channel: Any) -> Any:
        answer = receive(channel)
        step("answered")
        return answer

    sqlite3.connect = traced
    client.wire.send, client.wire.receive = sent, received
    steps.checkpoint = lambda name: step(f"apply {name}") and None


def count_requests(step: Steps, when: str) -> None:
    from agentrt.sandboxes.layers import client

    send, receive = client.wire.send, client.wire.receive

    def sent(channel: Any, message: Any, files: Any = ()) -> None:
        if when == "before":
            step(f"ask {message['do']}")
        send(channel, message, files)
        if when == "during":
            step(f"asked {message['do']}")

    def received(channel: Any) -> Any:
        answer, files = receive(channel)
        if when == "after" and step("answered"):
            for file in files:
                os.close(file)
            raise EOFError("the answer was never sent")
        return answer, files

    client.wire.send, client.wire.receive = sent, received


def kill_server() -> None:
    """It is this process's only child."""
    (pid,) = (int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split())
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
        time.sleep(0.001)


async def play(workspace: str, acknowledged: Path, step: Steps) -> None:
    """The program. What fails is tried once more; two failures in a row are an error."""
    from agentrt import AgentrtError, Runtime

    opened: list[Runtime] = []

    async def carry_out(kind: str, what: Any) -> Any:
        if not opened:
            opened.append(await Runtime.open(workspace))
        runtime = opened[0]
        if kind == "undo":
            return await runtime.undo()
        if kind == "redo":
            return await runtime.redo()
        if kind == "restore":
            return await runtime.restore(ids[what])
        if kind == "revert":
            return await runtime.revert(ids[what[0]])
        if kind == "apply":
            return await runtime.apply()
        return await runtime.act(kind, **(what if kind == "write" else {"command": what}))

    ids: dict[int, int] = {}
    for number, (kind, what) in enumerate(PROGRAM, start=1):
        step.verb = f"{number} {kind}" if opened else "open"
        for attempt in (1, 2):
            try:
                operation = await carry_out(kind, what)
            except AgentrtError as error:
                told = str(error)
            else:
                if operation.status == "settled":
                    break
                told = operation.observation.error
            say(acknowledged, {"failed": told})
            assert attempt == 1, told
        ids[number] = operation.id
        say(acknowledged, {"number": number, "id": operation.id})
    step.verb = "close"
    await opened[0].close()
    say(acknowledged, {"steps": step.seen})


def say(file: Path, what: object) -> None:
    with file.open("a") as out:
        print(json.dumps(what), file=out, flush=True)
        os.fsync(out.fileno())


async def open_and_close(workspace: str) -> None:
    from agentrt import Runtime

    async with Runtime.open(workspace):
        pass


def child(job: dict[str, Any]) -> None:
    os.environ["XDG_STATE_HOME"] = job["state"]
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    if job["mode"] in ("kill", "recover"):
        step = Steps(job["at"], lambda: os.kill(os.getpid(), signal.SIGKILL))
        count_everything(step)
    else:
        step = Steps(job["at"], kill_server)
        count_requests(step, job["mode"])
    if job["mode"] == "recover":
        asyncio.run(open_and_close(job["workspace"]))
        say(Path(job["said"]), {"steps": step.seen})
    else:
        asyncio.run(play(job["workspace"], Path(job["said"]), step))


def outlived(seconds: float) -> list[str]:
    """The processes that are still there after that time, of all that descend from us."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return []
        if time.monotonic() > deadline:
            tasks = Path("/proc/self/task").iterdir()
            pids = [pid for task in tasks for pid in (task / "children").read_text().split()]
            return [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids]
        time.sleep(0.005)


def serve(run: Callable[[dict[str, Any]], None]) -> None:
    """Fork a child for each job; what it leaves behind is told, and becomes our child."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                run(json.loads(line))
                code = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(json.dumps({"status": status, "outlived": outlived(2.0)}), flush=True)


def main() -> None:
    import agentrt.runtime
    import agentrt.sandboxes.local
    import agentrt.transaction  # noqa: F401 (what the children would import, once)

    serve(child)


if __name__ == "__main__":
    main()
