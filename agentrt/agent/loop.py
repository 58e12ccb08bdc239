"""The loop: plan → gate → execute → observe, as a small LangGraph graph.

The graph's state is a cursor and nothing more. What was said and done is in the journal: a node asks it anew each
time, so a run that was cut off, or taken back by an undo, is continued from what is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from agentrt.contracts import Inquire
from agentrt.errors import PlannerError
from agentrt.records import Action, Operation, ProposedAction, Turn
from agentrt.runtime import Runtime

from . import conversation
from .answering import Answering
from .builtin import BUILTIN
from .completeness import Demands
from .conclusion import SAME_FAILURE, Budget, Ending, Progress
from .crew import Crew
from .events import (
    ActionAnswered,
    ActionRefused,
    ActionStarted,
    OnEvent,
    OperationSettled,
    OutputCame,
    RunEnded,
    TurnTaken,
    ignore,
)
from .feasibility import Feasibility
from .parser import Parser
from .planning import Planning

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

_CUT_OFF = "Your answer came to the limit of output and was cut off. Go on, in smaller steps."


Heard = Callable[[], Sequence[str]]


def silence() -> Sequence[str]:
    """Nobody says anything."""
    return ()


class Cursor(TypedDict):
    """All the state of the graph: where in the journal the run stands."""

    session: str
    head: int
    """The last operation of the run; 0 before the first."""
    question: str | None
    """What a person is asked and has not answered."""


async def run_loop(
    runtime: Runtime,
    crew: Crew,
    budget: Budget,
    *,
    demands: Demands | None = None,
    inquire: Inquire | None = None,
    heard: Heard = silence,
    on_event: OnEvent = ignore,
) -> Ending:
    """Continue the session's conversation until it ends. Raises what ``Runtime.act`` raises.

    ``heard`` gives what people have said since it was asked last: it is asked before each turn.
    """
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    demands = demands or Demands(runtime, None, (), on_event)
    loop = _Loop(runtime, crew, budget, demands, inquire, heard, on_event)
    await loop.take_up()
    async with AsyncSqliteSaver.from_conn_string(str(runtime.store.root / "checkpoints.db")) as saver:
        graph = loop.graph(saver)
        await graph.ainvoke(
            Cursor(session=runtime.session, head=0, question=None),
            {
                "configurable": {"thread_id": runtime.session},
                # A turn is one step, each of its actions three; the budget ends a run, never this number.
                "recursion_limit": 2 * budget.limits.turns + 3 * budget.limits.actions + 10,
            },
            # The journal is the truth, so a cursor that lags behind a crash costs nothing.
            durability="exit",
        )
    ending = loop.ending or Ending(code="nothing", reason="the conversation stopped")
    on_event(RunEnded(code=ending.code, reason=ending.reason))
    return ending


class _Loop:
    def __init__(
        self,
        runtime: Runtime,
        crew: Crew,
        budget: Budget,
        demands: Demands,
        inquire: Inquire | None,
        heard: Heard,
        on_event: OnEvent,
    ) -> None:
        self.runtime, self.crew, self.budget, self.demands, self.tell = runtime, crew, budget, demands, on_event
        self.heard = heard
        self.answering = Answering(runtime, demands, budget, inquire, on_event)
        self.feasibility = Feasibility(runtime)
        self.progress = Progress()
        self.planning = Planning(runtime, crew, budget, on_event)
        self.carried: tuple[ProposedAction, Operation] | None = None
        """What was carried out last, and what became of it."""
        self.ending: Ending | None = None

    def graph(self, saver: Any) -> CompiledStateGraph[Cursor, None, Cursor, Cursor]:
        from langgraph.graph import END, START, StateGraph

        graph = StateGraph(Cursor)
        graph.add_node("plan", self.plan)
        graph.add_node("gate", self.gate)
        graph.add_node("execute", self.execute)
        graph.add_node("observe", self.observe)
        graph.add_edge(START, "plan")
        graph.add_conditional_edges("plan", self.after_turn, {"gate": "gate", "plan": "plan", "end": END})
        graph.add_conditional_edges("gate", self.after_gate, {"execute": "execute", "plan": "plan", "end": END})
        graph.add_edge("execute", "observe")
        graph.add_conditional_edges("observe", self.after_turn, {"gate": "gate", "plan": "plan", "end": END})
        return graph.compile(checkpointer=saver)

    async def take_up(self) -> None:
        """An action that ran, or was cut off, before its outcome could be told is told now, and not run again.

        Nothing is carried out behind one that was cut off, of which nothing is kept, or that a person took back, until
        the planner had its say.
        """
        if (proposed := self.next()) is not None and (operation := self.untold()) is not None:
            self.budget.actions += 1
            self.answer(conversation.outcome(proposed.call, operation, self.actor), operation.id)
        line = self.runtime.conversation()
        turn, left = conversation.last_turn(line), conversation.pending(line)
        if conversation.cut_off(line):
            for rest in left:
                self.answer(conversation.not_begun(rest.call, self.actor))
        elif not self.taken_back() and turn is not None and turn.actions and not left:
            await self.score()

    def taken_back(self) -> bool:
        """A person undid, restored, rejected or asked for something since the planner's turn: what is open of it is
        not for us to do."""
        line = self.runtime.conversation()
        if not conversation.moved(line):
            return False
        because = conversation.not_reached if conversation.only_asked(line) else conversation.taken_back
        for rest in conversation.pending(line):
            self.answer(because(rest.call, self.actor))
        return True

    def untold(self) -> Operation | None:
        """What was done of the turn that is being carried out, and nobody was told; not if a person moved since."""
        line = self.runtime.conversation()
        answered = next((at for at in range(len(line) - 1, -1, -1) if line[at].role in ("planner", "observation")), 0)
        since = {message.id for message in line[answered:]}
        for operation in reversed(list(self.runtime.operations.values())):
            if operation.kind in ("undo", "redo", "restore") and operation.status == "settled":
                return None
            if (operation.kind, operation.actor) == ("act", self.actor) and not operation.is_verification:
                return self.runtime.show(operation.id) if operation.before.conversation in since else None
        return None

    # LangGraph runs what is not a coroutine on another thread, where the journal cannot follow.

    async def plan(self, state: Cursor) -> dict[str, Any]:
        """Ask whose turn it is, and write down what that planner says."""
        if self.next() is not None:  # a turn that was cut off
            return {}
        await self.runtime.keep_review_deadline()
        if self.ends(self.budget.before_turn()):
            return {}
        for text in self.heard():
            self.runtime.say("notice", conversation.asked(text))
        member = self.crew.next(self.runtime.conversation())
        if member is None:
            self.ends(Ending(code="nothing", reason="no agent proposed a further action"))
            return {}
        try:
            async with asyncio.timeout(self.budget.seconds_left):
                turn = await self.planning.ask(member)
        except PlannerError as error:
            self.ends(Ending(code="planner", reason=str(error), hint=error.hint))
            return {}
        except TimeoutError:
            # The planner's own timeouts are its own errors; only the clock of the run means an end.
            if not self.ends(self.budget.spent()):
                raise
            return {}
        self.take(turn)
        if not turn.actions:
            await self.without_actions(turn)
        return {}

    def take(self, turn: Turn) -> None:
        self.budget.take_turn(turn)
        self.runtime.say("planner", turn.to_dict())
        self.tell(TurnTaken(number=self.budget.turns, turn=turn))

    async def without_actions(self, turn: Turn) -> None:
        """What it means that nothing is proposed."""
        if turn.ending == "refused":
            said = turn.text.strip()
            reason = f"the model declines to go on{f': {said}' if said else ''}"
            self.ends(Ending(code="refused", reason=reason))
        elif turn.ending == "truncated":
            self.runtime.say("notice", {"text": _CUT_OFF})
        elif self.crew.next(self.runtime.conversation()) is None:
            # Said once: who then still proposes nothing has nothing to propose.
            told = self.runtime.conversation()[-2].body.get("not_done", False)
            await self.score()
            notice = None if told else await self.answering.not_done(turn.actor)
            if notice is None:
                self.ends(Ending(code="nothing", reason="the planner proposed no further action"))
            else:
                self.runtime.say("notice", {"text": notice.text, "not_done": True}, notice.operation)

    async def gate(self, state: Cursor) -> dict[str, Any]:
        """Answer what is not for a tool to do, until there is an action to carry out or nothing is left of the turn."""
        self.taken_back()
        while not self.ending and (proposed := self.next()):
            action = self.parser.parse(proposed)
            if proposed.kind in BUILTIN and not isinstance(action, str):
                answered = await self.answering.answer(self.actor, proposed, action)
                self.answer(answered.body, answered.operation)
                if proposed.kind != conversation.SUBMIT:
                    self.tell(ActionAnswered(actor=self.actor, action=proposed, text=answered.body["text"]))
                self.ends(answered.ending)
                self.came_out(proposed, answered.failed)
            elif not self.ends(self.budget.before_action()):
                because = action if isinstance(action, str) else await self.lacking(proposed, action)
                if because is None:
                    break
                self.budget.actions += 1
                self.tell(ActionRefused(actor=self.actor, action=proposed, because=because))
                text = f"Not carried out: {because}"
                self.answer(conversation.observation(proposed.call, text, failed=True, actor=self.actor))
                self.came_out(proposed, True)
        if self.next() is None:
            await self.score()
        return {}

    async def lacking(self, proposed: ProposedAction, action: Action) -> str | None:
        return await self.feasibility.lacking(self.runtime.tools[proposed.kind], action, self.actor)

    async def after_turn(self, state: Cursor) -> str:
        if self.ending:
            return "end"
        return "gate" if self.next() else "plan"

    async def after_gate(self, state: Cursor) -> str:
        if self.ending:
            return "end"
        return "execute" if self.next() else "plan"

    async def execute(self, state: Cursor) -> dict[str, Any]:
        """Carry the next action out as a transaction."""
        proposed, self.carried = self.next(), None
        action = None if proposed is None else self.parser.parse(proposed)
        if proposed is None or action is None or isinstance(action, str):
            return {}  # a person took the turn back since it was looked at
        self.budget.actions += 1
        shown = self.runtime.tools[proposed.kind].show(action)
        self.tell(ActionStarted(actor=self.actor, action=proposed, shown=shown))
        operation = await self.runtime.propose(
            proposed, actor=self.actor, on_output=lambda data: self.tell(OutputCame(data=data))
        )
        self.carried = proposed, operation
        return {"head": operation.id}

    async def observe(self, state: Cursor) -> dict[str, Any]:
        """Tell the planner what became of it; not if a person has taken it back already."""
        if self.carried is None:
            return {}
        carried, operation = self.carried
        body = conversation.outcome(carried.call, operation, operation.actor)
        if not self.taken_back() and (proposed := self.next()) is not None and proposed.call == carried.call:
            self.answer(body, operation.id)
        self.tell(OperationSettled(operation=operation))
        self.came_out(carried, bool(body.get("failed")))
        if self.next() is None:
            await self.score()
        return {}

    async def score(self) -> None:
        """Of the turn that is over."""
        await self.demands.score(self.budget.turns, self.budget.seconds_left)

    def came_out(self, proposed: ProposedAction, failed: bool) -> None:
        if self.progress.came_out(self.actor, proposed, failed, self.runtime.view.snapshot) >= SAME_FAILURE:
            what = f"the same `{proposed.kind}` has failed {SAME_FAILURE} times, and nothing changed meanwhile"
            self.ends(Ending(code="no_progress", reason=what))

    @property
    def actor(self) -> str:
        """Whose turn is being carried out."""
        turn = conversation.last_turn(self.runtime.conversation())
        return turn.actor if turn is not None else conversation.AGENT

    @property
    def parser(self) -> Parser:
        return self.crew[self.actor].parser

    def next(self) -> ProposedAction | None:
        return next(iter(conversation.pending(self.runtime.conversation())), None)

    def answer(self, body: dict[str, Any], operation: int | None = None) -> None:
        self.runtime.say("observation", body, operation)

    def ends(self, ending: Ending | None) -> bool:
        self.ending = self.ending or ending
        return self.ending is not None
