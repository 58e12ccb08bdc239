from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentrt.errors import JournalError, SessionBusy, UnknownOperation
from agentrt.history.journal import Journal
from agentrt.records import Decision, FileEffect, FileState, Judgement, Observation, Snapshot, View

FILE = FileState(type="file", mode=0o640, size=3, mtime_ns=1_700_000_000_123_456_789, inode=7, digest="ab" * 32)
LINK = FileState(type="symlink", mode=0o777, size=0, mtime_ns=0, target="to\udcff")
EFFECTS = (
    FileEffect(path="a\nb\udcff.py", change="modified", before=FILE, after=FILE, note="odd \udc80 \ud800 note"),
    FileEffect(path="/home/agent/x", change="created", after=LINK, reversibility="unknown"),
    FileEffect(path="new", change="renamed", before=FILE, after=FILE, renamed_from="old\udcfe"),
    FileEffect(path="gone", change="deleted", before=LINK),
)
OBSERVATION = Observation(
    exit_code=1,
    output="out\udcff\0put\x1b[31m \U0001f600 \ud83d",
    truncated=True,
    output_bytes=12_345,
    output_file="s1.1",
    error="why \udcff",
    timed_out=True,
    seconds=1.25,
)
DECISION = Decision(verdict="allow", rule="default.yaml:12", because="it stays inside \udcff")
JUDGEMENT = Judgement(verdict="review", rule="default.yaml:30", because="large")


def view(*layers: str, conversation: int = 0, applied: tuple[int, ...] = (), marks: tuple[int, ...] = ()) -> View:
    return View(snapshot=Snapshot(layers=layers), conversation=conversation, applied=applied, marks=marks)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path):
    with Journal.open(path) as journal:
        yield journal


def act(journal: Journal, session: str, before: View, after: View | None = None) -> int:
    op = journal.intend(session, kind="act", actor="agent", before=before, action={"kind": "bash", "command": "true"})
    journal.settle(op, status="settled", after=after or before)
    return op.id


# Sessions


def test_sessions_are_numbered_and_the_newest_is_current(journal: Journal, path: Path) -> None:
    assert journal.sessions() == []
    assert journal.current() is None
    before = time.time()
    first = journal.create_session(title="odd \udcff title")
    second = journal.create_session(start=view("base", conversation=0))
    assert (first.id, second.id) == ("s1", "s2")
    assert before <= first.created <= second.created <= time.time()
    assert journal.current() == "s2"
    journal.make_current("s1")
    with Journal.open(path) as again:
        assert again.current() == "s1"
        assert again.sessions() == [first, second]
        assert again.session("s2").start == view("base")
        assert again.session("s1").title == "odd \udcff title"


@pytest.mark.parametrize("name", ["s3", "", "S1", "1", "s\udcff", "s٣", "s1\n", "s" + "9" * 40])
def test_an_unknown_session_is_told_what_there_is(journal: Journal, name: str) -> None:
    journal.create_session()
    journal.create_session()
    for use in (journal.session, journal.make_current, journal.operations, journal.message_head):
        with pytest.raises(UnknownOperation) as caught:
            use(name)
        assert caught.value.hint == "there are: s1, s2"
        assert caught.value.message.isascii()
    assert journal.current() == "s2"


def test_a_fork_starts_with_its_parents_view(journal: Journal) -> None:
    parent = journal.create_session(start=view("base")).id
    act(journal, parent, view("base"), view("base", "one"))
    act(journal, parent, view("base", "one"), view("base", "one", "two"))
    fork = journal.create_session(parent=(parent, 1))
    assert (fork.parent, fork.parent_operation, fork.start) == (parent, 1, view("base", "one"))
    assert journal.create_session(parent=(parent, 0)).start == view("base")
    assert journal.operations(fork.id) == []
    with pytest.raises(UnknownOperation, match="no operation 3"):
        journal.create_session(parent=(parent, 3))
    with pytest.raises(UnknownOperation, match="no session"):
        journal.create_session(parent=("s9", 0))
    assert [info.id for info in journal.sessions()] == ["s1", "s2", "s3"]


