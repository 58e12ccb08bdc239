"""What a parser found in a text: the simple commands, before anything is known about programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from .words import Word


@dataclass(frozen=True, slots=True)
class Redirect:
    operator: str
    target: Word


@dataclass(slots=True)
class Simple:
    """One simple command. Without words it only assigns variables or redirects."""

    start: int
    """Where it stands, in bytes."""
    words: list[Word] = field(default_factory=list)
    assigns: list[tuple[str, Word]] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place where something may run that is not among the commands."""

    because: str
    start: int
    end: int


@dataclass(slots=True)
class Script:
    commands: list[Simple] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    computed: set[int] = field(default_factory=set)
    """Where expansions and tests begin that may run something without a command being there."""

    def settle(self) -> None:
        """In the order of the text."""
        self.commands.sort(key=lambda command: command.start)

    def agrees(self, other: Script) -> bool:
        """Are these the same commands, assignments and redirections, and is nothing computed that is not seen here?

        Which command a redirection belongs to is left out: that is where one of the parsers is known to be imprecise.
        """
        return self._told() == other._told() and other.computed <= self.computed

    def _told(self) -> object:
        calls = [(command.words, command.assigns) for command in self.commands if command.words or command.assigns]
        redirects = [redirect for command in self.commands for redirect in command.redirects]
        return calls, sorted(map(repr, redirects))


class Unreadable(Exception):
    """Nothing of the text can be relied on; says why, for a person."""
