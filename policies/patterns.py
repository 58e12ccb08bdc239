"""Patterns of rules: of commands, word by word, and of paths, folder by folder.

In a word ``*``, ``?`` and ``[…]`` are as in file names. A word ``**`` stands for any number of words, or of folders.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
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

    ``src/**`` is the folder and all in it, ``**/x.pem`` a file anywhere in the workspace. A mere name, ``x.pem``, is
    that of a file anywhere at all.
    """
    if "/" not in pattern and pattern != "**":
        return fnmatchcase(path.rpartition("/")[2], pattern)
    if pattern.startswith("/") != path.startswith("/") or not f"{path}/".startswith(_head(pattern)):
        return False
    return _match(tuple(pattern.split("/")), tuple(path.split("/")), True)


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
