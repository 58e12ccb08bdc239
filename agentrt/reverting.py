"""Revert: old operations are taken out of the session's view, and the later ones stay."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agentrt import outside, resources
from agentrt.errors import AgentrtError, Conflict, Unanswered, UsageError
from agentrt.history.bases import applied_paths, lineage
from agentrt.history.dependents import Dependents, dependents
from agentrt.history.revert import Parts, Reversal, sides_of, take_out
from agentrt.notices import dropped, named, stays_sent, words
from agentrt.preview import Preview
from agentrt.records import FileEffect, FileState, Operation, Pick, Snapshot, View
from agentrt.records.operations import Review
from agentrt.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from agentrt.runtime import Runtime


@dataclass(frozen=True)
class Reverting:
    """What is to be taken out, and what that comes to."""

    targets: tuple[Operation, ...]
    """Newest first."""
    reversal: Reversal
    dependents: Dependents
    parts: Parts | None
    outside: outside.Steps
    """What is taken back in databases."""

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(target.id for target in self.targets)


class SandboxViews:
    def __init__(self, runtime: Runtime) -> None:
        self._sandbox = runtime.sandbox

    async def changes(self, a: Snapshot, b: Snapshot) -> Sequence[FileEffect]:
        return await self._sandbox.changes(a, b)

    async def look(self, snapshot: Snapshot, paths: Sequence[str]) -> Sequence[FileState | None]:
        return await self._sandbox.look(snapshot, paths)

    async def content(self, snapshot: Snapshot, path: str) -> bytes:
        with await self._sandbox.read_at(snapshot, path) as file:
            return file.read()


async def plan(
    runtime: Runtime, ops: Collection[int], *, with_dependents: bool = False, parts: Parts | None = None
) -> Reverting:
    """Nothing is touched. Raises ``UnknownOperation``, ``UsageError`` (it is not in the view, or nothing of it is)."""
    log = runtime.work()
    line = _checked_line(runtime, log, ops, parts)
    found = dependents(ops, [*line, *_readers(runtime, log)], lambda operation: reads(runtime, operation))
    wanted = {*ops, *found.known} if with_dependents else set(ops)
    targets = tuple(operation for operation in reversed(line) if operation.id in wanted)
    if with_dependents:
        taken = {target.id for target in targets}
        for target in targets:
            if target.id not in ops:
                _check(target.id, target, line)
        found = Dependents(tuple(op for op in found.known if op not in taken), found.possible)
    if parts is not None:
        check_parts(targets[0], parts)
    gone = outside.taken_out(runtime.view.marks, runtime.show)
    for target in targets:
        if target.id in ops and target.id in gone and not target.files:
            by = gone[target.id]
            raise UsageError(
                f"operation {target.id} was taken out already, by {by}", hint=f"agentrt revert {by} puts it back"
            )
    reversal = await take_out(SandboxViews(runtime), runtime.view.snapshot, targets, line, parts)
    # Files and hunks that are named are all that is meant.
    outward = (target for target in targets if target.id not in gone)
    steps = outside.taking_out(outward, runtime.show) if parts is None else {}
    return Reverting(targets, reversal, found, parts, steps)


def standing(runtime: Runtime, ops: Collection[int], parts: Parts | None) -> list[Operation]:
    """These operations, oldest first. Raises ``UnknownOperation``, ``UsageError`` unless their work is in the view."""
    found = [operation for operation in _checked_line(runtime, runtime.work(), ops, parts) if operation.id in ops]
    if gone := [operation.id for operation in found if operation.review == "rejected"]:
        raise UsageError(f"operation {gone[0]} was rejected", hint="agentrt undo takes a reject back")
    return found


@asynccontextmanager
async def grafted(runtime: Runtime, picks: Sequence[Pick]) -> AsyncIterator[Snapshot]:
    """The session's view with ``picks``, for a while."""
    name = f"{runtime.session}.scratch"
    await runtime.sandbox.remove([name])  # of a process that was killed
    try:
        yield await runtime.sandbox.graft(runtime.view.snapshot, picks, name)
    finally:
        await runtime.sandbox.remove([name])


async def preview(runtime: Runtime, ops: Collection[int], *, with_dependents: bool) -> Preview:
    """What ``revert`` would do; nothing is touched. Raises ``UnknownOperation``, ``UsageError``."""
    planned = await plan(runtime, ops, with_dependents=with_dependents)
    async with grafted(runtime, planned.reversal.picks) as snapshot:
        effects = await runtime.sandbox.changes(runtime.view.snapshot, snapshot)
    changes, conflicts = await outside.plan(runtime, planned.outside)
    return Preview(
        kind="revert",
        target=planned.ids,
        effects=tuple(effects),
        outside=tuple(changes),
        stays=_stays(runtime, planned),
        conflicts=(*planned.reversal.conflicts, *conflicts),
        merged=planned.reversal.merged,
        dependents=planned.dependents.known,
        possible=planned.dependents.possible,
    )


