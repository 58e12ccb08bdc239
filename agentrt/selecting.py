"""What is asked to be applied: all of it, some paths, or what some operations did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentrt import reverting
from agentrt.errors import Conflict, UsageError
from agentrt.history.bases import applied_paths, lineage
from agentrt.history.revert import sides_of, take_out
from agentrt.records import Operation, Snapshot

if TYPE_CHECKING:
    from agentrt.runtime import Runtime


@dataclass(frozen=True)
class Asked:
    """Everything, unless ``paths`` or ``ops`` are named."""

    paths: Sequence[str] | None = None
    """These files and folders, relative to the workspace."""
    ops: Sequence[int] = ()
    """What these operations did, without what others did."""
    include_git: bool = False
    rest: bool = False
    """Apply what may be written although some of it may not; else nothing is applied then."""
    as_of: int | None = None
    """The last operation there was when a person looked at what this would do."""


@asynccontextmanager
async def selected(runtime: Runtime, asked: Asked) -> AsyncIterator[Snapshot]:
    """The view that is to be applied: the session's own, or one with the work of ``asked.ops`` only.

    Raises ``UsageError``, ``UnknownOperation``; ``Conflict`` where their work cannot be told apart from others'.
    """
    if asked.as_of is not None and runtime.timeline.restore(asked.as_of).view.snapshot != runtime.view.snapshot:
        raise UsageError("files were changed since that was looked at", hint="nothing was applied; look at it again")
    if not asked.ops:
        yield runtime.view.snapshot
        return
    if asked.paths is not None:
        raise UsageError("operations and paths at once", hint="name either; ./7 is a file called 7")
    reverting.standing(runtime, asked.ops, None)
    line = lineage(runtime.view, runtime.work())
    views = reverting.SandboxViews(runtime)
    reversal = await take_out(views, runtime.view.snapshot, _others(line, set(asked.ops)), line)
    if conflicts := reversal.conflicts:
        raise Conflict(
            f"{conflicts[0].path}: what the operations named did there cannot be told apart from what others did",
            conflicts=conflicts,
            hint="name those operations as well, or apply everything",
        )
    async with reverting.grafted(runtime, reversal.picks) as snapshot:
        yield snapshot


def _others(line: Sequence[Operation], chosen: set[int]) -> list[Operation]:
    """What has to be taken out, each with the effects that are not in the real workspace yet.

    What was reverted as a whole is out already, together with the revert; what took out a part of a chosen one stays.
    """
    reverts = [op for op in line if op.kind in ("revert", "reject")]
    out = {target for op in reverts if not (op.action or {}).get("parts") for target in op.target}
    stay = chosen | out | {op.id for op in reverts if out.issuperset(op.target) or chosen & set(op.target)}
    found = []
    for op in line:
        if op.id not in stay and op.kind != "apply":
            applied = applied_paths(line, op)
            effects = tuple(effect for effect in op.files if applied.isdisjoint(sides_of([effect])))
            found.append(op.model_copy(update={"effects": effects}))
    return found
