"""Shells, and programs that hand a text to one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .inside import Code, Hidden, Inside, Options, Run, Unclear, skip
from .words import Word, listed

DIALECTS = {"bash": "bash", "rbash": "bash", "sh": "posix", "dash": "posix", "ash": "posix"}
OTHERS = frozenset(
    {
        "zsh",
        "ksh",
        "ksh93",
        "mksh",
        "oksh",
        "pdksh",
        "yash",
        "fish",
        "csh",
        "tcsh",
        "nu",
        "elvish",
        "xonsh",
        "pwsh",
        "rc",
        "es",
    }
)

_LETTERS = frozenset("abefhmnptuvxBCEHPc")
_LONG = frozenset({"--norc", "--noprofile", "--posix"})
_TELLING = frozenset({"--version", "--help"})
_SETTINGS = listed("allexport errexit errtrace functrace noclobber noglob nounset pipefail verbose xtrace")


def shell(words: Sequence[Word]) -> Iterable[Inside]:
    """``bash -xc 'code'`` is read; a script, a pipe or a prompt is not."""
    name = _name(words)
    code, at = False, 1
    while at < len(words):
        literal = words[at].literal
        if literal is None:
            break
        if literal in _TELLING:
            return
        if literal in ("--", "-"):
            at += 1
            break
        if literal[:1] not in ("-", "+") or len(literal) < 2:
            break
        at += 1
        if literal in _LONG:
            continue
        letters = literal[1:]
        if letters == "o":
            if at == len(words) or words[at].literal not in _SETTINGS:
                raise Unclear(f"{name} is set to behave in another way")
            at += 1
            continue
        if letters.endswith("o") and at < len(words) and words[at].literal in _SETTINGS:
            letters, at = letters[:-1], at + 1
        if not set(letters) <= _LETTERS:
            raise Unclear(f"the reader does not know the option {literal} of {name}")
        code |= literal[0] == "-" and "c" in letters
    yield _first(name, words[at:], code)


def _first(name: str, operands: Sequence[Word], code: bool) -> Inside:
    if not operands:
        return Hidden(f"{name} runs what it reads")
    literal = operands[0].literal
    if code:
        return handed_over(name, operands[0], DIALECTS[name])
    return Hidden(f"{name} runs what is in {literal or 'a file named at run time'}")


def other_shell(words: Sequence[Word]) -> Iterable[Inside]:
    yield Hidden(f"code for {_name(words)}")


_SU = Options(flags="lmpP", values="cgGsu", long="login preserve-environment", long_values="command group shell user")


def su(words: Sequence[Word]) -> Iterable[Inside]:
    """``su -c 'code'``, ``runuser -u user -- command``. A login shell reads its startup files first."""
    name = _name(words)
    leaders = [word for word in words[1:] if word.literal == "-"]
    skipped = skip([word for word in words if word.literal != "-"], _SU)
    rest = skipped.rest
    if rest and any(option in ("u", "user") for option, _ in skipped.given):
        yield Run(rest)
        return
    # A user's name comes first, and options may follow it.
    later = skip([words[0], *rest[1:]], _SU)
    given = skipped.given + later.given
    codes = [value for option, value in given if option in ("c", "command")]
    plain = {option for option, _ in given} <= {"c", "command", "m", "p", "preserve-environment"}
    if leaders or not plain or len(codes) != 1:
        yield Hidden(f"{name} starts a shell of its own")
    yield from (handed_over(name, value) for value in codes)


def handed_over(name: str, value: Word | None, dialect: str = "posix") -> Inside:
    """A text for a shell: whatever ``sh`` is, if nothing else is said."""
    literal = None if value is None else value.literal
    return Hidden(f"the code for {name} is computed at run time") if literal is None else Code(literal, dialect)


_FLOCK = Options(
    flags="sxeunoFv",
    values="wE",
    long="shared exclusive unlock nonblock nb close no-fork verbose",
    long_values="timeout wait conflict-exit-code",
)


def flock(words: Sequence[Word]) -> Iterable[Inside]:
    rest = skip(words, _FLOCK).rest
    if not rest or not rest[0].single:
        raise Unclear("it is computed at run time what flock runs")
    if len(rest) > 2 and rest[1].literal in ("-c", "--command"):
        yield handed_over("flock", rest[2])
    elif len(rest) > 1:
        yield Run(rest[1:])


_WATCH = Options(
    flags="bcegtwx",
    values="n",
    attached="d",
    long="beep color errexit chgexit no-title exec differences",
    long_values="interval",
)


def watch(words: Sequence[Word]) -> Iterable[Inside]:
    """Its words are joined and given to a shell, but for ``-x``."""
    skipped = skip(words, _WATCH)
    if any(option in ("x", "exec") for option, _ in skipped.given):
        if skipped.rest:
            yield Run(skipped.rest)
        return
    literals = [word.literal for word in skipped.rest]
    known = [literal for literal in literals if literal is not None]
    yield handed_over("watch", Word((" ".join(known),)) if len(known) == len(literals) else None)


_SCRIPT = Options(
    flags="aefq",
    values="cIOBTmoE",
    long="append return flush force quiet",
    long_values="command log-in log-out log-io log-timing output-limit echo",
)


def script(words: Sequence[Word]) -> Iterable[Inside]:
    skipped = skip(words, _SCRIPT)
    codes = [value for option, value in skipped.given if option in ("c", "command")]
    if len(codes) != 1 or len(skipped.rest) > 1:
        yield Hidden("script starts a shell")
    yield from (handed_over("script", value) for value in codes)


def _name(words: Sequence[Word]) -> str:
    return (words[0].literal or "").rpartition("/")[2]
