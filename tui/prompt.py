"""The line at the bottom: it takes a task, ``!command``, a reason, a filter, an answer to an agent's question."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from agentrt.showing.plain import plain

from .words import TASK, History, Mode, completion, typeable

_KEYS = {
    "enter": "send",
    "shift+enter": "newline",
    "ctrl+j": "newline",
    "up": "older",
    "down": "newer",
    "tab": "complete",
    "escape": "leave",
}


class Prompt(TextArea):
    """One to six rows. Enter sends, ctrl+j or shift+enter makes a new line, arrows at the edge go through history."""

    DEFAULT_CSS = """
    Prompt {
        height: auto;
        max-height: 8;
        border: round $foreground 40%;
        padding: 0 1;
        background: transparent;
        &:focus { border: heavy $accent; }
    }
    """

    class Sent(Message):
        """Enter was pressed, perhaps on nothing. ``answers``: the agent's own question, where no mode says so."""

        def __init__(self, mode: Mode, text: str, *, answers: bool = False) -> None:
            super().__init__()
            self.mode, self.text, self.answers = mode, text, answers

    class Typed(Message):
        """What is there changed while a filter is typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Escape was pressed; a reason, filter or reply is given up."""

        def __init__(self, mode: Mode) -> None:
            super().__init__()
            self.mode = mode

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False)
        self.mode = TASK
        self.typed = History()
        self.files: Sequence[str] = ()
        self._asked = ""
        self._begun = False
        """What is there was begun before that question came: it is no answer to it."""
        self._drafts: dict[str, str] = {}
        """What was being typed in another mode."""

    def on_mount(self) -> None:
        self._label()

    def enter(self, mode: Mode, text: str = "") -> None:
        """What is being typed now is kept until the prompt is for that again."""
        self._drafts[self.mode.kind] = self.text
        self.mode, self.typed = mode, self.typed.again()
        self.load_text(typeable(text))
        self.move_cursor(self.document.end)
        self._label()
        self.screen.set_focus(self)  # at once: what is typed next is meant for it

    def back(self) -> None:
        """A task is typed again."""
        if self.mode.kind != "task":
            self.mode = TASK
            self.load_text(self._drafts.pop("task", ""))
            self.move_cursor(self.document.end)
            self._label()

    def remember(self, text: str) -> None:
        """What was typed and went nowhere: the arrow keys bring it back."""
        self.typed = self.typed.add(text)

    def planned_by(self, planner: str) -> None:
        """Who gets what is typed."""
        self.border_subtitle = Content(plain(planner) or "nobody plans yet")

    def asked(self, question: str) -> None:
        """Which question of an agent's own waits for words; "" for none."""
        if question != self._asked:
            typed = self.text if self.mode.kind == "task" else self._drafts.get("task", "")
            self._asked, self._begun = question, bool(question and typed.strip())
            self._label()

    @property
    def _answers(self) -> bool:
        return self.mode.kind == "task" and self._asked != "" and not self._begun

    def _label(self) -> None:
        label = self.mode.label
        if self._answers:
            label = "your answer to the agent · !command · @path"
        elif self.mode.kind == "task" and self._asked:
            label = "words for the agent, not the answer to its question · !command · @path"
        self.border_title = Content(label)

    def update_suggestion(self) -> None:
        at_end = self.cursor_location == self.document.end
        self.suggestion = completion(self.text, self.files) if self.mode.kind == "task" and at_end else ""

    def action_send(self) -> None:
        text, mode, answers = self.text.strip(), self.mode, self._answers
        if mode.kind == "task":
            self.typed = self.typed.add(text) if text else self.typed
            self.load_text("")
            self._begun = False
            self._label()
        else:
            self.back()
        self.post_message(self.Sent(mode, text, answers=answers))

    def action_newline(self) -> None:
        self.insert("\n")

    def action_older(self) -> None:
        if self.mode.kind != "task" or self.cursor_location[0] > 0:
            self.action_cursor_up()
        elif (step := self.typed.older(self.text)) is not None:
            self.typed = step[0]
            self.load_text(typeable(step[1]))
            self.move_cursor(self.document.end)

    def action_newer(self) -> None:
        if self.mode.kind != "task" or self.cursor_location[0] < self.document.line_count - 1:
            self.action_cursor_down()
        elif (step := self.typed.newer()) is not None:
            self.typed = step[0]
            self.load_text(typeable(step[1]))
            self.move_cursor(self.document.end)

    def action_complete(self) -> None:
        if self.suggestion:
            self.insert(self.suggestion)
        else:
            self.screen.focus_next()

    def action_leave(self) -> None:
        mode = self.mode
        self.back()
        self.post_message(self.Left(mode))

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self.mode.kind == "filter":
            self.post_message(self.Typed(self.text))
        elif self.mode.kind == "task" and self._begun and not self.text.strip():
            self._begun = False
            self._label()

    async def _on_key(self, event: events.Key) -> None:
        # No bindings: those with priority would overtake the characters that were typed before.
        if action := _KEYS.get(event.key):
            event.stop()
            event.prevent_default()
            await self.run_action(action)
        else:
            await super()._on_key(event)

    def on_paste(self, event: events.Paste) -> None:
        # What a terminal pastes may hold anything; what is no text stays out. What is left is put in by TextArea.
        event.text = typeable(event.text)