# Operations


def test_an_operation_is_an_intent_until_it_is_settled(journal: Journal, path: Path) -> None:
    session = journal.create_session().id
    action = {"kind": "write", "path": "a\udcff", "content": "x\0y \ud83d", "nested": {"list": [1, None, True, 1.5]}}
    started = time.time()
    intent = journal.intend(
        session, kind="act", actor="agent", before=view("a", conversation=4), action=action, decision=DECISION
    )
    op = intent.id
    assert op == 1 and intent == journal.operation(session, op)
    assert intent.status == "intent"
    assert intent.before == intent.after == view("a", conversation=4)
    assert (intent.action, intent.decision, intent.observation) == (action, DECISION, None)
    assert (intent.effects, intent.review, intent.target, intent.note) == ((), None, (), "")
    assert started <= intent.started <= time.time()

    after = view("a", "s1.1", conversation=5, applied=(1,))
    outcome = journal.settle(
        intent,
        status="settled",
        after=after,
        effects=EFFECTS,
        observation=OBSERVATION,
        judgement=JUDGEMENT,
        review="pending",
        note="note \udcff",
    )
    with Journal.open(path) as again:
        for settled in (outcome, journal.operation(session, op), again.operation(session, op)):
            assert settled == intent.model_copy(
                update={
                    "status": "settled",
                    "after": after,
                    "effects": EFFECTS,
                    "observation": OBSERVATION,
                    "judgement": JUDGEMENT,
                    "review": "pending",
                    "note": "note \udcff",
                }
            )


def test_operations_come_in_order_and_without_output(journal: Journal) -> None:
    session = journal.create_session().id
    other = journal.create_session().id
    for number in range(1, 4):
        intent = journal.intend(session, kind="act", actor="agent", before=View())
        assert intent.id == number
        journal.settle(intent, status="settled", after=View(), observation=Observation(output=f"out {number}"))
    undo = journal.intend(session, kind="undo", actor="user", before=View(), target=(3, 2)).id
    assert journal.intend(other, kind="act", actor="agent", before=View()).id == 1
    assert [operation.id for operation in journal.operations(session)] == [1, 2, 3, undo]
    assert [o.observation and o.observation.output for o in journal.operations(session)] == ["", "", "", None]
    whole = journal.operations(session, with_output=True)
    assert [o.observation and o.observation.output for o in whole] == ["out 1", "out 2", "out 3", None]
    assert whole[-1].target == (3, 2)
    assert journal.operation(session, 2).observation == Observation(output="out 2")


def test_output_is_not_read_where_it_is_not_wanted(journal: Journal, path: Path) -> None:
    """The output's row is made unreadable behind the journal's back: only those who ask for it notice."""
    session = journal.create_session().id
    op = journal.intend(session, kind="act", actor="agent", before=View())
    journal.settle(op, status="settled", after=View(), observation=Observation(output="secret"))
    tamper(path, "DROP TRIGGER output_no_update", "UPDATE output SET text = 'no json'")
    assert journal.operations(session)[0].observation == Observation()
    with pytest.raises(JournalError, match="cannot be read"):
        journal.operations(session, with_output=True)


def test_settling_twice_is_refused_and_changes_nothing(journal: Journal) -> None:
    session = journal.create_session().id
    op = act(journal, session, View(), view("one"))
    once = journal.operation(session, op)
    with pytest.raises(JournalError, match="settled already"):
        journal.settle(once, status="failed", after=View(), effects=EFFECTS, review="pending")
    assert journal.operation(session, op) == once


@pytest.mark.parametrize("op", [0, -1, 2, 2**63, 10**30])
def test_an_unknown_operation_is_told_what_there_is(journal: Journal, op: int) -> None:
    session = journal.create_session().id
    strange = journal.operation(session, act(journal, session, View())).model_copy(update={"id": op})
    for use in (
        lambda: journal.operation(session, op),
        lambda: journal.settle(strange, status="settled", after=View()),
        lambda: journal.set_review(session, op, "accepted", by="user"),
    ):
        with pytest.raises(UnknownOperation) as caught:
            use()
        assert caught.value.hint == "it has 1 to 1; agentrt log lists them"


