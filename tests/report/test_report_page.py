"""The page itself: what stands in it, and that nothing anybody wrote becomes part of it."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import Page

from agentrt.history.journal import Journal
from agentrt.history.store import create, locate
from agentrt.reader import Reader
from agentrt.records import (
    Decision,
    FileEffect,
    FileState,
    Judgement,
    Observation,
    Operation,
    RequestEffect,
    Snapshot,
    View,
)
from agentrt.report.changes import FileDiff, file_diff
from agentrt.report.page import Counts, write_page

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'><b onclick='x'>",
    "</pre></details></style></title><style>*{display:none}</style>",
    "<!-- --><![CDATA[ ]]><?php ?>&lt;&#60;&amp;",
    "{{ 7 * 7 }}{% for x in y %}{# no #}",
    "[link=https://example.com]x[/link] **bold** <a href='javascript:alert(1)'>",
    "right\u202eleft\u2066\u200b\ufeff\u0000\u001b[31m\u009b\u2028",
    "bytes \udcff\udc80 and half \ud800",
    "long " + "<b>" * 350_000,
    "\n\n<hr>\n",
]
TEXT = "\n".join(HOSTILE)


def in_utf8(text: str) -> str:
    """What a policy's file can hold."""
    return text.encode("utf-8", "ignore").decode()


class Sides:
    """Two contents for every file."""

    def __init__(self, before: bytes, after: bytes) -> None:
        self.before, self.after = before, after

    async def diffs(self, operation: Operation) -> AsyncIterator[FileDiff]:
        for effect in operation.files:
            yield file_diff(effect, self.before, self.after)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "ws").mkdir()
    store = locate(tmp_path / "ws")
    create(store)
    with Journal.open(store.journal) as journal:
        session = journal.create_session(title="A title")
        yield Reader(store, journal, session.id)


def page_of(reader: Reader, contents: Any = None, why: str = "") -> tuple[Page, str, Counts]:
    file = io.StringIO()
    counts = asyncio.run(write_page(reader, contents, why, file))
    html = file.getvalue()
    page = Page(html)
    assert page.mistakes == []
    return page, html, counts


def state(size: int = 3) -> FileState:
    return FileState(type="file", mode=0o644, size=size, mtime_ns=1)


def act(reader: Reader, text: str, number: int = 1, **more: Any) -> Operation:
    """An action, and all about it, that says ``text`` wherever something is said."""
    view, ours = reader.view, in_utf8(text)
    action = {"kind": text[:40] or "x", "command": text, "content": text, "list": [text, {"deep": text}]}
    intent = reader.journal.intend(
        reader.session,
        kind="act",
        actor=ours[:40],
        before=view,
        action=action,
        decision=Decision(verdict="allow", rule=ours[:60], because=text, answer=text),
    )
    after = View(snapshot=Snapshot(layers=(*view.snapshot.layers, f"s1.{number}")), conversation=view.conversation)
    path = text[:200].replace("/", "_").replace("\ud800", "").lstrip(".") or "f"
    effects = [
        FileEffect(path=path, change="modified", before=state(), after=state(), note=text),
        FileEffect(path="new", change="renamed", before=state(), after=state(), renamed_from=path),
        RequestEffect(
            change="sent",
            reversibility="irreversible",
            method=text[:30],
            url=text,
            rule=ours,
            because=text,
            secrets=(ours[:30],),
            canary=text,
        ),
        RequestEffect(
            change="refused", reversibility="reversible", method="POST", url="https://b.example/", because=text
        ),
    ]
    seen = Observation(exit_code=1, output=text, truncated=True, output_bytes=5, error=text, seconds=0.5)
    return reader.journal.settle(
        intent,
        status="settled",
        after=after,
        effects=effects,
        observation=seen,
        judgement=Judgement(verdict="review", rule=ours[:60], because=text),
        review="pending",
        note=text,
    )


def said(reader: Reader, text: str) -> None:
    """One message of every kind."""
    journal, session = reader.journal, reader.session
    document = {"verify": text, "rules": [{"rule": text, "check": text}, {"rule": text}]}
    head = journal.say(session, 0, "task", {"text": text, "document": document, "folder": "/nowhere/secret-folder"})
    usage = {"input_tokens": 1200, "output_tokens": 30, "cost_usd": 0.25}
    calls = [
        {"call": "1", "kind": "plan", "arguments": {"steps": [text, text]}},
        {"call": "2", "kind": "talk", "arguments": {"text": text, "to": text[:20]}},
        {"call": "3", "kind": "submit", "arguments": {"text": text}},
    ]
    turn = {"text": text, "actions": calls, "usage": usage, "actor": text[:40]}
    head = journal.say(session, head, "planner", turn)
    for call in "123":
        head = journal.say(session, head, "observation", {"call": call, "text": text, "operation": None})
    head = journal.say(session, head, "compaction", {"text": text, "since": 1, "actor": text[:30]})
    head = journal.say(session, head, "talk", {"text": text, "actor": "a", "to": "all"})
    journal.say(session, head, "notice", {"text": text, "outcome": True})


