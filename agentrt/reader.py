"""What can be known about a session from its journal alone: no lock, no sandbox, nothing created."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

from agentrt.errors import UnknownOperation
from agentrt.history.bases import lineage
from agentrt.history.journal import Journal, SessionInfo
from agentrt.history.store import Store, locate
from agentrt.history.timeline import Timeline
from agentrt.records import Message, Operation, View


def open_reader(workspace: Path | str = ".", *, session: str | None = None) -> Reader:
    """The session named, or the workspace's current one.

    Raises ``WorkspaceError``, ``JournalError``; ``UnknownOperation`` where there is no such session.
    """
    store = locate(workspace)
    journal = Journal.open(store.journal, read_only=True)
    try:
        chosen = journal.current() if session is None else journal.session(session).id
        if chosen is None:
            raise UnknownOperation("there is no session in this workspace yet", hint="agentrt new makes one")
    except BaseException:
        journal.close()
        raise
    return Reader(store, journal, chosen)


class Reader:
    """One session, as the journal has it. A context manager."""

    def __init__(self, store: Store, journal: Journal, session: str) -> None:
        self.store, self.journal, self.session = store, journal, session

    @cached_property
    def info(self) -> SessionInfo:
        return self.journal.session(self.session)

    @property
    def timeline(self) -> Timeline:
        return Timeline.of(self.info.start, self.log())

    @property
    def view(self) -> View:
        """The current one."""
        head = self.journal.message_head(self.session)
        return self.timeline.view.model_copy(update={"conversation": head})

    def log(self, *, at: int | None = None) -> list[Operation]:
        """Every operation of the session, oldest first, without output.

        ``at``: those up to that one, as it stood right after it (0: at the start); what each is reviewed as is the
        present word. Raises ``UnknownOperation``.
        """
        operations = self.journal.operations(self.session)
        if at:
            self.show(at)
        return operations if at is None else operations[:at]

    def to_review(self) -> list[Operation]:
        """The operations that wait for a person's word, oldest first, without output: those in the session's files,
        and those that sent something, or nearly, wherever the session stands now."""
        log = self.log()
        line = {operation.id for operation in lineage(self.view, log)}
        return [op for op in log if op.review == "pending" and (op.id in line or op.requests)]

    def show(self, op: int) -> Operation:
        """One operation, with what its observation shows of the output. Raises ``UnknownOperation``."""
        return self.journal.operation(self.session, op)

    def output(self, op: int) -> BinaryIO | None:
        """The whole output of an operation whose observation shows only part of it, open for reading.

        None where no more is kept than the observation has. Raises ``UnknownOperation``.
        """
        observation = self.show(op).observation
        if observation is None or observation.output_file is None:
            return None
        try:
            return open(self.store.outputs / observation.output_file, "rb")  # the caller closes it
        except FileNotFoundError:
            return None

    def conversation(self) -> Sequence[Message]:
        """From its first message to the current one."""
        return self.journal.conversation(self.journal.message_head(self.session))

    def part(self, *, after: int = 0, last: int | None = None, roles: Collection[str] | None = None) -> list[Message]:
        """Of the conversation, as ``Journal.conversation`` has it: what is left out costs nothing."""
        head = self.journal.message_head(self.session)
        return self.journal.conversation(head, after=after, last=last, roles=roles)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.journal.close()
