"""Programs that run the command which follows their own options: one line each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .inside import Hidden, Inside, Options, Run, Unclear, skip
from .words import Word


@dataclass(frozen=True)
class Wrapper(Options):
    operands: int = 0
    """Words between the options and the command."""
    assigns: bool = False
    """``NAME=value`` may stand before the command."""
    splits: bool = False
    """``-S`` has a value that is split into more words."""
    alone: str | None = None
    """What happens where no command follows, if that is more than nothing."""


_SHELL = "it starts a shell"
_BY_ITS_OWN_RULES = "env -S splits its text by rules of its own"

_LIMIT = Wrapper(
    flags="v",
    values="ks",
    long="foreground preserve-status verbose",
    long_values="kill-after signal",
    operands=1,
)
_TIME = Wrapper(flags="apqv", values="fo", long="append portability quiet verbose", long_values="format output")

WRAPPERS = {
    "busybox": Wrapper(),
    "catchsegv": Wrapper(),
    "chroot": Wrapper(long="skip-chdir", long_values="userspec groups", operands=1, alone=_SHELL),
    "chronic": Wrapper(flags="ve"),
    "dbus-run-session": Wrapper(),
    "doas": Wrapper(flags="nL", values="u"),
    "eatmydata": Wrapper(),
    "env": Wrapper(
        flags="i0v",
        values="uCS",
        long="ignore-environment null debug",
        long_values="unset chdir split-string",
        assigns=True,
        splits=True,
    ),
    "fakeroot": Wrapper(alone=_SHELL),
    "gtime": _TIME,
    "gtimeout": _LIMIT,
    "ionice": Wrapper(flags="t", values="cn", long="ignore", long_values="class classdata"),
    "linux32": Wrapper(),
    "linux64": Wrapper(),
    "nice": Wrapper(values="n", long_values="adjustment"),
    "nocache": Wrapper(values="n"),
    "nohup": Wrapper(),
    "numactl": Wrapper(long_values="cpunodebind membind physcpubind interleave preferred"),
    "pkexec": Wrapper(long_values="user", alone=_SHELL),
    "setsid": Wrapper(flags="cfw", long="ctty fork wait"),
    "stdbuf": Wrapper(values="ioe", long_values="input output error"),
    "strace": Wrapper(flags="cCdfFhiqrtTvVwxyzDZk", values="abeIOpPsSuUX"),
    "sudo": Wrapper(
        flags="AbBEHknNPS",
        values="ugpCDrtTRU",
        long="background non-interactive preserve-env reset-timestamp set-home stdin",
        long_values="user group prompt chdir host role type chroot command-timeout close-from",
        assigns=True,
    ),
    "taskset": Wrapper(flags="ac", operands=1),
    "time": _TIME,
    "timeout": _LIMIT,
    "toybox": Wrapper(),
    "unbuffer": Wrapper(flags="p"),
    "unshare": Wrapper(
        flags="mnpuiUCfrc", long="mount net pid uts ipc user cgroup fork map-root-user mount-proc", alone=_SHELL
    ),
    "valgrind": Wrapper(flags="qv"),
    "xvfb-run": Wrapper(
        flags="a", values="efnps", long="auto-servernum", long_values="server-args server-num error-file"
    ),
}

_ASSIGNMENT = re.compile(r"([^=]+)=(.*)", re.DOTALL)
"""Any name will do here, also one that no shell would take."""
_SPLIT_PLAINLY = re.compile(r"[^\\$'\"#]*")


def unwrap(words: Sequence[Word]) -> Iterable[Inside]:
    """The command that a wrapper of the table runs. Raises ``Unclear``."""
    name = (words[0].literal or "").rpartition("/")[2]
    wrapper = WRAPPERS[name]
    skipped = skip(_split(words, wrapper), wrapper)
    rest = skipped.rest
    if wrapper.splits and any(option in ("S", "split-string") for option, _ in skipped.given):
        raise Unclear(_BY_ITS_OWN_RULES)
    if wrapper.splits and rest and rest[0].literal == "-":
        rest = rest[1:]  # the same as -i
    assigns: list[tuple[str, Word]] = []
    while wrapper.assigns and rest and (pair := assignment(rest[0])):
        assigns.append(pair)
        rest = rest[1:]
    operands, command = rest[: wrapper.operands], rest[wrapper.operands :]
    if not all(word.single for word in operands):
        raise Unclear(f"it is computed at run time what {name} runs")
    if command:
        yield Run(command, assigns)
    elif wrapper.alone:
        yield Hidden(wrapper.alone)


def _split(words: Sequence[Word], wrapper: Wrapper) -> Sequence[Word]:
    """With the value of ``env -S`` made into words; the words themselves where there is none."""
    for at in range(1, len(words)):
        literal = words[at].literal
        if literal is None or not wrapper.splits or not literal.startswith("-") or literal in ("-", "--"):
            break
        found = re.match(r"--split-string(?:=|$)|-[i0v]*S", literal)
        if found is None:
            continue
        value, after = literal[found.end() :], at + 1
        if not value and not literal.endswith("="):
            given = words[after].literal if after < len(words) else ""
            if given is None:
                raise Unclear("it is computed at run time what env runs")
            value, after = given, after + 1
        if not _SPLIT_PLAINLY.fullmatch(value):
            raise Unclear(_BY_ITS_OWN_RULES)
        return [*words[:at], *(Word((part,)) for part in value.split()), *words[after:]]
    return words


def assignment(word: Word) -> tuple[str, Word] | None:
    """``NAME=value``, given to a program as a word."""
    if (literal := word.literal) is not None:
        match = _ASSIGNMENT.fullmatch(literal)
        return (match[1], Word((match[2],))) if match else None
    match = _ASSIGNMENT.match(word.head) if word.single else None
    return (match[1], Word((None,))) if match else None
