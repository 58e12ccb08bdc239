"""Remotes of the user's own repository, as its own configuration has them: what a sandbox holds has no say.

Asked by the user's git in the hardened way of ``agentrt.repository.host``, which reaches no network.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from agentrt.documents import nearest
from agentrt.errors import Conflict, ResourceError, UsageError
from agentrt.history import steps
from agentrt.repository.heads import tip_of
from agentrt.repository.host import Repository

_HOW = re.compile(r"(credential|http|https|url|ssh|protocol)\..*|core\.(sshcommand|gitproxy)", re.DOTALL)
"""What of a repository's own configuration says how to get to a remote, and who is there."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def url_of(repository: Repository, remote: str) -> str:
    """Where the user's git would push to. Raises ``UsageError``."""
    names = os.fsdecode(repository.run("remote")).splitlines()
    if remote not in names or remote.startswith("-"):
        raise UsageError(
            f'{repository.top} has no remote "{remote}"',
            hint=nearest(remote, names) if names else "a person adds one there: git remote add NAME URL",
        )
    urls = os.fsdecode(repository.run("remote", "get-url", "--push", "--all", remote)).splitlines()
    if len(urls) != 1:
        raise UsageError(f"{remote} has {len(urls)} URLs to push to: agentrt pushes to one", hint="name another remote")
    url = _absolute(repository, urls[0])
    if any(url.startswith(rewritten) for rewritten in _rewritten(repository)):
        raise UsageError(f"the URL of {remote} is rewritten by git's configuration more than once (insteadOf)")
    return url


def _rewritten(repository: Repository) -> list[str]:
    """What git puts something else in the place of, where a URL begins with it."""
    said = repository.ask("config", "-z", "--get-regexp", r"^url\..*\.(push)?insteadof$") or b""
    return [os.fsdecode(one).partition("\n")[2] for one in said.split(b"\0") if one]


def shown(url: str) -> str:
    """Without passwords and tokens: who is let in by it is nobody's business."""
    found = _SCHEME.match(url)
    if found is None:
        return url
    place, slash, path = url[found.end() :].partition("/")
    who, at, host = place.rpartition("@")
    if at and found[0].startswith("ssh"):
        return f"{found[0]}{who.partition(':')[0]}@{host}{slash}{path}"
    return f"{found[0]}{host}{slash}{path}"


def digest_of(url: str) -> str:
    return hashlib.sha256(os.fsencode(url)).hexdigest()


def seen(repository: Repository, remote: str, to: str) -> str | None:
    """Where the branch there was when the user's repository saw it last; None: it saw none."""
    tracking = _tracking(repository, remote, to)
    return None if tracking is None else tip_of(repository, tracking)


def tips(repository: Repository, *patterns: str) -> tuple[str, ...]:
    """Commits that refs below these point to."""
    lines = repository.run("for-each-ref", "--format=%(objecttype) %(objectname) %(*objectname)", *patterns)
    words = [line.split() for line in lines.decode("ascii").splitlines()]
    return tuple(dict.fromkeys(found[-1] for found in words if found[0] in ("commit", "tag")))


def settings(repository: Repository) -> dict[str, str]:
    """How the user's git gets to remotes from here: what stands in the repository's own file, and in nothing it
    includes, which may lie in the work tree."""
    found = repository.run("config", "--local", "--no-includes", "--list", "-z").split(b"\0")[:-1]
    pairs = (os.fsdecode(one).partition("\n") for one in found)
    return {name: value for name, _, value in pairs if _HOW.fullmatch(name)}


def objects_of(repository: Repository) -> Path:
    """The folder of its objects."""
    return repository.top / os.fsdecode(repository.run("rev-parse", "--git-path", "objects")[:-1])


def saw(repository: Repository, remote: str, to: str, pack: Path | None, now: str | None, before: str | None) -> bool:
    """As after any push, the user's repository knows where the branch there is now, and has its commits; whether it
    does. Where that cannot be, it learns it with the next fetch."""
    tracking = _tracking(repository, remote, to)
    if tracking is None:
        return True
    if tip_of(repository, tracking) == now:
        return True
    with suppress(Conflict, UsageError, OSError):
        if pack is not None and now is not None:
            steps.checkpoint("push keeps objects")
            repository.run("index-pack", "--stdin", stdin=pack.read_bytes())
        steps.checkpoint("push moves tracking ref")
        if now is None:
            repository.run("update-ref", "-d", os.fsencode(tracking), before or "")
        else:
            repository.run("update-ref", "-m", "agentrt: push", os.fsencode(tracking), now, before or "")
    return tip_of(repository, tracking) == now


def _tracking(repository: Repository, remote: str, to: str) -> str | None:
    """The ref that stands here for the branch there."""
    ref = f"refs/heads/{to}"
    refspecs = os.fsdecode(repository.ask("config", "--get-all", f"remote.{remote}.fetch") or b"").splitlines()
    for refspec in refspecs:
        there, _, here = refspec.removeprefix("+").partition(":")
        head, star, tail = there.partition("*")
        if not here.startswith("refs/remotes/"):
            continue
        if not star and there == ref:
            return here
        if star and ref.startswith(head) and ref.endswith(tail) and len(ref) > len(head) + len(tail):
            return here.replace("*", ref[len(head) : len(ref) - len(tail)], 1)
    return None


def _absolute(repository: Repository, url: str) -> str:
    """A folder of this machine is not one the agent's files are written to: what lies in a repository is executed when
    something is pushed there."""
    if url.startswith("-") or "::" in url.partition("/")[0] or not url.isprintable():
        raise UsageError(f"{shown(url)!r} is no URL that agentrt pushes to")
    place = url.removeprefix("file://")
    if place == url and (_SCHEME.match(url) or ":" in url.partition("/")[0]):
        return url
    folder = (repository.top / place).resolve()
    if folder.is_relative_to(repository.top.resolve()):
        raise ResourceError(f"{url} lies in the workspace's repository itself: agentrt does not push there")
    return url if place != url else str(folder)
