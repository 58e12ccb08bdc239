"""``diff``: what an operation, or several, or everything that is not applied yet, did to files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from agentrt.applying import in_git
from agentrt.collecting import check_kept
from agentrt.errors import UsageError
from agentrt.records import FileEffect, Snapshot
from agentrt.runtime import Runtime
from agentrt.showing.patch import patch_of
from agentrt.showing.plain import plain
from agentrt.showing.sides import Sides
from agentrt.showing.words import effects_text

from .options import HERE, Where
from .render import put, put_json, put_patch, say
from .session import with_runtime

_RANGE = re.compile(r"(\d+)\.\.(\d+)")


@dataclass(frozen=True)
class _Between:
    """Two states and how they differ."""

    before: Snapshot
    after: Snapshot
    effects: Sequence[FileEffect]


def diff(
    what: Annotated[
        str | None, Parameter(name="OP", help="An operation, or A..B: from after A to after B (0: the start).")
    ] = None,
    /,
    *,
    stat: Annotated[bool, Parameter(help="Only which files, and how many lines.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Show changes of files; without OP, all that is not in the real workspace yet."""

    async def work(runtime: Runtime) -> int:
        between = await _between(runtime, what)
        sides = Sides(runtime, between.before, between.after)
        # What apply leaves in the sandbox is no part of what is to be applied.
        git = {effect.path for effect in between.effects if what is None and in_git(effect)}
        shown = [effect for effect in between.effects if effect.path not in git]
        patches = [patch_of(effect, *await sides.of(effect)) for effect in shown]
        if where.json:
            document: dict[str, object] = {"effects": shown, "left": sorted(git)}
            if not stat:
                document["diff"] = "".join(patch.text for patch in patches)
            document["stat"] = [
                {"path": effect.path, "added": patch.added, "removed": patch.removed}
                for effect, patch in zip(shown, patches, strict=True)
            ]
            put_json(document)
        elif stat:
            for effect, patch in zip(shown, patches, strict=True):
                counts = f"+{patch.added} -{patch.removed}" if patch.lines else patch.said
                put(f"{effect.change:<9} {plain(effect.path)}  {counts}".rstrip())
            put(effects_text(shown) or "no changes")
        else:
            put_patch("".join(patch.text for patch in patches))
        if git and not where.json:
            say(f"not shown, as apply leaves it in the sandbox: .git ({len(git)} path{'s' * (len(git) > 1)})")
        return 0

    return with_runtime(where, work)


async def _between(runtime: Runtime, what: str | None) -> _Between:
    if what is None:
        return _Between(Snapshot(), runtime.view.snapshot, await runtime.pending())
    if found := _RANGE.fullmatch(what):
        a, b = map(int, found.groups())
        first, second = runtime.view_after(a).snapshot, runtime.view_after(b).snapshot
        return _Between(first, second, await runtime.changes(a, b))
    if not what.isascii() or not what.isdigit():
        raise UsageError(f"{what!r} is no operation", hint="give a number, or two as in 3..7")
    operation = runtime.show(int(what))
    for view in (operation.before, operation.after):
        check_kept(runtime, operation.id, view)
    return _Between(operation.before.snapshot, operation.after.snapshot, operation.files)
