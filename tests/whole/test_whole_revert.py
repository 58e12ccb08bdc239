"""Any edits of one file, any of them reverted: what the others wrote is all there, and nothing else.

The model knows no merge: every line that is ever written is one of a kind, so it is plain which lines must be there
and in what order they stand.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentrt import Conflict, Runtime, UsageError
from agentrt.testing.memory_sandbox import open_sandbox

START = 12


class Edit(NamedTuple):
    """From the line ``at`` (of those that are there, round and round) ``gone`` lines become ``new`` ones."""

    at: int
    gone: int
    new: int


EDITS = st.lists(st.builds(Edit, st.integers(0, 30), st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=5)


class Line(NamedTuple):
    text: str
    by: int
    """The operation that wrote it; 0: it was there."""


class History:
    """Every line that ever was, in one order all versions agree with, and who wrote and who removed it."""

    def __init__(self) -> None:
        self.lines = [Line(f"start {number}\n", 0) for number in range(START)]
        self.removed: dict[Line, int] = {}

    def edit(self, op: int, edit: Edit) -> None:
        alive = [place for place, line in enumerate(self.lines) if line not in self.removed]
        first = edit.at % (len(alive) + 1)
        for place in alive[first : first + edit.gone]:
            self.removed[self.lines[place]] = op
        place = alive[first] if first < len(alive) else len(self.lines)
        self.lines[place:place] = [Line(f"{op}.{number}\n", op) for number in range(edit.new)]

    def without(self, taken_out: set[int]) -> str:
        """What stands where these operations never were. An operation keeps what it did to lines that are left."""
        return "".join(
            line.text
            for line in self.lines
            if line.by not in taken_out and self.removed.get(line, 0) in {0, *taken_out}
        )


@given(EDITS, st.data())
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_left_is_what_the_other_operations_wrote(edits: list[Edit], data: st.DataObject) -> None:
    history = History()

    async def work(rt: Runtime) -> None:
        done = []
        for edit in edits:
            number = len(rt.log()) + 1
            history.edit(number, edit)
            operation = await rt.act("write", path="file", content=history.without(set()))
            done += [number] if operation.effects else []
        if not done:
            return
        taken = set(data.draw(st.lists(st.sampled_from(done), min_size=1, unique=True)))
        before = history.without(set())
        try:
            operation = await rt.revert(*taken)
        except Conflict as conflict:
            assert await _file(rt) == before and len(rt.log()) == len(edits)
            assert [found.path for found in conflict.conflicts] == ["file"]
            assert set(conflict.conflicts[0].operations) & taken
            assert len(done) > len(taken), "all of it can always be taken out"
            return
        except UsageError as nothing:  # the others have taken out already what these did
            assert "nothing of" in str(nothing) and before == history.without(taken) == await _file(rt)
            return
        assert await _file(rt) == history.without(taken)
        await rt.undo()
        assert await _file(rt) == before
        await rt.redo()
        await rt.revert(operation.id)
        assert await _file(rt) == before

    _on("".join(line.text for line in history.lines), work)


async def _file(rt: Runtime) -> str:
    with await rt.read_at(rt.log()[-1].id, "file") as found:
        content: str = found.read().decode()
        return content


def _on(start: str, work: Callable[[Runtime], Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="agentrt-revert-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", os.path.join(folder, "state"))
        workspace = Path(folder, "work")
        workspace.mkdir()
        (workspace / "file").write_text(start)

        async def opened() -> None:
            async with Runtime.open(workspace, sandbox=open_sandbox) as rt:
                await work(rt)

        asyncio.run(opened())
        assert (workspace / "file").read_text() == start
