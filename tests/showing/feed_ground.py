"""What a feed must say, worked out from whole operations."""

from __future__ import annotations

from typing import Any

from agentrt.history.bases import WORK, kept, lineage
from agentrt.reader import Reader
from agentrt.records import FileEffect, Operation, View
from agentrt.records.effects import HARM
from agentrt.showing.entries import Feed
from agentrt.showing.words import action_text, effects_text

FIELDS = ("entries", "stands", "kept", "undone", "to_review", "forks", "head")


def state(feed: Feed) -> dict[str, Any]:
    return {field: getattr(feed, field) for field in FIELDS}


def check(feed: Feed, reader: Reader) -> None:
    """A feed that was polled, one made now, and the reader say the same."""
    assert state(feed) == state(Feed(reader))
    log, timeline, removals = reader.log(), reader.timeline, reader.journal.removals()
    assert [entry.id for entry in feed.entries] == [operation.id for operation in log]
    for entry, operation in zip(feed.entries, log, strict=True):
        shared = ("kind", "actor", "status", "review", "started", "target")
        assert [getattr(entry, name) for name in shared] == [getattr(operation, name) for name in shared]
        assert (entry.about, entry.effects) == (action_text(operation), effects_text(operation.effects))
        assert (entry.files, entry.outside, entry.deleted, entry.requests, entry.worst) == counts(operation)
        assert entry.verdict == (operation.decision.verdict if operation.decision else "")
        assert entry.verification == operation.is_verification
        assert entry.gone == (removals.of_view(reader.session, operation.after) is not None)
    assert (feed.stands, feed.undone) == (frozenset(timeline.done), timeline.undone)
    line = {operation.id for operation in lineage(timeline.view, log)}
    assert feed.kept == kept(reader.info.start, log)
    assert feed.kept == frozenset(
        operation.id
        for operation in log
        if (operation.id in line if _worked(operation) else operation.id in timeline.done)
    )
    assert list(feed.to_review) == [operation.id for operation in reader.to_review()]
    views = [reader.info.start, *(operation.after for operation in log)]
    assert files(views[feed.head]) == files(timeline.view)
    branches = [info for info in reader.journal.sessions() if info.parent == reader.session]
    assert [(fork.session, fork.title, fork.operation, fork.operations) for fork in feed.forks] == [
        (info.id, info.title, info.parent_operation, len(reader.journal.operations(info.id))) for info in branches
    ]


def _worked(operation: Operation) -> bool:
    """What it did is in the files, where these have not gone back behind it."""
    grew = operation.before.snapshot.layers != operation.after.snapshot.layers
    return operation.kind == "apply" or (operation.kind in WORK and operation.status == "settled" and grew)


def counts(operation: Operation) -> tuple[int, int, int, int, str | None]:
    outside = [effect for effect in operation.files if not effect.in_workspace]
    deleted = [effect for effect in operation.effects if isinstance(effect, FileEffect) and effect.change == "deleted"]
    harms = [HARM.index(effect.reversibility) for effect in operation.effects]
    worst = HARM[max(harms)] if harms else None
    return len(operation.files), len(outside), len(deleted), len(operation.requests), worst


def files(view: View) -> tuple[object, ...]:
    return view.snapshot, view.applied
