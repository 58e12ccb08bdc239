"""edit with a V4A patch: several files, all or nothing."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentrt.records import Observation
from agentrt.testing.plain_world import PlainWorld
from agentrt.tools.edit import Edit, EditTool

_TWO = "class A:\n    def run(self):\n        return 1\n\n\nclass B:\n    def run(self):\n        return 1\n"


@pytest.fixture
def patch(act: Callable[..., Observation], tmp_path: Path) -> Callable[..., Observation]:
    """``patch(*lines, a="content of a")``."""

    def run(*lines: str, **files: str) -> Observation:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content.encode())
        return act("edit", patch="\n".join(["*** Begin Patch", *lines, "*** End Patch"]))

    return run


def _tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_files_are_updated_added_deleted_and_moved_in_one(patch, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.sh").write_text("echo 1\n")
    (tmp_path / "old" / "run.sh").chmod(0o755)
    seen = patch(
        "*** Update File: a",
        " one",
        "-two",
        "+2",
        "*** Add File: new/c",
        "+hello",
        "+",
        "*** Delete File: b",
        "*** Update File: old/run.sh",
        "*** Move to: bin/deep/run.sh",
        "-echo 1",
        "+echo 2",
        a="one\ntwo\nthree\n",
        b="b\n",
    )
    assert seen.error is None
    assert _tree(tmp_path) == {"a": b"one\n2\nthree\n", "new/c": b"hello\n\n", "bin/deep/run.sh": b"echo 2\n"}
    assert (tmp_path / "bin/deep/run.sh").stat().st_mode & 0o777 == 0o755
    assert seen.output.split("\n") == [
        "changed a",
        "@@ -1,3 +1,3 @@",
        " one",
        "-two",
        "+2",
        " three",
        "created new/c: 2 lines",
        "deleted b",
        "moved old/run.sh to bin/deep/run.sh",
        "@@ -1,1 +1,1 @@",
        "-echo 1",
        "+echo 2",
    ]


def test_a_move_alone(patch, tmp_path: Path) -> None:
    assert patch("*** Update File: a", "*** Move to: b", a="x").output == "moved a to b"
    assert _tree(tmp_path) == {"b": b"x"}


def test_anchors_choose_the_place(patch, tmp_path: Path) -> None:
    change = ["-        return 1", "+        return 2"]
    assert patch("*** Update File: a", "@@ class B:", *change, a=_TWO).error is None
    assert (tmp_path / "a").read_text() == _TWO[:-2] + "2\n"
    assert patch("*** Update File: a", "@@ class A:", "@@     def run(self):", *change, a=_TWO).error is None
    assert (tmp_path / "a").read_text() == _TWO.replace("return 1", "return 2", 1)
    # The anchor may be the first line of context, too, and needs no indentation.
    seen = patch("*** Update File: a", "@@ class B:", " class B:", "     def run(self):", *change, a=_TWO)
    assert (seen.error, (tmp_path / "a").read_text()) == (None, _TWO[:-2] + "2\n")
    assert patch("*** Update File: a", "@@ class B:", "@@ def run(self):", *change, a=_TWO).error is None
    assert (tmp_path / "a").read_text() == _TWO[:-2] + "2\n"


def test_several_parts_of_one_file_in_order(patch, tmp_path: Path) -> None:
    patch("*** Update File: a", "@@", "-x", "+1", " b", "@@", "-x", "+2", a="x\nb\nx\n")
    assert (tmp_path / "a").read_text() == "1\nb\n2\n"


def test_the_end_of_the_file(patch, tmp_path: Path) -> None:
    patch("*** Update File: a", "-x", "+y", "*** End of File", a="x\nx\nx\n")
    assert (tmp_path / "a").read_text() == "x\nx\ny\n"
    patch("*** Update File: a", "+y", a="x\n")
    assert (tmp_path / "a").read_text() == "x\ny\n"
    patch("*** Update File: a", "@@ x", "+y", a="x\nz\n")
    assert (tmp_path / "a").read_text() == "x\ny\nz\n"
    patch("*** Update File: a", "+y", a="")
    assert (tmp_path / "a").read_text() == "y\n"


def test_line_ends_marks_and_foreign_bytes_stay(patch, act, tmp_path: Path) -> None:
    patch("*** Update File: a", " x", "-y", "+1", "+2", a="x\r\ny\r\nz")
    assert (tmp_path / "a").read_bytes() == b"x\r\n1\r\n2\r\nz"
    patch("*** Update File: a", "-z", "+1", "+2", a="x\r\nz")
    assert (tmp_path / "a").read_bytes() == b"x\r\n1\r\n2"
    patch("*** Update File: a", "-x", "+1", a="\ufeffx\ny\n")
    assert (tmp_path / "a").read_bytes() == b"\xef\xbb\xbf1\ny\n"
    (tmp_path / "a").write_bytes(b"\xff\nx\n\xfe")
    patch("*** Update File: a", "-x", "+y")
    assert (tmp_path / "a").read_bytes() == b"\xff\ny\n\xfe"
    text = "*** Begin Patch\r\n*** Update File: a\r\n-y\r\n+z\r\n*** End Patch\r\n"
    assert act("edit", patch=text).error is None
    assert (tmp_path / "a").read_bytes() == b"\xff\nz\n\xfe"


def test_white_space_at_the_end_of_context_is_forgiven_and_kept(patch, tmp_path: Path) -> None:
    patch("*** Update File: a", " x", "", "-y", "+z", a="x  \n   \ny\n")
    assert (tmp_path / "a").read_text() == "x  \n   \nz\n"


def test_gaps_around_a_change_are_no_context(patch, tmp_path: Path) -> None:
    seen = patch("", "*** Update File: a", "", "-x", "+y", "", "*** Update File: b", "-x", "+y", "", a="x\nz\n", b="x")
    assert (seen.error, _tree(tmp_path)) == (None, {"a": b"y\nz\n", "b": b"y"})


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "line 1 of the patch: a patch begins with '*** Begin Patch', not an empty line"),
        ("--- a\n+++ b", "line 1 of the patch: a patch begins with '*** Begin Patch', not '--- a'"),
        ("\n*** Begin Patch\n", "line 2 of the patch: a patch ends with '*** End Patch', not '*** Begin Patch'"),
        ("*** Begin Patch\n*** Add File: n\n+x\n", "line 3 of the patch: a patch ends with '*** End Patch', not '+x'"),
        ("*** Begin Patch\n*** End Patch", "line 2 of the patch: the patch names no file"),
        (
            "*** Begin Patch\n x\n*** End Patch",
            "line 2 of the patch: expected '*** Update File: PATH', '*** Add File: PATH', '*** Delete File: PATH' or "
            "'*** End Patch', not ' x'",
        ),
        (
            "*** Begin Patch\n*** Add File:  \n*** End Patch",
            "line 2 of the patch: '*** Add File: ' is followed by a path",
        ),
        (
            "*** Begin Patch\n*** Add File: n\n+x\ny\n*** End Patch",
            "line 4 of the patch: every line of an added file begins with '+', not 'y'",
        ),
        (
            "*** Begin Patch\n*** Delete File: a\n-x\n*** End Patch",
            "line 3 of the patch: nothing follows '*** Delete File: PATH' but '*** Update File: PATH', '*** Add File: "
            "PATH', '*** Delete File: PATH' or '*** End Patch', not '-x'",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n*** End Patch",
            "line 2 of the patch: a is updated, but no change follows",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n@@ -1,2 +1,2 @@\n-x\n*** End Patch",
            "line 3 of the patch: line numbers are not used here: write '@@' alone, or '@@ ' and a line of the file",
        ),
        (
            "*** Begin Patch\n*** Update File: a\nfoo\n*** End Patch",
            "line 3 of the patch: a line of an update begins with ' ', '-', '+', '@@' or '***', not 'foo'",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n-x\n*** Rename to: b\n*** End Patch",
            "line 4 of the patch: a line of an update begins with ' ', '-', '+', '@@' or '***', not '*** Rename to: b'",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n*** End of File\n*** End Patch",
            "line 3 of the patch: '*** End of File' ends a change, and none stands before it",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n@@\n x\n@@\n-x\n*** End Patch",
            "line 3 of the patch: this part changes nothing: it has no line that begins with '-' or '+'",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n-x\n*** Delete File: ./a\n*** End Patch",
            "line 4 of the patch: ./a was named at line 2: one section a file",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n-x\n+x\n*** End Patch",
            "line 2 of the patch: a would be what it is: the patch changes nothing in it",
        ),
        (
            "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch",
            "line 2 of the patch: a exists: use '*** Update File:' to change it",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n*** Move to: b\n*** End Patch",
            "line 2 of the patch: a cannot be moved: b exists",
        ),
        (
            "*** Begin Patch\n*** Update File: a\n*** Move to: dangling\n*** End Patch",
            "line 2 of the patch: a cannot be moved: dangling exists",
        ),
        ("*** Begin Patch\n*** Delete File: d\n*** End Patch", "line 2 of the patch: d is a directory"),
        (
            "*** Begin Patch\n*** Delete File: aa\n*** End Patch",
            "line 2 of the patch: aa does not exist; did you mean a?",
        ),
        (
            "*** Begin Patch\n*** Add File: a/n\n*** End Patch",
            "line 2 of the patch: a/n cannot be read: Not a directory",
        ),
    ],
)
def test_a_patch_that_is_wrong_says_where_and_touches_nothing(act, tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "a").write_text("x\n")
    (tmp_path / "b").write_text("b\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    assert act("edit", patch=text).error == error
    assert _tree(tmp_path) == {"a": b"x\n", "b": b"b\n"}


@pytest.mark.parametrize(
    ("content", "lines", "error"),
    [
        (
            "alpha\n    beta\ngamma\n",
            ["@@", " alpha", "-  beta"],
            "line 3 of the patch: what this part expects is not in a; it is in lines 1-2 but for the indentation "
            "('    beta' is there, '  beta' was asked for):\n     1\talpha\n     2\t    beta",
        ),
        (
            "alpha\nbeta one\ngamma\n",
            ["-beta two", "-gamma"],
            "line 3 of the patch: what this part expects is not in a; the nearest is lines 2-3:\n"
            "     2\tbeta one\n     3\tgamma",
        ),
        (
            "x\ny\nx\ny\nx\n",
            ["-x", "+z"],
            "line 3 of the patch: this part fits a in 3 places, at lines 1, 3, 5: give more lines of context, or '@@ ' "
            "and a line that stands before the right one only",
        ),
        (
            _TWO,
            ["@@ def run(self):", "-        return 1"],
            "line 3 of the patch: this part fits a in 2 places, at lines 3, 8: give more lines of context, or '@@ ' "
            "and a line that stands before the right one only",
        ),
        (
            _TWO,
            ["@@ def run(self):", "+    # new"],
            "line 3 of the patch: '@@ def run(self):' fits a in 2 places, at lines 2, 7",
        ),
        (
            _TWO,
            ["@@ def walk(self):", "-        return 1"],
            "line 3 of the patch: '@@ def walk(self):' is no line of a; the nearest is line 2:\n"
            "     2\t    def run(self):",
        ),
        (
            "x\nmark\ny\n",
            ["@@ mark", "-x"],
            "line 3 of the patch: what this part expects is at line 1 of a, but not after '@@ mark'",
        ),
        (
            "x\ny\nz\n",
            ["-z", "@@", "-x"],
            "line 4 of the patch: what this part expects is at line 1 of a, before the part above "
            "it: put the parts in order",
        ),
        (
            "x\ny\n",
            ["-x", "*** End of File"],
            "line 3 of the patch: this part ends the file ('*** End of File'), but what it expects is at "
            "line 1 of 2 in a",
        ),
        (
            "a\nb\nc\n",
            ["-b", "@@", "-q"],
            "line 4 of the patch: what this part expects is not in a from line 2 on; nothing",
        ),
    ],
)
def test_what_does_not_fit_says_why(patch, tmp_path: Path, content: str, lines: list[str], error: str) -> None:
    seen = patch("*** Update File: a", *lines, a=content)
    assert seen.error is not None
    assert seen.error.startswith(error)
    assert _tree(tmp_path) == {"a": content.encode()}


def test_nothing_is_written_where_one_file_does_not_fit(patch, tmp_path: Path) -> None:
    seen = patch(
        "*** Update File: a", "-x", "+y", "*** Add File: n", "+n", "*** Delete File: b", "*** Update File: c", "-q",
        a="x\n", b="b\n", c="c\n",
    )  # fmt: skip
    assert "line 9 of the patch: what this part expects is not in c" in seen.error
    assert _tree(tmp_path) == {"a": b"x\n", "b": b"b\n", "c": b"c\n"}


@pytest.mark.parametrize("last", [["*** Update File: c", "*** Move to: shut/c"], ["*** Add File: f/n", "+n"]])
def test_what_was_written_is_put_back_where_a_later_step_fails(patch, tmp_path: Path, last: list[str]) -> None:
    shut = tmp_path / "shut"
    shut.symlink_to("/proc")  # nobody can move a file there
    (tmp_path / "f").symlink_to("nowhere/at/all")
    before = {"a": b"x\n", "b": b"b\n", "c": b"c\n"}
    seen = patch("*** Update File: a", "-x", "+y", "*** Delete File: b", *last, "*** Add File: n", "+n",
                 a="x\n", b="b\n", c="c\n")  # fmt: skip
    assert seen.error is not None
    assert _tree(tmp_path) == before


def test_a_name_that_looks_like_an_option(patch, tmp_path: Path) -> None:
    (tmp_path / "-rf").write_text("x\n")
    assert patch("*** Update File: -rf", "*** Move to: -n", "*** Add File: -i", "+x").error is None
    assert sorted(os.listdir(tmp_path)) == ["-i", "-n"]
    assert patch("*** Delete File: -n").error is None
    assert os.listdir(tmp_path) == ["-i"]


_LINES = st.lists(st.sampled_from(["", "a", "b", " a", "\tb", "+", "-a", "@@", "***", "é", "\udcff"]), max_size=12)


@settings(deadline=None)
@given(old=_LINES, new=_LINES, newline=st.sampled_from(["\n", "\r\n"]), ended=st.booleans(), context=st.integers(0, 3))
def test_a_patch_made_of_two_versions_turns_one_into_the_other(
    old: list[str], new: list[str], newline: str, ended: bool, context: int
) -> None:
    if old == new or (not ended and not (old and new and old[-1] and new[-1])):
        return  # nothing to do, or a last line that V4A cannot tell from none
    before, after = (newline.join(lines) + (newline if ended and lines else "") for lines in (old, new))
    patch = ["*** Begin Patch", "*** Update File: a", *_v4a(old, new, context), "*** End Patch"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "a")
        file.write_bytes(before.encode("utf-8", "surrogateescape"))
        seen = anyio.run(EditTool().run, Edit(patch="\n".join(patch)), PlainWorld(Path(folder)))
        assert seen.error is None
        expected = after if newline in before else after.replace("\r\n", "\n")  # no line end, no habit to keep
        assert file.read_bytes() == expected.encode("utf-8", "surrogateescape")


def _v4a(old: list[str], new: list[str], context: int) -> list[str]:
    """A patch's lines: parts with ``context`` lines around them where each fits once, else one for the whole file."""
    parts: list[str] = []
    cursor = 0
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(context):
        start, end = group[0][1], group[-1][2]
        if _places(old[cursor:], old[start:end]) != 1:
            whole = difflib.SequenceMatcher(None, old, new).get_opcodes()
            return ["@@", *_body(old, new, whole), "*** End of File"]
        parts += ["@@", *_body(old, new, group)]
        cursor = end
    return parts


def _places(lines: list[str], wanted: list[str]) -> int:
    if not wanted:
        return 0
    return sum(
        [line.rstrip() for line in lines[place : place + len(wanted)]] == [line.rstrip() for line in wanted]
        for place in range(len(lines) - len(wanted) + 1)
    )


def _body(old: list[str], new: list[str], opcodes: list[tuple[str, int, int, int, int]]) -> list[str]:
    body: list[str] = []
    for tag, a, a_end, b, b_end in opcodes:
        if tag == "equal":
            body += [" " + line for line in old[a:a_end]]
        else:
            body += ["-" + line for line in old[a:a_end]] + ["+" + line for line in new[b:b_end]]
    return body
