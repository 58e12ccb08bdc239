"""Requests an agent may make once more without knowing: those of operations that are not in its past any more.

After a restore, or on a fork, whoever plans begins where it was then. What had been sent by that time, and was not
taken back, is out there all the same, and its answer is known. So is what was sent by an action that a death cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentrt import outside
from agentrt.contracts import Past
from agentrt.records import Operation
from agentrt.sending import CUT_SHORT

if TYPE_CHECKING:
    from agentrt.runtime import Runtime


def behind(runtime: Runtime) -> list[Past]:
    """Of the session and of those it was forked from, the newest first."""
    journal, info = runtime.journal, runtime.info
    own = runtime.log()
    stands = standing(own)
    lie_behind = (op for op in reversed(own) if _sent(op) and (op.id not in stands or _was_cut_off(op)))
    found = [_past(op, stands=op.id in stands) for op in lie_behind]
    while info.parent is not None:
        forked_at, info = info.parent_operation or 0, journal.session(info.parent)
        operations = journal.operations(info.id, effects_at=())
        stands = standing(operations)
        later = [op for op in operations if op.id > forked_at and _sent(op)]
        found += [_past(op, stands=op.id in stands) for op in reversed(later)]
    return found


def standing(operations: Sequence[Operation]) -> frozenset[int]:
    """What lies before the place where a session stands, and was not taken out: neither undone nor left by a restore,
    nor reverted; what was, and whose revert was reverted, is in again."""
    now = frozenset[int]()
    before: dict[int, frozenset[int]] = {}
    after: dict[int, frozenset[int]] = {0: now}
    for op in operations:
        before[op.id] = now
        if op.status == "settled" and not op.is_verification:
            match op.kind:
                case "undo":
                    now = before[op.target[-1]]
                case "redo" | "restore":
                    now = after[op.target[0]]
                case "reject" if "parts" in (op.action or {}):
                    pass  # they are of files
                case "act" | "revert" | "reject":
                    now |= {op.id}
        after[op.id] = now
    by_id = {op.id: op for op in operations}
    return now.difference(outside.taken_out(sorted(now), by_id.__getitem__))


def _sent(op: Operation) -> bool:
    return any(request.change == "sent" for request in op.requests)


def _was_cut_off(op: Operation) -> bool:
    seen = op.observation
    return seen is not None and seen.error is not None and seen.error.startswith(CUT_SHORT)


def _past(op: Operation, *, stands: bool) -> Past:
    return Past(f"{op.session}.{op.id}", op.id, op.session, stands)
