"""search: by ripgrep, sorted, counted, honouring ignore files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

from agentrt.records import Limits
from agentrt.testing.plain_world import PlainWorld
from agentrt.tools.search import Search, SearchTool


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "src/b.py": "import os\nvalue = 1\n",
        "src/a.py": "value = 2\n",
        "README.md": "The value of it.\n",
        ".hidden/c.txt": "value\n",
        ".gitignore": "build/\n*.log\n",
        ".ignore": "vendor\n",
        "build/out.py": "value = 3\n",
        "vendor/v.py": "value = 4\n",
        "x.log": "value\n",
        ".git/config": "value\n",
        "sub/.git": "value\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "data.bin").write_bytes(b"value\0value\n")
    return tmp_path


def test_matches_are_sorted_by_path_and_counted(act, tree: Path) -> None:
    seen = act("search", pattern=r"\bvalue\b")
    assert (seen.error, seen.exit_code) == (None, 0)
    assert seen.output.split("\n") == [
        ".hidden/c.txt:1: value",
        "README.md:1: The value of it.",
        "src/a.py:1: value = 2",
        "src/b.py:2: value = 1",
        "[4 lines match]",
    ]


def test_ignored_files_are_searched_when_asked_for_but_git_never(act, tree: Path) -> None:
    paths = [line.split(":")[0] for line in act("search", pattern="value", ignored=True).output.split("\n")]
    assert paths == [
        ".hidden/c.txt", "README.md", "build/out.py", "src/a.py", "src/b.py", "vendor/v.py", "x.log", "[7 lines match]",
    ]  # fmt: skip


def test_a_glob_chooses_files(act, tree: Path) -> None:
    assert act("search", pattern="value", glob="*.py").output == (
        "src/a.py:1: value = 2\nsrc/b.py:2: value = 1\n[2 lines match]"
    )
    assert act("search", pattern="value", glob="!src/**").output.startswith(".hidden/c.txt:1: value\nREADME.md")
    assert act("search", pattern="value", glob="**/config").output.startswith("[no match")


def test_a_glob_alone_lists_files(act, tree: Path) -> None:
    assert act("search", glob="*.py").output == "src/a.py\nsrc/b.py\n[2 files fit]"
    assert act("search", glob="*.py", path="src").output == "src/a.py\nsrc/b.py\n[2 files fit]"
    assert act("search", glob="*.bin").output == "data.bin\n[1 file fits]"
    assert act("search", glob="src/b*", ignored=True).output == "src/b.py\n[1 file fits]"
    assert act("search", glob="*.nope").output == "[no file fits; ignored files were not searched (ignored: true does)]"
    assert act("search", glob="*.nope", ignored=True).output == "[no file fits]"


def test_a_folder_or_a_file_to_search_in(act, tree: Path) -> None:
    assert act("search", pattern="value", path="src").output.endswith("[2 lines match]")
    assert act("search", pattern="value", path="src/a.py").output == "src/a.py:1: value = 2\n[1 line matches]"
    assert act("search", pattern="value", path=str(tree.resolve() / "README.md")).output.startswith(
        f"{tree.resolve()}/"
    )
    assert act("search", pattern="value", path="data.bin").output.startswith("data.bin: binary file matches")


def test_lines_around_a_match(act, tree: Path) -> None:
    (tree / "a-1-b.txt").write_text("one\ntwo\n1-3: three\nfour\n\n\nx three\n")
    seen = act("search", pattern="three", path="a-1-b.txt", context=1)
    assert seen.output == (
        "a-1-b.txt-2- two\na-1-b.txt:3: 1-3: three\na-1-b.txt-4- four\n--\na-1-b.txt-6- \na-1-b.txt:7: x three\n"
        "[2 lines match]"
    )


def test_what_is_left_out_is_counted(act, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\n" * 1000)
    lines = act("search", pattern="x").output.split("\n")
    assert lines[199] == "a.txt:200: x"
    assert lines[200:] == [
        "[1,000 lines match; the first 200 are shown, 800 are left out: narrow the pattern, the glob or the path]"
    ]
    for number in range(300):
        (tmp_path / f"{number:03}.py").touch()
    assert act("search", glob="*.py").output.endswith(
        "199.py\n[300 files fit; the first 200 are shown, 100 are left out: narrow the pattern, the glob or the path]"
    )


def test_long_lines_are_cut_and_long_results_too(act, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(("y" * 5000 + "\n") * 150)
    seen = act("search", pattern="^y")
    assert not seen.truncated
    assert len(seen.output) < 26_000
    first, *_, last = seen.output.split("\n")
    assert first.startswith("a.txt:1: yyy") and len(first) < 400 and "omitted end of long line" in first
    shown = seen.output.count("\na.txt:") + 1
    assert last.startswith(f"[150 lines match; the first {shown} are shown, {150 - shown} are left out")


def test_a_small_limit_on_what_is_shown_does_not_break_the_count(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("match\n" * 150)
    world = PlainWorld(tmp_path, limits=Limits(shown_bytes=1000))
    seen = anyio.run(SearchTool().run, Search(pattern="match"), world)
    assert seen.error is None
    assert seen.output.endswith("[150 lines match]")


def test_crlf_unusual_names_and_foreign_bytes(act, tmp_path: Path) -> None:
    (tmp_path / "a: b-1.txt").write_bytes(b"end\r\n")
    (tmp_path / "l.txt").write_bytes(b"caf\xe9 end\n")
    (tmp_path / "-n").write_text("end\n")
    (tmp_path / "u16.txt").write_bytes("end\n".encode("utf-16"))
    seen = act("search", pattern="end$").output
    assert seen == "-n:1: end\na: b-1.txt:1: end\nl.txt:1: caf\ufffd end\nu16.txt:1: end\n[4 lines match]"
    assert act("search", pattern="-n|end", path="-n").output == "-n:1: end\n[1 line matches]"


@pytest.mark.parametrize(
    ("pattern", "error"),
    [
        ("foo(", "invalid regular expression at character 5: missing closing parenthesis\n    foo(\n        ^"),
        (
            "a[z-a]",
            "invalid regular expression at character 3: invalid character class range, the start must be <= the end\n"
            "    a[z-a]\n      ^",
        ),
        ("(?<=x)(y", "invalid regular expression at character 9: missing closing parenthesis\n    (?<=x)(y\n"),
        (r"a\2", r"invalid regular expression at character 3: reference to non-existent subpattern"),
    ],
)
def test_a_wrong_pattern_is_told_with_its_position(act, tree: Path, pattern: str, error: str) -> None:
    seen = act("search", pattern=pattern)
    assert seen.error is not None and seen.error.startswith(error)
    assert (seen.exit_code, seen.output) == (2, "")


def test_a_wrong_glob_is_told(act, tree: Path) -> None:
    assert act("search", glob="[a").error == (
        "invalid pattern or glob: error parsing glob '[a': unclosed character class; missing ']'"
    )


def test_look_around_works(act, tree: Path) -> None:
    assert act("search", pattern=r"(?<=value = )2").output == "src/a.py:1: value = 2\n[1 line matches]"


def test_nothing_found_says_what_was_not_searched(act, tree: Path) -> None:
    assert act("search", pattern="zzz").output == "[no match; ignored files were not searched (ignored: true does)]"
    assert act("search", pattern="zzz", ignored=True).output == "[no match]"


def test_a_place_that_is_not_there(act, tree: Path) -> None:
    assert act("search", pattern="x", path="scr").error == "scr does not exist; did you mean src?"
    assert act("search", glob="*", path="src/a.py/b").error == "src/a.py/b cannot be read: Not a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_that_cannot_be_read_are_said(act, tree: Path) -> None:
    (tree / "src/a.py").chmod(0)
    assert act("search", pattern="value", path="src").output == (
        "src/b.py:2: value = 1\n[some files could not be read]\n[1 line matches]"
    )


def _world_with(tree: Path, programs: set[str]) -> PlainWorld:
    """A world whose PATH has these programs, and no others."""
    tools = tree / "bin"
    tools.mkdir()
    for program in programs:
        found = Path(sys.prefix, "bin", "rg") if program == "rg" else Path("/usr/bin", program)
        (tools / program).symlink_to(found.resolve())
    return PlainWorld(tree, env={"PATH": str(tools)})


@pytest.mark.parametrize(
    ("missing", "error"),
    [
        ("rg", "search needs ripgrep (rg), which is not in the sandbox: install it there, or search with bash: "),
        ("awk", "search needs sh and awk in the sandbox: "),
        ("sh", "search needs sh and awk in the sandbox: agentrt: sh: not found"),
    ],
)
def test_what_the_sandbox_lacks_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch, missing: str, error: str) -> None:
    world = _world_with(tree, {"sh", "awk", "rg"} - {missing})
    monkeypatch.setattr(sys, "prefix", str(tree / "no-prefix"))
    seen = anyio.run(SearchTool().run, Search(pattern="value"), world)
    assert seen.error is not None and seen.error.startswith(error)
    assert seen.output == ""
    assert seen.exit_code == 127


def test_where_ours_is_not_shown_the_sandboxs_own_is_used(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = _world_with(tree, {"sh", "awk", "rg"})
    hidden = tree / "prefix" / "bin" / "rg"
    hidden.parent.mkdir(parents=True)
    hidden.write_text("#!/not/there\n")  # exists for agentrt, cannot be run inside: 127
    hidden.chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(tree / "prefix"))
    seen = anyio.run(SearchTool().run, Search(pattern="value", path="src"), world)
    assert (seen.error, seen.output.split("\n")[-1]) == (None, "[2 lines match]")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "expected pattern, glob or both"),
        ({"pattern": "", "glob": ""}, "expected pattern, glob or both"),
        ({"pattern": "a\nb"}, "holds no line end"),
        ({"pattern": "a", "context": -1}, "greater than or equal to 0"),
        ({"pattern": "a", "context": 21}, "less than or equal to 20"),
        ({"pattern": "a\0"}, "NUL"),
    ],
)
def test_what_cannot_be_searched_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Search.from_dict(fields)


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"pattern": "x", "ignored": True}, "search 'x' (ignored files too)"),
        ({"pattern": "x", "glob": "*.py", "path": "src"}, "search 'x' in names that fit '*.py' under src"),
        ({"glob": "*.py"}, "list files in names that fit '*.py'"),
    ],
)
def test_a_person_sees_one_line(fields: dict[str, Any], shown: str) -> None:
    assert SearchTool().show(Search.from_dict(fields)) == shown


def test_a_search_that_takes_too_long(tree: Path) -> None:
    os.mkfifo(tree / "never-ends")
    world = PlainWorld(tree, limits=Limits(seconds=0.2))
    seen = anyio.run(SearchTool().run, Search(pattern="value", path="never-ends"), world)
    assert seen.error == "stopped after 0.2 seconds"
