"""``apply --as patch``: what apply would write, for ``git apply``."""

from __future__ import annotations

import os
from pathlib import Path

from agentrt.applying import Applying, check, plan_of
from agentrt.preview import Refused
from agentrt.records import FileEffect, Snapshot
from agentrt.repository.host import object_format, top_of
from agentrt.runtime import Runtime
from agentrt.selecting import Asked, selected
from agentrt.showing.patch import patch_of
from agentrt.showing.plain import plain
from agentrt.showing.sides import Sides
from agentrt.showing.words import effects_text

from .options import Where
from .render import put_json, put_patch, say


async def put_as_patch(runtime: Runtime, asked: Asked, where: Where) -> int:
    """Nothing is touched. Raises ``Conflict`` where apply would, ``UsageError``."""
    async with runtime.turn, selected(runtime, asked) as source:
        planned = await plan_of(runtime, asked, source)
        check(runtime, planned, asked)
        return await _put(runtime, planned, where)


async def _put(runtime: Runtime, planned: Applying, where: Where) -> int:
    workspace = runtime.store.workspace
    folder, algorithm = _folder(workspace), object_format(workspace)
    sides = Sides(runtime, Snapshot(), planned.source, most=None)
    text = ""
    steps = sorted((step for step in planned.plan.steps if not step.implied), key=lambda step: step.path)
    for step in steps:
        before, after = await sides.of(step.effect)
        after = after if step.content is None else step.content  # merged, it is in no snapshot
        text += patch_of(_below(folder, step.effect), before, after, algorithm=algorithm).text
    effects, left = [step.effect for step in steps], [effect.path for effect in planned.left]
    if where.json:
        refused = [Refused(path=path, because=because) for path, because in planned.plan.refused]
        put_json({"effects": effects, "diff": text, "left": left, "refused": refused})
        return 0
    put_patch(text)
    say(f"{effects_text(effects) or 'nothing to apply'}; nothing was touched")
    if left:
        count = f"{len(left):,} path{'s' * (len(left) != 1)}"
        say(f"left in the sandbox: {count}, first {plain(left[0])}")
    return 0


def _folder(workspace: Path) -> str:
    """Git takes names from the top of its work tree, wherever it stands."""
    top = top_of(workspace)
    return "." if top is None else os.path.relpath(workspace, top)


def _below(folder: str, effect: FileEffect) -> FileEffect:
    if folder == ".":
        return effect
    renamed = None if effect.renamed_from is None else f"{folder}/{effect.renamed_from}"
    return effect.model_copy(update={"path": f"{folder}/{effect.path}", "renamed_from": renamed})
