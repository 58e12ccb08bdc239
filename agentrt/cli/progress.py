"""A task's run for a person: what the agent says and does, what it has used, what it came to."""

from __future__ import annotations

import time

from agentrt.agent.builtin import ASK, TALK
from agentrt.agent.completeness import ACTOR, passed
from agentrt.agent.conclusion import RunLimits
from agentrt.agent.conversation import AGENT, EVERYBODY
from agentrt.agent.events import (
    ActionAnswered,
    ActionRefused,
    ActionStarted,
    ConversationCompacted,
    Event,
    NotDoneYet,
    OperationSettled,
    OutputCame,
    PlannerAsked,
    PlannerDelayed,
    RunStarted,
    TextCame,
    TurnTaken,
)
from agentrt.records import Operation, Usage
from agentrt.session import Result
from agentrt.showing.plain import cells, cut, plain, plain_lines, terminal_width
from agentrt.showing.words import counted, effects_text

from .screen import Lines, Screen, can_draw
from .streamed import Streamed
from .summary import summary

_TAIL = 12
"""Lines of output shown of an action that did not succeed."""
_LEAST = 24
"""Columns for what is going on, in front of what has been used."""


class Progress:
    """Watches one run, from its first event on."""

    def __init__(self, limits: RunLimits) -> None:
        self.limits = limits
        self.screen = Screen(self.status) if can_draw() else Lines()
        self.started = time.monotonic()
        self.session: str | None = None
        self.turns, self.actions, self.usage = 0, 0, Usage()
        self._doing, self._since, self._output = "starting", self.started, 0
        self._rule = ""
        """The rule whose check runs."""
        self._streamed = Streamed(self.screen)

    def __call__(self, event: Event) -> None:
        if isinstance(event, OutputCame):  # perhaps on another thread
            self._output += event.data.count(b"\n")
        elif isinstance(event, PlannerAsked):
            self._now(f"{_whose(event.actor)}thinking")
        elif isinstance(event, TextCame):
            if self._doing != (doing := f"{_whose(event.actor)}answering"):
                self._now(doing)
            self._streamed.came(_whose(event.actor), event.text)
        elif isinstance(event, TurnTaken):
            self._turn(event)
        elif isinstance(event, ActionStarted):
            self._begun(event)
        elif isinstance(event, ActionAnswered):
            for line in _answered(event):
                self.screen.line(line)
        elif isinstance(event, ActionRefused):
            self.actions += 1
            self.screen.line(f"  {plain(_whose(event.actor))}not carried out: {plain(event.because)}")
        elif isinstance(event, OperationSettled):
            self._now("between actions")
            for line in [_held(self._rule, event.operation)] if self._rule else _settled(event.operation):
                self.screen.line(f"  {line}")
        elif isinstance(event, PlannerDelayed):
            self._delayed(event)
        elif isinstance(event, NotDoneYet):
            for failure in event.failures:
                self.screen.line(f"  not done yet: {plain(failure)}")
        elif isinstance(event, ConversationCompacted):
            sizes = f"about {event.tokens_before:,} → {event.tokens_after:,} tokens"
            self.screen.line(f"  {plain(_whose(event.actor))}the conversation was cut down for the model: {sizes}")
        elif isinstance(event, RunStarted):
            self.session = event.session
            self.turns, self.actions, self.usage = event.turns, event.actions, event.usage
            if event.resumed:
                so_far = f"{counted(event.turns, 'turn')}, {counted(event.actions, 'action')} so far"
                self.screen.line(f"session {event.session} goes on: {so_far}")

    def _begun(self, event: ActionStarted) -> None:
        self.actions += event.actor != ACTOR
        self._now(f"{_whose(event.actor)}{event.shown}")
        # A rule is looked at turn by turn: whether it holds is all there is to say.
        self._rule = event.action.call if event.actor == ACTOR and event.action.call.startswith("rule ") else ""
        if not self._rule:
            self.screen.line(cut(plain(f"→ {_whose(event.actor)}{event.shown}"), terminal_width()))

    def _turn(self, event: TurnTaken) -> None:
        self.turns, self.usage = event.number, self.usage + event.turn.usage
        self._streamed.turn(_whose(event.turn.actor), event.turn.text)
        if event.turn.ending == "truncated":
            self.screen.line("  the answer came to its limit and was cut off")

    def _delayed(self, event: PlannerDelayed) -> None:
        if self._streamed.void():
            self.screen.line("  what it has said so far is void")
        self._now(f"{_whose(event.actor)}waits: {event.because}")
        self.screen.line(f"  {plain(event.because)}, asked again in {round(event.seconds, 1):g} s")

    def end(self, result: Result, options: str) -> None:
        """``options``: with which commands are about this run, from the current folder."""
        self.screen.line()
        for line in summary(result, options):
            self.screen.line(line)
        self.screen.close()

    def _now(self, doing: str) -> None:
        self._doing, self._since, self._output = doing, time.monotonic(), 0

    def status(self, width: int) -> str:
        """What runs and for how long; what has been used of what there is."""
        now, limits, usage = time.monotonic(), self.limits, self.usage
        tokens = usage.input_tokens + usage.output_tokens
        used = [f"turn {self.turns}/{limits.turns}", f"action {self.actions}/{limits.actions}"]
        used.append(f"{_clock(now - self.started)}/{_clock(limits.minutes * 60)}")
        if tokens or limits.tokens:
            used.append(f"{_short(tokens)}{f'/{_short(limits.tokens)}' if limits.tokens else ''} tokens")
        if usage.cost_usd is not None:
            used.append(f"${usage.cost_usd:.2f}{f'/{limits.cost_usd:.2f}' if limits.cost_usd else ''}")
        while len(used) > 2 and cells(" · ".join(used)) > width - _LEAST - 3:
            del used[0]  # time, tokens and cost are what one looks for
        right = " · ".join(used)
        output = f", {counted(self._output, 'line')}" if self._output else ""
        for_now = f" {int(now - self._since)} s{output}"
        room = max(width - cells(right) - 3, _LEAST) - len(for_now)
        return f"{cut(plain(self._doing), room)}{for_now} │ {right}"


