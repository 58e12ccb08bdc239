"""Patterns of rules: of commands, word by word, of paths, folder by folder, and of hosts, label by label.

In a word ``*``, ``?`` and ``[…]`` are as in file names. A word ``**`` stands for any number of words, folders, labels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import ip_address
from itertools import takewhile

Words = Sequence[str | None]
"""None: one or more words that are only known at run time, or none at all."""


def command_matches(pattern: Sequence[str], argv: Words, *, surely: bool) -> bool:
    """Whether a pattern speaks of a command; with unknown words: ``surely``, or perhaps.

    A program is named by its name alone or by a path; without a slash the pattern is one of names.
    """
    program, first = pattern[0], argv[0] if argv else None
    if first is not None and "/" not in program:
        argv = [first.rpartition("/")[2], *argv[1:]]
    return _match(tuple(pattern), tuple(argv), surely)


def path_matches(pattern: str, path: str) -> bool:
    """Whether a pattern speaks of a path, both relative to the workspace, or absolute.

    ``src/**`` is the folder and all in it, ``**/x.pem`` a file anywhere in the workspace, ``./x.pem`` one right in it.
    A mere name, ``x.pem``, is that of a file anywhere at all.
    """
    if pattern.startswith("./"):
        return "/" not in path and fnmatchcase(path, pattern[2:])
    if "/" not in pattern and pattern != "**":
        return fnmatchcase(path.rpartition("/")[2], pattern)
    if pattern.startswith("/") != path.startswith("/") or not f"{path}/".startswith(_head(pattern)):
        return False
    return _match(tuple(pattern.split("/")), tuple(path.split("/")), True)


def url_path_matches(pattern: str, path: str, *, surely: bool, hole: str = "") -> bool:
    """Whether a pattern speaks of the path of a request. Servers may take ``//`` for ``/``: ``surely``, or perhaps.

    ``hole``: a part of the path that has it may be any.
    """
    if hole:
        return _may_match(pattern.split("/"), path.split("/"), hole)
    paths = [path] if surely else [path, re.sub("/+", "/", path)]
    return any(_match(tuple(pattern.split("/")), tuple(each.split("/")), True) for each in paths)


def _may_match(pattern: list[str], words: list[str], hole: str) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "**":
        return any(_may_match(pattern[1:], words[at:], hole) for at in range(len(words) + 1))
    fits = bool(words) and (hole in words[0] or fnmatchcase(words[0], pattern[0]))
    return fits and _may_match(pattern[1:], words[1:], hole)


def host_matches(pattern: str, host: str, *, surely: bool) -> bool:
    """Whether a pattern speaks of a host: ``*.x.org`` has one label in front, ``**.x.org`` any number, or none.

    An address is spoken of by itself; ``surely``, or perhaps: by ``**`` as well.
    """
    labels = host.split(".")
    if ":" in host or labels[-1][:1].isdigit():  # names end in a letter, whatever way an address is written in
        return pattern == host or (pattern == "**" and not surely)
    return "" not in labels and _match(tuple(pattern.split(".")), tuple(labels), True)


def address(text: str) -> str | None:
    """An IP address as it is usually written; None: it is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _head(pattern: str) -> str:
    """The folders it begins with that are no patterns: most paths are told apart by these."""
    names = takewhile(lambda name: not set("*?[") & set(name), pattern.split("/"))
    return "".join(f"{name}/" for name in names)


@lru_cache(maxsize=4096)
def _match(pattern: tuple[str, ...], words: tuple[str | None, ...], surely: bool) -> bool:
    """By rows from the end: whether what is left of the pattern can stand for the words from each place on."""
    row = [False] * len(words) + [True]
    if not surely:
        _pass_over_unknown(row, words)
    for place in reversed(pattern):
        below, row = row, [place == "**" and row[-1]] * (len(words) + 1)
        for at in range(len(words) - 1, -1, -1):
            word = words[at]
            if word is None and not surely:
                row[at] = row[at + 1] or below[at]  # it is nothing, or what is wanted here, and perhaps more
            elif place == "**":
                row[at] = row[at + 1] or below[at]
            else:
                row[at] = word is not None and below[at + 1] and fnmatchcase(word, place)
    return row[0]


def _pass_over_unknown(row: list[bool], words: tuple[str | None, ...]) -> None:
    """Unknown words at the end may be nothing."""
    for at in range(len(words) - 1, -1, -1):
        if words[at] is not None:
            return
        row[at] = True
