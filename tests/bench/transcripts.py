"""What the live transcript costs with 2,000 blocks: reading, opening, scrolling; and 100,000 lines of streaming output."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Callable

from textual.app import App, ComposeResult

from agentrt.agent import conversation
from agentrt.agent.events import ActionStarted
from agentrt.records import Message, ProposedAction, Turn
from agentrt.tui.detail.live import Live
from agentrt.tui.detail.scroll import Blocks
from agentrt.tui.detail.transcript import Transcript

Rows = list[tuple[str, float, str, float]]

_TURNS = 1000
_KEYS = 50
_PIECES = 1000
_SAID = "Some **words** with `code` in them, that go on for a while.\n\n" * 4 + "- one\n- two\n\n```\ncode\n```\n"


def measure() -> Rows:
    """Prints what was found, and gives what is to be reached; milliseconds of CPU."""
    messages = _messages()
    read = _took(lambda: Transcript.of(messages, ()))
    seen = Transcript.of(messages, ())
    opened, scrolled = asyncio.run(_widget(seen))
    streamed, grown = _streamed(seen)
    print(f"the live transcript, {len(seen.blocks):,} blocks (ms of CPU)")
    print(f"  read: {read:.1f}, opened: {opened:.1f}, scrolled by a page: {scrolled:.1f}")
    print(f"  100,000 lines of output: {streamed:.0f}, and {grown:.0f} kB of memory")
    return [
        ("a transcript of 2,000 blocks read and opened: ms", read + opened, "<=", 300),
        ("scrolled in 2,000 blocks by a page: ms", scrolled, "<=", 50),
        ("memory after 100,000 lines of output: kB more", grown, "<=", 100),
    ]


def _messages() -> list[Message]:
    found = [Message(id=1, role="task", body=conversation.task("mend it"))]
    for number in range(_TURNS):
        call = ProposedAction(call=f"c{number}", kind="bash", arguments={"command": f"make test{number}"})
        turn = Turn(text=f"{_SAID}{number}", actions=(call,)).to_dict()
        found.append(Message(id=len(found) + 1, role="planner", body=turn))
        outcome = conversation.observation(call.call, "exit code 0", number + 1, exit_code=0)
        found.append(Message(id=len(found) + 1, role="observation", body=outcome, operation=number + 1))
    return found


async def _widget(seen: Transcript) -> tuple[float, float]:
    app = _Alone()
    async with app.run_test(size=(140, 45)) as pilot:
        live = app.query_one(Live)
        live.focus()
        await pilot.pause()
        start = time.process_time()
        live.show(seen)
        await pilot.pause()
        opened = (time.process_time() - start) * 1000
        await pilot.press("home")
        while app.query_one(Blocks).drawing:
            await pilot.pause(0.05)
        start = time.process_time()
        await pilot.press(*["pagedown"] * _KEYS)
        return opened, (time.process_time() - start) * 1000 / _KEYS


class _Alone(App[None]):
    def compose(self) -> ComposeResult:
        yield Live()


def _streamed(seen: Transcript) -> tuple[float, float]:
    action = ProposedAction(call="z", kind="bash", arguments={})
    seen = seen.told(ActionStarted(actor="agent", action=action, shown="$ make").to_dict())
    lines = 100_000 // _PIECES
    pieces = ["".join(f"line {at} \x1b[32mok\x1b[0m\n" for at in range(lines)) for _ in range(_PIECES)]

    def stream() -> None:
        nonlocal seen
        for piece in pieces:
            seen = seen.told({"event": "output", "data": piece})

    took = _took(stream)
    tracemalloc.start()
    stream()
    before = tracemalloc.get_traced_memory()[0]
    stream()
    grown = (tracemalloc.get_traced_memory()[0] - before) / 1000
    tracemalloc.stop()
    return took, grown


def _took(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000
