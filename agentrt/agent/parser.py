"""The parser: from what a planner worded to an action that can be carried out, or to words that say what was wrong and
what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from agentrt.arguments import read_action, takes
from agentrt.contracts import Tool
from agentrt.documents import Document
from agentrt.records import Action, ProposedAction, ToolSpec

from .builtin import ASK, BUILTIN, TALK
from .conversation import EVERYBODY, PLAN, SUBMIT


class Parser:
    """Of one agent: knows which actions it may take, and whom it can talk to."""

    def __init__(
        self, tools: Mapping[str, Tool], *, permitted: Collection[str] | None = None, others: Sequence[str] = ()
    ) -> None:
        """``permitted``: kinds of actions; all where None. ``others``: the names of the rest of its crew."""
        known = [*tools, PLAN, ASK, *([TALK] if others else []), SUBMIT]
        self.kinds = [kind for kind in known if permitted is None or kind in permitted]
        self._known, self._tools, self._others = known, tools, others

    @cached_property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the agent may propose, ``submit`` last."""
        return tuple(_spec(kind, self._description(kind), self._model(kind)) for kind in self.kinds)

    def parse(self, proposed: ProposedAction) -> Action | str:
        """The action, or what is wrong with the proposal and what was probably meant."""
        kind = proposed.kind
        if kind not in self.kinds:
            return self._no_such(kind)
        model = self._model(kind)
        if proposed.malformed:
            return f"{proposed.malformed}.\n`{kind}` takes: {takes(model)}."
        action, mistakes = read_action(model, kind, Document.of(proposed.arguments, kind))
        if action is None:
            told = "; ".join(m.message + (f" ({m.hint})" if m.hint else "") for m in mistakes)
            return f"{told}.\n`{kind}` takes: {takes(model)}."
        to = getattr(action, "to", EVERYBODY) if kind == TALK else EVERYBODY
        if to != EVERYBODY and to not in self._others:
            return f'nobody here is called "{to}".{_meant(to, self._others)} There is: {", ".join(self._others)}.'
        return action

    def _model(self, kind: str) -> type[Action]:
        return BUILTIN[kind][0] if kind in BUILTIN else self._tools[kind].action

    def _description(self, kind: str) -> str:
        return BUILTIN[kind][1] if kind in BUILTIN else self._tools[kind].description

    def _no_such(self, kind: str) -> str:
        if kind in self._known:
            return f"`{kind}` is not for you. You have: {', '.join(self.kinds)}."
        return f'no action is called "{kind}".{_meant(kind, self.kinds)} There is: {", ".join(self.kinds)}.'


def _spec(name: str, description: str, action: type[Action]) -> ToolSpec:
    schema = action.model_json_schema()
    schema.get("properties", {}).pop("kind", None)
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name != "kind"]
    return ToolSpec(name=name, description=description, parameters=schema)


def _meant(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean `{close[0]}`?" if close else ""
