"""Steps of undo as the runtime takes them, and as a preview does: planned, and let go of. And a server's URL as a task
file has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from agentrt.contracts import Database, Planned, Step
from agentrt.records import Secret
from agentrt.resources import take
from agentrt.secrets import store

__all__ = ["back_and_forth", "plan", "take", "without_password"]


class Desk(Protocol):
    """A database of a test."""

    def dump(self) -> object: ...

    async def back(self, *marks: str) -> object: ...

    async def forth(self, *marks: str) -> object: ...


async def back_and_forth(app: Desk, marks: Sequence[str], seen: Sequence[object]) -> None:
    """Actions, and the dumps before the first and after each: taken back one by one, all done again, all taken back."""
    for at, mark in reversed(list(enumerate(marks))):
        await app.back(mark)
        assert app.dump() == seen[at]
    await app.forth(*marks)
    assert app.dump() == seen[-1]
    await app.back(*reversed(marks))
    assert app.dump() == seen[0]


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
