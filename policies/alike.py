"""What "like this" means: patterns of commands and of paths that fit what was done, and little else."""

from __future__ import annotations

import glob
import re
import shlex
from collections.abc import Iterable
from posixpath import split, splitext

from agentrt.records import Effect, FileEffect, RequestEffect

from .approved import WRAPPERS
from .effects import about, is_harmless, is_plain
from .patterns import Words
from .reading import Asked

_MOST = 12
"""Patterns of paths that a person still reads."""
_COMMANDS = """
git npm pnpm yarn cargo go pip pip3 uv poetry pdm pipenv bundle gem composer mix rails dotnet apt apt-get brew conda gh
docker podman kubectl helm terraform systemctl
"""
_WITH_COMMANDS = frozenset(_COMMANDS.split())
"""Programs whose first word says what they do."""
_CODE = re.compile(r"(?:python|pypy|perl|ruby|node|php|lua|deno|bun|Rscript|[a-z]{0,3}sh)[\d.]*")


class Unlike(Exception):
    """There is no rule for it; says why, for a person."""


def commands_like(asked: Asked) -> list[str]:
    """Patterns of all that an action ran, as ``run`` has them: by program and sub-command where those are all that is
    run, to the letter where they run something in turn. Raises ``Unlike``."""
    if len(asked.unknown) > len(asked.runners):
        raise Unlike(f"what it ran cannot be read in full: {asked.unknown[0]}")
    if not asked.runs:
        raise Unlike("it ran no program")
    return list(dict.fromkeys(_pattern(argv, argv in asked.runners) for argv in asked.runs))


def files_like(effects: Iterable[Effect]) -> tuple[list[str], list[str]]:
    """Kinds of changes, and patterns of their paths: a folder and an extension. Raises ``Unlike`` for what a person has
    to look at each time."""
    files: list[FileEffect] = []
    for effect in effects:
        if isinstance(effect, FileEffect):
            files.append(_usual(effect))
        elif isinstance(effect, RequestEffect) and effect.canary is not None:
            raise Unlike("a planted file was on its way out")
        elif not is_harmless(effect):
            raise Unlike(about(effect, ""))
    places = {path: _is_folder(file) for file in files for path in (file.path, file.renamed_from) if path is not None}
    return sorted({file.change for file in files}), _covering(places)


def _pattern(argv: Words, runs_more: bool) -> str:
    words = [word for word in argv if word is not None]
    head = None if runs_more else _head(words[0].rpartition("/")[2], argv)
    if head is not None:
        return " ".join([*map(_word, argv[:head]), "**"])
    if len(words) < len(argv):
        raise Unlike(f"words of `{shlex.join(words)} …` are only known at run time")
    if runs_more and _CODE.fullmatch(words[0].rpartition("/")[2]) and all(word[:1] == "-" for word in words[1:]):
        raise Unlike(f"the code that `{words[0]}` ran is not in its arguments")
    return " ".join(map(_word, words))


def _head(name: str, argv: Words) -> int | None:
    """How many words say what a command does; None: all of them."""
    if name in WRAPPERS:
        return None
    if name in _WITH_COMMANDS:
        return 2 if len(argv) > 1 and re.fullmatch(r"[a-z][\w:-]*", argv[1] or "") else None
    if _CODE.fullmatch(name):
        return 3 if argv[1:2] == ("-m",) and argv[2:3] not in ((), (None,)) else None
    return 1


def _word(word: str | None) -> str:
    return shlex.quote(glob.escape(word or ""))


def _usual(effect: FileEffect) -> FileEffect:
    if not effect.in_workspace:
        raise Unlike(f"{effect.path} lies outside of the workspace")
    if effect.reversibility != "reversible":
        raise Unlike(f"what it did to {effect.path} is {effect.reversibility}")
    if not is_plain(effect):
        raise Unlike(f"{effect.path} is executable, a link or a device, of a .git, or has another mode now")
    for path in (effect.path, effect.renamed_from or ""):
        if not path.isprintable():
            raise Unlike("a path in it has characters that cannot be seen")
    return effect


def _is_folder(effect: FileEffect) -> bool:
    state = effect.after or effect.before
    return state is not None and state.type == "directory"


def _covering(places: dict[str, bool]) -> list[str]:
    """By folder and extension; where that gets long by the topmost folder and extension, then by that folder."""
    found: list[str] = []
    for height in range(3):
        found = sorted({_place(path, is_folder, height) for path, is_folder in places.items()})
        if len(found) <= _MOST:
            return found
    raise Unlike(f"it changed files in {len(found)} places")


def _place(path: str, is_folder: bool, height: int) -> str:
    folder, name = split(path)
    ending = "" if is_folder else splitext(name)[1]
    last = f"*{glob.escape(ending)}" if ending else glob.escape(name)
    if not folder:
        return f"./{last}" if not is_folder or height < 2 else f"{glob.escape(name)}/**"
    top = glob.escape(path.partition("/")[0])
    if height == 0 or (height == 1 and not ending):
        return f"{glob.escape(folder)}/{last}"
    return f"{top}/**/{last}" if height == 1 else f"{top}/**"
