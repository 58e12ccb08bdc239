"""The transaction: propose → decide → intent → run → seal → judge → settle."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from agentrt.arguments import action_of, load_tool
from agentrt.asking import Heard, context_of, hear
from agentrt.contracts import Context, Preparing, Tool
from agentrt.errors import AgentrtError, Conflict, DiskFull, ResourceError, SandboxUnavailable, Unanswered
from agentrt.history import room
from agentrt.history.contents import based_on, keep_bases
from agentrt.narrowing import origin
from agentrt.printed import printed
from agentrt.records import (
    Action,
    Decision,
    Effect,
    Judgement,
    Observation,
    Operation,
    RequestEffect,
    RowsEffect,
    SchemaEffect,
    View,
)
from agentrt.records.effects import is_queued
from agentrt.records.operations import Status
from agentrt.repeated import behind
from agentrt.resources import Begun
from agentrt.sending import Sends, place
from agentrt.uninterrupted import uninterrupted
from agentrt.ways import pushing
from agentrt.world import ActionWorld

if TYPE_CHECKING:
    from agentrt.outward import Call
    from agentrt.runtime import Runtime

INTERRUPTED = "interrupted"
"""The error of an action whose run was ended from outside."""
_NOT_KEPT = "a verification: what it wrote is not kept"
_GRACE = 5.0
"""Seconds a tool gets beyond its commands' limit, for what it does itself."""


async def act(
    runtime: Runtime,
    kind: str,
    arguments: Mapping[str, Any],
    *,
    actor: str,
    on_output: Callable[[bytes], None] | None,
    keep: bool = True,
) -> Operation:
    """See ``Runtime.act``; without ``keep``, ``Runtime.verify``."""
    tool = load_tool(kind)
    action = action_of(tool, kind, arguments)
    heard = await hear(runtime, tool, action, actor)
    async with runtime.turn:
        operation = await carry_out(runtime, tool, action, heard=heard, actor=actor, on_output=on_output, keep=keep)
        await runtime.count(operation)
        return operation


async def carry_out(
    runtime: Runtime,
    tool: Tool,
    action: Action,
    *,
    heard: Heard,
    actor: str,
    on_output: Callable[[bytes], None] | None,
    keep: bool,
) -> Operation:
    """One action, from decision to outcome. The caller holds ``runtime.turn``.

    Without ``keep`` it is a verification: told from other acts by its target, the operation it is run after.
    """
    context = context_of(runtime)
    decision, runs = heard.decide(runtime, tool, action, context, actor)
    target = () if keep else (max(runtime.operations, default=0),)
    op = runtime.intend("act", actor=actor, action=action.to_dict(), target=target, decision=decision)
    if not runs:
        refused = Observation(error=_refusal(decision))
        return runtime.settle(op, status="denied", after=runtime.view, observation=refused)
    policy = runtime.policy_for(actor)
    one = _Action(runtime, op, action, context, keep)
    one.outside.past = partial(behind, runtime)
    one.outside.pushing = partial(pushing, runtime, one.sends, None if decision.verdict == "allow" else decision.rule)
    world: ActionWorld | None = None
    try:
        await runtime.sandbox.begin(runtime.layer(op.id))
        if isinstance(runtime.sandbox, Preparing):
            await runtime.sandbox.prepare()
        world = ActionWorld(
            runtime.sandbox,
            policy.limits,
            operation=op.id,
            output=runtime.store.outputs / runtime.layer(op.id),
            on_output=on_output,
            printed=partial(printed, runtime),
            narrow=lambda rules: policy.narrowed(rules, origin=origin(runtime.session, op.id)),
            databases=one.outside,
        )
        if runtime.outward is not None:
            one.call = await runtime.outward.call(runtime, op, context, decision)
            world.connect(one.call)
        async with asyncio.timeout(policy.limits.seconds + _GRACE):
            observation = await tool.run(action, world)
        one.stopped = world.stopped
        if world.failure is not None:  # a tool may have taken it for the action's own mistake
            raise world.failure
    except asyncio.CancelledError:
        await uninterrupted(one.abandon(INTERRUPTED, _cut_off(world)))
        raise
    except SandboxUnavailable as error:
        await uninterrupted(one.abandon(str(error), _cut_off(world)))
        raise
    except Exception as error:
        return await uninterrupted(one.abandon(_failure(error, tool), _cut_off(world), note=_cure(error)))
    return await uninterrupted(one.conclude(observation))


