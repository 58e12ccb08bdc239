"""Run a task from its objective to its verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, cast

from agentrt import databases
from agentrt.agent import conversation
from agentrt.agent.completeness import ACTOR, Demands, RuleOutcome, Score, Verdict
from agentrt.agent.conclusion import INTERRUPTED, Budget, Ending
from agentrt.agent.crew import Crew, Member
from agentrt.agent.describing import describe_operation
from agentrt.agent.events import OnEvent, OperationSettled, RunEnded, RunStarted, ignore
from agentrt.agent.loop import Heard, run_loop, silence
from agentrt.agent.parser import Parser
from agentrt.contracts import Ask, Inquire, OpenPlanner, Planner
from agentrt.errors import AgentrtError, UsageError
from agentrt.history.journal import Journal
from agentrt.history.store import Lock, create, locate
from agentrt.housing import House, sandbox_name
from agentrt.opening import open_policy
from agentrt.planners.masks import Masked
from agentrt.plugins import find
from agentrt.records import Operation, Record, Text, Usage
from agentrt.resuming import recorded
from agentrt.runtime import Runtime
from agentrt.task import Task, provider

_RESUMED = "The run is resumed by a person: go on."


class Result(Record):
    """What became of a task."""

    session: str
    success: bool
    """What the task demands is true; where it demands nothing that can be checked, that an agent handed the work in."""
    code: str
    """How the conversation ended (see ``Ending``); ``verify`` or ``rules`` where these decided against it."""
    reason: Text
    hint: Text = ""
    """What a person can do about it, where that is known."""
    operations: tuple[int, ...]
    """What the run added to the session, oldest first."""
    verify: Operation | None = None
    rules: tuple[RuleOutcome, ...] = ()
    """The task's rules in the end."""
    scores: tuple[Score, ...] = ()
    """How many of the rules with a check held, turn by turn."""
    apply: Operation | None = None
    """The operation that wrote the outcome to the real workspace, where there was something to write."""
    turns: int = 0
    """With those before it was resumed, as ``actions`` and ``usage``."""
    actions: int = 0
    usage: Usage = Usage()
    seconds: float = 0.0
    """Since it was started, or resumed."""
    already: bool = False
    """It was done before it was resumed, and no planner was asked."""


Around = Callable[[Runtime, Awaitable[Result]], Awaitable[Result]]
"""Awaits a run on its open runtime, and may do more meanwhile."""


async def alone(runtime: Runtime, run: Awaitable[Result]) -> Result:
    """Nothing else is done."""
    return await run


async def run_task(
    task: Task,
    *,
    on_event: OnEvent = ignore,
    ask: Ask | None = None,
    inquire: Inquire | None = None,
    heard: Heard = silence,
    around: Around = alone,
    resume: str | None = None,
) -> Result:
    """Run ``task`` in a new session of its workspace, titled by the objective; or go on with the session ``resume``.

    ``heard`` gives what people have said to the agent since it was asked last, before each of its turns.
    Where ``apply`` is ``ask`` nothing is applied: whoever can ask a person does so with the result, and applies.
    Raises what ``Runtime.open`` and ``Runtime.act`` raise, ``Conflict`` where the outcome cannot be applied,
    ``DocumentError`` for a malformed planner file and ``UsageError`` for a planner without a key (both before anything
    is opened).
    """
    # Mistakes in what people wrote come before anything is made.
    async with AsyncExitStack() as stack:
        planners = open_planners(task)
        for planner in planners.values():
            stack.push_async_callback(planner.close)
        with task.pointing("workspace"):
            store = locate(task.workspace_path)
        with task.pointing("policy"):
            policy = open_policy(task.policy, task.folder, task.workspace_path)
        for name, agent in task.agents.items():
            if agent.policy is not None:
                policy.narrowed(agent.policy, origin=getattr(agent.policy, "file", f"the policy of {name}"))
        with task.pointing("sandbox"):
            house = House(sandbox_name() if task.sandbox is None else task.sandbox, task.folder)
            await house.open(store, policy.confinement).close()
        for name, spec in task.databases.items():
            with task.pointing("databases", name):
                databases.Choice({name: spec}, task.folder).open(store.aside)
        session = resume if resume is not None else _new_session(task)
        runtime = await stack.enter_async_context(
            Runtime.open(
                task.workspace_path,
                policy=task.policy,
                folder=task.folder,
                sandbox=task.sandbox,
                databases=task.databases or None,
                session=session,
                ask=ask,
            )
        )
        work = Session(runtime, task, planners, inquire, on_event, heard)
        return await around(runtime, work.run(resumed=resume is not None))


