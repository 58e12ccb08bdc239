"""The timeline: every operation a row, forks below where they began, where the files stand, and what does not stand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lists_ground import WORK, Session, entry

from agentrt.showing.entries import Fork
from agentrt.showing.plain import cells
from agentrt.tui.lists.rows import NOW, START, Key, Part
from agentrt.tui.lists.timeline import Row, columns, line, timeline


@pytest.fixture(autouse=True)
def greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def parts(session: Session, key: Key, width: int) -> list[Part]:
    (row,) = (row for row in timeline(session) if row.key == key)
    return line(row, columns(session), width)


def text(session: Session, key: Key, width: int = 60) -> str:
    return "".join(part.text for part in parts(session, key, width)).rstrip()


def op(number: int) -> Key:
    return Key("operation", number)


def test_the_newest_is_at_the_bottom_and_then_comes_now() -> None:
    assert [row.key for row in timeline(WORK)] == [
        START,
        Key("fork", "s-4"),
        op(1),
        op(2),
        Key("fork", "s-9"),
        *map(op, range(3, 13)),
        NOW,
    ]
    assert [row.key for row in timeline(Session())] == [START, NOW]


def test_what_does_not_stand_is_dim_and_called_undone() -> None:
    undone = {row.key.of for row in timeline(WORK) if row.undone}
    assert undone == {4, 5}, "not the undo itself, and nothing that never stood"

    shown = parts(WORK, op(4), 60)
    assert {part.role for part in shown if part.text.strip()} == {"dim"}
    assert " 4 ↶ agent  undone $ rm -r build" in text(WORK, op(4))


def test_a_restore_that_was_undone_is_undone() -> None:
    session = Session(
        (entry(1), entry(2, "to the start", kind="restore"), entry(3, "of 2", kind="undo")), frozenset({1})
    )

    assert text(session, op(2)) == "2 ↶ undone restore to the start"


def test_what_waits_no_more_is_not_called_to_review() -> None:
    pending = Session((entry(1, review="pending"),), frozenset({1}))

    assert text(pending, op(1)) == "1 · $ make"
    assert text(replace(pending, to_review=(1,)), op(1)) == "1 ● $ make"


def test_rows_say_how_it_ended_and_what_a_move_did() -> None:
    one = replace(WORK, entries=[replace(each, actor="agent") for each in WORK.entries])

    assert [text(one, op(number), 39) for number in range(1, 13)] == [
        " 1 ✓ $ pytest -q        2 files created",
        " 2 ● edit src/app.py     1 file changed",
        " 3 ● ‼ irreversible $ curl -X POST htt…",
        " 4 ↶ undone $ rm -r build",
        " 5 ↶ undone write 日本語のとても長いフ…",
        " 6 · undo of 5, 4",
        " 7 ⊘ denied $ sudo reboot",
        " 8 ! failed $ ./configure",
        " 9 ● ¿ unknown ◆ $ cp a /etc/a",
        "10 ↺ rolled back $ make -j",
        "11 · verify: $ pytest -q",
        "12 … running $ sleep 100",
    ]


def test_a_fork_hangs_below_where_it_began() -> None:
    assert text(WORK, Key("fork", "s-9")) == "   ⑂ s-9 try [b]again[/b]\\x1b[31m (7 operations)"
    assert text(WORK, Key("fork", "s-4")) == "   ⑂ s-4 (1 operation)"


@pytest.mark.parametrize("head", [0, 1, 9])
def test_where_the_files_stand_is_marked_once(head: int) -> None:
    session = replace(WORK, head=head)

    marked = [row.key for row in timeline(session) if "◆ here" in text(session, row.key)]

    assert marked == [op(head)]
    assert "◆" in text(session, op(head), 25)


def test_every_width_has_what_it_has_room_for() -> None:
    for width in range(24, 160):
        for row in timeline(WORK):
            shown = line(row, columns(WORK), width)
            assert sum(cells(part.text) for part in shown) == width, (row, width)
        final = text(WORK, op(3), width)
        assert "3" in final and "●" in final and "‼ irreversible" in final
        assert ("tester" in text(WORK, op(5), width)) == (width >= 40)
        assert ("03:00:00" in final) == (width >= 64)
    assert text(WORK, op(1), 48).endswith("2 files created")


def test_names_are_shown_where_there_are_several() -> None:
    alone = replace(WORK, entries=WORK.entries[:4])

    assert "agent" not in text(alone, op(1), 120)
    assert "agent" in text(WORK, op(1), 120)


def test_a_text_of_odd_characters_cannot_hide_an_irreversible_effect() -> None:
    odd = entry(1, "$ " + "\U0001f1e9\u0903\ufe0fé日" * 200, worst="irreversible", actor="\x1b[8m" * 9)
    session = Session((odd, entry(2)), frozenset({1, 2}), head=1)

    for width in (24, 30, 60, 120):
        assert "‼ irreversible ◆" in text(session, op(1), width)


def test_rows_that_are_the_same_are_kept() -> None:
    before = timeline(WORK)
    more = replace(WORK, entries=[*WORK.entries, entry(13)], stands=WORK.stands - {1})

    after = timeline(more, before)

    def kept(number: int) -> bool:
        return any(row is other for row in after for other in before if row.key == op(number))

    assert after == timeline(more)
    assert [number for number in range(1, 14) if not kept(number)] == [1, 13]


def test_a_title_of_a_fork_stays_on_its_line() -> None:
    session = Session((entry(1),), frozenset({1}), forks=(Fork("s", "a\nb" * 500, 1, 10_000),))

    row = next(row for row in timeline(session) if row.key.what == "fork")

    assert isinstance(row, Row) and "\n" not in row.text
    assert cells(text(session, row.key, 60)) <= 60
