"""Checks of layers: begin, seal, discard, changes, restore, keep, fork, and that sealed layers last."""

from __future__ import annotations

from agentrt.errors import SandboxError
from agentrt.records import Snapshot

from .sandbox_ground import Ground, check, plain, same_tree

START = Snapshot()


@check("seal: what changed is one layer more")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > new")
    assert len(first.layers) == 1
    second = await ground.act("echo 2 > new")
    assert second.layers[:-1] == first.layers and len(second.layers) == 2


@check("seal: nothing changed, the same snapshot")
async def _(ground: Ground) -> None:
    assert await ground.act("true") == START
    first = await ground.act("echo 1 > new")
    for script in (
        "true",
        "cat README new; ls -lR; find . -type f -exec grep x {} + || true",
        ": >> README; : >> new",
        'python3 -c \'open("README", "r+").close(); open("src/main.py", "ab").close()\'',
        "chmod 755 src/main.py",
        "echo x > /tmp/x; rm /tmp/x",
        "touch passing; rm passing",
        "mkdir d; rmdir d",
    ):
        assert await ground.act(script) == first, script
    await ground.sandbox.begin("s1.99")
    assert await ground.sandbox.seal() == first


@check("seal: written anew with the same content is no effect")
async def _(ground: Ground) -> None:
    sealed = await ground.act("cat README > t; cat t > README; rm t; cp src/main.py m; mv m src/main.py")
    assert await ground.changed(START, sealed) == []


@check("discard: forgotten")
async def _(ground: Ground) -> None:
    before = await ground.view()
    await ground.sandbox.begin("s1.50")
    await ground.bash("echo 1 > new; rm README; echo 2 > /tmp/t; echo 3 > ~/h")
    await ground.sandbox.discard()
    same_tree(before, await ground.view(), "after discard")
    await ground.sandbox.begin("s1.50")
    assert await ground.sandbox.seal() == START


@check("changes: none between a snapshot and itself")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > new")
    assert await ground.sandbox.changes(START, START) == await ground.sandbox.changes(first, first) == []


@check("changes: over several layers, in both directions")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > a; echo 1 > b; rm README; mkdir d; echo 1 > d/x")
    second = await ground.act("echo 2 > a; rm b; echo 2 > c; rm -r d; chmod 700 src")
    third = await ground.act("printf 'read me\\n' > README; rm a")
    assert await ground.changed(START, second) == [
        ("README", "deleted"), ("a", "created"), ("c", "created"), ("src", "mode"),
    ]  # fmt: skip
    assert await ground.changed(first, third) == [
        ("README", "created"), ("a", "deleted"), ("b", "deleted"), ("c", "created"), ("d", "deleted"),
        ("d/x", "deleted"), ("src", "mode"),
    ]  # fmt: skip
    assert await ground.changed(START, third) == [("c", "created"), ("src", "mode")]
    assert await ground.changed(third, START) == [("c", "deleted"), ("src", "mode")]


@check("changes: between two branches")
async def _(ground: Ground) -> None:
    root = await ground.act("echo 0 > common; echo 0 > both")
    left = await ground.act("echo l > both; echo l > left")
    await ground.sandbox.restore(root)
    right = await ground.act("echo r > both; echo r > right; rm common")
    assert await ground.changed(left, right) == [
        ("both", "modified"), ("common", "deleted"), ("left", "deleted"), ("right", "created"),
    ]  # fmt: skip


@check("changes: the same now, later, and from a new sandbox")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > a; mv README R; rm -r src; chmod 700 docs; ln -s a l")
    told = await ground.sandbox.changes(START, first)
    second = await ground.act("echo 2 > a")
    assert [plain(effect) for effect in await ground.sandbox.changes(START, first)] == [plain(e) for e in told]
    other = ground.open()
    await other.start(second)
    assert [plain(effect) for effect in await other.changes(START, first)] == [plain(effect) for effect in told]


@check("changes: compared with the workspace as it is by now")
async def _(ground: Ground) -> None:
    sealed = await ground.act("echo 1 > README; rm src/main.py; echo new > new")
    before = {effect.path: effect.before for effect in await ground.sandbox.changes(START, sealed)}
    ground.host("echo the user > README; echo 5 > src/main.py; echo new > new")
    effects = {effect.path: effect for effect in await ground.sandbox.changes(START, sealed)}
    assert effects.keys() == {"README", "src/main.py"}, "what both have is no difference"
    for path, size in (("README", 9), ("src/main.py", 2)):
        now = effects[path].before
        assert now is not None and now.size == size and now != before[path]


