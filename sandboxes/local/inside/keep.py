"""Writing layers without mounting them: a layer that holds given changes, and several layers as one.

Both link files instead of copying them, so they cost names, not bytes. The layers they are made from stay.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from typing import Any

from .layered import Layered, attributes, is_opaque, is_whiteout, make_whiteout, mark_opaque


def write_changes(view: Layered, effects: Iterable[dict[str, Any]], target: bytes) -> bool:
    """A layer at ``target`` that turns the base of ``view`` into ``view`` at the paths of ``effects`` only."""
    base = Layered(view.places[-1:])
    paths = {os.fsencode(effect[key]) for effect in effects for key in ("path", "renamed_from") if effect.get(key)}
    sources: dict[bytes, bytes] = {}
    """Folders made in the layer, and where each has its attributes from."""
    wrote = False
    for path in sorted(paths):  # a folder before what is in it
        if not _make_parents(view, base, path, target, sources):
            continue  # a folder on the way is gone, and this with it
        place, entry = target + b"/" + path, view.find(path)
        if entry is None:
            if base.find(path) is None:
                continue
            make_whiteout(place)
        elif entry.is_directory:
            if place not in sources:
                os.mkdir(place)
            sources[place] = entry.path
        elif entry.is_base:
            continue
        else:
            os.link(entry.path, place, follow_symlinks=False)
        wrote = True
    for place, source in reversed(sources.items()):  # what is put into a folder changes its times
        copy_meta(source, place)
    return wrote


def _make_parents(view: Layered, base: Layered, path: bytes, target: bytes, sources: dict[bytes, bytes]) -> bool:
    names = path.split(b"/")
    for depth in range(1, len(names)):
        inner = b"/".join(names[:depth])
        place = target + b"/" + inner
        if place in sources:
            continue
        if os.path.lexists(place):
            return False
        around = [entry for entry in (base.find(inner), view.find(inner)) if entry is not None and entry.is_directory]
        if not around:
            return False
        os.mkdir(place)
        sources[place] = around[0].path
    return True


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


def copy_meta(source: bytes, place: bytes) -> None:
    """Owner (which only root can give), mode, attributes and times of a directory; not the kernel's own marks."""
    status = os.stat(source)
    if os.geteuid() == 0:
        os.chown(place, status.st_uid, status.st_gid)
    for name, value in attributes(source):
        os.setxattr(place, name, value)
    os.chmod(place, stat.S_IMODE(status.st_mode))
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
