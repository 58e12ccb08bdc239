"""Short sequences that random work once found to go wrong (tests/whole/test_whole_verbs.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_core_runtime import run

from agentrt import Runtime, UsageError


def test_a_revert_of_what_is_out_already_leaves_no_trace(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="new", content="1\n")
        await rt.reject(1)
        with pytest.raises(UsageError, match="nothing of operations 1, 2 is left"):
            await rt.revert(1, 2)
        assert [op.id for op in rt.log()] == [1, 2]

    run(workspace, box, work)


def test_what_was_rejected_is_not_accepted(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="new", content="1\n")
        await rt.reject(1)
        with pytest.raises(UsageError, match="operation 1 was rejected"):
            await rt.accept(1)
        assert [op.review for op in rt.log()] == ["rejected", None]
        await rt.undo()
        await rt.accept(1)

    run(workspace, box, work)
