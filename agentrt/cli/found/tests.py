"""How the project is tested: every command that speaks for itself, the best one first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from agentrt.records import Record, Text

from .builds import build_tools
from .files import Folder
from .makes import just_recipe, make_target
from .python import Found, environments, python
from .scripts import node, php, ruby


class Check(Record):
    """A command that could decide whether a task succeeded."""

    command: str
    because: Text
    """What speaks for it: a file, and what stands in it."""
    program: str
    installed: bool
    """Whether the program is found on this machine."""

    @property
    def told(self) -> str:
        """All but the command, in words."""
        return f"{self.because}; {self.program} is {'' if self.installed else 'not '}installed here"


def checks(folder: Folder) -> list[Check]:
    """What can be run comes first; then what the project itself calls its tests, then what its tools do."""
    found: dict[str, Check] = {}
    for command, program, why in _found(folder):
        here = _installed(folder, program)
        found.setdefault(command, Check(command=command, because=why, program=program, installed=here))
    return sorted(found.values(), key=lambda check: not check.installed)


def _found(folder: Folder) -> Iterator[Found]:
    yield from _targets(folder, "test")
    yield from python(folder)
    yield from node(folder)
    yield from ruby(folder)
    yield from php(folder)
    yield from build_tools(folder)
    # In half of all projects this is the linter.
    yield from _targets(folder, "check")
    yield from environments(folder)


def _targets(folder: Folder, name: str) -> Iterator[Found]:
    if file := make_target(folder, name):
        yield f"make {name}", "make", f"{file} has a target `{name}`"
    if file := just_recipe(folder, name):
        yield f"just {name}", "just", f"{file} has a recipe `{name}`"


def _installed(folder: Folder, program: str) -> bool:
    return folder.runs(program) if "/" in program else shutil.which(program) is not None
