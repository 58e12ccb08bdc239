"""What a rule says of itself: ``match`` and ``not_match`` are tried when a pack is read, so that it tests itself."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ConfigDict

from agentrt.documents import Document, Loc
from agentrt.records import Action, Request, RuleExample, dump_json

from .effects import EffectRule, parse_effect
from .network import NetworkRule
from .pack import Pack
from .reading import read
from .rules import Rule
from .values import Example

_WORKSPACE = "/workspace"
AnyRule = Rule | EffectRule | NetworkRule


def check(pack: Pack, document: Document) -> list[RuleExample]:
    """All of a pack's. Raises ``DocumentError`` at the first that is not as the pack says."""
    found = []
    for rule_loc, loc, rule, example, should in _each(pack):
        try:
            speaks = _speaks(rule, example)
        except ValueError as error:
            raise document.error(str(error), loc) from None
        text = example if isinstance(example, str) else dump_json(example)
        if speaks != should:
            does = "speaks of" if speaks else "does not speak of"
            raise document.error(
                f"the rule {does} {text}", loc, hint="agentrt policy explain tells how a command is read"
            )
        found.append(RuleExample(rule=document.rule(rule_loc), text=text, speaks=speaks))
    return found


def _each(pack: Pack) -> Iterator[tuple[Loc, Loc, AnyRule, Example, bool]]:
    rules: list[tuple[str, int, AnyRule]] = [("decide", at, rule) for at, rule in enumerate(pack.decide)]
    rules += [("judge", at, rule) for at, rule in enumerate(pack.judge)]
    rules += [("network", at, rule) for at, rule in enumerate(pack.network or ())]
    for key, at, rule in rules:
        yield from (((key, at), (key, at, "match", n), rule, e, True) for n, e in enumerate(rule.match))
        yield from (((key, at), (key, at, "not_match", n), rule, e, False) for n, e in enumerate(rule.not_match))


def _speaks(rule: AnyRule, example: Example) -> bool:
    """While all flags are set that the rule asks for. Raises ``ValueError``."""
    if isinstance(rule, EffectRule):
        return rule.fits(parse_effect(str(example)))  # done by an action it asks for
    flags = rule.flags or ()
    if isinstance(rule, NetworkRule):
        return rule.may_speak(Request.parse(str(example)), flags)
    fields = {"kind": "bash", "command": example} if isinstance(example, str) else dict(example)
    if not isinstance(fields.get("kind"), str):
        raise ValueError("expected a command, or an action with its `kind`")
    return rule.speaks(read(_Any.from_dict(fields), _WORKSPACE, quickly=True), flags)


class _Any(Action):
    """An action of whatever kind."""

    model_config = ConfigDict(extra="allow")
