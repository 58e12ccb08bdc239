"""``push``: commits of the sandbox to a remote of the user's repository, by way of the outbox."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from agentrt.contracts import Destination, Needs, World
from agentrt.errors import UsageError
from agentrt.records import Action, Observation, Text
from agentrt.units import format_size

from .display import one_line
from .git import SETTINGS
from .http import refused

_MOST = 100_000_000
"""Bytes of a pack."""
_ENVIRONMENT = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_PACK = """
umask 077
pack=$1 commit=$2
shift 2
{
    echo "$commit"
    "$@" cat-file --batch-check='%(objectname) %(objecttype)' | sed -n 's/^\\([0-9a-f]*\\) commit$/^\\1/p'
} | "$@" pack-objects --revs --stdout -q >"$pack"
"""
"""What of a commit is new to whoever has the commits of standard input, as far as they are known here."""

_Name = Annotated[Text, Field(min_length=1, max_length=250)]


class Push(Action):
    """Push a branch."""

    kind: Literal["push"] = "push"
    remote: _Name = "origin"
    """A remote of the user's repository, by name."""
    branch: _Name
    """The branch in the sandbox that is pushed."""
    to: _Name | None = None
    """The branch on the remote, if it is called otherwise."""


class PushTool:
    name = "push"
    description = (
        "Push a branch of the sandbox to a remote of the user's repository. It is queued with its commits, and sent "
        "by agentrt with the user's credentials once a person releases it; never with force. Commit first; git push "
        "itself reaches nothing from the sandbox."
    )
    action: type[Action] = Push
    queues: Literal[True] = True

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Push)
        try:
            pushes = await world.pushes()
            there = await pushes.destination(action.remote, action.branch, action.to or action.branch)
            commit = await _tip(action.branch, world)
            return world.show(await pushes.push(there, commit, await _packed(commit, there, world)))
        except (OSError, UsageError) as error:
            return refused(error)

    def show(self, action: Action) -> str:
        assert isinstance(action, Push)
        to = f":{action.to}" if action.to is not None else ""
        return one_line(f"push {action.remote} {action.branch}{to}")

    def needs(self, action: Action) -> Needs:
        return Needs(programs=("git",))

    def reads(self, action: Action) -> Sequence[str] | None:
        return None  # whatever git looks at


_GIT = ["git", *(part for setting in SETTINGS for part in ("-c", setting))]


async def _tip(branch: str, world: World) -> str:
    """The commit a branch of the sandbox is at. Raises ``UsageError``."""
    ref = f"refs/heads/{branch}^{{commit}}"
    asked = [*_GIT, "rev-parse", "--verify", "--quiet", "--end-of-options", ref]
    seen = await world.exec(["sh", "-c", 'exec "$@" 2>/dev/null', "sh", *asked], env=_ENVIRONMENT)
    if seen.exit_code == 127:
        raise UsageError("git is not in the sandbox", hint="install it there")
    found = seen.output.strip()
    if seen.exit_code != 0 or not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", found):
        raise UsageError(f"there is no branch {branch!r} with a commit in the sandbox", hint="git branch lists them")
    return found


async def _packed(commit: str, there: Destination, world: World) -> bytes:
    """By the sandbox's git, which may be anything: it is looked at before it is believed. Raises ``UsageError``."""
    file = f"/tmp/agentrt-push-{uuid.uuid4().hex}"
    known = "".join(f"{name}\n" for name in there.known).encode("ascii")
    try:
        seen = await world.exec(["sh", "-c", _PACK, "sh", file, commit, *_GIT], stdin=known, env=_ENVIRONMENT)
        if seen.exit_code != 0 or seen.error is not None:
            raise UsageError(f"the commits could not be packed: {seen.error or seen.output.strip()[-300:]}")
        pack = await world.read(file, limit=_MOST + 1)
    finally:
        await world.exec(["rm", "-f", file])
    if len(pack) > _MOST:
        raise UsageError(f"what is new takes more than {format_size(_MOST)}: push it yourself, after agentrt apply")
    return pack
