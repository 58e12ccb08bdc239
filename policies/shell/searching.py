"""``find`` and ``xargs``: commands whose arguments come from what they find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .inside import Hidden, Inside, Options, Run, Unclear, skip
from .words import ANYTHING, Word

_EXEC = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_FOUND = Word(("/", None))
"""A file found: whatever its name is, it does not look like an option."""


def find(words: Sequence[Word]) -> Iterable[Inside]:
    """Each ``-exec`` of it."""
    listed = any(word.literal == "-files0-from" for word in words)
    last = max((at for at, word in enumerate(words) if word.literal in (None, ";", "+")), default=0)
    at = 1
    while at < len(words):
        word = words[at]
        at += 1
        if word.literal in _EXEC:
            end = _end(words, at)
            yield from _executed(words[at:end], listed)
            at = end + 1
        elif word.literal is None and _could_run(word, words[at] if at <= last else None):
            yield Hidden("an argument of find is computed at run time, and could tell it to run a program")


def _end(words: Sequence[Word], begin: int) -> int:
    for at in range(begin, len(words)):
        if words[at].literal == ";" or (words[at].literal == "+" and words[at - 1].literal == "{}"):
            return at
    return len(words)


def _executed(words: Sequence[Word], listed: bool) -> Iterable[Inside]:
    if any(not word.single for word in words) or (
        any(word.literal is None for word in words) and any(word.literal in _EXEC for word in words)
    ):
        yield Hidden("it is computed at run time where a command of find ends")
    if words:
        yield Run([ANYTHING if listed and word.literal == "{}" else _replaced(word, "{}", _FOUND) for word in words])


def _could_run(word: Word, program: Word | None) -> bool:
    """Could this be ``-exec``? It takes a program, which is None where no later word could end its arguments."""
    if word.splits:
        return True
    if not word.could_be_option or program is None:
        return False
    literal = program.literal
    return literal is None or not (literal.startswith("-") or literal in ("(", ")", "!", ","))


def _replaced(word: Word, mark: str, by: Word) -> Word:
    """With everything that stands for a file's name made unknown."""
    if word.literal == mark:
        return by
    if word.literal is None or mark not in word.literal:
        return word
    head = word.literal.partition(mark)[0]
    return Word((head, None) if head else (None,))


_XARGS = Options(
    flags="0rtxpo",
    values="aEILnPsd",
    attached="eil",
    long="null no-run-if-empty verbose exit interactive open-tty show-limits",
    long_values="arg-file delimiter max-args max-procs max-chars max-lines process-slot-var",
)


def xargs(words: Sequence[Word]) -> Iterable[Inside]:
    """What it runs, and that more arguments come from what it reads."""
    skipped = skip(words, _XARGS)
    if not skipped.rest:
        return
    mark = None
    for option, value in skipped.given:
        if option in ("I", "i"):
            if value is None or value.literal is None:
                raise Unclear("it is computed at run time where xargs puts what it reads")
            mark = value.literal or "{}"
    if mark is None:
        yield Run([*skipped.rest, ANYTHING])
    else:
        yield Run([_replaced(word, mark, Word((None,))) for word in skipped.rest])
