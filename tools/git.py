"""``git``: a git command, run in the sandbox. Git of the host never touches a repository an agent can write."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from agentrt.contracts import Needs, World
from agentrt.records import Action, Observation

from .display import one_line
from .fields import Argument
from .hints import hinted

SETTINGS = (
    "core.fsmonitor=false",  # its daemon would end with the action, and what it knew with it
    "gc.auto=0",  # so would its repacking, half-way; and it would put the whole history into a layer
    "maintenance.auto=false",
    "safe.directory=*",  # owners look different inside; what git fears here, the sandbox confines
    "advice.detachedHead=false",
)
_ENVIRONMENT = {
    "GIT_EDITOR": "true",  # takes the message as git prepared it
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # looking at the index does not rewrite it; only what must be written is
    "GIT_PAGER": "cat",
}
_NAME, _MAIL = "agentrt", "agent@agentrt.invalid"

_WITH_VALUE = ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env")
_LOOKING = {"blame", "config", "describe", "diff", "grep", "log", "ls-files", "rev-list", "rev-parse", "show", "status"}
"""The common ones that make no commit, so that it does not matter who we are."""


class Git(Action):
    """Run a git command."""

    kind: Literal["git"] = "git"
    args: tuple[Argument, ...] = Field(min_length=1)
    """What follows the word git: `["status", "--short"]`."""


class GitTool:
    name = "git"
    description = (
        "Run git in the workspace, in the sandbox: args are what follows the word git. There is no pager, no editor "
        "(a message git prepared is taken as it is; give commit -m), no prompt, and no network unless the policy "
        "gives one. Where no identity is configured commits are made as agentrt."
    )
    action: type[Action] = Git

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Git)
        settings = [part for setting in SETTINGS for part in ("-c", setting)]
        before, command = _split(action.args)
        env = dict(_ENVIRONMENT)
        if command and command[0] not in _LOOKING:
            env |= await _identity(["git", *settings, *before], world, env)
        seen = await world.exec(["git", "--no-pager", *settings, *action.args], env=env)
        if seen.exit_code == 127 and seen.error is None:
            return seen.model_copy(update={"error": "git is not in the sandbox: install it there"})
        return await hinted(seen, world)

    def show(self, action: Action) -> str:
        assert isinstance(action, Git)
        return one_line(f"git {shlex.join(action.args)}")

    def needs(self, action: Action) -> Needs:
        return Needs(programs=("git",))

    def reads(self, action: Action) -> Sequence[str] | None:
        return None  # whatever git looks at


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """Git's own options, and the sub-command with what follows it."""
    place = 0
    while place < len(args) and args[place].startswith("-"):
        place += 2 if args[place] in _WITH_VALUE else 1
    return list(args[:place]), list(args[place:])


async def _identity(git: list[str], world: World, env: Mapping[str, str]) -> dict[str, str]:
    """Who to be where git would say "Please tell me who you are": asked of git itself."""
    given: dict[str, str] = {}
    for who in ("AUTHOR", "COMMITTER"):
        known = await world.exec([*git, "var", f"GIT_{who}_IDENT"], env=env)
        if known.exit_code != 0:
            given |= {f"GIT_{who}_NAME": _NAME, f"GIT_{who}_EMAIL": _MAIL}
    return given
