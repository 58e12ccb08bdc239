"""Opening a runtime for one command."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from agentrt.contracts import Ask
from agentrt.errors import UnknownOperation
from agentrt.hearing import hearing
from agentrt.history.store import locate
from agentrt.opening import PolicyChoice
from agentrt.runtime import Runtime
from agentrt.showing.plain import plain

from .interrupting import run
from .options import Where
from .render import say

T = TypeVar("T")


def with_runtime(
    where: Where,
    work: Callable[[Runtime], Coroutine[Any, Any, T]],
    *,
    create: bool = False,
    policy: PolicyChoice = "default",
    folder: Path | None = None,
    ask: Ask | None = None,
) -> T:
    """Do ``work`` on the session ``where`` names. Raises what ``Runtime.open`` and ``work`` raise.

    Unless ``create``, nothing is made where nothing was done yet: ``UnknownOperation``. ``folder``: where files that
    ``policy`` names lie. ``ask``: who answers questions.
    """
    if not create and not locate(where.workspace).journal.exists():
        raise UnknownOperation(
            "nothing was done here yet", hint="agentrt exec -- COMMAND does something, agentrt TASK.yaml lets an agent"
        )

    async def opened() -> T:
        async with Runtime.open(
            where.workspace,
            policy=policy,
            folder=folder,
            session=where.session,
            to_act=create,
            ask=ask,
        ) as runtime:
            told = len(runtime.notes)
            for note in runtime.notes:
                say(plain(note))
            try:
                return await work(runtime)
            finally:
                for note in runtime.notes[told:]:
                    say(plain(note))

    with hearing(lambda line: say(plain(line))):
        return run(opened())
