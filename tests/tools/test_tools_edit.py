"""edit: exact replacement and insertion."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agentrt.records import Observation
from agentrt.testing.plain_world import PlainWorld
from agentrt.tools.edit import Edit, EditTool

_CODE = "def f():\n    return 1\n\n\ndef g():\n    return 1\n"


@pytest.fixture
def edit(act: Callable[..., Observation], tmp_path: Path) -> Callable[..., tuple[Observation, bytes]]:
    """``edit(content, …)``: the observation, and the file afterwards."""

    def run(content: str | bytes, **fields: Any) -> tuple[Observation, bytes]:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / "a.py").write_bytes(data)
        seen = act("edit", path="a.py", **fields)
        return seen, (tmp_path / "a.py").read_bytes()

    return run


def test_one_occurrence_is_replaced_and_the_change_shown(edit) -> None:
    seen, after = edit(_CODE, old="def g():\n    return 1", new="def g():\n    return 2")
    assert after == b"def f():\n    return 1\n\n\ndef g():\n    return 2\n"
    assert seen.error is None
    assert seen.output == "changed a.py\n@@ -3,4 +3,4 @@\n \n \n def g():\n-    return 1\n+    return 2"


def test_several_occurrences_are_counted_and_nothing_is_touched(edit) -> None:
    seen, after = edit(_CODE, old="return 1", new="return 2")
    assert seen.error == (
        "a.py: old occurs 2 times, at lines 2, 6: add lines around it until it occurs once, or set all to replace "
        "every one"
    )
    assert after == _CODE.encode()
    assert edit("x\n" * 50, old="x", new="y")[0].error.startswith(
        f"a.py: old occurs 50 times, at lines {', '.join(map(str, range(1, 21)))}, …:"
    )


def test_occurrences_that_overlap_are_two(edit) -> None:
    seen, after = edit("aaa\n", old="aa", new="b")
    assert "occurs 2 times, at lines 1, 1" in seen.error
    assert after == b"aaa\n"


def test_all_replaces_every_one(edit) -> None:
    seen, after = edit(_CODE, old="return 1", new="return 2", all=True)
    assert after == _CODE.replace("return 1", "return 2").encode()
    assert seen.output.count("\n+    return 2") == 2


@pytest.mark.parametrize(
    ("content", "old", "why"),
    [
        (
            "def f():\n    return 1\n",
            "def f():\n  return 1\n",
            "it is in lines 1-2 but for the indentation ('    return 1' is there, '  return 1' was asked for):\n"
            "     1\tdef f():\n     2\t    return 1",
        ),
        (
            "a = 1  \nb = 2\n",
            "a = 1\nb = 2",
            "it is in lines 1-2 but for white space at the end of lines ('a = 1  ' is there, 'a = 1' was asked for):\n"
            "     1\ta = 1  \n     2\tb = 2",
        ),
        (
            "x\r\ny\r\nz\n",
            "x\ny",
            "it is in lines 1-2 but for the line ends (CRLF against LF) ('x\\r' is there, 'x' was asked for):\n"
            "     1\tx\n     2\ty",
        ),
        ("x\ny\n", "x\r\ny", "it is in lines 1-2 but for the line ends (CRLF against LF)"),
        ("x\ny", "\ny\n", "it is in line 2 but for the line ends around it:\n     2\ty"),
        ("call(a,  b)\n", "call(a, b)", "it is in line 1 but for white space"),
        ("call(a,\n     b)\n", "call(a, b)", "it is in lines 1-2 but for white space"),
        ("one\ntwo\n", "     1\tone\n     2\ttwo", "old holds line numbers, as read shows them"),
        ("alpha\nreturn value\nomega\n", "retrun value", "the nearest is line 2:\n     2\treturn value"),
        (
            "a\ndef f(x):\n    y = 1\n    return y\nb\n",
            "def f(x):\n    y = 2\n    return y",
            "the nearest is lines 2-4:\n     2\tdef f(x):\n     3\t    y = 1\n     4\t    return y",
        ),
        ("alpha\n", "something else entirely", "nothing in the file comes near it"),
        ("", "x", "nothing in the file comes near it"),
        ("a\nb\n", "\n\n", "nothing in the file comes near it"),
    ],
)
def test_what_is_not_there_is_told_why_and_what_comes_nearest(edit, content: str, old: str, why: str) -> None:
    seen, after = edit(content, old=old, new="new")
    assert seen.error is not None
    assert seen.error.startswith(f"a.py: old does not occur; {why}")
    assert after == content.encode()


def test_the_nearest_in_a_large_file_takes_no_time_to_speak_of(edit) -> None:
    content = "".join(f"line number {number} of many, all much alike\n" for number in range(20_000))
    began = time.monotonic()
    seen, _ = edit(content, old="line number 15000 of mani, all much alikes", new="x")
    assert "the nearest is line 15001:" in seen.error
    assert time.monotonic() - began < 5


def test_a_file_full_of_white_space_takes_no_time_either(edit) -> None:
    gap = (" " * 300 + "\n") * 3
    began = time.monotonic()
    seen, _ = edit(("a\n" + gap) * 300, old="a\n\n\n\nb", new="x")
    assert seen.error is not None
    assert time.monotonic() - began < 5


def test_a_change_of_everything_in_a_large_file_is_told_by_its_size(edit) -> None:
    seen, after = edit("x\n" * 5000, old="x", new="y", all=True)
    assert seen.output == "changed a.py\n@@ from line 1 on: 5,000 lines became 5,000 @@"
    assert after == b"y\n" * 5000


def test_crlf_stays_crlf(edit) -> None:
    seen, after = edit("a\r\nb\r\nc\r\n", old="a\nb", new="A\nB\nmore")
    assert (seen.error, after) == (None, b"A\r\nB\r\nmore\r\nc\r\n")
    assert edit("a\r\nb\r\n", old="a", new="x\ny")[1] == b"x\r\ny\r\nb\r\n"
    assert edit("a\r\nb\r\n", old="a\r\nb", new="x\r\ny")[1] == b"x\r\ny\r\n"
    assert edit("a\r\nb\r\n", insert="n\nm", line=1)[1] == b"a\r\nn\r\nm\r\nb\r\n"
    assert edit("a\r\nb", insert="n", line=2)[1] == b"a\r\nb\r\nn"


def test_line_ends_named_are_taken_at_their_word(edit) -> None:
    assert edit("a\r\nb\r\n", old="\r\n", new="\n", all=True)[1] == b"a\nb\n"


def test_a_new_text_that_comes_to_the_same(edit) -> None:
    seen, after = edit("a\r\nb\r\n", old="a\n", new="a\r\n")
    assert (seen.error, after) == ("a.py: this would change nothing", b"a\r\nb\r\n")


def test_bytes_that_are_no_utf_8_and_marks_survive(edit) -> None:
    seen, after = edit(b"\xef\xbb\xbf\xff one\n\xfe two\n\0\n", old="one", new="1 \u20ac")
    assert (seen.error, after) == (None, b"\xef\xbb\xbf\xff 1 \xe2\x82\xac\n\xfe two\n\0\n")
    assert edit(b"caf\xe9\n", old="caf\udce9", new="tea")[1] == b"tea\n"
    assert edit(b"\xef\xbb\xbfa\n", insert="top", line=0)[1] == b"\xef\xbb\xbftop\na\n"


def test_no_newline_at_the_end_stays_so(edit) -> None:
    seen, after = edit("a\nb", old="b", new="c")
    assert after == b"a\nc"
    assert seen.output.endswith("-b  [no newline at the end]\n+c  [no newline at the end]")


@pytest.mark.parametrize(
    ("content", "line", "after"),
    [
        ("a\nb\n", 0, b"new\na\nb\n"),
        ("a\nb\n", 1, b"a\nnew\nb\n"),
        ("a\nb\n", 2, b"a\nb\nnew\n"),
        ("a\nb", 2, b"a\nb\nnew"),
        ("", 0, b"new\n"),
    ],
)
def test_lines_are_inserted_after_a_line(edit, content: str, line: int, after: bytes) -> None:
    assert edit(content, insert="new", line=line)[1] == after
    assert edit(content, insert="new\n", line=line)[1] == after


def test_inserting_after_a_line_that_is_not_there(edit) -> None:
    seen, after = edit("a\nb\n", insert="x", line=3)
    assert (seen.error, after) == ("a.py: there is no line 3: the file has 2 lines", b"a\nb\n")


def test_a_file_that_is_no_text_is_named(edit) -> None:
    seen, _ = edit("\ufefftext\n".encode("utf-16"), old="text", new="x")
    assert seen.error.startswith("a.py (not a text file: UTF-16 text (little-endian)): old does not occur")


def test_a_file_that_is_not_there(act, tmp_path: Path) -> None:
    (tmp_path / "main.py").touch()
    assert act("edit", path="mian.py", old="a", new="b").error == "mian.py does not exist; did you mean main.py?"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "expected one of .*, not {}"),
        ({"path": "a"}, "not {path}"),
        ({"path": "a", "old": "x"}, "not {old, path}"),
        ({"old": "x", "new": "y"}, "not {new, old}"),
        ({"path": "a", "old": "x", "new": "y", "patch": "p"}, "not {new, old, patch, path}"),
        ({"path": "a", "old": "x", "new": "y", "line": 1}, "not {line, new, old, path}"),
        ({"path": "a", "insert": "x"}, "not {insert, path}"),
        ({"path": "a", "insert": "x", "line": 1, "all": True}, "not {all, insert, line, path}"),
        ({"path": "a", "patch": "p"}, "not {patch, path}"),
        ({"path": "a", "old": "", "new": "y"}, "old is empty: use insert with line, or write for a new file"),
        ({"path": "a", "old": "x", "new": "x"}, "old and new are the same: this would change nothing"),
        ({"path": "a", "insert": "", "line": 1}, "insert is empty: there is nothing to insert"),
        ({"path": "a", "insert": "x", "line": -1}, "greater than or equal to 0"),
    ],
)
def test_what_makes_no_sense_together_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Edit.from_dict(fields)


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"path": "a", "old": "x\ny", "new": "z"}, r"edit a: 'x\ny' → 'z'"),
        ({"path": "a", "old": "x", "new": "z", "all": True}, "edit a: every 'x' → 'z'"),
        ({"path": "a", "insert": "x", "line": 3}, "edit a: insert 'x' after line 3"),
        ({"patch": "x"}, "patch (malformed: line 1 of the patch: a patch begins with '*** Begin Patch', not 'x')"),
        (
            {"patch": "*** Begin Patch\n*** Update File: a\n*** Move to: b\n*** Delete File: c\n*** End Patch"},
            "patch update a → b, delete c",
        ),
    ],
)
def test_a_person_sees_one_line(fields: dict[str, Any], shown: str) -> None:
    assert EditTool().show(Edit.from_dict(fields)) == shown


def _edited(data: bytes, **fields: Any) -> tuple[str | None, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "a")
        file.write_bytes(data)
        seen = anyio.run(EditTool().run, Edit(path="a", **fields), PlainWorld(Path(folder)))
        return seen.error, file.read_bytes()


_CHARACTERS = st.sampled_from(["a", "b", " ", "\t", "\n", "\r\n", "é", "\udcff", "\0", "\u2028"])
_TEXT = st.lists(_CHARACTERS, max_size=30).map("".join)


@settings(deadline=None)
@given(before=_TEXT, old=_TEXT.filter(bool), new=_TEXT, after=_TEXT, every=st.booleans())
def test_it_is_what_str_replace_does(before: str, old: str, new: str, after: str, every: bool) -> None:
    text = before + old + after
    crlf = 0 < text.count("\n") == text.count("\r\n")
    if old == new or (crlf and "\r" not in old and "\n" in new.replace("\r\n", "")):
        return  # refused, or translated: tested above
    error, result = _edited(_bytes(text), old=old, new=new, all=every)
    if every or sum(text.startswith(old, place) for place in range(len(text))) == 1:
        assert (error, result) == (None, _bytes(text.replace(old, new)))
    else:
        assert error is not None and "occurs" in error
        assert result == _bytes(text)


@settings(deadline=None)
@given(lines=st.lists(st.text("ab \udcff", max_size=3), max_size=6), place=st.integers(0, 6), crlf=st.booleans())
def test_an_inserted_line_is_the_next_one(lines: list[str], place: int, crlf: bool) -> None:
    newline = "\r\n" if crlf else "\n"
    error, result = _edited(_bytes("".join(line + newline for line in lines)), insert="new", line=place)
    if place > len(lines):
        assert error is not None
    else:
        expected = [*lines[:place], "new", *lines[place:]]
        assert result == _bytes("".join(line + (newline if lines else "\n") for line in expected))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
