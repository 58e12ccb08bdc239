"""Completeness: whether a task is done is for its ``verify`` and its rules to say, not for who worked on it.

Checks run in the sandbox, as operations of their own of which nothing is kept. How many of the rules hold is looked at
after each turn that changed something (the programmatic instruction-following score of MMMT-IF, turn by turn).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from agentrt.documents import Written
from agentrt.records import Operation, ProposedAction, Record, Snapshot, Text
from agentrt.runtime import Runtime

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

    @property
    def share(self) -> float:
        return self.held / self.checked


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

    def told(self) -> str:
        """What failed, for the planner."""
        return "\n\n".join(f"{what}:\n{describe_operation(operation)}" for what, operation in self.failures)


class Demands:
    """What a task demands of its outcome."""

    def __init__(self, runtime: Runtime, verify: str | None, rules: Sequence[_Rule], tell: OnEvent) -> None:
        self._runtime, self._verify, self._rules, self._tell = runtime, verify, rules, tell
        self._known: dict[str, tuple[Snapshot, Operation]] = {}
        """The last run of each command, and what it was run on."""
        self.scores: list[Score] = []

    def take_up(self, log: Iterable[Operation]) -> None:
        """Checks that passed before a run was resumed need not run again on the same files. One that did not may have
        failed for what is otherwise now."""
        for operation in log:
            if operation.is_verification and operation.actor == ACTOR and passed(operation):
                self._known[str((operation.action or {}).get("command"))] = operation.before.snapshot, operation

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
        """Run what was not yet run on the files as they are; no command takes longer than ``seconds``."""
        failures: list[tuple[str, Operation]] = []
        verified = None
        if self._verify is not None:
            verified = await self._run("verify", self._verify, seconds)
            if not passed(verified):
                failures.append((f"Verification, `{self._verify}`", verified))
        rules, broken = await self._check_rules(seconds)
        return Verdict(verified, rules, (*failures, *broken))

    async def score(self, turn: int, seconds: float) -> None:
        """How many of the rules hold after that turn."""
        if self._checked:
            rules, _ = await self._check_rules(seconds)
            self.scores.append(Score(turn=turn, held=sum(rule.held is True for rule in rules), checked=self._checked))

    async def _check_rules(self, seconds: float) -> tuple[tuple[RuleOutcome, ...], list[tuple[str, Operation]]]:
        outcomes, broken = [], []
        for number, rule in enumerate(self._rules, 1):
            if rule.check is None:
                outcomes.append(RuleOutcome(rule=rule.rule, held=None))
                continue
            operation = await self._run(f"rule {number}", rule.check, seconds)
            held = passed(operation)
            outcomes.append(RuleOutcome(rule=rule.rule, held=held, operation=operation.id))
            if not held:
                broken.append((f"Rule {number} does not hold ({rule.rule}); its check, `{rule.check}`", operation))
        return tuple(outcomes), broken

    async def _run(self, call: str, command: str, seconds: float) -> Operation:
        on = self._runtime.view.snapshot
        if command in self._known and self._known[command][0] == on:
            return self._known[command][1]
        arguments = {"command": command, "seconds": max(seconds, 1.0)}
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
