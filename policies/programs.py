"""Which file a program is: what decides is the file that PATH leads to, not the name."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

_NAMES = """
. : [[ alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown enable eval
exec exit export fc fg getopts hash help history jobs let local logout mapfile popd pushd read readarray readonly return
set shift shopt source suspend times trap type typeset ulimit umask unalias unset wait
"""
_OF_THE_SHELL = frozenset(_NAMES.split())
"""Builtins that are no files as well."""
MOVING = frozenset({"cd", "pushd", "popd"})


def is_of_the_shell(name: str) -> bool:
    return name in _OF_THE_SHELL


def real_path(name: str, folder: str | None, workspace: str) -> str | None:
    """The file, links resolved; None: there is none, or it lies in the workspace, where it may be anything by now.

    ``folder`` is where names with a slash start from; None: it is not known.
    """
    if "/" not in name:
        which = shutil.which(name)
        found = which and os.path.abspath(which)
    elif folder is None and not name.startswith("/"):
        found = None
    else:
        found = os.path.normpath(os.path.join(folder or "/", name))
    if found is None or _within(found, workspace):
        return None
    real = os.path.realpath(found)
    if not os.path.isfile(real) or _within(real, os.path.realpath(workspace)):
        return None
    return real


def looked_for_before(name: str, workspace: str) -> str | None:
    """A folder of the workspace in which PATH looks for it first: an agent may have put one of that name there."""
    real = os.path.realpath(workspace)
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if _within(os.path.abspath(folder), workspace) or _within(os.path.realpath(folder), real):
            return folder
        if shutil.which(name, path=folder) is not None:
            return None
    return None


def changeable(program: str) -> str | None:
    """Where somebody who acts as this user could put another file in a program's place: that folder or file."""
    # In a sandbox /var and the home are an agent's own, whoever owns what lies there outside.
    places = ("/tmp", "/var", "/dev/shm", "/home/agent")
    loose = [Path.home(), Path(tempfile.gettempdir()), *map(Path, places)]
    for place in (Path(program), *Path(program).parents):
        found = place.stat()
        mine = found.st_uid == os.getuid() != 0
        if mine or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or place in loose:
            return str(place)
    return None


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
