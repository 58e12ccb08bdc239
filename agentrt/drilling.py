"""Does what takes requests back hold? They are made at an instance that is there for it, and taken back, for once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from agentrt.contracts import Answer, Call
from agentrt.errors import AgentrtError, UsageError
from agentrt.records import Operation, Record, Text
from agentrt.runtime import Runtime
from agentrt.ways import way_out


class Drill(Protocol):
    """What is to be tried, and where."""

    @property
    def calls(self) -> Mapping[str, Mapping[str, Any]]:
        """As of the action ``calls``."""
        ...

    @property
    def looks(self) -> Sequence[Call]:
        """By whose answers the state of the instance is compared, each a ``GET``."""
        ...

    @property
    def policy(self) -> Mapping[str, Any]:
        """It lets out what goes to the instance, and nothing else."""
        ...

    def there(self) -> AbstractContextManager[None]:
        """While it is open the service is the instance."""
        ...

    def differing(self, before: Sequence[Answer], after: Sequence[Answer]) -> Sequence[str]:
        """In what the states are not the same, for people."""
        ...

    def proved(self) -> Sequence[str]:
        """Keep that each operation was taken back; their names. Raises ``UsageError`` where that cannot be kept."""
        ...


class Drilled(Record):
    """What came of it."""

    proved: tuple[Text, ...] = ()
    """Operations that were carried out, and taken back."""
    wrong: tuple[Text, ...] = ()
    """Why nothing is proved, a line each; what still stands out there is in it."""

    @property
    def ok(self) -> bool:
        return not self.wrong


async def drill(one: Drill) -> Drilled:
    """Forward and back at the instance, in a session of its own that nothing is left of.

    Raises ``UsageError`` for a secret that is not there, ``SandboxUnavailable``.
    """
    with tempfile.TemporaryDirectory(prefix="agentrt-drill-") as folder, one.there():
        (workspace := Path(folder, "workspace")).mkdir()
        async with Runtime.open(workspace, policy=dict(one.policy)) as runtime:
            store = runtime.store.root
            try:
                wrong = await _wrong(runtime, one)
            except AgentrtError as error:
                wrong = [str(error)]
        shutil.rmtree(store, ignore_errors=True)
    return Drilled(wrong=tuple(wrong)) if wrong else Drilled(proved=tuple(one.proved()))


async def _wrong(runtime: Runtime, one: Drill) -> list[str]:
    before = await _state(runtime, one)
    done = await runtime.act("calls", calls={name: dict(call) for name, call in one.calls.items()})
    if done.observation is None or done.observation.error:
        return [(done.observation.error if done.observation is not None else None) or done.note]
    if said := _not_taken_back(done):
        await runtime.undo()
        return said
    between = await _state(runtime, one)
    if not one.differing(before, between):
        await runtime.undo()
        return ["what is compared does not show that anything was done: name in `compare` where it shows"]
    await runtime.undo()
    return [f"after undo it is not as before: {what}" for what in one.differing(before, await _state(runtime, one))]


def _not_taken_back(done: Operation) -> list[str]:
    return [
        f"{sent.method} {sent.url}: nothing takes it back, it stays"
        if sent.reversibility != "reversible"
        else f"{sent.method} {sent.url} changed nothing, so that nothing is proved"
        for sent in done.requests
        if sent.change == "sent" and not sent.inverse and sent.method != "GET"
    ] + [f"{sent.method} {sent.url} waits in the outbox" for sent in done.requests if sent.change == "queued"]


async def _state(runtime: Runtime, one: Drill) -> list[Answer]:
    """Raises ``UsageError`` where it does not show."""
    line, found = way_out(runtime, "agentrt"), list[Answer]()
    for look in one.looks:
        answer = (await line.ask(look)).answer
        if answer.status not in (200, 404, 410):
            raise UsageError(f"GET {look.url} was answered with {answer.status}: it does not show what is there")
        found.append(answer)
    return found
