"""Output: the whole, or head and tail with the whole on disk."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt.capture import Capture
from agentrt.records import Limits


def captured(file: Path, chunks: list[bytes], **limits: int) -> Capture:
    capture = Capture(file, Limits(**limits), how="agentrt show 7 --output")
    for chunk in chunks:
        capture.feed(chunk)
    capture.close()
    return capture


def test_short_output_is_shown_whole_and_makes_no_file(tmp_path: Path) -> None:
    capture = captured(tmp_path / "out", [b"a", b"b\xff"], shown_bytes=10)
    assert (capture.text(), capture.truncated, capture.size, capture.output_file) == ("ab�", False, 3, None)
    assert not (tmp_path / "out").exists()


@given(data=st.binary(min_size=101, max_size=400), cuts=st.lists(st.integers(0, 400)))
def test_long_output_is_head_and_tail_and_whole_on_disk(
    data: bytes, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("capture")
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[a:b] for a, b in pairwise(edges)]
    capture = captured(folder / "s1.7", chunks, shown_bytes=100)
    assert (folder / "s1.7").read_bytes() == data and capture.output_file == "s1.7"
    head, note, tail = capture.text().partition("\n… [")
    left_out, rest, tail = tail.partition(" bytes left out; whole output: agentrt show 7 --output] …\n")
    assert note and rest
    # What is shown and what is left out are all there is, up to the three bytes a cut character can lose.
    assert head in data.decode("utf-8", "replace") and len(data) - 100 <= int(left_out) <= len(data) - 94


def test_no_character_is_cut_in_half(tmp_path: Path) -> None:
    text = "é€😀" * 100
    for shown in range(20, 60):
        shows = captured(tmp_path / "out", [text.encode()], shown_bytes=shown).text()
        assert "�" not in shows


def test_more_than_is_kept_is_counted(tmp_path: Path) -> None:
    capture = captured(tmp_path / "out", [b"x" * 40] * 10, shown_bytes=100, output_bytes=250)
    assert capture.size == 400 and (tmp_path / "out").stat().st_size == 250
    assert "[300 bytes left out; the first 250 bytes: agentrt show 7 --output]" in capture.text()


def test_who_listens_cannot_stop_an_action(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def listen(chunk: bytes) -> None:
        heard.append(chunk)
        raise BrokenPipeError

    capture = Capture(tmp_path / "out", Limits(), how="", stream=listen)
    with pytest.warns(RuntimeWarning, match="on_output"):
        capture.feed(b"1")
    capture.feed(b"2")
    capture.close()
    assert (heard, capture.text()) == ([b"1"], "12")
