"""What an action wants to push, looked at before it waits or goes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from agentrt.contracts import Destination
from agentrt.errors import UsageError
from agentrt.repository.heads import named
from agentrt.repository.host import find

from . import kept as on_disk
from . import remotes
from .kept import Kept
from .quarantine import Quarantine, at
from .words import told


def destination(workspace: Path, remote: str, branch: str, to: str) -> Destination:
    """See ``contracts.Pushes.destination``."""
    user = find(workspace)
    for name in (branch, to):
        named(user, name, hint="the name of a branch, as git branch lists it")
    url = remotes.url_of(user, remote)
    before, known = remotes.seen(user, remote, to), remotes.tips(user)
    return Destination(remote, remotes.shown(url), branch, to, before, known)


def looked_at(
    aside: Path, workspace: Path, mark: str, there: Destination, commit: str, pack: bytes, rule: str
) -> tuple[Kept, str]:
    """And all of it in words. Its objects lie aside; where it raises, as ``contracts.Pushes.push``, nothing does."""
    user = find(workspace)
    url = remotes.url_of(user, there.remote)
    kept = Kept(
        remote=there.remote,
        url=remotes.shown(url),
        digest=remotes.digest_of(url),
        branch=there.branch,
        to=there.to,
        commit=commit,
        before=there.before,
        rule=rule,
    )
    if commit == there.before:
        raise UsageError(f"there is nothing to push: {there.to} of {there.remote} is {at(commit)} already")
    try:
        with closing(Quarantine.make(on_disk.objects_of(aside, mark), user, pack)) as quarantine:
            quarantine.check(commit, remotes.tips(user))
            if there.before is not None and not quarantine.follows(commit, there.before):
                raise UsageError(
                    f"{there.branch} does not contain what {there.to} of {there.remote} has"
                    f" ({at(there.before)}): that would need force, which there is none of",
                    hint="merge or rebase first, or push to another branch",
                )
            return kept, told(kept, quarantine, remotes.tips(user, f"refs/remotes/{there.remote}"))
    except BaseException:
        on_disk.drop(aside, mark)
        raise
