"""Several layers as one, without mounting them. It links files, so it costs names, not bytes; the layers stay."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from . import disk
from .layered import is_opaque, is_whiteout, make_whiteout, mark_opaque
from .meta import copy_meta
from .store import OF, TREE, Store, layers_stay, own_run


def make(store: Store, todo: Sequence[tuple[bytes, Sequence[bytes]]]) -> None:
    """Squash each run of layers (lowest first) at its place, whole or not at all.

    The process that does so may outlive its server, and see another one do the same, or take layers out.
    """
    with own_run(store.folder) as scratch:
        for target, run in todo:
            with layers_stay(store.folder):
                if os.path.lexists(target):
                    continue
                made = scratch + b"/squash"
                os.mkdir(made)
                squash(run[::-1], made + TREE)
                with open(made + OF, "wb") as file:
                    file.write(store.members(run))
                disk.sync_file_system(made)
                os.rename(made, target)


def squash(uppers: Sequence[bytes], target: bytes) -> None:
    """``uppers`` (topmost first) as one layer at ``target``."""
    os.mkdir(target)
    copy_meta(uppers[0], target)
    for upper in reversed(uppers):
        _lay_over(upper, target)


def _lay_over(upper: bytes, target: bytes) -> None:
    for name in os.listdir(upper):
        source, place = upper + b"/" + name, target + b"/" + name
        status = os.lstat(source)
        if not stat.S_ISDIR(status.st_mode):
            _remove(place)
            if is_whiteout(source, status):
                make_whiteout(place)
            else:
                os.link(source, place, follow_symlinks=False)
            continue
        hides = is_opaque(source) or _is_other(place)
        if hides:
            _remove(place)
        if not os.path.lexists(place):
            os.mkdir(place)
        if hides:
            mark_opaque(place)
        _lay_over(source, place)
        copy_meta(source, place)


def _is_other(place: bytes) -> bool:
    """Something stands here that a directory laid over it hides, together with all below."""
    return os.path.lexists(place) and (os.path.islink(place) or not os.path.isdir(place))


def _remove(place: bytes) -> None:
    if not os.path.lexists(place):
        return
    if os.path.isdir(place) and not os.path.islink(place):
        for name in os.listdir(place):
            _remove(place + b"/" + name)
        os.rmdir(place)
    else:
        os.unlink(place)
