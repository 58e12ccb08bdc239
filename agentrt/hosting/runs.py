"""Runs: a session's agent at work on what people asked for, one text after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentrt.agent import conversation
from agentrt.agent.conclusion import INTERRUPTED, LIMITS, Ending
from agentrt.agent.events import ActionStarted, OperationSettled, OutputCame
from agentrt.arguments import action_of, load_tool
from agentrt.contracts import Planner
from agentrt.errors import AgentrtError, UsageError
from agentrt.records import Operation, ProposedAction
from agentrt.resuming import recorded
from agentrt.runtime import Runtime
from agentrt.session import Session, open_planners
from agentrt.task import Task

from . import state
from .setup import How
from .wire import gone

if TYPE_CHECKING:
    from .host import Host

USER = "user"


@dataclass
class Line:
    """What goes on in one session."""

    queue: deque[str] = field(default_factory=deque)
    """What was said to the agent and is not heard yet."""
    run: asyncio.Task[None] | None = None
    acts: set[asyncio.Task[Operation]] = field(default_factory=set)
    """Actions by hand."""
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a run is started or stopped."""
    elsewhere: Elsewhere | None = None
    """A run that is not the host's own to start and stop."""

    @property
    def goes(self) -> bool:
        return self.run is not None or self.elsewhere is not None


