"""Apply, take back, put back: on disk, against a full comparison of the tree."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from apply_cases import CASES, Build, Wanted, World, content_of, effects, folder, measure, put
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from treestate import Entry, assert_same_tree, tree_state

from agentrt.errors import Conflict, DiskFull, SandboxError, UsageError
from agentrt.history import write
from agentrt.history.apply import carry_out, obstacles, plan, put_back, recover, standing, take_back
from agentrt.records import FileEffect, FileState


def without_links(state: dict[bytes, Entry], times: frozenset[bytes]) -> dict[bytes, Entry]:
    """What the sandbox's copy and the workspace must agree on: link counts and other times are each one's own."""
    return {
        path: entry._replace(names=(), mtime_ns=entry.mtime_ns if path in times else None)
        for path, entry in state.items()
    }


@pytest.mark.parametrize("case", CASES)
def test_there_and_back_and_there_and_back(world: World, case: str) -> None:
    wanted = world.work(*CASES[case])
    original, inodes = world.state(), {p: p.lstat().st_ino for p in world.real.rglob("*")}

    done = world.apply(wanted)

    times = frozenset(os.fsencode(e.path) for e, _ in wanted if e.after is not None and e.change == "created")
    assert_same_tree(without_links(world.state(), times), without_links(tree_state(world.sandbox), times))
    assert [effect.path for effect in done] == [effect.path for effect, _ in wanted]
    applied = world.state()
    assert standing(world.aside) == "after"

    undone = take_back(world.aside, world.real)
    assert_same_tree(world.state(), original)
    assert [effect.path for effect in undone] == [effect.path for effect in done]
    if world.aside.stat().st_dev == world.real.stat().st_dev:
        assert {p: p.lstat().st_ino for p in world.real.rglob("*")} == inodes
    assert standing(world.aside) == "before"

    put_back(world.aside, world.real)
    assert_same_tree(world.state(), applied)

    take_back(world.aside, world.real)
    assert_same_tree(world.state(), original)


def test_effects_say_what_was_and_what_is(world: World) -> None:
    world.work(*CASES["modified"])
    real = (world.real / "a.txt").stat()
    done = {e.path: e for e in world.apply(effects(measure(world.real), measure(world.sandbox)))}
    effect = done["a.txt"]
    assert effect.before is not None and effect.after is not None
    assert (effect.before.inode, effect.before.mtime_ns) == (real.st_ino, real.st_mtime_ns)
    assert effect.after.inode == (world.real / "a.txt").stat().st_ino
    assert effect.after.mtime_ns == (world.sandbox / "a.txt").stat().st_mtime_ns


def test_attributes_travel_and_return(world: World) -> None:
    build, change = CASES["modified"]
    build(world.real)
    try:
        os.setxattr(world.real / "a.txt", "user.mine", b"1\0\xff")
        os.setxattr(world.real / "sub", "user.folder", b"2")
    except OSError:
        pytest.skip("no user attributes on this file system")

    def changed(root: Path) -> None:
        change(root)
        os.setxattr(root / "a.txt", "user.theirs", b"3")
        os.setxattr(root / "a.txt", "user.overlay.origin", b"the overlay's own")

    original = world.state()
    world.apply(world.change(changed))
    assert os.listxattr(world.real / "a.txt") == ["user.theirs"]
    take_back(world.aside, world.real)
    assert_same_tree(world.state(), original)


def test_the_owner_stays(world: World) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")

    def build(root: Path) -> None:
        put(root / "theirs", b"1")
        os.chown(root / "theirs", 1234, 2345)

    world.apply(world.work(build, lambda root: put(root / "theirs", b"2")))
    found = (world.real / "theirs").stat()
    assert (found.st_uid, found.st_gid) == (1234, 2345)


def test_a_setgid_folder_passes_its_group_on(world: World) -> None:
    def build(root: Path) -> None:
        folder(root / "team", 0o2775)

    def change(root: Path) -> None:
        folder(root / "team/sub", 0o2755)
        put(root / "team/sub/f", b"f")

    build(world.real)
    group = max([os.getgid(), *os.getgroups()]) if os.geteuid() else 4321
    os.chown(world.real / "team", -1, group)
    (world.real / "team").chmod(0o2775)
    made = plan(world.real, wanted := world.change(change))
    assert not made.refused
    world.apply(wanted)
    assert (world.real / "team/sub").stat().st_gid == (world.real / "team/sub/f").stat().st_gid == group
    assert stat.S_IMODE((world.real / "team/sub").stat().st_mode) == 0o2755


def test_mode_alone_keeps_the_file(world: World) -> None:
    wanted = world.work(*CASES["mode"])
    inode = (world.real / "a.txt").stat().st_ino
    done = world.apply(wanted)
    assert (world.real / "a.txt").stat().st_ino == inode
    assert {effect.change for effect in done} == {"mode"}


def test_a_renamed_file_is_one_effect(world: World) -> None:
    world.work(CASES["modified"][0], lambda root: (root / "a.txt").rename(root / "sub/moved"))
    before, after = measure(world.real), measure(world.sandbox)
    renamed = FileEffect(
        path="sub/moved", change="renamed", before=before["a.txt"], after=after["sub/moved"], renamed_from="a.txt"
    )
    original = world.state()
    (done,) = world.apply([(renamed, before["a.txt"])])
    assert (done.path, done.change, done.renamed_from) == ("sub/moved", "renamed", "a.txt")
    assert not (world.real / "a.txt").exists() and (world.real / "sub/moved").read_bytes() == b"a\n"
    take_back(world.aside, world.real)
    assert_same_tree(world.state(), original)


def test_holes_stay_holes(world: World) -> None:
    def sparse(root: Path) -> None:
        with (root / "sparse").open("wb") as file:
            file.truncate(64 << 20)
            file.seek(32 << 20)
            file.write(b"middle")

    world.apply(world.work(lambda root: None, sparse))
    assert (world.real / "sparse").stat().st_blocks * 512 < 4 << 20


def test_what_is_there_already_is_no_step(world: World) -> None:
    wanted = world.work(*CASES["created"])
    put(world.real / "new", b"new")
    made = plan(world.real, wanted)
    assert not made.conflicts and "new" not in {step.path for step in made.steps}


# ── what the user changed meanwhile ──────────────────────────────────────────────────────────────────────────


def _append(root: Path) -> None:
    with (root / "a.txt").open("ab") as file:
        file.write(b"mine")


MEANWHILE: dict[str, tuple[str, Build, Build, str]] = {
    "modified": ("modified", _append, lambda r: None, "a.txt"),
    "same size": ("modified", lambda r: put(r / "a.txt", b"z\n"), lambda r: None, "a.txt"),
    "deleted": ("modified", lambda r: (r / "a.txt").unlink(), lambda r: None, "a.txt"),
    "mode": ("mode", lambda r: (r / "a.txt").chmod(0o640), lambda r: None, "a.txt"),
    "created": ("created", lambda r: put(r / "new", b"mine"), lambda r: None, "new"),
    "added to a deleted folder": ("deleted", lambda r: put(r / "sub/mine", b"mine"), lambda r: None, "sub/mine"),
    "changed what was deleted": ("deleted", lambda r: put(r / "sub/b.txt", b"mine"), lambda r: None, "sub/b.txt"),
    "folder gone": ("created", lambda r: shutil.rmtree(r / "sub"), lambda r: None, "sub/new"),
    "folder is a file": (
        "created",
        lambda r: shutil.rmtree(r / "sub"),
        lambda r: put(r / "sub", b"file"),
        "sub/new",
    ),
    "link points elsewhere": (
        "deleted",
        lambda r: (r / "link").unlink(),
        lambda r: (r / "link").symlink_to("kept"),
        "link",
    ),
}


@pytest.mark.parametrize("name", MEANWHILE)
def test_a_conflict_touches_nothing(world: World, name: str) -> None:
    case, first, second, path = MEANWHILE[name]
    wanted = world.work(*CASES[case])
    first(world.real)
    second(world.real)
    theirs = world.state()
    made = plan(world.real, wanted)
    assert path in {conflict.path for conflict in made.conflicts}
    assert all(conflict.ours and conflict.theirs for conflict in made.conflicts)
    with pytest.raises(Conflict) as caught:
        carry_out(made, content_of(world.sandbox), world.aside)
    assert caught.value.conflicts == made.conflicts
    assert_same_tree(world.state(), theirs)


def test_a_touched_file_is_no_conflict(world: World) -> None:
    wanted = world.work(*CASES["modified"])
    os.utime(world.real / "a.txt")
    world.apply(wanted)
    assert (world.real / "a.txt").read_bytes() == b"A\n"


@pytest.mark.parametrize("name", MEANWHILE)
def test_changed_between_plan_and_carry_out(world: World, name: str) -> None:
    case, first, second, path = MEANWHILE[name]
    made = plan(world.real, world.work(*CASES[case]))
    first(world.real)
    second(world.real)
    theirs = world.state()
    with pytest.raises(Conflict) as caught:
        carry_out(made, content_of(world.sandbox), world.aside)
    assert path in {conflict.path for conflict in caught.value.conflicts}
    assert_same_tree(world.state(), theirs)
    assert not list(world.aside.iterdir())


SINCE: dict[str, Build] = {
    "modified": lambda r: put(r / "a.txt", b"edited since"),
    "deleted": lambda r: (r / "a.txt").unlink(),
    "replaced by a link": lambda r: ((r / "a.txt").unlink(), (r / "a.txt").symlink_to("kept"))[1],
    "added to a created folder": lambda r: put(r / "one/mine", b"mine"),
    "created where something was deleted": lambda r: put(r / "link", b"mine"),
    "folder mode": lambda r: (r / "one").chmod(0o700),
}


def _work(root: Path) -> None:
    put(root / "a.txt", b"agent")
    (root / "link").unlink()
    folder(root / "one")
    put(root / "one/f", b"f")


@pytest.mark.parametrize("name", SINCE)
def test_take_back_leaves_what_the_user_did_since(world: World, name: str) -> None:
    world.apply(world.work(CASES["modified"][0], _work))
    SINCE[name](world.real)
    theirs = world.state()
    found = obstacles(world.aside, world.real)
    assert len(found) == 1
    with pytest.raises(Conflict) as caught:
        take_back(world.aside, world.real)
    assert caught.value.conflicts == found
    assert_same_tree(world.state(), theirs)
    assert standing(world.aside) == "after"


def test_take_back_names_all_conflicts(world: World) -> None:
    world.apply(world.work(CASES["modified"][0], _work))
    put(world.real / "a.txt", b"1")
    put(world.real / "one/f", b"2")
    assert {conflict.path for conflict in obstacles(world.aside, world.real)} == {"a.txt", "one/f"}


def test_the_same_content_written_again_is_no_conflict(world: World) -> None:
    wanted = world.work(*CASES["modified"])
    original = world.state()
    world.apply(wanted)
    put(world.real / "a.txt", b"A\n")
    take_back(world.aside, world.real)
    assert (world.real / "a.txt").read_bytes() == b"a\n"
    assert world.state()[b"a.txt"] == original[b"a.txt"]
    put_back(world.aside, world.real)
    assert (world.real / "a.txt").read_bytes() == b"A\n"


def test_what_the_user_adds_beside_stays(world: World) -> None:
    world.apply(world.work(*CASES["modified"]))
    put(world.real / "sub/mine", b"mine")
    since = (world.real / "sub").stat().st_mtime_ns
    take_back(world.aside, world.real)
    assert (world.real / "sub/mine").read_bytes() == b"mine"
    assert (world.real / "sub/b.txt").read_bytes() == b"bb\n"
    assert (world.real / "sub").stat().st_mtime_ns >= since


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────


def _created(path: str, **state: object) -> Wanted:
    fields = {"type": "file", "mode": 0o644, "size": 1, "mtime_ns": 1, **state}
    return [(FileEffect(path=path, change="created", after=FileState.from_dict(fields)), None)]


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_special_files_are_refused(world: World, kind: str) -> None:
    made = plan(world.real, _created("x", type=kind, size=0))
    assert not made.steps and made.refused[0][0] == "x" and kind in made.refused[0][1]


@pytest.mark.parametrize(("kind", "mode"), [("file", 0o4755), ("file", 0o2755), ("directory", 0o2755)])
def test_set_id_bits_are_refused(world: World, kind: str, mode: int) -> None:
    made = plan(world.real, _created("x", type=kind, mode=mode))
    assert not made.steps and made.refused[0][0] == "x" and "setuid" in made.refused[0][1]


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//x", ".", "", "a/./x", "a\0b", "a/.."])
def test_names_that_escape_are_refused(world: World, path: str) -> None:
    made = plan(world.real, _created(path))
    assert not made.steps and not made.conflicts and made.refused[0][0] == path


def test_a_planted_link_is_not_followed(world: World, tmp_path: Path) -> None:
    wanted = world.work(CASES["created"][0], lambda root: put(root / "sub/new", b"trap"))
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(world.real / "sub")
    (world.real / "sub").symlink_to(outside)
    made = plan(world.real, wanted)
    assert made.refused[0][0] == "sub/new" and "symbolic link" in made.refused[0][1]
    assert not made.steps
    carry_out(made, content_of(world.sandbox), world.aside)
    assert not list(outside.iterdir())


def test_a_link_planted_after_the_plan_is_not_followed(world: World, tmp_path: Path) -> None:
    wanted = world.work(CASES["created"][0], lambda root: put(root / "sub/new", b"trap"))
    made = plan(world.real, wanted)
    (world.real / "sub").rename(tmp_path / "outside")
    (world.real / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(Conflict):
        carry_out(made, content_of(world.sandbox), world.aside)
    assert {path.name for path in (tmp_path / "outside").iterdir()} == {"b.txt"}


def test_a_link_planted_after_the_apply_is_not_followed(world: World, tmp_path: Path) -> None:
    world.apply(world.work(CASES["created"][0], lambda root: put(root / "sub/b.txt", b"new")))
    (world.real / "sub").rename(tmp_path / "outside")
    (world.real / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(Conflict):
        take_back(world.aside, world.real)
    assert (tmp_path / "outside/b.txt").read_bytes() == b"new"


def test_a_locked_folder_is_known_beforehand(world: World) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    wanted = world.work(CASES["created"][0], lambda root: put(root / "sub/new", b"new"))
    (world.real / "sub").chmod(0o555)
    before = world.state()
    made = plan(world.real, wanted)
    assert [(c.path, c.theirs) for c in made.conflicts] == [("sub/new", "its folder is not writable")]
    assert_same_tree(world.state(), before)
    (world.real / "sub").chmod(0o755)


# ── what goes wrong half-way ─────────────────────────────────────────────────────────────────────────────────


def test_a_full_disk_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = world.work(*CASES["types"])
    original, made, calls = world.state(), write.make, iter(range(100))

    def full(*arguments: object) -> FileState:
        if next(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return made(*arguments)

    monkeypatch.setattr("agentrt.history.apply.make", full)
    with pytest.raises(DiskFull, match="No space left"):
        world.apply(wanted)
    assert_same_tree(world.state(), original)
    assert not list(world.aside.iterdir())


def test_content_other_than_measured_is_not_written(world: World) -> None:
    wanted = world.work(*CASES["modified"])
    original = world.state()
    put(world.sandbox / "a.txt", b"B\n")
    with pytest.raises(SandboxError, match=r"a\.txt"):
        world.apply(wanted)
    assert_same_tree(world.state(), original)


def test_order_of_calls_is_checked(world: World) -> None:
    with pytest.raises(UsageError):
        take_back(world.aside, world.real)
    wanted = world.work(*CASES["modified"])
    world.apply(wanted)
    with pytest.raises(UsageError):
        put_back(world.aside, world.real)
    with pytest.raises(UsageError):
        carry_out(plan(world.real, []), content_of(world.sandbox), world.aside)
    take_back(world.aside, world.real)
    with pytest.raises(UsageError):
        take_back(world.aside, world.real)
    assert recover(world.aside, world.real).undone is None


# ── any tree, any change ─────────────────────────────────────────────────────────────────────────────────────

NAMES = st.sampled_from(["a", "b", "c", "\n", os.fsdecode(b"\xff")])
LEAVES = st.one_of(
    st.tuples(st.just("file"), st.binary(max_size=3), st.sampled_from([0o644, 0o755, 0o444, 0o600])),
    st.tuples(st.just("symlink"), st.sampled_from(["a", "../b", "/etc"]), st.just(0)),
)
TREES = st.recursive(
    LEAVES,
    lambda inside: st.tuples(
        st.just("directory"), st.dictionaries(NAMES, inside, max_size=4), st.sampled_from([0o755, 0o700, 0o711])
    ),
    max_leaves=12,
)
FORESTS = st.dictionaries(NAMES, TREES, max_size=4)


def grow(root: Path, forest: dict[str, tuple[str, object, int]]) -> None:
    for name, (kind, what, mode) in forest.items():
        path = root / name
        if kind == "file":
            assert isinstance(what, bytes)
            put(path, what, mode)
        elif kind == "symlink":
            path.symlink_to(str(what))
        else:
            folder(path, mode)
            assert isinstance(what, dict)
            grow(path, what)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=FORESTS, after=FORESTS)
def test_any_tree_becomes_any_other_and_returns(
    before: dict[str, tuple[str, object, int]], after: dict[str, tuple[str, object, int]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name), Path(name) / "aside")
        grow(world.real, before)
        world.sandbox.mkdir()
        grow(world.sandbox, after)
        original = world.state()
        world.apply(effects(measure(world.real), measure(world.sandbox)))
        none: frozenset[bytes] = frozenset()
        assert_same_tree(without_links(world.state(), none), without_links(tree_state(world.sandbox), none))
        applied = world.state()
        take_back(world.aside, world.real)
        assert_same_tree(world.state(), original)
        put_back(world.aside, world.real)
        assert_same_tree(world.state(), applied)
        take_back(world.aside, world.real)
        assert_same_tree(world.state(), original)
        subprocess.run(["chmod", "-R", "u+rwx", name], check=True)