def _whose(actor: str) -> str:
    """In front of what a member of a crew does."""
    return "" if actor in (AGENT, ACTOR) else f"{actor}: "


def _answered(event: ActionAnswered) -> list[str]:
    asked, whose = event.action.arguments, plain(_whose(event.actor))
    if event.action.kind == TALK:
        to = plain(str(asked.get("to", EVERYBODY)))
        return [f"→ {plain(event.actor)} tells {to}: {plain(str(asked.get('text', '')))}"]
    if event.action.kind == ASK:
        return [f"→ {whose}asks: {plain(str(asked.get('question', '')))}", f"  {plain(event.text)}"]
    steps = asked.get("steps")
    return [f"→ {whose}plan: {'; '.join(plain(str(step)) for step in steps)}"] if isinstance(steps, list) else []


def _held(rule: str, operation: Operation) -> str:
    return f"{rule}: {'holds' if passed(operation) else 'does not hold'} (operation {operation.id})"


def _settled(operation: Operation) -> list[str]:
    done = "applied to the workspace: " if operation.kind == "apply" and operation.status == "settled" else ""
    seen, parts = operation.observation, [f"{done}operation {operation.id}"]
    if operation.status != "settled":
        parts.append(operation.status.replace("_", " "))
    if seen is not None and seen.exit_code is not None:
        parts.append(f"exit code {seen.exit_code}")
    if effects := effects_text(operation.effects):
        parts.append(effects)
    lines = [", ".join(parts)]
    if seen is not None and seen.error:
        lines.append(plain(seen.error))
    if seen is not None and seen.exit_code:
        output = plain_lines(seen.output).rstrip("\n").splitlines()
        lines += [f"| {line}" for line in output[-_TAIL:]]
    return lines


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _short(number: int) -> str:
    """``950``, ``12.3k``, ``1.2M``"""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"
