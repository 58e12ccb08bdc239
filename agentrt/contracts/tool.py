"""What an agent can do, and what that may touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal, NamedTuple, Protocol, runtime_checkable

from agentrt.records import (
    Action,
    Observation,
)

from .pushes import Pushes
from .requests import Http
from .resource import Database


class Output(NamedTuple):
    """What an operation printed."""

    file: BinaryIO
    """As much of it as is kept; whoever asked for it closes it."""
    size: int
    """Bytes of all of it, kept or not."""
    of: str
    """The operation, in words: of a fork, an operation may be of the session it was forked from."""


class World(Protocol):
    """What a tool may touch: the sandbox, under the limits of the policy."""

    @property
    def workspace(self) -> str: ...

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        seconds: float | None = None,
    ) -> Observation:
        """Run a command and keep its output: where it is long head, errors and tail in the observation, the whole on
        disk."""
        ...

    async def read(self, path: str, *, limit: int | None = None) -> bytes: ...

    def output(self, operation: int, *, part: int | None = None) -> Output:
        """What an earlier operation of the session printed, without what nobody gets to see.

        ``part``: the how manieth long output of it, where a tool had several; by default the one its observation shows.
        Raises ``UsageError`` where there is no such operation, or nothing of that is kept.
        """
        ...

    async def write(self, path: str, data: bytes) -> None: ...

    async def database(self, name: str) -> Database:
        """One of the session's databases, for this action; what is done in it is kept or discarded with the action.
        Raises ``UsageError`` where there is none of that name."""
        ...

    async def http(self) -> Http:
        """Requests to the outside, for this action. Raises ``UsageError`` where there is no network."""
        ...

    async def pushes(self) -> Pushes:
        """Commits to a remote of the user's repository, for this action. Raises ``UsageError`` where that cannot be."""
        ...

    def narrow(self, rules: Mapping[str, object]) -> None:
        """Try the session's policy with these rules on top. Raises ``UsageError`` unless they make it stricter; they
        hold once the action, whose kind is ``narrow`` and whose field ``rules`` these are, is settled."""
        ...

    def show(self, text: str) -> Observation:
        """An observation of ``text``, capped and kept like a command's output."""
        ...


class Tool(Protocol):
    """Something an agent can do."""

    name: str
    action: type[Action]

    @property
    def description(self) -> str:
        """What a planner is told about it."""
        ...

    async def run(self, action: Action, world: World) -> Observation:
        """Carry it out. What went wrong in the action is ``Observation.error``, not an exception."""
        ...

    def show(self, action: Action) -> str:
        """One line for a person: what this would do."""
        ...

    def reads(self, action: Action) -> Sequence[str] | None:
        """The files it reads, as the action names them; None where the action does not tell."""
        ...


@runtime_checkable
class Fitting(Protocol):
    """A tool that is offered in some sessions only, in others' words in each."""

    def fitted(self, databases: Mapping[str, Database], *, network: bool) -> Tool | None:
        """As it is offered in a session with these databases, by name, and with a way out or none; None: not at all."""
        ...


@runtime_checkable
class Queuing(Protocol):
    """A tool whose requests wait in the outbox where the policy holds its actions back: nobody is asked before."""

    queues: Literal[True]


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be there for an action to do anything at all."""

    files: tuple[str, ...] = ()
    """Files or folders, as the action names them."""
    programs: tuple[str, ...] = ()
    """By the names they are looked up by."""


@runtime_checkable
class Foreseeing(Protocol):
    """A tool that can say beforehand what an action needs, so that a planner is told at once what is not there."""

    def needs(self, action: Action) -> Needs: ...
