"""Both sides changed the same file: what an apply, and taking it back, make of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from apply_cases import CASES, World, content_of, copy, effects, measure, put
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from treestate import assert_same_tree, tree_state

from agentrt.errors import Conflict
from agentrt.history.apply import (
    Plan,
    Sources,
    carry_out,
    merges,
    obstacles,
    plan,
    put_back,
    standing,
    take_back,
)
from agentrt.history.contents import Contents, keep_bases
from agentrt.records import FileEffect

FILE = "f"
BASE = b"one\ntwo\nthree\nfour\nfive\n"
AGENT = BASE.replace(b"two", b"TWO")
MINE = BASE.replace(b"five", b"FIVE")
BOTH = AGENT.replace(b"five", b"FIVE")
FULL = b"x\n" * ((1 << 19) - 12) + b"0123456789abcdef 7890123"
"""1 MB, to the byte."""

Edit = bytes | int | str | None
"""New content; a mode; where a link points; None: deleted."""


def edit(path: Path, *edits: Edit) -> None:
    for what in edits:
        if isinstance(what, bytes):
            path.write_bytes(what)
        elif isinstance(what, int):
            path.chmod(what)
        else:
            path.unlink()
            if what is not None:
                path.symlink_to(what)


def work(world: World, base: bytes, *agents: Edit) -> Callable[[], Plan]:
    """The agent changes a file of the workspace; the plan to apply that, made when it is called for."""
    put(world.real / FILE, base)
    wanted = world.work(lambda root: None, lambda root: edit(root / FILE, *agents))
    found = (world.real / FILE).stat()
    inode = {"inode": found.st_ino}
    based = {e.path: e.before.model_copy(update=inode) for e, _ in wanted if e.before is not None}
    bases = world.aside.parent / "bases"
    bases.mkdir(parents=True)
    keep_bases(bases, world.real, based)
    return lambda: plan(world.real, wanted, Sources(Contents(bases), content_of(world.sandbox)))


def apply(world: World, made: Plan) -> tuple[FileEffect, ...]:
    return carry_out(made, content_of(world.sandbox), world.aside)


# ── the workspace moved on, then the apply ───────────────────────────────────────────────────────────────────

MERGED: dict[str, tuple[bytes, list[Edit], list[Edit], bytes, int]] = {
    "other lines": (BASE, [AGENT], [MINE], BOTH, 0o644),
    "the user's mode": (BASE, [AGENT], [0o640], AGENT, 0o640),
    "the user's mode and lines": (BASE, [AGENT], [MINE, 0o640], BOTH, 0o640),
    "the agent's mode": (BASE, [0o755], [MINE], MINE, 0o755),
    "the agent's mode and lines": (BASE, [AGENT, 0o755], [MINE], BOTH, 0o755),
    "the same mode": (BASE, [AGENT, 0o755], [MINE, 0o755], BOTH, 0o755),
    "binary with another mode": (b"\0one", [b"\0two"], [0o600], b"\0two", 0o600),
    "CRLF": (
        BASE.replace(b"\n", b"\r\n"),
        [AGENT.replace(b"\n", b"\r\n")],
        [MINE.replace(b"\n", b"\r\n")],
        BOTH.replace(b"\n", b"\r\n"),
        0o644,
    ),
    "no newline at the end": (BASE[:-1], [AGENT[:-1]], [MINE[:-1]], BOTH[:-1], 0o644),
    "the user takes the last newline": (BASE, [AGENT], [BASE[:-1]], AGENT[:-1], 0o644),
    "the user adds the last newline": (BASE[:-1], [AGENT[:-1]], [MINE], BOTH, 0o644),
    "stray bytes": (BASE + b"\xff\xfe\n", [AGENT + b"\xff\xfe\n"], [MINE + b"\xff\xfe\n"], BOTH + b"\xff\xfe\n", 0o644),
    "1 MB": (FULL, [b"agent\n" + FULL], [FULL + b"\nuser"], b"agent\n" + FULL + b"\nuser", 0o644),
}

CLASHING: dict[str, tuple[bytes, list[Edit], list[Edit]]] = {
    "the same lines": (BASE, [AGENT], [BASE.replace(b"two", b"zwei")]),
    "emptied by the user": (BASE, [AGENT], [b""]),
    "emptied by the agent": (BASE, [b""], [MINE]),
    "deleted by the user": (BASE, [AGENT], [None]),
    "deleted by the agent": (BASE, [None], [MINE]),
    "two modes": (BASE, [AGENT, 0o755], [MINE, 0o600]),
    "binary": (b"\0" + BASE, [b"\0" + AGENT], [b"\0" + MINE]),
    "the user's is binary now": (BASE, [AGENT], [MINE + b"\0"]),
    "the user's line ends": (BASE, [AGENT], [BASE.replace(b"\n", b"\r\n")]),
    "both added at the end": (BASE, [BASE + b"agent\n"], [BASE + b"user"]),
    "a byte more than 1 MB": (b"x" + FULL, [b"agent\nx" + FULL], [b"x" + FULL + b"\nuser"]),
    "a link now": (BASE, [AGENT], ["elsewhere"]),
    "the agent's is a link": (BASE, ["elsewhere"], [MINE]),
    "the user's is setuid": (BASE, [AGENT], [MINE, 0o4755]),
}


@pytest.mark.parametrize("name", MERGED)
def test_both_changes_are_in_the_workspace_and_undo_leaves_the_users(world: World, name: str) -> None:
    base, agents, users, content, mode = MERGED[name]
    making = work(world, base, *agents)
    edit(world.real / FILE, *users)
    theirs, inode = world.state(), (world.real / FILE).stat().st_ino

    made = making()
    assert not made.conflicts
    assert made.merged == (FILE,)
    (done,) = apply(world, made)

    assert "merged" in done.note
    assert (world.real / FILE).read_bytes() == content
    assert (world.real / FILE).stat().st_mode & 0o7777 == mode
    applied = world.state()
    take_back(world.aside, world.real)
    assert_same_tree(world.state(), theirs)
    if world.aside.stat().st_dev == world.real.stat().st_dev:
        assert (world.real / FILE).stat().st_ino == inode
    put_back(world.aside, world.real)
    assert_same_tree(world.state(), applied)


def test_where_the_agents_change_is_there_already_there_is_nothing_to_do(world: World) -> None:
    making = work(world, BASE, AGENT)
    edit(world.real / FILE, BOTH)
    assert making() == Plan(world.real, ())


@pytest.mark.parametrize("name", CLASHING)
def test_what_cannot_be_merged_is_a_conflict_and_touches_nothing(world: World, name: str) -> None:
    base, agents, users = CLASHING[name]
    making = work(world, base, *agents)
    edit(world.real / FILE, *users)
    theirs = world.state()
    made = making()
    (conflict,) = made.conflicts
    assert conflict.path == FILE and conflict.ours and conflict.theirs
    with pytest.raises(Conflict):
        apply(world, made)
    assert_same_tree(world.state(), theirs)
    assert standing(world.aside) is None


def test_a_clash_shows_the_first_lines_of_both_sides_and_how_many(world: World) -> None:
    base = b"".join(b"%d\n" % number for number in range(9))
    making = work(world, base, base.replace(b"1\n", b"a\na\n").replace(b"7\n", b"a\n"))
    edit(world.real / FILE, base.replace(b"1\n", b"u" * 50 + b"\n").replace(b"7\n", b""))
    (conflict,) = making().conflicts
    assert conflict.theirs == f'modified, line 2: "{"u" * 39}…"; and 1 place more'
    assert conflict.ours == 'modified, there: "a" and 1 line more; and 1 place more'


def test_a_merge_has_the_time_it_was_made(world: World) -> None:
    making = work(world, BASE, AGENT)
    edit(world.real / FILE, MINE)
    since = (world.real / FILE).stat().st_mtime_ns
    apply(world, making())
    assert (world.real / FILE).stat().st_mtime_ns >= since


@pytest.mark.parametrize("late", [BASE, MINE + b"more\n", AGENT])
def test_a_change_after_the_merge_was_planned_is_a_conflict(world: World, late: bytes) -> None:
    making = work(world, BASE, AGENT)
    edit(world.real / FILE, MINE)
    made = making()
    edit(world.real / FILE, late)
    theirs = world.state()
    with pytest.raises(Conflict) as caught:
        apply(world, made)
    assert [conflict.path for conflict in caught.value.conflicts] == [FILE]
    assert_same_tree(world.state(), theirs)


@pytest.mark.parametrize("damage", [b"", BASE[:-1], b"x" * len(BASE), None])
def test_without_a_whole_base_it_is_a_conflict(world: World, damage: bytes | None) -> None:
    making = work(world, BASE, AGENT)
    (kept,) = (world.aside.parent / "bases").iterdir()
    edit(kept, damage)
    edit(world.real / FILE, MINE)
    assert [conflict.path for conflict in making().conflicts] == [FILE]


def test_a_base_that_changed_meanwhile_or_is_a_link_is_not_kept(tmp_path: Path) -> None:
    root, bases = tmp_path / "root", tmp_path / "bases"
    root.mkdir()
    for name in ("same", "changed", "link", "gone"):
        put(root / name, name.encode() + b"\n")
    states = {n: s.model_copy(update={"inode": (root / n).stat().st_ino}) for n, s in measure(root).items()}
    put(root / "changed", b"CHANGED\n")
    (root / "gone").unlink()
    (root / "link").rename(tmp_path / "link")
    (root / "link").symlink_to(tmp_path / "link")
    keep_bases(bases, root, states)
    assert [kept.read_bytes() for kept in bases.iterdir()] == [b"same\n"]


def test_one_name_of_several_is_merged_and_the_others_keep_what_they_had(world: World) -> None:
    making = work(world, BASE, AGENT)
    os.link(world.real / FILE, world.real / "other")
    edit(world.real / FILE, MINE)
    original = world.state()
    (done,) = apply(world, making())
    assert ((world.real / FILE).read_bytes(), (world.real / "other").read_bytes()) == (BOTH, MINE)
    assert "one of 2 names" in done.note and "merged" in done.note
    take_back(world.aside, world.real)
    assert_same_tree(world.state(), original)


# ── applied, and then the workspace moved on ─────────────────────────────────────────────────────────────────

UNDONE: dict[str, tuple[bytes, list[Edit], list[Edit], bytes, int]] = {
    "other lines": (BASE, [AGENT], [BOTH], MINE, 0o644),
    "another mode": (BASE, [AGENT], [0o600], BASE, 0o600),
    "other lines and another mode": (BASE, [AGENT], [BOTH, 0o600], MINE, 0o600),
    "only the mode was applied": (BASE, [0o755], [MINE], MINE, 0o644),
    "lines and the mode were applied": (BASE, [AGENT, 0o755], [BOTH], MINE, 0o644),
    "undone by hand": (BASE, [AGENT], [BASE], BASE, 0o644),
    "undone by hand and more": (BASE, [AGENT], [MINE], MINE, 0o644),
    "binary undone by hand": (b"\0one", [b"\0two"], [b"\0one"], b"\0one", 0o644),
    "CRLF": (
        BASE.replace(b"\n", b"\r\n"),
        [AGENT.replace(b"\n", b"\r\n")],
        [BOTH.replace(b"\n", b"\r\n")],
        MINE.replace(b"\n", b"\r\n"),
        0o644,
    ),
    "no newline at the end": (BASE[:-1], [AGENT[:-1]], [BOTH[:-1]], MINE[:-1], 0o644),
    "the last newline taken": (BASE, [AGENT], [AGENT[:-1]], BASE[:-1], 0o644),
    "1 MB": (FULL[6:], [b"agent\n" + FULL[6:]], [b"agent\n" + FULL[6:] + b"\nuser"], FULL[6:] + b"\nuser", 0o644),
}

KEPT: dict[str, tuple[bytes, list[Edit], list[Edit]]] = {
    "the same lines": (BASE, [AGENT], [AGENT.replace(b"TWO", b"zwei")]),
    "emptied": (BASE, [AGENT], [b""]),
    "deleted": (BASE, [AGENT], [None]),
    "the agent's deletion made anew": (BASE, [None], [MINE]),
    "two modes": (BASE, [0o755], [0o600]),
    "binary": (b"\0" + BASE, [b"\0" + AGENT], [b"\0" + BOTH]),
    "a byte more than 1 MB": (FULL, [b"agent" + FULL[4:]], [b"agent" + FULL[4:] + b"\nuser"]),
    "a link now": (BASE, [AGENT], ["elsewhere"]),
}


@pytest.mark.parametrize("name", UNDONE)
def test_undo_takes_the_agents_change_and_leaves_later_edits(world: World, name: str) -> None:
    base, agents, since, content, mode = UNDONE[name]
    apply(world, work(world, base, *agents)())
    edit(world.real / FILE, *since)
    edited, inode = world.state(), (world.real / FILE).stat().st_ino
    assert merges(world.aside, world.real) == (FILE,) and not obstacles(world.aside, world.real)
    assert_same_tree(world.state(), edited)

    (undone,) = take_back(world.aside, world.real)
    assert "merged" in undone.note and standing(world.aside) == "before"
    assert (world.real / FILE).read_bytes() == content
    assert (world.real / FILE).stat().st_mode & 0o7777 == mode
    merged = world.state()

    put_back(world.aside, world.real)
    assert_same_tree(world.state(), edited)
    if world.aside.stat().st_dev == world.real.stat().st_dev:
        assert (world.real / FILE).stat().st_ino == inode
    (undone,) = take_back(world.aside, world.real)
    assert_same_tree(world.state(), merged)
    assert not undone.note
    put_back(world.aside, world.real)
    assert_same_tree(world.state(), edited)


@pytest.mark.parametrize("name", KEPT)
def test_later_edits_that_cannot_be_kept_stop_the_undo(world: World, name: str) -> None:
    base, agents, since = KEPT[name]
    apply(world, work(world, base, *agents)())
    if since != [None] and not (world.real / FILE).exists():
        put(world.real / FILE, b"")
    edit(world.real / FILE, *since)
    edited = world.state()
    (found,) = obstacles(world.aside, world.real)
    with pytest.raises(Conflict) as caught:
        take_back(world.aside, world.real)
    assert caught.value.conflicts == (found,) and found.path == FILE
    assert_same_tree(world.state(), edited)
    assert standing(world.aside) == "after"


def test_one_clash_stops_the_merges_of_all_others(world: World) -> None:
    making = work(world, BASE, AGENT)
    put(world.real / "g", b"1\n")
    put(world.sandbox / "g", b"2\n")
    more = effects(measure(world.real), measure(world.sandbox))
    carry_out(plan(world.real, more), content_of(world.sandbox), world.aside)
    assert making().steps == ()
    edit(world.real / FILE, BOTH)
    edit(world.real / "g", b"3\n")
    edited = world.state()
    with pytest.raises(Conflict):
        take_back(world.aside, world.real)
    assert_same_tree(world.state(), edited)
    edit(world.real / "g", b"2\n")
    take_back(world.aside, world.real)
    assert ((world.real / FILE).read_bytes(), (world.real / "g").read_bytes()) == (MINE, b"1\n")


def test_redo_after_the_workspace_moved_on_is_a_merge_as_well(world: World) -> None:
    apply(world, work(world, BASE, AGENT)())
    take_back(world.aside, world.real)
    edit(world.real / FILE, MINE)
    (redone,) = put_back(world.aside, world.real)
    assert (world.real / FILE).read_bytes() == BOTH and "merged" in redone.note
    take_back(world.aside, world.real)
    assert (world.real / FILE).read_bytes() == MINE


def test_edits_between_every_undo_and_redo_are_all_kept(world: World) -> None:
    apply(world, work(world, BASE, AGENT)())
    for number in range(4):
        edit(world.real / FILE, (world.real / FILE).read_bytes() + b"%d\n" % number * 3)
        (take_back if number % 2 == 0 else put_back)(world.aside, world.real)
    assert (world.real / FILE).read_bytes() == AGENT + b"".join(b"%d\n" % number * 3 for number in range(4))
    take_back(world.aside, world.real)
    assert (world.real / FILE).read_bytes() == BASE + b"".join(b"%d\n" % number * 3 for number in range(4))


def test_beside_a_merge_all_else_returns_as_ever(world: World) -> None:
    build, change = CASES["types"]
    build(world.real)
    put(world.real / FILE, BASE)
    copy(world.real, world.sandbox)
    change(world.sandbox)
    put(world.sandbox / FILE, AGENT)
    apply(world, plan(world.real, effects(measure(world.real), measure(world.sandbox))))
    edit(world.real / FILE, BOTH)
    edited = world.state()
    take_back(world.aside, world.real)
    assert (world.real / FILE).read_bytes() == MINE
    assert (world.real / "dir-file/x").read_bytes() == b"x" and (world.real / "escape").is_symlink()
    put_back(world.aside, world.real)
    assert_same_tree(world.state(), edited)


def test_two_applies_of_one_file_come_out_one_after_the_other(world: World) -> None:
    apply(world, work(world, BASE, AGENT)())
    second = world.aside.with_name("second")
    put(world.sandbox / FILE, AGENT.replace(b"four", b"FOUR"))
    more = effects(measure(world.real), measure(world.sandbox))
    carry_out(plan(world.real, more), content_of(world.sandbox), second)
    edit(world.real / FILE, BOTH.replace(b"four", b"FOUR") + b"six\n")
    edited = world.state()
    with pytest.raises(Conflict):
        take_back(second, world.real)  # the edit is right beside the line that would go
    edit(world.real / FILE, b"zero\n" + AGENT.replace(b"four", b"FOUR"))
    edited = world.state()
    take_back(second, world.real)
    assert (world.real / FILE).read_bytes() == b"zero\n" + AGENT
    take_back(world.aside, world.real)
    assert (world.real / FILE).read_bytes() == b"zero\n" + BASE
    put_back(world.aside, world.real)
    put_back(second, world.real)
    assert_same_tree(world.state(), edited)


# ── any edits ────────────────────────────────────────────────────────────────────────────────────────────────

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "x y"]), max_size=12)
EDITS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=4)


def changed(lines: list[str], edits: list[tuple[int, bool]], who: str) -> tuple[bytes, set[bytes]]:
    """Lines put in and taken out here and there; what was put in is told apart from all else."""
    result, added = list(lines), set()
    for number, (place, remove) in enumerate(edits):
        if remove and place < len(result):
            del result[place]
        else:
            result.insert(place, f"{who}{number}")
            added.add(f"{who}{number}".encode())
    return "".join(f"{line}\n" for line in result).encode(), added & {line.encode() for line in result}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=LINES, agents=EDITS, users=EDITS)
def test_no_line_that_only_the_user_added_is_ever_lost(
    lines: list[str], agents: list[tuple[int, bool]], users: list[tuple[int, bool]]
) -> None:
    base = "".join(f"{line}\n" for line in lines).encode()
    theirs, _ = changed(lines, agents, "agent")
    mine, added = changed(lines, users, "user")
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name), Path(name) / "state/aside")
        making = work(world, base, theirs)
        edit(world.real / FILE, mine)
        before = tree_state(world.real)
        made = making()
        if made.conflicts:
            with pytest.raises(Conflict):
                apply(world, made)
            assert_same_tree(tree_state(world.real), before)
            return
        if not apply(world, made):
            assert_same_tree(tree_state(world.real), before)
            return
        assert added <= set((world.real / FILE).read_bytes().splitlines())
        take_back(world.aside, world.real)
        assert_same_tree(tree_state(world.real), before)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(agents=EDITS, head=st.lists(st.text("uvw", max_size=3), max_size=3), tail=LINES)
def test_apply_and_undo_around_an_edit_elsewhere_leave_exactly_that_edit(
    agents: list[tuple[int, bool]], head: list[str], tail: list[str]
) -> None:
    lines = [f"line {number}" for number in range(12)]
    base = "".join(f"{line}\n" for line in ["first", "second", *lines, "last but one", "last"]).encode()
    inner, _ = changed(lines, agents, "agent")
    theirs = b"first\nsecond\n" + inner + b"last but one\nlast\n"
    above, below = ("".join(f"{line}\n" for line in some).encode() for some in (head, tail))
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name), Path(name) / "state/aside")
        done = apply(world, work(world, base, theirs)())
        edit(world.real / FILE, above + theirs + below)
        after = tree_state(world.real)
        if not done:
            return
        take_back(world.aside, world.real)
        assert (world.real / FILE).read_bytes() == above + base + below
        put_back(world.aside, world.real)
        assert_same_tree(tree_state(world.real), after)