def test_the_last_review_counts(journal: Journal) -> None:
    session = journal.create_session().id
    op = act(journal, session, View())
    assert journal.operation(session, op).review is None
    journal.set_review(session, op, "pending", by="policy")
    journal.set_review(session, op, "rejected", by="user")
    journal.set_review(session, op, "accepted", by="user")
    assert journal.operation(session, op).review == "accepted"
    assert journal.operations(session)[0].review == "accepted"


def test_a_failing_write_leaves_nothing_of_itself(journal: Journal) -> None:
    """Half of the effects are in when one cannot be written; views seen on the way must not be believed later."""
    session = journal.create_session().id
    op = journal.intend(session, kind="act", actor="agent", before=View())
    bad = FileEffect(path="\ud800", change="created")  # no file has such a name
    with pytest.raises(UnicodeEncodeError):
        journal.settle(op, status="settled", after=view("x", "y"), effects=[*EFFECTS, bad], review="pending")
    assert journal.operation(session, op.id).status == "intent"
    journal.settle(op, status="settled", after=view("x", "y"))
    assert journal.operation(session, op.id).after == view("x", "y")
    assert journal.operation(session, op.id).effects == ()


_VIEWS = st.builds(
    lambda layers, conversation, applied, marks: view(
        *layers, conversation=conversation, applied=tuple(applied), marks=tuple(marks)
    ),
    st.lists(st.sampled_from(["s1.1", "s1.2", "1", "2"]), max_size=5),
    st.integers(0, 3),
    st.lists(st.integers(1, 3), max_size=3),
    st.lists(st.integers(1, 3), max_size=3),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_VIEWS, _VIEWS, st.booleans()), max_size=6))
def test_every_view_comes_back(journal: Journal, path: Path, pairs: list[tuple[View, View, bool]]) -> None:
    session = journal.create_session().id
    for before, after, reopen in pairs:
        if reopen:
            with Journal.open(path) as other:
                act(other, session, before, after)
        else:
            act(journal, session, before, after)
    expected = [(before, after) for before, after, _ in pairs]
    with Journal.open(path) as other:
        for reader in (journal, other):
            assert [(o.before, o.after) for o in reader.operations(session)] == expected


def test_a_long_session_is_linear_in_space_and_quick_to_read(journal: Journal, path: Path) -> None:
    session = journal.create_session().id
    names: tuple[str, ...] = ()
    at = View()
    sizes = []
    for number in range(1, 401):
        names = (*names, f"{session}.{number}")
        after = view(*names)
        act(journal, session, at, after)
        at = after
        if number in (200, 400):
            tamper(path, "PRAGMA wal_checkpoint(TRUNCATE)")
            sizes.append(path.stat().st_size)
    # As JSON lists, the second half alone would be 1 MB of layer names.
    assert sizes[1] - sizes[0] < 150_000
    with Journal.open(path, create=False) as again:
        statements = count_statements(again, lambda: again.operations(session))
        assert again.operations(session)[-1].after == at
    assert statements < 15


# The conversation


def test_messages_form_a_tree(journal: Journal) -> None:
    session = journal.create_session().id
    op = act(journal, session, View())
    task = journal.say(session, 0, "task", {"text": "do \udcff"})
    left = journal.say(session, task, "planner", {"text": "left", "actions": []})
    right = journal.say(session, task, "planner", {"text": "right"}, operation=op)
    last = journal.say(session, right, "notice", {"text": "end"})
    assert [message.body.get("text") for message in journal.conversation(last)] == ["do \udcff", "right", "end"]
    assert [message.id for message in journal.conversation(left)] == [task, left]
    assert journal.conversation(right)[-1].operation == op
    assert journal.conversation(0) == []
    assert [message.id for message in journal.conversation(last, after=task)] == [right, last]
    assert [message.id for message in journal.conversation(last, last=2)] == [right, last]
    assert [message.id for message in journal.conversation(last, roles=["task", "notice"])] == [task, last]
    assert journal.conversation(task, after=task) == []
    with pytest.raises(UnknownOperation):
        journal.conversation(99)