def test_nothing_that_was_written_becomes_markup(tmp_path: Path, reader: Reader) -> None:
    said(reader, "plain words")
    act(reader, "plain words")
    tame, _, _ = page_of(reader, Sides(b"one\n", b"two\n"), "why")
    # The same once more, by somebody who would like to be part of the page.
    wild_journal = reader.journal.create_session(title=HOSTILE[1])
    wild = Reader(reader.store, reader.journal, wild_journal.id)
    said(wild, TEXT)
    for number, text in enumerate([TEXT, *HOSTILE], 1):
        act(wild, text, number)
    reader.journal.create_session(title=TEXT, parent=(wild.session, 2))
    content = TEXT.encode("utf-8", "surrogatepass")
    page, html, counts = page_of(wild, Sides(b"one\n" + content, content + b"\nlast"), TEXT)

    assert page.elements <= tame.elements
    assert page.attributes <= tame.attributes
    assert counts == Counts(operations=11, to_review=11, irreversible=11)
    for (element, name), values in page.values.items():
        if element == "meta":
            assert values == tame.values[element, name]
        for value in values:
            assert re.fullmatch(r"[\w\s:#.+=',;/-]*", value), (element, name, value)
    html.encode()  # no half of a character
    assert not set(html) & set("\u202e\u2066\u200b\ufeff\u0000\u001b\u009b\u2028\r")
    # What was said is there all the same, letter by letter.
    for text in (
        HOSTILE[0],
        HOSTILE[1],
        HOSTILE[3],
        HOSTILE[4],
        "right\\u202eleft",
        "bytes \\xff\\x80 and half \\ud800",
    ):
        assert text in page.text, text
    assert "characters left out" in page.text and len(html) < 2_000_000


def test_it_is_one_file_that_loads_and_runs_nothing(reader: Reader) -> None:
    said(reader, "words")
    act(reader, "words")
    page, html, _ = page_of(reader, Sides(b"one\n", b"two\n"))
    assert page.values["meta", "content"] >= {"default-src 'none'; style-src 'unsafe-inline'"}
    assert "script" not in page.elements and not {"link", "img", "iframe", "object", "form"} & page.elements
    assert not {name for _, name in page.attributes if name.startswith("on") or name in ("src", "style", "srcset")}
    assert all(value.startswith("#") for value in page.values["a", "href"])
    assert "url(" not in html and "@import" not in html
    anchors = {value.removeprefix("#") for value in page.values["a", "href"]}
    ids = set().union(*(values for (_, name), values in page.values.items() if name == "id"))
    assert anchors <= ids


def test_what_cannot_be_undone_is_on_top_and_never_folded(reader: Reader) -> None:
    for number in range(1, 41):
        act(reader, f"do {number}", number)
    _, html, counts = page_of(reader)
    top = html[html.index("What cannot simply be undone") : html.index("What waits for review")]
    assert counts.irreversible == 40 and top.count("‼ irreversible") == 40 and "<details" not in top
    assert html.index("What cannot simply be undone") < html.index("<details")


def test_an_operation_says_why_it_ran_and_what_came_of_it(reader: Reader) -> None:
    intent = reader.journal.intend(
        reader.session,
        kind="act",
        actor="tester",
        before=reader.view,
        action={"kind": "bash", "command": "make\nmake test", "cwd": "src"},
        decision=Decision(verdict="ask", rule="default.yaml:12", because="it sends", answer="go ahead"),
    )
    reader.journal.settle(
        intent,
        status="rolled_back",
        after=reader.view,
        effects=[RequestEffect(change="sent", reversibility="unknown", method="CONNECT", url="a.example:443")],
        observation=Observation(exit_code=2, output="bad\n", seconds=1.25),
        judgement=Judgement(verdict="roll_back", rule="own.yaml:7", because="too much"),
    )
    page, _, _ = page_of(reader)
    told = page.of("dd")
    for fact in ("ask (default.yaml:12): it sends", "go ahead", "roll back (own.yaml:7): too much", "2 after 1.2 s"):
        assert fact in told
    assert "↺ rolled back" in page.text and "¿ unknown" in page.text and "make\nmake test" in page.text
    assert "sent      CONNECT a.example:443" in page.text and "\nbad" in page.text


