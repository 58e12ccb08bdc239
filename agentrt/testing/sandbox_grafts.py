"""Checks of graft: a view put together from others, path by path."""

from __future__ import annotations

from collections.abc import Iterable

from agentrt.records import Pick, Snapshot

from .sandbox_ground import Ground, check, same_tree
from .trees import Tree

START = Snapshot()

_CHANGES = """
    echo 2 > README; chmod 600 src/main.py; rm docs/link; mkdir -p new/deep; echo n > new/deep/n; rm -r build
    mv src/lib/util.py moved; ln -s moved link; rm -r empty; echo file > empty; mkfifo pipe; echo h > ~/h
"""


async def _picks(ground: Ground, a: Snapshot, b: Snapshot, *, source: Snapshot) -> list[Pick]:
    """Every path that differs between ``a`` and ``b``, to be as in ``source``."""
    effects = await ground.sandbox.changes(a, b)
    paths = {path for effect in effects for path in (effect.path, effect.renamed_from) if path is not None}
    return [Pick(path=path, source=source) for path in sorted(paths)]


def _without(tree: Tree, names: Iterable[bytes]) -> Tree:
    return {path: node for path, node in tree.items() if path not in names}


@check("graft: everything an action did is taken out again, later work stays")
async def _(ground: Ground) -> None:
    start = await ground.view()
    first = await ground.act(_CHANGES)
    later = await ground.act("echo later > later; echo 3 > ~/l")
    made = await ground.sandbox.graft(later, await _picks(ground, START, first, source=START), ground.name())
    assert made.layers[:-1] == later.layers
    found = {e.path for e in await ground.sandbox.changes(START, made)}
    assert found <= {"later", *(e.path for e in await ground.sandbox.changes(first, later))}
    await ground.sandbox.restore(made)
    view = await ground.view()
    added = [path for path in view if path not in start]
    assert b"later" in added and b"new" not in view and b"pipe" not in view
    same_tree(start, _without(view, added), "without the first action", mtimes=False)
    await ground.sandbox.restore(later)
    assert b"later" in await ground.view()


@check("graft: what an action did is put in again")
async def _(ground: Ground) -> None:
    first = await ground.act(_CHANGES)
    done = await ground.view()
    made = await ground.sandbox.graft(START, await _picks(ground, START, first, source=first), ground.name())
    await ground.sandbox.restore(made)
    same_tree(done, await ground.view(), "all of it", mtimes=False)


@check("graft: a file with other content keeps its mode")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 2 > src/main.py; chmod 710 src/main.py; touch empty.txt")
    picks = [
        Pick(path="src/main.py", source=first, content=b"merged\n\xff\x00"),
        Pick(path="empty.txt", source=first, content=b""),
        Pick(path="README", source=START, content=b"2\n"),
    ]
    made = await ground.sandbox.graft(first, picks, ground.name())
    await ground.sandbox.restore(made)
    view = await ground.view()
    assert view[b"src/main.py"].mode == 0o710
    with await ground.sandbox.read_at(made, "src/main.py") as file:
        assert file.read() == b"merged\n\xff\x00"
    with await ground.sandbox.read_at(made, "empty.txt") as file:
        assert file.read() == b""
    with await ground.sandbox.read_at(made, "README") as file:
        assert file.read() == b"2\n"
    with await ground.sandbox.read_at(first, "src/main.py") as file:
        assert file.read() == b"2\n", "the layer below stays as it was"


@check("graft: no difference is no layer")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 2 > README")
    name = ground.name()
    assert await ground.sandbox.graft(first, [], name) == first
    assert await ground.sandbox.graft(first, [Pick(path="README", source=first)], name) == first
    assert await ground.sandbox.graft(first, [Pick(path="nowhere/x", source=first)], name) == first


@check("graft: a folder that is to go and holds something else stays")
async def _(ground: Ground) -> None:
    first = await ground.act("mkdir -p made/deep; echo 1 > made/deep/f; echo 1 > made/g")
    later = await ground.act("echo 2 > made/deep/later")
    made = await ground.sandbox.graft(later, await _picks(ground, START, first, source=START), ground.name())
    assert await ground.changed(START, made) == [
        ("made", "created"), ("made/deep", "created"), ("made/deep/later", "created")
    ]  # fmt: skip


@check("graft: where a folder on the way is a file now the path is left")
async def _(ground: Ground) -> None:
    first = await ground.act("rm src/lib/util.py")
    later = await ground.act("rm -r src/lib; echo file > src/lib")
    made = await ground.sandbox.graft(later, [Pick(path="src/lib/util.py", source=START)], ground.name())
    assert made == later and first != later


@check("graft: a file becomes a folder and a folder a file")
async def _(ground: Ground) -> None:
    start = await ground.view()
    first = await ground.act("rm -r src; echo file > src; rm README; mkdir -p README/in; echo x > README/in/x")
    made = await ground.sandbox.graft(first, await _picks(ground, START, first, source=START), ground.name())
    await ground.sandbox.restore(made)
    same_tree(start, await ground.view(), "as it was", mtimes=False)


@check("graft: the user's own edits do not reach into it")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 2 > README")
    made = await ground.sandbox.graft(first, [Pick(path="README", source=START)], ground.name())
    ground.host("echo 'the user' >> README")
    with await ground.sandbox.read_at(made, "README") as file:
        assert file.read() == b"read me\n"


@check("graft: work goes on from there, and it is one more layer to stand on")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 2 > README; echo 1 > a")
    made = await ground.sandbox.graft(first, [Pick(path="README", source=START)], ground.name())
    await ground.sandbox.restore(made)
    more = await ground.act("echo 3 >> README; test $(cat a) = 1")
    assert more.layers[:-1] == made.layers
    assert await ground.changed(made, more) == [("README", "modified")]
