"""A trick: one file in ``tricks/``, run inside the sandbox as one action.

Its first line says what it tries. Lines like ``# then: apply, again`` may follow:

    then    what is done after the action, in order: ``again`` (it is run once more, ``STEP`` counts), ``reopen`` (the
            runtime is closed and opened), ``apply`` (without and with ``rest``), ``host`` (the user goes on working
            in the workspace, with `agentrt`), ``module`` (with `python -m agentrt`)
    cwd     the folder the action is asked to run in
    at      ``terminal``: it is run from a shell that a person opened, which nothing of is kept
    network ``open``: a policy lets it speak to some hosts (``allowed.py``); ``held``: and it has a secret for one of
            them, and a planted file
    only    ``root``, ``user`` or a machine's name (``x86_64``): elsewhere there is nothing to try
    open    why it is known to get out, perhaps with ``root: `` or ``user: `` in front; to be taken away when it does
            not any more

A Python trick finds ``prelude.py`` under that name. Everything it needs to know is in its environment: see
``Outside.told``. It ends by printing ``tried``, however it ended, and says ``got out: …`` where it did in a way that
cannot be seen from outside.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TRICKS = Path(__file__).parent / "tricks"
_PRELUDE = Path(__file__).parent / "prelude.py"
_LOAD = """import sys, types
sys.modules["prelude"] = types.ModuleType("prelude")
exec({prelude!r}, vars(sys.modules["prelude"]))
"""
_HEADERS = ("then", "cwd", "at", "network", "only", "open")
_NETWORKS = {"", "open", "held"}
_STEPS = {"again", "reopen", "apply", "host", "module"}


@dataclass(frozen=True)
class Trick:
    name: str
    tries: str
    script: str
    is_python: bool
    then: tuple[str, ...] = ()
    cwd: str | None = None
    at: str = ""
    network: str = ""
    only: str = ""
    open: str = ""

    def command(self, told: Mapping[str, str]) -> str:
        """What bash is given."""
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in told.items())
        if not self.is_python:
            return exports + self.script
        code = _LOAD.format(prelude=_PRELUDE.read_text()) + self.script
        return exports + f"exec python3 -c {shlex.quote(code)}"


def all_tricks() -> list[Trick]:
    return [_read(file) for file in sorted(TRICKS.iterdir()) if file.suffix in (".sh", ".py")]


def _read(file: Path) -> Trick:
    """Raises ``ValueError`` where the head of the file is not as it must be."""
    script = file.read_text()
    first, *lines = script.splitlines()
    if not re.fullmatch(r"# .{10,}", first):
        raise ValueError(f"{file.name}: its first line must say what it tries")
    found: dict[str, str] = {}
    for line in lines:
        if (match := re.fullmatch(r"# (\w+): (.+)", line)) is None:
            break
        if match[1] not in _HEADERS:
            raise ValueError(f"{file.name}: {match[1]} is none of {', '.join(_HEADERS)}")
        found[match[1]] = match[2]
    then = tuple(filter(None, found.pop("then", "").replace(" ", "").split(",")))
    if unknown := set(then) - _STEPS:
        raise ValueError(f"{file.name}: {unknown} is no step")
    if found.get("network", "") not in _NETWORKS:
        raise ValueError(f"{file.name}: {found['network']} is no network")
    return Trick(file.stem, first[2:], script, file.suffix == ".py", then, **found)
