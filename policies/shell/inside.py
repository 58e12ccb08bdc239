"""What a command may run besides itself, as the rooms that know programs tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .words import Word


@dataclass(frozen=True)
class Run:
    """Another command."""

    words: Sequence[Word]
    assigns: Sequence[tuple[str, Word]] = ()


@dataclass(frozen=True)
class Code:
    """A text for a shell."""

    text: str
    dialect: str | None = None
    """As shfmt calls it; None is that of the text it stands in."""


@dataclass(frozen=True)
class Hidden:
    """Something that cannot be known."""

    because: str


Inside = Run | Code | Hidden


class Unclear(Exception):
    """The words cannot be told apart; says why, for a person."""


@dataclass(frozen=True)
class Options:
    """How a program's own options are skipped. What is not listed is not guessed at."""

    flags: str = ""
    """Letters of options that stand alone."""
    values: str = ""
    """Letters of options with a value."""
    attached: str = ""
    """Letters of options whose value, if there is one, follows in the same word."""
    long: str = ""
    """Long options that stand alone; they may as well have ``=value``."""
    long_values: str = ""
    """Long options with a value."""


@dataclass
class Skipped:
    given: list[tuple[str, Word | None]] = field(default_factory=list)
    rest: list[Word] = field(default_factory=list)


def skip(words: Sequence[Word], options: Options) -> Skipped:
    """Split what follows a program's name into its options and the rest. Raises ``Unclear``."""
    found = Skipped()
    name = words[0].literal
    long, long_values = options.long.split(), options.long_values.split()
    at = 1

    def value() -> Word:
        nonlocal at
        if at == len(words) or not words[at].single:
            raise Unclear(f"it is not clear which words are options of {name}")
        at += 1
        return words[at - 1]

    while at < len(words):
        literal = words[at].literal
        if literal is None:
            if words[at].could_be_option or not words[at].single:
                raise Unclear(f"it is computed at run time what {name} runs")
            break
        if literal == "--":
            at += 1
            break
        if literal == "-" or not literal.startswith("-"):
            break
        at += 1
        if literal.startswith("--"):
            option, given, attached = literal[2:].partition("=")
            if option in long or (given and option in long_values):
                found.given.append((option, Word((attached,)) if given else None))
            elif option in long_values:
                found.given.append((option, value()))
            else:
                raise Unclear(f"the reader does not know the option {literal} of {name}")
            continue
        for place, letter in enumerate(literal[1:], start=2):
            tail = literal[place:]
            if letter in options.flags:
                found.given.append((letter, None))
            elif letter in options.values or letter in options.attached:
                if tail or letter in options.attached:
                    found.given.append((letter, Word((tail,))))
                else:
                    found.given.append((letter, value()))
                break
            else:
                raise Unclear(f"the reader does not know the option -{letter} of {name}")
    found.rest = list(words[at:])
    return found


def hidden_if(condition: object, because: str) -> Iterable[Inside]:
    return [Hidden(because)] if condition else []