@check("changes: a rename is told as one")
async def _(ground: Ground) -> None:
    sealed = await ground.act("mv README READ.ME; mv src/main.py main.py")
    effects = await ground.sandbox.changes(START, sealed)
    assert [(effect.renamed_from, effect.path, effect.change) for effect in effects] == [
        ("README", "READ.ME", "renamed"), ("src/main.py", "main.py", "renamed"),
    ]  # fmt: skip
    assert all(effect.before and effect.after and effect.before.digest == effect.after.digest for effect in effects)


@check("changes: which of two equal files was renamed is not guessed")
async def _(ground: Ground) -> None:
    first = await ground.act("echo same > a; echo same > b")
    second = await ground.act("mv a c; mv b d")
    assert await ground.changed(first, second) == [
        ("a", "deleted"), ("b", "deleted"), ("c", "created"), ("d", "created"),
    ]  # fmt: skip


@check("restore: back, and forward, and work from there")
async def _(ground: Ground) -> None:
    views = [await ground.view()]
    snapshots = [START]
    for script in ("echo 1 > a", "rm README; echo 2 > a", "mkdir d; echo 3 > d/x; echo 3 > /tmp/t", "rm -r d src a"):
        snapshots.append(await ground.act(script))
        views.append(await ground.view())
    for number in (4, 0, 2, 1, 3, 0, 4):
        await ground.sandbox.restore(snapshots[number])
        same_tree(views[number], await ground.view(), f"restored to {number}")
    await ground.sandbox.restore(snapshots[1])
    branch = await ground.act("echo branch > b")
    assert branch.layers[:-1] == snapshots[1].layers
    assert await ground.changed(snapshots[1], branch) == [("b", "created")]
    await ground.sandbox.restore(snapshots[3])
    same_tree(views[3], await ground.view(), "restored after a branch")


@check("restore: what was not sealed is gone")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > a")
    before = await ground.view()
    await ground.sandbox.begin("s1.70")
    await ground.bash("echo 2 > a; echo 2 > b; echo 2 > ~/b")
    await ground.sandbox.restore(first)
    same_tree(before, await ground.view(), "after restore")


@check("restore: a layer that is not there is an error, not an empty one")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > a")
    try:
        await ground.sandbox.restore(Snapshot(layers=(*first.layers, "s9.9")))
        await ground.view()
    except SandboxError as error:
        assert "s9.9" in str(error)
    else:
        raise AssertionError("a missing layer went unnoticed")
    await ground.sandbox.restore(first)
    assert b"a" in await ground.view()


@check("look: the state of each path, as changes tells it")
async def _(ground: Ground) -> None:
    sealed = await ground.act(
        "echo 2 > README; rm docs/link; mkdir -p d/e; ln -s x d/l; chmod 600 src/main.py; mkfifo p; echo h > ~/h"
    )
    effects = await ground.sandbox.changes(START, sealed)
    paths = [effect.path for effect in effects]
    assert await ground.sandbox.look(sealed, paths) == [effect.after for effect in effects]
    before = await ground.sandbox.look(START, paths)
    assert [state and state.digest for state in before] == [e.before and e.before.digest for e in effects]
    *gone, state = await ground.sandbox.look(sealed, ["nowhere", "README/x", "d/l/x", "src/lib/util.py"])
    assert gone == [None] * 3
    assert state is not None and (state.type, state.size) == ("file", 6)


@check("keep: some effects over the real workspace")
async def _(ground: Ground) -> None:
    start = await ground.view()
    await ground.act("echo 1 > a; echo 1 > b; rm docs/link; echo h > ~/h")
    sealed = await ground.act(
        "echo 2 > a; mkdir -p d/e; echo 2 > d/e/x; chmod 700 src; mv README R; rm -r build; echo t > /tmp/t"
    )
    last = await ground.view()
    effects = await ground.sandbox.changes(START, sealed)
    for wanted in (
        set(),
        {"a"},
        {"a", "b", "docs/link"},
        {"d", "d/e", "d/e/x"},
        {"src"},
        {"R"},
        {"build", "build/out"},
        {effect.path for effect in effects if effect.in_workspace},
    ):
        chosen = [effect for effect in effects if effect.path in wanted]
        kept = await ground.sandbox.keep(sealed, chosen, ground.name())
        found = {e.path: plain(e) for e in await ground.sandbox.changes(START, kept) if e.in_workspace}
        assert found == {e.path: plain(e) for e in chosen}, wanted
        await ground.sandbox.restore(kept)
        view = await ground.view()
        moved = {e.renamed_from for e in chosen}
        for path in start.keys() | last.keys():
            name = path.decode(errors="surrogateescape")
            as_sealed = name in wanted or name in moved or name.startswith("/")
            expected = last.get(path) if as_sealed else start.get(path)
            found_node = view.get(path)
            if expected is None or found_node is None:
                assert expected == found_node, f"{name} after keeping {wanted}"
            elif expected.type != "directory":
                assert found_node == expected, f"{name} after keeping {wanted}"
            else:
                assert found_node.mode == expected.mode
        await ground.sandbox.restore(sealed)
        same_tree(last, await ground.view(), "the snapshot kept from")