async def revert(
    runtime: Runtime,
    planned: Reverting,
    asked: Mapping[str, object],
    *,
    because: str,
    actor: str,
) -> Operation:
    """Do it; ``asked`` is the operation's action, with its kind. The caller holds ``runtime.turn``.

    Raises ``Conflict``, ``UsageError``: nothing is touched.
    """
    if conflicts := planned.reversal.conflicts:
        more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
        raise Conflict(
            f"{conflicts[0].path}{more}: changed since, and what operation {conflicts[0].operations[0]} did cannot be"
            " told apart from that",
            conflicts=conflicts,
            hint="agentrt revert --with-dependents takes out the later operations as well; agentrt restore goes back",
        )
    if not planned.reversal.picks and not planned.outside:
        raise UsageError(
            f"nothing of {named(planned.ids)} is left in the session's files", hint="agentrt diff shows what is"
        )
    asked = {**asked, **({"because": because} if because else {})}
    async with outside.Turning(runtime, planned.outside, actor) as turning:
        await turning.check("revert")
        return await uninterrupted(_carry_out(runtime, planned, turning, asked, because, actor))


async def _carry_out(
    runtime: Runtime,
    planned: Reverting,
    turning: outside.Turning,
    asked: Mapping[str, object],
    because: str,
    actor: str,
) -> Operation:
    before = runtime.view
    kind: Literal["revert", "reject"] = "reject" if asked["kind"] == "reject" else "revert"
    op = runtime.intend(kind, actor=actor, target=planned.ids, action=asked)
    try:
        snapshot = await runtime.sandbox.graft(before.snapshot, planned.reversal.picks, runtime.layer(op.id))
        effects = await runtime.sandbox.changes(before.snapshot, snapshot)
        await runtime.sandbox.restore(snapshot)
        changed = await turning.turn(op)
        notice = {"text": _notice(runtime, planned, kind, because, actor)}
        head = runtime.journal.say(runtime.session, before.conversation, "notice", notice, op.id)
        marks = (*before.marks, op.id) if planned.outside else before.marks
        after = before.model_copy(update={"snapshot": snapshot, "conversation": head, "marks": marks})
        given = reviews(runtime, before, after, op.model_copy(update={"status": "settled", "after": after}))
        settled = runtime.settle(
            op,
            status="settled",
            after=after,
            effects=[*effects, *changed],
            reviews=given,
            note=_note(runtime, planned, because),
        )
        turning.settled()
        return settled
    except BaseException as error:
        stays = await turning.back()
        await runtime.sandbox.restore(before.snapshot)
        if isinstance(error, AgentrtError | OSError):
            note = f"{error}{stays}"
            runtime.settle(op, status="failed", after=before, effects=await turning.sent(), note=note)
            turning.settled()
            if stays:
                raise Unanswered(note) from error
        raise


def reviews(runtime: Runtime, start: View, after: View, newest: Operation | None = None) -> dict[int, Review]:
    """What a move from one view to another means for the review of acts that were taken out in one of them.

    ``newest``: an operation that leads to ``after`` and is not settled yet.
    """
    operations = list(runtime.operations.values())
    line = lineage(start, operations)
    was, will = _words(line), _words([*line, newest] if newest is not None else lineage(after, operations))
    differing = (op for op in sorted(was.keys() | will.keys()) if was.get(op) != will.get(op))
    return {op: will.get(op, "pending") for op in differing if runtime.operations[op].kind == "act"}


def _words(line: Sequence[Operation]) -> dict[int, Review]:
    """The review of what was taken out of a view. What a revert took out is in again where it was reverted itself."""
    found: dict[int, Review] = {}
    for op in reversed(line):
        if op.kind in ("revert", "reject") and op.id not in found:
            for target in op.target:
                found.setdefault(target, (op.action or {}).get("review", "rejected"))
    return found


def _readers(runtime: Runtime, log: Sequence[Operation]) -> list[Operation]:
    """Acts that stand and changed nothing: they may have read what is taken out."""
    done = set(runtime.timeline.done)
    return [op for op in log if op.kind == "act" and op.id in done and op.after.snapshot == op.before.snapshot]


