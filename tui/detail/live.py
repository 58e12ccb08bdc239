"""The live transcript: it follows the end, and asks what waits for a person without being in the way."""

from __future__ import annotations

from typing import ClassVar, Self

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from .blocks import Question
from .drawn import CHOICES, CONFIRM, NO_RULE, REPLIES, Rows, question
from .lines import safe
from .scroll import Blocks
from .transcript import Transcript

_PAUSE = 0.05
"""Seconds between two drawings at least."""


class Answered(Message):
    """Whether an action may run."""

    def __init__(self, question: str, allow: bool, because: str = "", remember: bool = False) -> None:
        super().__init__()
        self.question, self.allow, self.because, self.remember = question, allow, because, remember


class Replied(Message):
    """What is said to an agent's own question; None: nobody answers."""

    def __init__(self, question: str, text: str | None) -> None:
        super().__init__()
        self.question, self.text = question, text


class RuleWanted(Message):
    """Which rule a yes for always would be: ``show_rule`` or ``show_no_rule`` says so."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question


class Live(Vertical):
    """Shows a transcript. Of several questions one can be answered at a time: the oldest, or the one chosen."""

    DEFAULT_CSS = """
    Live {
        & > #paused { height: 1; color: $text-warning; text-style: reverse; display: none; }
        & > Input { height: 3; display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", show=False),
        Binding("n", "answer(False)", "no", show=False),
        Binding("t", "type", "answer in words", show=False),
        Binding("w", "always", "always", show=False),
        Binding("escape", "leave", "back", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._blocks = Blocks(self._question)
        self._input = Input()
        self._transcript = Transcript()
        self._timer: Timer | None = None
        self._stale = False
        self._chosen = self._reveals = ""
        self._said: dict[str, str] = {}
        """What was answered, by question, until it is none any more."""
        self._rules: dict[str, str] = {}
        self._no_rule: dict[str, str] = {}
        """Why it can be made no rule."""

    def compose(self) -> ComposeResult:
        yield self._blocks
        yield Static("paused, end follows", id="paused", markup=False)
        yield self._input

    def focus(self, scroll_visible: bool = True) -> Self:
        self._blocks.focus(scroll_visible)
        return self

    @property
    def follows(self) -> bool:
        return self._blocks.follows

    def show(self, transcript: Transcript) -> None:
        """May be called as often as something comes: it is drawn a few times a second."""
        self._transcript, self._stale = transcript, True
        if self._timer is None and self.is_mounted:
            self._draw()

    def choose(self, question: str) -> None:
        """This one is to be answered next, and is scrolled to."""
        self._chosen = self._reveals = question
        self._redraw()

    def show_rule(self, question: str, diff: str) -> None:
        """What an answer for always would change in the person's policy."""
        self._rules[question] = safe(diff)
        self._redraw()

    def show_no_rule(self, question: str, why: str) -> None:
        """No rule can be made of it."""
        self._no_rule[question] = safe(why)
        self._redraw()

    def reopen(self, question: str) -> None:
        """What was answered did not arrive."""
        self._said.pop(question, None)
        self._redraw()

    # --------------------------------------------------------------------------------------------------- drawing

    def on_mount(self) -> None:
        if self._stale:
            self._draw()

    def _draw(self) -> None:
        self._stale = False
        waiting = {question.key for question in self._transcript.questions}
        for held in (self._said, self._rules, self._no_rule):
            for key in [key for key in held if key not in waiting]:
                del held[key]
        if self._input.display and (asked := self._asked) is not None and asked.key not in waiting:
            self.action_leave()
        self._blocks.show(self._transcript.blocks)
        self._blocks.reveal(self._reveals)
        self._reveals = ""
        self._timer = self.set_timer(_PAUSE, self._again)

    def _again(self) -> None:
        self._timer = None
        if self._stale:
            self._draw()

    def _redraw(self) -> None:
        self._stale = True
        if self._timer is None and self.is_mounted:
            self._draw()

    @on(Blocks.Followed)
    def _followed(self, event: Blocks.Followed) -> None:
        event.stop()
        self.query_one("#paused").display = not event.follows

    def _question(self, asked: Question, width: int) -> Rows:
        choices, current = "", self._current
        if current is not None and current.key == asked.key:
            choices = REPLIES if asked.kind == "inquire" else CHOICES
            choices = CONFIRM if asked.key in self._rules else NO_RULE if asked.key in self._no_rule else choices
        rule = self._rules.get(asked.key) or self._no_rule.get(asked.key, "")
        return question(asked, width, choices=choices, rule=rule, said=self._said.get(asked.key, ""))

    # ------------------------------------------------------------------------------------------------- answering

    @property
    def _current(self) -> Question | None:
        """The question that the keys answer."""
        waiting = [question for question in self._transcript.questions if question.key not in self._said]
        chosen = (question for question in waiting if question.key == self._chosen)
        return next(chosen, waiting[0] if waiting else None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "leave":
            return bool(self._input.display)
        if action not in ("answer", "type", "always"):
            return True
        asked = self._current
        if asked is None or self._input.display:
            return False
        if asked.kind == "inquire":
            return action == "type" or parameters == (False,)
        return action != "always" or asked.key not in self._no_rule

    def action_answer(self, allow: bool) -> None:
        if (asked := self._current) is None:
            return
        if asked.kind == "inquire":
            self._said[asked.key] = "nobody answers"
            self.post_message(Replied(asked.key, None))
        else:
            self._said[asked.key] = "yes" if allow else "no"
            self.post_message(Answered(asked.key, allow))
        self._redraw()

    def action_always(self) -> None:
        if (asked := self._current) is None:
            return
        if asked.key not in self._rules:
            self.post_message(RuleWanted(asked.key))
            return
        self._said[asked.key] = "yes, always"
        self.post_message(Answered(asked.key, True, remember=True))
        self._redraw()

    def action_type(self) -> None:
        """A line of text: why not, or the answer to the agent's question."""
        if (asked := self._current) is None:
            return
        self._asked = asked
        self._input.placeholder = "your answer" if asked.kind == "inquire" else "no, because …"
        self._input.display = True
        self._input.focus()

    _asked: Question | None = None
    """The question that a line is typed for."""

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        asked, text = self._asked, event.value.strip()
        self.action_leave()
        if asked is None or not text:
            return
        if asked.kind == "inquire":
            self._said[asked.key] = safe(text)
            self.post_message(Replied(asked.key, text))
        else:
            self._said[asked.key] = f"no, because {safe(text)}"
            self.post_message(Answered(asked.key, False, because=text))
        self._redraw()

    def action_leave(self) -> None:
        """Nothing is typed any more."""
        had_focus = self._input.has_focus
        self._input.value, self._input.display, self._asked = "", False, None
        if had_focus:
            self._blocks.focus()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        if self._input.display and not self._input.has_focus and not self._input.value:
            self.action_leave()
