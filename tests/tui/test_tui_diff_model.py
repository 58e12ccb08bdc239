"""What the diff of effects says of each file, whatever kind of file it is."""

from __future__ import annotations

import pytest
from diffs_ground import CONTENTS, effect, model, numbered, rows, state, texts
from hypothesis import given

from agentrt.history import hunks
from agentrt.records import FileEffect
from agentrt.showing.patch import patch_of
from agentrt.tui.diffs.model import BIG, MANY, Body, DiffModel, compute


@given(CONTENTS, CONTENTS)
def test_hunks_and_counts_are_those_of_review_and_patch(before: bytes, after: bytes) -> None:
    of = effect("a", before, after)

    body = compute(of, before, after)

    assert len(body.hunks) == hunks.count(before, after)
    patch = patch_of(of, before, after)
    assert (body.added, body.removed) == (patch.added, patch.removed)
    assert [hunks.title(hunk) for hunk in body.hunks] == [x for x in patch.text.split("\n") if x.startswith("@@")]


@given(CONTENTS, CONTENTS)
def test_a_hunk_taken_back_is_the_hunk_that_is_shown(before: bytes, after: bytes) -> None:
    body = compute(effect("a", before, after), before, after)

    for number, codes in enumerate(body.hunks, 1):
        _, first, _, _, _ = codes[0]
        _, _, last, _, end = codes[-1]
        left = hunks.lines(hunks.without(before, after, [number]))
        assert b"".join(left).endswith(b"".join(body.new[end:]))
        start = len(left) - len(body.new[end:]) - (last - first)
        assert left[start : start + last - first] == body.old[first:last]


def folder(mode: int = 0o755) -> object:
    return state(b"", mode, type="directory")


def link(target: str) -> object:
    return state(b"", 0o777, type="symlink", target=target)


@pytest.mark.parametrize(
    ("of", "sides", "said"),
    [
        (effect("d", None, None, change="created", after=folder()), (None, None), ("folder created, mode 0755",)),
        (effect("d", None, None, change="deleted", before=folder()), (None, None), ("folder deleted",)),
        (
            effect("d", None, None, change="mode", before=folder(), after=folder(0o700)),
            (None, None),
            ("folder mode 0755 → 0700",),
        ),
        (
            effect("p", None, None, change="created", after=state(b"", type="fifo")),
            (None, None),
            ("fifo created, mode 0644",),
        ),
        (effect("l", None, None, change="created", after=link("a\x1b")), (None, None), ("symbolic link to a\\x1b",)),
        (effect("l", None, None, change="deleted", before=link("a")), (None, None), ("symbolic link was to a",)),
        (
            effect("l", None, None, change="modified", before=link("a"), after=link("b")),
            (None, None),
            ("symbolic link to a, now to b",),
        ),
        (
            effect("l", b"", None, change="modified", after=link("b")),
            (b"", None),
            ("file replaced by symbolic link", "symbolic link to b"),
        ),
        (effect("b", b"\0a", b"\0abc"), (b"\0a", b"\0abc"), ("binary, 2 → 4 bytes",)),
        (effect("b", None, b"\0abc"), (None, b"\0abc"), ("binary, 4 bytes",)),
        (effect("a", b"a", b"b"), (None, b"b"), ("the content is too large to show, or no longer there",)),
        (effect("a", b"a", b"b"), (None, None), ("the content is too large to show, or no longer there",)),
        (effect("a", b"a", b"a", change="mode", after=state(b"a", 0o755)), (b"a", b"a"), ()),
        (effect("e", None, b""), (None, b""), ()),
    ],
)
def test_what_has_no_lines_is_said_in_words(
    of: FileEffect, sides: tuple[bytes | None, bytes | None], said: tuple[str, ...]
) -> None:
    body = compute(of, *sides)

    assert (body.said, len(body.hunks), body.added, body.removed) == (said, 0, 0, 0)


def test_a_file_that_replaces_a_link_is_shown_whole() -> None:
    of = effect("l", None, b"a\nb\n", change="modified", before=link("x"))

    body = compute(of, None, b"a\nb\n")

    assert body.said == ("symbolic link replaced by file", "symbolic link was to x")
    assert (body.added, body.removed) == (2, 0)


def test_too_much_that_is_alike_is_not_compared() -> None:
    before = b"".join(b"%d\n" % (number % 110) for number in range(26_000))

    body = compute(effect("a", before, before + b"x"), before, before + b"x")

    assert body == Body(said=("too many lines are alike to compare them one by one",))


@pytest.mark.parametrize(
    ("of", "title"),
    [
        (effect("a.py", b"", b""), "modified  a.py"),
        (effect("a\x1b[1m\u202e", None, b""), "created   a\\x1b[1m\\u202e"),
        (effect("b", b"", b"", change="renamed", renamed_from="a"), "renamed   b  (was a)"),
        (effect("b", b"", b"", change="mode", after=state(b"", 0o755)), "mode      b  (0644 → 0755)"),
        (effect("b", b"", b"", after=state(b"", 0o755)), "modified  b  (0644 → 0755)"),
        (effect("b", b"", b"", note="a note\n"), "modified  b  — a note\\n"),
        (effect("b", b"", b"", reversibility="irreversible"), "modified  b  ‼ irreversible"),
    ],
)
def test_the_title_says_what_became_of_a_file(of: FileEffect, title: str) -> None:
    (file,) = DiffModel.of([of]).files

    assert file.title == title


def test_only_what_was_a_file_before_and_after_has_hunks_of_its_own() -> None:
    files = DiffModel.of(
        [
            effect("modified", b"a", b"b"),
            effect("created", None, b"b"),
            effect("deleted", b"a", None),
            effect("renamed", b"a", b"b", change="renamed", renamed_from="x"),
            effect("replaced", b"a", None, after=link("b")),
        ]
    ).files

    assert [file.path for file in files if file.by_hunk] == ["modified"]


def test_big_files_start_folded() -> None:
    big, small = numbered(BIG + 1), numbered(BIG)

    found = model({"big": (b"", big), "small": (b"", small), "huge": (b"x" * 300_000, b"")})

    assert [found.starts_folded(file) for file in found.files] == [True, False, False]
    unknown = model({"huge": (b"x" * 300_000, b"")}, there=False)
    assert unknown.starts_folded(unknown.files[0])


def test_many_files_start_folded() -> None:
    few, many = (model({str(n): (b"", b"a") for n in range(count)}) for count in (MANY, MANY + 1))

    assert not any(map(few.starts_folded, few.files))
    assert all(map(many.starts_folded, many.files))


def test_a_line_without_an_end_is_told() -> None:
    assert texts(rows({"a": (b"a", b"a\n")})) == [
        "▾ modified  a  +1 -1",
        "@@ -1 +1 @@  hunk 1 of 1",
        "1   - a  \\ No newline at end of file",
        "  1 + a",
    ]
