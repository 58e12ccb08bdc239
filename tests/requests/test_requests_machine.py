"""Requests, undo, redo, restore and revert in any order, and others who change things in between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from rest_ground import Rest, policy

from agentrt import Runtime
from agentrt.errors import Conflict, ResourceError, Unanswered, UsageError
from agentrt.testing import memory_sandbox

THINGS = st.sampled_from(["1", "2"])
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.one_of(st.none(), st.integers(0, 2), st.text("xy", max_size=2), st.lists(st.integers(0, 1), max_size=2))
MEMBERS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=2)
TEXTS = st.sampled_from(["s", "t"])


class Machine(RuleBasedStateMachine):
    """By what stands, the service must look as it did when that stood last; whoever else changed something is never
    written over."""

    @initialize(etags=st.booleans())
    def start(self, etags: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        (root / "ws").mkdir()
        self.environment = mock.patch.dict("os.environ", {"XDG_STATE_HOME": str(root / "state")})
        self.environment.start()
        self.rest = Rest(etags=etags)
        for _ in range(2):
            self.rest.add(a=1, b="x")
        self.loop = asyncio.new_event_loop()
        rules = policy(self.rest, budget={"irreversible": 10_000})
        self.manager = Runtime.open(root / "ws", policy=rules, sandbox=memory_sandbox.open_sandbox)
        self.rt = self.run(self.manager.__aenter__())
        self.theirs = 0
        self.seen: dict[tuple[int, tuple[int, ...]], Any] = {}
        self.remember()

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def now(self) -> Any:
        return json.loads(json.dumps([self.rest.state(), {k: v[1].decode() for k, v in self.rest.texts.items()}]))

    def remember(self) -> None:
        """What stands, and how often others changed something, tell how it looks."""
        self.seen.setdefault((self.theirs, self.rt.view.marks), self.now())

    def ask(self, **action: Any) -> None:
        before, marks = self.now(), self.rt.view.marks
        self.run(self.rt.act("http", **action))
        if self.rt.view.marks == marks and self.now() != before:
            self.theirs += 1  # what it did cannot be taken back, and it is said
        self.remember()

    @rule(id=THINGS, members=MEMBERS)
    def patch(self, id: str, members: dict[str, Any]) -> None:
        self.ask(method="PATCH", url=f"{self.rest.url}/things/{id}", body=json.dumps(members))

    @rule(id=THINGS, members=MEMBERS)
    def put(self, id: str, members: dict[str, Any]) -> None:
        self.ask(method="PUT", url=f"{self.rest.url}/things/{id}", body=json.dumps(members))

    @rule(name=TEXTS, text=st.text("xyz", max_size=3))
    def write(self, name: str, text: str) -> None:
        self.ask(method="PUT", url=f"{self.rest.url}/texts/{name}", body=f"t{text}")

    @rule(name=TEXTS)
    def delete(self, name: str) -> None:
        undo = {"method": "PUT", "url": f"/texts/{name}", "body": "{before}"}
        self.ask(method="DELETE", url=f"{self.rest.url}/texts/{name}", undo=undo)

    @rule(steps=st.integers(1, 3))
    def undo(self, steps: int) -> None:
        self.go(lambda: self.rt.undo(steps))

    @rule()
    def redo(self) -> None:
        self.go(self.rt.redo)

    @rule(data=st.data())
    def restore(self, data: Any) -> None:
        op = data.draw(st.integers(0, max(self.rt.operations, default=0)))
        self.go(lambda: self.rt.restore(op))

    @precondition(lambda self: self.rt.operations)
    @rule(data=st.data())
    def revert(self, data: Any) -> None:
        op = data.draw(st.sampled_from(sorted(self.rt.operations)))
        before = self.now()
        done = self.go(lambda: self.rt.revert(op), known=False)
        if done:
            self.remember()
            if data.draw(st.booleans()):
                self.run(self.rt.undo())
                assert self.now() == before

    @rule(id=THINGS, value=st.integers(10, 12))
    def somebody_else(self, id: str, value: int) -> None:
        self.rest.edit(id, theirs=value)
        self.theirs += 1
        self.remember()

    def go(self, move: Any, known: bool = True) -> bool:
        before, marks, unsafe = self.now(), self.rt.view.marks, len(self.rest.unsafe)
        try:
            self.run(move())
        except (Conflict, UsageError):
            assert (self.now(), self.rt.view.marks, len(self.rest.unsafe)) == (before, marks, unsafe)
            return False
        except (ResourceError, Unanswered) as error:
            # To this server null means to remove. That it is not known is said before.
            assert "it is not as it was" in str(error)
            acts = (self.rt.show(op) for op in self.rt.operations)
            assert any(request.reversibility == "unknown" for act in acts for request in act.requests)
            self.theirs += 1
            self.remember()
            return False
        if known and (expected := self.seen.get((self.theirs, self.rt.view.marks))) is not None:
            assert self.now() == expected
        return True

    @invariant()
    def what_others_wrote_is_there(self) -> None:
        for thing in self.rest.things.values():
            assert "id" in thing

    def teardown(self) -> None:
        if not hasattr(self, "rt"):
            return
        with contextlib.suppress(Exception):
            self.run(self.manager.__aexit__(None, None, None))
        self.loop.close()
        self.rest.close()
        self.environment.stop()
        self.folder.cleanup()


TestMachine = Machine.TestCase
