"""``review``, ``accept`` and ``reject``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from agentrt.errors import UnknownOperation, UsageError
from agentrt.history import reviews
from agentrt.history.revert import Parts
from agentrt.reader import Reader, open_reader
from agentrt.records import FileEffect, Operation
from agentrt.runtime import Runtime
from agentrt.showing.plain import cut, plain, terminal_width
from agentrt.showing.words import effect_line, effects_text, log_line, operation_json, state_of

from .actor import Actor, check, operations, put_nothing
from .moves import in_workspace, put_effects
from .options import HERE, WHOLE, WHOLES, Where
from .render import put, put_json
from .session import with_runtime

_What = Annotated[
    str, Parameter(help="Operations' numbers; after the number of one, files that it changed.", name="OP")
]
_Hunk = Annotated[
    list[int] | None,
    WHOLES,
    Parameter(help="Only this hunk of the one file, as agentrt diff OP shows them; may be repeated.", negative=""),
]


def review(*, where: Where = HERE) -> int:
    """List the operations that wait for a word: what they changed, and whether it can be undone."""
    try:
        reader = open_reader(where.workspace, session=where.session)
    except UnknownOperation:
        if where.session is not None:
            raise
        waiting: list[Operation] = []
        if where.json:
            put_json(waiting)
        else:
            put("nothing to review")
        return 0
    with reader:
        found = [(operation, _given(reader, operation)) for operation in reader.to_review()]
    if where.json:
        put_json([{**operation_json(operation), "parts": given} for operation, given in found])
        return 0
    digits = len(str(max((operation.id for operation, _ in found), default=0)))
    for operation, given in found:
        put(cut(log_line(operation, digits, state_of(operation, stands=True)), terminal_width()))
        for effect in operation.effects:
            said = _said(given.get(effect.path, {})) if isinstance(effect, FileEffect) else ""
            put(f"  {effect.reversibility:<12}  {effect_line(effect)}{said}")
    put("agentrt diff OP shows more; then: agentrt accept OP · agentrt reject OP" if found else "nothing to review")
    return 0


def accept(
    *what: _What,
    hunk: _Hunk = None,
    all_like: Annotated[
        int | None, WHOLE, Parameter(help="Instead: this one and all like it, from now on; shows the rule first.")
    ] = None,
    by: Actor = None,
    where: Where = HERE,
) -> int:
    """Say yes to what operations did, or to some files or hunks of one."""
    if all_like is not None:
        if what or hunk or by is not None:
            raise UsageError("--all-like is of one operation and of nothing else", hint="agentrt accept --all-like 7")
        from .alike import accept_all_like

        return accept_all_like(all_like, where)
    named, parts = _asked(what, hunk, by, where)

    async def work(runtime: Runtime) -> int:
        ops = operations(runtime, named, by)
        if by is not None and not ops:
            return put_nothing("accept", by, where)
        operation = await runtime.accept(*ops, parts=parts)
        if where.json:
            put_json(operation_json(operation))
        else:
            put(f"operation {operation.id}: accepted {_about(operation, parts)}")
            put_effects(operation)
            if operation.note:
                put(plain(operation.note))
        return 0

    return with_runtime(where, work)


def reject(
    *what: _What,
    hunk: _Hunk = None,
    by: Actor = None,
    because: Annotated[str, Parameter(help="Why; the agent is told.")] = "",
    where: Where = HERE,
) -> int:
    """Say no: take out what operations did, or some files or hunks of one, and tell the agent why."""
    named, parts = _asked(what, hunk, by, where)

    async def work(runtime: Runtime) -> int:
        ops = operations(runtime, named, by)
        if by is not None and not ops:
            return put_nothing("reject", by, where)
        operation = await runtime.reject(*ops, parts=parts, because=because)
        if where.json:
            put_json(operation_json(operation))
            return 0
        changed = effects_text(operation.effects) or "no file changed"
        put(f"operation {operation.id}: rejected {_about(operation, parts)}: {changed}")
        put_effects(operation)
        if operation.note:
            put(plain(operation.note))
        return 0

    return with_runtime(where, work)


def _asked(
    what: Sequence[str], hunks: Sequence[int] | None, by: str | None, where: Where
) -> tuple[list[int], Parts | None]:
    """Numbers are operations, all after them are files. Raises ``UsageError``."""
    check(what, by)
    if by is not None and not hunks:
        return [], None
    count = next((at for at, word in enumerate(what) if not (word.isascii() and word.isdigit())), len(what))
    ops, paths = list(map(int, what[:count])), what[count:]
    if not ops:
        raise UsageError("no operation is named", hint="agentrt review lists those that wait")
    if hunks and len(paths) != 1:
        raise UsageError("--hunk is of one file", hint="name the file: agentrt reject 7 src/a.py --hunk 2")
    return ops, {_path(path, where): tuple(hunks or ()) for path in paths} or None


def _path(path: str, where: Where) -> str:
    """As effects name it: relative to the workspace, or absolute where it lies elsewhere in the sandbox."""
    try:
        return in_workspace(path, where)
    except UsageError:
        if path.startswith("/"):
            return path
        raise


def _about(operation: Operation, parts: Parts | None) -> str:
    ids = ", ".join(map(str, operation.target))
    if not parts:
        return ids
    files = (
        plain(path) + (f" (hunk{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))})" if numbers else "")
        for path, numbers in parts.items()
    )
    return f"{ids}: {', '.join(files)}"


def _given(reader: Reader, operation: Operation) -> reviews.Verdicts:
    return reviews.verdicts(operation, reader.view, reader.log())


def _said(given: dict[int, reviews.Review]) -> str:
    words = (f"{'' if hunk == 0 else f'hunk {hunk} '}{word}" for hunk, word in sorted(given.items()))
    return f"  ({', '.join(words)})" if given else ""
