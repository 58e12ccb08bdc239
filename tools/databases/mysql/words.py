"""SQL as MySQL and MariaDB read it, as far as it takes to say where a statement ends, what it names, and whether it may
run in a transaction that is to be taken back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from agentrt.contracts import Parameters, Scalar
from agentrt.errors import UsageError

_TOKEN = re.compile(
    r"""
      (?P<nothing> [ \t\r\n\f\v]+ | --(?=[\x00-\x20\x7f]|\Z)[^\n]* | \#[^\n]* | /\*.*?\*/ )
    | (?P<text> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" )
    | (?P<quoted> `(?:[^`]|``)*` )
    | (?P<word> [0-9A-Za-z_$\u0080-\U0010ffff]+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
"""With backslashes as escapes, and without ANSI_QUOTES: what the sessions here are set to."""
_READS = {"SELECT", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "VALUES", "TABLE"}
_WRITES = {"INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"}
_TRANSACTION = {"BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "XA"}
_REASONS = {
    **dict.fromkeys(_TRANSACTION, "the action is the transaction: all of it is kept, or nothing"),
    **dict.fromkeys(("PREPARE", "EXECUTE", "DEALLOCATE"), "what it would run is not known before"),
    **dict.fromkeys(("CALL", "DO"), "a procedure can commit, and what it commits stands"),
    "SET": "it would change how the session works",
    "USE": "the action is of one database",
    "LOAD": "it reads files, or replaces indexes",
    **dict.fromkeys(
        ("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE"),
        "of definitions only tables, indexes, views and triggers are taken back, in an action of their own",
    ),
    "HANDLER": "it reads past the transaction",
}
HINT = "an action on a database is only what undo can take back"


class Token(NamedTuple):
    kind: str
    """``text``, ``quoted``, ``word``, ``other``."""
    text: str
    start: int

    @property
    def name(self) -> str | None:
        """If it can name something: folded, as all names are compared here. None for what cannot."""
        if self.kind == "quoted":
            return self.text[1:-1].replace("``", "`").casefold()
        return self.text.casefold() if self.kind == "word" else None

    @property
    def keyword(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


class Statement(NamedTuple):
    text: str
    tokens: tuple[Token, ...]
    """Without white space and comments; their places are in ``text``."""

    @property
    def names(self) -> frozenset[str]:
        """All that could be one."""
        return frozenset(name for token in self.tokens if (name := token.name) is not None)

    @property
    def plain(self) -> bool:
        """No name has a letter in it that is not of ASCII."""
        return all(token.text.isascii() for token in self.tokens if token.kind != "text")

    @property
    def qualifiers(self) -> frozenset[str]:
        """What stands before a dot."""
        return frozenset(
            name for token, dot in pairwise(self.tokens) if dot.text == "." and (name := token.name) is not None
        )

    @property
    def alone(self) -> frozenset[str]:
        """What stands without a dot before or behind it: there an alias is declared."""
        dotted = (None, *self.tokens), (*self.tokens[1:], None)
        return frozenset(
            name
            for before, token, after in zip(dotted[0], self.tokens, dotted[1], strict=False)
            if "." not in (before and before.text, after and after.text) and (name := token.name) is not None
        )

    @property
    def reads(self) -> bool:
        """It writes nothing, unless a function that it calls does."""
        return self._first in _READS

    @property
    def _first(self) -> str:
        return next((token.keyword or token.text for token in self.tokens if token.text != "("), "")

    def check(self) -> None:
        """Raises ``UsageError`` where it would commit, or could not be taken back, whatever is in the database."""
        first, words = self._first, [token.keyword for token in self.tokens]
        if first not in _READS | _WRITES:
            reason = _REASONS.get(first, "it takes effect at once, or outside the tables, and no transaction holds it")
            raise UsageError(f"{first} is refused: {reason}", hint=HINT)
        for one, then in pairwise(words):
            if one == "INTO" and then in ("OUTFILE", "DUMPFILE"):
                raise UsageError(f"INTO {then} is refused: it writes a file of the server", hint=HINT)
            if (one, then) == ("DELETE", "HISTORY"):
                raise UsageError("DELETE HISTORY is refused: nothing brings it back", hint=HINT)

    def bound(self, parameters: Parameters, literal: Callable[[Scalar], str]) -> Statement:
        """With the parameters in place of ``?`` or ``:name``. Raises ``UsageError``."""
        parts, at, used = [], 0, 0
        for start, end, name in self._places(isinstance(parameters, Mapping)):
            if isinstance(parameters, Mapping):
                if name not in parameters:
                    raise UsageError(f"no parameter is called {name}")
                value = parameters[name]
            elif used < len(parameters):
                value = parameters[used]
            else:
                raise UsageError(f"there are more places than parameters, {len(parameters)}")
            used += 1
            parts += [self.text[at:start], literal(value)]
            at = end
        if not isinstance(parameters, Mapping) and used < len(parameters):
            raise UsageError(f"there are {len(parameters)} parameters for {used} places", hint="a place is written ?")
        return only("".join([*parts, self.text[at:]]))

    def _places(self, named: bool) -> Iterator[tuple[int, int, str]]:
        for token, after in zip(self.tokens, (*self.tokens[1:], None), strict=True):
            if not named and token.text == "?":
                yield token.start, token.start + 1, ""
            elif named and token.text == ":" and after and after.kind == "word" and after.start == token.start + 1:
                yield token.start, after.start + len(after.text), after.text


def split(statements: str) -> list[Statement]:
    """One by one; what says nothing is left out. Raises ``UsageError`` for what cannot be read."""
    found: list[Statement] = []
    tokens: list[Token] = []
    start = 0
    for token in _tokens(statements):
        if token.text == ";" and token.kind == "other":
            _add(found, statements[start : token.start], tokens, start)
            tokens, start = [], token.start + 1
        else:
            tokens.append(token)
    _add(found, statements[start:], tokens, start)
    return found


def only(text: str) -> Statement:
    """All of it as one, such as the body of a trigger."""
    return Statement(text, tuple(_tokens(text)))


def _add(found: list[Statement], text: str, tokens: list[Token], start: int) -> None:
    if tokens:
        found.append(Statement(text, tuple(token._replace(start=token.start - start) for token in tokens)))


def _tokens(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        kind, found = match.lastgroup or "", match.group()
        if kind == "nothing":
            if found.startswith(("/*!", "/*M!", "/*+")):
                raise UsageError(f"a comment that is run is refused: {found[:40]}", hint="write it as a statement")
            continue
        if found in ("'", '"', "`") or text.startswith("/*", match.start()) or found == "\0":
            raise UsageError(f"it has no end: {text[match.start() : match.start() + 40]}", hint="look at its quotes")
        yield Token(kind, found, match.start())
