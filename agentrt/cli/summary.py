"""What a run came to, at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from agentrt.agent.completeness import RuleOutcome, Score, passed
from agentrt.records import Usage
from agentrt.session import Result
from agentrt.showing.plain import plain
from agentrt.showing.words import counted, effects_text

_SCORES = 8
"""Shown of a long run, the last ones."""


def summary(result: Result, options: str) -> Iterator[str]:
    """Lines. ``options``: with which commands are about this run, from the current folder."""
    already = " already, nothing was run" if result.already else ""
    yield f"{f'done{already}' if result.success else 'failed'}: {plain(result.reason)}"
    if result.hint:
        yield f"hint: {plain(result.hint)}"
    if result.verify is not None:
        yield f"verify: {'passed' if passed(result.verify) else 'did not pass'} (operation {result.verify.id})"
    yield from map(_rule, result.rules)
    if result.scores:
        yield f"rules held: {_scores(result.scores)}"
    yield ", ".join(_used(result))
    if result.apply is not None:
        undo = f"agentrt undo {options}".rstrip()
        yield f"applied to the workspace: {effects_text(result.apply.effects)}; {undo} takes it out again"
    elif result.operations or result.actions:
        yield f"session {result.session}: {_commands(options)}"
    if not result.success:
        yield f"to go on with it: {f'agentrt run --resume {options}'.rstrip()}"


def _commands(options: str) -> str:
    if options:
        return f"agentrt {options} log · diff · undo · apply"
    return "agentrt log · agentrt diff · agentrt undo · agentrt apply"


def _rule(outcome: RuleOutcome) -> str:
    held = {True: "held", False: "not held", None: "not checked"}[outcome.held]
    by = f" (operation {outcome.operation})" if outcome.operation is not None else ""
    return f"rule {held}: {plain(outcome.rule)}{by}"


def _scores(scores: Sequence[Score]) -> str:
    """``1/3 → 2/3 → 3/3``: turns that changed nothing are left out."""
    steps = [step for step, _ in groupby(f"{score.held}/{score.checked}" for score in scores)]
    return " → ".join(["…", *steps[-_SCORES:]] if len(steps) > _SCORES else steps)


def _used(result: Result) -> Iterator[str]:
    yield counted(result.turns, "turn")
    yield counted(result.actions, "action")
    yield f"{result.seconds:.0f} s"
    usage = result.usage
    if tokens := usage.input_tokens + usage.output_tokens:
        yield counted(tokens, "token") + _cached(usage)
        yield _cost(usage.cost_usd)


def _cost(usd: float | None) -> str:
    if usd is None:
        return "price unknown"
    return "less than 0.01 USD" if 0 < usd < 0.005 else f"{usd:.2f} USD"


def _cached(usage: Usage) -> str:
    share = usage.cached_tokens / usage.input_tokens if usage.input_tokens else 0
    return f" ({share:.0%} of the input from a cache)" if share else ""
