"""How the app asks the host for something: the person first, and nothing that comes late takes anybody by surprise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

from textual.app import App
from textual.widget import Widget

from agentrt.errors import AgentrtError, Conflict
from agentrt.hosting.state import SessionState
from agentrt.preview import Preview
from agentrt.showing.plain import plain
from agentrt.showing.words import conflict_line

from . import deciding
from .book import Book
from .choice import Choice
from .deciding import Choices, Decided, No, Reason, Request
from .link import Link
from .lists.panes import Timeline
from .prompt import Prompt
from .words import Mode

Severity = Literal["information", "warning", "error"]


_SOON, _LATE = 0.7, 2.0
"""Seconds in which an answer is there, as a rule, and after which nobody sits there for it any more."""


class CalledOff(Exception):
    """By the person who asked for it; nothing more is done then."""


@dataclass(frozen=True)
class _Begun:
    """What the person was at when something was begun."""

    focus: Widget | None
    typed: str
    at: float = field(default_factory=time.monotonic)

    @property
    def is_late(self) -> bool:
        return time.monotonic() - self.at > _LATE


_BEGUN: ContextVar[_Begun | None] = ContextVar("begun", default=None)
"""Of the work that goes on beside the app."""
_IN_TURN = frozenset({"accept", "remember", "reject", "revert", "apply", "fork"})
"""What is done between two actions."""


class Asking(App[int]):
    """What all actions have in common."""

    book: Book
    link: Link
    state: SessionState
    """As the host has it."""
    plan: Mapping[str, str]
    """The task file that says who plans, where one was named."""
    waiting: frozenset[str] = frozenset()
    """What the host was asked and waits for its turn, in a word."""
    off: frozenset[str] = frozenset()
    """What of that the person called off."""
    _chosen: tuple[Choices, str | None] | None = None
    """With the session that it is about, as ``_reason``: another one may be shown when it is answered."""
    _reason: tuple[Request, str | None] | None = None
    _left: Widget | None = None
    """What had the focus before something was asked."""

    def say(self, text: str, severity: Severity = "information") -> None:
        """A line for the person; it is safe to show."""
        self.notify(text, severity=severity, markup=False, timeout=4 if severity == "information" else 10)

    def follow(self, decided: Decided, session: str | None = None) -> None:
        """Do it, or ask first; not where the person has turned to something else in the meantime. ``session``: which
        one it is about, where that need not be the one that is shown."""
        session = session or self.book.session
        begun = _BEGUN.get()
        if isinstance(decided, No):
            self.say(decided.because, "warning")
        elif begun is not None and self._moved_on(begun):
            self.say("you were at something else when it was ready: press its key once more", "warning")
        elif isinstance(decided, Choices):
            self._chosen = decided, session
            self.leave()
            self.query_one(Choice).ask(decided.text, decided.options, late=begun is not None and begun.is_late)
        elif isinstance(decided, Reason):
            self._reason = decided.request, session
            self.type(Mode("reason", f"why? enter sends (may be empty), esc leaves it · {decided.label}"))
        else:
            self.start(self.send(decided, session))

    def type(self, mode: Mode, text: str = "") -> None:
        """At the bottom, and then back to where one was."""
        self.leave()
        self.query_one(Prompt).enter(mode, text)

    def leave(self) -> None:
        """For something that is asked."""
        if not isinstance(focused := self.screen.focused, (Prompt, Choice)):
            self._left = focused

    def come_back(self) -> None:
        """To where one was, or else to the timeline."""
        left, self._left = self._left, None
        (left if left is not None and left.is_attached and left.focusable else self.query_one(Timeline)).focus()

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Beside the app, which goes on."""
        begun = _Begun(self.screen.focused, self.query_one(Prompt).text)

        async def known() -> None:
            _BEGUN.set(begun)
            try:
                await work
            except CalledOff as off:
                self.say(f"{off} called off")

        self.run_worker(known(), group="requests")

    def _moved_on(self, begun: _Begun) -> bool:
        """Another dialog is open, or something is being typed that was not."""
        if len(self.screen_stack) > 1 or self._chosen is not None or self._reason is not None:
            return True
        prompt = self.query_one(Prompt)
        return prompt.has_focus and (begun.focus is not prompt or prompt.text != begun.typed)

    def chose(self, key: str | None) -> None:
        chosen, self._chosen = self._chosen, None
        if chosen is not None and key is not None:
            choices, session = chosen
            self.follow(choices.answers[key][1], session)

    def because(self, text: str) -> None:
        """The reason that was waited for."""
        reason, self._reason = self._reason, None
        if reason is not None:
            request, session = reason
            self.follow(Request(request.method, {**request.arguments, "because": text}, request.done), session)

    async def send(self, request: Request, session: str | None = None) -> Any:
        """Ask the host, and say what came of it; None where it could not be done. ``session``: see ``follow``."""
        try:
            answer = self.ask(request.method, session, **request.arguments)
            answer = await (self.waited(answer, request.method) if request.method in _IN_TURN else answer)
        except AgentrtError as error:
            if words := str(request.arguments.get("text") or request.arguments.get("because") or ""):
                self.query_one(Prompt).remember(words)
            if isinstance(error, Conflict) and request.method == "reject":
                self.follow(deciding.conflicting(request, error.conflicts), session)
            else:
                self.say(told(error), "error")
            return None
        if request.done:
            self.say(request.done)
        return answer

    async def waited(self, answer: Coroutine[Any, Any, Any], what: str) -> Any:
        """Says so where it has to wait for what runs. Raises what ``answer`` does."""
        work = asyncio.ensure_future(answer)
        try:
            _, pending = await asyncio.wait([work], timeout=_SOON)
            if pending and self.state.phase in ("acting", "asking"):
                self._wait(self.waiting | {what})
                self.say(f"{what} waits until what runs is done; esc calls it off")
            return await work
        except AgentrtError as error:
            if what in self.off:
                raise CalledOff(what) from error
            raise
        finally:
            work.cancel()
            self.off -= {what}
            self._wait(self.waiting - {what})

    def _wait(self, waiting: frozenset[str]) -> None:
        if waiting != self.waiting:
            self.waiting = waiting
            self.show_status()

    def show_status(self) -> None:
        """``waiting`` is in it."""
        raise NotImplementedError

    async def ask(self, method: str, session: str | None = None, **arguments: Any) -> Any:
        """``session``: the one that is shown, if none is named. Raises ``AgentrtError``."""
        # A question is known by its id, in whichever session; a new session is in none.
        of = {} if method == "new" or "question" in arguments else {"session": session or self.book.session}
        return await self.link.ask(method, **of, **arguments)

    async def preview(self, kind: str, **arguments: Any) -> Preview | None:
        """None where nothing can be told."""
        try:
            return Preview.from_dict(await self.waited(self.ask("preview", kind=kind, **arguments), kind))
        except AgentrtError:
            return None


def told(error: AgentrtError) -> str:
    lines = [plain(str(error))]
    if isinstance(error, Conflict):
        lines += map(conflict_line, error.conflicts[:6])
    return "\n".join([*lines, *([f"hint: {plain(error.hint)}"] if error.hint else [])])
