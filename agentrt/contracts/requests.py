"""Requests that actions send through agentrt itself, and what can take back what they did out there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from agentrt.records import Going, Released, RequestEffect, Reversibility

from .resource import Resource

SAFE = ("GET", "HEAD", "OPTIONS")
"""They only ask (RFC 9110, section 9.2.1)."""
HTTP = "http"
"""The resource of requests, which no database can be called."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request. ``${NAME}`` stands for a secret of the session wherever it is written."""

    method: str
    """In capitals."""
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in small letters."""
    body: bytes = b""
    success: Mapping[str, object] = field(default_factory=dict)
    """By JSON pointers, what an answer holds besides a status below 300, where it went well."""
    hold: str = ""
    """Why it waits in the outbox until somebody releases it; empty: only rules say."""
    headers_only: bool = False
    """Secrets go into its headers, which are no agent's, and nowhere else."""
    proved: bool = False
    """A drill has shown that it is taken back."""
    nullable: tuple[str, ...] = ()
    """Members of a JSON body that the service sets to null where a PATCH holds null; of others that is not known."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """By name in small letters; the first of several."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Inverse:
    """What takes a call back, as its author says it: ``{location}`` and ``{/a/b}`` (a JSON pointer) in URL and body are
    of the answer, ``{before/a/b}`` of what ``look`` showed before."""

    method: str
    url: str
    look: str | None = None
    """The URL at which it shows whether the call stands; by default ``url``."""
    look_body: bytes | None = None
    """Where that is asked by a POST."""
    absent: tuple[int, ...] = (404, 410)
    """Statuses by which it says that there is nothing."""
    body: bytes = b""
    ignore: tuple[str, ...] = ()
    """JSON pointers: what the server changes by itself, such as a time."""
    verify: Mapping[str, object] | None = None
    """By JSON pointers, what ``look`` shows once it was taken back; None: what it showed before."""
    is_known: bool = False
    """It is of an API pack, which people chose, and not the agent's own."""
    window: float | None = None
    """How many seconds the service lets a call be taken back; None: for good."""


class Past(NamedTuple):
    """An operation that sent something, and is not in the past of whoever acts now."""

    mark: str
    operation: int
    session: str
    stands: bool
    """In its own session it was not undone."""


class Takes(NamedTuple):
    """What is known to take a call back."""

    resource: str
    """The name of what keeps it; empty: there is nothing to take back."""
    inverse: str
    """For people: ``DELETE https://…``."""
    reversibility: Reversibility
    """compensable; unknown where only its author says so; reversible where it changed nothing, irreversible where
    nothing takes it back."""


class Exchange(Protocol):
    """A request that was answered."""

    @property
    def answer(self) -> Answer: ...

    def kept(self, takes: Takes) -> None:
        """What takes it back, all of which is on disk. A rule that says what it is counts more."""
        ...


class Line(Protocol):
    """A way out, of one operation: through the session's rules and with its secrets, and everything is an effect."""

    async def ask(
        self, call: Call, *, about: Takes | None = None, released: Released | None = None, kept: str = ""
    ) -> Exchange:
        """Send it. ``about``: as ``Exchange.kept``, where it is known before; ``released``: it was held back before,
        and no rule does that again; ``kept``: by which ``Outbox.cut_off`` knows it again.

        Raises ``UsageError`` for what is no request, ``ResourceError`` where nothing of it went out (a rule does not
        let it, or nobody is there), ``Unanswered`` where it may have been carried out, ``HeldBack`` where it waits.
        """
        ...


class Waiting(NamedTuple):
    """What is in the outbox."""

    line: str
    """For people: ``POST https://…``."""
    due: float | None
    """When it is sent all the same, in seconds since the epoch; None: never."""


class CutOff(NamedTuple):
    """What became of what was on its way when agentrt was killed."""

    effects: Mapping[str, RequestEffect | None]
    """By ``Going.kept``; None: nothing of it arrived."""
    lines: tuple[str, ...]
    """For a person, and for the planner."""


class Outbox(Resource, Protocol):
    """What leaves at once, or waits until it is released: an action not kept is taken back, and not discarded."""

    @property
    def touched(self) -> bool:
        """Whether there is anything to take back of what was done since ``begin``."""
        ...

    def waiting(self, mark: str) -> Sequence[Waiting]:
        """What waits of an action. Raises ``ResourceError``."""
        ...

    async def release(self, mark: str, by: Released) -> Sequence[str]:
        """Send what waits of an action, each once and never again; what came of each, in words. Where nothing of one
        went out it waits on. Raises ``ResourceError`` where what is kept of them cannot be read or written."""
        ...

    async def cut_off(self, mark: str, going: Mapping[str, Going], *, since: float) -> CutOff:
        """What became of an action's, or of what was released of it, where agentrt was killed before that was settled.
        It may be asked for, and nothing is sent. ``going``: by ``Going.kept`` what had been written down before it
        went; ``since``: when that began, in seconds since the epoch. Raises as ``release``."""
        ...


class Http(Outbox, Protocol):
    """What requests did, at whatever server."""

    def through(self, line: Line | None) -> None:
        """The way out from here on."""
        ...

    def behind(self, past: Callable[[], Sequence[Past]]) -> None:
        """What the same call may have been sent by already, the newest first; asked for when it is needed."""
        ...

    async def send(
        self, call: Call, inverse: Inverse | None = None, *, again: bool = False
    ) -> tuple[Answer | None, str]:
        """Send it, with all that takes it back kept before and after; and what that is, in words for the planner, empty
        where it only asks. Without an answer it is held back, and waits in the outbox. Where an operation that lies
        behind has sent the same, and nothing took it back, that one's answer comes, and nothing is sent, unless
        ``again``. Raises as ``Line.ask``; ``UsageError`` where what came of that one is not known."""
        ...

    async def take_back(self) -> None:
        """All that was sent since ``begin``, as far as anything takes it back; what was held back is dropped.

        Raises ``ResourceError``, ``Unanswered``, where something stays."""
        ...


class OpenHttp(Protocol):
    """Entry point ``agentrt.resources``, ``http``. ``aside`` as for databases."""

    def __call__(self, *, aside: Path) -> Http: ...
