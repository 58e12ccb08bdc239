"""What comes from the journal and from the host, and where on the screen it goes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from textual.content import Content
from textual.events import DescendantFocus
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker

from agentrt.errors import AgentrtError
from agentrt.hosting.state import SessionState
from agentrt.showing.plain import plain

from .choice import Choice
from .detail.live import Live
from .detail.scroll import Blocks
from .detail.transcript import Transcript
from .keys import Chosen, shown
from .lists.panes import Inbox, Timeline
from .lists.rows import NOW, Key
from .looking import Looking
from .pane import Pane
from .prompt import Prompt
from .sessions import PHASES
from .status import Status, hints, line
from .words import files_of, typed_before

_PACE = 0.1
"""Seconds between two looks at a journal that changes all the time."""


class Watching(Looking):
    """Keeps what is shown up with what happens."""

    keys: Chosen
    transcript: Transcript
    current: Key = NOW
    """What is shown on the right."""
    _trouble = ""
    _soon: Timer | None = None
    """When the journal is looked at again, though it changed already."""
    _looked = 0.0
    _changes: int | None = None
    _final = 0
    _ask_elsewhere: frozenset[str] = frozenset()
    """Other sessions of which was said that they ask."""

    def latest(self, work: Callable[[], Coroutine[Any, Any, object]], group: str) -> None:
        """Beside the app; an earlier one that is not done is given up."""
        _: Worker[object] = self.run_worker(work, group=group, exclusive=True)

    # What comes from the journal and the host

    def poll_soon(self) -> None:
        """It has more: look, but not more often than one can follow."""
        wait = self._looked + _PACE - time.monotonic()
        if wait <= 0:
            self.poll()
        elif self._soon is None:
            self._soon = self.set_timer(wait, self.poll)

    def poll(self) -> None:
        """Look whether the journal has more."""
        if self._soon is not None:
            self._soon.stop()
            self._soon = None
        self._looked = time.monotonic()
        before = self.book.session
        try:
            changed = self.book.poll()
        except AgentrtError as error:
            self._trouble = plain(str(error))
            self.show_status()
            return
        if self.book.session != before:
            self._opened()
        elif changed:
            self._journal_changed()
        elif self.book.talked:
            self._read_live()

    def _opened(self) -> None:
        """A session is there that was not."""
        prompt = self.query_one(Prompt)
        self.state = SessionState(session=self.book.session or "")
        self._ask_elsewhere -= {self.state.session}
        self.transcript = Transcript()
        self._journal_changed()
        prompt.typed = typed_before(*self.book.typed()).then(prompt.typed)
        self.latest(self._ask_state, "state")
        self.run_worker(lambda: self._read_files(prompt), thread=True, group="files", exclusive=True)
        if not self.is_headless:  # the process is the app's own
            # What it begins with stays: to look through it for garbage would hold the keys up, each time for longer.
            gc.freeze()

    def _read_files(self, prompt: Prompt) -> None:
        prompt.files = files_of(self.book.workspace)

    def _journal_changed(self) -> None:
        self.query_one(Timeline).update(self.book)
        self._fill_inbox()
        self._read_live()
        if self.current.what == "operation":
            self.query_one(Pane).refresh_operation()
        self._final = sum(entry.worst in ("irreversible", "unknown") for entry in self.book.entries)
        self.latest(self._count_changes, "changes")
        self.show_status()

    def _read_live(self) -> None:
        book = self.book
        messages, entries = book.conversation(), book.entries
        self.query_one(Timeline).named(" ".join(filter(None, (book.session, book.title))))
        about: Any = {"start": book.start, "stands": book.stands, "most": book.most, "own": book.own()}
        self._tell_live(self.transcript.read(messages, entries, **about))

    def on_blocks_topped(self, event: Blocks.Topped) -> None:
        event.stop()
        if self.book.look_back():
            self._read_live()

    def _tell_live(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.query_one(Live).show(transcript)

    def _fill_inbox(self) -> None:
        inbox = self.query_one(Inbox)
        inbox.update(self.state.questions, self.book.entries, self.book.to_review)
        if not inbox.has_focus and inbox.key != self.current:
            inbox.action_home()  # nobody is in it: the riskiest is in sight

    async def _count_changes(self) -> None:
        if self.book.session is None or self.state.phase != "idle":
            return
        try:
            self._changes = len(await self.ask("pending"))
        except AgentrtError:
            self._changes = None
        self.show_status()

    async def _ask_state(self) -> None:
        if self.book.session is None:
            return
        try:
            self._take(SessionState.from_dict(await self.ask("state", **self.plan)))
        except AgentrtError as error:
            self.say(plain(str(error)), "error")

    def _told(self, event: dict[str, Any]) -> None:
        """By the host."""
        if event["event"] == "journal":
            self.poll_soon()
        elif (session := event.get("session")) != self.book.session:
            if event["event"] == "state" and self.book.session is not None:
                self._told_elsewhere(str(session), asks=bool(event["state"]["questions"]))
        else:
            if event["event"] == "state":
                self._take(SessionState.from_dict(event["state"]))
            elif event["event"] == "told":
                self._tell_live(self.transcript.told(event["what"]))
            elif event["event"] == "notes":
                for note in event["notes"]:
                    self.say(plain(note), "warning")

    def _told_elsewhere(self, session: str, *, asks: bool) -> None:
        if asks and session not in self._ask_elsewhere:
            self.say(f"session {plain(session)} asks you ({shown(self.keys['sessions'][0])})", "warning")
        self._ask_elsewhere = self._ask_elsewhere | {session} if asks else self._ask_elsewhere - {session}

    def _take(self, state: SessionState) -> None:
        ended = self.state.phase != "idle" and state.phase == "idle"
        asked = {question.id for question in state.questions} - {question.id for question in self.state.questions}
        self.state = state
        self._fill_inbox()
        self._tell_live(self.transcript.with_state(state))
        self.query_one(Prompt).planned_by(state.planner)
        asks = self.query_one(Live).current
        self.query_one(Prompt).asked(asks.key if asks is not None and asks.kind == "inquire" else "")
        if asked:
            self.bell()
        if ended:
            self.poll()
            self._journal_changed()  # what is said last is no operation
        self.show_status()

    def _host_changed(self, why: str) -> None:
        self._trouble = why
        self.show_status()
        if not why:
            self.latest(self._ask_state, "state")

    def show_status(self) -> None:
        state = self.state
        doing = state.running.shown if state.running is not None and state.phase == "acting" else ""
        status = Status(
            phase=PHASES.get(state.phase, state.phase),
            doing=doing,
            turns=state.turns,
            actions=state.actions,
            usage=state.usage,
            changes=self._changes,
            review=len(self.book.to_review) + len(state.questions),
            final=self._final,
            paused=not self.query_one(Live).follows,
            waiting=", ".join(sorted(self.waiting)),
            trouble=self._trouble,
        )
        widget = self.query_one("#status", Static)
        shown = hints(self._focus, works=state.phase != "idle")
        widget.update(Content(line(status, max(self.size.width - 2, 1), shown)))

    @property
    def _focus(self) -> Literal["prompt", "filter", "choice", "pane"]:
        if isinstance(self.focused, Prompt):
            return "filter" if self.focused.mode.kind == "filter" else "prompt"
        return "choice" if isinstance(self.focused, Choice) else "pane"

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        self.show_status()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_status)  # when the size is the new one
