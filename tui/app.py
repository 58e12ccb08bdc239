"""The app: what is on the screen, and who is told what. What the keys mean is in ``deciding`` and ``acting``."""

from __future__ import annotations

import asyncio
import os
import shlex
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.widgets import ContentSwitcher, Static

from agentrt.errors import AgentrtError
from agentrt.hosting.setup import Setup
from agentrt.hosting.state import SessionState
from agentrt.settings import Settings
from agentrt.showing.plain import plain
from agentrt.showing.sessions import everywhere

from .book import Book
from .choice import Choice
from .deciding import Request, Selected
from .detail.live import Live
from .detail.pages import Pages
from .detail.transcript import Transcript
from .diffs.view import DiffView
from .help import Help
from .hints import choices, welcome
from .keys import Chosen, bindings, groups, keymap
from .link import Link
from .lists.listing import Listing
from .lists.panes import Inbox, Timeline
from .lists.rows import NOW, START, Key
from .palette import Command, Offer, actions, palette
from .pane import Pane
from .prompt import Prompt
from .sessions import Place, Row, Sessions, rows
from .typed import gone
from .watching import Watching
from .words import Mode, command

_POLL = 0.2
"""Seconds between looks at the journal."""
_HUNG_UP = 129
"""As by SIGHUP, which a terminal that goes away does not send to everybody."""


