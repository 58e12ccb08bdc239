"""Why a command failed, where that lies in the sandbox and its output does not tell: and what to do.

Two of the kernel's errors have a cause there that their text does not name. Whether it is that cause is looked up
before it is said.
"""

from __future__ import annotations

import gettext
import itertools
import re
import shlex
from collections.abc import Iterator

from agentrt.contracts import World
from agentrt.records import Observation

from .owners import foreign

# EXDEV and EOVERFLOW: what every C library, Go and Node say of them, and what glibc translates.
_CROSS_DEVICE = "cross-device link", "Invalid cross-device link"
_TOO_LARGE = "value too large for (?:defined )?data type", "Value too large for defined data type"
# What git says of a remote it cannot speak to.
_REMOTE = re.compile(
    r"^fatal: (?:unable to access '[^\n]*|Could not read from remote repository|could not read (?:Username|Password) "
    r"for [^\n]*|unable to look up [^\n]*|unable to connect to [^\n]*|Authentication failed for [^\n]*)",
    re.MULTILINE,
)
_LINES, _WIDTH = 4, 1000
"""How many of a command's complaints are looked at, and how much before and after the message: they may be anything."""
_QUOTED = re.compile(r"""(?<!\w)(?:'([^']+)'|"([^"]+)"|\u2018([^\u2019]+)\u2019|`([^'`]+)['`])(?!\w)""")
_NAME = r"""([^\s'",()]+)"""
_PAIR = re.compile(rf"rename {_NAME} {_NAME}:|{_NAME} -> {_NAME}:|\({_NAME}, {_NAME}\)")
"""Both ends of a rename, as Go, Java and Ruby name them."""
_IS_FOLDER = """
exec >/dev/null 2>&1
cd -- "$1" || exit 2
mount() { stat -c %m -- "$1" || echo "none of $1"; }
[ -d "$2" ] && [ ! -L "$2" ] && [ "$(mount "$2")" = "$(mount "$(dirname -- "$3")")" ] && exit 0
[ -e "$2" ] || [ -L "$2" ] || [ -e "$3" ] && exit 1
exit 2
"""
"""0: in ``$1``, ``$2`` is a folder, and ``$3`` would be on the same mount; 1: no such rename; 2: nothing is known."""


async def hinted(seen: Observation, world: World, cwd: str | None = None) -> Observation:
    """``seen`` of a command; with an ``error`` that says what to do where it failed because of the sandbox."""
    if not seen.exit_code or seen.error is not None:
        return seen
    why = None
    if lines := _lines(seen.output, _CROSS_DEVICE):
        why = await _renamed(lines, world, cwd)
    elif lines := _lines(seen.output, _TOO_LARGE):
        why = await foreign(world, [name for line in lines for name in _names(line)], cwd)
    elif _REMOTE.search(seen.output):
        why = "no remote can be reached with the user's credentials from the sandbox: to push, use the tool push"
    return seen.model_copy(update={"error": why}) if why else seen


async def _renamed(lines: list[str], world: World, cwd: str | None) -> str | None:
    """What to do in place of renaming a folder, unless something else was renamed, moved or linked."""
    known = False
    for old, new in filter(None, map(_pair, lines)):
        # The answer is an exit code, as what is printed goes to whoever watches the action.
        seen = await world.exec(["sh", "-c", _IS_FOLDER, "sh", cwd or ".", old, new or old])
        if seen.exit_code == 0:
            moved = f"{_word(old)} {_word(new) if new else 'NEW'}"
            return f"{_word(old)} is a folder from before this action, {_cannot(moved)}"
        known = known or seen.exit_code == 1
    return None if known else f"if this was the rename of a folder from before this action, {_cannot('OLD NEW')}"


def _cannot(moved: str) -> str:
    return (
        "which can be copied in the sandbox but not renamed in place (EXDEV): "
        f"`mv {moved}` copies it, so does Python's shutil.move; for git: `mv {moved} && git add -A {moved}`"
    )


def _word(name: str) -> str:
    """``name`` as a shell and ``mv`` take it."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def _lines(output: str, texts: tuple[str, str]) -> list[str]:
    """What stands around the message in the last lines that hold it, the last one first."""
    general, exact = texts
    translated = gettext.translation("libc", "/usr/share/locale", fallback=True).gettext(exact)
    message = re.compile(f"{general}|{re.escape(translated)}", re.IGNORECASE)
    found = ((line, message.search(line)) for line in reversed(output.splitlines()))
    around = (line[max(m.start() - _WIDTH, 0) : m.start()] + line[m.end() :][:_WIDTH] for line, m in found if m)
    return list(itertools.islice(around, _LINES))


def _pair(line: str) -> tuple[str, str | None] | None:
    """What was to be renamed, and to what where that is said."""
    pair = _PAIR.search(line)
    names = [name for name in pair.groups() if name] if pair else _quoted(line)
    if not names or not all(name.isprintable() for name in names):
        return None
    return names[0], names[1] if len(names) > 1 else None


def _names(line: str) -> Iterator[str]:
    """Whatever in a complaint could be the name of a file, likely ones first."""
    yield from _quoted(line)
    yield from (piece.strip() for piece in line.split(": ") if piece.strip())
    yield from (word.strip("(),:") for word in line.split())


def _quoted(line: str) -> list[str]:
    return [next(filter(None, groups)) for groups in _QUOTED.findall(line)]
