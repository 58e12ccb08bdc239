"""The selected operation: its sections, what they never leave out, and what they do with hostile text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from detail_ground import HOSTILE, assert_safe, file_effect, operation
from screens import play
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from agentrt.preview import Preview, Refused
from agentrt.records import Decision, Judgement, Observation, PathConflict, RequestEffect
from agentrt.tui.detail.about import Section, about
from agentrt.tui.detail.detail import Detail
from agentrt.tui.detail.lines import fitted, text_of

_SENT = RequestEffect(
    change="sent",
    reversibility="irreversible",
    method="POST",
    url="https://api.example.com/orders",
    status=201,
    rule="default.yaml:40",
    secrets=("API_KEY",),
)


def told(sections: tuple[Section, ...], title: str) -> str:
    (section,) = [section for section in sections if section.title == title]
    return "\n".join(map(text_of, section.lines))


def test_all_there_is_to_say_in_order() -> None:
    op = operation(
        7,
        action={"kind": "bash", "command": "for f in *; do\n\tcat $f\ndone"},
        decision=Decision(verdict="ask", rule="mine.yaml:3", because="it looks", answer="allowed by a person"),
        judgement=Judgement(verdict="review", rule="mine.yaml:9", because="it sent"),
        observation=Observation(
            exit_code=2, output="one\ntwo\n", output_file="7.out", output_bytes=90_000, seconds=1.5
        ),
        effects=(file_effect("src/a.py", "modified"), file_effect("gone", "deleted"), _SENT),
        review="pending",
        note="the base moved",
    )
    sections = about(op, 80, undo=None)
    assert [section.title for section in sections] == ["what", "went", "why", "effect", "output", "undo"]
    assert told(sections, "what") == "$ for f in *; do\n          cat $f\n  done"
    went = told(sections, "went")
    assert (
        "● to review" in went
        and "act by agent" in went
        and "exit code: 2 after 1.5 s" in went
        and "note: the base moved" in went
    )
    why = told(sections, "why")
    assert (
        "decided: ask (mine.yaml:3): it looks; allowed by a person" in why
        and "judged: review (mine.yaml:9): it sent" in why
    )
    effect = told(sections, "effect").split("\n")
    assert effect[0].startswith("1 file changed, 1 deleted, 1 request (1 irreversible)")
    assert "modified  src/a.py" in effect[1] and effect[1].endswith("1.2 kB → 3.4 kB")
    assert "deleted   gone" in effect[2] and effect[2].endswith("1.2 kB")
    assert (
        effect[3]
        == "‼ sent      POST https://api.example.com/orders  (201)  irreversible  with API_KEY  [default.yaml:40]"
    )
    assert told(sections, "output").endswith("the whole output, 90 kB: key o, or agentrt show 7 --output")
    assert told(sections, "undo").startswith("…\nstays sent, by operation 7: ‼ sent      POST https://api.")


def test_what_undo_would_do() -> None:
    preview = Preview(
        kind="revert",
        target=(3,),
        effects=(file_effect("a.py", "modified"),),
        merged=("a.py",),
        conflicts=(PathConflict(path="b.py", ours="the text of operation 2", theirs="another text", operations=(5,)),),
        dependents=(5,),
        possible=(6,),
        refused=(Refused(path=".git/x", because="never"),),
    )
    text = told(about(operation(3), 80, undo=preview, name={5: "$ make", 6: "$ ls"}.__getitem__), "undo")
    assert text.split("\n") == [
        "revert 3 would change: 1 file changed",
        "conflict: b.py: here another text; agentrt (operation 5): the text of operation 2",
        "  modified  a.py  (merged with later changes)",
        "what stands on it: operation 5",
        "  5  $ make",
        "what may stand on it, as what they read is not known: operation 6",
        "  6  $ ls",
        "refused: .git/x (never)",
    ]
    applied = operation(4, kind="apply", action=None, observation=None, decision=None)
    taken = told(about(applied, 80, undo=Preview(kind="undo", target=(4,), take_back=(4,), merged=("c",))), "undo")
    assert "apply 4 would be taken out of the real workspace\nmerged with what changed in the workspace: c" in taken
    assert told(about(operation(3), 80, undo="it was undone already"), "undo") == "it was undone already"
    assert "undo" not in [section.title for section in about(operation(3), 80)]


def test_what_is_too_much_is_counted_and_what_stays_is_kept() -> None:
    asked = [_SENT.model_copy(update={"method": "GET", "reversibility": "reversible"})] * 300
    effects = (*(file_effect(f"f{n}") for n in range(250)), *asked, _SENT)
    text = told(about(operation(1, effects=effects), 80), "effect")
    assert "… 50 more files" in text and "… 101 more requests" in text
    assert text.count("created") == 201 and "POST" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_every_place(text: str) -> None:
    op = operation(
        1,
        actor=text,
        action={"kind": "write", "path": text, "content": f"{text}\n{text}", text: text},
        decision=Decision(verdict="deny", rule=text, because=text, answer=text),
        judgement=Judgement(verdict="roll_back", rule=text, because=text),
        observation=Observation(exit_code=1, output=text, error=text, output_file="x"),
        effects=(
            file_effect("x").model_copy(update={"path": text, "note": text, "renamed_from": text}),
            _SENT.model_copy(
                update={"url": text, "method": text, "rule": text, "because": text, "canary": text, "secrets": (text,)}
            ),
        ),
        note=text,
    )
    conflict = PathConflict(path=text, ours=text, theirs=text)
    preview = Preview(kind="undo", effects=(file_effect(text),), merged=(text,), conflicts=(conflict,), dependents=(1,))
    for section in about(op, 40, undo=preview, name=lambda _: text, lost=text):
        for line in section.lines:
            assert_safe(text_of(line))
    for section in about(op, 40, undo=text):
        assert all("\n" not in text_of(line) for line in section.lines)


def test_lines_are_broken_to_fit() -> None:
    line = (("  one two ", ""), ("three", "bad"), (" four", ""))
    assert [text_of(row) for row in fitted(line, 10, words=True)] == ["  one two ", "  three ", "  four"]
    assert [text_of(row) for row in fitted((("abcdef", ""),), 4)] == ["abcd", "ef"]
    assert [text_of(row) for row in fitted((("漢字漢字", ""),), 5)] == ["漢字", "漢字"]
    assert max(len(text_of(row)) for row in fitted((("́" * 1000, ""),), 10)) <= 40
    assert list(fitted((), 10)) == [()]


class _App(App[None]):
    def compose(self) -> ComposeResult:
        yield Detail()


def played(work: Callable[[Detail, Pilot[Any]], Awaitable[None]]) -> None:
    app = _App()

    async def on(pilot: Pilot[Any]) -> None:
        detail = app.query_one(Detail)
        detail.focus()
        await pilot.pause()
        await work(detail, pilot)

    play(app, on)


def rows(detail: Detail) -> list[str]:
    return [detail.render_line(y).text.rstrip() for y in range(detail.size.height)]


def test_a_long_action_is_folded_until_enter() -> None:
    op = operation(1, action={"kind": "write", "path": "a", "content": "\n".join(f"line {n}" for n in range(100))})

    async def work(detail: Detail, pilot: Pilot[Any]) -> None:
        detail.show(about(op, 78))
        await pilot.pause()
        assert "        … of 103 lines; enter shows all" in rows(detail)
        await pilot.press("enter")
        assert detail.virtual_size.height > 100
        await pilot.press("end")
        await pilot.press("enter")
        assert detail.virtual_size.height < 30

    played(work)


def test_the_same_operation_stays_where_it_was_scrolled_to() -> None:
    one = operation(
        1,
        observation=Observation(output="\n".join(map(str, range(20)))),
        effects=tuple(file_effect(f"f{n}") for n in range(60)),
    )

    async def work(detail: Detail, pilot: Pilot[Any]) -> None:
        detail.show(about(one, 78))
        await pilot.press("j", "j", "pagedown", "k")
        before = rows(detail)
        top = detail.scroll_offset.y
        assert top > 1
        detail.show(about(one, 78, undo=None))
        await pilot.pause()
        assert detail.scroll_offset.y == top and rows(detail)[:10] == before[:10]
        detail.show(about(operation(2), 78))
        await pilot.pause()
        assert detail.scroll_offset.y == 0 and rows(detail)[0].startswith("what    $ ")

    played(work)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_text_reaches_a_strip(text: str) -> None:
    op = operation(1, action={"kind": "write", "content": text}, observation=Observation(output=text, error=text))

    async def work(detail: Detail, pilot: Pilot[Any]) -> None:
        detail.show(about(op, 78, undo=text))
        await pilot.press("enter", "enter", "enter")
        for y in range(min(detail.virtual_size.height, 60)):
            strip = detail.render_line(y)
            assert_safe(strip.text)
            assert strip.cell_length == detail.scrollable_content_region.width
            assert not any(segment.style and (segment.style.link or segment.style.meta) for segment in strip)

    played(work)
