"""A planner that follows a script: a YAML file of turns. For examples, tests, and agents without a model.

It remembers nothing: which turn comes next is read from the conversation, where each action's ``call`` is
``<turn>.<action>``. So after an undo that takes the conversation back, the script goes back with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from agentrt import plugins
from agentrt.agent.builtin import BUILTIN
from agentrt.agent.conversation import cut_off, pending
from agentrt.arguments import GROUP, load_tool, read_action, takes
from agentrt.contracts import OnProgress, unheard
from agentrt.documents import Document, Loc, Mistake, Written, describe, load_yaml, nearest, validate
from agentrt.errors import PlannerError
from agentrt.records import Message, ProposedAction, Text, ToolSpec, Turn


def _regex(value: object) -> re.Pattern[str]:
    if not isinstance(value, str):
        raise ValueError(f"expected a regular expression, not {describe(value)}")
    try:
        return re.compile(value, re.MULTILINE)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None


def _action(value: object) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(f"expected one action, such as `bash: {{command: ls}}`, not {_several(value)}")
    ((kind, arguments),) = value.items()
    if arguments is not None and not isinstance(arguments, Mapping):
        raise ValueError(f"expected the arguments of `{kind}` as a mapping, not {describe(arguments)}")
    return kind, {} if arguments is None else arguments


def _several(value: object) -> str:
    return f"{len(value)} at once" if isinstance(value, Mapping) and value else describe(value)


Regex = Annotated[re.Pattern[str], PlainValidator(_regex)]
ScriptedAction = Annotated[tuple[str, Mapping[str, Any]], PlainValidator(_action)]


class ScriptedTurn(Written):
    """One turn of the script."""

    text: Text = ""
    when: Regex | None = None
    """Passed over unless this is found in the observations since the last turn."""
    expect: Regex | None = None
    """The script fails unless this is found there."""
    actions: Annotated[tuple[ScriptedAction, ...], Field(strict=False, min_length=1)]


class Script(Written):
    """The whole file."""

    turns: Annotated[tuple[ScriptedTurn, ...], Field(strict=False, min_length=1)]


class ScriptOptions(Written):
    """``planner`` of a task: ``{provider: script, file: FILE}`` or, in short, ``{script: FILE}``."""

    provider: Literal["script"] = "script"
    file: str | None = None
    script: str | None = None


@dataclass(frozen=True)
class ScriptPlanner:
    """Follows ``script``, which stands in ``document``."""

    script: Script
    document: Document
    name: str = "script"

    async def plan(
        self, conversation: Sequence[Message], tools: Sequence[ToolSpec], on_progress: OnProgress = unheard
    ) -> Turn:
        """The next turn, or what is left of the last; none after the last one. Raises ``PlannerError``."""
        last = self._last(conversation)
        left = {action.call for action in pending(conversation)} | cut_off(conversation)
        if last and left:
            return self._turn(last, only=left)
        heard = _heard(conversation, last)
        for number in range(last + 1, len(self.script.turns) + 1):
            turn = self.script.turns[number - 1]
            if turn.when is not None and not turn.when.search(heard):
                continue
            if turn.expect is not None and not turn.expect.search(heard):
                raise PlannerError(self._unexpected(number, turn.expect.pattern, heard))
            return self._turn(number)
        return Turn(text="The script is at its end.")

    async def close(self) -> None:
        """It holds nothing."""

    def _last(self, conversation: Sequence[Message]) -> int:
        """Which turn of the script was the last; 0 where none was."""
        for message in reversed(conversation):
            if message.role == "planner" and message.body.get("actions"):
                return min(_number(message), len(self.script.turns))
        return 0

    def _turn(self, number: int, only: set[str] | None = None) -> Turn:
        turn = self.script.turns[number - 1]
        actions = (
            ProposedAction(call=f"{number}.{at}", kind=kind, arguments=dict(arguments))
            for at, (kind, arguments) in enumerate(turn.actions, 1)
        )
        return Turn(text=turn.text, actions=tuple(a for a in actions if only is None or a.call in only))

    def _unexpected(self, number: int, pattern: str, heard: str) -> str:
        line, column = self.document.where(("turns", number - 1, "expect"))
        came = f"came:\n{heard[-2000:]}" if heard else "nothing came"
        return f'{self.document.file}:{line}:{column}: expected a match of "{pattern}", but {came}'


def _number(message: Message) -> int:
    """Which turn of the script a planner's message is of; 0 for none."""
    actions = message.body.get("actions")
    number = actions[0]["call"].partition(".")[0] if actions else ""
    return int(number) if number.isdecimal() else 0


def _heard(conversation: Sequence[Message], last: int) -> str:
    """What came of the last turn, whatever of it had to be proposed again after a death."""
    heard: list[str] = []
    for message in reversed(conversation):
        if message.role == "planner" and _number(message) != last:
            break
        if message.role == "observation" and not message.body.get("cut_off"):
            heard.append(message.body["text"])
    return "\n".join(heard[::-1])


def open_planner(options: Mapping[str, object], *, folder: Path) -> ScriptPlanner:
    """Read the script ``options`` names, relative to ``folder``.

    Raises ``DocumentError`` (an action that no tool takes is one, too), ``PluginError`` (a tool does not load).
    """
    document = Document.of(options, "planner")
    chosen = validate(ScriptOptions, document)
    named = [name for name in (chosen.file, chosen.script) if name is not None]
    if len(named) != 1:
        raise document.error("the script planner needs one file", hint="write `planner: {script: script.yaml}`")
    file = load_yaml(folder / Path(named[0]).expanduser())
    script = validate(Script, file)
    # A model is told what was wrong with its action and tries another; of a file, its writer is told.
    if mistakes := [mistake for loc, action in _actions(script) for mistake in _mistakes(file, loc, *action)]:
        raise file.refusal(mistakes)
    return ScriptPlanner(script, file)


def _actions(script: Script) -> Iterator[tuple[Loc, tuple[str, Mapping[str, Any]]]]:
    """Every action, and the way to it."""
    for turn, written in enumerate(script.turns):
        for at, action in enumerate(written.actions):
            yield ("turns", turn, "actions", at, action[0]), action


def _mistakes(file: Document, loc: Loc, kind: str, arguments: Mapping[str, Any]) -> list[Mistake]:
    """What is wrong with the action that stands at ``loc``. Raises ``PluginError``."""
    known = [*plugins.names(GROUP), *BUILTIN]
    if kind not in known:
        return [Mistake(file.where(loc, key=True), f'no action is called "{kind}"', nearest(kind, known))]
    model = BUILTIN[kind][0] if kind in BUILTIN else load_tool(kind).action
    _, mistakes = read_action(model, kind, Document(file.file, arguments, file.where(loc)))
    return [m._replace(message=f"{kind}: {m.message}", hint=m.hint or f"it takes {takes(model)}") for m in mistakes]
