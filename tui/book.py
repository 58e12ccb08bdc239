"""The session as its journal has it: read by the app itself, whoever writes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

from agentrt.errors import AgentrtError, UnknownOperation
from agentrt.history import reviews
from agentrt.history.reviews import Verdicts
from agentrt.history.store import locate
from agentrt.moves import across
from agentrt.reader import Reader, open_reader
from agentrt.records import Message, Operation, View
from agentrt.showing.entries import Entry, Feed, Fork
from agentrt.showing.sessions import title_of

from .detail.worded import Result, result_of

Move = Literal["undo", "redo", "restore"]
_MOST = 500
"""Messages that are read until somebody looks further back."""
_OWN = 20
"""Acts of people whose output is read, the last ones."""


class Book:
    """One session of a workspace; the workspace's current one, as soon as there is one, where none is named."""

    def __init__(self, workspace: Path, session: str | None = None) -> None:
        """Raises ``WorkspaceError``, ``JournalError``; ``UnknownOperation`` where the session named is not there."""
        self.workspace = locate(workspace).workspace
        self._reader: Reader | None = None
        self._feed: Feed | None = None
        self._paths: dict[int, Collection[str]] = {}
        self._own: dict[int, Result] = {}
        self._said = 0
        """The last message that was read."""
        self.most = _MOST
        """Messages, and operations that no message is about, that the live view has."""
        self._open(session)

    def _open(self, session: str | None) -> bool:
        if session is None and not locate(self.workspace).journal.exists():
            return False
        try:
            reader = open_reader(self.workspace, session=session)
        except UnknownOperation:
            if session is not None:
                raise
            return False  # a journal without a session
        try:
            self._feed = Feed(reader)
        except BaseException:
            reader.journal.close()
            raise
        self._reader = reader
        return True

    def turn_to(self, session: str) -> None:
        """Another session. Raises ``UnknownOperation``, ``JournalError``, and stays where it is then."""
        before, feed = self._reader, self._feed
        try:
            self._open(session)
        except AgentrtError:
            self._reader, self._feed = before, feed
            raise
        self._paths, self._own, self.most = {}, {}, _MOST
        if before is not None:
            before.journal.close()

    def poll(self) -> bool:
        """Whether something is new of operations, or what became of them. Raises ``JournalError``."""
        return self._open(None) if self._feed is None else self._feed.poll()

    @property
    def session(self) -> str | None:
        return self._reader.session if self._reader is not None else None

    @property
    def is_current(self) -> bool:
        """Whether whoever names no session gets this one. Raises ``JournalError``."""
        return self._reader is None or self._reader.journal.current() == self._reader.session

    @property
    def title(self) -> str:
        """What the session is about; safe to show. Raises ``JournalError``."""
        if self._reader is None:
            return ""
        info = self._reader.info
        task = "" if info.title else self._reader.journal.tasks(info.id).get(info.id, "")
        return title_of(info, task)

    @property
    def start(self) -> int:
        """The last message of the conversation it was forked with; 0 for none."""
        return self._reader.info.start.conversation if self._reader is not None else 0

    @property
    def entries(self) -> Sequence[Entry]:
        return self._feed.entries if self._feed is not None else ()

    @property
    def last_step(self) -> Entry | None:
        """What undo takes back."""
        return self.entry(max(self._feed.stands, default=0)) if self._feed is not None else None

    @property
    def next_redo(self) -> Entry | None:
        """What redo does again."""
        return self.entry(self.undone[-1]) if self.undone else None

    @property
    def stands(self) -> frozenset[int]:
        """The steps whose work is there."""
        return self._feed.kept if self._feed is not None else frozenset()

    @property
    def undone(self) -> tuple[int, ...]:
        return self._feed.undone if self._feed is not None else ()

    @property
    def to_review(self) -> tuple[int, ...]:
        return self._feed.to_review if self._feed is not None else ()

    @property
    def forks(self) -> Sequence[Fork]:
        return self._feed.forks if self._feed is not None else ()

    @property
    def head(self) -> int:
        return self._feed.head if self._feed is not None else 0

    def entry(self, op: int) -> Entry | None:
        return self.entries[op - 1] if 0 < op <= len(self.entries) else None

    def operation(self, op: int) -> Operation:
        """Whole. Raises ``UnknownOperation``, ``JournalError``."""
        if self._reader is None:
            raise UnknownOperation("there is no session yet")
        return self._reader.show(op)

    def operation_beside(self, op: int) -> Operation:
        """The same, on any thread."""
        with open_reader(self.workspace, session=self.session) as reader:
            return reader.show(op)

    def paths(self, op: int) -> Collection[str]:
        """Of an operation's effects, for searching."""
        if self._reader is None:
            return ()
        if not self._paths or op > max(self._paths):
            found = self._reader.journal.paths(self._reader.session)
            self._paths = {entry.id: found.get(entry.id, ()) for entry in self.entries}
        return self._paths.get(op, ())

    def verdicts(self, operation: Operation) -> Verdicts:
        """What was said on parts of an operation, as ``reviews.verdicts`` has it. Raises ``JournalError``."""
        given = (entry for entry in self.entries[operation.id :] if reviews.counts(entry, operation.id, self.stands))
        return reviews.gathered(operation, (self.operation(entry.id) for entry in given))

    def conversation(self) -> Sequence[Message]:
        """The last ``most`` of it. Raises ``JournalError``."""
        if self._reader is None:
            return ()
        found = self._reader.part(last=self.most)
        self._said = found[-1].id if found else 0
        return found

    def own(self) -> Mapping[int, Result]:
        """What came of the last acts of people, by operation. Raises ``JournalError``."""
        done = (
            entry.id
            for entry in reversed(self.entries)
            if entry.actor == "user" and entry.kind == "act" and entry.status != "intent"
        )
        for op in islice(done, _OWN):
            if op not in self._own and self._reader is not None:
                self._own[op] = result_of(self._reader.journal.operation(self._reader.session, op, effects_at=()))
        return self._own

    @property
    def has_task(self) -> bool:
        """Whether there is something to go on with (``conversation.has_task``). Raises ``JournalError``."""
        return self._reader is not None and bool(self._reader.part(roles=("task",)))

    @property
    def talked(self) -> bool:
        """Whether ``conversation`` has come to another message since. Raises ``JournalError``."""
        return self._reader is not None and self._reader.journal.message_head(self._reader.session) != self._said

    def look_back(self) -> bool:
        """``conversation`` is to have more of it; whether there may be more."""
        if max(len(self.conversation()), len(self.entries)) < self.most:
            return False
        self.most *= 4
        return True

    def typed(self) -> tuple[Sequence[Message], Sequence[str]]:
        """What people said to agents, and maybe more, and the commands they ran by hand. Raises ``JournalError``."""
        if self._reader is None:
            return (), ()
        actions = self._reader.journal.actions(self._reader.session, "user")
        commands = [str(action["command"]) for action in actions if "command" in action]
        return self._reader.part(roles=("task", "notice")), commands

    def loses_words(self, view: View) -> bool:
        """Whether going to a view takes back words of people or planners that came later than it."""
        later = self._reader.part(after=view.conversation) if self._reader is not None else ()
        return any(message.role in ("task", "planner") or "asked" in message.body for message in later)

    def view_of(self, method: Move, number: int = 0) -> View | None:
        """Where a move would lead: ``undo`` of a step, ``redo``, ``restore`` to operation ``number``. None: nowhere."""
        step = {"undo": self.last_step, "redo": self.next_redo, "restore": self.entry(number)}[method]
        if step is None:
            return self._reader.info.start if self._reader is not None and (method, number) == ("restore", 0) else None
        operation = self.operation(step.id)
        return operation.before if method == "undo" else operation.after

    def across(self, view: View) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Going from here to a view: see ``moves.across``."""
        now = self.view_of("restore", len(self.entries))
        return across(now if now is not None else View(), view)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.journal.close()
