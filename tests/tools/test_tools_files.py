"""read and write: pages, numbers, refusals."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from agentrt.tools.files import Read
from agentrt.tools.kinds import binary_kind


def test_lines_come_with_their_numbers_and_how_many_there_are(act, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\n  three\n")
    seen = act("read", path="a.txt")
    assert seen.error is None
    assert seen.output == "     1\tone\n     2\t\n     3\t  three\n[lines 1-3 of 3]"


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (2, 3, "     2\tb\n     3\tc\n[lines 2-3 of 5]"),
        (5, None, "     5\te\n[line 5 of 5]"),
        (None, 1, "     1\ta\n[line 1 of 5]"),
        (4, 99, "     4\td\n     5\te\n[lines 4-5 of 5]"),
    ],
)
def test_a_range_includes_its_end(act, tmp_path: Path, start: int | None, end: int | None, shown: str) -> None:
    (tmp_path / "a.txt").write_text("a\nb\nc\nd\ne\n")
    assert act("read", path="a.txt", start=start, end=end).output == shown


def test_a_range_after_the_end(act, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\nb\n")
    seen = act("read", path="a.txt", start=3)
    assert seen.error == "a.txt has no line 3: it has 2 lines"
    assert seen.output == ""


def test_a_range_that_cannot_be() -> None:
    with pytest.raises(ValidationError, match=r"end \(2\) is before start \(3\)"):
        Read(path="a", start=3, end=2)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Read(path="a", start=0)
    with pytest.raises(ValidationError, match=r"must not be empty; the workspace itself is '\.'"):
        Read(path="")
    with pytest.raises(ValidationError, match="NUL"):
        Read(path="a\0b")


def test_a_long_file_comes_in_pages_that_join_up(act, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"line {number} {'x' * 50}\n" for number in range(1, 1001)))
    start, lines = 1, []
    while True:
        *body, last = act("read", path="a.txt", start=start).output.split("\n")
        lines += [line.split("\t")[1] for line in body]
        assert last.startswith(f"[lines {start}-{len(lines)} of 1,000")
        if "read on with" not in last:
            break
        start = int(last.removesuffix("]").rsplit("start=", 1)[1])
    assert "\n".join(lines) + "\n" == (tmp_path / "a.txt").read_text()
    assert start > 1


def test_a_page_has_two_thousand_lines_at_most(act, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\n" * 2001)
    assert act("read", path="a.txt").output.endswith("[lines 1-2000 of 2,001; read on with start=2001]")


def test_a_huge_line_is_cut_with_a_mark(act, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x" * 1_000_000 + "\nnext\n")
    first, second, last = act("read", path="a.txt").output.split("\n")
    assert first == "     1\t" + "x" * 2000 + "… [+998,000 characters]"
    assert second == "     2\tnext"
    assert last == "[lines 1-2 of 2]"


def test_a_huge_file_is_read_in_part(act, tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.write((b"x" * 1023 + b"\n") * (33 * 1024))
    seen = act("read", path="a.txt", start=32 * 1024 - 1)
    assert "of 32,768 or more; only the first 32 MiB of the file were read]" in seen.output
    seen = act("read", path="a.txt", start=32 * 1024 + 1)
    assert seen.error == "a.txt has no line 32769: its first 32 MiB have 32,768 lines; use bash for the rest"


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (b"a\r\nb\r\n", "; CRLF line ends"),
        (b"a\r\nb", "; CRLF line ends; no newline at the end"),
        (b"a\r\nb\nc\n", "; 1 line end in CRLF, others in LF"),
        (b"a\nb", "; no newline at the end"),
        (b"\xef\xbb\xbfa\nb\n", "; begins with a UTF-8 byte order mark"),
    ],
)
def test_what_the_lines_do_not_show_is_said(act, tmp_path: Path, data: bytes, notes: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    seen = act("read", path="a.txt").output
    assert seen.startswith("     1\ta\n     2\tb\n")
    assert seen.endswith(f"{notes}]")


def test_bytes_that_are_not_utf_8_are_shown_and_said(act, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("café crème\nplain\n".encode("latin-1"))
    seen = act("read", path="a.txt").output
    assert seen == "     1\tcaf\\xe9 cr\\xe8me\n     2\tplain\n[lines 1-2 of 2; 2 bytes not UTF-8, shown as \\xNN]"
    seen.encode("utf-8")


def test_an_empty_file_is_said_to_be(act, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    assert act("read", path="a.txt").output == "[a.txt is empty]"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (Path("/bin/sh").read_bytes()[:9000], "ELF executable or library"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG image"),
        (b"\x1f\x8b\x08\0\0\0", "gzip data"),
        (b"PK\x03\x04\x14\0", "zip archive"),
        (b"%PDF-1.7\nplain enough", "PDF document"),
        (b"SQLite format 3\0\x10", "SQLite database"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP image"),
        (b"x" * 257 + b"ustar\0" + b"0" * 20, "tar archive"),
        (b"\xff\xfea\0b\0", "UTF-16 text (little-endian); iconv turns it into UTF-8"),
        (b"\xfe\xff\0a\0b", "UTF-16 text (big-endian); iconv turns it into UTF-8"),
        (b"\xff\xfe\0\0a\0\0\0", "UTF-32 text (little-endian); iconv turns it into UTF-8"),
        (b"plain, but\0", "binary data"),
        (bytes(range(1, 32)) * 10, "binary data"),
    ],
)
def test_binary_files_are_refused_with_their_type(act, tmp_path: Path, data: bytes, kind: str) -> None:
    (tmp_path / "a").write_bytes(data)
    seen = act("read", path="a")
    assert seen.error is not None
    assert seen.error.startswith(f"a is not a text file: {kind}")
    assert seen.output == ""


@pytest.mark.parametrize(
    "data",
    [
        b"MZ is how this text begins\n",
        b"BZh too\n",
        b"PACK your bags\n",
        b"\x1b[1mbold\x1b[0m\n",
        b"caf\xe9\n",
        b"\f\v\t\n",
    ],
)
def test_text_is_not_taken_for_binary(data: bytes) -> None:
    assert binary_kind(data) is None


def test_a_missing_file_names_the_nearest(act, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "Server.py").touch()
    (tmp_path / "src" / "other.txt").touch()
    assert act("read", path="src/servr.py").error == "src/servr.py does not exist; did you mean src/Server.py?"
    assert act("read", path="src/zzzzz").error == "src/zzzzz does not exist; src holds Server.py, other.txt"
    expected = "srk/a/b.py does not exist, nor does its folder srk; did you mean src?"
    assert act("read", path="srk/a/b.py").error == expected


def test_a_missing_file_in_an_empty_workspace(act) -> None:
    assert act("read", path="a").error == "a does not exist; the workspace holds nothing"


def test_a_directory_is_refused_with_some_of_what_it_holds(act, tmp_path: Path) -> None:
    for number in range(15):
        (tmp_path / f"f{number:02}").touch()
    error = act("read", path=".").error
    assert error == f". is a directory with {', '.join(f'f{number:02}' for number in range(12))}, and 3 more"


def test_what_is_no_file_is_refused_and_does_not_block(act, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert act("read", path="pipe").error == "pipe cannot be read: Not a regular file"
    (tmp_path / "loop").symlink_to("loop")
    assert act("read", path="loop").error == "loop cannot be read: Too many levels of symbolic links"


def test_a_name_of_any_bytes(act, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff new\nline")
    assert act("write", path=name, content="x\n").error is None
    assert (tmp_path / name).read_text() == "x\n"
    assert act("read", path=name).output == "     1\tx\n[line 1 of 1]"


def test_write_creates_folders_and_says_what_it_did(act, tmp_path: Path) -> None:
    seen = act("write", path="new/folder/a.txt", content="é\nb\n")
    assert (seen.error, seen.output) == (None, "wrote new/folder/a.txt: 2 lines, 5 bytes")
    assert (tmp_path / "new/folder/a.txt").read_bytes() == "é\nb\n".encode()


def test_write_replaces_and_keeps_the_mode(act, tmp_path: Path) -> None:
    file = tmp_path / "run.sh"
    file.write_text("old, and longer than what comes\n")
    file.chmod(0o750)
    assert act("write", path="run.sh", content="x").output == "wrote run.sh: 1 line, 1 byte"
    assert file.read_bytes() == b"x"
    assert file.stat().st_mode & 0o777 == 0o750


def test_write_writes_every_byte_it_is_given(act, tmp_path: Path) -> None:
    act("write", path="a", content="\udcff\r\n\0\ufeff")
    assert (tmp_path / "a").read_bytes() == b"\xff\r\n\0\xef\xbb\xbf"
    assert act("write", path="a", content="").output == "wrote a: 0 lines, 0 bytes"
    assert (tmp_path / "a").read_bytes() == b""


def test_write_over_a_directory_or_below_a_file(act, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").touch()
    assert act("write", path="d", content="x").error == "d cannot be written: Is a directory"
    assert act("write", path="f/a", content="x").error == "f/a cannot be written: what should be its folder is a file"


def test_a_surrogate_that_stands_for_no_byte(act) -> None:
    with pytest.raises(ValidationError, match="character 2 is a lone surrogate that stands for no byte"):
        act("write", path="a", content="x\ud800")