def test_a_message_follows_its_own_sessions_messages_or_its_ancestors(journal: Journal) -> None:
    first = journal.create_session().id
    root = journal.say(first, 0, "task", {})
    fork = journal.create_session(parent=(first, 0)).id
    forks_fork = journal.create_session(parent=(fork, 0)).id
    stranger = journal.create_session().id
    reply = journal.say(forks_fork, root, "notice", {})
    assert [message.id for message in journal.conversation(reply)] == [root, reply]
    for session, parent in ((stranger, root), (first, reply), (first, 99), (first, -1)):
        with pytest.raises(UnknownOperation, match=f"no message {parent}"):
            journal.say(session, parent, "notice", {})
    with pytest.raises(UnknownOperation, match="no operation 5"):
        journal.say(first, root, "observation", {}, operation=5)


def test_the_head_follows_what_came_last(journal: Journal) -> None:
    session = journal.create_session().id
    assert journal.message_head(session) == 0
    task = journal.say(session, 0, "task", {})
    assert journal.message_head(session) == task
    act(journal, session, view(conversation=task))
    answer = journal.say(session, task, "observation", {})
    assert journal.message_head(session) == answer
    undo = journal.intend(session, kind="undo", actor="user", before=view(conversation=answer), target=(1,))
    assert journal.message_head(session) == answer
    journal.settle(undo, status="settled", after=view(conversation=task))
    assert journal.message_head(session) == task
    notice = journal.say(session, task, "notice", {})
    assert journal.message_head(session) == notice
    assert [message.id for message in journal.conversation(notice)] == [task, notice]
    fork = journal.create_session(parent=(session, undo.id)).id
    assert journal.message_head(fork) == task


# The file


def tamper(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in statements:
            db.execute(statement)
    finally:
        db.close()


def count_statements(journal: Journal, use) -> int:
    seen: list[str] = []
    journal._db.set_trace_callback(seen.append)
    use()
    journal._db.set_trace_callback(None)
    return len(seen)


def test_every_table_is_insert_only(journal: Journal, path: Path) -> None:
    session = journal.create_session().id
    op = journal.intend(session, kind="act", actor="agent", before=view("a"))
    journal.settle(op, status="settled", after=View(), effects=EFFECTS, observation=OBSERVATION, review="pending")
    journal.say(session, 0, "task", {})
    journal.record_removals("path", ["x"], "purge")
    journal.choose_sandbox(session, "{}")
    journal.choose_resources(session, "{}")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA recursive_triggers = ON")
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert set(tables) == {
        "chain", "current", "effect", "message", "operation", "outcome", "output", "removal", "resources", "review",
            "sandbox", "session", "view",
    }  # fmt: skip
    for table in tables:
        column = db.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchone()[0]
        rows = db.execute(f"SELECT * FROM {table}").fetchall()
        assert rows
        places = ", ".join("?" * len(rows[0]))
        for statement, values in (
            (f"UPDATE {table} SET {column} = {column}", ()),
            (f"DELETE FROM {table}", ()),
            (f"REPLACE INTO {table} VALUES ({places})", rows[0]),
        ):
            with pytest.raises(sqlite3.IntegrityError, match="insert-only"):
                db.execute(statement, values)
        assert db.execute(f"SELECT * FROM {table}").fetchall() == rows
    db.close()


def test_the_file_says_what_it_is(path: Path) -> None:
    with Journal.open(path) as journal:
        assert journal.path == path
    header = path.read_bytes()[:100]
    assert header[68:72] == b"agrt"
    assert int.from_bytes(header[60:64], "big") == 4
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_a_newer_journal_is_left_alone(path: Path) -> None:
    Journal.open(path).close()
    tamper(path, "PRAGMA user_version = 5")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="newer agentrt") as caught:
        Journal.open(path)
    assert "upgrade" in caught.value.hint
    assert path.read_bytes() == before


