"""A session of very many operations, written straight into the journal: what lists of them cost is measured on it.

    python tests/bench/many.py WORKSPACE [OPERATIONS]

It has all that a list shows: changed files, folders, requests, moves, reviews, denials, failures, a crew. It has no
layers: its files cannot be gone back to.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentrt.agent import conversation
from agentrt.history.journal import Journal
from agentrt.history.store import Lock, Store, create, locate
from agentrt.records import (
    Decision,
    Effect,
    FileEffect,
    FileState,
    Judgement,
    Observation,
    ProposedAction,
    RequestEffect,
    Snapshot,
    Turn,
    View,
)
from agentrt.records.effects import Change
from agentrt.records.operations import Kind, Status

_AT_ONCE = 500
"""Operations that are written before the journal is opened anew: it keeps the views it has seen."""
_ALLOWED = Decision(verdict="allow", rule="default.yaml:12", because="it stays inside")
_DENIED = Decision(verdict="deny", rule="default.yaml:40", because="nothing is pushed from here")
_REVIEW = Judgement(verdict="review", rule="default.yaml:60", because="it changed files")
_FILE = FileState(type="file", mode=0o644, size=1_000, mtime_ns=1_700_000_000_000_000_000, digest="ab" * 32)
_SENT = RequestEffect(
    change="sent", reversibility="irreversible", method="POST", url="https://example.com/hook", status=200, sent=1
)
_MENDABLE = _SENT.model_copy(update={"reversibility": "compensable"})
"""Where a session has sent what nothing takes back, nothing more is kept that is done in it."""
_WORDS = "I look at **what is there** first, and then change `a` in all of it:\n\n- one\n- two\n\nThen the tests."
_SEEN = Observation(exit_code=0, output="done\n", output_bytes=5, seconds=0.1)


def many(workspace: Path, operations: int = 10_000, *, talk: bool = False) -> Store:
    """Adds a session of that many ``operations`` to the workspace's journal; it becomes the current one. ``talk``: with
    what its agents said, a turn for each action, and with what they were told."""
    store = locate(workspace)
    create(store)
    with Lock(store).acquire():
        with Journal.open(store.journal) as journal:
            session = journal.create_session(title=f"{operations} operations").id
        view = View()
        for first in range(1, operations + 1, _AT_ONCE):
            with Journal.open(store.journal) as journal:
                writer = Writer(journal, session, view, talk=talk)
                for number in range(first, min(first + _AT_ONCE, operations + 1)):
                    writer.write(number)
                view = writer.view
    return store


class Writer:
    """Goes on with a session whose view is ``view``."""

    def __init__(self, journal: Journal, session: str, view: View, *, talk: bool = False) -> None:
        self.view = view
        self._talk, self._said, self._number = talk, journal.message_head(session), 0
        self._journal, self._session, self._before = journal, session, view

    def write(self, number: int) -> None:
        """The session's operation ``number``: of every twenty one is an undo, the next its redo, one an accept …"""
        self._number, turn = number, number % 20
        if turn == 10:
            self._add("undo", after=self._before, target=(number - 1,))
        elif turn == 11:
            self._add("redo", after=self._before, target=(number - 2,))
        elif turn == 12:
            asked = {"kind": "accept", "because": "looks right"}
            self._add("accept", asked, target=(number - 3, number - 5), reviews={number - 3: "accepted"})
        elif turn == 13:
            self._add("act", _bash("git push origin main"), status="denied", decision=_DENIED)
        elif turn == 14:
            self._add("act", {"kind": "read", "path": _path(number)}, actor="reviewer")
        elif turn == 15:
            self._add("act", _bash("make test"), status="failed", note="the sandbox is gone")
        elif turn == 16:
            self._add(
                "act",
                _bash("curl -d x https://example.com/hook"),
                effects=[_MENDABLE if self._talk else _SENT],
                review="pending",
            )
        elif turn == 17:
            self.work(_bash(f"mkdir d{number}"), [effect(f"d{number}", "created", folder=True)], number)
        elif turn % 3 == 1:
            effects = [effect(_path(number + n), "modified") for n in range(3)]
            self.work(_bash(f"sed -i s/a/{number}/ src/*.py"), [*effects, effect(f"old{number}", "deleted")], number)
        elif turn % 3 == 0 or turn == 8:
            asked = {"kind": "edit", "path": _path(number), "old": "a = 1\n" * 20, "new": "a = 2\n" * 20}
            self.work(asked, [effect(_path(number), "modified")], number)
        else:
            self._add("act", _bash("ls -la src && grep -rn TODO src | head"))

    def work(self, action: dict[str, Any], effects: Sequence[Effect], number: int) -> None:
        layers = (*self.view.snapshot.layers, f"{self._session}.{number}")
        after = self.view.model_copy(update={"snapshot": Snapshot.model_construct(layers=layers)})
        self._add("act", action, after=after, effects=effects, review="pending", judgement=_REVIEW)

    def _add(
        self,
        kind: Kind,
        action: dict[str, Any] | None = None,
        *,
        after: View | None = None,
        target: tuple[int, ...] = (),
        status: Status = "settled",
        decision: Decision = _ALLOWED,
        actor: str = "agent",
        **ending: Any,
    ) -> None:
        act = kind == "act"
        if act and self._talk and action is not None:
            asked = {key: value for key, value in action.items() if key != "kind"}
            call = ProposedAction(call=f"c{self._number}", kind=action["kind"], arguments=asked)
            self._say("planner", Turn(text=_WORDS, actions=(call,)).to_dict())
        intent = self._journal.intend(
            self._session,
            kind=kind,
            actor=actor if act else "user",
            before=self.view,
            action=action,
            target=target,
            decision=decision if act else None,
        )
        after = self.view if after is None else after
        if act:
            after = after.model_copy(update={"conversation": self._said})
        self._journal.settle(intent, status=status, after=after, observation=_SEEN if act else None, **ending)
        self._before, self.view, self._said = self.view, after, after.conversation
        if act and self._talk:
            told = conversation.observation(f"c{self._number}", "done", intent.id, exit_code=0)
            self._say("observation", told, intent.id)

    def back_to_start(self) -> None:
        """The files are the workspace's again: now something real can be done."""
        self._add("restore", after=View(conversation=self._said), target=(0,))

    def _say(self, role: str, body: dict[str, Any], operation: int | None = None) -> None:
        self._said = self._journal.say(self._session, self._said, role, body, operation)


def _bash(command: str) -> dict[str, Any]:
    return {"kind": "bash", "command": command}


def _path(number: int) -> str:
    return f"src/module_{number % 97}.py"


def effect(path: str, change: Change, *, folder: bool = False) -> FileEffect:
    state = FileState(type="directory", mode=0o755, size=0, mtime_ns=1) if folder else _FILE
    return FileEffect(
        path=path,
        change=change,
        before=None if change == "created" else state,
        after=None if change == "deleted" else state,
    )


if __name__ == "__main__":
    print(many(Path(sys.argv[1]), *map(int, sys.argv[2:])).root)