@check("keep: a file in place of a directory, and a directory in place of a file")
async def _(ground: Ground) -> None:
    sealed = await ground.act(
        "rm -r src; echo file > src; rm README; mkdir README; echo x > README/x; rm -r docs; ln -s src docs"
    )
    last = await ground.view()
    effects = await ground.sandbox.changes(START, sealed)
    kept = await ground.sandbox.keep(sealed, effects, ground.name())
    await ground.sandbox.restore(kept)
    same_tree(last, await ground.view(), "all kept", mtimes=False)


@check("keep: a directory emptied and filled anew hides what was in it")
async def _(ground: Ground) -> None:
    sealed = await ground.act("rm -r src; mkdir src; echo other > src/other")
    last = await ground.view()
    kept = await ground.sandbox.keep(sealed, await ground.sandbox.changes(START, sealed), ground.name())
    await ground.sandbox.restore(kept)
    same_tree(last, await ground.view(), "all kept", mtimes=False)


@check("keep: work goes on from there, and can be taken back to before")
async def _(ground: Ground) -> None:
    sealed = await ground.act("echo 1 > a; echo 1 > b; echo h > ~/h")
    effects = await ground.sandbox.changes(START, sealed)
    kept = await ground.sandbox.keep(sealed, [effect for effect in effects if effect.path == "a"], ground.name())
    await ground.sandbox.restore(kept)
    more = await ground.act("echo 2 > a; echo 2 > c")
    assert await ground.changed(kept, more) == [("a", "modified"), ("c", "created")]
    await ground.sandbox.restore(sealed)
    assert await ground.act("test $(cat a b ~/h | tr -d '\\n') = 11h") == sealed


@check("fork: two that do not disturb each other")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > common")
    await ground.sandbox.begin("s1.80")
    await ground.bash("echo mine > mine; echo m > /tmp/m")
    twin = await ground.sandbox.fork(first)
    try:
        await twin.begin("s2.1")
        assert b"mine" not in await ground.look(on=twin)
        await ground.bash("echo theirs > theirs; rm common", on=twin)
        await ground.bash("test ! -e theirs; cat mine common /tmp/m; echo more >> mine")
        theirs = await twin.seal()
        ours = await ground.sandbox.seal()
        assert await ground.changed(first, ours) == [("/tmp/m", "created"), ("mine", "created")]
        assert await ground.changed(first, theirs) == [("common", "deleted"), ("theirs", "created")]
        assert await twin.changes(ours, theirs) == await ground.sandbox.changes(ours, theirs)
        await twin.restore(ours)
        same_tree(await ground.view(), await ground.view(on=twin), "the twin on the same snapshot")
    finally:
        await twin.close()
    assert await ground.bash("cat mine") == b"mine\nmore\n"


@check("close: sealed layers last, what was not sealed does not")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > a; rm README; echo h > ~/h")
    before = await ground.view()
    await ground.sandbox.begin("s1.90")
    await ground.bash("echo 2 > a; echo lost > lost")
    await ground.sandbox.close()
    other = ground.open()
    await other.start(first)
    same_tree(before, await ground.view(on=other), "after reopening")
    await ground.sandbox.close()  # a second time does nothing


@check("start: nothing is run by it, and it stands where it is told")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > a")
    await ground.act("echo 2 > a")
    other = ground.open()
    await other.start(first)
    await other.begin("s2.1")
    assert await ground.bash("cat a", on=other) == b"1\n"


@check("the user's edits in the workspace are seen where the agent changed nothing")
async def _(ground: Ground) -> None:
    await ground.act("echo agent > README; rm src/main.py; mkdir d; echo x > d/x")
    ground.host("for f in README src/main.py new src/lib/util.py; do echo user > $f; done; mkdir u; rm -r build")
    sealed = await ground.act("true")
    await ground.sandbox.begin("s1.60")
    printed = await ground.bash(
        "cat README new src/lib/util.py; ls -d u d/x; ls -d src/main.py build 2>/dev/null || true"
    )
    assert printed == b"agent\nuser\nuser\nd/x\nu\n"
    await ground.sandbox.discard()
    ground.host("echo again > new; touch u/v")
    assert await ground.act("test $(cat new) = again; test -e u/v") == sealed