def test_a_foreign_database_is_left_alone(path: Path) -> None:
    tamper(path, "CREATE TABLE theirs (x)", "INSERT INTO theirs VALUES (1)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="not a journal of agentrt") as caught:
        Journal.open(path)
    assert caught.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all, but text " * 200, b"\0" * 8192])
def test_what_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalError) as caught:
        Journal.open(path)
    assert caught.value.hint
    assert path.read_bytes() == content


@pytest.mark.parametrize("damage", ["cut", "overwritten"])
def test_a_damaged_journal_is_an_error_with_a_hint(path: Path, damage: str) -> None:
    with Journal.open(path) as journal:
        session = journal.create_session().id
        for _ in range(50):
            act(journal, session, View())
    size = path.stat().st_size
    with path.open("r+b") as file:
        if damage == "cut":
            file.truncate(size // 2)
        else:
            file.seek(4096)
            file.write(b"\xa5" * (size - 4096))
    with pytest.raises(JournalError) as caught, Journal.open(path) as journal:
        journal.operations("s1")
    assert str(path) in caught.value.message
    assert ".recover" in caught.value.hint


def test_a_row_that_makes_no_sense_is_an_error_with_a_hint(journal: Journal, path: Path) -> None:
    session = journal.create_session().id
    op = journal.intend(session, kind="act", actor="agent", before=View())
    tamper(
        path,
        "DROP TRIGGER outcome_no_update",
        f"INSERT INTO outcome VALUES ('{session}', {op.id}, 'settled', 0, 1, '{{\"exit_code\": \"many\"}}', NULL, NULL)",
    )
    for broken in ('\'{"exit_code": "many"}\'', "'{'", "'[1]'"):
        tamper(path, f"UPDATE outcome SET observation = {broken}")
        with pytest.raises(JournalError, match="cannot be read") as caught:
            journal.operations(session)
        assert str(path) in caught.value.message
        assert "\n" not in caught.value.message
        assert "docs/journal.md" in caught.value.hint
    tamper(path, "INSERT INTO session VALUES (2, 's2', 0, 'no json', NULL, NULL, 1)")
    with pytest.raises(JournalError, match="cannot be read"):
        journal.sessions()


def test_a_journal_that_is_not_there(path: Path) -> None:
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(UnknownOperation, match="nothing has been recorded"):
            Journal.open(path, **options)
        assert not path.exists()
    path.touch()  # what a crash may leave of one that was being made
    with pytest.raises(UnknownOperation, match="nothing has been recorded"):
        Journal.open(path, create=False)
    with Journal.open(path) as journal:
        assert journal.sessions() == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JournalError) as caught:
        Journal.open(tmp_path / "nowhere" / "journal.db")
    assert "folder exists" in caught.value.hint


def test_a_path_of_any_bytes(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"a?b#c%41\n\xff")
    folder.mkdir()
    with Journal.open(folder / "journal.db") as journal:
        journal.create_session()
        assert (folder / "journal.db").exists()
    with Journal.open(folder / "journal.db", read_only=True) as journal:
        assert journal.current() == "s1"


@pytest.mark.parametrize("options", [{"create": False}, {"read_only": True}])
def test_reading_while_another_writes(journal: Journal, path: Path, options: dict[str, bool]) -> None:
    """The writer is in the middle of a transaction: the reader neither waits nor sees half of it."""
    session = journal.create_session().id
    act(journal, session, View(), view("a"))
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO operation VALUES ('s1', 2, 'act', 'agent', 0, 1, NULL, NULL, NULL)")
    try:
        started = time.monotonic()
        with Journal.open(path, **options) as reader:
            assert [operation.id for operation in reader.operations(session)] == [1]
            assert reader.operation(session, 1).after == view("a")
            writer.execute("COMMIT")
            assert [operation.id for operation in reader.operations(session)] == [1, 2]
        assert time.monotonic() - started < 5
    finally:
        writer.close()


def test_a_read_only_journal_writes_nothing(path: Path) -> None:
    with Journal.open(path) as journal:
        session = journal.create_session().id
    before = path.read_bytes()
    with Journal.open(path, read_only=True) as reader:
        assert reader.current() == session
        with pytest.raises(JournalError, match="readonly"):
            reader.create_session()
    assert path.read_bytes() == before


