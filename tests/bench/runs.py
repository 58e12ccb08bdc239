"""What a long run costs: agentrt's own time for each of 500 scripted actions, and the memory it takes meanwhile.

    python tests/bench/bench.py runs

Own time is what lies between two observations, less what the action's command takes by itself; the script planner,
which takes next to none, is in it. Each run has a process of its own: this program, whose arguments are a folder and
what carries the actions out. What a command costs by itself is measured in the same process, before it.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ACTIONS = 500
_FIRST, _LAST = slice(0, 50), slice(ACTIONS - 50, ACTIONS)
_WAYS = {"loop": "a task, run_task", "act": "the same, Runtime.act"}
_EXPECTED = ("settled", None)
"""Status and error of every operation: what fails costs something else."""

Goal = tuple[str, float, str, float]


def measure() -> list[Goal]:
    """Prints what was found, and gives what is to be reached."""
    with tempfile.TemporaryDirectory(prefix="agentrt-bench-") as folder:
        found = {way: _apart(Path(folder) / way, way) for way in _WAYS}
        costs = {name: _cpu(Path(folder) / "loop", name) for name in ("--help", "log")}
    print(f"{ACTIONS} actions: a bash that does nothing, one that writes, a write, an edit, a read, and so on")
    print(
        f"  {'own time per action, ms':<26}{'1-50: median':>14}{'99 in 100':>11}{'451-500: median':>17}{'99 in 100':>11}"
    )
    for way, run in found.items():
        first, last = (_two(run["own"][part]) for part in (_FIRST, _LAST))
        print(f"  {_WAYS[way]:<26}{first[0]:>14.2f}{first[1]:>11.2f}{last[0]:>17.2f}{last[1]:>11.2f}")
    print(f"  {'memory, MB':<26}{'action 50':>14}{'action 500':>28}{'growth':>11}")
    for way, run in found.items():
        for whose, (early, late) in run["memory"].items():
            print(f"  {_WAYS[way] + ', ' + whose:<40}{early:.1f}{late:>28.1f}{late / early - 1:>11.1%}")
    for name, cost in costs.items():
        print(f"  agentrt {name}: {cost:.3f} s CPU")
    run = found["loop"]
    return [
        (f"own time per action of {ACTIONS}, ms, median", _two(run["own"])[0], "<=", 10),
        ("  of the last 50", _two(run["own"][_LAST])[0], "<=", 10),
        *(
            (f"memory of {whose}, action 500 / action 50", late / early, "<=", 1.2)
            for whose, (early, late) in run["memory"].items()
        ),
        ("agentrt --help, CPU s", costs["--help"], "<=", 0.25),
    ]


def _two(own: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    return statistics.median(own), sorted(own)[min(len(own) * 99 // 100, len(own) - 1)]


def _apart(folder: Path, way: str) -> dict[str, Any]:
    folder.mkdir()
    command = [sys.executable, __file__, str(folder), way]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=_environment(folder))
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _cpu(folder: Path, name: str) -> float:
    """CPU seconds of a command on a run's workspace, start to exit."""
    costs = []
    for _ in range(5):
        before = os.times()
        command = [sys.executable, "-m", "agentrt", name]
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, env=_environment(folder), cwd=folder / "workspace"
        )
        after = os.times()
        costs.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(costs)


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"XDG_STATE_HOME": str(folder / "state")}


# In a process of its own


class _Watch:
    """Told of each observation: what came since the last one, and how much memory there is."""

    def __init__(self) -> None:
        self.between: list[float] = []
        self.memory: dict[str, list[float]] = {"agentrt": [], "its sandbox": []}
        self._at = time.perf_counter()

    def __call__(self, operation: Any) -> None:
        seen = operation.observation
        assert (operation.status, seen.error) == _EXPECTED, (operation.status, seen.error)
        self.between.append(time.perf_counter() - self._at)
        if len(self.between) in (50, ACTIONS):
            self.memory["agentrt"].append(_resident(os.getpid()))
            # Its server is the largest; what else there may be at a moment are forks of it.
            self.memory["its sandbox"].append(max(map(_resident, _below(os.getpid()))))
        self._at = time.perf_counter()


def _run(folder: Path, way: str) -> dict[str, Any]:
    workspace = folder / "workspace"
    workspace.mkdir()
    actions = [_action(number) for number in range(ACTIONS)]
    plain = [_plainly(workspace, kind, arguments) for kind, arguments in actions[:5]]
    watch = _Watch()
    (_by_loop if way == "loop" else _by_act)(workspace, actions, watch)
    own = [(took - plain[number % 5]) * 1000 for number, took in enumerate(watch.between)]
    return {"own": own, "memory": watch.memory}


def _by_loop(workspace: Path, actions: Sequence[tuple[str, dict[str, str]]], watch: _Watch) -> None:
    from agentrt.agent.events import Event, OperationSettled
    from agentrt.session import run_task
    from agentrt.task import Task

    script = workspace.parent / "script.yaml"
    turns = [{"actions": [{kind: arguments}]} for kind, arguments in actions]
    script.write_text(json.dumps({"turns": [*turns, {"actions": [{"submit": {}}]}]}))
    limits = {"actions": ACTIONS, "turns": ACTIONS + 1}
    planner = {"script": str(script)}
    task = Task.model_validate({"objective": "work", "workspace": str(workspace), "planner": planner, "limits": limits})

    def hear(event: Event) -> None:
        if isinstance(event, OperationSettled):
            watch(event.operation)

    assert asyncio.run(run_task(task, on_event=hear)).success


def _by_act(workspace: Path, actions: Sequence[tuple[str, dict[str, str]]], watch: _Watch) -> None:
    from agentrt import Runtime

    async def work() -> None:
        async with Runtime.open(workspace) as runtime:
            for kind, arguments in actions:
                watch(await runtime.act(kind, **arguments))

    asyncio.run(work())


def _action(number: int) -> tuple[str, dict[str, str]]:
    """Of every five the third writes the file that the fourth edits and the fifth reads."""
    name = f"f{number // 5 % 50}"
    kinds: tuple[Callable[[], tuple[str, dict[str, str]]], ...] = (
        lambda: ("bash", {"command": "true"}),
        lambda: ("bash", {"command": f"echo {number} > changed"}),
        lambda: ("write", {"path": name, "content": f"{number}\nend\n"}),
        lambda: ("edit", {"path": name, "old": "end", "new": f"the end of {number}"}),
        lambda: ("read", {"path": name}),
    )
    return kinds[number % 5]()


def _plainly(workspace: Path, kind: str, arguments: dict[str, str]) -> float:
    """Seconds its command takes outside, where it is one."""
    if kind != "bash":
        return 0.0
    took = []
    for _ in range(31):
        start = time.perf_counter()
        subprocess.run(["bash", "-c", arguments["command"]], check=True, cwd=workspace)
        took.append(time.perf_counter() - start)
    (workspace / "changed").unlink(missing_ok=True)
    return statistics.median(took)


def _resident(process: int) -> float:
    """Megabytes in memory."""
    with suppress(FileNotFoundError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return 0.0


def _below(process: int) -> list[int]:
    """Its children, and theirs."""
    found: list[int] = []
    with suppress(FileNotFoundError):  # it has ended meanwhile
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_below(child)]
    return found


if __name__ == "__main__":
    print(json.dumps(_run(Path(sys.argv[1]), sys.argv[2])))
