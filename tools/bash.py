"""``bash``: a command line, run by bash in the workspace."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from agentrt.contracts import Needs, World
from agentrt.records import Action, Observation

from .display import one_line
from .fields import Argument, FilePath
from .hints import hinted


class Bash(Action):
    """Run a command line."""

    kind: Literal["bash"] = "bash"
    command: Argument
    """The command line, as typed to bash; several lines are a script."""
    cwd: FilePath | None = None
    """The folder to run it in; the workspace by default."""
    seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Stop it after so long, where the policy's own limit does not come first."""


class BashTool:
    name = "bash"
    description = (
        "Run a command line with bash in the workspace. Standard output and standard error come back together, with "
        "the exit code. Nothing is kept between calls but files: no variables, no current folder, no background "
        "processes (all of them end with the command). There is no standard input and no terminal."
    )
    action: type[Action] = Bash

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Bash)
        # `--`: a command line that begins with a dash is no option of bash. Without -l no login file is read.
        argv = ["bash", "-c", "--", action.command]
        seen = await world.exec(argv, cwd=action.cwd, seconds=action.seconds)
        return await hinted(seen, world, _where(action))

    def show(self, action: Action) -> str:
        assert isinstance(action, Bash)
        where = f"(in {action.cwd}) " if action.cwd else ""
        return one_line(f"{where}$ {action.command}")

    def needs(self, action: Action) -> Needs:
        assert isinstance(action, Bash)
        plain = _PLAIN.fullmatch(action.command)
        return Needs(programs=(plain[1],)) if plain and plain[1] not in _OF_BASH else Needs()

    def reads(self, action: Action) -> Sequence[str] | None:
        return None  # a command reads what it likes


_PLAIN = re.compile(r"\s*([A-Za-z0-9_.+-]+)(?:[ \t]+[\w./:=@%+,-]+)*\s*", re.ASCII)
"""One command of words that bash takes as they are: what it runs is the first of them, and no other."""
_OF_BASH = frozenset(
    """. : alias bg bind break builtin caller case cd command compgen complete compopt continue coproc declare dirs
    disown do done echo elif else enable esac eval exec exit export false fc fg fi for function getopts hash help
    history if in jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return select set
    shift shopt source suspend test then time times trap true type typeset ulimit umask unalias unset until wait
    while""".split()
)
"""What it runs itself, as compgen prints it."""


def _where(action: Bash) -> str:
    """Where most of it ran, as far as that is plain to see: many command lines begin with ``cd DIR &&``."""
    begins = re.match(r"\s*cd ([\w./-]+)\s*(?:&&|;|\n)", action.command)
    return posixpath.join(action.cwd or ".", begins[1] if begins else "")
