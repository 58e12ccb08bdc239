"""How a model is told to think, and whether its thinking holds for one conversation only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentrt.planners.options import Effort

_NAME = re.compile(r"claude[-.](?:(?P<line>[a-z]+)[-.])?(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2})(?!\d))?(?!\d)")
_LEAST = 1024
"""Tokens: no smaller budget is taken, and it must be less than all of the answer."""
_SHARE: dict[Effort, float] = {"low": 0.125, "medium": 0.25, "high": 0.5, "max": 0.75}
"""Of an answer that may be thinking, where a budget has to be named."""


@dataclass(frozen=True, slots=True)
class Thinking:
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of a request."""
    bound: bool = False
    """A block of thinking is refused where anything before it is no longer what it was when the model thought it."""

    @property
    def by_budget(self) -> bool:
        """Then a call's result is only taken together with the thinking that led to the call."""
        return bool(self.parameters.get("thinking", {}).get("type") == "enabled")


def thinking(model: str, effort: Effort | None, max_output_tokens: int) -> Thinking:
    """Raises ``ValueError`` where the model cannot think like that."""
    line, version = _version(model)
    bound = version >= (5, 5) or (version >= (5, 1) and line in ("fable", "mythos"))
    if effort is None:
        return Thinking(bound=bound)
    if effort == "none":
        return Thinking({"thinking": {"type": _off(model, line, version)}}, bound)
    if version >= (4, 6):
        return Thinking({"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}, bound)
    if max_output_tokens <= _LEAST:
        raise ValueError(f"{model} needs `max_output_tokens` of more than {_LEAST:,} to think")
    budget = max(int(max_output_tokens * _SHARE[effort]), _LEAST)
    return Thinking({"thinking": {"type": "enabled", "budget_tokens": budget}}, bound)


def _off(model: str, line: str, version: tuple[int, int]) -> str:
    if line in ("fable", "mythos") or (line, version) == ("opus", (5, 5)):
        raise ValueError(f"{model} always thinks: `low` is the least it can be told")
    return "between_tools" if (line, version) == ("sonnet", (5, 5)) else "disabled"


def _version(model: str) -> tuple[str, tuple[int, int]]:
    """The line and the version in a name; (0, 0) of a model that is not Anthropic's, (99, 0) where only it knows."""
    if found := _NAME.search(model):
        return found["line"] or "", (int(found["major"]), int(found["minor"] or 0))
    line = re.search(r"claude[-.]([a-z]+)", model)
    return (line[1], (99, 0)) if line else ("", (0, 0))
