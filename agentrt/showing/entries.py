"""A session's operations as lists show them, kept up to date while another process works on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agentrt.history.chains import Files
from agentrt.history.course import Course
from agentrt.history.follower import Branch as Fork
from agentrt.history.follower import Follower, Light, News
from agentrt.history.removals import Removals, layer_names
from agentrt.reader import Reader
from agentrt.records.effects import Reversibility
from agentrt.records.operations import Kind, Review, Status

from .words import about_text, tally_text

__all__ = ["Entry", "Feed", "Fork"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation, light."""

    id: int
    kind: Kind
    actor: str
    status: Status
    review: Review | None
    started: float
    """Seconds since the epoch."""
    about: str
    """``action_text``, safe to show."""
    effects: str
    """``effects_text``, safe to show."""
    files: int
    """Its effects on files; of these ``outside`` the workspace, and ``deleted``."""
    outside: int
    deleted: int
    requests: int
    """Its effects that went out, or were to."""
    worst: Reversibility | None
    """Of its effects; None for none."""
    verdict: str
    """Of the decision; "" where there is none."""
    target: tuple[int, ...]
    verification: bool
    gone: bool
    """Its files are not kept any more: nothing goes back to it."""
    queued: int = 0
    """Requests that it has in the outbox, or had."""
    held: int = 0
    """Changes of databases that are there, or were."""


class Feed:
    """One session, read as it grows. Costs next to nothing while nobody writes to the journal."""

    entries: Sequence[Entry]
    """Oldest first: ``entries[i].id == i + 1``."""
    stands: frozenset[int]
    """The steps that can be undone."""
    kept: frozenset[int]
    """The steps whose work is there. Others were undone, or are not on the way to where a restore has led."""
    undone: tuple[int, ...]
    """The steps that were undone, the next to be redone last."""
    to_review: tuple[int, ...]
    """As ``Reader.to_review`` has them, oldest first."""
    forks: Sequence[Fork]
    """The sessions that were forked from this one, oldest first."""
    head: int
    """Where the files stand: the operation after which they were as they are; 0 is the start."""

    def __init__(self, reader: Reader) -> None:
        """Raises ``JournalError``. The reader is the caller's, and stays open as long as this is polled."""
        self._reader = reader
        self._begin()
        self.poll()

    def poll(self) -> bool:
        """Whether something changed; then the fields are new objects. Raises ``JournalError``."""
        with self._follower.reading():
            if not self._follower.changed():
                return False
            news = self._follower.read()
            # One that was not the last can end only in a journal that was mended: then from the start.
            late = bool(news.operations) and news.operations[0].id < len(self.entries)
            if not late:
                self._take(news)
        if late:
            self._begin()
            self.poll()
        return bool(news)

    def _begin(self) -> None:
        self._follower = self._reader.journal.follow(self._reader.session)
        self._course = Course(self._follower.start, self._follower.chains)
        self._pending: set[int] = set()
        self._gone: Callable[[Files], bool] = lambda _: False
        self.entries, self.forks = (), ()
        self.stands, self.kept, self.undone, self.to_review, self.head = frozenset(), frozenset(), (), (), 0

    def _take(self, news: News) -> None:
        entries, steps = list(self.entries), False
        if news.removals is not None:
            self._gone = _gone(news.removals, self._follower)
            entries = [replace(entry, gone=self._gone(self._course.after(entry.id))) for entry in entries]
        for operation in news.operations:
            steps |= self._course.add(operation)
            review, gone = self._follower.reviews.get(operation.id), self._gone(operation.after)
            entries[operation.id - 1 :] = [_entry(operation, review, gone)]
        for id, review in news.reviews.items():
            (self._pending.add if review == "pending" else self._pending.discard)(id)
            if entries[id - 1].review != review:
                entries[id - 1] = replace(entries[id - 1], review=review)
        if steps:
            self.stands, self.undone = frozenset(self._course.steps.done), tuple(self._course.steps.undone)
            self.kept = self._course.kept()
        if news.branches is not None:
            self.forks = tuple(news.branches)
        self.entries, self.head = tuple(entries), self._course.head
        if news.operations or news.reviews:
            line = self._course.line()
            self.to_review = tuple(id for id in sorted(self._pending) if id in line or entries[id - 1].requests)


def _entry(operation: Light, review: Review | None, gone: bool) -> Entry:
    tally = operation.tally
    return Entry(
        id=operation.id,
        kind=operation.kind,
        actor=operation.actor,
        status=operation.status,
        review=review,
        started=operation.started,
        about=about_text(operation.kind, operation.action, operation.target, tally.files),
        effects=tally_text(tally),
        files=tally.files,
        outside=tally.outside,
        deleted=tally.deleted,
        requests=tally.requests,
        worst=tally.worst,
        queued=tally.queued,
        held=tally.held,
        verdict=operation.verdict,
        target=operation.target,
        verification=operation.is_verification,
        gone=gone,
    )


def _gone(removals: Removals, follower: Follower) -> Callable[[Files], bool]:
    """Whether nothing can go to a view any more: as ``Removals.of_view``."""
    layers, asides = removals.names("layer"), removals.names("aside")
    in_layers = follower.chains.having(lambda item: not layers.isdisjoint(layer_names([str(item)])))
    in_asides = follower.chains.having(lambda item: f"{follower.session}.{item}" in asides)
    return lambda files: in_layers(files.layers) or in_asides(files.applied)