def test_a_writer_that_does_not_let_go_is_busy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrt.history.database._BUSY_MS", 50)
    with Journal.open(path) as journal:
        session = journal.create_session().id
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SessionBusy, match="another process is writing"):
            act(journal, session, View())
        other.execute("ROLLBACK")
        other.close()
        assert act(journal, session, View()) == 1


def test_many_may_make_the_same_journal_at_once(path: Path) -> None:
    made: list[str] = []

    def make() -> None:
        with Journal.open(path) as journal:
            made.append(journal.create_session().id)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [f"s{number}" for number in range(1, 9)]


# Crashes

CRASH = """
import os, signal, sqlite3, sys
from pathlib import Path
from agentrt.history.journal import Journal
from agentrt.records import FileEffect, Observation, Snapshot, View

def work(folder):
    acks = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    said = lambda *words: os.write(acks, " ".join(map(str, words)).encode() + b"\\n")
    journal = Journal.open(folder / "journal.db")
    session = journal.create_session(title="t").id
    said("session", session)
    at, head = View(), 0
    for number in (1, 2):
        head = journal.say(session, head, "notice", {"text": f"before {number}"})
        said("message", head)
        op = journal.intend(session, kind="act", actor="agent", before=at, action={"kind": "bash", "command": "x"})
        said("intended", op.id)
        at = View(snapshot=Snapshot(layers=tuple(f"s1.{n}" for n in range(1, number + 1))), conversation=head)
        journal.settle(op, status="settled", after=at, review="pending", note=f"note {number}",
            effects=[FileEffect(path=f"f{n}", change="created") for n in range(3)],
            observation=Observation(exit_code=0, output=f"output {number}"))
        said("settled", op.id)
        journal.set_review(session, op.id, "accepted", by="user")
        said("accepted", op.id)
    said("done")

def doomed(folder, fatal):
    count = 0
    def step(statement):
        nonlocal count
        count += 1
        if count == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
    connect = sqlite3.connect
    def traced(*args, **options):
        db = connect(*args, **options)
        db.set_trace_callback(step)
        return db
    sqlite3.connect = traced
    work(folder)

fatal = 0
while True:
    fatal += 1
    folder = Path(sys.argv[1]) / str(fatal)
    folder.mkdir()
    child = os.fork()
    if child == 0:
        doomed(folder, fatal)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


def test_a_crash_at_any_statement_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], check=True, timeout=120)
    folders = sorted(tmp_path.iterdir(), key=lambda folder: int(folder.name))
    assert len(folders) > 60
    statuses = set()
    for folder in folders:
        acks = [line.split() for line in (folder / "acks").read_text().splitlines()]
        assert (["done"] in acks) == (folder is folders[-1])
        check_after_crash(folder / "journal.db", acks, statuses)
    assert statuses == {"intent", "settled"}


def check_after_crash(path: Path, acks: list[list[str]], statuses: set[str]) -> None:
    acknowledged = {
        kind: [int(n) for k, n in acks_of(acks) if k == kind] for kind in ("message", "intended", "settled", "accepted")
    }
    with Journal.open(path) as journal:
        sessions = [info.id for info in journal.sessions()]
        assert sessions in ([], ["s1"])
        if not sessions:
            assert acks == []
            journal.create_session()
        assert journal.current() == "s1"
        operations = journal.operations("s1", with_output=True)
        done = len(acknowledged["intended"])
        assert len(operations) in (done, done + 1)
        for operation in operations:
            statuses.add(operation.status)
            number = operation.id
            if operation.status == "intent":
                assert number not in acknowledged["settled"]
                assert operation.after == operation.before
                assert (operation.effects, operation.observation, operation.review) == ((), None, None)
            else:
                assert operation.after.snapshot.layers == tuple(f"s1.{n}" for n in range(1, number + 1))
                assert [effect.path for effect in operation.effects] == ["f0", "f1", "f2"]
                assert operation.observation == Observation(exit_code=0, output=f"output {number}")
                assert operation.note == f"note {number}"
                assert operation.review == "accepted" or number not in acknowledged["accepted"]
                assert operation.review in ("pending", "accepted")
        head = journal.message_head("s1")
        assert {message.id for message in journal.conversation(head)} >= set(acknowledged["message"])
        assert act(journal, "s1", View(), view("new")) == len(operations) + 1
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()


def acks_of(acks: list[list[str]]) -> list[tuple[str, str]]:
    return [(ack[0], ack[1]) for ack in acks if len(ack) == 2 and ack[0] != "session"]


FULL = """
import json, os, subprocess, sys
from pathlib import Path
from agentrt.errors import DiskFull
from agentrt.history.journal import Journal
from agentrt.records import FileEffect, Observation, Snapshot, View
folder = Path(sys.argv[1])
journal = Journal.open(folder / "journal.db")
session = journal.create_session().id
ballast = folder / "ballast"
ballast.write_bytes(bytes(200_000))
effects = [FileEffect(path=f"f{n}", change="created") for n in range(20)]
settled = []
try:
    while True:
        op = journal.intend(session, kind="act", actor="agent", before=View())
        after = View(snapshot=Snapshot(layers=("x", f"y{op.id}")))
        journal.settle(op, status="settled", after=after, effects=effects,
                       observation=Observation(output="o" * 5000), review="pending")
        settled.append(op.id)