def reads(runtime: Runtime, operation: Operation) -> Collection[str] | None:
    """The paths an operation read, as effects name them; None where that is not known."""
    if operation.kind != "act":
        return ()
    action = operation.action or {}
    tool = runtime.tools.get(str(action.get("kind")))
    if tool is None:
        return None
    found = tool.reads(tool.action.from_dict(action))
    if found is None or any(path.startswith("~") for path in found):
        return None  # only the sandbox knows where its home is
    root = str(runtime.store.workspace)
    full = [os.path.normpath(os.path.join(root, path)) for path in found]
    return [os.path.relpath(path, root) if path.startswith(f"{root}/") else path for path in full]


def _checked_line(
    runtime: Runtime, log: Sequence[Operation], ops: Collection[int], parts: Parts | None
) -> list[Operation]:
    """The operations whose work is in the view.

    Raises ``UnknownOperation``, ``UsageError`` unless ``ops`` are among them and can be taken out.
    """
    if not ops:
        raise UsageError("no operation is named", hint="agentrt log lists them")
    if parts is not None and len(ops) > 1:
        raise UsageError("files and hunks are of one operation", hint="name one operation with them")
    line = lineage(runtime.view, log)
    by_id = {operation.id: operation for operation in log}
    for op in ops:
        _check(op, by_id.get(op) or runtime.show(op), line)
    return line


def _check(op: int, operation: Operation, line: Sequence[Operation]) -> None:
    """Raises ``UsageError`` unless its work is in the view, and can be taken out of it."""
    changed = operation.files or operation.resources
    if operation.kind not in ("act", "revert", "reject") or not changed or operation.status != "settled":
        settled = operation.status == "settled"
        what = "changed no file and no database" if settled else operation.status.replace("_", " ")
        if operation.kind not in ("act", "revert", "reject"):
            what = f"is of kind {operation.kind}"
        raise UsageError(
            f"operation {op} {what}: there is nothing to revert", hint="agentrt undo and restore take back moves"
        )
    if operation.id not in {other.id for other in line}:
        raise UsageError(f"operation {op} is not in the session's files now: it was undone", hint="agentrt redo")
    if applied := applied_paths(line, operation) & set(sides_of(operation.files)):
        first = next(o.id for o in line if o.kind == "apply" and o.id > op and applied & set(sides_of(o.files)))
        raise UsageError(
            f"operation {op} is in the real workspace, since apply {first}",
            hint=f"agentrt restore {first - 1} takes the apply out of it; then revert",
        )


def check_parts(target: Operation, parts: Parts) -> None:
    sides: Mapping[str, object] = sides_of(target.files)
    for path, numbers in parts.items():
        if 0 in numbers:
            raise UsageError("there is no number 0: hunks are counted from 1")
        if path not in sides:
            raise UsageError(f"operation {target.id} did not change {path}", hint=f"agentrt show {target.id} lists it")


def _notice(runtime: Runtime, planned: Reverting, kind: str, because: str, actor: str) -> str:
    """What the planner is told."""
    verb = "rejected" if kind == "reject" else "reverted"
    what = ", ".join(f"operation {target.id} ({words(target)})" for target in reversed(planned.targets))
    if planned.parts:
        what += f", in {', '.join(sorted(planned.parts))} only"
    said = f"The {actor} {verb} {what}" + (f": {because}" if because else "") + "."
    paths = [pick.path for pick in planned.reversal.picks]
    shown = ", ".join(paths[:20]) + (f" and {len(paths) - 20} more" if len(paths) > 20 else "")
    shown = ", ".join(filter(None, (shown, *map(resources.called, planned.outside))))
    said += f" What it did to {shown} is gone; later work stays."
    if planned.reversal.merged:
        said += f" Merged with later changes: {', '.join(planned.reversal.merged)}."
    if sent := _stays(runtime, planned):
        said += f" Note: {sent}."
    if planned.dependents.known:
        said += f" {_stand(planned.dependents.known).capitalize()} now: look at it again."
    return said


def _note(runtime: Runtime, planned: Reverting, because: str) -> str:
    notes = [f"because {because}"] if because else []
    if planned.reversal.merged:
        notes.append(f"merged with later changes: {', '.join(planned.reversal.merged)}")
    notes.append(_stays(runtime, planned))
    if planned.dependents.known:
        notes.append(_stand(planned.dependents.known))
    return "; ".join(filter(None, notes))


def _stays(runtime: Runtime, planned: Reverting) -> str:
    """What was sent and is not taken back, and what will not be sent any more."""
    released = runtime.sent_for(planned.ids) - set(planned.ids)
    sent = stays_sent([*planned.targets, *(runtime.show(op) for op in sorted(released))])
    return "; ".join(filter(None, (dropped(planned.targets), sent)))


def _stand(ids: Sequence[int]) -> str:
    return f"{named(ids)} stand{'s' * (len(ids) == 1)} on what is gone"
