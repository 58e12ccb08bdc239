"""A session's operations, light, as another process adds to them."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from feed_ground import check, state
from hypothesis import given
from hypothesis import strategies as st

from agentrt import Conflict, Runtime, UnknownOperation, UsageError
from agentrt.errors import JournalError
from agentrt.history.journal import Journal
from agentrt.history.store import create, locate
from agentrt.reader import Reader, open_reader
from agentrt.records import Decision, FileEffect, FileState, RequestEffect, Snapshot, View
from agentrt.records.effects import HARM
from agentrt.showing.entries import Feed
from agentrt.testing.memory_sandbox import open_sandbox

ROOM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where syncing costs nothing."""
POLICY = {
    "decide": [{"verdict": "deny", "actions": ["write"], "paths": ["never"]}],
    "judge": [{"verdict": "roll_back", "paths": ["back"]}],
}

# ------------------------------------------------------------------------------------------------ random sessions

NUMBERS = st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(["a", "b", "d/c", "back", "never"]), NUMBERS),
    st.tuples(st.sampled_from(["restore", "fork", "revert", "accept", "reject"]), NUMBERS),
    st.tuples(st.just("undo"), st.integers(1, 3), st.sampled_from(["both", "files", "conversation"])),
    st.tuples(st.sampled_from(["redo", "look", "verify", "apply", "apply_some", "fail", "cut_off", "say", "deadline"])),
)


class Session:
    def __init__(self, runtime: Runtime, reader: Reader, feed: Feed) -> None:
        self.runtime, self.reader, self.feed = runtime, reader, feed
        self.branches: list[Runtime] = []

    async def do(self, step: Sequence[Any]) -> None:
        runtime = self.runtime
        kind, *about = step
        # Of the operations there are one, counted from the last.
        op = max(len(self.feed.entries) - (about[0] if kind in NUMBERED else 0), 0)
        if kind == "write":
            await runtime.act("write", path=about[0], content=f"{about[1]}\n")
        elif kind == "look":
            await runtime.act("bash", command="echo looked", on_output=lambda _: self.look())
        elif kind == "verify":
            await runtime.verify("bash", command="echo verified > left", actor="agentrt")
        elif kind in ("fail", "cut_off"):
            intent = runtime.intend("act", actor="agent", action={"kind": "bash", "command": "x"})
            self.look()
            if kind == "fail":
                runtime.settle(intent, status="failed", after=intent.before, note="no sandbox")
        elif kind == "undo":
            await runtime.undo(about[0], scope=about[1])
        elif kind == "fork":
            self.branches.append(await runtime.fork(op))
            await self.branches[-1].act("write", path="forked", content="1\n")
        elif kind == "apply_some":
            await runtime.apply(ops=[op])
        elif kind == "say":
            runtime.say("notice", {"text": "hello"})
        elif kind == "deadline":
            runtime.set_review_deadline(3600, "accept")
        elif kind in NUMBERED:
            await getattr(runtime, kind)(op)
        else:
            await getattr(runtime, kind)()

    def look(self) -> None:
        """In the midst of an operation as well."""
        before = state(self.feed)
        assert self.feed.poll() == (state(self.feed) != before)
        check(self.feed, self.reader)
        assert not self.feed.poll()


NUMBERED = ("restore", "fork", "revert", "accept", "reject")


@given(st.lists(STEPS, max_size=12))
def test_a_feed_that_was_polled_is_a_new_one_and_says_what_the_reader_says(steps: Sequence[Sequence[Any]]) -> None:
    async def work(folder: Path) -> None:
        async with Runtime.open(folder / "ws", sandbox=open_sandbox, policy=POLICY) as runtime:
            with open_reader(folder / "ws") as reader:
                session = Session(runtime, reader, Feed(reader))
                try:
                    for step in steps:
                        try:
                            await session.do(step)
                        except (Conflict, UnknownOperation, UsageError):
                            pass
                        session.look()
                finally:
                    for branch in session.branches:
                        await branch.close()

    with tempfile.TemporaryDirectory(dir=ROOM) as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", f"{name}/state")
        Path(name, "ws").mkdir()
        asyncio.run(work(Path(name)))


# ------------------------------------------------------------------------------------------------ the same words

TEXTS = st.one_of(st.just(""), st.text(max_size=6), st.sampled_from(["\x1b[31m", "a\nb", "\udcff", "[b]", "‮x", "日本"]))
VALUES = st.one_of(TEXTS, st.lists(TEXTS, max_size=3), st.integers(0, 3), st.none(), st.booleans())
ASKED = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(["bash", "read", "narrow", "edit", "review", "purge_not", "\x07"]),
            **dict.fromkeys(("command", "path", "pattern", "glob", "args", "patch", "rules", "output"), VALUES),
            "because": TEXTS,
            "parts": st.dictionaries(TEXTS, st.lists(st.integers(1, 3), max_size=2), max_size=2),
        },
    ),
    st.builds(lambda s, t: {"kind": "review_deadline", "seconds": s, "then": t}, st.floats(1, 1e6), TEXTS),
    st.builds(lambda b: {"kind": "branch", "branch": b, "commit": "ab"}, TEXTS),
    st.builds(lambda p: {"kind": "purge", "path": p}, TEXTS),
)
STATES = st.one_of(
    st.none(),
    st.builds(
        FileState,
        type=st.sampled_from(["file", "directory", "symlink"]),
        mode=st.just(0o644),
        size=st.just(0),
        mtime_ns=st.just(0),
        target=st.one_of(st.none(), TEXTS),
    ),
)
EFFECTS = st.one_of(
    st.builds(
        FileEffect,
        path=st.one_of(TEXTS, TEXTS.map(lambda text: f"/{text}")).map(lambda text: text.replace("\0", "")),
        change=st.sampled_from(["created", "modified", "deleted", "renamed", "mode"]),
        reversibility=st.sampled_from(HARM),
        before=STATES,
        after=STATES,
    ),
    st.builds(
        RequestEffect,
        change=st.sampled_from(["sent", "refused"]),
        reversibility=st.sampled_from(HARM),
        method=st.just("GET"),
        url=TEXTS,
    ),
)
OPERATIONS = st.tuples(
    st.sampled_from(["act", "apply", "accept", "note", "restore"]),
    ASKED,
    st.lists(st.integers(0, 0), max_size=1).map(tuple),
    st.lists(EFFECTS, max_size=6),
)


@given(st.lists(OPERATIONS, max_size=6))
def test_it_has_the_words_of_whole_operations(operations: Sequence[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory(dir=ROOM) as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", f"{name}/state")
        journal = made(Path(name, "ws"))
        with journal, open_reader(Path(name, "ws")) as reader:
            feed = Feed(reader)
            for kind, asked, target, effects in operations:
                target = (0,) if kind == "restore" else target
                intent = journal.intend("s1", kind=kind, actor="agent", before=View(), action=asked, target=target)
                check_after(feed, reader)
                journal.settle(intent, status="settled", after=View(), effects=effects)
                check_after(feed, reader)


def check_after(feed: Feed, reader: Reader) -> None:
    assert feed.poll()
    check(feed, reader)


def made(workspace: Path) -> Journal:
    """A journal with a session, over a new workspace."""
    workspace.mkdir()
    store = locate(workspace)
    create(store)
    journal = Journal.open(store.journal)
    journal.create_session()
    return journal
