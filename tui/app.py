"""The app: what is on the screen, and who is told what. What the keys mean is in ``deciding`` and ``acting``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher, Static

from agentrt.errors import AgentrtError
from agentrt.hosting.state import SessionState
from agentrt.settings import Settings
from agentrt.showing.plain import plain
from agentrt.showing.sessions import everywhere

from .book import Book
from .choice import Choice
from .deciding import Request, Selected
from .detail.live import Answered, Live, Replied, RuleWanted
from .detail.transcript import Transcript
from .keys import Chosen, bindings, keymap
from .link import Link
from .lists.listing import Listing
from .lists.panes import Inbox, Timeline
from .lists.rows import NOW, Key
from .pane import Pane
from .prompt import Prompt
from .sessions import Place, Sessions
from .watching import Watching
from .words import Mode

_POLL = 0.2
"""Seconds between looks at the journal."""


class AgentrtApp(Watching):
    """One workspace, one session at a time."""

    TITLE = "agentrt"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-usual"), (120, "-wide")]  # noqa: RUF012
    CSS = """
    #body { height: 1fr; }
    #left { width: 2fr; min-width: 30; max-width: 64; }
    #right { width: 3fr; }
    #live { padding: 0 1; }
    #inbox { height: auto; max-height: 40%; min-height: 3; }
    #timeline { height: 1fr; }
    #status { height: 1; padding: 0 1; }
    .-narrow #body { layout: vertical; }
    .-narrow #left { width: 1fr; max-width: 100%; height: 2fr; }
    .-narrow #right { width: 1fr; height: 3fr; }
    """

    def __init__(
        self, workspace: Path, session: str | None, settings: Settings, keys: Chosen, task: Path | None = None
    ) -> None:
        """``task``: a task file that says who plans what is typed.

        Raises ``WorkspaceError``, ``JournalError``, ``UnknownOperation``.
        """
        super().__init__()
        self.settings, self.keys = settings, keys
        self.plan = {} if task is None else {"file": str(task.resolve())}
        self.book = Book(workspace, session)
        self.link = Link(self.book.workspace, self._told, self._host_changed)
        self.state = SessionState(session=self.book.session or "")
        self.transcript = Transcript()

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Inbox(id="inbox")
                yield Timeline(self.book.paths, id="timeline")
            with ContentSwitcher(id="right", initial="live"):
                yield Live(id="live")
                yield Pane(self.book, self.ask, id="operation")
        yield Choice(id="choice")
        yield Prompt(id="prompt")
        yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        self.set_keymap(keymap(self.keys))
        self.theme = theme_of(self.settings)
        self.query_one(Pane).diff.set_mode("sides" if self.settings.diff == "side-by-side" else "unified")
        self._opened()
        self.run_worker(self.link.keep(), group="link")
        self.set_interval(_POLL, self.poll)
        (self.query_one(Timeline) if self.book.entries else self.query_one(Prompt)).focus()

    # What is selected

    @property
    def selected(self) -> Selected:
        kind, of = self.current
        if kind == "question":
            kinds = {question.id: question.kind for question in self.state.questions}
            return Selected(question=str(of), question_kind=kinds.get(str(of), ""))
        if kind != "operation" or not isinstance(of, int) or (entry := self.book.entry(of)) is None:
            return Selected()
        pane = self.query_one(Pane)
        path, hunk = pane.cursor if pane.diff.has_focus else (None, None)
        return Selected(entry, path=path, hunk=hunk, stands=of in self.book.stands)

    def on_listing_selected(self, event: Listing.Selected) -> None:
        event.stop()
        if event.listing.has_focus or event.key == self.current:
            self.look_at(event.key)

    def look_at(self, key: Key) -> None:
        """Show it on the right."""
        self.current = key
        right = self.query_one("#right", ContentSwitcher)
        if key.what == "operation" and key.of:
            right.current = "operation"
            self.query_one(Pane).show(int(key.of))
        else:
            right.current = "live"
            if key.what == "question":
                self.query_one(Live).choose(str(key.of))

    def on_listing_chosen(self, event: Listing.Chosen) -> None:
        event.stop()
        self.look_at(event.key)
        if event.key.what == "fork":
            self.go_to(str(event.key.of))
        elif event.key.what == "operation":
            self.query_one(Pane).diff.focus()
        elif event.key.what == "question":
            self.action_answer()
        else:
            self.query_one(Prompt).focus()

    def action_answer(self) -> None:
        """An agent's question is answered in words; one about an action by its keys."""
        selected = self.selected
        if selected.question_kind == "inquire":
            label = "your answer to the agent: enter sends, esc leaves it"
            self.query_one(Prompt).enter(Mode("reply", label, selected.question or ""))
        elif selected.question is not None:
            self.say("a lets it through once, A makes a rule of it, x denies it")

    def on_answered(self, event: Answered) -> None:
        event.stop()
        arguments = {"question": event.question, "allow": event.allow}
        more = {"because": event.because, "remember": event.remember}
        self.start(self._answer(Request("answer", {**arguments, **more}), event.question))

    def on_replied(self, event: Replied) -> None:
        event.stop()
        self.start(self._answer(Request("reply", {"question": event.question, "text": event.text}), event.question))

    async def _answer(self, request: Request, question: str) -> None:
        if await self.send(request) is None:
            self.query_one(Live).reopen(question)

    async def on_rule_wanted(self, event: RuleWanted) -> None:
        event.stop()
        live = self.query_one(Live)
        try:
            live.show_rule(event.question, (await self.ask("approval", question=event.question))["diff"])
        except AgentrtError as error:
            live.show_no_rule(event.question, str(error))

    def action_next(self) -> None:
        inbox = self.query_one(Inbox)
        key = inbox.next(self.current)
        if key is None:
            self.say("nothing waits for you")
            return
        inbox.focus()
        inbox.select(key)
        self.look_at(key)

    # What is typed

    def on_prompt_sent(self, event: Prompt.Sent) -> None:
        mode, text = event.mode, event.text
        if mode.kind == "task":
            if text or (self.state.ending is not None and self.state.phase == "idle"):
                self.typed(text)
                self.query_one(Timeline).action_end()
                self.look_at(NOW)
            return
        if mode.kind == "reason":
            self.because(text)
        elif mode.kind == "reply" and text:
            self.follow(Request("reply", {"question": mode.about, "text": text}, "answered"))
        self.query_one(Timeline).focus()

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        self.query_one(Timeline).narrow(event.text)

    def on_prompt_left(self, event: Prompt.Left) -> None:
        if event.mode.kind == "filter":
            self.query_one(Timeline).narrow("")
        self.query_one(Timeline).focus()

    def action_filter(self) -> None:
        label = "filter: words · actor: kind: is: path: · -without; enter keeps it, esc shows all"
        self.query_one(Prompt).enter(Mode("filter", label), self.query_one(Timeline).query_text)

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        self.query_one(Timeline).focus()
        self.chose(event.key)

    # Where to

    def go_to(self, session: str) -> None:
        try:
            self.book.turn_to(session)
        except AgentrtError as error:
            self.say(plain(str(error)), "error")
            return
        self._opened()
        self.query_one(Timeline).action_end()
        self.look_at(NOW)
        self.say(f"session {session}")

    def action_sessions(self) -> None:
        screen = Sessions(self.book.workspace, list(everywhere()), self.book.session)
        self.push_screen(screen, self._go)

    def _go(self, place: Place | None) -> None:
        if place is None:
            return
        if place.workspace == self.book.workspace:
            self.go_to(place.session)
        else:
            self.exit(0, message=f"that session is of another workspace: agentrt tui --workspace {place.workspace}")

    async def action_quit(self) -> None:
        left = self.state.phase != "idle"
        self.exit(0, message="the agent goes on; agentrt attaches again" if left else None)

    def on_unmount(self) -> None:
        self.book.close()


def theme_of(settings: Settings) -> str:
    """The terminal's own colours where it has few, or where it asks for none."""
    few = "NO_COLOR" in os.environ or os.environ.get("TERM", "") in ("linux", "vt100", "xterm", "screen", "dumb")
    chosen = ("ansi" if few else "dark") if settings.theme == "auto" else settings.theme
    return {"dark": "textual-dark", "light": "textual-light", "ansi": "ansi-dark"}[chosen]
