"""What a person has approved once and is not asked about again: a command to the letter, and the file it runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from agentrt.records import Decision

from .chains import Chain
from .programs import changeable, is_of_the_shell, looked_for_before
from .reading import Asked

if TYPE_CHECKING:
    from .shell import Command

_NAMES = """
bash sh dash su runuser sudo doas env nice ionice nohup setsid stdbuf timeout gtimeout time gtime taskset chronic
eatmydata nocache linux32 linux64 unbuffer xargs command builtin exec eval
"""
WRAPPERS = frozenset(_NAMES.split())
"""They do nothing but run another command: what that is has to be approved, not they."""


class Binding(NamedTuple):
    """What an approval is bound to."""

    argv: tuple[str, ...]
    program: str


class Unapprovable(Exception):
    """What it would run cannot be bound to anything; says why, for a person."""


def bindings(asked: Asked) -> Iterator[Binding]:
    """All that has to be approved for an action to be. Raises ``Unapprovable``."""
    if asked.unknown:
        raise Unapprovable(f"what it would run cannot be read in full: {asked.unknown[0]}")
    if not asked.runs:
        raise Unapprovable("it runs no program")
    if asked.writes:
        raise Unapprovable("the shell would write a file for it")
    if asked.fed:
        raise Unapprovable("a program may be given input that stands in the command line")
    for at, command in enumerate(asked.commands):
        if command.assigns:
            raise Unapprovable(f"{command.assigns[0][0]} is set for it")
        if any(path != "/dev/null" for path in command.reads):
            raise Unapprovable("it reads from a file, which may be another one the next time")
        name = _name(command)
        if name == "git" and command.through[-1:] == ("git",):
            continue  # the same once more, read without the options in front
        following = asked.commands[at + 1].through if at + 1 < len(asked.commands) else ()
        wraps = name in WRAPPERS and following == (*command.through, name) and not _does_more(command)
        if wraps and is_of_the_shell(name):
            continue
        program = _file(command.argv[0] or "", asked)
        if wraps:
            continue
        words = tuple(word for word in command.argv if word is not None)
        if len(words) < len(command.argv):
            raise Unapprovable(f"words of `{shlex.join(words)} …` are only known at run time")
        yield Binding(words, program)


def answers(asked: Asked, chains: Iterable[Chain]) -> list[Decision]:
    """The approvals that together answer what is asked about an action; none where one is missing."""
    given = {
        Binding(one.run, one.program): Decision(
            verdict="allow", rule=written.document.rule(("approved", at)), because=one.because or "it was approved"
        )
        for chain in chains
        for written in chain
        for at, one in enumerate(written.pack.approved)
    }
    if not given:
        return []
    try:
        needed = set(bindings(asked))
    except Unapprovable:
        return []
    return [given[one] for one in sorted(needed)] if needed and needed <= given.keys() else []


def _name(command: Command) -> str:
    return (command.argv[0] or "").rpartition("/")[2] if command.argv else ""


_MORE = {
    "sudo": r"-\w*R|--chroot",  # it looks for programs in another place
    "exec": r"-\w*a",  # another name, by which some programs tell what they are to do
    "env": r"-(?!S|-split-string)",  # it takes variables away
    **dict.fromkeys(("time", "gtime"), r"-\w*o|--o"),  # it writes a file, with any text
}


def _does_more(command: Command) -> bool:
    """A wrapper told to do more than to run another command, or to run it differently."""
    more = _MORE.get(_name(command))
    return more is not None and any(word is None or re.match(more, word) for word in command.argv[1:])


def _file(name: str, asked: Asked) -> str:
    """The program's file, if no agent can change it."""
    if is_of_the_shell(name):
        raise Unapprovable(f"`{name}` is done by the shell itself: there is no file to bind it to")
    if "/" in name and not name.startswith("/"):
        raise Unapprovable(f"`{name}` may be another file in another folder")
    if "/" not in name and (folder := looked_for_before(name, asked.root)) is not None:
        raise Unapprovable(f"`{name}` is looked for in {folder} first, where an agent can put another one")
    if (program := asked.programs[name]) is None:
        raise Unapprovable(f"`{name}` lies in the workspace, where an agent can change it, or is not there")
    if (place := changeable(program)) is not None:
        raise Unapprovable(f"`{name}` is {program}, and an agent may be able to change {place}")
    return program