async def resume_task(
    task: Task | None = None,
    *,
    workspace: Path | str | None = None,
    session: str | None = None,
    on_event: OnEvent = ignore,
    ask: Ask | None = None,
    inquire: Inquire | None = None,
    heard: Heard = silence,
    around: Around = alone,
) -> Result:
    """Go on with a run that was cut off, or ended: that of a workspace's current session, of ``session``, or of one it
    was forked from. The task is the one that was recorded, or ``task``, where its limits or its planner are others now.

    ``workspace`` is the current folder, or the task's. Raises what ``run_task`` and ``resuming.recorded`` raise.
    """
    run = recorded(workspace, session=session, task=task)
    given: Any = {"ask": ask, "inquire": inquire, "heard": heard, "around": around}
    return await run_task(run.task, on_event=on_event, resume=run.session, **given)


def open_planners(task: Task) -> dict[str, Planner]:
    """Of each agent of a task, by its name. Raises ``PluginError``, ``DocumentError``, ``UsageError``."""
    opened = {}
    for name, agent in task.agents.items():
        options = agent.planner or {}
        own = task.crew is not None and task.crew.agents[name].planner is not None
        with task.pointing(*(("crew", "agents", name) if own else ()), "planner", "provider"):
            opener = cast(OpenPlanner, find("agentrt.planners", provider(options)))
        opened[name] = opener(options, folder=task.folder)
    return opened


def _new_session(task: Task) -> str:
    store = locate(task.workspace_path)
    create(store)
    with Lock(store).acquire(), Journal.open(store.journal) as journal:
        return journal.create_session(title=task.objective).id


