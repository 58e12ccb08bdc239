"""Review: what an agent did is accepted or rejected, whole operations, files, or hunks of a file."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from agentrt import outbox, reverting, sending
from agentrt.errors import AgentrtError, Conflict, UsageError
from agentrt.flags import canary_seen
from agentrt.history import hunks, reviews
from agentrt.history.bases import lineage
from agentrt.history.revert import Parts
from agentrt.notices import named
from agentrt.records import Operation, Released
from agentrt.records.operations import Review
from agentrt.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from agentrt.runtime import Runtime

_ACTOR = "agentrt"
DEADLINE = "review_deadline"
"""``kind`` in the action of the note that a task with a deadline leaves in its session."""


async def accept(
    runtime: Runtime, ops: Sequence[int], parts: Parts | None, actor: str, *, by: Released = "person"
) -> Operation:
    """And what they have in the outbox is sent. The caller holds ``runtime.turn``.

    Raises ``UnknownOperation``, ``UsageError``.
    """
    outward = _only_outward(runtime, ops, parts)
    within = [op for op in ops if op not in outward]
    targets = [*outward.values(), *(reverting.standing(runtime, within, parts) if within or not outward else ())]
    targets.sort(key=lambda target: target.id)
    given = await _verdict(runtime, targets, parts, "accepted")
    asked = {"kind": "accept", **_recorded(parts, given)}
    op = runtime.intend("accept", actor=actor, target=[target.id for target in targets], action=asked)
    if parts is not None:
        return runtime.settle(op, status="settled", after=runtime.view, reviews=given)
    return await uninterrupted(_accept(runtime, targets, op, given, by))


async def _accept(
    runtime: Runtime, targets: Sequence[Operation], op: Operation, given: dict[int, Review], by: Released
) -> Operation:
    try:
        sent = await outbox.release(runtime, targets, op, by)
    except (AgentrtError, OSError) as error:
        runtime.settle(op, status="failed", after=runtime.view, note=str(error))
        raise
    if sent.lines:
        who = f"The {op.actor} released" if by == "person" else f"The time of {named(op.target)} in the outbox was over"
        runtime.say("notice", {"text": f"{who}: {'; '.join(sent.lines)}."}, op.id)
    given = {target: review for target, review in given.items() if target not in sent.waiting}
    note = "; ".join(sent.lines)
    settled = runtime.settle(op, status="settled", after=runtime.view, reviews=given, effects=sent.effects, note=note)
    sending.forget(sending.place(runtime.store, runtime.layer(op.id)))
    return settled


async def reject(runtime: Runtime, ops: Sequence[int], parts: Parts | None, because: str, actor: str) -> Operation:
    """The caller holds ``runtime.turn``. Raises ``Conflict``, ``UnknownOperation``, ``UsageError``."""
    outward = _only_outward(runtime, ops, parts)
    within = [op for op in ops if op not in outward]
    if outward and not within:
        return _disapprove(runtime, list(outward), because, actor)
    planned = await reverting.plan(runtime, within, parts=parts)
    given = await _verdict(runtime, planned.targets, parts, "rejected") | dict.fromkeys(outward, "rejected")
    asked = {"kind": "reject", **_recorded(parts, given)}
    return await reverting.revert(runtime, planned, asked, because=because, actor=actor)


def _only_outward(runtime: Runtime, ops: Sequence[int], parts: Parts | None) -> dict[int, Operation]:
    """Those of ``ops`` of which only what they sent, or nearly, is left to have a word on: no file of theirs stands."""
    if parts is not None:
        return {}
    line = {operation.id for operation in lineage(runtime.view, list(runtime.operations.values()))}
    found = (runtime.show(op) for op in ops if op not in line)
    return {operation.id: operation for operation in found if operation.requests}


def _disapprove(runtime: Runtime, ops: Sequence[int], because: str, actor: str) -> Operation:
    """Say no to what cannot be taken back: it is written down, and the planner is told."""
    asked = {"kind": "reject", **({"because": because} if because else {})}
    op = runtime.intend("reject", actor=actor, target=tuple(ops), action=asked)
    why = f": {because}" if because else ""
    runtime.say("notice", {"text": f"The {actor} disapproves of what {named(ops)} sent{why}."}, op.id)
    given: dict[int, Review] = dict.fromkeys(ops, "rejected")
    return runtime.settle(op, status="settled", after=runtime.view, reviews=given, note="what was sent stays sent")


async def keep_times(runtime: Runtime, *, to_send: bool = False) -> tuple[str, ...]:
    """What has waited long enough, in the outbox or for review; lines for a person. ``to_send``: requests go out also
    where nothing is to be run."""
    return (*await outbox.release_due(runtime, to_send), *await _keep_deadline(runtime))


async def _keep_deadline(runtime: Runtime) -> tuple[str, ...]:
    """Accept or reject what has waited longer than the session's task allows; lines for a person.

    What cannot be rejected, because later work cannot be told apart from it, goes on waiting, and that is said.
    """
    rule = _deadline(runtime)
    if rule is None:
        return ()
    seconds, then = rule
    if all(operation.started + seconds >= time.time() for operation in runtime.operations.values()):
        return ()
    # Where a planted file was on its way out a person has to look: time alone thaws nothing.
    waiting = (op for op in runtime.to_review() if not canary_seen(op))
    late = [op.id for op in waiting if op.started + seconds < time.time()]
    if not late:
        return ()
    if then == "accept":
        late = [op for op in late if not outbox.queues(runtime.show(op))]  # a deadline sends nothing
        if not late:
            return ()
        await accept(runtime, late, None, _ACTOR)
        return (f"{named(late)}: accepted, as nobody said otherwise in time",)
    notes = []
    for op in reversed(late):
        try:
            await reject(runtime, [op], None, "nobody accepted it in time", _ACTOR)
        except (Conflict, UsageError) as error:
            notes.append(f"operation {op}: its time for review is over, but it cannot be rejected: {error}")
        else:
            notes.append(f"operation {op}: rejected, as nobody accepted it in time")
    return tuple(notes)


def set_deadline(runtime: Runtime, seconds: float, then: str) -> None:
    """Recorded in the session, so that it is kept after a restart, too."""
    if _deadline(runtime) == (seconds, then):
        return
    op = runtime.intend("note", actor=_ACTOR, action={"kind": DEADLINE, "seconds": seconds, "then": then})
    runtime.settle(op, status="settled", after=runtime.view)


def _deadline(runtime: Runtime) -> tuple[float, str] | None:
    """The last one that was set."""
    for operation in reversed(runtime.noted):
        asked = operation.action or {}
        if operation.status == "settled" and asked.get("kind") == DEADLINE:
            return float(asked["seconds"]), str(asked["then"])
    return None


async def _verdict(
    runtime: Runtime, targets: Sequence[Operation], parts: Parts | None, review: Review
) -> dict[int, Review]:
    """What the review of the operations is by this. Raises ``UsageError`` for parts that are none."""
    if parts is None:
        return {target.id: review for target in targets}
    (target,) = targets
    reverting.check_parts(target, parts)
    found = reviews.verdicts(target, runtime.view, list(runtime.operations.values()))
    reviews.add(found, parts, review)
    by_hunk = {path: given for path, given in found.items() if 0 not in given}
    counts = {path: await _count(runtime, target, path, numbers) for path, numbers in by_hunk.items()}
    return {target.id: reviews.whole(target, found, counts)}


async def _count(runtime: Runtime, target: Operation, path: str, numbers: Collection[int]) -> int:
    views = reverting.SandboxViews(runtime)
    try:
        before = await views.content(target.before.snapshot, path)
        after = await views.content(target.after.snapshot, path)
    except OSError as error:
        raise UsageError(
            f"{path} has no hunks: it was no file before and after operation {target.id}", hint="leave --hunk out"
        ) from error
    count = hunks.count(before, after)
    if wrong := [number for number in numbers if not 0 < number <= count]:
        raise UsageError(
            f"{path} has {count} hunk{'s' * (count != 1)} in operation {target.id}, and no number {wrong[0]}",
            hint=f"agentrt diff {target.id} shows them in this order",
        )
    return count


def _recorded(parts: Parts | None, given: Mapping[int, Review]) -> dict[str, object]:
    if parts is None:
        return {}
    return {"parts": {path: sorted(numbers) for path, numbers in parts.items()}, "review": next(iter(given.values()))}
