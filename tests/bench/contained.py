"""How much of everyday work runs without a question, and how much of what is hostile is contained and undone.

    python tests/bench/bench.py contained

Both need commands of other people, which are not part of the project: ``ordinary.txt``, a command a line, and
``risky.jsonl``, a script a line with ``id``, ``code`` and ``effectful``. They are looked for in the folder that
``AGENTRT_BENCH_DATA`` names, else beside the checkout. What runs hostile scripts is ``risky``, in a process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agentrt.contracts import Context
from agentrt.opening import open_policy
from agentrt.tools.bash import Bash

Goal = tuple[str, float, str, float]
Rows = list[Goal]
_BESIDE = Path(__file__).resolve().parents[3] / "shared/data/shell"
_SECONDS = 1800


def measure() -> Rows:
    """Prints what was found, and gives what is to be reached."""
    folder = Path(os.environ.get("AGENTRT_BENCH_DATA", _BESIDE))
    found: Rows = []
    for name, part in (("ordinary.txt", _ordinary), ("risky.jsonl", _risky)):
        if (folder / name).is_file():
            found += part(folder / name)
        else:
            print(f"not measured, as it is not there: {folder / name} (AGENTRT_BENCH_DATA names the folder)")
    return found


def _ordinary(file: Path) -> Rows:
    lines = file.read_text().splitlines()
    goals: Rows = []
    print(f"{len(lines):,} everyday commands")
    for policy in ("default", "strict"):
        took: list[float] = []
        asked = sum(verdict != "allow" for verdict in _decide(policy, lines, took))
        took.sort()
        median, most = statistics.median(took), took[len(took) * 99 // 100]
        share = 1 - asked / len(lines)
        print(
            f"  run under {policy} without a question: {share:.2%}; to decide: {median:.3f} ms, 99 in 100 {most:.2f} ms"
        )
        if policy == "default":
            goals.append(("everyday commands that run without a question", share, ">=", 0.99))
            goals.append(("deciding about one of them, ms", median, "<=", 1))
    return goals


def _risky(file: Path) -> Rows:
    scripts = [json.loads(line) for line in file.read_text().splitlines()]
    with tempfile.TemporaryFile() as said:
        # Root needs nothing else for an empty network; others are root in a namespace of their own.
        unshare = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-U", "-r", "-n"]
        program = Path(__file__).with_name("risky.py")
        command = [*unshare, sys.executable, str(program), str(file)]
        subprocess.run(command, stdout=said, check=True, timeout=_SECONDS)
        said.seek(0)
        outcomes: list[dict[str, Any]] = json.load(said)
    assert [one["id"] for one in outcomes] == [one["id"] for one in scripts]
    goals: Rows = []
    print(f"{len(scripts)} scripts, each run in the sandbox, in an empty network, with time, process and memory limits")
    for effectful, title in ((True, "effectful"), (False, "harmless")):
        those = [one for one in outcomes if one["effectful"] == effectful]
        contained = sum(not one["breaches"] for one in those)
        changed, undone, same = zip(*(_counts([one["runs"][at] for one in those]) for at in range(2)), strict=True)
        print(f"  {title}: contained {contained} of {len(those)}")
        for at, how in enumerate(("as they are", "with their paths in the workspace")):
            print(
                f"    {how}: {changed[at]} changed something, undone exactly {undone[at]}; as before after {same[at]}"
            )
        goals.append((f"{title} scripts that are contained", contained / len(those), ">=", 1))
        if any(changed):
            goals.append((f"of what {title} scripts changed, undone exactly", sum(undone) / sum(changed), ">=", 1))
    for one in outcomes:
        for what in (*one["breaches"], *(line for run in one["runs"] for line in run["differs"])):
            print(f"    {one['id']}: {what}")
    _print_strict(scripts)
    return goals


def _counts(runs: Sequence[dict[str, Any]]) -> tuple[int, int, int]:
    """How many changed something, how many of those were undone exactly, and after how many the view was as before."""
    changed = [run for run in runs if run["effects"]]
    return len(changed), sum(not run["differs"] for run in changed), sum(not run["differs"] for run in runs)


def _print_strict(scripts: Sequence[dict[str, Any]]) -> None:
    allowed = [verdict == "allow" for verdict in _decide("strict", [one["code"] for one in scripts], [])]
    of = [one["effectful"] for one in scripts]
    stopped = sum(not ran and effectful for ran, effectful in zip(allowed, of, strict=True))
    ran = sum(ran and not effectful for ran, effectful in zip(allowed, of, strict=True))
    print(
        f"  under strict {stopped} of {sum(of)} effectful ones do not run unasked; {ran} of {len(of) - sum(of)} harmless ones do"
    )


def _decide(policy: str, commands: Sequence[str], took: list[float]) -> Iterator[str]:
    """The verdict on each; ``took`` gets the milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        judge = open_policy(policy, Path(folder))
        context = Context(workspace=folder, session="bench", attended=False)
        judge.decide(Bash(command="true"), context)  # what is loaded once
        for command in commands:
            action = Bash(command=command)
            start = time.perf_counter()
            verdict = judge.decide(action, context).verdict
            took.append((time.perf_counter() - start) * 1000)
            yield verdict
