"""What a planner says: shown as it comes where that can be, and not a second time when the turn is whole."""

from __future__ import annotations

from agentrt.showing.plain import plain, plain_lines

from .screen import Lines


class Streamed:
    """Whole lines scroll; the last one is open until the next comes. All of it is made visible character by character,
    so it does not matter where pieces begin and end."""

    def __init__(self, screen: Lines) -> None:
        self._screen = screen
        self._said = ""
        """Of this turn, as it came."""
        self._whose = ""
        """In front of the first line."""

    def came(self, whose: str, piece: str) -> None:
        """The next piece. ``whose`` is empty for an agent that works alone."""
        text = piece if self._said else piece.lstrip()
        if not self._screen.live or not text:
            return
        if not self._said:
            self._screen.line()
            self._whose = whose
        *whole, opened = (self._opened + text).split("\n")
        for line in whole:
            self._put(line)
        self._said += text
        self._whose = "" if whole else self._whose
        self._screen.stream(self._whose + opened)

    def turn(self, whose: str, text: str) -> None:
        """All of what was said: what is left of it is shown."""
        text, said, opened = text.strip(), self._said, self._opened
        if not said:
            self._whose = whose
            if text:
                self._screen.line()
                self._put(text)
        elif text.startswith(said.rstrip()):
            self._put(opened + text[len(said) :])
        else:  # a planner that is sent tokens for what it may not see says tokens
            self._put(opened)
            self._put(text)
        self._end()

    def void(self) -> bool:
        """What was said is not part of any turn. True where something was."""
        something = bool(self._said)
        self._put(self._opened)
        self._end()
        return something

    @property
    def _opened(self) -> str:
        return self._said.rpartition("\n")[2]

    def _put(self, text: str) -> None:
        if text.strip():
            for line in (plain(self._whose) + plain_lines(f"{text}\n")).removesuffix("\n").split("\n"):
                self._screen.line(line)
            self._whose = ""
        elif self._said:
            self._screen.line()

    def _end(self) -> None:
        self._said = self._whose = ""
        self._screen.stream("")
