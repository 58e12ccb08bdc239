"""Personal data is not for the model: tokens stand in its place in what is sent, and go back in what comes.

``<email_1>`` is the first thing in the conversation that the pattern ``email`` finds, ``<email_2>`` the next other one.
They are counted anew from the conversation each time, so nothing is stored, and a conversation that an undo took back,
or that goes on in another process, has the same tokens. The journal, which stays on the machine, has the real text.

What looks like a token and is none is replaced by a token of its own (``<text_1>``), so every token that comes back
from the model is either one that was given to it, or one that it made up, which stays as it is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from agentrt.contracts import OnProgress, Planner, Summarizer, unheard
from agentrt.errors import PlannerError, UsageError
from agentrt.records import Message, ToolSpec, Turn

if TYPE_CHECKING:
    import regex

SECONDS = 10.0
"""For all patterns over a whole conversation: a pattern that takes longer would take for ever."""
_LITERAL = "text"
_NAMES = ("call", "kind", "actor", "to", "you")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Redaction(Protocol):
    """What a policy's ``redact`` has: a name for the tokens, and a regular expression."""

    @property
    def name(self) -> str: ...
    @property
    def pattern(self) -> str: ...


class Masks:
    """Of one planner: ``hide`` what it is sent, ``restore`` what it then says.

    Raises ``UsageError`` for a name that is no ``[a-z][a-z0-9_]*``, is ``text``, or is there twice, and for what is no
    regular expression.
    """

    def __init__(self, redactions: Sequence[Redaction]) -> None:
        self._patterns: dict[str, regex.Pattern[str]] = {}
        for one in redactions:
            if not _NAME.fullmatch(one.name) or one.name in (_LITERAL, *self._patterns):
                raise UsageError(
                    f"{one.name!r} cannot be the name of a redaction",
                    hint=f"each has a name of its own of small letters, digits and _, and none is called {_LITERAL}",
                )
            self._patterns[one.name] = _compiled(one)
        self._token = re.compile("<(?:" + "|".join([_LITERAL, *self._patterns]) + r")_\d+>")
        self._values: dict[str, str] = {}

    def hide(self, conversation: Sequence[Message]) -> list[Message]:
        """The same messages with tokens in their texts, wherever in a body those are; keys and names of calls stay.

        Raises ``PlannerError`` where the patterns take longer than 10 seconds; then nothing may be sent.
        """
        tokens = _Tokens(time.monotonic() + SECONDS)
        hidden = [
            message.model_copy(update={"body": _body(message, lambda text: self._hide(text, tokens))})
            for message in conversation
        ]
        self._values = tokens.values
        return hidden

    def restore(self, turn: Turn) -> Turn:
        """The same turn with what the tokens of the last ``hide`` stand for, in its text and its actions' arguments."""
        actions = tuple(
            action.model_copy(update={"arguments": _mapped(action.arguments, self._restore)}) for action in turn.actions
        )
        return turn.model_copy(update={"text": self._restore(turn.text), "actions": actions})

    def _restore(self, text: str) -> str:
        return self._token.sub(lambda found: self._values.get(found[0], found[0]), text)

    def _hide(self, text: str, tokens: _Tokens) -> str:
        parts, at = [], 0
        for start, end, name in _merged(sorted(self._found(text, tokens), key=lambda span: (span[0], -span[1]))):
            parts += [text[at:start], tokens.of(name, text[start:end])]
            at = end
        return "".join([*parts, text[at:]])

    def _found(self, text: str, tokens: _Tokens) -> Iterator[tuple[int, int, str]]:
        for name, pattern in self._patterns.items():
            try:
                for found in pattern.finditer(text, timeout=max(tokens.deadline - time.monotonic(), 0.001)):
                    if found.end() > found.start():
                        yield found.start(), found.end(), name
            except TimeoutError:
                raise PlannerError(
                    f"the pattern of redact: {name} took longer than {SECONDS:g} seconds, so nothing was sent",
                    hint="write it so that there is one way to match a text: no repetition inside a repetition",
                ) from None
        for literal in self._token.finditer(text):
            yield literal.start(), literal.end(), _LITERAL


class Masked:
    """A planner that is never sent what ``redactions`` find, and need not know."""

    def __init__(self, planner: Planner, redactions: Sequence[Redaction]) -> None:
        self.name = planner.name
        self._planner, self._masks = planner, Masks(redactions)

    async def plan(
        self, conversation: Sequence[Message], tools: Sequence[ToolSpec], on_progress: OnProgress = unheard
    ) -> Turn:
        """Raises what the planner raises. Who listens hears tokens; the turn has what they stand for."""
        return self._masks.restore(await self._planner.plan(self._masks.hide(conversation), tools, on_progress))

    async def summarize(self, conversation: Sequence[Message]) -> Turn:
        """Of a planner that can; of another a turn without text. Raises what the planner raises."""
        if not isinstance(self._planner, Summarizer):
            return Turn()
        return self._masks.restore(await self._planner.summarize(self._masks.hide(conversation)))

    async def close(self) -> None:
        await self._planner.close()


class _Tokens:
    """Of one conversation."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.values: dict[str, str] = {}
        self._tokens: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, int] = {}

    def of(self, name: str, value: str) -> str:
        token = self._tokens.get((name, value))
        if token is None:
            number = self._numbers[name] = self._numbers.get(name, 0) + 1
            token = self._tokens[name, value] = f"<{name}_{number}>"
            self.values[token] = value
        return token


def _merged(spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """What overlaps becomes one, under the name of what begins first, or else is longer: no part of a match is sent."""
    merged: list[tuple[int, int, str]] = []
    for start, end, name in spans:
        if merged and start < merged[-1][1]:
            first, last, named = merged[-1]
            merged[-1] = first, max(last, end), named
        else:
            merged.append((start, end, name))
    return merged


def _body(message: Message, change: Callable[[str], str]) -> dict[str, Any]:
    if message.role != "planner":
        return _outer(message.body, change)
    # What a planner said in its own form is its own: it was sent tokens, and has them in it. Some of it is signed.
    changed = {"actions": [_outer(action, change) for action in message.body.get("actions", ())]}
    return {**message.body, **changed, "text": change(message.body.get("text", ""))}


def _outer(part: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """What names a call, an action's kind or an agent stays: planner and runtime find them by it."""
    return {key: inner if key in _NAMES else _mapped(inner, change) for key, inner in part.items()}


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """With every text changed, in mappings and lists of any depth."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mapped(inner, change) for inner in value)
    return value


def _compiled(redaction: Redaction) -> regex.Pattern[str]:
    import regex

    try:
        return regex.compile(redaction.pattern)
    except regex.error as error:
        raise UsageError(
            f"redact: {redaction.name} is not a regular expression: {error}", hint="the syntax is Python's"
        ) from None
