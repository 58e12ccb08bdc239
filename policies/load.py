"""From a pack's name, a file or a mapping to a policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agentrt.documents import Document, load_yaml, nearest
from agentrt.errors import UsageError

from .pack import read_pack
from .policy import PackPolicy, Written

PACKS = Path(__file__).parent / "packs"


def open_policy(policy: str | Mapping[str, object], *, folder: Path) -> PackPolicy:
    """A pack's name ("default"), a YAML file (relative to ``folder``), or what such a file would hold.

    What a pack leaves out is as in the default pack. Raises ``DocumentError``, and ``UsageError`` where no
    pack has that name.
    """
    default = _written(load_yaml(PACKS / "default.yaml"), folder)
    if policy == "default":
        return PackPolicy("default", (default,))
    if isinstance(policy, str):
        document, folder = _find(policy, folder)
        name = Path(policy).stem
    else:
        document, name = Document.of(policy, "policy"), "inline"
    own = _written(document, folder)
    return PackPolicy(own.pack.name or name, (default, own))


def _written(document: Document, folder: Path) -> Written:
    return Written(read_pack(document, folder=folder), document)


def _find(policy: str, folder: Path) -> tuple[Document, Path]:
    """The document, and the folder its own paths are relative to."""
    if "/" in policy or policy.endswith((".yaml", ".yml")):
        file = folder / Path(policy).expanduser()
        return load_yaml(policy if Path(policy) == file else file), file.parent
    packs = sorted(path.stem for path in PACKS.glob("*.yaml"))
    if policy not in packs:
        hint = nearest(policy, packs) + "; a file is named with its folder or with .yaml"
        raise UsageError(f'no policy pack is called "{policy}"', hint=hint)
    return load_yaml(PACKS / f"{policy}.yaml"), folder
