"""Random work in random order, against a plain model: dicts. For tests of sandboxes, each of which is opened its own way."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from agentrt.records import Snapshot
from agentrt.testing.sandbox_kit import Ground, Open, ground

Model = dict[str, tuple[str, int, str]]
"""Path → type, mode, content or target. A folder is there before what is in it."""

_NAMES = ("a", "b", "c")
_PATHS = [*_NAMES, *(f"{x}/{y}" for x in _NAMES for y in _NAMES), *(f"{x}/{y}/a" for x in _NAMES for y in _NAMES)]
_MODES = (0o600, 0o644, 0o755, 0o700)

_INSIDE = """
import json, os, shutil, sys
def remove(path):
    if os.path.isdir(path) and not os.path.islink(path): shutil.rmtree(path)
    elif os.path.lexists(path): os.unlink(path)
for do, path, *rest in json.loads(sys.stdin.read()):
    if do == "file":
        remove(path)
        with open(path, "w") as file: file.write(rest[1])
        os.chmod(path, rest[0])
    elif do == "content":
        with open(path, "w") as file: file.write(rest[0])
    elif do == "folder": remove(path); os.mkdir(path); os.chmod(path, rest[0])
    elif do == "link": remove(path); os.symlink(rest[0], path)
    elif do == "mode": os.chmod(path, rest[0])
    elif do == "remove": remove(path)
    elif do == "move": remove(rest[0]); shutil.move(path, rest[0])
"""
"""What a step does inside; ``apply`` does the same to the model."""

paths, modes = st.sampled_from(_PATHS), st.sampled_from(_MODES)
contents = st.sampled_from(("", "x", "y", "x" * 5000))
steps = st.one_of(
    st.tuples(st.just("file"), paths, modes, contents),
    st.tuples(st.just("content"), paths, contents),
    st.tuples(st.just("folder"), paths, modes),
    st.tuples(st.just("link"), paths, st.sampled_from(("a", "../b", "nowhere"))),
    st.tuples(st.just("mode"), paths, modes),
    st.tuples(st.just("remove"), paths),
    st.tuples(st.just("move"), paths, paths),
)
acts = st.lists(steps, min_size=1, max_size=6)
moves = st.one_of(
    st.tuples(st.just("act"), acts), st.tuples(st.just("restore"), st.integers(0, 50)), st.just(("reopen",))
)


def apply(model: Model, step: tuple[Any, ...]) -> bool:
    """Change the model as the step changes the tree; False where the step does not apply, and nothing is changed."""
    do, path, *rest = step
    if not _folder(model, path.rpartition("/")[0]):
        return False
    if do == "move":
        (target,) = rest
        inside = (target + "/").startswith(path + "/") or (path + "/").startswith(target + "/")
        if path not in model or inside or not _folder(model, target.rpartition("/")[0]):
            return False
        moved = {target + name[len(path) :]: model[name] for name in list(model) if _below(name, path)}
        _remove(model, target)
        _remove(model, path)
        model.update(moved)
    elif do in ("content", "mode"):
        kind, mode, content = model.get(path, ("", 0, ""))
        if kind != "file" and not (kind == "directory" and do == "mode"):
            return False
        model[path] = (kind, mode, rest[0]) if do == "content" else (kind, rest[0], content)
    elif do == "remove":
        _remove(model, path)
    else:
        _remove(model, path)
        made = {"file": "file", "folder": "directory", "link": "symlink"}[do]
        mode = 0o777 if do == "link" else rest[0]
        model[path] = (made, mode, "" if do == "folder" else rest[-1])
    return True


def _folder(model: Model, path: str) -> bool:
    return not path or model.get(path, ("",))[0] == "directory"


def _below(name: str, path: str) -> bool:
    return name == path or name.startswith(path + "/")


def _remove(model: Model, path: str) -> None:
    for name in [name for name in model if _below(name, path)]:
        del model[name]


def changes_of(before: Model, after: Model) -> dict[str, str]:
    """What ``changes`` must say, renames taken apart."""
    found = {}
    for path in before.keys() | after.keys():
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        if old is None or new is None:
            found[path] = "created" if old is None else "deleted"
        else:
            found[path] = "mode" if (old[0], old[2]) == (new[0], new[2]) else "modified"
    return found


async def told(made: Ground, a: Snapshot, b: Snapshot) -> dict[str, str]:
    found = {}
    for effect in await made.sandbox.changes(a, b):
        if effect.renamed_from is not None:
            found[effect.renamed_from] = "deleted"
        found[effect.path] = "created" if effect.change == "renamed" else effect.change
    return found


async def seen(made: Ground) -> Model:
    """The tree as processes inside see it."""
    code = """
import json, os, stat
found = {}
for folder, folders, files in os.walk("."):
    for name in (*folders, *files):
        path = os.path.join(folder, name)[2:]
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode): found[path] = "symlink", 0o777, os.readlink(path)
        elif stat.S_ISDIR(mode): found[path] = "directory", stat.S_IMODE(mode), ""
        else: found[path] = "file", stat.S_IMODE(mode), open(path).read()
print(json.dumps(found))
"""
    await made.sandbox.begin(made.name())
    result, printed = await made.run("python3", "-I", "-S", "-c", code)
    assert result.exit_code == 0, printed
    await made.sandbox.discard()
    return {path: tuple(node) for path, node in json.loads(printed).items()}


async def play(open: Open, lower: list[tuple[Any, ...]], story: list[tuple[Any, ...]]) -> None:
    async with ground(open) as made:
        made.host("find . -mindepth 1 -delete")
        model: Model = {}
        lower = [step for step in lower if apply(model, step)]
        made.host(f"python3 -c '{_INSIDE}' <<'END'\n{json.dumps(lower)}\nEND\n")
        past: list[tuple[Snapshot, Model]] = [(Snapshot(), model)]
        standing = Snapshot()
        for do, *rest in story:
            if do == "act":
                model = dict(model)
                steps = [step for step in rest[0] if apply(model, step)]
                await made.sandbox.begin(made.name())
                result, printed = await made.run("python3", "-I", "-S", "-c", _INSIDE, stdin=json.dumps(steps).encode())
                assert result.exit_code == 0, printed.decode()
                sealed = await made.sandbox.seal()
                assert await told(made, standing, sealed) == changes_of(past_model(past, standing), model)
                standing = sealed
                past.append((standing, model))
            elif do == "restore":
                standing, model = past[rest[0] % len(past)]
                await made.sandbox.restore(standing)
            else:
                await made.sandbox.close()
                await made.sandbox.start(standing)
            assert await seen(made) == model
        for snapshot, then in past:
            assert await told(made, snapshot, standing) == changes_of(then, model)
            assert await told(made, standing, snapshot) == changes_of(model, then)


def past_model(past: list[tuple[Snapshot, Model]], snapshot: Snapshot) -> Model:
    return next(model for known, model in reversed(past) if known == snapshot)
