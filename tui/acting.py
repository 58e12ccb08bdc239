"""What the keys do: decided in ``deciding``, asked of the host, said to the person."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Literal

from textual.app import App
from textual.widget import Widget

from agentrt.errors import AgentrtError, Conflict
from agentrt.hosting.state import SessionState
from agentrt.preview import Preview
from agentrt.showing.plain import plain, plain_lines
from agentrt.showing.words import conflict_line

from . import deciding
from .book import Book, Move
from .choice import Choice
from .deciding import Choices, Decided, No, Reason, Request, Selected
from .detail.live import Live
from .link import Link
from .lists.panes import Timeline
from .prompt import Prompt
from .words import Mode, command

Severity = Literal["information", "warning", "error"]


_SOON = 0.7
"""Seconds in which an answer is there, as a rule."""

_IN_TURN = frozenset({"accept", "remember", "reject", "revert", "apply", "fork"})
"""What is done between two actions."""


class Acting(App[int]):
    """The actions of ``keys`` that ask the host for something."""

    book: Book
    link: Link
    state: SessionState
    """As the host has it."""
    plan: Mapping[str, str]
    """The task file that says who plans, where one was named."""
    _chosen: Choices | None = None
    _reason: Request | None = None
    _left: Widget | None = None
    """What had the focus before something was asked."""

    # What it acts on

    @property
    def selected(self) -> Selected:
        """What the cursor is on."""
        raise NotImplementedError

    def say(self, text: str, severity: Severity = "information") -> None:
        """A line for the person; it is safe to show."""
        self.notify(text, severity=severity, markup=False, timeout=4 if severity == "information" else 10)

    def go_to(self, session: str) -> None:
        """Another session of the workspace."""
        raise NotImplementedError

    def why_not(self, name: str) -> str:
        """Why an action cannot be done, as far as that is known without asking anybody; "" where it can."""
        selected, decided = self.selected, None
        if name == "accept":
            decided = deciding.accept(selected)
        elif name == "reject":
            decided = deciding.reject(selected)
        elif name == "undo":
            decided = deciding.undo(self.book.last_step, loses=False, preview=None)
        elif name == "redo":
            decided = deciding.redo(self.book.next_redo, loses=False, preview=None)
        elif name == "undo_to":
            decided = deciding.undo_to(selected, loses=False, preview=None)
        elif name == "revert":
            decided = deciding.revert(selected, None, {})
        return decided.because if isinstance(decided, No) else ""

    # Reviewing

    def action_accept(self) -> None:
        self.follow(deciding.accept(self.selected))

    def action_accept_alike(self) -> None:
        """The rule is shown first, as a change of the user's own policy."""
        self.start(self._accept_alike())

    async def _accept_alike(self) -> None:
        selected = self.selected
        try:
            if selected.question is not None:
                shown = await self.ask("approval", question=selected.question)
                arguments = {"question": selected.question, "allow": True, "remember": True}
                request = Request("answer", arguments, "let through, and your policy has the rule")
            elif selected.entry is not None:
                shown = await self.ask("acceptance", op=selected.entry.id)
                request = Request(
                    "remember", {"key": shown["key"]}, "your policy has the rule; all like it is accepted"
                )
            else:
                self.follow(No("select an operation or a question first"))
                return
        except AgentrtError as error:
            self.say(_told(error), "warning")
            return
        lines = plain_lines(shown["diff"]).rstrip().split("\n")
        named = next((line[4:] for line in lines if line.startswith("+++ ")), "your policy")
        changed = [line for line in lines if not line.startswith(("--- ", "+++ "))]
        self.follow(Choices("\n".join([f"This is written to {named}:", *changed]), {"w": ("write it", request)}))

    def action_reject(self) -> None:
        self.follow(deciding.reject(self.selected))

    # Going back

    def action_undo(self) -> None:
        self.start(self._undo())

    async def _undo(self) -> None:
        loses, preview = await self._move("undo", 1)
        accepted = self.book.entries[-1:] and self.book.entries[-1].kind == "accept"
        self.follow(deciding.undo(self.book.last_step, loses=loses, preview=preview, accepted=bool(accepted)))

    def action_undo_to(self) -> None:
        self.start(self._undo_to())

    async def _undo_to(self) -> None:
        selected = self.selected
        number = selected.number
        loses, preview = await self._move("restore", number) if number is not None else (False, None)
        self.follow(deciding.undo_to(selected, loses=loses, preview=preview))

    def action_redo(self) -> None:
        self.start(self._redo())

    async def _redo(self) -> None:
        loses, preview = await self._move("redo", None)
        self.follow(deciding.redo(self.book.next_redo, loses=loses, preview=preview))

    def action_revert(self) -> None:
        self.start(self._revert())

    async def _revert(self) -> None:
        selected, preview = self.selected, None
        if selected.entry is not None and selected.stands:
            preview = await self.preview("revert", ops=[selected.entry.id])
        names = deciding.named(self.book.entries, preview.dependents if preview is not None else ())
        self.follow(deciding.revert(selected, preview, names))

    def action_fork(self) -> None:
        self.start(self._fork())

    async def _fork(self) -> None:
        selected = self.selected
        number = selected.number if selected.number is not None else self.book.head
        made = await self.send(Request("fork", {"op": number}, f"forked from operation {number}"))
        if made is not None:
            self.go_to(made["session"])

    def action_new_session(self) -> None:
        self.start(self._new_session())

    async def _new_session(self) -> None:
        made = await self.send(Request("new", {}, "a new session, on the workspace as it is"))
        if made is not None:
            self.go_to(made["session"])

    def action_apply(self) -> None:
        self.start(self._apply())

    async def _apply(self) -> None:
        try:
            preview = Preview.from_dict(await self._waited(self.ask("preview", kind="apply")))
        except AgentrtError as error:
            self.say(_told(error), "error")
        else:
            self.follow(deciding.apply(preview))

    async def _move(self, kind: Move, number: int | None) -> tuple[bool, Preview | None]:
        """Whether words would go with it, and what it would do; nothing is said of a move that is none."""
        view = self.book.view_of(kind, number or 0)
        if view is None:
            return False, None
        loses = self.book.loses_words(view)
        if self.state.phase == "idle":
            return loses, await self.preview(kind, number=number)
        # A move stops the agent; a preview would wait for what it does just now.
        take_back, put_back = self.book.across(view)
        moved = Preview(kind=kind, take_back=take_back, put_back=put_back)
        return loses, moved if take_back or put_back else None

    # The agent

    def action_interrupt(self) -> None:
        self.start(self._interrupt())

    async def _interrupt(self) -> None:
        answer = await self.send(Request("interrupt")) if self.book.session is not None else {"interrupted": False}
        if answer is not None:
            self.say("interrupted; enter on an empty line goes on" if answer["interrupted"] else "nothing goes on")

    def typed(self, text: str) -> None:
        """A task, or ``!command``; nothing: go on with what was interrupted."""
        if (own := command(text)) is not None:
            request = Request("act", {"kind": "bash", "arguments": {"command": own}}) if own else None
        else:
            request = Request("task", {"text": text, **self.plan}) if text else Request("go_on", {**self.plan})
        if request is not None:
            self.query_one(Live).follow()  # what comes of it is in sight
            self.start(self.send(request))

    # What all of them have in common

    def follow(self, decided: Decided) -> None:
        """Do it, or ask first."""
        if isinstance(decided, No):
            self.say(decided.because, "warning")
        elif isinstance(decided, Choices):
            self._chosen = decided
            self.leave()
            self.query_one(Choice).ask(decided.text, decided.options)
        elif isinstance(decided, Reason):
            self._reason = decided.request
            self.type(Mode("reason", f"why? enter sends (may be empty), esc leaves it · {decided.label}"))
        else:
            self.start(self.send(decided))

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
        self.run_worker(work, group="requests")

    def chose(self, key: str | None) -> None:
        chosen, self._chosen = self._chosen, None
        if chosen is not None and key is not None:
            self.follow(chosen.answers[key][1])

    def because(self, text: str) -> None:
        """The reason that was waited for."""
        request, self._reason = self._reason, None
        if request is not None:
            self.follow(Request(request.method, {**request.arguments, "because": text}, request.done))

    async def send(self, request: Request) -> Any:
        """Ask the host, and say what came of it; None where it could not be done."""
        try:
            answer = self.ask(request.method, **request.arguments)
            answer = await (self._waited(answer) if request.method in _IN_TURN else answer)
        except AgentrtError as error:
            if isinstance(error, Conflict) and request.method == "reject":
                self.follow(deciding.conflicting(request, error.conflicts))
            else:
                self.say(_told(error), "error")
            return None
        if request.done:
            self.say(request.done)
        return answer

    async def _waited(self, answer: Coroutine[Any, Any, Any]) -> Any:
        """Says so where it has to wait for what runs."""
        work = asyncio.ensure_future(answer)
        try:
            _, pending = await asyncio.wait([work], timeout=_SOON)
            if pending and self.state.phase in ("acting", "asking"):
                self.say("it waits until what runs is done")
            return await work
        finally:
            work.cancel()

    async def ask(self, method: str, **arguments: Any) -> Any:
        """Raises ``AgentrtError``."""
        # A question is known by its id, in whichever session; a new session is in none.
        of = {} if method == "new" or "question" in arguments else {"session": self.book.session}
        return await self.link.ask(method, **of, **arguments)

    async def preview(self, kind: str, **arguments: Any) -> Preview | None:
        """None where nothing can be told."""
        try:
            return Preview.from_dict(await self._waited(self.ask("preview", kind=kind, **arguments)))
        except AgentrtError:
            return None


def _told(error: AgentrtError) -> str:
    lines = [plain(str(error))]
    if isinstance(error, Conflict):
        lines += map(conflict_line, error.conflicts[:6])
    return "\n".join([*lines, *([f"hint: {plain(error.hint)}"] if error.hint else [])])
