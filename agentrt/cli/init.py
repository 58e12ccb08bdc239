"""``init``: the first task file of a folder."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agentrt.errors import UsageError
from agentrt.history.store import locate
from agentrt.planners.found import MODELS, Key, keys
from agentrt.showing.plain import plain
from agentrt.task import load_task

from .draft import draft
from .found.around import Around, Unconfined, around, unconfined
from .found.files import Folder
from .found.tests import Check, checks
from .options import HERE, Where
from .placing import check_free, placing
from .render import put, put_json

NAME = "task.yaml"


def init(
    file: Annotated[Path | None, Parameter(help=f"The file to write; {NAME} in the folder by default.")] = None,
    /,
    *,
    force: Annotated[bool, Parameter(help="Write over a file that is there.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Look at this folder and write a task file for it. Nothing is run, nothing leaves the machine."""
    workspace = locate(where.workspace).workspace
    path = file if file is not None else where.workspace / NAME
    check_free(path, force=force, example=f"agentrt init {path / NAME}")
    within = _from(path, workspace)
    folder = Folder(workspace)
    tests, (planners, problem) = checks(folder), keys()
    facts, lack = around(folder), unconfined("local")
    command = f"agentrt {_word(Path(path.name))}"
    text = draft(command=command, workspace=within, checks=tests, keys=planners, around=facts, lack=lack)
    _read_back(text)
    with placing(path, force=force) as new:
        new.write(text)
    odd = {**folder.odd, **({"agentrt's secrets": problem} if problem else {})}
    if where.json:
        put_json(_document(path, workspace, tests, planners, facts, lack, odd))
        return 0
    put(f"{plain(str(path))} is written")
    for line in _lines(tests, planners, facts, lack, odd):
        put(plain(line))
    at = next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith("objective:"))
    put(f"next: say in line {at} what is to be done, then: agentrt {plain(_word(path))}")
    return 0


def _from(path: Path, workspace: Path) -> str:
    """The workspace as the file has to name it. Raises ``UsageError``."""
    folder = os.path.realpath(path.parent)
    if not os.path.isdir(folder):
        raise UsageError(f"{path.parent}: no such folder", hint="make it first, or name a file elsewhere")
    within = os.path.relpath(workspace, folder)
    try:
        within.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{within} is not UTF-8, so no task file can name it", hint="put the task file into that folder"
        ) from None
    return f"./{within}" if within.startswith("~") else within


def _word(path: Path) -> str:
    """The file as a word of a command line that takes it for a task."""
    name = str(path)
    if not name.endswith((".yaml", ".yml")) or name.startswith("-"):
        name = os.path.join(".", name)
    return shlex.quote(name)


def _read_back(text: str) -> None:
    """Nothing is written that ``agentrt TASK.yaml`` would not read. Raises ``DocumentError``."""
    with tempfile.TemporaryDirectory(prefix="agentrt-") as folder:
        made = Path(folder, NAME)
        made.write_text(text, encoding="utf-8")
        load_task(made, draft=True)


def _lines(
    tests: Sequence[Check], planners: Sequence[Key], facts: Around, lack: Unconfined | None, odd: Mapping[str, str]
) -> list[str]:
    """What was found, for a person."""
    more = "more than " if facts.more else ""
    counted = f"{more}{facts.files:,} file{'s' * (facts.files != 1)}"
    lines = [f"folder: {counted}, {'in a git repository' if facts.git else 'not in a git repository'}"]
    lines += (
        [f"verify: {tests[0].command} ({tests[0].told})"]
        if tests
        else ["verify: nothing found that tests this project; write it in"]
    )
    lines += [f"    or: {check.command} ({check.told})" for check in tests[1:]]
    for key in planners[:1]:
        lines.append(f"planner: {key.provider}, {MODELS[key.provider]}: {key.name} is {key.place}")
    if not planners:
        lines.append("planner: no key found; the file says how one is given")
    if facts.policy:
        lines.append("policy: this folder has its own, .agentrt/policy.yaml")
    if facts.instructions:
        lines.append(f"instructions: {', '.join(facts.instructions)}; not read by itself, name it in the objective")
    if lack is not None:
        lines.append(f"sandbox: {lack.detail}")
        lines += [f"    cure: {lack.cure}"] if lack.cure else []
    return lines + [f"note: {name} {why}" for name, why in odd.items()]


def _document(
    path: Path,
    workspace: Path,
    tests: Sequence[Check],
    planners: Sequence[Key],
    facts: Around,
    lack: Unconfined | None,
    odd: Mapping[str, str],
) -> dict[str, object]:
    provider = planners[0].provider if planners else "anthropic"
    return {
        "file": str(path),
        "workspace": str(workspace),
        "verify": tests[0] if tests else None,
        "others": list(tests[1:]),
        "planner": {"provider": provider, "model": MODELS[provider]},
        "keys": list(planners),
        **facts.to_dict(),
        "unconfined": lack,
        "odd": odd,
    }
