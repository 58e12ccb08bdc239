"""Run a task from its objective to its verdict."""

from __future__ import annotations

from typing import cast

from agentrt.agent import conversation
from agentrt.agent.conclusion import Budget, Ending
from agentrt.agent.describing import describe_operation
from agentrt.agent.events import ActionStarted, OnEvent, OperationSettled, OutputCame, ignore
from agentrt.agent.loop import run_loop
from agentrt.contracts import Ask, OpenPlanner, Planner
from agentrt.history.journal import Journal
from agentrt.history.store import Lock, create, locate
from agentrt.opening import open_policy, sandbox_opener
from agentrt.planners.masks import Masked
from agentrt.plugins import find
from agentrt.records import Operation, ProposedAction, Record, Text, Usage
from agentrt.runtime import Runtime
from agentrt.task import Task

ACTOR = "agentrt"
"""The actor of the operations a task asks for: ``verify`` and ``apply``."""


class Result(Record):
    """What became of a task."""

    session: str
    success: bool
    """``verify`` passed; without one, that the agent handed the work in."""
    code: str
    """How the conversation ended (see ``Ending``); ``verify`` where the verification decided against it."""
    reason: Text
    operations: tuple[int, ...]
    """What the run added to the session, oldest first."""
    verify: Operation | None = None
    apply: Operation | None = None
    """The operation that wrote the outcome to the real workspace, where there was something to write."""
    turns: int = 0
    usage: Usage = Usage()


async def run_task(task: Task, *, on_event: OnEvent = ignore, ask: Ask | None = None) -> Result:
    """Run ``task`` in a new session of its workspace, titled by the objective.

    Where ``apply`` is ``ask`` nothing is applied: whoever can ask a person does so with the result, and applies.
    Raises what ``Runtime.open`` and ``Runtime.act`` raise, ``Conflict`` where the outcome cannot be applied, and
    ``DocumentError`` for a malformed planner file (before anything is opened).
    """
    # Mistakes in what people wrote come before anything is made.
    planner = open_planner(task)
    open_policy(task.policy, task.folder, task.workspace_path)
    sandbox_opener(task.sandbox)
    session = _new_session(task)
    async with Runtime.open(
        task.workspace_path,
        policy=task.policy,
        folder=task.folder,
        sandbox=task.sandbox,
        session=session,
        ask=ask,
    ) as runtime:
        if redactions := runtime.policy.redactions:
            planner = Masked(planner, redactions)
        return await Session(runtime, task, planner, on_event).run()


def open_planner(task: Task) -> Planner:
    """The planner a task names. Raises ``PluginError``, ``DocumentError``."""
    opener = cast(OpenPlanner, find("agentrt.planners", task.provider))
    return opener(task.planner, folder=task.folder)


def _new_session(task: Task) -> str:
    store = locate(task.workspace_path)
    create(store)
    with Lock(store).acquire(), Journal.open(store.journal) as journal:
        return journal.create_session(title=task.objective).id


class Session:
    """One task on an open runtime."""

    def __init__(self, runtime: Runtime, task: Task, planner: Planner, on_event: OnEvent) -> None:
        self.runtime, self.task, self.planner, self.tell = runtime, task, planner, on_event
        self.budget = Budget(task.limits)

    async def run(self) -> Result:
        first = len(self.runtime.log())
        self.runtime.say("task", conversation.task(self.task.objective))
        if self.task.review is not None:
            self.runtime.set_review_deadline(self.task.review.deadline, self.task.review.then)
        ending = await run_loop(self.runtime, self.planner, self.budget, on_event=self.tell)
        verified = await self.verify(ending)
        success = ending.code == "submit" if verified is None else passed(verified)
        if verified is not None:
            ending = self.decided(ending, verified)
        applied: Operation | None = None
        await self.runtime.keep_review_deadline()
        if success and self.task.apply == "on_success":
            applied = await self.runtime.apply(actor=ACTOR)
            if applied is not None:
                self.tell(OperationSettled(operation=applied))
        return Result(
            session=self.runtime.session,
            success=success,
            code=ending.code,
            reason=ending.reason,
            operations=tuple(operation.id for operation in self.runtime.log()[first:]),
            verify=verified,
            apply=applied,
            turns=self.budget.turns,
            usage=self.budget.usage,
        )

    async def verify(self, ending: Ending) -> Operation | None:
        """Run ``verify``, in what is left of the time; not after a planner's failure, which decides already.

        What it writes is not the agent's work, so none of it is kept.
        """
        command, seconds = self.task.verify, self.budget.seconds_left
        if command is None or ending.code == "planner" or seconds <= 0:
            return None
        arguments = {"command": command, "seconds": seconds}
        proposed = ProposedAction(call="verify", kind="bash", arguments=arguments)
        self.tell(ActionStarted(actor=ACTOR, action=proposed, shown=command))
        operation = await self.runtime.verify(
            "bash", actor=ACTOR, on_output=lambda data: self.tell(OutputCame(data=data)), **arguments
        )
        text = f"Verification, `{command}`:\n{describe_operation(operation)}"
        self.runtime.say("notice", {"text": text}, operation.id)
        self.tell(OperationSettled(operation=operation))
        return operation

    def decided(self, ending: Ending, verified: Operation) -> Ending:
        """The end of a conversation in the light of the verification."""
        if passed(verified):
            return ending
        seen = verified.observation
        if verified.status != "settled" or seen is None or seen.exit_code is None:
            why = f"was {verified.status.replace('_', ' ')}"
        elif seen.timed_out:
            why = seen.error or "did not end in time"
        else:
            why = f"ended with exit code {seen.exit_code}"
        return Ending(code="verify", reason=f"`{self.task.verify}` {why} (operation {verified.id})")


def passed(verified: Operation) -> bool:
    """Whether the verification speaks for the outcome."""
    seen = verified.observation
    return verified.status == "settled" and seen is not None and seen.exit_code == 0 and not seen.timed_out
