"""Steps of undo as the runtime takes them, and as a preview does: planned, and let go of. And a server's URL as a task
file has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from agentrt.contracts import Database, Planned, Step
from agentrt.errors import AgentrtError
from agentrt.records import Effect, Secret
from agentrt.resources import take
from agentrt.secrets import store

__all__ = ["back_and_forth", "plan", "take", "through", "without_password"]


class Desk(Protocol):
    """A database of a test."""

    database: Database

    def dump(self) -> Any: ...

    async def do(self, mark: str, *statements: str) -> Sequence[Effect]: ...

    async def back(self, *marks: str) -> object: ...

    async def forth(self, *marks: str) -> object: ...


async def through(
    app: Desk,
    actions: Iterable[Sequence[str]],
    refused: Callable[[AgentrtError, Any], None],
    look: Callable[[], Any] | None = None,
) -> None:
    """One action after the other, then back and forth through those that did something. Of one that is refused nothing
    is there once ``refused`` was called, with the error and what was seen before: it raises where none may be."""
    look = look or app.dump
    seen, marks = [look()], list[str]()
    try:
        for number, statements in enumerate(actions):
            try:
                effects = await app.do(f"a{number}", *statements)
            except AgentrtError as error:
                await app.database.discard()
                refused(error, seen[-1])
                assert look() == seen[-1]
                continue
            assert bool(effects) is (look() != seen[-1]), statements
            if effects:
                marks.append(f"a{number}")
                seen.append(look())
        await back_and_forth(app, marks, seen, look)
    finally:
        await app.database.close()


async def back_and_forth(
    app: Desk, marks: Sequence[str], seen: Sequence[Any], look: Callable[[], Any] | None = None
) -> None:
    """Actions, and what was seen before the first and after each: taken back one by one, all done again, all taken
    back."""
    look = look or app.dump
    for at, mark in reversed(list(enumerate(marks))):
        await app.back(mark)
        assert look() == seen[at]
    await app.forth(*marks)
    assert look() == seen[-1]
    await app.back(*reversed(marks))
    assert look() == seen[0]


async def plan(database: Database, steps: Sequence[Step]) -> Planned:
    planned = await database.plan_undo(steps)
    await database.discard()
    return planned


def without_password(url: str) -> str:
    """With a secret, which is kept, in its place."""
    parts = urlsplit(url)
    password = parts.password or ""
    store.keep(Secret(name="DB_PASSWORD", value=password, hosts=("db.invalid",)))
    return parts._replace(netloc=parts.netloc.replace(f":{password}@", ":${DB_PASSWORD}@")).geturl()
