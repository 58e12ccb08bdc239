"""``gc``: what is kept on disk and need not be; a path that must not be kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agentrt.collecting import Freed, Outside, remove_garbage, remove_outside
from agentrt.errors import DiskFull, UsageError
from agentrt.history import garbage
from agentrt.history.journal import Journal
from agentrt.history.store import Lock, locate
from agentrt.housing import House, sandbox_name
from agentrt.opening import open_policy
from agentrt.purging import Purged, purge, told
from agentrt.runtime import Runtime
from agentrt.showing.plain import plain
from agentrt.units import format_size

from .interrupting import run
from .moves import in_workspace
from .options import HERE, Where
from .render import put, put_json, say
from .session import with_runtime

_GONE = {False: "removed", True: "would be removed"}


def gc(
    *,
    dry_run: Annotated[bool, Parameter(help="Say what would be removed; remove nothing.", negative="")] = False,
    purge: Annotated[
        str | None,
        Parameter(name="--purge", help="Remove this file or folder from all of history; only this.", negative=""),
    ] = None,
    where: Where = HERE,
) -> int:
    """Remove what no operation can come back to, and what the quota leaves no room for."""
    if purge is not None:
        return _purge(purge, dry_run, where)

    async def work(runtime: Runtime) -> Freed:
        return await runtime.opened.room.free(runtime.sandbox, dry_run=dry_run)

    try:
        freed = with_runtime(where, work)
    except DiskFull:
        if dry_run:
            raise
        # No room even to open the journal for writing: what is garbage goes first.
        run(_make_room(where))
        freed = with_runtime(where, work)
    _put_freed(freed, remove_outside(locate(where.workspace), dry_run=dry_run), dry_run, where)
    return 0


async def _make_room(where: Where) -> None:
    """Raises ``DiskFull`` where the journal cannot be read, either."""
    store = locate(where.workspace)
    with Lock(store).acquire():
        policy = open_policy("default", Path.cwd())
        sandbox = House(sandbox_name(), Path.cwd()).open(store, policy.confinement)
        try:
            await sandbox.remove(())
            with Journal.open(store.journal, read_only=True) as journal:
                found = garbage.find(store, journal)
            await remove_garbage(store, sandbox, found)
        finally:
            await sandbox.close()
    for kind, names in _names(found).items():
        for name in names:
            say(f"removed first, to make room: {kind}/{plain(name)}")


def _put_freed(freed: Freed, outside: Sequence[Outside], dry_run: bool, where: Where) -> None:
    names = _names(freed.garbage)
    total = sum(freed.sizes.values())
    if where.json:
        collected = [{"kind": item.kind, "name": item.name, "why": item.why} for item in freed.collected]
        about = {"sizes": freed.sizes, "bytes": total, "used": freed.used, "quota": freed.quota, "dry_run": dry_run}
        left = [{"sandbox": item.sandbox, "name": item.name, "kept": item.kept} for item in outside]
        put_json({**names, "collected": collected, "outside": left, **about})
        return
    for kind, found in names.items():
        for name in found:
            put(f"{kind}/{plain(name)}")
    for item in freed.collected:
        put(f"{item.kind} {plain(item.name)}: {plain(item.why)}; collected to stay within the quota")
    verb = "would be freed" if dry_run else "freed"
    for kind, size in freed.sizes.items():
        put(f"{kind}: {format_size(size)} {verb}")
    for one in outside:
        put(f"{one.sandbox}: {plain(one.name)}" + (f" stays: {plain(one.kept)}" if one.kept else f" {_GONE[dry_run]}"))
    if not freed.sizes and all(one.kept for one in outside):
        put("nothing to remove")
    if freed.used > freed.quota:
        put(f"kept: {format_size(freed.used)} of {format_size(freed.quota)}; all of it is pending or needed by undo")


def _names(found: garbage.Garbage) -> dict[str, tuple[str, ...]]:
    return {"layers": found.layers, "outputs": found.outputs, "aside": found.aside, "bases": found.bases}


def _purge(path: str, dry_run: bool, where: Where) -> int:
    if not path.strip("/"):
        raise UsageError("--purge needs a path", hint="as in agentrt gc --purge .env")
    inside = path if path.startswith("/") or path.startswith("~") else in_workspace(path, where)

    async def work(runtime: Runtime) -> Purged:
        return await purge(runtime, inside, dry_run=dry_run)

    found = with_runtime(where, work)
    if where.json:
        parts = {"layers": found.layers, "aside": found.aside, "bases": found.bases}
        put_json({"path": found.path, **parts, "dry_run": dry_run})
        return 0
    put(plain(told(found, "is" if dry_run else "was")) + ("; it would be removed from there" if dry_run else ""))
    for name in (*(f"layers/{n}" for n in found.layers), *(f"aside/{n}" for n in found.aside)):
        put(f"  {plain(name)}")
    if not dry_run:
        put("not searched: outputs and messages, which may have printed it; what was in the journal stays there")
    return 0
