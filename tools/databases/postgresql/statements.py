"""Which statements an agent may run: the server gets them one by one, so the first word of each says what it is.

Whatever ends the transaction, or reaches out of it, begins with a word that is not in the list. What a function does
inside is not read here: it is measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from agentrt.contracts import Parameters, Scalar
from agentrt.errors import UsageError

_ROWS = frozenset(
    """
    SELECT INSERT UPDATE DELETE MERGE WITH VALUES TABLE EXPLAIN SHOW SET RESET LOCK DO CALL PREPARE EXECUTE DEALLOCATE
    DECLARE FETCH MOVE CLOSE ANALYZE TRUNCATE
    """.split()
)
_DEFINING = frozenset(("CREATE", "ALTER", "DROP", "COMMENT"))
_DEFINED = frozenset("TABLE INDEX VIEW SEQUENCE TRIGGER FUNCTION PROCEDURE ROUTINE COLUMN CONSTRAINT".split())
_BETWEEN = frozenset("ON OR REPLACE UNIQUE UNLOGGED CONSTRAINT RECURSIVE".split())
_TRANSACTION = frozenset(("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"))
_HINT = (
    "rows can be read, inserted, updated and deleted, tables truncated; tables, indexes, views, sequences, triggers "
    "and functions created, altered, dropped"
)
_OUTWARD = re.compile(
    r"\b(setval|dblink\w*|lo_\w+|pg_file_\w+|pg_notify|pg_terminate_backend|pg_cancel_backend|pg_reload_conf)\b",
    re.IGNORECASE,
)
"""What most likely is meant is said at once. A role that may do anything can still hide it in a function of its own."""
_TOKENS = re.compile(
    r"""
      (?P<blank> \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<string> [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) )
    | (?P<dollars> \$(?P<tag>(?:[^\W\d]\w*)?)\$ )
    | (?P<number> \$\d+ )
    | (?P<cast> :: | := )
    | (?P<named> :(?P<name>[^\W\d]\w*) )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<end> ; )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    kind: str
    text: str


class Statement(NamedTuple):
    text: str
    words: tuple[str, ...]
    """Its words outside strings and comments, upper case; quoted names are no words."""
    names: frozenset[str]
    """Whatever in it can be the name of something, as the catalog has it."""

    @property
    def may_define(self) -> bool:
        """It, or a function it calls, may well empty or alter tables."""
        return self.words[:1] in {(word,) for word in (*_DEFINING, "DO", "CALL", "EXECUTE")} or (
            self.words[:1] == ("SELECT",) and ("(" in self.text or "INTO" in self.words)
        )


def split(statements: str) -> list[Statement]:
    """One by one; empty ones are left out."""
    found: list[list[Token]] = [[]]
    for token in _tokens(statements):
        if token.kind == "end":
            found.append([])
        else:
            found[-1].append(token)
    return [
        Statement("".join(token.text for token in tokens), words, frozenset(map(_name, tokens)))
        for tokens in found
        if any(token.kind not in ("blank", "comment") for token in tokens)
        for words in [tuple(token.text.upper() for token in tokens if token.kind == "word")]
    ]


def _name(token: Token) -> str:
    return token.text[1:-1].replace('""', '"') if token.text.startswith('"') else token.text.lower()


def check(statement: Statement) -> None:
    """Raises ``UsageError`` for what cannot be put back, or is not the agent's."""
    words = statement.words
    first, second = (*words, "", "")[:2]
    if first in _TRANSACTION or (first, second) == ("PREPARE", "TRANSACTION"):
        raise UsageError(
            f"{first} is refused: each action is one transaction, which agentrt begins and ends",
            hint="leave it out; what is refused or reviewed is rolled back as a whole",
        )
    if (found := _OUTWARD.search(statement.text)) is not None:  # in strings, too: a DO block is one
        raise UsageError(
            f"{found[0]} is refused: no rollback takes back what it does",
            hint="where it is data and no function, give it as a parameter",
        )
    if first == "DO" and re.search(r"\bcopy\b", statement.text, re.IGNORECASE):
        raise UsageError("COPY is refused: it reads and writes files of the server")
    if first in _DEFINING:
        what = next((word for word in words[1:] if word not in _BETWEEN), "")
        if what not in _DEFINED and words[1:3] != ("ON", "CONSTRAINT"):
            raise UsageError(f"{first} {what} is refused: what it does could not be put back", hint=_HINT)
        if "CONCURRENTLY" in words:
            raise UsageError("CONCURRENTLY is refused: it does not happen in the action's transaction", hint=_HINT)
    elif first not in _ROWS:
        raise UsageError(
            f"{first or statement.text.strip()[:20]} is refused: what it does could not be put back", hint=_HINT
        )


def bound(statement: str, parameters: Parameters) -> tuple[str, list[Scalar]]:
    """As the server wants them: numbered. A mapping's are named ``:name`` in the statement.

    Raises ``UsageError``: a name has no value.
    """
    if not isinstance(parameters, Mapping):
        return statement, list(parameters)
    text, numbers = "", dict[str, int]()
    for token in _tokens(statement):
        if token.kind == "named":
            name = token.text[1:]
            if name not in parameters:
                raise UsageError(f"no value is given for :{name}")
            text += f"${numbers.setdefault(name, len(numbers) + 1)}"
        else:
            text += token.text
    return text, [parameters[name] for name in numbers]


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    while (match := _TOKENS.match(text, at)) is not None:
        kind, end = match.lastgroup or "", match.end()
        if kind == "comment":
            end = _end_of_comment(text, match.start())
        elif kind == "dollars":
            closing = text.find(match["dollars"], end)
            end = len(text) if closing < 0 else closing + len(match["dollars"])
        found.append(Token(kind, text[at:end]))
        at = end
    return found


def _end_of_comment(text: str, at: int) -> int:
    """They nest."""
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(text)
