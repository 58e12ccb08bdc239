"""One turn: what is asked, how the answer is heard, and what is made of what goes wrong."""

from __future__ import annotations

import difflib
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from agentrt.contracts import OnProgress, unheard
from agentrt.contracts.planner import Said
from agentrt.errors import ContextOverflow, PlannerError
from agentrt.planners.keys import keep_out_of_logs, said_without, scrubbed, scrubbed_turn
from agentrt.planners.prices import Prices
from agentrt.planners.prompt import HANDOVER
from agentrt.planners.retrying import Passing, with_retries
from agentrt.planners.transcript import Transcript, transcript
from agentrt.records import Message, ToolSpec, Turn, Usage

from .answer import Answer, Reader
from .client import make_client
from .completion import CompletionReader
from .request import Requests, used
from .response import ResponseReader
from .server import OpenAIOptions, Server
from .troubles import Complaint, complaint, judged

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_LEAST_ROOM = 1024
"""Tokens: an answer of fewer is worth little, and the conversation is too long rather than the answer."""
_SHORTER = 4
"""Times that a server may name less room for the answer, before the conversation has to be shorter."""
_LISTING = 5.0
"""Seconds to ask for the models of a server."""
_UNREADABLE = "what it sends cannot be read"
_LOGGERS = (
    *("openai._base_client", "openai._response", "openai._legacy_response", "httpx2"),
    *("httpcore2.connection", "httpcore2.http11", "httpcore2.http2", "httpcore2.proxy", "httpcore2.socks"),
)
"""Of the SDK and what it stands on: a filter holds for one logger, not for those below it."""
_PATHS = {"responses": "/responses", "chat": "/chat/completions"}