class AgentrtApp(Watching):
    """One workspace, one session at a time."""

    TITLE = "agentrt"
    # Textual dies of a press on a message that is just gone; to select text is the terminal's (with shift).
    ALLOW_SELECT = False
    ENABLE_COMMAND_PALETTE = False  # there is one of our own
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-usual"), (120, "-wide")]  # noqa: RUF012 (no ClassVar of Textual's)
    CSS = """
    #body { height: 1fr; }
    #left { width: 2fr; min-width: 30; max-width: 64; }
    #right { width: 3fr; }
    #live { padding: 0 1; }
    #inbox { height: auto; max-height: 40%; min-height: 3; }
    #timeline { height: 1fr; }
    #status { height: 1; padding: 0 1; }
    ToastRack { dock: top; align: right top; }
    .-narrow #body { layout: vertical; }
    .-narrow #left { width: 1fr; max-width: 100%; height: 2fr; }
    .-narrow #inbox { height: 3; max-height: 3; }
    .-narrow #right { width: 1fr; height: 3fr; }
    """

    def __init__(
        self, workspace: Path, session: str | None, settings: Settings, keys: Chosen, task: Path | None = None
    ) -> None:
        """``task``: a task file that says who plans what is typed.

        Raises ``WorkspaceError``, ``JournalError``, ``UnknownOperation``.
        """
        # Else Textual makes greys of colours where NO_COLOR asks for none.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.settings, self.keys = settings, keys
        self.plan = {} if task is None else {"file": str(task.resolve())}
        self.book = Book(workspace, session)
        self.link = Link(self.book.workspace, self._told, self._host_changed)
        self.state = SessionState(session=self.book.session or "")
        self.transcript = Transcript()
        self.going: Place | None = None
        """Where to, when it was left for another workspace."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Inbox(id="inbox")
                yield Timeline(self.book.paths, id="timeline")
            with ContentSwitcher(id="right", initial="live"):
                yield Live(choices(self.keys), id="live")
                yield Pane(self.book, self.ask, id="operation")
        yield Choice(id="choice")
        yield Prompt(id="prompt")
        yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        self.set_keymap(keymap(self.keys))
        few = self.no_color or self.console.color_system not in ("256", "truecolor")
        self.theme = theme_of(self.settings, few=few)
        self.query_one(Pane).diff.set_mode("sides" if self.settings.diff == "side-by-side" else "unified")
        self.query_one(Live).welcome(*welcome(self.keys))
        self._opened()
        self.run_worker(self.link.keep(), group="link")
        if self.book.session is None:
            self.run_worker(self._who_plans(), group="who")
        self.set_interval(_POLL, self.poll)
        if not self.is_headless:
            self.set_interval(1, self._is_anybody_there)
        (self.query_one(Timeline) if self.book.entries else self.query_one(Prompt)).focus()

    async def on_event(self, event: events.Event) -> None:
        # Panes have keys and nothing to type in. What a key does is done before the next one is looked at: the reason
        # typed after `x` must not be taken for keys, however far behind the app is.
        if (
            isinstance(event, events.Key)
            and not event.is_forwarded
            and isinstance(self.focused, Listing | DiffView | Pages)
            and await self._check_bindings(event.key)
        ):
            return
        await super().on_event(event)

    async def _who_plans(self) -> None:
        """The host is asked for that once there is a session."""
        file = self.plan.get("file")
        planner, hint = await asyncio.to_thread(Setup(self.book.workspace).who, Path(file) if file else None)
        if self.book.session is None:
            self.query_one(Prompt).planned_by(planner)
            self.query_one(Live).welcome(*welcome(self.keys), plain(hint))

    # What is selected

    @property
    def selected(self) -> Selected:
        if isinstance(self.focused, Listing) and (moved := self.focused.moved) is not None:
            self.look_at(moved)
        kind, of = self.current
        if kind in ("question", "now"):
            asked = self.query_one(Live).current
            return Selected(question=asked.key, question_kind=asked.kind) if asked is not None else Selected()
        if kind != "operation" or not isinstance(of, int) or (entry := self.book.entry(of)) is None:
            return Selected(start=self.current == START)
        pane = self.query_one(Pane)
        path, hunk = pane.cursor if pane.diff.has_focus else (None, None)
        return Selected(entry, path=path, hunk=hunk, stands=of in self.book.stands)

    def on_listing_selected(self, event: Listing.Selected) -> None:
        event.stop()
        if event.key == event.listing.moved:
            event.listing.moved = None
        if event.listing.has_focus or event.key == self.current:
            self.look_at(event.key)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        # The keys mean what is on the right: it is what the cursor is on.
        if isinstance(event.widget, Inbox) and event.widget.moved is None:
            event.widget.go_along(self.current)  # the riskiest was in sight, as nobody was in it
        if isinstance(event.widget, Listing) and event.widget.key is not None:
            self.look_at(event.widget.key)

    def look_at(self, key: Key) -> None:
        """Show it on the right. An operation is under the timeline's cursor then, too: tab leads to the same."""
        self.current = key
        timeline = self.query_one(Timeline)
        if key.what == "operation" and timeline.key != key and not timeline.has_focus:
            timeline.go_along(key)
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
        elif event.key.what == "operation" and event.key != START:
            self.query_one(Pane).diff.focus()
        elif event.key.what == "question":
            self.action_answer()
        elif event.key == NOW:
            self.query_one(Prompt).focus()

    def action_answer(self) -> None:
        """An agent's question is answered in words; one about an action by its keys."""
        selected = self.selected
        if selected.question_kind == "inquire":
            label = "your answer to the agent: enter sends, esc leaves it"
            self.type(Mode("reply", label, selected.question or ""))
        elif selected.question is not None:
            self.say(choices(self.keys)[selected.question_kind])

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
            asked = self.query_one(Live).current
            answers = event.answers and asked is not None and asked.kind == "inquire" and command(text) is None
            if text and asked is not None and answers:
                self.follow(Request("reply", {"question": asked.key, "text": text}, "answered"))
            elif text or (self.state.phase == "idle" and self.book.has_task):
                self.typed(text)
                self.query_one(Timeline).action_end()
                self.look_at(NOW)
            return
        if mode.kind == "reason":
            self.because(text)
        elif mode.kind == "reply" and text:
            self.follow(Request("reply", {"question": mode.about, "text": text}, "answered"))
        self.come_back()

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        self.query_one(Timeline).narrow(event.text)

    def on_prompt_left(self, event: Prompt.Left) -> None:
        if event.mode.kind == "filter":
            self.query_one(Timeline).narrow("")
        self.come_back()

    def action_filter(self) -> None:
        label = "filter: words · actor: kind: is: path: · -without; enter keeps it, esc shows all"
        self.type(Mode("filter", label), self.query_one(Timeline).query_text)
        self._left = self.query_one(Timeline)

    def action_interrupt(self) -> None:
        timeline = self.query_one(Timeline)
        if self.state.phase == "idle" and timeline.query_text:
            timeline.narrow("")
        else:
            super().action_interrupt()

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        self.come_back()
        self.chose(event.key)

    # Where to

    def go_to(self, session: str) -> None:
        try:
            self.book.turn_to(session)
        except AgentrtError as error:
            self.say(plain(str(error)), "error")
            return
        self.look_at(NOW)  # what was looked at is of the session before
        self._opened()
        self.query_one(Timeline).action_end()
        self.say(f"session {session}")

    def action_sessions(self) -> None:
        screen = Sessions(self.book.workspace, list(everywhere()), self.book.session)
        self.push_screen(screen, self._go)
        self.latest(partial(self._say_at_work, screen), "sessions")

    async def _say_at_work(self, screen: Sessions) -> None:
        with suppress(AgentrtError):
            screen.tell((await self.link.ask("hello")).get("at_work", {}))

    def _go(self, place: Place | None) -> None:
        if place is None:
            return
        if place.workspace == self.book.workspace:
            self.go_to(place.session)
        elif not os.path.isdir(place.workspace):
            self.say(f"{plain(str(place.workspace))}: that folder is gone; what was done in it opens once it is there")
        elif self.is_web:
            words = shlex.join(["agentrt", "serve", "--session", place.session, "--workspace", str(place.workspace)])
            self.say(f"it is of another workspace, and this page is of one: {plain(words)}", "warning")
        else:
            self.going = place
            self.exit(0)

    def action_help(self) -> None:
        self.push_screen(Help(groups(self.keys)))

    def action_palette(self) -> None:
        commands = actions(self.keys, self._do, self.why_not)
        places = [(place.session, place) for place in (row.place for row in self._places()) if place is not None]
        commands += [Command(f"session {plain(name)}", partial(self._go, place)) for name, place in places]
        self.push_screen(palette(Offer(commands, self._operation, partial(self.say, severity="warning"))))

    def _do(self, name: str) -> None:
        self.call_later(self.run_action, name)

    def _places(self) -> list[Row]:
        return rows(self.book.workspace, everywhere(), everywhere=False)

    def _operation(self, number: int) -> Command | None:
        entry = self.book.entry(number)
        return None if entry is None else Command(f"go to {number}: {entry.about}", partial(self._show, number))

    def _show(self, number: int) -> None:
        timeline = self.query_one(Timeline)
        timeline.narrow("")
        timeline.focus()
        timeline.select(Key("operation", number))

    def _is_anybody_there(self) -> None:
        if gone():
            self.exit(0, return_code=_HUNG_UP)

    def _fatal_error(self) -> None:
        # Textual's own prints a traceback with the values of all variables, whatever they are. `run` tells of it.
        self._close_messages_no_wait()

    async def action_quit(self) -> None:
        if self.state.phase == "idle":
            self.exit(0)
            return
        words = "agentrt"
        with suppress(AgentrtError):
            words += "" if self.book.is_current else f" tui {self.book.session}"
        self.exit(0, message=f"the agent goes on; {words} attaches again")

    def on_unmount(self) -> None:
        self.book.close()


def theme_of(settings: Settings, *, few: bool) -> str:
    """The terminal's own colours where it has few, or is asked for none."""
    chosen = ("ansi" if few else "dark") if settings.theme == "auto" else settings.theme
    return {"dark": "textual-dark", "light": "textual-light", "ansi": "ansi-dark"}[chosen]
