"""How a row of the state matrix is checked: alike for all of them.

What processes inside see before, right after the action, after it is sealed, after going back and after going forth
again; and that ``changes`` names exactly the paths that differ, each with its true state, in both directions.
"""

from __future__ import annotations

from functools import partial

from agentrt.contracts import Sandbox
from agentrt.records import FileEffect, FileState, Snapshot

from .sandbox_ground import Ground, check, same_tree
from .trees import Node, Tree

Expected = dict[str, str]
"""Path → change; ``~`` at the start of a path is the home inside."""


def row(name: str, action: str, expected: Expected, *, before: str = "") -> None:
    """Register a row: a script for the real workspace, a script for the sandbox, and what must be told of it."""
    check("state: " + name)(partial(_row, before, action, expected))


async def _row(before_script: str, action: str, expected: Expected, ground: Ground) -> None:
    if before_script:
        ground.host(before_script)
    home = await ground.home()
    expected = {home + path[1:] if path.startswith("~") else path: change for path, change in expected.items()}
    start = Snapshot()
    before = await ground.view()

    await ground.sandbox.begin("s1.0")
    await ground.bash(action)
    live = await ground.look()
    sealed = await ground.sandbox.seal()
    after = await ground.view()
    same_tree(before if sealed == start else live, after, "sealed, compared with live")

    effects = await ground.sandbox.changes(start, sealed)
    assert [(e.path, e.change) for e in effects] == sorted(expected.items())
    true_effects(effects, before, after)
    await _mirrored(ground.sandbox, start, sealed, effects)

    await ground.sandbox.restore(start)
    same_tree(before, await ground.view(), "restored to before")
    await ground.sandbox.restore(sealed)
    same_tree(after, await ground.view(), "restored to after")


def true_effects(effects: list[FileEffect], before: Tree, after: Tree) -> None:
    """They name every path that differs, no other, and say what was and is there."""
    named = {e.path for e in effects} | {e.renamed_from for e in effects if e.renamed_from is not None}
    differing = {
        path.decode(errors="surrogateescape")
        for path in before.keys() | after.keys()
        if path != b"." and not path.endswith(b"/.") and _what(before.get(path)) != _what(after.get(path))
    }
    assert named == differing, f"named but equal: {named - differing}; not named: {differing - named}"
    for effect in effects:
        old = effect.path if effect.renamed_from is None else effect.renamed_from
        _true_state(effect.before, before.get(old.encode(errors="surrogateescape")), old)
        _true_state(effect.after, after.get(effect.path.encode(errors="surrogateescape")), effect.path)


def _what(node: Node | None) -> Node | None:
    """A node without its time, and without what other names it has."""
    return node and node._replace(mtime_ns=0, same_as="")


def _true_state(state: FileState | None, node: Node | None, path: str) -> None:
    if state is None or node is None:
        assert state is None and node is None, f"{path}: {state} for {node}"
        return
    told = (state.type, state.mode, state.size, state.mtime_ns, state.target or "")
    assert told == (node.type, node.mode, node.size, node.mtime_ns, node.target), f"{path}: {state} for {node}"
    if state.digest is not None and node.content != "unreadable":
        assert state.digest == node.content, f"{path}: digest"


async def _mirrored(sandbox: Sandbox, a: Snapshot, b: Snapshot, effects: list[FileEffect]) -> None:
    other_way = {"created": "deleted", "deleted": "created"}
    expected = sorted(
        (e.renamed_from or e.path, other_way.get(e.change, e.change), e.path if e.renamed_from else None)
        for e in effects
    )
    assert [(e.path, e.change, e.renamed_from) for e in await sandbox.changes(b, a)] == expected
