"""A session's operations, light, as another process adds to them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from feed_ground import check, state
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentrt import Conflict, Runtime, UnknownOperation, UsageError
from agentrt.errors import JournalError
from agentrt.history.journal import Journal
from agentrt.history.store import create, locate
from agentrt.reader import Reader, open_reader
from agentrt.records import FileEffect, FileState, Operation, RequestEffect, Snapshot, View
from agentrt.records.effects import HARM
from agentrt.records.operations import Kind
from agentrt.showing.entries import Feed
from agentrt.testing.memory_sandbox import open_sandbox

ROOM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where syncing costs nothing."""
POLICY = {
    "decide": [{"verdict": "deny", "actions": ["write"], "paths": ["never"]}],
    "judge": [{"verdict": "roll_back", "paths": ["back"]}],
}

# ------------------------------------------------------------------------------------------------ random sessions

NUMBERED = ("restore", "fork", "revert", "accept", "reject", "apply_some")
NUMBERS = st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(["a", "b", "d/c", "back", "never"]), NUMBERS),
    st.tuples(st.sampled_from(NUMBERED), NUMBERS),
    st.tuples(st.just("undo"), st.integers(1, 3), st.sampled_from(["both", "files", "conversation"])),
    st.tuples(st.sampled_from(["redo", "look", "verify", "apply", "fail", "cut_off", "say", "deadline"])),
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


@settings(deadline=None)
@given(st.lists(STEPS, max_size=12))
@example([("write", "a", 1), ("write", "b", 1), ("apply_some", 0), ("write", "a", 2), ("undo", 2, "both"), ("redo",)])
@example([("write", "a", 1), ("look",), ("undo", 1, "conversation"), ("restore", 0), ("cut_off",), ("redo",)])
def test_a_feed_that_was_polled_is_a_new_one_and_says_what_the_reader_says(steps: Sequence[Sequence[Any]]) -> None:
    async def work(folder: Path) -> None:
        async with Runtime.open(folder / "ws", sandbox=open_sandbox, policy=POLICY) as runtime:
            with open_reader(folder / "ws") as reader:
                session = Session(runtime, reader, Feed(reader))
                try:
                    for step in steps:
                        with suppress(Conflict, UnknownOperation, UsageError):
                            await session.do(step)
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


@settings(deadline=None)
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


# ------------------------------------------------------------------------------------------------ one by one


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with made(tmp_path / "ws") as journal:
        yield journal


@pytest.fixture
def reader(journal: Journal, tmp_path: Path) -> Iterator[Reader]:
    with open_reader(tmp_path / "ws") as reader:
        yield reader


def view(*layers: str) -> View:
    return View(snapshot=Snapshot(layers=layers))


def add(journal: Journal, before: View, after: View, kind: Kind = "act", **how: Any) -> Operation:
    intent = journal.intend("s1", kind=kind, actor="agent", before=before, **how)
    return journal.settle(intent, status="settled", after=after)


def test_the_head_goes_where_moves_go(journal: Journal, reader: Reader) -> None:
    start, one, two = View(), view("s1.1"), view("s1.1", "s1.2")
    feed = Feed(reader)
    assert feed.head == 0

    def head(before: View, after: View, kind: Kind = "act", *target: int) -> int:
        add(journal, before, after, kind, target=target)
        check_after(feed, reader)
        return feed.head

    assert [head(start, one), head(one, two)] == [1, 2]
    assert head(two, two, "accept", 1) == 2
    assert head(two, one, "undo", 2) == 1
    assert head(one, two, "redo", 2) == 2
    assert head(two, start, "restore", 0) == 0
    assert head(start, two, "undo", 6) == 2
    assert head(two, two, "undo", 2) == 2  # of the conversation only
    assert head(two, one, "restore", 1) == 1
    assert head(one, view("s1.1", "s1.10")) == 10
    assert head(view("s1.1", "s1.10"), view("s1.11"), "revert", 1) == 11
    # A verification tries out, and what only looks leaves things where they are: it stands, so it is there.
    assert head(view("s1.11"), view("s1.11"), "act", 11) == 11
    assert head(view("s1.11"), view("s1.11")) == 13


def test_what_was_collected_is_marked(journal: Journal, reader: Reader) -> None:
    add(journal, View(), view("s1.1"))
    add(journal, view("s1.1"), view("s1.1", "s1.2.whole"))
    add(journal, view("s1.1", "s1.2.whole"), View(), "undo", target=(2,))
    applied = View(applied=(4,))
    add(journal, View(), applied, "apply")
    feed = Feed(reader)
    assert not any(entry.gone for entry in feed.entries)
    journal.record_removals("layer", ["s1.2"], "quota")
    check_after(feed, reader)
    assert [entry.gone for entry in feed.entries] == [False, True, False, False]
    journal.record_removals("aside", ["s1.4", "s2.1"], "quota")
    add(journal, applied, applied)
    check_after(feed, reader)
    assert [entry.gone for entry in feed.entries] == [False, True, False, True, True]


def test_one_that_was_left_behind_may_end_late(journal: Journal, reader: Reader) -> None:
    late = journal.intend("s1", kind="act", actor="agent", before=View())
    feed = Feed(reader)
    add(journal, View(), view("s1.2"))
    check_after(feed, reader)
    journal.settle(late, status="settled", after=View())
    check_after(feed, reader)
    assert feed.stands == {1, 2}


def test_what_others_write_changes_nothing(journal: Journal, reader: Reader) -> None:
    add(journal, View(), view("s1.1"))
    feed = Feed(reader)
    before = state(feed)
    other = journal.create_session().id
    journal.settle(journal.intend(other, kind="act", actor="x", before=View()), status="failed", after=View())
    journal.say("s1", 0, "notice", {"text": "hello"})
    assert not feed.poll() and state(feed) == before


def test_an_empty_session_has_an_empty_feed(journal: Journal, reader: Reader) -> None:
    feed = Feed(reader)
    assert not feed.poll()
    assert (tuple(feed.entries), feed.head, feed.stands, feed.undone, feed.to_review) == ((), 0, frozenset(), (), ())


def test_a_journal_that_contradicts_itself_is_an_error(journal: Journal, reader: Reader) -> None:
    add(journal, View(), view("s1.1"))
    feed = Feed(reader)
    add(journal, view("s1.1"), View(), "undo", target=(7,))
    with pytest.raises(JournalError, match="does not follow"):
        feed.poll()


def test_a_journal_of_version_1_is_read(journal: Journal, reader: Reader) -> None:
    add(journal, View(), view("s1.1"))
    with closing(sqlite3.connect(journal.path)) as db:
        db.execute("DROP TABLE removal")
        db.execute("PRAGMA user_version = 1")
    feed = Feed(reader)
    check(feed, reader)
    assert len(feed.entries) == 1
