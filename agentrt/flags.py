"""What is true of a session because of what its actions read, received, or nearly sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agentrt.history.journal import Journal
from agentrt.records import Operation, Spent

SAW_UNTRUSTED = "saw_untrusted"
READ_SECRET = "read_secret"
FROZEN = "frozen"


def flags_by(operation: Operation) -> frozenset[str]:
    """What an action adds, if it ran: nothing takes these away, as nobody forgets what was read."""
    if operation.kind != "act" or operation.status == "denied":
        return frozenset()
    flags = set(operation.decision.flags) if operation.decision is not None else set()
    # One that was cut off may have read anything: what it sent and received was not written down any more.
    if operation.status == "intent" or any(request.received for request in operation.requests):
        flags.add(SAW_UNTRUSTED)
    return frozenset(flags)


def canary_seen(operation: Operation) -> bool:
    """A planted file was on its way out."""
    return any(request.canary is not None for request in operation.requests)


class Inherited(NamedTuple):
    """What a fork has from where it began, whose conversation it goes on with."""

    flags: frozenset[str] = frozenset()
    is_frozen: bool = False
    spent: Spent = Spent()
    """Of what nothing brings back: requests and irreversible effects. Work on files was done there, not here."""


Ancestors = Sequence[tuple[str, Sequence[Operation]]]
"""Sessions one was forked from, the nearest first, each with its operations up to there; without effects on files."""


def ancestors(journal: Journal, session: str) -> Ancestors:
    """None for a session that is no fork."""
    info, found = journal.session(session), []
    while info.parent is not None:
        until = info.parent_operation or 0
        operations = journal.operations(info.parent, effects_at=())
        found.append((info.parent, [operation for operation in operations if operation.id <= until]))
        info = journal.session(info.parent)
    return found


def inherited(sessions: Ancestors) -> Inherited:
    """From all a session was forked from."""
    found = Inherited()
    for _, before in sessions:
        sent = Spent.of(request for operation in before for request in operation.requests)
        found = Inherited(
            found.flags.union(*map(flags_by, before)), found.is_frozen or bool(waits(before)), found.spent + sent
        )
    return found


def waits(operations: Iterable[Operation]) -> list[int]:
    """The operations a person has to look at before a session goes on."""
    return [operation.id for operation in operations if canary_seen(operation) and operation.review == "pending"]