class _Action:
    """What follows once an action has run. None of it may stop half-way."""

    def __init__(self, runtime: Runtime, op: Operation, action: Action, context: Context, keep: bool) -> None:
        self.runtime, self.op, self.action, self.context, self.keep = runtime, op, action, context, keep
        self.before = runtime.view
        self.stopped = False
        """It was over a limit while it ran, and ended for that."""
        self.call: Call | None = None
        """Its way out, where it has one."""
        self.sends = Sends()
        self.sends.write(place(runtime.store, runtime.layer(op.id)))
        self.outside = Begun(runtime.databases, runtime.layer(op.id), runtime.store.aside)

    async def conclude(self, observation: Observation) -> Operation:
        """Seal, judge, settle; and what a later merge will be built on is kept."""
        operation = await self._settle(observation)
        if operation.status == "settled" and (wanted := based_on(operation)):
            store = self.runtime.store
            await asyncio.to_thread(keep_bases, store.bases, store.workspace, wanted)
        return operation

    async def _settle(self, observation: Observation) -> Operation:
        runtime, before = self.runtime, self.before.snapshot
        try:
            sealed = await runtime.sandbox.seal()
            files = await runtime.sandbox.changes(before, sealed)
            effects: list[Effect] = [*files, *await self.outside.seal(), *await self._sent()]
            judgement = self._within_room(runtime.policy_for(self.op.actor).judge(self.action, effects, self.context))
            told: dict[str, Any] = {"effects": effects, "judgement": judgement}
            if judgement.verdict == "roll_back":
                await self._take_back()
                told["effects"] = [*(effect for effect in effects if effect.kind != "request"), *await self._sent()]
                why = f"rolled back, nothing it did is kept: {judgement.because or judgement.rule}"
                seen = observation.model_copy(update={"error": _also(observation.error, why)})
                return self._settled("rolled_back", runtime.view, seen, **told)
            if not self.keep:
                await self._take_back()
                told = {"judgement": judgement, "effects": await self._sent(), "note": _NOT_KEPT}
                return self._settled("settled", runtime.view, observation, **told)
            await self.outside.commit()
            if effects:
                looked_at = judgement.verdict == "review" or any(map(is_queued, effects))
                told["review"] = "pending" if looked_at else "accepted"
            observation = _told_queued(observation, effects)
            marks = (*runtime.view.marks, self.op.id) if self.outside.changed else runtime.view.marks
            after = runtime.view.model_copy(update={"snapshot": sealed, "marks": marks})
            return self._settled("settled", after, observation, **told)
        except Exception as error:
            return await self.abandon(f"rolled back: {_failure(error)}", observation, note=_cure(error))

    def _within_room(self, judgement: Judgement) -> Judgement:
        """What filled the disk is not kept, or nothing could be run any more."""
        if self.stopped and judgement.verdict != "roll_back":
            try:
                room.check_floor(self.runtime.store)
            except DiskFull as error:
                return Judgement(verdict="roll_back", rule="agentrt", because=str(error))
        return judgement

    async def abandon(self, why: str, observation: Observation | None = None, *, note: str = "") -> Operation:
        """It could not be carried out: nothing of it is kept, and that is said. ``note``: what people are told besides.

        Where not even that can be written down the journal has an intent, and the error is raised.
        """
        observation = observation or Observation()
        more: dict[str, Any] = {"note": note}
        effects: list[Effect]
        try:
            await self._take_back()
        except (Conflict, ResourceError, Unanswered) as error:
            # A database had committed, or a server does not let go of it: nobody may think that nothing is left.
            why = f"{why}; and what it changed outside may stand: {error}"
            more["review"] = "pending"
            effects = [*self.outside.left, *(_may_stand(effect) for effect in await self._sent())]
        else:
            effects = [*await self._sent()]
        observation = observation.model_copy(update={"error": _also(observation.error, why)})
        return self._settled("failed", self.runtime.view, observation, effects=effects, **more)

    def _settled(self, status: Status, after: View, observation: Observation, **more: Any) -> Operation:
        if self.call is not None and self.call.canaries:
            # Whatever else is said of it: a person looks at this before the session goes on.
            more["review"] = "pending"
        operation = self.runtime.settle(self.op, status=status, after=after, observation=observation, **more)
        if self.call is not None:
            self.call.settled()
        self.sends.settled()
        return operation

    async def _sent(self) -> tuple[RequestEffect, ...]:
        """What went out, or was to. From here on nothing of the action's does."""
        return (*(() if self.call is None else await self.call.end()), *self.sends.effects)

    async def _take_back(self) -> None:
        """Databases and the sandbox stand where they stood, and the disk has its room again: perhaps that is what was
        missing."""
        await self.outside.discard()
        await self.runtime.sandbox.restore(self.before.snapshot)
        try:
            # What the journal may speak of is left: that it was settled could be what went unnoticed.
            if self.runtime.journal.operation(self.runtime.session, self.op.id).status != "intent":
                return
        except (AgentrtError, OSError):
            return  # when it can be read again, what is found cut off is settled
        with suppress(AgentrtError, OSError):  # what is left is found by ``agentrt gc``
            await self.runtime.sandbox.remove([self.runtime.layer(self.op.id)])
        await self.outside.take_back()


