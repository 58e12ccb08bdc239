"""``revert``: old operations are taken out, later ones stay."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from agentrt.preview import Preview
from agentrt.runtime import Runtime
from agentrt.showing.plain import plain
from agentrt.showing.previews import change_line, change_text, dependents_text, possible_text, workspace_lines
from agentrt.showing.words import conflict_line, effects_text, operation_json, paths_of

from .actor import Actor, check, operations, put_nothing
from .moves import PreviewFlag, put_effects
from .options import HERE, WHOLE, Where
from .render import put, put_json
from .session import with_runtime


def revert(
    *named: Annotated[int, WHOLE, Parameter(help="The operations' numbers.", name="OP")],
    by: Actor = None,
    with_dependents: Annotated[
        bool, Parameter(help="Also the later operations that stand on them.", negative="")
    ] = False,
    because: Annotated[str, Parameter(help="Why; the agent is told.")] = "",
    preview: PreviewFlag = False,
    where: Where = HERE,
) -> int:
    """Take old operations out and keep the later ones."""
    check(named, by)

    async def work(runtime: Runtime) -> int:
        ops = operations(runtime, named, by)
        if by is not None and not ops:
            return put_nothing("revert", by, where)
        if preview:
            return _put_preview(await runtime.preview_revert(*ops, with_dependents=with_dependents), where)
        operation = await runtime.revert(*ops, with_dependents=with_dependents, because=because)
        if where.json:
            put_json(operation_json(operation))
            return 0
        ids = ", ".join(map(str, operation.target))
        put(f"operation {operation.id}: reverted {ids}: {effects_text(operation.effects) or 'no file changed'}")
        put_effects(operation)
        if operation.note:
            put(plain(operation.note))
        return 0

    return with_runtime(where, work)


def _put_preview(found: Preview, where: Where) -> int:
    """0, or 4 where the real thing would be refused."""
    code = 4 if found.conflicts else 0
    if where.json:
        put_json({**found.to_dict(), "paths": paths_of(found.effects)})
        return code
    put(change_text(found))
    for effect in found.effects:
        put(f"  {change_line(found, effect)}")
    for line in workspace_lines(found):
        put(line)
    if stands := dependents_text(found):
        put(f"{stands} (--with-dependents reverts them as well)")
    if may := possible_text(found):
        put(may)
    for conflict in found.conflicts:
        put(f"conflict: {conflict_line(conflict)}")
    return code
