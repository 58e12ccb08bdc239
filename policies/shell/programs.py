"""Which room knows a program."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from .builtins import BUILTINS
from .editing import awk, sed
from .git import git
from .inside import Hidden, Inside, Run, Unclear
from .interpreters import opaque
from .searching import find, xargs
from .shells import DIALECTS, OTHERS, flock, other_shell, script, shell, su, watch
from .words import Word
from .wrappers import WRAPPERS, unwrap

_ROOMS: dict[str, Callable[[Sequence[Word]], Iterable[Inside]]] = {
    **dict.fromkeys(WRAPPERS, unwrap),
    **dict.fromkeys(DIALECTS, shell),
    **dict.fromkeys(OTHERS, other_shell),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk", "original-awk"), awk),
    **dict.fromkeys(("sed", "gsed"), sed),
    **dict.fromkeys(("find", "gfind"), find),
    **dict.fromkeys(("xargs", "gxargs"), xargs),
    **dict.fromkeys(("su", "runuser"), su),
    "flock": flock,
    "git": git,
    "script": script,
    "watch": watch,
    **BUILTINS,
}
_LOADER = re.compile(r"ld(?:-linux[\w.-]*|-musl[\w.-]*|)\.so(?:\.\d+)?")


def inside(words: Sequence[Word]) -> list[Inside]:
    """What this command runs besides itself."""
    name = (words[0].literal or "").rpartition("/")[2]
    try:
        if _LOADER.fullmatch(name):
            return [Run(words[1:])] if len(words) > 1 else []
        return list(_ROOMS.get(name, opaque)(words))
    except Unclear as unclear:
        return [Hidden(str(unclear))]