@dataclass
class Elsewhere:
    """A headless run's: ``stop`` makes it end, ``over`` is set when it has."""

    stop: Callable[[], None]
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Runs:
    """Of all sessions of the workspace."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lines: dict[str, Line] = {}

    def line(self, session: str) -> Line:
        return self._lines.setdefault(session, Line())

    @property
    def busy(self) -> bool:
        return any(line.goes or line.acts for line in self._lines.values())

    async def say(self, session: str, text: str, file: Path | None = None) -> bool:
        """Start a run on it, as the task file ``file`` says where there is one; while one goes, it is told to the agent
        before its next turn. Whether it waits.

        Raises ``UsageError`` (nobody can plan), ``DocumentError``, ``PluginError``.
        """
        line = self.line(session)
        async with line.starting:
            if line.goes:
                line.queue.append(text)
                self._queued(session, line)
                return True
            self._check(session)
            task = self._host.setup.task(text, file)
            planners = await asyncio.to_thread(open_planners, task)
            self._start(session, line, task, planners, resumed=False)
            return False

    async def go_on(self, session: str, file: Path | None = None) -> None:
        """As the task says that was recorded, with today's planners (``Setup.who_goes_on``); ``file`` as for ``say``.
        Where it ended at a limit, all limits count anew: a person wants it to go on.

        Raises ``UsageError`` (it goes already; there is nothing to go on with), and as ``say``."""
        line = self.line(session)
        async with line.starting:
            if line.goes:
                raise UsageError(f"the agent is at work in session {session} already", hint="what you say, it is told")
            self._check(session)
            found = await asyncio.to_thread(recorded, self._host.store.workspace, session=session)
            planners = await asyncio.to_thread(open_planners, self._host.setup.who_goes_on(found.task, file))
            self._start(session, line, found.task, planners, resumed=True)

    async def interrupt(self, session: str) -> bool:
        """End what goes on, cleanly, and wait for that. Whether there was something."""
        line = self.line(session)
        acted = self._cancel_acts(line)
        async with line.starting:
            return await self._stop(session, line) or acted

    @asynccontextmanager
    async def stopped(self, session: str) -> AsyncIterator[None]:
        """Interrupted, and nothing is started meanwhile. What was said and not heard is heard in time."""
        line = self.line(session)
        async with line.starting:
            if line.goes:
                await self._stop(session, line, keep=True)
            try:
                yield
            finally:
                await self._write_down(session, line)

    async def act(self, session: str, kind: str, arguments: Mapping[str, Any]) -> Operation | None:
        """One action by hand. None: it was interrupted before there was anything to write down. Raises as
        ``Runtime.act``."""
        line = self.line(session)
        work: asyncio.Task[Operation] = asyncio.get_running_loop().create_task(self._act(session, kind, arguments))
        line.acts.add(work)
        try:
            await asyncio.wait([work])
        finally:
            line.acts.discard(work)
            self._host.look_about()
        return None if work.cancelled() else work.result()

    async def close(self) -> None:
        """Interrupt all of them, also what is just being started: at once, as a move in one may wait for another."""
        own = [session for session, line in self._lines.items() if line.elsewhere is None]
        await asyncio.gather(*map(self.interrupt, own))

    @staticmethod
    def _cancel_acts(line: Line) -> bool:
        """Whether there were any. A move may be waiting for them, and who stops things for the move."""
        for act in line.acts:
            act.cancel()
        return bool(line.acts)

    def _check(self, session: str) -> None:
        """Raises ``UsageError`` where a run would not outlive the one that this process is there for; ``HostGone``."""
        if self._host.ending:
            raise gone("the host ended")
        if self._host.headless:
            raise UsageError(
                f"a headless run has the workspace, and session {session} is not its own",
                hint="wait until it is over; undo, review, apply and single actions work meanwhile",
            )

    def _start(self, session: str, line: Line, task: Task, planners: Mapping[str, Planner], *, resumed: bool) -> None:
        self._host.change(session, lambda s: s.model_copy(update={"phase": "planning", "ending": None}))
        work = self._run(session, line, task, planners, resumed=resumed)
        line.run = asyncio.get_running_loop().create_task(work)

    async def _run(
        self, session: str, line: Line, task: Task, planners: Mapping[str, Planner], *, resumed: bool
    ) -> None:
        ending: Ending | None = None
        try:
            try:
                ending = await self._tasks(session, line, task, planners, resumed=resumed)
            except AgentrtError as error:
                ending = Ending(code=error.code, reason=str(error), hint=error.hint)
            except Exception as error:
                ending = Ending(code="bug", reason=self._host.bug(error))
            with suppress(AgentrtError, OSError):
                await self._write_down(session, line)
        except asyncio.CancelledError:
            ending = INTERRUPTED  # who did that has what is not heard written down
        finally:
            line.run = None
            self._host.change(session, lambda s: state.ended(s, ending))
            self._host.journal_changed()
            self._host.look_about()

    async def _tasks(
        self, session: str, line: Line, task: Task, planners: Mapping[str, Planner], *, resumed: bool
    ) -> Ending:
        """One after the other, as long as more was said. How the last one ended."""
        while True:
            async with AsyncExitStack() as stack:
                for planner in planners.values():
                    stack.push_async_callback(planner.close)
                try:
                    runtime = await stack.enter_async_context(self._host.runtimes.lend(session, How.of(task)))
                except asyncio.CancelledError:
                    if not resumed:
                        line.queue.appendleft(task.objective)  # nobody has heard it
                    raise
                ended = conversation.last_ended(runtime.conversation()) if resumed else None
                if ended is not None and ended["code"] in LIMITS:
                    runtime.say("notice", conversation.went_on())
                ending = await self._one(runtime, line, task, planners, resumed=resumed)
            if not line.queue:
                return ending
            planners = await asyncio.to_thread(open_planners, task)
            task, resumed = task.model_copy(update={"objective": self._next(session, line)}), False

    async def _one(
        self, runtime: Runtime, line: Line, task: Task, planners: Mapping[str, Planner], *, resumed: bool
    ) -> Ending:
        host, session = self._host, runtime.session

        def heard() -> list[str]:
            return self.heard(session)

        inquire = host.questions.inquire(session, lambda: host.state(session).actor)
        work = Session(runtime, task, planners, inquire, lambda event: host.tell(session, event), heard)
        result = await work.run(resumed=resumed)
        counts = {"turns": result.turns, "actions": result.actions, "usage": result.usage}
        host.change(session, lambda s: s.model_copy(update=counts))
        return Ending(code=result.code, reason=result.reason, hint=result.hint)

    def heard(self, session: str) -> list[str]:
        """What was said to the agent since it was asked last."""
        line = self.line(session)
        texts = list(line.queue)
        line.queue.clear()
        if texts:
            self._queued(session, line)
        return texts

    def _next(self, session: str, line: Line) -> str:
        text = line.queue.popleft()
        self._queued(session, line)
        return text

    def _queued(self, session: str, line: Line) -> None:
        self._host.change(session, lambda s: state.queued(s, tuple(line.queue)))

    async def _stop(self, session: str, line: Line, *, keep: bool = False) -> bool:
        """``keep``: what waits to be said goes on waiting."""
        if not (line.goes or line.acts):
            return False
        if line.goes:
            self._host.change(session, state.stopping)
        if not keep:
            self._cancel_acts(line)
        if line.run is not None:
            line.run.cancel()
            with suppress(asyncio.CancelledError):
                await line.run
        elif line.elsewhere is not None:
            line.elsewhere.stop()
            await line.elsewhere.over.wait()
        if line.acts and not keep:
            await asyncio.wait(list(line.acts))
        if not keep:
            await self._write_down(session, line)
        return True

    async def _write_down(self, session: str, line: Line) -> None:
        """What was said and not heard, so that the agent hears it when it goes on, whoever lets it."""
        if line.queue:
            async with self._host.runtimes.lend(session, to_act=False) as runtime, runtime.turn:
                self.write_down(runtime)

    def write_down(self, runtime: Runtime) -> None:
        for text in self.heard(runtime.session):
            runtime.say("notice", conversation.asked(text))

    async def _act(self, session: str, kind: str, arguments: Mapping[str, Any]) -> Operation:
        host, line = self._host, self.line(session)

        def alone() -> bool:
            """The state is not about a run, nor about a command that waits behind this one."""
            return not line.goes and len(line.acts) == 1

        action = action_of(load_tool(kind), kind, arguments)
        proposed = ProposedAction(call="", kind=kind, arguments=dict(arguments))
        started = ActionStarted(actor=USER, action=proposed, shown=load_tool(kind).show(action))
        async with host.runtimes.lend(session) as runtime:
            host.tell(session, started, fold=not line.goes)
            before = len(runtime.log())
            try:
                operation = await runtime.propose(
                    proposed, actor=USER, on_output=lambda data: host.tell(session, OutputCame(data=data))
                )
                host.tell(session, OperationSettled(operation=operation), fold=alone())
            except asyncio.CancelledError:
                cut = (op for op in runtime.log()[before:] if (op.actor, op.status) == (USER, "failed"))
                found = next((op for op in cut if op.action == action.to_dict()), None)
                if found is None:
                    raise
                return found
            finally:
                if alone():
                    host.change(session, lambda s: state.ended(s, None))
                host.journal_changed()
        return operation