class OpenAIPlanner:
    """A model behind an API of OpenAI's. It holds nothing between turns but what it was given."""

    name = "openai"

    def __init__(self, options: OpenAIOptions, server: Server, key: str, prices: Prices) -> None:
        self._options, self._server, self._key, self._prices = options, server, key, prices
        self._requests = Requests(options, server, key)
        self._offered: dict[str, tuple[ToolSpec, ...]] = {}
        """What each agent of a crew was offered last: a summary is asked for with the same, as what was cached begins
        with it."""
        self._most = options.max_output_tokens
        self._trust: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"OpenAIPlanner({self._options.model!r}, {self._server.url!r})"

    async def plan(
        self, conversation: Sequence[Message], tools: Sequence[ToolSpec], on_progress: OnProgress = unheard
    ) -> Turn:
        """Raises ``PlannerError``; ``ContextOverflow`` where the conversation is too long."""
        told = transcript(conversation)
        self._offered[told.task.get("you", "")] = tuple(tools)
        body = self._requests.body(told, tools, told.reminder)
        return await self._ask(body, told, on_progress)

    async def summarize(self, conversation: Sequence[Message]) -> Turn:
        """Raises ``PlannerError``."""
        told = transcript(conversation)
        body = self._requests.body(told, self._offered.get(told.task.get("you", "")) or used(told), HANDOVER)
        if body.get("tools"):
            body["tool_choice"] = "none"
        turn = await self._ask(body, told, unheard)
        if not turn.text.strip():
            raise PlannerError(f"{self._options.model} wrote no summary of the conversation")
        return turn.model_copy(update={"actions": (), "native": None})

    async def close(self) -> None:
        """It holds nothing: each turn has a client of its own."""

    async def _ask(self, body: dict[str, Any], told: Transcript, on_progress: OnProgress) -> Turn:
        taken = {action.call for step in told.steps if step.turn is not None for action in step.turn.actions}

        async def attempt() -> Turn:
            return await self._once(client, {**body, self._requests.limit: self._most}, set(taken), on_progress)

        async with self._client() as client:
            for _ in range(_SHORTER):
                try:
                    return await with_retries(attempt, retries=self._options.retries, on_progress=on_progress)
                except _TooMuchAsked as shorter:
                    self._most = shorter.room
        raise ContextOverflow(f"{self._server.host}: each answer it has room for is too long for it")

    async def _once(self, client: AsyncOpenAI, body: dict[str, Any], taken: set[str], on_progress: OnProgress) -> Turn:
        """One request, one answer, whole. Raises ``Passing``, ``PlannerError``, ``_TooMuchAsked``."""
        import httpx2
        import openai

        try:
            turn = await self._heard(client, body, taken, on_progress)
        except openai.APIError as error:
            told = complaint(error)
        except httpx2.HTTPError as error:
            told = Complaint(str(error), code="connection")
        except Complaint as error:
            told = error
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            told = Complaint(_UNREADABLE)
        else:
            if turn is None:
                raise Passing(f"the answer of {self._server.host} broke off")
            return turn
        told = told.without(self._key)
        raise await self._wrong(client, told) from None

    async def _heard(
        self, client: AsyncOpenAI, body: dict[str, Any], taken: set[str], on_progress: OnProgress
    ) -> Turn | None:
        """None where the answer's end did not come. What raises here holds events as they came, so no traceback of
        it is shown to anybody."""
        import httpx2
        import openai

        read = ResponseReader if self._server.api == "responses" else CompletionReader
        reader: Reader = read(lambda text: scrubbed(text, self._key))
        say = said_without(self._key, lambda text: on_progress(Said(text)))
        async with self._events(client, body) as events:
            try:
                async for event in events:
                    with _readable():
                        text = reader.feed(event) if isinstance(event, Mapping) else ""
                    if text:
                        say(text)
                    if reader.over:
                        break
            except (openai.APIConnectionError, httpx2.HTTPError):
                # Some servers hang up, or fall silent, where others say that there is no more.
                if not reader.complete:
                    raise
        with _readable():
            answer = reader.whole(taken)
            turn = None if answer is None else self._turn(answer)
        if turn is not None:
            say("")
        return turn

    @asynccontextmanager
    async def _events(self, client: AsyncOpenAI, body: dict[str, Any]) -> AsyncIterator[AsyncIterator[object]]:
        """The events as they are: the SDK's types leave out what they do not know, and all of it is to be sent back."""
        from openai import AsyncStream

        path = _PATHS[self._server.api]
        stream = await client.post(path, cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object])
        try:
            kind = stream.response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "application/json":
                yield _whole(json.loads(await stream.response.aread()))
            elif kind.startswith("text/html"):
                said = (await stream.response.aread()).decode("utf-8", "replace")
                raise Complaint(f"a page, and no answer: {said}", status=404)
            else:
                yield aiter(stream)
        finally:
            await stream.close()

    async def _wrong(self, client: AsyncOpenAI, told: Complaint) -> Exception:
        names = await self._near(client) if told.misses_model else ""
        found = judged(told, self._server, self._options.model, names=names)
        if isinstance(found, ContextOverflow) and _LEAST_ROOM <= told.room < self._most:
            return _TooMuchAsked(told.room)
        return found

    async def _near(self, client: AsyncOpenAI) -> str:
        """Names of the server's models that are like the one asked for, or a few of them, if it tells quickly."""
        import openai

        names: list[str] = []
        with suppress(openai.APIError, ValueError):
            listed = await client.get("/models", cast_to=object, options={"timeout": _LISTING})
            found = listed.get("data") if isinstance(listed, dict) else None
            names = [str(one.get("id")) for one in found or [] if isinstance(one, dict)]
        near = difflib.get_close_matches(self._options.model, names, n=5, cutoff=0.4)
        if not names:
            return ""
        said = f"the nearest it has: {', '.join(near)}" if near else f"it has {', '.join(sorted(names)[:5])}"
        return scrubbed(said, self._key)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncOpenAI]:
        if self._trust is None:
            import httpx2

            self._trust = httpx2.create_ssl_context()
        keep_out_of_logs(self._key, *_LOGGERS)
        async with make_client(self._server, self._key, self._options.timeout, self._trust) as client:
            yield client

    def _turn(self, answer: Answer) -> Turn:
        native = None if answer.native is None else {**self._requests.fits, **answer.native}
        turn = Turn(
            text=answer.text,
            actions=answer.actions,
            usage=self._priced(answer),
            ending=answer.ending,
            model=answer.model or self._options.model,
            native=native,
        )
        return scrubbed_turn(turn, self._key)

    def _priced(self, answer: Answer) -> Usage:
        """By the name of what answered, which may have a date in it, or else by the name that was asked for."""
        usage = self._prices.priced(answer.model, answer.usage)
        return usage if usage.cost_usd is not None else self._prices.priced(self._options.model, answer.usage)


class _TooMuchAsked(Exception):
    """The conversation fits, but not with the longest answer after it: there is ``room`` for one of fewer tokens."""

    def __init__(self, room: int) -> None:
        super().__init__(room)
        self.room = room


async def _whole(body: object) -> AsyncIterator[object]:
    """Of a server that does not stream."""
    if isinstance(body, Mapping) and body.get("error"):
        raise Complaint.of(body)
    yield body


@contextmanager
def _readable() -> Iterator[None]:
    """What is not as it is agreed is a trouble of the server's."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Complaint(_UNREADABLE) from None
