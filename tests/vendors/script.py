"""What the model says, in one form for every protocol; and what can go wrong on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from vendors.request import Request

Kind = Literal["function", "shell", "apply_patch", "custom"]
Stop = Literal["end", "tools", "length", "refusal", "filter", "context", "pause"]


@dataclass(frozen=True)
class Call:
    """A tool call. ``kind`` is used where the request offers that tool of the vendor's, else it is a function's call.

    ``arguments`` of a ``shell`` call are ``{"commands": [...]}`` (and ``timeout_ms``, ``max_output_length``), of an
    ``apply_patch`` call its operation. ``raw_arguments_text`` is sent as it is, be it JSON or not; it is the input
    of a ``custom`` call.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    raw_arguments_text: str | None = None
    id: str | None = None
    kind: Kind = "function"

    @property
    def text(self) -> str:
        return json.dumps(self.arguments) if self.raw_arguments_text is None else self.raw_arguments_text


@dataclass(frozen=True)
class Use:
    """Tokens. What is None is counted: from the request and its cache, or from what is said."""

    input: int | None = None
    """All of the prompt, cached or not."""
    output: int | None = None
    cached: int | None = None
    cache_written: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True)
class Reply:
    """One turn of the model: it thinks, says, calls. Without ``stop`` it is ``tools`` where there are calls."""

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    stop: Stop | None = None
    usage: Use = Use()
    chunk: int = 7
    """Characters a streamed piece has."""
    redacted: bool = False
    """Anthropic: the thinking comes as ``redacted_thinking``."""

    @property
    def ending(self) -> Stop:
        return self.stop or ("tools" if self.calls else "end")


@dataclass(frozen=True)
class Trouble:
    """An answer that is an error. ``body`` None: the vendor's own for the status. Text is sent as text/html."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | str | None = None
    message: str | None = None
    code: str | None = None
    """OpenAI: such as ``insufficient_quota``."""


@dataclass(frozen=True)
class Cut:
    """The connection is closed before the end: after some events, and with ``mid_event`` in the middle of the next.

    ``clean``: the body ends as HTTP says it should, only too early, as behind a proxy that gave up.
    An answer that is not streamed is cut in its middle.
    """

    reply: Reply
    after_events: int = 0
    mid_event: bool = False
    clean: bool = False


@dataclass(frozen=True)
class Failure:
    """The vendor gives up in mid-stream, with an event that says so; not streamed, it is an answer of status 529/500.

    ``event``: OpenAI Responses says it with an ``error`` event or with ``response.failed``.
    """

    reply: Reply
    after_events: int = 0
    event: Literal["error", "failed"] = "failed"
    message: str = "The server is overloaded."
    code: str = "server_error"
    kind: str = "overloaded_error"
    """Anthropic: the error's type."""


@dataclass(frozen=True)
class Hang:
    """Nothing comes for some seconds: before the answer, or after some of its events. Without a reply, nothing ever."""

    seconds: float
    reply: Reply | None = None
    after_events: int = 0


@dataclass(frozen=True)
class Reset:
    """The connection is reset where the answer should begin."""


@dataclass(frozen=True)
class Overflow:
    """The vendor's answer to a prompt that is longer than the model's context."""

    tokens: int = 208_310
    limit: int = 200_000


Turn: TypeAlias = Reply | Trouble | Cut | Failure | Hang | Reset | Overflow
Answering: TypeAlias = Callable[[Request], Turn]
Script: TypeAlias = Iterable[Turn | Answering] | Answering
