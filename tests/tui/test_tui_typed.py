"""What a terminal sends, before keys are made of it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from textual import events

from agentrt.tui.typed import Parser


def parsed(*pieces: str) -> list[str]:
    """Keys by their names, pastes as ``paste: TEXT``."""
    parser, found = Parser(), list[str]()
    for message in (message for piece in pieces for message in parser.feed(piece)):
        if isinstance(message, events.Paste):
            found.append(f"paste: {message.text}")
        elif isinstance(message, events.Key):
            found.append(message.key)
    return found


def splits(text: str) -> Iterable[tuple[str, ...]]:
    yield tuple(text)
    for first in range(1, len(text)):
        yield from ((text[:first], text[first:second], text[second:]) for second in range(first + 1, len(text)))


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("a\x1b[A\r", ["a", "up", "enter"]),
        ("\x1b[200~two\rlines\x1b[201~b", ["paste: two\rlines", "b"]),
        ("\x1b[200~a\x1bfoo\r\x1b[13u\x1b[200~\x1b\x1b[201~c", ["paste: afoo\r[13u[200~", "c"]),
        ("\x1b[200~a\x1b[201~\x1b[200~\x1b[20~\x1b[201~d", ["paste: a", "paste: [20~", "d"]),
    ],
)
def test_a_paste_is_text_and_nothing_in_it_is_a_key(sent: str, found: list[str]) -> None:
    assert parsed(sent) == found
    for pieces in splits(sent):
        assert parsed(*pieces) == found, pieces
