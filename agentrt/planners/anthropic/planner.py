"""One request, streamed, and another one where that may help."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from agentrt.contracts.planner import OnProgress, Said, unheard
from agentrt.planners.keys import is_here, keep_out_of_logs, said_without, scrubbed_turn
from agentrt.planners.options import ModelOptions
from agentrt.planners.prices import Prices
from agentrt.planners.prompt import HANDOVER
from agentrt.planners.retrying import with_retries
from agentrt.planners.transcript import transcript
from agentrt.records import Message, ToolSpec, Turn

from .answer import Answer
from .messages import Request, write
from .models import Thinking
from .native import Native
from .troubles import Troubles

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types.message_create_params import MessageCreateParamsStreaming

_CONNECT = 30.0
"""Seconds until a connection must stand."""
_LOGGERS = (
    *("anthropic._base_client", "anthropic._response", "anthropic._tracing", "httpx2"),
    *("httpcore2.connection", "httpcore2.http11", "httpcore2.http2", "httpcore2.proxy", "httpcore2.socks"),
)
"""Of the SDK and what it stands on: a filter holds for one logger, not for those below it."""


class AnthropicPlanner:
    """Asks a model. It holds no connection between two turns, so it works in whichever event loop it is asked."""

    name = "anthropic"

    def __init__(
        self, options: ModelOptions, *, server: str, key: str, source: str, how: Thinking, native: bool, prices: Prices
    ) -> None:
        self._options, self._server, self._how, self._native, self._prices = options, server, how, native, prices
        self._key = key
        self._troubles = Troubles(urlsplit(server).netloc, options.model, key, source)
        self._own = {"provider": "anthropic", "api": "messages", "server": server, "model": options.model}
        self._offered: dict[str, Sequence[ToolSpec]] = {}
        """What each agent of a crew was offered last."""

    def __repr__(self) -> str:
        return f"AnthropicPlanner(model={self._options.model!r}, server={self._server!r})"

    async def plan(
        self, conversation: Sequence[Message], tools: Sequence[ToolSpec], on_progress: OnProgress = unheard
    ) -> Turn:
        """Raises ``PlannerError``: ``ContextOverflow`` where the conversation is too long."""
        self._offered[_agent(conversation)] = tools
        return await self._ask(conversation, tools, on_progress)

    async def summarize(self, conversation: Sequence[Message]) -> Turn:
        """Asked with the same tools, and not forbidden to use them: to forbid it is to pay for all that is cached.
        Only where the model does not do as it is told it is forbidden. Raises what ``plan`` raises."""
        tools = self._offered.get(_agent(conversation)) or _used(conversation)
        turn = await self._ask(conversation, tools, unheard, closing=HANDOVER)
        if turn.actions or (not turn.text.strip() and turn.ending != "refused"):
            again = await self._ask(conversation, tools, unheard, closing=HANDOVER, tool_choice={"type": "none"})
            turn = again.model_copy(update={"usage": turn.usage + again.usage})
        return turn.model_copy(update={"actions": (), "native": None})

    async def close(self) -> None:
        """It holds nothing."""

    async def _ask(
        self,
        conversation: Sequence[Message],
        tools: Sequence[ToolSpec],
        on_progress: OnProgress,
        closing: str = "",
        **more: Any,
    ) -> Turn:
        native = Native.of([tool.name for tool in tools], self._native)
        told = transcript(conversation)
        request = write(told, tools, native, own=self._own, bound=self._how.bound, closing=closing)
        parameters = self._parameters(request) | more

        async def attempt() -> Turn:
            say = said_without(self._key, lambda text: on_progress(Said(text)))
            answer = await self._once(cast("MessageCreateParamsStreaming", parameters), say)
            say("")
            return answer.turn(request, native)

        turn = await with_retries(attempt, retries=self._options.retries, on_progress=on_progress)
        usage = self._prices.priced(turn.model, turn.usage)
        if usage.cost_usd is None:
            usage = self._prices.priced(self._options.model, turn.usage)
        return scrubbed_turn(turn.model_copy(update={"usage": usage}), self._key)

    def _parameters(self, request: Request) -> dict[str, Any]:
        thinking = dict(self._how.parameters)
        if self._how.by_budget and not request.may_think:
            del thinking["thinking"]
        return {
            "model": self._options.model,
            "max_tokens": self._options.max_output_tokens,
            "system": request.system,
            "messages": request.messages,
            "stream": True,
            **({"tools": request.tools} if request.tools else {}),
            **thinking,
        }

    async def _once(self, parameters: MessageCreateParamsStreaming, say: Callable[[str], None]) -> Answer:
        """Raises ``Passing``, ``PlannerError``."""
        import anthropic
        import httpx2

        silent = self._troubles.cut(f"nothing came for {self._options.timeout:g} seconds")
        try:
            async with self._client() as client, await client.messages.create(**parameters) as stream:
                kind = stream.response.headers.get("content-type", "")
                if "event-stream" not in kind:
                    raise self._troubles.no_events(kind)
                events = cast("AsyncGenerator[Any]", anthropic.AsyncStream.raw_events(stream.response))
                async with contextlib.aclosing(events):
                    return await self._heard(events, say)
        except anthropic.APIStatusError as error:
            raise self._troubles.of_status(error.status_code, error.body, error.response.headers) from None
        except (anthropic.APITimeoutError, httpx2.TimeoutException):
            raise silent from None
        except anthropic.APIConnectionError as error:
            raise self._troubles.cut(f"cannot be reached: {_reason(error.__cause__)}") from None
        except httpx2.HTTPError as error:
            raise self._troubles.cut(f"the answer was cut off: {_reason(error)}") from None

    async def _heard(self, events: AsyncGenerator[Any], say: Callable[[str], None]) -> Answer:
        """Events are read as they are, not through the SDK's models, as blocks are to be sent again as they came."""
        answer = Answer()
        while not answer.finished:
            try:
                event = json.loads((await anext(events)).data or '{"type": "ping"}')
                failed = event["type"] == "error"
                said = "" if failed else answer.take(event)
            except StopAsyncIteration:
                raise self._troubles.cut("the answer was cut off") from None
            except (ValueError, KeyError, TypeError, AttributeError):
                raise self._troubles.cut("the answer cannot be read") from None
            if failed:
                raise self._troubles.of_event(event)
            if said:
                say(said)
        return answer

    def _client(self) -> AsyncAnthropic:
        import httpx2
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        keep_out_of_logs(self._key, *_LOGGERS)
        silence = self._options.timeout
        timeout = httpx2.Timeout(silence, connect=min(silence, _CONNECT))
        return AsyncAnthropic(
            api_key=self._key,
            base_url=self._server,
            max_retries=0,
            timeout=timeout,
            default_headers=self._headers(),
            # The environment can have it write prompts elsewhere.
            open_telemetry=False,
            http_client=DefaultAsyncHttpxClient(
                timeout=timeout,
                # A key goes where it was sent, and nowhere else; what is on this machine needs no proxy.
                follow_redirects=False,
                trust_env=not is_here(self._server),
            ),
        )

    def _headers(self) -> Any:
        """The environment's own headers are for the environment's server, not for one that a task names."""
        from anthropic import Omit

        if self._options.base_url is None:
            return {}
        lines = os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").split("\n")
        return {line.partition(":")[0].strip(): Omit() for line in lines if ":" in line}


def _agent(conversation: Sequence[Message]) -> str:
    return str(conversation[0].body.get("you", "")) if conversation else ""


def _used(conversation: Sequence[Message]) -> list[ToolSpec]:
    """What was called must be offered; where the tools themselves are not known, by its name."""
    actions = [action for message in conversation for action in message.body.get("actions", ())]
    kinds = dict.fromkeys(action["kind"] for action in actions)
    return [ToolSpec(name=kind, description="Not to be used now.", parameters={"type": "object"}) for kind in kinds]


def _reason(error: BaseException | None) -> str:
    return str(error) or type(error).__name__ if error is not None else "it could not be made"
