"""Completeness: whether a task is done is for its ``verify`` and its rules to say, not for who worked on it.

Checks run in the sandbox, as operations of their own of which nothing is kept. How many of the rules hold is looked at
after each turn that changed something (the programmatic instruction-following score of MMMT-IF, turn by turn).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from agentrt.documents import Written
from agentrt.records import Operation, ProposedAction, Record, Snapshot, Text
from agentrt.runtime import Runtime

from .conclusion import Ending
from .conversation import SCORE, since_last_turn
from .describing import describe_operation
from .events import ActionStarted, OnEvent, OperationSettled, OutputCame

ACTOR = "agentrt"
"""The actor of the operations a task asks for: checks and ``apply``."""


class _Rule(Written):
    rule: Annotated[str, Field(min_length=1)]
    """What must hold, in words: it is told to the planner."""
    check: Annotated[str, Field(min_length=1)] | None = None
    """A shell command that ends with exit code 0 where the rule holds."""


def _written(value: object) -> object:
    return {"rule": value} if isinstance(value, str) else value


Rule = Annotated[_Rule, BeforeValidator(_written)]
"""As a task file has it: a text, or ``{rule: TEXT, check: COMMAND}``."""


class RuleOutcome(Record):
    """What became of one rule."""

    rule: Text
    held: bool | None
    """None where it has no check, or none could be made."""
    operation: int | None = None
    """The check."""


class Score(Record):
    """How many of the rules held after a turn."""

    turn: int
    """From 1, in this run."""
    held: int
    checked: int
    """The rules that have a check."""
    share: float
    """Of those that were checked."""


@dataclass(frozen=True)
class Verdict:
    """On the state of the files at some point."""

    verified: Operation | None
    """The run of ``verify``."""
    rules: tuple[RuleOutcome, ...]
    failures: tuple[tuple[str, Operation], ...]
    """What did not pass: in words, and the operation."""

    @property
    def passed(self) -> bool:
        return not self.failures

    def ending(self) -> Ending:
        """Of a run whose outcome is not what the task demands."""
        what, operation = self.failures[0]
        seen = operation.observation
        if operation.status != "settled" or seen is None or seen.exit_code is None:
            why = f"was {operation.status.replace('_', ' ')}"
        elif seen.timed_out:
            why = seen.error or "did not end in time"
        else:
            why = f"ended with exit code {seen.exit_code}"
        if operation is self.verified:
            what, code = f"`{(operation.action or {}).get('command')}`", "verify"
        else:
            code = "rules"
        return Ending(code=code, reason=f"{what} {why} (operation {operation.id})")

    def told(self) -> str:
        """What failed, for the planner."""
        return "\n\n".join(f"{what}:\n{describe_operation(operation)}" for what, operation in self.failures)


class Demands:
    """What a task demands of its outcome."""

    def __init__(self, runtime: Runtime, verify: str | None, rules: Sequence[_Rule], tell: OnEvent) -> None:
        self._runtime, self._verify, self._rules, self._tell = runtime, verify, rules, tell
        self._known: dict[str, tuple[Snapshot, Operation]] = {}
        """The last run of each command, and what it was run on."""

    def take_up(self) -> None:
        """What has passed before a run was cut off is not run again on the same files."""
        for operation in self._runtime.log():
            if operation.is_verification and operation.actor == ACTOR and operation.action and passed(operation):
                self._known[operation.action["command"]] = operation.before.snapshot, operation
            elif operation.kind == "apply":  # of what is seen inside it changes nothing
                for command, (on, checked) in self._known.items():
                    if on == operation.before.snapshot:
                        self._known[command] = operation.after.snapshot, checked

    @property
    def scores(self) -> list[Score]:
        """Of the turns that were not taken back, those before the run was resumed as well."""
        return [Score.from_dict(said.body) for said in self._runtime.conversation() if said.role == SCORE]

    @property
    def checks(self) -> bool:
        """Anything can be checked at all."""
        return self._verify is not None or self._checked > 0

    @property
    def _checked(self) -> int:
        return sum(rule.check is not None for rule in self._rules)

    @property
    def known(self) -> bool:
        """What ``judge`` would say of the files as they are needs no further run."""
        commands = [self._verify, *(rule.check for rule in self._rules)]
        now = self._runtime.view.snapshot
        return all(self._known.get(command, (None,))[0] == now for command in commands if command is not None)

    async def judge(self, seconds: float) -> Verdict:
        """Run what was not yet run on the files as they are; together the commands have ``seconds``, and when these are
        over each has a last one."""
        until = time.monotonic() + seconds
        failures: list[tuple[str, Operation]] = []
        verified = None
        if self._verify is not None:
            verified = await self._run("verify", self._verify, until)
            if not passed(verified):
                failures.append((f"Verification, `{self._verify}`", verified))
        rules, broken = await self._check_rules(until)
        return Verdict(verified, rules, (*failures, *broken))

    async def score(self, turn: int, seconds: float) -> None:
        """How many of the rules hold after that turn, which is the last; written down once."""
        if self._checked and not since_last_turn(self._runtime.conversation(), SCORE):
            rules, _ = await self._check_rules(time.monotonic() + seconds)
            held = sum(rule.held is True for rule in rules)
            score = Score(turn=turn, held=held, checked=self._checked, share=held / self._checked)
            self._runtime.say(SCORE, score.to_dict())

    async def _check_rules(self, until: float) -> tuple[tuple[RuleOutcome, ...], list[tuple[str, Operation]]]:
        outcomes, broken = [], []
        for number, rule in enumerate(self._rules, 1):
            if rule.check is None:
                outcomes.append(RuleOutcome(rule=rule.rule, held=None))
                continue
            operation = await self._run(f"rule {number}", rule.check, until)
            held = passed(operation)
            outcomes.append(RuleOutcome(rule=rule.rule, held=held, operation=operation.id))
            if not held:
                broken.append((f"Rule {number} does not hold ({rule.rule}); its check, `{rule.check}`", operation))
        return tuple(outcomes), broken

    async def _run(self, call: str, command: str, until: float) -> Operation:
        on = self._runtime.view.snapshot
        if command in self._known and self._known[command][0] == on:
            return self._known[command][1]
        arguments = {"command": command, "seconds": max(until - time.monotonic(), 1.0)}
        proposed = ProposedAction(call=call, kind="bash", arguments=arguments)
        self._tell(ActionStarted(actor=ACTOR, action=proposed, shown=f"{call}: {command}"))
        operation = await self._runtime.verify(
            "bash", actor=ACTOR, on_output=lambda data: self._tell(OutputCame(data=data)), **arguments
        )
        self._tell(OperationSettled(operation=operation))
        self._known[command] = on, operation
        return operation


def passed(verified: Operation) -> bool:
    """Whether a check speaks for the outcome."""
    seen = verified.observation
    return verified.status == "settled" and seen is not None and seen.exit_code == 0 and not seen.timed_out
