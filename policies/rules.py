"""Rules on actions, before they run: which of them one speaks of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from fnmatch import fnmatchcase

from agentrt.documents import Written
from agentrt.records import Text
from agentrt.records.operations import Decide

from .patterns import Words, command_matches, host_matches, path_matches
from .reading import Asked
from .values import Commands, Examples, Flags, Hosts, Names, Paths, Pattern, Programs


class Rule(Written):
    """Everything that is given must fit; left out: whatever it is.

    What cannot be read may be anything: a rule that is stricter than ``allow`` speaks of it, one that allows does not.
    """

    verdict: Decide
    actions: Names | None = None
    flags: Flags | None = None
    """All of these are true of the session."""
    run: Commands | None = None
    """It would run one of these."""
    unless: Commands | None = None
    """Not where all that it would run is one of these, and the shell writes no file. What one of these runs in turn
    (``make test``) is its own affair."""
    programs: Programs | None = None
    """It would run one of these files, by whatever name."""
    paths: Paths | None = None
    """It names one of these."""
    hosts: Hosts | None = None
    """It names one of these; an address by itself or, unless it allows, by ``**``."""
    remotes: Names | None = None
    """It would have git speak to one of these, by name or address."""
    because: Text = ""
    match: Examples = ()
    not_match: Examples = ()

    @property
    def reads(self) -> bool:
        """It asks for more than the kind of an action."""
        return any((self.run, self.unless, self.programs, self.paths, self.hosts, self.remotes))

    def speaks(self, asked: Asked, flags: Collection[str]) -> bool:
        if self.actions is not None and asked.kind not in self.actions:
            return False
        if self.flags is not None and not set(self.flags) <= set(flags):
            return False
        if self.verdict == "allow" and asked.unknown and self.reads:
            return False
        return (
            self._runs(asked)
            and (self.paths is None or self._names(asked, asked.paths, self._is_path))
            and (self.hosts is None or self._names(asked, asked.hosts, self._is_host))
            and (self.remotes is None or self._names(asked, asked.remotes, self._is_remote))
            and (self.programs is None or self._names(asked, asked.programs.values(), self._is_program))
            and not self._is_one_of(asked, self.unless)
        )

    def _runs(self, asked: Asked) -> bool:
        if self.run is None:
            return True
        if self.verdict == "allow":
            return self._is_one_of(asked, self.run)
        return one_may_be(asked, self.run)

    def _names(self, asked: Asked, named: Collection[str | None], fits: Callable[[str], bool]) -> bool:
        known = [name for name in named if name is not None]
        if self.verdict == "allow":
            return bool(known) and len(known) == len(named) and all(map(fits, known))
        return bool(asked.unknown) or len(known) < len(named) or any(map(fits, known))

    def _is_path(self, path: str) -> bool:
        return any(path_matches(pattern, path) for pattern in self.paths or ())

    def _is_host(self, host: str) -> bool:
        return any(host_matches(pattern, host, surely=self.verdict == "allow") for pattern in self.hosts or ())

    def _is_remote(self, remote: str) -> bool:
        return any(fnmatchcase(remote, pattern) for pattern in self.remotes or ())

    def _is_program(self, program: str) -> bool:
        return any(path_matches(pattern, program) for pattern in self.programs or ())

    @staticmethod
    def _is_one_of(asked: Asked, patterns: Commands | None) -> bool:
        return patterns is not None and not asked.writes and all_are(asked, patterns)


def all_are(asked: Asked, patterns: Commands) -> bool:
    """All that it runs is one of these, as far as that is its own affair."""
    if not asked.runs or len(asked.unknown) > len(asked.runners):
        return False
    return all(any(_matches(pattern, argv, asked, surely=True) for pattern in patterns) for argv in asked.runs)


def one_may_be(asked: Asked, patterns: Commands) -> bool:
    """Something that it runs is one of these, or may be."""
    if asked.unknown:
        return True
    return any(_matches(pattern, argv, asked, surely=False) for pattern in patterns for argv in asked.runs)


def _matches(pattern: Pattern, argv: Words, asked: Asked, *, surely: bool) -> bool:
    """A program's name with a slash is that of a file, whatever it is called by."""
    if command_matches(pattern, argv, surely=surely) or "/" not in pattern[0] or not argv:
        return command_matches(pattern, argv, surely=surely)
    if argv[0] not in asked.programs:
        return False
    program = asked.programs[argv[0]]
    if program is None:  # it may be any file
        return not surely and command_matches(("*", *pattern[1:]), argv, surely=False)
    return command_matches(pattern, (program, *argv[1:]), surely=surely)
