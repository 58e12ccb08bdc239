"""``undo``, ``redo``, ``restore`` and ``apply``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import Group, Parameter

from agentrt.errors import UsageError
from agentrt.history.store import locate
from agentrt.moves import Scope
from agentrt.preview import Preview
from agentrt.records import Operation
from agentrt.runtime import Runtime
from agentrt.selecting import Asked
from agentrt.showing.plain import plain
from agentrt.showing.previews import change_line, change_text, refused_lines, workspace_lines
from agentrt.showing.words import conflict_line, effect_line, effects_text, operation_json, paths_of

from .export import put_as_patch
from .options import HERE, WHOLE, Where
from .render import put, put_json
from .session import with_runtime

PreviewFlag = Annotated[bool, Parameter(help="Show what would happen; touch nothing.", negative="")]


@Parameter(name="*", group=Group("What moves", sort_key=5))
@dataclass(frozen=True)
class _Moves:
    """Which part of the session goes along; one of them at most."""

    both: Annotated[bool, Parameter(help="Files and conversation, as without any of these.", negative="")] = False
    files: Annotated[bool, Parameter(help="Only the files; the conversation stays.", negative="")] = False
    conversation: Annotated[bool, Parameter(help="Only the conversation; the files stay.", negative="")] = False

    @property
    def scope(self) -> Scope:
        """Raises ``UsageError`` for more than one."""
        asked: list[Scope] = [name for name in get_args(Scope) if getattr(self, name)]
        if len(asked) > 1:
            raise UsageError(f"--{asked[0]} and --{asked[1]} at once", hint="--both is files and conversation")
        return asked[0] if asked else "both"


_BOTH = _Moves()
_SHOWN = 50


def undo(
    n: Annotated[int, WHOLE, Parameter(help="How many steps.")] = 1,
    /,
    *,
    preview: PreviewFlag = False,
    moves: _Moves = _BOTH,
    where: Where = HERE,
) -> int:
    """Take back the last steps that stand."""
    return _move("undo", n, preview, moves.scope, where)


def redo(
    *,
    preview: PreviewFlag = False,
    moves: _Moves = _BOTH,
    where: Where = HERE,
) -> int:
    """Do again what was undone last."""
    return _move("redo", None, preview, moves.scope, where)


def restore(
    op: Annotated[int, WHOLE, Parameter(help="The operation's number; 0 is the start.")],
    /,
    *,
    preview: PreviewFlag = False,
    moves: _Moves = _BOTH,
    where: Where = HERE,
) -> int:
    """Go to where the session stood after an operation."""
    return _move("restore", op, preview, moves.scope, where)


def apply(
    *what: Annotated[
        str, Parameter(help="Only what these operations did (numbers), or these files and folders.", name="OP|PATH")
    ],
    preview: PreviewFlag = False,
    rest: Annotated[bool, Parameter(help="Though some of it may never be written.", negative="")] = False,
    as_: Annotated[str, Parameter(name="--as", help="files, patch, commit, or branch:NAME.")] = "files",
    message: Annotated[str | None, Parameter(help="The commit's message.")] = None,
    where: Where = HERE,
) -> int:
    """Write what the session did to the real workspace, or make a patch, a branch or a commit of it."""
    if preview and as_ != "files":
        raise UsageError("--preview shows what files apply would write", hint="leave out --as, or --preview")
    if as_ == "patch" and message is not None:
        raise UsageError("a message is for a commit", hint="with --as commit or --as branch:NAME")
    asked = replace(_asked(what, where), rest=rest)

    async def work(runtime: Runtime) -> int:
        if as_ == "patch":
            return await put_as_patch(runtime, asked, where)
        if preview:
            found = await runtime.preview("apply", paths=asked.paths, ops=asked.ops)
            return _put_preview(found, where, rest=rest)
        operation = await runtime.apply(asked.paths, ops=asked.ops, rest=rest, to=as_, message=message)
        if operation is None:
            return _put_nothing(await runtime.preview("apply"), where)
        if where.json:
            put_json(operation_json(operation))
            return 0
        put(f"operation {operation.id}: {_applied(runtime, operation)}")
        put_effects(operation)
        if operation.note:
            put(plain(operation.note))
        put("agentrt undo takes it out again")
        return 0

    return with_runtime(where, work)


def _applied(runtime: Runtime, operation: Operation) -> str:
    made = operation.action or {}
    commit = f"{plain(made.get('branch', ''))} ({made.get('commit', '')[:10]})"
    if made.get("kind") == "branch":
        return f"made branch {commit}; your workspace stays as it is"
    text = f"applied to {plain(str(runtime.store.workspace))}: {effects_text(operation.effects)}"
    return f"{text}; committed on {commit}" if "commit" in made else text


def _move(
    kind: Literal["undo", "redo", "restore"], number: int | None, preview: bool, scope: Scope, where: Where
) -> int:
    async def work(runtime: Runtime) -> int:
        if preview:
            return _put_preview(await runtime.preview(kind, number, scope=scope), where)
        if kind == "undo":
            operation = await runtime.undo(1 if number is None else number, scope=scope)
        elif kind == "redo":
            operation = await runtime.redo(scope=scope)
        else:
            operation = await runtime.restore(number or 0, scope=scope)
        if where.json:
            put_json(operation_json(operation))
            return 0
        put(f"operation {operation.id}: {_told(operation)}: {effects_text(operation.effects) or 'no file changed'}")
        put_effects(operation)
        if operation.note:
            put(plain(operation.note))
        return 0

    return with_runtime(where, work)


def _told(operation: Operation) -> str:
    ids = ", ".join(map(str, operation.target))
    if operation.kind == "restore":
        return "restored the start" if operation.target == (0,) else f"restored what was after {ids}"
    return f"{'undid' if operation.kind == 'undo' else 'redid'} {ids}"


def put_effects(operation: Operation) -> None:
    for effect in operation.effects[:_SHOWN]:
        put(f"  {effect_line(effect)}")
    if len(operation.effects) > _SHOWN:
        put(f"  … and {len(operation.effects) - _SHOWN:,} more: agentrt show {operation.id}")


def _put_preview(found: Preview, where: Where, *, rest: bool = False) -> int:
    """0, or 4 where the real thing would be refused."""
    code = 4 if found.conflicts or (found.refused and not rest) else 0
    if where.json:
        put_json({**found.to_dict(), "paths": paths_of(found.effects)})
        return code
    put(change_text(found))
    for effect in found.effects:
        put(f"  {change_line(found, effect)}")
    for line in (*workspace_lines(found), *refused_lines(found)):
        put(line)
    for conflict in found.conflicts:
        put(f"conflict: {conflict_line(conflict)}")
    return code


def _put_nothing(found: Preview, where: Where) -> int:
    if where.json:
        nothing: dict[str, object] = {"id": None, "kind": "apply", "status": "nothing", "effects": [], "paths": []}
        put_json({**nothing, "left": list(found.left), "refused": list(found.refused)})
        return 0
    put("nothing to apply")
    for refused in found.refused:
        put(f"refused: {plain(refused.path)} ({plain(refused.because)})")
    if left := [path for path in found.left if path not in {refused.path for refused in found.refused}]:
        count = f"{len(left):,} path{'s' * (len(left) != 1)}"
        put(f"left in the sandbox: {count}, first {plain(left[0])}")
        put("a path that is named is applied, also in a .git folder: agentrt apply PATH")
    return 0


def _asked(what: Sequence[str], where: Where) -> Asked:
    """Numbers are operations, all else are paths. Raises ``UsageError``."""
    ops = [int(word) for word in what if word.isascii() and word.isdigit()]
    paths = [in_workspace(word, where) for word in what if not (word.isascii() and word.isdigit())]
    return Asked(paths or None, ops)


def in_workspace(path: str, where: Where) -> str:
    """Relative to the workspace; typed relative to the current folder where that is inside. Raises ``UsageError``."""
    root = locate(where.workspace).workspace
    here = Path.cwd()
    base = here if here == root or root in here.parents else root
    # Links are not followed: the path may name a link, or what is only in the sandbox.
    full = os.path.normpath(os.path.join(base, path))
    if full != str(root) and not full.startswith(f"{root}/"):
        raise UsageError(f"{path} is not in the workspace {root}", hint="only the workspace can be applied to")
    return os.path.relpath(full, root)
