"""Checks of purge: a path is taken out of all of history, and nothing else is."""

from __future__ import annotations

import os

from agentrt.records import Snapshot

from .sandbox_ground import Ground, check, same_tree

START = Snapshot()
_SECRET = "hunter2-and-nothing-else"


@check("purge: a file is in no view and nowhere in the store any more")
async def _(ground: Ground) -> None:
    first = await ground.act(f"echo {_SECRET} > .env; echo 1 > a")
    second = await ground.act(f"echo more >> .env; echo {_SECRET} > README; echo 2 > a")
    third = await ground.act("rm .env; echo 3 > a")
    names = [first.layers[-1], second.layers[-1]]
    assert await ground.sandbox.purge(".env", dry_run=True) == names
    assert _found(ground, _SECRET) > 0
    assert await ground.sandbox.purge(".env") == names
    assert await ground.sandbox.purge(".env") == []
    await ground.sandbox.purge("README")
    assert _found(ground, _SECRET) == 0
    for number, snapshot in enumerate((first, second, third), start=1):
        await ground.sandbox.restore(snapshot)
        assert await ground.act(f"test ! -e .env; grep -qx {number} a; grep -q 'read me' README") == snapshot


@check("purge: what the user has there is seen again; what was deleted stays deleted")
async def _(ground: Ground) -> None:
    first = await ground.act("echo agent > README; rm debug.log; rm -r src/lib")
    assert await ground.sandbox.purge("README") == [first.layers[-1]]
    assert await ground.sandbox.purge("debug.log") == []
    assert await ground.sandbox.purge("src/lib/util.py") == []
    await ground.sandbox.restore(first)
    assert await ground.act("grep -q 'read me' README; test ! -e debug.log; test ! -e src/lib") == first
    assert await ground.changed(START, first) == [
        ("debug.log", "deleted"),
        ("src/lib", "deleted"),
        ("src/lib/util.py", "deleted"),
    ]


@check("purge: a folder with all in it; links are not followed")
async def _(ground: Ground) -> None:
    first = await ground.act(
        "mkdir -p conf/deep; echo s > conf/deep/s; chmod 000 conf/deep; mkdir also; echo s > also/s"
    )
    second = await ground.act("rm -r also; ln -s src also; echo 1 > src/s")
    assert await ground.sandbox.purge("conf/") == [first.layers[-1]]
    assert await ground.sandbox.purge("also/s") == [first.layers[-1]]
    await ground.sandbox.restore(second)
    assert await ground.act("test ! -e conf; test -e also/s; test -L also") == second


@check("purge: an absolute path, and one that is nowhere")
async def _(ground: Ground) -> None:
    first = await ground.act("mkdir d; echo x > d/x; echo y > y")
    assert await ground.sandbox.purge(f"{ground.sandbox.workspace}/d/x") == [first.layers[-1]]
    for nowhere in ("d/x", "d/x/z", "nothing", "/etc/passwd", "../workspace-not"):
        assert await ground.sandbox.purge(nowhere) == []
    before = await ground.view()
    other = ground.open()
    await other.start(first)
    same_tree(before, await ground.view(on=other), "after reopening")
    await ground.sandbox.restore(first)
    assert await ground.act("test -d d; test ! -e d/x; grep -q y y") == first


def _found(ground: Ground, text: str) -> int:
    """How many files of the store have it."""
    count = 0
    for around, _, names in os.walk(ground.store):
        for name in names:
            path = os.path.join(around, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    count += text.encode() in file.read()
    return count
