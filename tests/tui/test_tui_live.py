"""The live transcript on a screen: it follows, pauses, asks, and shows nothing that is not safe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from detail_ground import HOSTILE, Run, assert_safe, bash, file_effect, operation
from hypothesis import given
from hypothesis import strategies as st
from screens import assert_approved, play
from textual.app import App, ComposeResult
from textual.events import Resize
from textual.pilot import Pilot

from agentrt.agent.conclusion import Ending
from agentrt.agent.events import ActionStarted, OutputCame, TextCame
from agentrt.hosting.state import Pending, SessionState
from agentrt.records import ProposedAction
from agentrt.tui.detail.blocks import Action, Question
from agentrt.tui.detail.drawn import drawn
from agentrt.tui.detail.lines import safe, text_of
from agentrt.tui.detail.live import Live
from agentrt.tui.detail.markdown import markdown
from agentrt.tui.detail.scroll import Blocks
from agentrt.tui.detail.transcript import Transcript

_ASK = Question("q1", "ask", "", "$ curl https://example.com", "default.yaml:40", "it reaches out")
_INQUIRE = Question("q2", "inquire", "", "Which of the two?", "", "")


class _App(App[None]):
    def compose(self) -> ComposeResult:
        yield Live({"ask": "a allows", "inquire": "enter answers"})

    def on_mount(self) -> None:
        self.topped = 0
        self.query_one(Live).focus()

    def on_blocks_topped(self) -> None:
        self.topped += 1


Work = Callable[[_App, Live, Pilot[Any]], Awaitable[None]]


def played(work: Work, size: tuple[int, int] = (80, 24)) -> None:
    app = _App()

    async def on(pilot: Pilot[Any]) -> None:
        await work(app, app.query_one(Live), pilot)

    play(app, on, size)


async def all_drawn(live: Live, pilot: Pilot[Any]) -> None:
    """Until all is on the screen."""
    async with asyncio.timeout(30):
        await pilot.pause()
        while not live.drawn:
            await asyncio.sleep(0.01)
        await pilot.pause()


def rows(live: Live) -> list[str]:
    blocks = live.query_one(Blocks)
    return [blocks.render_line(y).text.rstrip() for y in range(blocks.scrollable_content_region.height)]


def a_talk(turns: int) -> Run:
    run = Run()
    run.task("mend the tests")
    for number in range(turns):
        call = bash(f"c{number}", f"make test{number}")
        run.turn(f"Step **{number}**:\n\n- look at `a.py`\n- mend it", [call])
        run.act(call, [file_effect("a.py")])
    return run


def test_a_run_on_a_screen() -> None:
    run = a_talk(2)
    seen = Transcript.of(run.messages, run.entries)
    seen = seen.told(ActionStarted(actor="agent", action=bash("c"), shown="$ pytest -q").to_dict())
    seen = seen.told(OutputCame(data=b"collecting\r\x1b[Kcollected 12 items\n..\x1b[32m.F\x1b[0m").to_dict())

    async def work(app: _App, live: Live, pilot: Pilot[Any]) -> None:
        live.show(replace(seen, questions=(_ASK,)))
        await all_drawn(live, pilot)
        assert_approved(app, "live")

    played(work)


def test_it_follows_until_one_scrolls_up_and_again_at_the_end() -> None:
    run = a_talk(30)

    async def work(app: _App, live: Live, pilot: Pilot[Any]) -> None:
        seen = Transcript.of(run.messages, run.entries)
        live.show(seen)
        await all_drawn(live, pilot)
        assert any("make test29" in row for row in rows(live)) and live.follows
        seen = seen.told(TextCame(actor="agent", text="and now\nfor more").to_dict())
        live.show(seen)
        await all_drawn(live, pilot)
        assert rows(live)[-1] == "for more"
        await pilot.press("pageup", "k")
        await all_drawn(live, pilot)
        assert not live.follows and live.query_one("#paused").display
        before = rows(live)
        live.show(seen.told(TextCame(actor="agent", text="\nand more" * 50).to_dict()))
        await all_drawn(live, pilot)
        assert rows(live) == before
        await pilot.press("end")
        await all_drawn(live, pilot)
        assert live.follows and not live.query_one("#paused").display and rows(live)[-1] == "and more"

    played(work)


def test_rows_are_as_wide_as_there_is_room_whenever_that_is_known() -> None:
    run = a_talk(0)
    run.turn("one two three", [])

    async def work(app: _App, live: Live, pilot: Pilot[Any]) -> None:
        blocks = live.query_one(Blocks)
        blocks.styles.width = 5
        live.show(Transcript.of(run.messages, run.entries))
        await all_drawn(live, pilot)
        assert "one two three" not in rows(live)
        with blocks.prevent(Resize):
            blocks.styles.width = "1fr"
            await all_drawn(live, pilot)
        await all_drawn(live, pilot)
        assert "one two three" in rows(live)

    played(work)


def test_an_action_that_wants_two_rows_has_the_width_of_both() -> None:
    block = Action("o1", "", "$ " + "x" * 60, "pending", effects="1 file renamed, 1 changed")
    first, second = ("".join(text for text, _ in line) for line in drawn(block, 46))
    assert first == "● $ " + "x" * 41 + "…"
    assert second == "  to review · 1 file renamed, 1 changed"


def test_what_was_before_is_asked_for_where_one_scrolls_up_to_the_top_and_what_is_in_sight_stays() -> None:
    run = a_talk(30)
    most = next(at for at in range(60, len(run.messages)) if run.messages[-at].role == "planner")

    async def work(app: _App, live: Live, pilot: Pilot[Any]) -> None:
        live.show(Transcript().read(run.messages[-most:], run.entries, most=most))
        await all_drawn(live, pilot)
        await pilot.press("pageup")
        await all_drawn(live, pilot)
        assert app.topped == 0
        await pilot.press("home")
        await all_drawn(live, pilot)
        assert app.topped == 1
        before = rows(live)
        live.show(Transcript.of(run.messages, run.entries))
        await all_drawn(live, pilot)
        assert rows(live) == before and app.topped == 1
        await pilot.press("home")
        await all_drawn(live, pilot)
        assert "mend the tests" in "".join(rows(live)[:3])

    played(work)


def test_what_is_in_sight_stays_when_heights_turn_out_to_be_others() -> None:
    run = a_talk(300)

    async def work(app: _App, live: Live, pilot: Pilot[Any]) -> None:
        live.show(Transcript.of(run.messages, run.entries))
        await pilot.pause()
        await pilot.press("home", "pagedown")
        await pilot.pause()
        before = rows(live)
        assert "Step 4:" in before
        await pilot.pause(1.0)
        assert rows(live) == before
        live.query_one(Blocks).scroll_to(y=400, animate=False)
        await pilot.pause()
        assert any("make test" in row for row in rows(live))

    played(work)


def test_what_is_in_sight_stays_when_the_journal_has_it() -> None:
    run = a_talk(2)
    told = Transcript.of(run.messages, run.entries)
    call = bash("c9", "make late")
    before = len(run.events)
    run.turn("\n".join(f"- line {n}" for n in range(100)), [call])
    run.act(call)

    async def work(app: _App, live: Live, pilot: Pilot[Any]) -> None:
        seen = told
        for event in run.events[before:]:
            seen = seen.told(event)
        live.show(seen)
        await all_drawn(live, pilot)
        await pilot.press("pageup")
        shown = rows(live)
        assert "- line 70" in shown
        live.show(seen.read(run.messages, run.entries))
        await all_drawn(live, pilot)
        assert rows(live) == shown and not live.follows
        live.show(Transcript().told(TextCame(actor="agent", text="another session").to_dict()))
        await all_drawn(live, pilot)
        assert "another session" in rows(live) and live.follows

    played(work)


def test_the_keys_are_about_one_question() -> None:
    async def work(app: _App, live: Live, pilot: Pilot[Any]) -> None:
        assert live.current is None
        live.show(replace(Transcript(), questions=(_ASK, _INQUIRE)))
        await all_drawn(live, pilot)
        assert live.current == _ASK and isinstance(app.focused, Blocks)
        assert "  a allows" in rows(live) and "  enter answers" not in rows(live)
        live.choose("q2")
        await all_drawn(live, pilot)
        assert live.current == _INQUIRE
        assert "  a allows" not in rows(live) and "  enter answers" in rows(live)
        live.show(replace(Transcript(), questions=(_ASK,)))
        assert live.current == _ASK

    played(work)


def test_what_the_host_says_is_taken_up_where_it_stands() -> None:
    begun = ActionStarted(actor="agent", action=bash("c"), shown="$ make")
    asked = Pending(id="q1", kind="ask", shown="$ make", rule="a.yaml:1", because="so", actor="agent", asked=0)
    state = SessionState(session="s1", phase="acting", running=begun, output="12%\r13%", queued=("and mind x",))
    seen = Transcript().with_state(state)
    assert [text_of(row) for block in seen.blocks for row in drawn(block, 60)] == [
        "… $ make  running", "│ 13%", "", "you  the agent is told before its next turn", "  and mind x",
    ]  # fmt: skip
    more = seen.told(OutputCame(data=b"\r14%").to_dict()).with_state(state)
    assert more.running is not None and more.running.tail.lines == ("14%",)
    (question, *_) = more.with_state(state.model_copy(update={"questions": (asked,), "queued": ()})).blocks
    assert question == Question("q1", "ask", "", "$ make", "a.yaml:1", "so")
    ending = Ending(code="planner", reason="no key", hint="agentrt secrets set")
    over = more.with_state(SessionState(session="s1", ending=ending))
    assert [text_of(row) for row in drawn(over.blocks[-1], 60)] == [
        "ended: no key",
        "hint: agentrt secrets set",
    ]


def test_markdown_is_words() -> None:
    text = "# A\n\nsee [docs](http://e.org) **now**\n\n1. a\n2. b\n   - c\n\n| x | y |\n|---|---|\n| 1 | 22 |\n\n> q\n\n```\ncode  x\n```\n"
    assert [text_of(row) for row in markdown(text, 40)] == [
        "A", "", "see docs (http://e.org) now", "", "1. a", "2. b", "   - c", "",
        "x  y", "1  22", "", "> q", "", "code  x",
    ]  # fmt: skip
    deep = "\n".join(" " * (2 * n) + f"- item{n}" for n in range(60))
    assert all(f"item{n}" in "".join(map(text_of, markdown(deep, 200))) for n in range(60))


@given(st.text(alphabet=st.sampled_from("ab *_`[]()<>|-#>\n1.&;\\!~:x\t"), max_size=200), st.integers(1, 60))
def test_no_markdown_is_too_strange(text: str, width: int) -> None:
    for row in markdown(safe(text), width):
        assert_safe(text_of(row))
        assert len(text_of(row)) <= width


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_text_reaches_a_strip(text: str) -> None:
    run = Run()
    run.task(text)
    plan = ProposedAction(call="c1", kind="plan", arguments={"steps": [text]})
    one, two, other = bash("c2", text), bash("c3"), ProposedAction(call="c4", kind=text, arguments={text: text})
    run.turn(text, [plan, one, other, two])
    run.plan(plan)
    run.act(one, [file_effect(text)])
    run.refuse(other, text)
    run.say("notice", {"text": text})
    run.say("talk", {"text": text, "actor": text, "to": text})
    run.put(operation(2, actor="user", action={"kind": "bash", "command": text}, note=text))
    seen = Transcript.of(run.messages, run.entries)
    for event in run.events[2:]:
        seen = seen.told(event)
    seen = replace(Transcript(), fresh=seen.fresh, read_blocks=seen.read_blocks)
    seen = seen.told(TextCame(actor=text, text=text).to_dict())
    seen = seen.told(ActionStarted(actor=text, action=two, shown=text).to_dict())
    seen = seen.told(OutputCame(data=text.encode("utf-8", "surrogateescape")).to_dict())
    seen = replace(
        seen,
        questions=(replace(_ASK, text=safe(text), because=safe(text)),),
        queued=(text,),
        ending=(text, text, text),
    )

    async def work(app: _App, live: Live, pilot: Pilot[Any]) -> None:
        live.show(seen)
        await all_drawn(live, pilot)
        blocks = live.query_one(Blocks)
        for key in ("end", "pageup", "pageup", "home"):
            await pilot.press(key)
            await pilot.pause()
            for y in range(blocks.size.height):
                strip = blocks.render_line(y)
                assert_safe(strip.text)
                assert strip.cell_length == blocks.scrollable_content_region.width
                assert not any(segment.style and (segment.style.link or segment.style.meta) for segment in strip)

    played(work)