def test_words_stand_before_what_came_of_them_also_those_that_were_taken_back(reader: Reader) -> None:
    journal, session = reader.journal, reader.session
    first = journal.say(session, 0, "task", {"text": "the objective"})
    journal.say(session, first, "planner", {"text": "first thought", "usage": {"input_tokens": 5}, "actions": []})
    before = reader.view
    done = act(reader, "deed 1")
    intent = journal.intend(session, kind="undo", actor="user", before=reader.view, target=(done.id,))
    journal.settle(intent, status="settled", after=before.model_copy(update={"conversation": first}))
    journal.say(session, first, "notice", {"text": "…", "asked": "something else"})
    journal.say(session, reader.view.conversation, "planner", {"text": "second thought", "actions": []})
    page, _, _ = page_of(reader)
    text = page.text[page.text.index("Timeline") :]
    places = [
        text.index(word) for word in ("the objective", "first thought", "deed 1", "something else", "second thought")
    ]
    assert places == sorted(places)
    assert "a person" in text and "↶ undone" in text and "price unknown" in page.text


@pytest.mark.parametrize(
    ("code", "submits", "word"),
    [(0, True, "✓ done"), (1, True, "! failed"), (0, False, "· not finished"), (None, True, "✓ done")],
)
def test_the_outcome_is_what_was_handed_in_and_what_checks_found(
    reader: Reader, code: int | None, submits: bool, word: str
) -> None:
    journal, session = reader.journal, reader.session
    document = {"verify": "make test", "rules": [{"rule": "be brief"}]}
    head = journal.say(session, 0, "task", {"text": "repair it", "document": document})
    kind = "submit" if submits else "bash"
    turn = {"text": "", "actions": [{"call": "1", "kind": kind, "arguments": {"text": "all is well"}}]}
    head = journal.say(session, head, "planner", {**turn, "usage": {"output_tokens": 7, "cost_usd": 0.126}})
    if submits:
        journal.say(session, head, "observation", {"call": "1", "text": "handed in", "operation": None})
    if code is not None:
        action = {"kind": "bash", "command": "make test"}
        view = reader.view
        intent = journal.intend(session, kind="act", actor="agentrt", before=view, action=action, target=(0,))
        journal.settle(intent, status="settled", after=view, observation=Observation(exit_code=code))
    page, _, _ = page_of(reader)
    assert word in page.of("p")
    checked = {0: "✓ passed", 1: "✗ did not pass", None: "· not checked"}[code]
    assert checked in page.text and "verify" in page.text and "be brief" in page.text
    assert ("all is well" in page.text) == submits and "0.13 USD" in page.text and "repair it" in page.text


def test_a_session_where_nothing_happened_is_a_page_too(reader: Reader) -> None:
    page, _, counts = page_of(reader, why="nobody knows")
    assert counts == Counts(0, 0, 0)
    assert "Nothing: undo takes back all that was measured." in page.text and "nobody knows" in page.text


def test_what_is_left_out_of_a_diff_is_counted() -> None:
    effect = FileEffect(path="f", change="modified", before=state(), after=state())
    after = b"".join(b"%d\n" % n for n in range(5_000)) + b"x" * 1_000_000
    diff = file_diff(effect, b"--- a\n+++ b\n", after)
    assert (
        diff.folded and diff.counts == "+5,001 -2" and diff.left == "4,008 lines left out" and len(diff.lines) == 1_000
    )
    # Content that looks like a head is content.
    assert [(line.kind, line.text) for line in diff.lines[:7]] == [
        ("about", "diff --git a/f b/f"),
        ("about", "--- a/f"),
        ("about", "+++ b/f"),
        ("hunk", "@@ -1,2 +1,5001 @@"),
        ("removed", "---- a"),
        ("removed", "-+++ b"),
        ("added", "+0"),
    ]


def test_long_files_that_changed_all_over_are_compared() -> None:
    other = state().model_copy(update={"digest": "0" * 64})
    effect = FileEffect(path="f", change="modified", before=state(), after=other)
    long = [b"line %d\n" % n for n in range(20_000)]
    diff = file_diff(effect, b"".join(long), b"".join(reversed(long)))
    assert diff.counts == "+19,999 -19,999" and diff.left
    assert file_diff(effect, b"".join(long), b"").counts == "+0 -20,000"
