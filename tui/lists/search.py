"""The timeline's filter: words that a row must have, all of them.

``make test`` · ``"rm -rf"`` as it stands · ``-word`` without it · ``actor:NAME`` · ``kind:undo`` · ``is:undone`` ·
``path:src/`` for what an operation changed. A capital letter in a word makes it count; otherwise case does not.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from agentrt.records.operations import Kind
from agentrt.showing.plain import plain

from .timeline import Row

Paths = Callable[[int], Collection[str]]
"""What an operation changed, by its number: asked for ``path:`` only, of rows that have all else."""
Test = Callable[[Row], bool]

IS: dict[str, Test] = {
    "pending": lambda row: row.waits,
    "accepted": lambda row: row.entry is not None and row.entry.review == "accepted",
    "rejected": lambda row: row.entry is not None and row.entry.review == "rejected",
    "undone": lambda row: row.undone,
    "irreversible": lambda row: row.entry is not None and row.entry.worst == "irreversible",
    "denied": lambda row: row.entry is not None and row.entry.status == "denied",
    "failed": lambda row: row.entry is not None and row.entry.status == "failed",
    "outside": lambda row: row.entry is not None and row.entry.outside > 0,
}
_KINDS: tuple[str, ...] = get_args(Kind)
_TERM = re.compile(r'(-?)(?:(actor|kind|is|path):)?("[^"]*"?|\S*)')


@dataclass(frozen=True)
class Query:
    """A filter, read."""

    text: str = ""
    tests: tuple[Test, ...] = ()
    paths: tuple[Callable[[Collection[str]], bool], ...] = ()
    mistakes: tuple[str, ...] = ()
    """What is not understood, and so does not filter, each with what may be meant; safe to show."""

    def pick(self, rows: Sequence[Row], paths: Paths) -> list[Row]:
        """The rows it lets through, in their order; without a condition all of them."""
        picked = list(rows)
        for test in self.tests:
            picked = [row for row in picked if test(row)]
        return [row for row in picked if self._by_paths(row, paths)] if self.paths else picked

    def _by_paths(self, row: Row, paths: Paths) -> bool:
        changed = paths(row.entry.id) if row.entry is not None else ()
        return all(test(changed) for test in self.paths)


def read(text: str) -> Query:
    """What was typed, also where it is not finished."""
    tests: list[Test] = []
    paths: list[Callable[[Collection[str]], bool]] = []
    mistakes: list[str] = []
    for minus, field, word in _terms(text):
        if field == "path":
            paths.append(_path_test(word, wanted=not minus))
            continue
        if field in ("is", "kind") and word not in (known := IS if field == "is" else _KINDS):
            mistakes.append(_mistake(field, word, known))
            continue
        test = _test(field, word)
        tests.append(_not(test) if minus else test)
    return Query(text, tuple(tests), tuple(paths), tuple(mistakes))


def _terms(text: str) -> Iterable[tuple[str, str, str]]:
    for minus, field, word in _TERM.findall(text):
        bare = word.strip('"') if word.startswith('"') else word
        if bare or field in ("is", "kind"):
            yield minus, field, bare


def _test(field: str, word: str) -> Test:
    if field == "is":
        return IS[word]
    if field == "kind":
        return lambda row: row.entry is not None and row.entry.kind == word
    if field == "actor":
        same = _finder(word)
        return lambda row: row.entry is not None and same(plain(row.entry.actor))
    if word != word.lower():
        return lambda row: word in row.shown
    return lambda row: word in row.lowered


def _path_test(word: str, *, wanted: bool) -> Callable[[Collection[str]], bool]:
    found = _finder(word)
    return lambda paths: any(map(found, map(plain, paths))) is wanted


def _finder(word: str) -> Callable[[str], bool]:
    if word != word.lower():
        return lambda text: word in text
    return lambda text: word in text.lower()


def _not(test: Test) -> Test:
    return lambda row: not test(row)


def _mistake(field: str, word: str, known: Collection[str]) -> str:
    """The nearest: what begins with it, or else what looks like it."""
    near = [name for name in known if word and name.startswith(word)]
    near = near or difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f"{field}:{near[0]}? There is no {field}:{plain(word)}"
    return f"{field}: {', '.join(known)}" + (f"; no {field}:{plain(word)}" if word else "")
