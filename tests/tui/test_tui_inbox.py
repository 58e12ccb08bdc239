"""The inbox: what waits, riskiest first, and why it stands where it stands."""

from __future__ import annotations

import random

from lists_ground import ASKED, Question, entry

from agentrt.showing.plain import cells
from agentrt.tui.lists.inbox import Item, columns, inbox, line, next_item
from agentrt.tui.lists.rows import Key


def text(item: Item, items: list[Item], width: int) -> str:
    return "".join(part.text for part in line(item, columns(items), width))


def test_the_riskiest_comes_first_and_says_why() -> None:
    entries = [
        entry(1, files=2, worst="reversible"),
        entry(2, files=1_000, worst="reversible"),
        entry(3, files=25, deleted=3, worst="reversible"),
        entry(4, files=1, outside=1, worst="reversible"),
        entry(5, requests=1, worst="compensable"),
        entry(6, requests=1, worst="unknown"),
        entry(7, files=1, outside=1, worst="irreversible"),
        entry(8, worst="reversible"),
        entry(9, requests=1, queued=1, worst="reversible"),
    ]
    questions = [Question("i", "inquire"), Question("a", "ask"), Question("h", "hold")]
    to_review = list(range(1, 10))
    random.Random(1).shuffle(to_review)

    found = inbox(questions, entries, to_review)

    assert [(item.key.of, str(item.mark.glyph), item.why) for item in found] == [
        ("h", "‖", "held"),
        ("a", "?", "asks"),
        ("i", "?", "a question"),
        (9, "●", "to be sent"),
        (7, "‼", "irreversible"),
        (6, "¿", "unknown"),
        (5, "≈", "compensable"),
        (4, "●", "outside the workspace"),
        (3, "●", "deletes 3"),
        (2, "●", "1,000 files"),
        (1, "●", ""),
        (8, "●", ""),
    ]


def test_among_equals_the_oldest_comes_first() -> None:
    entries = [entry(1, deleted=1), entry(2, deleted=100, started=1.0), entry(3, deleted=1, started=1.0)]
    questions = [Question("late", asked=5.0), Question("early", asked=1.0), Question("too", asked=1.0)]

    found = inbox(questions, entries, (1, 2, 3))

    assert [item.key.of for item in found] == ["early", "too", "late", 2, 3, 1]


def test_what_waits_is_next_in_order_and_the_first_after_the_last() -> None:
    items = inbox([Question("q")], [entry(1), entry(2, worst="irreversible")], (1, 2))
    q, two, one = (item.key for item in items)

    assert [next_item(items, key) for key in (q, two, one)] == [two, one, q]
    assert next_item(items, None) == next_item(items, Key("operation", 99)) == q
    assert next_item(items[:1], q) == q
    assert next_item([], q) is None


def test_a_line_says_the_risk_before_what_was_done_at_every_width() -> None:
    entries = [
        entry(1, "$ 日本" + "é" * 300, worst="irreversible"),
        entry(2, outside=1, actor="other"),
        entry(3, deleted=9),
    ]
    items = inbox(ASKED, entries, (1, 2, 3))

    for width in range(24, 150):
        lines = [text(item, items, width) for item in items]
        assert [cells(line) for line in lines] == [width] * len(lines)
        held, asks, final, outside, deletes = lines
        assert "‖ " in held and "held POST" in held
        assert "? " in asks and "asks $ git push"[: width - 4] in asks.replace("agent ", "")
        assert final.index("1 ‼") < final.index("irreversible $")
        assert ("outside the workspace" if width >= 40 else "outside") in outside
        assert "deletes 9 " in deletes
        assert ("other" in outside) == (width >= 40)


def test_questions_are_on_one_line_and_harmless() -> None:
    (item,) = inbox([Question("q", shown="$ a\n\x1b[31m\u202eb", actor="x\x07y")], [], ())

    assert (item.text, item.actor) == ("$ a\\n\\x1b[31m\\u202eb", "x\\x07y")
