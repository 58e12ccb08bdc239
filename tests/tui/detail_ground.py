"""A session as its journal and its host tell of it: turns, actions and their outcomes, in the order of a real run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agentrt.agent import conversation
from agentrt.agent.events import (
    ActionAnswered,
    ActionRefused,
    ActionStarted,
    Event,
    OperationSettled,
    OutputCame,
    PlannerAsked,
    RunEnded,
    RunStarted,
    TextCame,
    TurnTaken,
)
from agentrt.history.tallies import tally_of
from agentrt.records import (
    Decision,
    Effect,
    FileEffect,
    FileState,
    Message,
    Observation,
    Operation,
    ProposedAction,
    Turn,
    View,
)
from agentrt.showing.entries import Entry
from agentrt.showing.words import action_text, tally_text


def file_effect(path: str, change: str = "created") -> FileEffect:
    state = FileState(type="file", mode=0o644, size=1200, mtime_ns=0)
    return FileEffect(
        path=path,
        change=change,
        before=None if change == "created" else state,
        after=None if change == "deleted" else state.model_copy(update={"size": 3400}),
    )


def operation(id: int = 1, **about: Any) -> Operation:
    """An act of the agent's that is through, and what differs from that."""
    usual: dict[str, Any] = {
        "id": id,
        "session": "s1",
        "kind": "act",
        "actor": "agent",
        "status": "settled",
        "started": time.time(),
        "action": {"kind": "bash", "command": "make test"},
        "decision": Decision(verdict="allow", rule="default.yaml:12"),
        "observation": Observation(exit_code=0, output="ok\n", seconds=0.4),
        "before": View(),
        "after": View(),
    }
    return Operation(**{**usual, **about})


def entry(operation: Operation) -> Entry:
    tally = tally_of(operation.effects)
    return Entry(
        id=operation.id,
        kind=operation.kind,
        actor=operation.actor,
        status=operation.status,
        review=operation.review,
        started=operation.started,
        about=action_text(operation),
        effects=tally_text(tally),
        files=tally.files,
        outside=tally.outside,
        deleted=tally.deleted,
        requests=tally.requests,
        worst=tally.worst,
        verdict=operation.decision.verdict if operation.decision else "",
        target=operation.target,
        verification=operation.is_verification,
        gone=False,
    )


@dataclass
class Run:
    """What was written, and what was told; ``marks[i]`` is how much of the journal there was when event i was told."""

    messages: list[Message] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    versions: list[tuple[list[Message], list[Entry]]] = field(default_factory=list)
    """Of the journal, oldest first."""

    def say(self, role: str, body: dict[str, Any], operation: int | None = None) -> None:
        self.messages.append(Message(id=len(self.messages) + 1, role=role, body=body, operation=operation))
        self._keep()

    def tell(self, event: Event) -> None:
        self.events.append(event.to_dict())

    def put(self, operation: Operation) -> None:
        self.entries[operation.id - 1 :] = [entry(operation)]
        self._keep()

    def _keep(self) -> None:
        self.versions.append((list(self.messages), list(self.entries)))

    def task(self, text: str) -> None:
        self.say("task", conversation.task(text))
        self.tell(RunStarted(session="s1"))

    def turn(self, text: str, actions: Sequence[ProposedAction] = ()) -> None:
        self.tell(PlannerAsked(actor="agent"))
        for piece in text.split(" "):
            self.tell(TextCame(actor="agent", text=f"{piece} "))
        turn = Turn(text=text, actions=tuple(actions))
        self.say("planner", turn.to_dict())
        self.tell(TurnTaken(number=1, turn=turn))

    def act(self, action: ProposedAction, effects: Sequence[Effect] = (), output: str = "ok\n") -> None:
        self.tell(ActionStarted(actor="agent", action=action, shown=f"$ {action.arguments.get('command')}"))
        id, asked = len(self.entries) + 1, {"kind": action.kind, **action.arguments}
        self.put(operation(id, status="intent", action=asked, observation=None))
        self.tell(OutputCame(data=output.encode("utf-8", "surrogateescape")))
        review = "pending" if effects else None
        seen = Observation(exit_code=0, output=output)
        done = operation(id, action=asked, effects=tuple(effects), review=review, observation=seen)
        self.put(done)
        self.say("observation", conversation.outcome(action.call, done), id)
        self.tell(OperationSettled(operation=done))

    def refuse(self, action: ProposedAction, because: str = "no such tool") -> None:
        self.tell(ActionRefused(actor="agent", action=action, because=because))
        self.say("observation", conversation.observation(action.call, f"Not carried out: {because}", failed=True))

    def plan(self, action: ProposedAction) -> None:
        self.say("observation", conversation.observation(action.call, "noted"))
        self.tell(ActionAnswered(actor="agent", action=action, text="noted"))

    def end(self) -> None:
        self.tell(RunEnded(code="nothing", reason="no agent proposed a further action"))


def bash(call: str, command: str = "make test") -> ProposedAction:
    return ProposedAction(call=call, kind="bash", arguments={"command": command})


HOSTILE = [
    "[bold]x[/bold] [@click=app.quit]y[/] [link=file:///etc/passwd]z[/link]",
    "\x1b[31mred\x1b]0;title\x07\x1b]8;;http://e\x1b\\",
    "\u202egnp.exe\u2066\u200b\ufeff\x00\x7f\x9b31m",
    "a" * 1_000_000,
    "漢" * 100_000 + "\u0301" * 100_000,
    "\udcff\udc80\udce2",
    "> " * 5000 + "x",
    "\n".join(" " * (2 * n) + "- x" for n in range(150)),
    "|" + "a|" * 400 + "\n|" + "-|" * 400 + "\n" + ("|" + "b|" * 400 + "\n") * 20,
    "[x](javascript:alert(1)) [y](file:///etc/passwd) ![z](http://e/x.png) <script>a</script> &#27;[31m &#x202e; &zwnj;",
    "[" * 20_000,
    "\n" * 5000 + "\t" * 500 + "\r\r\n\x85\u2028end",
]
"""What an agent or a command may have written."""


def assert_safe(text: str) -> None:
    """No control, no escape, no direction, nothing that takes no place and says nothing."""
    assert text.isprintable(), ascii(next(c for c in text if not c.isprintable()))