except DiskFull as error:
    told = [error.code, error.message, error.hint]
def seen(journal):
    return [[o.id, o.status, len(o.effects), o.review] for o in journal.operations(session)]
full = seen(journal)
reader = f"from pathlib import Path; from agentrt.history.journal import Journal; " \\
         f"print(len(Journal.open(Path({str(folder / 'journal.db')!r}), create=False).operations('s1')))"
elsewhere = subprocess.run([sys.executable, "-c", reader], capture_output=True, text=True)
ballast.unlink()
op = journal.intend(session, kind="act", actor="agent", before=View())
journal.settle(op, status="settled", after=after, effects=effects)
last = journal.operation(session, op.id)
print(json.dumps({"told": told, "settled": settled, "full": full, "elsewhere": elsewhere.stdout + elsewhere.stderr,
                  "next": op.id, "last": [last.status, len(last.effects), last.after == after]}))
"""


def on_a_small_disk(tmp_path: Path, program: str) -> dict[str, object]:
    """Run it on a disk of 700 KB of its own; what it prints."""
    unshare = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        pytest.skip("a small disk needs a user namespace")
    disk = 'mount -t tmpfs -o size=700k none "$1" && exec "$2" -c "$3" "$1"'
    argv = [*unshare, "sh", "-c", disk, "sh", str(tmp_path), sys.executable, program]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_a_full_disk_leaves_the_journal_whole_and_readable(tmp_path: Path) -> None:
    result = on_a_small_disk(tmp_path, FULL)
    code, message, hint = result["told"]
    assert (code, "no room" in message, "make room" in hint) == ("disk-full", True, True)
    settled = [[op, "settled", 20, "pending"] for op in result["settled"]]
    assert len(settled) >= 3
    assert result["full"][: len(settled)] == settled
    assert result["full"][len(settled) :] in ([], [[len(settled) + 1, "intent", 0, None]])
    assert result["elsewhere"].strip() == str(len(result["full"]))
    assert result["next"] == len(result["full"]) + 1
    assert result["last"] == ["settled", 20, True]


COLD = """
import contextlib, json, sys
from pathlib import Path
from agentrt.history.journal import Journal
from agentrt.records import View
path = Path(sys.argv[1]) / "journal.db"
with Journal.open(path) as journal:
    session = journal.create_session().id
    journal.intend(session, kind="act", actor="agent", before=View())
with open(path.with_name("ballast"), "wb", buffering=0) as ballast, contextlib.suppress(OSError):
    while True:
        ballast.write(bytes(4096))
with Journal.open(path, read_only=True) as journal:
    print(json.dumps({"read": len(journal.operations(session))}))
"""


def test_a_journal_nobody_has_open_can_be_read_on_a_full_disk(tmp_path: Path) -> None:
    assert on_a_small_disk(tmp_path, COLD) == {"read": 1}
