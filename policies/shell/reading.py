"""What reading a text has found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A command that may run. It may as well not: the reader follows every branch."""

    argv: tuple[str | None, ...]
    """What the program gets, decoded; ``argv[0]`` as it is written and always known. None stands for any number of
    arguments that only run time knows. Empty where there are only assignments or redirections."""
    through: tuple[str, ...] = ()
    """The programs that run it, outermost first: ``("sudo", "timeout")``. Each is a command of its own as well."""
    open: bool = False
    """Not every argument is known: there is a None in ``argv``."""
    assigns: tuple[tuple[str, str | None], ...] = ()
    """Variables set in front of it; None is a computed value. A name that ends in ``+`` is appended to."""
    reads: tuple[str | None, ...] = ()
    """Files that redirections read; None is a computed name."""
    writes: tuple[str | None, ...] = ()
    """Files that redirections create or change; None is a computed name."""
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Opaque:
    """A place where something may run that cannot be known from the text."""

    because: str
    text: str
    """The place, shortened."""
    line: int = 1
    column: int = 1
    of: tuple[str | None, ...] = ()
    """The command of which it is not known what else it runs; empty: it is not that of one command."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that may run, in the order of the text."""

    commands: tuple[Command, ...]
    opaque: tuple[Opaque, ...]
    """Empty: all that may run is in ``commands``."""

    @property
    def is_open(self) -> bool:
        """Is there a command whose arguments are not all known?"""
        return any(command.open for command in self.commands)
