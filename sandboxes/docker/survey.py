"""Runs in a container of an image, on whatever Python it has, and prints what that is and where its user can write.

Given to ``python3 -c`` with one argument, JSON: ``{"volumes": [path, …]}``. Nothing of agentrt is there, the image's
own environment neither. No syntax that an old Python 3 does not know: it has to get as far as to say that it is old.
"""

import json
import os
import sys

_NOT_OURS = ("/proc", "/sys", "/dev")
"""The engine's own in every container."""
_MOST = 1000


def survey(volumes: "list[str]") -> "dict[str, object]":
    uid, gid = os.getuid(), os.getgid()
    fixed = [os.path.realpath(path) for path in ["/tmp", "/var/tmp", *volumes] if path.startswith("/")]
    fixed = [path for path in fixed if may_be_folder(path)]
    return {
        "version": list(sys.version_info[:3]),
        "uid": uid,
        "gid": gid,
        "home": home_of(uid),
        "python": os.path.realpath(sys.executable),
        "library": os.path.realpath(os.path.dirname(os.__file__)),
        "places": fixed + writable(uid, gid, set(fixed) | mounted()),
    }


def home_of(uid: int) -> "str | None":
    """As the image's passwd has it, links resolved; it need not exist."""
    import pwd

    try:
        home = pwd.getpwuid(uid).pw_dir
    except KeyError:
        home = ""
    if not home.startswith("/"):
        return None
    home = os.path.realpath(home)
    return home if may_be_folder(home) else None


def may_be_folder(path: str) -> bool:
    return os.path.isdir(path) or not os.path.lexists(path)


def mounted() -> "set[str]":
    with open("/proc/self/mountinfo", errors="surrogateescape") as lines:
        return {line.split(" ")[4] for line in lines}


def writable(uid: int, gid: int, leave: "set[str]") -> "list[str]":
    """The topmost folders that the user could write, were they not on a read-only file system; not ``/`` itself."""
    found = []  # type: list[str]
    ahead = ["/"]
    while ahead and len(found) < _MOST:
        here = ahead.pop()
        try:
            with os.scandir(here) as entries:
                folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue  # it is closed to the user, and so is what lies in it
        for entry in folders:
            if entry.path in _NOT_OURS or entry.path in leave:
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            (found if may_write(status, uid, gid) else ahead).append(entry.path)
    return found


def may_write(status: os.stat_result, uid: int, gid: int) -> bool:
    """Read from its mode: the kernel says no of everything that is read-only. An owner can give itself the right."""
    if status.st_uid == uid:
        return True
    needed = 0o030 if status.st_gid == gid else 0o003
    return status.st_mode & needed == needed


if __name__ == "__main__":
    if tuple(sys.version_info[:2]) < (3, 9):
        print(json.dumps({"version": list(sys.version_info[:3])}))
    else:
        print(json.dumps(survey(json.loads(sys.argv[1])["volumes"])))
