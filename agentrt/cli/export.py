"""``apply --as patch``: what apply would write, for ``git apply``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from agentrt.applying import conflict_of
from agentrt.records import FileEffect, Snapshot
from agentrt.repository.host import object_format, top_of
from agentrt.runtime import Runtime

from .options import Where
from .patch import patch_of
from .plain import plain
from .render import effects_text, put_json, put_patch, say
from .sides import Sides


async def put_as_patch(runtime: Runtime, paths: Sequence[str] | None, where: Where) -> int:
    """Nothing is touched. Raises ``Conflict`` where apply would, ``UsageError``."""
    found = await runtime.preview("apply", paths=paths)
    if found.conflicts:
        raise conflict_of(runtime, found.conflicts)
    workspace = runtime.store.workspace
    folder, algorithm = _folder(workspace), object_format(workspace)
    sides = Sides(runtime, Snapshot(), runtime.view.snapshot, most=None)
    text = ""
    for effect in found.effects:
        before, after = await sides.of(effect)
        text += patch_of(_below(folder, effect), before, after, algorithm=algorithm).text
    if where.json:
        put_json({"effects": found.effects, "diff": text, "left": found.left, "refused": found.refused})
        return 0
    put_patch(text)
    say(f"{effects_text(found.effects) or 'nothing to apply'}; nothing was touched")
    if found.left:
        count = f"{len(found.left):,} path{'s' * (len(found.left) != 1)}"
        say(f"left in the sandbox: {count}, first {plain(found.left[0])}")
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