def _told_queued(observation: Observation, effects: Sequence[Effect]) -> Observation:
    """Of databases: what was shown of them is not there. (Requests and pushes tell it themselves.)"""
    held = {one.database: one.due for one in effects if isinstance(one, RowsEffect | SchemaEffect) and one.queued}
    lines = ""
    for database, due in held.items():
        until = "until a person releases it"
        if due is not None:
            until = f"for {due - time.time():.0f} seconds, and then unless it is dropped"
        lines += f"(queued: nothing of it is in {database} {until}; later statements do not see it)\n"
    return observation.model_copy(update={"output": observation.output + lines}) if lines else observation


def _may_stand(effect: RequestEffect) -> RequestEffect:
    """It was to be taken back, and that went wrong."""
    return effect.model_copy(update={"reversibility": "unknown", "resource": ""}) if effect.resource else effect


def _cut_off(world: ActionWorld | None) -> Observation | None:
    """By an action that was not seen through to its end."""
    return None if world is None else world.cut_off


def _refusal(decision: Decision) -> str:
    because = f": {decision.because}" if decision.because else ""
    if decision.answer:
        return f"denied: {decision.answer} ({decision.rule}{because})"
    if decision.verdict == "deny":
        return f"denied by {decision.rule}{because}"
    return f"denied: {decision.rule} asks for a person, and none is here{because}"


def _failure(error: Exception, tool: Tool | None = None) -> str:
    """What went wrong, for the planner; of a bug in a plug-in also where, for whoever has to find it."""
    if isinstance(error, TimeoutError):
        return "it took longer than its limit"
    if isinstance(error, AgentrtError | OSError):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    who = f"the tool {tool.name}" if tool is not None else "a plug-in"
    return f"{who} broke: {type(error).__name__}: {error} ({last.filename}:{last.lineno})"


def _cure(error: Exception) -> str:
    return error.hint if isinstance(error, AgentrtError) else ""


def _also(first: str | None, second: str) -> str:
    return f"{first}; {second}" if first else second
