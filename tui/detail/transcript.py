"""The live transcript of a session: the conversation in the journal, and what was told since.

The journal is the truth. What a host tells is shown until the journal has it, and not again where the journal had it
first: a turn is known by its actor, text and calls, an action by its turn and call, an operation by its number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from agentrt.agent.conclusion import LIMITS
from agentrt.history.tallies import tally_of
from agentrt.records import Message, Operation
from agentrt.showing.entries import Entry
from agentrt.showing.marks import STATES
from agentrt.showing.plain import plain
from agentrt.showing.words import action_text, ending_text, tally_text

from .blocks import MOST, Action, Asked, Block, Note, Question, Said
from .journaled import Journaled, Planned, Print, answered, named, print_of
from .tail import Tail
from .worded import Done, Result, done, result_of, text_of, whose

_TEXT = 64 * 1024
"""Characters of what is being said that are kept."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Something the journal may not have yet."""

    block: Block | None
    turn: Print | None = None
    call: str = ""
    operation: int = 0


@dataclass(frozen=True, slots=True)
class _Running:
    actor: str
    call: str
    shown: str
    tail: Tail = field(default_factory=Tail)


@dataclass(frozen=True)
class Transcript:
    """Frozen: what is told or read gives another one."""

    read_blocks: tuple[Block, ...] = ()
    read_turns: tuple[Planned, ...] = ()
    settled: int = 0
    """The last operation that is through, in the journal."""
    last: int = 0
    """The journal's last message."""
    claimed: int = 0
    """The message of the journal's turn that was told last."""
    fresh: tuple[_Told, ...] = ()
    number: int = 0
    """Of what was told, for keys."""
    actor: str = ""
    text: str = ""
    """What is being said."""
    running: _Running | None = None
    delay: Note | None = None
    questions: tuple[Question, ...] = ()
    queued: tuple[str, ...] = ()
    ending: tuple[str, str, str] | None = None
    """Code, reason and hint of the last run."""

    @classmethod
    def of(
        cls,
        messages: Sequence[Message],
        entries: Sequence[Entry],
        *,
        start: int = 0,
        stands: Collection[int] | None = None,
    ) -> Transcript:
        """See ``read``."""
        return cls().read(messages, entries, start=start, stands=stands)

    def read(
        self,
        messages: Sequence[Message],
        entries: Sequence[Entry],
        *,
        start: int = 0,
        stands: Collection[int] | None = None,
        most: int | None = None,
        own: Mapping[int, Result] = {},
    ) -> Transcript:
        """With what the journal has now. ``start``: the conversation the session began with, that of the one it was
        forked from; ``stands``: the operations that were not undone; ``most``: where there are so many messages, they
        are the last ones; ``own``: what came of acts by hand, by operation."""
        found = Journaled(entries, start, stands, most, own)
        found.read(messages)
        settled = max((entry.id for entry in reversed(entries[-2:]) if entry.status != "intent"), default=0)
        went_back = self.last not in (0, *(message.id for message in reversed(messages)))
        made = replace(
            self,
            read_blocks=tuple(found.blocks),
            read_turns=tuple(found.turns),
            settled=settled,
            last=messages[-1].id if messages else 0,
            fresh=() if went_back or self.ending is not None else self.fresh,
        )
        return made._caught_up()

    def _caught_up(self) -> Transcript:
        """Without what the journal has by now."""
        fresh, claimed = self.fresh, self.claimed
        for number, told in enumerate(self.fresh):
            if told.turn is not None and (turn := _found(self.read_turns, told.turn, claimed)) is not None:
                claimed, fresh = turn.message, self.fresh[number + 1 :]
        made = replace(self, claimed=claimed)
        kept = []
        for number, told in enumerate(fresh):
            follows = any(other.turn is not None for other in fresh[:number])
            known = 0 < told.operation <= self.settled or (not follows and told.call in made._answered)
            if not known:
                kept.append(told)
        made = replace(made, fresh=tuple(kept))
        return made if made.running is None or not made._has(made.running.call) else replace(made, running=None)

    @property
    def _turn(self) -> Planned | None:
        """Of the journal: the one that was told last."""
        if not self.claimed:
            return self.read_turns[-1] if self.read_turns else None
        return next((turn for turn in reversed(self.read_turns) if turn.message == self.claimed), None)

    @property
    def _answered(self) -> Collection[str]:
        return self._turn.answered if self._turn is not None else ()

    def _has(self, call: str) -> bool:
        """Whether the journal knows what became of a call that is told of now."""
        return not any(told.turn is not None for told in self.fresh) and call in self._answered

    # ---------------------------------------------------------------------------------------------- what is told

    def told(self, event: Mapping[str, Any]) -> Transcript:
        """With one event of ``agentrt.agent.events``, as a dict; what is unknown changes nothing."""
        fold = _FOLDS.get(str(event.get("event")))
        return self if fold is None else fold(self, event)

    def with_state(self, state: Any) -> Transcript:
        """With what the host says of the session: a ``SessionState``."""
        running = None
        if (begun := state.running) is not None:
            running = self.running
            if running is None or (running.actor, running.call) != (begun.actor, begun.action.call):
                running = _Running(begun.actor, begun.action.call, plain(begun.shown), _tail(state))
        return replace(
            self,
            actor=state.actor or self.actor,
            text=self.text if state.text and self.text.endswith(state.text) else state.text,
            running=running,
            questions=tuple(
                Question(q.id, q.kind, whose(q.actor), text_of(q.shown), plain(q.rule), text_of(q.because))
                for q in state.questions
            ),
            queued=tuple(state.queued),
            delay=None if state.phase == "idle" else self.delay,
            ending=None if state.ending is None else (state.ending.code, state.ending.reason, state.ending.hint),
        )

    def _with(self, block: Block | None, **about: Any) -> Transcript:
        return replace(self, fresh=(*self.fresh, _Told(block, **about)), number=self.number + 1)

    def _started(self, event: Mapping[str, Any]) -> Transcript:
        return replace(self, ending=None, text="", running=None, delay=None)

    def _text(self, event: Mapping[str, Any]) -> Transcript:
        text = (self.text + str(event.get("text", "")))[-_TEXT:]
        return replace(self, actor=str(event.get("actor", "")), text=text, delay=None)

    def _turn_taken(self, event: Mapping[str, Any]) -> Transcript:
        turn = event.get("turn") or {}
        made, known = replace(self, text="", delay=None), print_of(turn)
        if (found := _found(self.read_turns, known, self.claimed)) is not None:
            return replace(made, claimed=found.message, fresh=())
        text = text_of(turn.get("text"))
        said = Said(f"f{self.number}", whose(turn.get("actor")), text) if text.strip() else None
        return made._with(said, turn=known)

    def _action(self, event: Mapping[str, Any]) -> Transcript:
        call = str((event.get("action") or {}).get("call", ""))
        actor = str(event.get("actor", ""))
        if actor != "agentrt" and self._has(call):
            return self
        return replace(self, running=_Running(actor, call, plain(str(event.get("shown", "")))), delay=None)

    def _output(self, event: Mapping[str, Any]) -> Transcript:
        data = event.get("data", "")
        if self.running is None or not isinstance(data, bytes | str):
            return self
        return replace(
            self, running=replace(self.running, tail=self.running.tail.fed(data, event.get("skipped_lines", 0)))
        )

    def _operation(self, event: Mapping[str, Any]) -> Transcript:
        fields = Operation.model_fields  # a host tells more
        operation = Operation.from_dict({k: v for k, v in event["operation"].items() if k in fields})
        call = self.running.call if self.running is not None else ""
        made = replace(self, running=None)
        if operation.is_verification or operation.id <= self.settled:
            return made
        return made._with(_settled(operation), call=call, operation=operation.id)

    def _refused(self, event: Mapping[str, Any]) -> Transcript:
        action, actor = event.get("action") or {}, event.get("actor")
        call = str(action.get("call", ""))
        if self._has(call):
            return self
        more = f"not carried out: {text_of(event.get('because'))}"
        shown = plain(str(action.get("kind", "")))
        return self._with(Action(f"f{self.number}", whose(actor), shown, "failed", more=more, failed=True), call=call)

    def _was_answered(self, event: Mapping[str, Any]) -> Transcript:
        action, actor = event.get("action") or {}, str(event.get("actor", ""))
        call = str(action.get("call", ""))
        if self._has(call):
            return self
        blocks = tuple(answered(f"f{self.number}", actor, action, text_of(event.get("text")), failed=False))
        return self._with(blocks[0] if blocks else None, call=call)

    def _delayed(self, event: Mapping[str, Any]) -> Transcript:
        void = "; what it has said so far is void" if self.text else ""
        again = f"asked again in {round(float(event.get('seconds', 0)), 1):g} s{void}"
        text = f"{named(event.get('actor'))}{plain(str(event.get('because', '')))}, {again}"
        return replace(self, text="", delay=Note("delay", text, "warn"))

    def _ended(self, event: Mapping[str, Any]) -> Transcript:
        ending = str(event.get("code", "")), str(event.get("reason", "")), ""
        return replace(self, text="", running=None, delay=None, ending=ending)

    # ---------------------------------------------------------------------------------------------- what is shown

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """From the first to the last."""
        found = list(self.read_blocks)
        last = found[-1] if found else None
        if isinstance(last, Action) and last.state == "intent":
            through = any(told.operation == last.operation for told in self.fresh)
            if through or self.running is not None:  # else it is told nowhere, or was cut off
                found.pop()
        found += [told.block for told in self.fresh if told.block is not None]
        if self.text.strip():
            found.append(Said("saying", whose(self.actor), text_of(self.text), complete=False))
        asked = {question.text for question in self.questions}
        if (now := self.running) is not None and now.shown not in asked:
            lines, came = now.tail.lines, now.tail.came
            found.append(Action("running", _actor(now.actor), now.shown, "intent", output=lines, came=came))
        found += [self.delay] if self.delay is not None else []
        found += [Asked(f"q{number}", text_of(text), waits=True) for number, text in enumerate(self.queued)]
        found += self.questions
        if self.ending is not None:
            code, reason, hint = self.ending
            hint = "enter on an empty line goes on with it" if code in ("interrupted", *LIMITS) else hint
            # What was said with handing in stands right above.
            text = f"{STATES['accepted'].glyph} done" if code == "submit" else ending_text(code, reason)[:MOST]
            text += f"\nhint: {text_of(hint)}" if hint else ""
            found.append(Note("ended", text, "" if code in ("submit", "nothing") else "warn"))
        return tuple(found)


