"""sed and awk: small languages that everybody uses and that can run programs. What plainly does not is let through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .inside import Hidden, Inside, Options, Unclear, skip
from .words import Word

_SED = Options(
    flags="nErsuz",
    values="el",
    attached="i",
    long="quiet silent regexp-extended separate unbuffered null-data in-place posix debug sandbox follow-symlinks",
    long_values="expression line-length",
)
_AWK = Options(values="Fv", long="version help", long_values="field-separator assign")


def sed(words: Sequence[Word]) -> Iterable[Inside]:
    """Options may stand after files, so that anything computed at run time may be one."""
    told: list[Word] = []
    operands: list[Word] = []
    rest = list(words[1:])
    while rest:
        skipped = skip([words[0], *rest], _SED)
        told += [value for option, value in skipped.given if option in ("e", "expression") and value is not None]
        operands += skipped.rest[:1]
        rest = skipped.rest[1:]
    scripts = told or operands[:1]
    files = operands if told else operands[1:]
    if any(script.literal is None or not _harmless(script.literal) for script in scripts):
        yield Hidden("sed code that may run a program")
    elif any(word.could_be_option for word in files if word.literal is None):
        yield Hidden("an argument of sed is computed at run time, and could be code")


_ADDRESS = r"(?:\d+(?:~\d+)?|\$|/(?:[^/\\\n\[]|\\.|\[\^?\]?(?:\[:\w+:\]|[^]/\[\n])*\])*/[IM]*)"
_COMMAND = re.compile(
    rf"""[\s;]*
    (?: {_ADDRESS} \s* (?: , \s* [+~]? (?:{_ADDRESS}|\d+) )? )? \s* !? \s*
    (?: [{{}}=dDgGhHnNpPqQxlz] \d*
      | [bt] \s* \w* (?=[\s;}}]|$) | : \s* \w+ (?=\s|;|$)
      | [aic] \s? [^\n]*
      | s (?P<mark>[^\w\s\\\[\];])
          (?: (?!(?P=mark)) (?:[^\\\n\[] | \\. | \[\^?\]? (?:\[:\w+:\]|(?!(?P=mark))[^]\[\n])* \]) )* (?P=mark)
          (?: (?!(?P=mark)) (?:[^\\]|\\.) )* (?P=mark) [0-9gpIiM]*
      | y (?P<other>[^\w\s\\;]) (?: (?!(?P=other)) (?:[^\\]|\\.) )* (?P=other)
          (?: (?!(?P=other)) (?:[^\\]|\\.) )* (?P=other)
    )
    \s* (?=[;}}\n]|$)""",
    re.VERBOSE | re.DOTALL,
)


def _harmless(script: str) -> bool:
    """Commands and flags that do not run or write anything, one after the other to the end."""
    at = 0
    while script[at:].strip(" \t\n;"):
        match = _COMMAND.match(script, at)
        if match is None or match.end() == at:
            return False
        at = match.end()
    return True


def awk(words: Sequence[Word]) -> Iterable[Inside]:
    skipped = skip(words, _AWK)
    if not skipped.rest:
        return
    program = skipped.rest[0].literal
    if program is None:
        raise Unclear("awk code that is computed at run time")
    if re.search(r"system|@|\|", program.replace("||", "")):
        yield Hidden("awk code that may run a program")
