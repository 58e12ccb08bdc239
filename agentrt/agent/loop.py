"""The loop: plan → gate → execute → observe, as a small LangGraph graph.

The graph's state is a cursor and nothing more. What was said and done is in the journal: a node asks it anew each
time, so a run that was cut off, or taken back by an undo, is continued from what is there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypedDict

from agentrt.contracts import Planner
from agentrt.errors import PlannerError
from agentrt.records import ProposedAction
from agentrt.runtime import Runtime

from . import conversation
from .builtin import SUBMIT
from .conclusion import Budget, Ending
from .describing import describe_operation
from .events import (
    ActionRefused,
    ActionStarted,
    OnEvent,
    OperationSettled,
    OutputCame,
    RunEnded,
    TurnTaken,
    ignore,
)
from .parser import Parser

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph


class Cursor(TypedDict):
    """All the state of the graph: where in the journal the run stands."""

    session: str
    head: int
    """The last operation of the run; 0 before the first."""
    question: str | None
    """What a person is asked and has not answered."""


async def run_loop(runtime: Runtime, planner: Planner, budget: Budget, *, on_event: OnEvent = ignore) -> Ending:
    """Continue the session's conversation until it ends. Raises what ``Runtime.act`` raises."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    loop = _Loop(runtime, planner, budget, on_event)
    loop.take_up()
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
    def __init__(self, runtime: Runtime, planner: Planner, budget: Budget, on_event: OnEvent) -> None:
        self.runtime, self.planner, self.budget, self.tell = runtime, planner, budget, on_event
        self.parser = Parser(runtime.tools, permitted=[*runtime.tools, SUBMIT])
        self.ending: Ending | None = None

    def graph(self, saver: Any) -> CompiledStateGraph[Cursor, None, Cursor, Cursor]:
        from langgraph.graph import END, START, StateGraph

        graph = StateGraph(Cursor)
        graph.add_node("plan", self.plan)
        graph.add_node("gate", self.gate)
        graph.add_node("execute", self.execute)
        graph.add_node("observe", self.observe)
        graph.add_edge(START, "plan")
        graph.add_conditional_edges("plan", self.after_plan, {"gate": "gate", "end": END})
        graph.add_conditional_edges("gate", self.after_gate, {"execute": "execute", "plan": "plan", "end": END})
        graph.add_edge("execute", "observe")
        graph.add_edge("observe", "gate")
        return graph.compile(checkpointer=saver)

    def take_up(self) -> None:
        """An action that ran, or was cut off, before its outcome could be told is told now, and not run again."""
        last, proposed = next(iter(self.runtime.log()[-1:]), None), self.next()
        if last is None or proposed is None or (last.kind, last.actor) != ("act", "agent"):
            return
        if last.before.conversation == self.runtime.view.conversation:  # nothing was said since
            operation = self.runtime.show(last.id)
            self.answer(proposed, describe_operation(operation), operation.id)

    async def plan(self, state: Cursor) -> dict[str, Any]:
        """Ask the planner, and write down what it says."""
        await self.runtime.keep_review_deadline()
        if self.ends(self.budget.before_turn()):
            return {}
        try:
            async with asyncio.timeout(self.budget.seconds_left):
                turn = await self.planner.plan(self.runtime.conversation(), self.parser.specs())
        except PlannerError as error:
            self.ends(Ending(code="planner", reason=str(error)))
            return {}
        except TimeoutError:
            # The planner's own timeouts are its own errors; only the clock of the run means an end.
            if not self.ends(self.budget.spent()):
                raise
            return {}
        self.budget.take_turn(turn)
        self.runtime.say("planner", turn.to_dict())
        self.tell(TurnTaken(number=self.budget.turns, turn=turn))
        if not turn.actions:
            self.ends(Ending(code="nothing", reason="the planner proposed no further action"))
        return {}

    async def gate(self, state: Cursor) -> dict[str, Any]:
        """Answer what is no action, until there is one to carry out or nothing is left of the turn."""
        while not self.ending and (proposed := self.next()):
            if proposed.kind == SUBMIT:
                self.submit(proposed)
            elif not self.ends(self.budget.before_action()):
                action = self.parser.parse(proposed)
                if not isinstance(action, str):
                    break
                self.budget.actions += 1
                self.tell(ActionRefused(action=proposed, because=action))
                self.answer(proposed, f"Not carried out: {action}")
        return {}

    # LangGraph runs what is not a coroutine on another thread, where the journal cannot follow.

    async def after_plan(self, state: Cursor) -> str:
        return "end" if self.ending else "gate"

    async def after_gate(self, state: Cursor) -> str:
        if self.ending:
            return "end"
        return "execute" if self.next() else "plan"

    async def execute(self, state: Cursor) -> dict[str, Any]:
        """Carry the next action out as a transaction."""
        proposed = self.next()
        assert proposed is not None
        action = self.parser.parse(proposed)
        assert not isinstance(action, str)
        self.budget.actions += 1
        shown = self.runtime.tools[proposed.kind].show(action)
        self.tell(ActionStarted(actor="agent", action=proposed, shown=shown))
        operation = await self.runtime.propose(proposed, on_output=lambda data: self.tell(OutputCame(data=data)))
        return {"head": operation.id}

    async def observe(self, state: Cursor) -> dict[str, Any]:
        """Tell the planner what became of it."""
        operation = self.runtime.show(state["head"])
        proposed = self.next()
        assert proposed is not None
        self.answer(proposed, describe_operation(operation), operation.id)
        self.tell(OperationSettled(operation=operation))
        return {}

    def next(self) -> ProposedAction | None:
        return next(iter(conversation.pending(self.runtime.conversation())), None)

    def submit(self, proposed: ProposedAction) -> None:
        self.answer(proposed, "handed in")
        text = proposed.arguments.get("text")
        self.ends(Ending(code="submit", reason=text if isinstance(text, str) and text else "handed in"))

    def answer(self, proposed: ProposedAction, text: str, operation: int | None = None) -> None:
        body = conversation.observation(proposed.call, text, operation)
        self.runtime.say("observation", body, operation)

    def ends(self, ending: Ending | None) -> bool:
        self.ending = self.ending or ending
        return self.ending is not None
