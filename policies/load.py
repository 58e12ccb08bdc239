"""From a pack's name, a file or a mapping to a chain of packs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from agentrt.documents import Document, load_yaml, nearest
from agentrt.errors import UsageError
from agentrt.homes import config_home

from .chains import Chain, read_written
from .tightening import tightening

PACKS = Path(__file__).parent / "packs"
WORKSPACE_FILE = ".agentrt/policy.yaml"
"""In a workspace: its own word, which may only make things stricter."""


def read_chain(policy: str | Mapping[str, object], folder: Path, *, above: tuple[str, ...] = ()) -> Chain:
    """A pack after those it extends; the default pack is the first. Raises ``DocumentError``, ``UsageError``."""
    document, folder = _find(policy, folder) if isinstance(policy, str) else (Document.of(policy, "policy"), folder)
    own = read_written(document, folder)
    base = own.pack.extends or ("default" if policy != "default" else None)
    if base is None:
        return (own,)
    if own.pack.extends is not None and document.file in above:
        raise document.error(f"it extends itself, by {' and '.join(above)}", ("extends",))
    try:
        return (*read_chain(base, folder, above=(*above, document.file)), own)
    except UsageError as error:
        if own.pack.extends is None or "no policy pack" not in str(error):
            raise
        raise document.error(str(error), ("extends",), hint=error.hint) from None


def user_file() -> Path:
    """Of all sessions of this user. A relative XDG_CONFIG_HOME is ignored: it may lead into a workspace."""
    return config_home() / "policy.yaml"


def user_chain(file: Path) -> Chain:
    """The user's own word: without the default pack, which the task's policy stands on. Raises ``DocumentError``."""
    return read_chain(str(file), file.parent)[1:]


def other_hands(folder: Path, workspace: Path | None) -> list[Chain]:
    """What has a say besides the policy that was asked for: the floor, the user, the workspace."""
    others = [read_chain("floor", folder)[-1:]]
    if _says_something(users := user_file()):
        others.append(user_chain(users))
    if workspace is not None and _says_something(own := workspace / WORKSPACE_FILE):
        others.append((tightening(load_yaml(own), workspace, who="a workspace"),))
    return others


def _says_something(file: Path) -> bool:
    """It need not be there, and may be made up of comments. A link that leads nowhere, or a folder, is a mistake to be
    told of: nobody meant to have no policy."""
    if not file.is_file():
        return os.path.lexists(file)
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return True
    return any(line.strip() and not line.lstrip().startswith(b"#") for line in lines)


def _find(policy: str, folder: Path) -> tuple[Document, Path]:
    """The document, and the folder its own paths are relative to."""
    if "/" in policy or policy.endswith((".yaml", ".yml")):
        file = folder / Path(policy).expanduser()
        return load_yaml(policy if Path(policy) == file else file), file.parent
    packs = sorted(path.stem for path in PACKS.glob("*.yaml") if path.stem != "floor")
    if policy not in packs and policy != "floor":
        hint = nearest(policy, packs) + "; a file is named with its folder or with .yaml"
        raise UsageError(f'no policy pack is called "{policy}"', hint=hint)
    return load_yaml(PACKS / f"{policy}.yaml"), folder