class Session:
    """One task on an open runtime."""

    def __init__(
        self,
        runtime: Runtime,
        task: Task,
        planners: Mapping[str, Planner],
        inquire: Inquire | None,
        on_event: OnEvent,
        heard: Heard = silence,
    ) -> None:
        self.heard = heard
        self.runtime, self.task, self.inquire, self.tell = runtime, task, inquire, on_event
        self.budget = Budget(task.limits)
        self.demands = Demands(runtime, task.verify, task.rules, on_event)
        self.crew = self._crew(planners)

    def _crew(self, planners: Mapping[str, Planner]) -> Crew:
        redactions, tools, agents = self.runtime.policy.redactions, self.runtime.tools, self.task.agents
        members = []
        for name, agent in agents.items():
            if agent.policy is not None:
                self.runtime.tighten(name, agent.policy)
            planner = Masked(planners[name], redactions) if redactions else planners[name]
            parser = Parser(tools, permitted=agent.actions, others=[other for other in agents if other != name])
            members.append(Member(name, planner, parser, agent.priority))
        return Crew(members, self.task.crew.schedule if self.task.crew is not None else "round_robin")

    async def run(self, *, resumed: bool = False) -> Result:
        """Raises what ``Runtime.act`` and ``Runtime.apply`` raise, and ``UsageError`` where it cannot be resumed.

        How it ended, also by an error, is the conversation's last word.
        """
        first = len(self.runtime.log())
        if self.task.review is not None:
            self.runtime.set_review_deadline(self.task.review.deadline, self.task.review.then)
        if resumed:
            self.take_up()
        else:
            self.begin()
        budget = self.budget
        self.tell(
            RunStarted(
                session=self.runtime.session,
                resumed=resumed,
                turns=budget.turns,
                actions=budget.actions,
                usage=budget.usage,
            )
        )
        try:
            result = await self._run(first, await self.over() if resumed else None)
        except asyncio.CancelledError:
            self.ended(INTERRUPTED)
            raise
        except AgentrtError as error:
            self.ended(Ending(code=error.code, reason=str(error), hint=error.hint))
            raise
        self.ended(Ending(code=result.code, reason=result.reason, hint=result.hint))
        return result

    async def _run(self, first: int, over: Ending | None) -> Result:
        budget = self.budget
        ending = over or await self.converse()
        verdict = await self.judge(ending)
        success = verdict is not None and verdict.passed and (self.demands.checks or ending.code == "submit")
        if verdict is not None and not verdict.passed:
            ending = verdict.ending()
        applied: Operation | None = None
        await self.runtime.keep_review_deadline()
        if success and self.task.apply == "on_success":
            applied = await self.apply()
        return Result(
            session=self.runtime.session,
            success=success,
            code=ending.code,
            reason=ending.reason,
            hint=ending.hint,
            operations=tuple(operation.id for operation in self.runtime.log()[first:]),
            verify=verdict.verified if verdict is not None else None,
            rules=verdict.rules if verdict is not None else (),
            scores=tuple(self.demands.scores),
            apply=applied,
            turns=budget.turns,
            actions=budget.actions,
            usage=budget.usage,
            seconds=budget.seconds,
            already=over is not None and success,
        )

    def ended(self, ending: Ending) -> None:
        """Write down how it ended; where even that fails the run ended as by a death."""
        body = conversation.ended(ending.code, ending.reason, ending.hint)
        with suppress(AgentrtError, OSError):
            if conversation.last_ended(self.runtime.conversation()) != body:
                self.runtime.say(conversation.ENDED, body)

    async def over(self) -> Ending | None:
        """How the conversation had ended before it was resumed, if it had; else there is something to go on with."""
        said = self.runtime.conversation()
        if (text := conversation.handed_in(said)) is not None:
            if not conversation.pending(said):
                await self.demands.score(self.budget.turns, self.budget.seconds_left)
            self.tell(RunEnded(code="submit", reason=text))
            return Ending(code="submit", reason=text)
        if conversation.pending(said) or self.crew.next(said) is not None:
            return None
        if self.demands.checks and self.demands.known and (await self.demands.judge(self.budget.seconds_left)).passed:
            ending = Ending(code="nothing", reason="no agent proposed a further action")
            self.tell(RunEnded(code=ending.code, reason=ending.reason))
            return ending
        self.runtime.say("notice", {"text": _RESUMED})
        return None

    async def converse(self) -> Ending:
        return await run_loop(
            self.runtime,
            self.crew,
            self.budget,
            demands=self.demands,
            inquire=self.inquire,
            heard=self.heard,
            on_event=self.tell,
        )

    def begin(self) -> None:
        """Say what is to be done, and all that is needed to go on with it after any kind of death. In a conversation
        that has a task already it is what a person asks for next."""
        task = self.task
        if conversation.has_task(self.runtime.conversation()):
            self.runtime.say("notice", conversation.asked(task.objective))
            return
        agents = {name: {"role": agent.role, "instructions": agent.instructions} for name, agent in task.agents.items()}
        body = conversation.task(
            task.objective,
            rules=[rule.rule for rule in task.rules],
            agents=agents if task.crew is not None else {},
            document=task.to_dict(),
            folder=str(task.folder.resolve()),
        )
        self.runtime.say("task", body, first=True)

    def take_up(self) -> None:
        """Go on where it was cut off, or ended. Raises ``UsageError`` where this task cannot."""
        said = self.runtime.conversation()
        if not conversation.has_task(said):  # it died before its first word, or was taken back to there
            self.begin()
            return
        turn = conversation.last_turn(said)
        if turn is not None and conversation.pending(said) and turn.actor not in self.task.agents:
            raise UsageError(
                f"a turn of {turn.actor} was cut off, and the task has no agent of that name",
                hint=f"its agents: {', '.join(self.task.agents)}; `agentrt undo` takes that turn's actions back",
            )
        self.budget.take_up(said)
        self.demands.take_up()

    async def judge(self, ending: Ending) -> Verdict | None:
        """Look at the outcome, in what is left of the time; not after a planner's failure, which decides already."""
        if ending.code == "planner" or (self.budget.seconds_left <= 0 and not self.demands.known):
            return None
        verdict = await self.demands.judge(self.budget.seconds_left)
        since = self.runtime.info.start.conversation  # what is older is about operations of another session
        told_of = {message.operation for message in self.runtime.conversation() if message.id > since}
        if verdict.verified is not None and verdict.verified.id not in told_of:
            told = f"Verification, `{self.task.verify}`:\n{describe_operation(verdict.verified)}"
            self.runtime.say("notice", conversation.outcome_notice(told), verdict.verified.id)
        return verdict

    async def apply(self) -> Operation | None:
        """Write the outcome to the real workspace; where that was done before the run was cut off, how it was."""
        applied = await self.runtime.apply(actor=ACTOR)
        if applied is not None:
            self.tell(OperationSettled(operation=applied))
            return applied
        standing = map(self.runtime.show, reversed(self.runtime.view.applied))
        return next((operation for operation in standing if operation.actor == ACTOR), None)
