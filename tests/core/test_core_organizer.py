"""Output: the whole, or head, errors and tail with the whole on disk."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentrt.errorlines import ErrorLines
from agentrt.organizer import Organizer
from agentrt.records import Limits


def organized(file: Path, chunks: list[bytes], *, part: int = 1, **limits: int) -> Organizer:
    organizer = Organizer(file, Limits(**limits), operation=7, part=part)
    for chunk in chunks:
        organizer.feed(chunk)
    organizer.close()
    return organizer


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[a:b] for a, b in pairwise(edges)]


def told(*lines: bytes, end: bytes = b"\n") -> list[str]:
    """The lines that are found among many others."""
    found = ErrorLines()
    found.feed(b"ok\n" * 3 + end.join(lines) + end + b"fine\n" * 3)
    found.end()
    return [one.text for one in found.pick(100_000)[0]]


def test_short_output_is_shown_whole_and_makes_no_file(tmp_path: Path) -> None:
    organizer = organized(tmp_path / "out", [b"a", b"b\xff"], shown_bytes=10)
    assert (organizer.text(), organizer.truncated, organizer.size, organizer.output_file) == ("ab�", False, 3, None)
    assert not (tmp_path / "out").exists()


@given(data=st.binary(min_size=101, max_size=400), cuts=st.lists(st.integers(0, 400)))
def test_long_output_is_head_and_tail_and_whole_on_disk(
    data: bytes, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("output")
    organizer = organized(folder / "s1.7", cut(data, cuts), shown_bytes=100)
    assert (folder / "s1.7").read_bytes() == data and organizer.output_file == "s1.7"
    note = r"\n… \[([\d,]+) bytes left out: lines? [\d-]+; `read` with `output: 7` and `start: (\d+)` shows them\] …\n"
    head, left_out, start, _ = re.split(note, organizer.text())
    # What is shown and what is left out are all there is, up to the three bytes a cut character can lose.
    assert head in data.decode("utf-8", "replace") and len(data) - 100 <= int(left_out) <= len(data) - 94
    assert int(start) == head.count("\n") + 1


_PIECES = st.sampled_from(
    [
        *(
            b"error: x\n",
            b"ok\n",
            b"\r",
            b"\r\n",
            b"\n",
            b"E   assert\n",
            b"er\x1b[31mror: y",
            b"FAILED a",
            b"\xff\xc3",
        ),
        *(b"x" * 3000, b"\x1b[1mE   z\x1b[0m\n", b"0 failed\n", b"make: *** [all] Error 2\n", "✕ t\n".encode()),
    ]
)


@given(
    pieces=st.lists(_PIECES, max_size=60), cuts=st.lists(st.integers(0, 20_000), max_size=40), since=st.integers(0, 99)
)
def test_errors_are_the_same_however_the_stream_is_cut(pieces: list[bytes], cuts: list[int], since: int) -> None:
    data = b"".join(pieces)
    seen = []
    for chunks in ([data], cut(data, cuts)):
        found = ErrorLines(since)
        for chunk in chunks:
            found.feed(chunk)
        found.end()
        picked, more = found.pick(5000)
        seen.append(([vars(one) for one in picked], more, found.last_line))
    assert seen[0] == seen[1]
    assert seen[0][2] == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


@settings(max_examples=20, deadline=None)
@given(pieces=st.lists(_PIECES, min_size=5, max_size=20), sizes=st.lists(st.integers(1, 90_000), min_size=1))
def test_what_is_shown_is_the_same_however_the_output_is_cut(
    pieces: list[bytes], sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("output") / "out"
    data = (b"".join(pieces) * (400_000 // len(b"".join(pieces)) + 1))[:400_000]
    edges = [0]
    while edges[-1] < len(data):
        edges.append(edges[-1] + sizes[len(edges) % len(sizes)] + 1000)
    chunks = [data[a:b] for a, b in pairwise(edges)]
    whole = organized(file, [data], shown_bytes=2000).text()
    assert organized(file, chunks, shown_bytes=2000).text() == whole


def test_errors_that_are_left_out_stand_between_head_and_tail(tmp_path: Path) -> None:
    lines = [f"step {number} ok" for number in range(1, 10_001)]
    lines[10] = "error: in the head"
    lines[4999] = "src/a.c:3:5: error: 'x' undeclared"
    lines[6999] = lines[7999] = "FAILED tests/test_a.py::test_b"
    lines[9990] = "error: in the tail"
    text = organized(tmp_path / "out", ["\n".join(lines).encode()], shown_bytes=4000).text()
    errors = (
        " shows them; those that tell of errors:] …\n"
        "  5000\tsrc/a.c:3:5: error: 'x' undeclared\n"
        "  7000\tFAILED tests/test_a.py::test_b (2 times)\n"
        "… [the end of the output:] …\n"
    )
    assert errors in text
    assert text.count("in the head") == 1 and text.count("in the tail") == 1


@pytest.mark.parametrize("shown", [10, 100, 1000, 30_000])
def test_no_more_is_shown_than_may_be(shown: int, tmp_path: Path) -> None:
    data = b"".join(b"a.c:%d: error: something long enough to be of weight\n" % number for number in range(20_000))
    text = organized(tmp_path / "out", [data], shown_bytes=shown).text()
    notes = re.findall(r"\n?… \[.*?\] …\n", text)
    assert len(text.encode()) - sum(len(note.encode()) for note in notes) <= shown
    if shown == 30_000:
        numbers = [int(found) for found in re.findall(r"^ *(\d+)\t", text, re.M)]
        assert numbers == sorted(numbers) and len(numbers) == 40
        assert numbers[19] < 1000 and numbers[20] > 19_000, "the first and the last ones"
        assert "more like these; the end of the output:" in text


@pytest.mark.parametrize(
    "line",
    [
        "src/main.c:12:5: error: expected ';' before 'return'",
        "src/main.c:1:10: fatal error: nope.h: No such file or directory",
        "error[E0308]: mismatched types",
        "src/a.ts(3,5): error TS2304: Cannot find name 'x'.",
        "main.obj : error LNK2019: unresolved external symbol",
        "main.c:(.text+0x10): undefined reference to `foo'",
        "/usr/bin/ld: cannot find -lfoo",
        "make: *** [Makefile:3: all] Error 2",
        "make[2]: *** No rule to make target 'x'.  Stop.",
        "CMake Error at CMakeLists.txt:3 (find_package):",
        "FAILED tests/test_a.py::test_b - assert 1 == 2",
        "tests/test_a.py::test_b FAILED                [ 50%]",
        "E       assert 1 == 2",
        "Traceback (most recent call last):",
        "ValueError: invalid literal for int() with base 10: 'x'",
        "app.errors.NotFound: AssertionError",
        "FAIL: test_x (tests.test_a.TestA.test_x)",
        "FAILED (failures=1, errors=2)",
        "  ● sum adds",
        "    ✕ adds (3 ms)",
        "FAIL src/sum.test.js",
        "Tests:       1 failed, 2 passed, 3 total",
        "npm ERR! code ELIFECYCLE",
        "npm error code ENOENT",
        "  3:5  error  'x' is not defined  no-undef",
        "test it_works ... FAILED",
        "thread 'main' panicked at src/main.rs:2:5:",
        "--- FAIL: TestAdd (0.00s)",
        "    add_test.go:12: got 3, want 4",
        "./main.go:5:2: undefined: x",
        "panic: runtime error: index out of range",
        "not ok 3 - adds",
        "[ERROR] COMPILATION ERROR :",
        'Exception in thread "main" java.lang.NullPointerException',
        "Caused by: java.io.IOException: closed",
        "2024-01-01 10:00:00 ERROR worker: gone",
        'level=error msg="gone"',
        '{"level":"error","msg":"gone"}',
        "fatal: not a git repository (or any of the parent directories): .git",
        "bash: line 1: nope: command not found",
        "sh: 1: nope: not found",
        "cat: x: Permission denied",
        "Segmentation fault (core dumped)",
        "cp: error writing 'x': No space left on device",
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_what_tells_of_an_error_is_found(line: str, end: bytes) -> None:
    assert told(line.encode(), end=end) == [line.strip()]
    assert told(b"\x1b[1m\x1b[31m" + line.encode() + b"\x1b[0m", end=end) == [line.strip()]


@pytest.mark.parametrize(
    "line",
    [
        *("12 passed, 0 failed", "no failures", "Failures: 0, Errors: 0", "ok: [host] failed=0", "0 errors"),
        *(
            "cc -c -Werror errors.c",
            "compiling src/error_handler.rs",
            "  CC  panic.o",
            "Details available: name   email",
        ),
        *("tests/test_errors.py::test_a PASSED", "warning: unused variable: `x`", "the failsafe is on", "denied: none"),
    ],
)
def test_what_only_sounds_like_one_is_not(line: str) -> None:
    assert told(line.encode()) == []


def test_of_a_line_that_was_written_over_what_is_left_counts() -> None:
    assert told(b"10% error: retry\r20%\r30% done", b"10%\r20%\rerror: gone") == ["error: gone"]
    assert told(b"10%\r\x1b[Kerror: gone\r") == ["error: gone"]


def test_lines_are_cut_and_strange_bytes_replaced() -> None:
    (long, strange) = told(b"error: " + b"x" * 5000, b"error: \xff")
    assert long == "error: " + "x" * 233 + "…" and strange == "error: �"


def test_a_line_of_any_length_takes_no_memory(tmp_path: Path) -> None:
    found = ErrorLines()
    for _ in range(1600):
        found.feed(b"error " * 10_923)
    assert sum(map(len, vars(found)["_rest"].split())) < 4096
    organizer = organized(tmp_path / "out", [b"error: "] + [b"x" * 65536] * 1600, shown_bytes=1000, output_bytes=1)
    assert "line 1; " in organizer.text()


def test_no_character_is_cut_in_half(tmp_path: Path) -> None:
    text = "é€😀" * 100
    for shown in range(20, 60):
        shows = organized(tmp_path / "out", [text.encode()], shown_bytes=shown).text()
        assert "�" not in shows


def test_more_than_is_kept_is_counted(tmp_path: Path) -> None:
    organizer = organized(tmp_path / "out", [b"x" * 40] * 10, shown_bytes=100, output_bytes=250)
    assert organizer.size == 400 and (tmp_path / "out").stat().st_size == 250
    note = "[300 bytes left out: line 1; only the first 250 bytes were kept, `read` with `output: 7` shows them]"
    assert note in organizer.text()


def test_the_second_output_of_an_operation_is_told_by_its_part(tmp_path: Path) -> None:
    text = organized(tmp_path / "out.2", [b"x\n" * 100], part=2, shown_bytes=100).text()
    assert "`read` with `output: 7`, `part: 2` and `start: 26` shows them" in text


def test_who_listens_cannot_stop_an_action(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def listen(chunk: bytes) -> None:
        heard.append(chunk)
        raise BrokenPipeError

    organizer = Organizer(tmp_path / "out", Limits(), operation=7, stream=listen)
    with pytest.warns(RuntimeWarning, match="on_output"):
        organizer.feed(b"1")
    organizer.feed(b"2")
    organizer.close()
    assert (heard, organizer.text()) == ([b"1"], "12")
