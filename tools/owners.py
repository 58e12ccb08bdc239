"""Files of other users: the sandbox of an ordinary user knows no user or group but that user's own.

What belongs to anybody else cannot be copied into a layer, so the kernel refuses to change it: EOVERFLOW.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
from collections.abc import Iterable, Iterator

from agentrt.contracts import World

_NOBODY = 65534
"""How the kernel shows an id that a user namespace does not have."""
_MOST = 100
_SECONDS = 10.0
_FIND = """
for ids in uid_map gid_map; do
    while read -r first _ count; do
        [ "$first" -le 65534 ] && [ 65534 -lt $((first + count)) ] && exit 252
    done < /proc/self/$ids
done
number=0
for path; do
    number=$((number + 1))
    [ "$(readlink -f -- "$path")" = "$path" ] || continue
    case " $(stat -c '%u %g' -- "$path") " in *' 65534 '*) exit $number ;; esac
done 2>/dev/null
find . -xdev '(' -uid 65534 -o -gid 65534 ')' 2>/dev/null | grep -q . && exit 251
exit 252
"""
"""Which of the paths is another's (1 is the first), links aside, which lead anywhere; 251: none of them, but there are
such files; 252: there are none."""


async def foreign(world: World, names: Iterable[str], cwd: str | None = None) -> str | None:
    """Which of ``names``, or of the folders they are in, is another's, and what to do; None where none is.

    Names come from a command's output: they may be anything.
    """
    paths = list(dict.fromkeys(path for name in names for path in _steps(world.workspace, cwd or "", name)))[:_MOST]
    # The answer is an exit code, as what is printed goes to whoever watches the action.
    seen = await world.exec(["sh", "-c", _FIND, "sh", *paths], seconds=_SECONDS)
    found = seen.exit_code or 0
    if 1 <= found <= len(paths):
        return _told(world.workspace, paths[found - 1])
    if found == 251:
        return (
            "this workspace has files of another user or group (65534 in `ls -ln`), which cannot be changed in the "
            f"sandbox: it knows only {_user(os.geteuid())}. `find . -uid 65534 -o -gid 65534` lists them"
        )
    return None


def _steps(workspace: str, cwd: str, name: str) -> Iterator[str]:
    """``name`` after the folders it is in, as far as they lie in the workspace."""
    if not name.isprintable():
        return
    path = os.path.normpath(os.path.join(workspace, cwd, name))
    inner = os.path.relpath(path, workspace).split("/")
    if inner[0] not in (".", ".."):
        yield from (os.path.join(workspace, *inner[: end + 1]) for end in range(len(inner)))


def _told(workspace: str, path: str) -> str:
    uid, gid = os.geteuid(), os.getegid()
    name, owner, what = shlex.quote(os.path.relpath(path, workspace)), "another user or group", "it cannot"
    cure = "give it another owner outside the sandbox"
    status = _outside(path)
    if status is not None and (status.st_uid, status.st_gid) != (uid, gid):
        if status.st_uid == uid:
            owner = f"the group {_group(status.st_gid)} (gid {status.st_gid})"
        elif status.st_uid != _NOBODY:
            owner = f"{_user(status.st_uid)} (uid {status.st_uid})"
        sudo, options = "" if status.st_uid == uid else "sudo ", "-h"
        if stat.S_ISDIR(status.st_mode):
            what, options = "nothing in that folder can", "-hR"
        cure = f"outside the sandbox: `{sudo}chown {options} {_user(uid)}:{_group(gid)} {shlex.quote(path)}`"
    return (
        f"{name} belongs to {owner}, and the sandbox knows only {_user(uid)}: {what} be changed there. "
        f"Leave it as it is, or {cure}"
    )


def _outside(path: str) -> os.stat_result | None:
    """The same file outside, where its owner has a name; None where it is not there, or a link is on the way."""
    try:
        return os.lstat(path) if os.path.realpath(path) == path else None
    except OSError:
        return None


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
