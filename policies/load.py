"""From a pack's name, a file or a mapping to a policy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from agentrt.documents import Document, load_yaml, nearest
from agentrt.errors import UsageError

from .examples import check
from .pack import Pack, read_pack
from .policy import Chain, PackPolicy, Written

PACKS = Path(__file__).parent / "packs"
WORKSPACE_FILE = ".agentrt/policy.yaml"
"""In a workspace: its own word, which may only make things stricter."""
_LOOSER = ("extends", "network", "home", "tools")


def open_policy(policy: str | Mapping[str, object], *, folder: Path, workspace: Path | None = None) -> PackPolicy:
    """A pack's name ("default"), a YAML file (relative to ``folder``), or what such a file would hold; with it what
    holds always, the user's own file, and that of the workspace.

    Raises ``DocumentError``, and ``UsageError`` where no pack has that name.
    """
    chain = _chain(policy, folder)
    others = [_chain("floor", folder)[-1:]]
    if (users := user_file()).is_file():
        others.append(_chain(str(users), users.parent)[1:])
    if workspace is not None and (own := workspace / WORKSPACE_FILE).is_file():
        others.append((_tightening(load_yaml(own), workspace),))
    last = chain[-1]
    given = "default" if policy == "default" else Path(policy).stem if isinstance(policy, str) else "inline"
    return PackPolicy(last.pack.name or given, (chain, *filter(None, others)))


def user_file() -> Path:
    """Of all sessions of this user."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "agentrt" / "policy.yaml"


def _chain(policy: str | Mapping[str, object], folder: Path, *, above: tuple[str, ...] = ()) -> Chain:
    """A pack after those it extends; the default pack is the first."""
    document, folder = _find(policy, folder) if isinstance(policy, str) else (Document.of(policy, "policy"), folder)
    own = _written(document, folder)
    base = own.pack.extends or ("default" if policy != "default" else None)
    if base is None:
        return (own,)
    if own.pack.extends is not None and document.file in above:
        raise document.error(f"it extends itself, by {' and '.join(above)}", ("extends",))
    try:
        return (*_chain(base, folder, above=(*above, document.file)), own)
    except UsageError as error:
        if own.pack.extends is None or "no policy pack" not in str(error):
            raise
        raise document.error(str(error), ("extends",), hint=error.hint) from None


def _tightening(document: Document, workspace: Path) -> Written:
    written = _written(document, workspace)
    for key in _LOOSER:
        if key in document.data:
            raise document.error(
                f"`{key}` is not for a workspace to say: its policy may only make things stricter",
                (key,),
                key=True,
                hint="put it into the policy the task names, or your own",
            )
    return written


def _written(document: Document, folder: Path) -> Written:
    pack: Pack = read_pack(document, folder=folder)
    return Written(pack, document, tuple(check(pack, document)))


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
