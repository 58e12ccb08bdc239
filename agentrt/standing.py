"""Where an open session stands: what the journal says of it, at hand, and added to by its one writer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from agentrt import flags, narrowing
from agentrt.collecting import check_kept
from agentrt.errors import UnknownOperation
from agentrt.history.bases import lineage
from agentrt.history.journal import Journal
from agentrt.history.store import Store
from agentrt.history.timeline import Timeline
from agentrt.notices import lasting
from agentrt.reader import Reader
from agentrt.records import Message, Operation, Spent, View, dump_json
from agentrt.records.operations import Kind, Status


class Standing(Reader):
    """One session while nobody else writes to it."""

    def __init__(self, store: Store, journal: Journal, session: str) -> None:
        super().__init__(store, journal, session)
        log = self.log()
        self._operations = {operation.id: _light(operation) for operation in log}
        before = flags.ancestors(journal, session)
        self._began = flags.inherited(before)
        self.spent = sum(map(spent_by, log), self._began.spent + Spent(cost_usd=journal.cost_usd(session)))
        """By all actions so far, and by the planner; of a fork with what those before it sent."""
        self._flags = self._began.flags.union(*map(flags.flags_by, log))
        self._inherited = narrowing.inherited(before)
        self._narrows = {operation.id: rules for operation in log if (rules := narrowing.rules_of(operation))}
        self.sent_by = {operation.id for operation in log if lasting(operation)}
        """The operations that sent what no undo takes back."""
        self._canaries = [operation.id for operation in log if flags.canary_seen(operation)]
        self.noted = [_light(operation) for operation in log if operation.kind == "note"]
        """What was set down for the session, oldest first."""
        self._head = journal.message_head(session)
        self._line: tuple[Message, ...] = ()
        """The conversation when it was last asked for, and what was said since; of another one after a move."""
        self._timeline = Timeline.of(self.info.start, self._operations.values())

    @property
    def timeline(self) -> Timeline:
        return self._timeline

    @property
    def view(self) -> View:
        return self._timeline.view.model_copy(update={"conversation": self._head})

    def view_after(self, op: int) -> View:
        """The view after an operation; 0 is the start. Raises ``UnknownOperation``, ``UsageError`` (collected)."""
        view = self._timeline.restore(op).view
        check_kept(self, op, view)
        return view

    def conversation(self) -> tuple[Message, ...]:
        """From its first message to the current one. It is the same for all who ask: nobody changes a body."""
        if not self._has_line:
            self._line = tuple(self.journal.conversation(self._head))
        return self._line

    @property
    def _has_line(self) -> bool:
        """Messages never change, and each has one before it: who has the last one has all."""
        return self._head == (self._line[-1].id if self._line else 0)

    @property
    def flags(self) -> frozenset[str]:
        """What a policy may want to know of what the session has seen (``contracts.Context``)."""
        seen = [self.journal.operation(self.session, op) for op in self._canaries]
        frozen = self._began.is_frozen or flags.waits(seen)
        return self._flags | {flags.FROZEN} if frozen else self._flags

    @property
    def narrowings(self) -> dict[str, Mapping[str, Any]]:
        """What the session's agent, and that of those it was forked from, narrowed the policy to and still stands."""
        if not self._narrows:
            return self._inherited
        standing = (op for op in self.timeline.done if op in self._narrows)
        return self._inherited | {narrowing.origin(self.session, op): self._narrows[op] for op in standing}

    @property
    def operations(self) -> Mapping[int, Operation]:
        """By number, oldest first, without effects, action and observation."""
        return self._operations

    def work(self) -> list[Operation]:
        """Every operation, oldest first, with all that ``operations`` leaves out but the observation."""
        work = self.journal.work(self.session)
        return [operation.model_copy(update=work[operation.id]) for operation in self._operations.values()]

    def standing_of(self, actor: str) -> tuple[int, ...]:
        """The actions of one actor whose work is in the session's files, oldest first: what ``revert`` takes out.

        Raises ``UnknownOperation`` where nobody of that name did anything; the hint names who did.
        """
        actors = list(dict.fromkeys(op.actor for op in self._operations.values() if op.kind == "act"))
        if actor not in actors:
            hint = f"there are: {', '.join(actors)}" if actors else "nobody did anything yet"
            raise UnknownOperation(f"nobody called {dump_json(actor)} did anything in {self.session}", hint=hint)
        line = lineage(self.view, self.work())
        mine = (op for op in line if (op.kind, op.actor) == ("act", actor))
        return tuple(op.id for op in mine if op.files and op.review != "rejected")

    def layer(self, op: int) -> str:
        """The name of everything an operation keeps on disk."""
        return f"{self.session}.{op}"

    def intend(self, kind: Kind, *, actor: str, **more: Any) -> Operation:
        """Write down that an operation is about to happen. Raises ``DiskFull``, ``JournalError``."""
        operation = self.journal.intend(self.session, kind=kind, actor=actor, before=self.view, **more)
        self._operations[operation.id] = _light(operation)
        return operation

    def forget_messages_of(self, operation: Operation) -> None:
        """A move says its notice before it settles; one that was cut off leaves it hanging."""
        line = self.conversation()
        if line and line[-1].operation == operation.id:
            self._head = operation.before.conversation

    def settle(self, intent: Operation, *, status: Status, after: View, **more: Any) -> Operation:
        """Write down how it ended, and stand on its view. Raises ``DiskFull``, ``JournalError``."""
        operation = self.journal.settle(intent, status=status, after=after, **more)
        self._operations[operation.id] = light = _light(operation)
        self.spent += spent_by(operation)
        if rules := narrowing.rules_of(operation):
            self._narrows[operation.id] = rules
        self._flags |= flags.flags_by(operation)
        self.sent_by |= {operation.id} if lasting(operation) else set()
        self._canaries += [operation.id] if flags.canary_seen(operation) else []
        self.noted += [light] if operation.kind == "note" else []
        self._timeline.add(light)
        self._head = after.conversation
        return operation

    def sent_for(self, ops: Iterable[int]) -> set[int]:
        """Those of ``ops`` that sent what no undo takes back, and those that released what they had in the outbox."""
        of = set(ops)
        return {op for op in self.sent_by if op in of or of.intersection(self._operations[op].target)}

    def note(self, kind: str, *, actor: str, role: str, body: Mapping[str, Any]) -> Operation:
        """Add a message that is an operation of its own, so that what it changes is seen, and gone back behind.

        Raises ``DiskFull``, ``JournalError``.
        """
        op = self.intend("note", actor=actor, action={"kind": kind})
        self.say(role, body, op.id)
        return self.settle(op, status="settled", after=self.view)

    def say(self, role: str, body: Mapping[str, Any], operation: int | None = None, *, first: bool = False) -> int:
        """Add a message to the conversation, or begin another one with it; its id."""
        if first:
            self._head, self._line = 0, ()
        head = self.journal.say(self.session, self._head, role, body, operation)
        if self._has_line:
            kept = json.loads(dump_json(body))  # as the journal has it: no tuples, and nobody else's
            self._line += (Message(id=head, role=role, body=kept, operation=operation),)
        self._head = head
        if role in ("planner", "compaction"):
            self.spent += Spent(cost_usd=(body.get("usage") or {}).get("cost_usd") or 0.0)
        return self._head


def spent_by(operation: Operation) -> Spent:
    """What was rolled back or not kept changed nothing, but it ran, and what it sent is sent. One that was cut off ran
    as well, as far as anybody knows."""
    if operation.kind == "accept":
        return Spent.of(operation.requests)  # what was let go from the outbox
    if operation.kind != "act" or operation.status == "denied":
        return Spent()
    kept = operation.status == "settled" and not operation.is_verification
    seconds = operation.observation.seconds if operation.observation is not None else 0.0
    return Spent.of(operation.effects if kept else operation.requests, actions=1, seconds=seconds)


def _light(operation: Operation) -> Operation:
    """What the timeline needs of it: a long session's effects and actions stay on disk."""
    asked = operation.action if operation.kind != "act" else None
    return operation.model_copy(update={"action": asked, "effects": (), "observation": None})