_FOLDS = {
    "started": Transcript._started,
    "text": Transcript._text,
    "turn": Transcript._turn_taken,
    "action": Transcript._action,
    "output": Transcript._output,
    "operation": Transcript._operation,
    "refused": Transcript._refused,
    "answered": Transcript._was_answered,
    "delayed": Transcript._delayed,
    "ended": Transcript._ended,
}
"""By the event's name. ``not_done`` and ``compacted`` are messages at once, and read as these."""


def _found(turns: Sequence[Planned], known: Print, after: int) -> Planned | None:
    return next((turn for turn in turns if turn.message > after and turn.print == known), None)


def _tail(state: Any) -> Tail:
    before = state.lines - state.output.count("\n")
    return Tail().fed(state.output, max(before, 0))


def _actor(actor: str) -> str:
    return "a check" if actor == "agentrt" else whose(actor)


def _settled(operation: Operation) -> Action:
    seen, decision, tally = operation.observation, operation.decision, tally_of(operation.effects)
    return done(
        Done(
            id=operation.id,
            kind=operation.kind,
            actor=operation.actor,
            status=operation.status,
            review=operation.review,
            about=action_text(operation),
            effects=tally_text(tally),
            worst=tally.worst,
            verdict=decision.verdict if decision is not None else "",
        ),
        exit_code=seen.exit_code if seen is not None else None,
        result=result_of(operation) if (operation.kind, operation.actor) == ("act", "user") else None,
    )
