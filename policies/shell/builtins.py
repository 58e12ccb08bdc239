"""Builtins of bash that run something, take a text for code, or set a variable that decides what runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from .inside import Code, Hidden, Inside, Options, Run, skip
from .variables import decides
from .words import Word, listed

_SUBSCRIPT = re.compile(r"[A-Za-z_]\w*\[(?!(?:\d+|[@*])\])")
"""``a[$(rm x)]`` as a name: what stands in the brackets is run when the name is used."""


DECLARING = listed("declare typeset local export readonly")
SPLIT_VALUE = "the value of a variable may become the names of others"
"""Only where the shell knows the word for a declaration does ``a=$b`` stay one word."""


def command(words: Sequence[Word]) -> Iterable[Inside]:
    skipped = skip(words, Options(flags="pvV"))
    if skipped.rest and not any(option in "vV" for option, _ in skipped.given):
        yield from _as_builtin(skipped.rest)


def builtin(words: Sequence[Word]) -> Iterable[Inside]:
    if rest := skip(words, Options()).rest:
        yield from _as_builtin(rest)


def _as_builtin(words: Sequence[Word]) -> Iterable[Inside]:
    if words[0].literal in DECLARING and any(word.splits for word in words):
        yield Hidden(SPLIT_VALUE)
    yield Run(words)


def exec_(words: Sequence[Word]) -> Iterable[Inside]:
    if rest := skip(words, Options(flags="cl", values="a")).rest:
        yield Run(rest)


def eval_(words: Sequence[Word]) -> Iterable[Inside]:
    rest = words[2:] if len(words) > 1 and words[1].literal == "--" else words[1:]
    literals = [word.literal for word in rest]
    known = [literal for literal in literals if literal is not None]
    yield Code(" ".join(known)) if len(known) == len(literals) else Hidden("eval is given what is computed at run time")


def source(words: Sequence[Word]) -> Iterable[Inside]:
    named = words[1].literal if len(words) > 1 else None
    yield Hidden(f"it runs what is in {named or 'a file named at run time'}")


def trap(words: Sequence[Word]) -> Iterable[Inside]:
    rest = words[2:] if len(words) > 1 and words[1].literal == "--" else words[1:]
    if not rest or rest[0].literal in ("-l", "-p", "-"):
        return
    literal = rest[0].literal
    yield Hidden("trap is given what is computed at run time") if literal is None else Code(literal)


def alias(words: Sequence[Word]) -> Iterable[Inside]:
    if any(word.literal is None or "=" in word.literal for word in words[1:]):
        yield Hidden("an alias changes what names mean")


def jobs(words: Sequence[Word]) -> Iterable[Inside]:
    skipped = skip(words, Options(flags="lnprsx"))
    if skipped.rest and any(option == "x" for option, _ in skipped.given):
        yield Run(skipped.rest)


def set_(words: Sequence[Word]) -> Iterable[Inside]:
    for at, word in enumerate(words[1:], start=1):
        literal = word.literal
        if literal == "--" or (literal is not None and literal[:1] not in ("-", "+")):
            return
        if literal is None and not word.could_be_option:
            return
        setting = words[at + 1].literal if at + 1 < len(words) else ""
        if literal is None or "k" in literal or ("o" in literal and setting in (None, "keyword", "posix", "history")):
            yield Hidden("set changes how the shell reads what follows")
            return


def _only_without(*options: str) -> Callable[[Sequence[Word]], Iterable[Inside]]:
    """Nothing is run, unless one of these options is given, or may be."""

    def inside(words: Sequence[Word]) -> Iterable[Inside]:
        for word in words[1:]:
            literal = word.literal
            cluster = literal is not None and re.match(r"-[A-Za-z]", literal)
            if (literal is None and word.could_be_option) or (
                literal and cluster and any(option in literal for option in options)
            ):
                yield Hidden(f"{words[0].literal} is told what to run in a way that is not read")
                return

    return inside


def names(words: Sequence[Word]) -> Iterable[Inside]:
    """``read``, ``unset``, ``declare``: their words are names of variables, and perhaps values."""
    for word in words[1:]:
        if (literal := word.literal) is None:
            if not re.match(r"[A-Za-z_]\w*\+?=", word.head or (word.parts[0] or "")):
                yield Hidden(f"{words[0].literal} is given a name that is computed at run time")
                return
            literal = word.parts[0] or ""
        if _SUBSCRIPT.match(literal):
            yield Hidden("a subscript may hold code")
        elif (match := re.match(r"([A-Za-z_]\w*)(\+?=|$)", literal)) and decides(match[1]):
            yield Hidden(f"{match[1]} decides what programs run")


def declare(words: Sequence[Word]) -> Iterable[Inside]:
    yield from names(words)
    if any("=(" in word.literal for word in words[1:] if word.literal):
        yield Hidden("the values of an array are expanded, though they are quoted")
    for word in words[1:]:
        if word.literal and re.match(r"[-+][A-Za-z]*[in]", word.literal) and words[0].literal != "export":
            yield Hidden("a variable is declared whose value is computed, or names another one")


def read(words: Sequence[Word]) -> Iterable[Inside]:
    """Its options may have values of any kind; its names may not."""
    skipped = skip(words, Options(flags="ersE", values="adinNptu"))
    arrays = [value for option, value in skipped.given if option == "a" and value is not None]
    yield from names([words[0], *arrays, *skipped.rest])


def mapfile(words: Sequence[Word]) -> Iterable[Inside]:
    skipped = skip(words, Options(flags="t", values="dnOsuCc"))
    if any(option == "C" for option, _ in skipped.given):
        yield Hidden("what is read is handed to a command that is not read")
    yield from names([words[0], *skipped.rest])


def printf(words: Sequence[Word]) -> Iterable[Inside]:
    if len(words) > 2:
        given = skip(words, Options(values="v")).given
        yield from names([words[0], *(value for _, value in given if value is not None)])


def test(words: Sequence[Word]) -> Iterable[Inside]:
    """``-v name`` looks the name up, subscript and all."""
    if any(word.splits for word in words):
        yield Hidden("a test may look up a name that holds code, as a word of it is not quoted")
        return
    for word, name in pairwise(words[1:]):
        asked = word.literal in ("-v", "-R") or (word.literal is None and word.could_be_option)
        named = name.literal is None or _SUBSCRIPT.match(name.literal)
        if asked and named:
            yield Hidden("a test may look up a name that holds code")
            return


BUILTINS: dict[str, Callable[[Sequence[Word]], Iterable[Inside]]] = {
    ".": source,
    "[": test,
    "alias": alias,
    "bind": _only_without("x", "f"),
    "builtin": builtin,
    "command": command,
    "compgen": _only_without("C", "F"),
    "complete": _only_without("C", "F"),
    "declare": declare,
    "enable": _only_without("f"),
    "eval": eval_,
    "exec": exec_,
    "export": declare,
    "fc": lambda words: [Hidden("fc runs commands of the history")],
    "getopts": names,
    "hash": _only_without("p"),
    "jobs": jobs,
    "let": lambda words: [Hidden("let computes, and what it computes with may hold code")],
    "local": declare,
    "mapfile": mapfile,
    "printf": printf,
    "read": read,
    "readarray": mapfile,
    "readonly": declare,
    "set": set_,
    "source": source,
    "test": test,
    "trap": trap,
    "typeset": declare,
    "unset": names,
    "wait": _only_without("p"),
}
