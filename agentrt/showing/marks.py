"""Glyphs, each with its word: what a colour may stress, but never says alone."""

from __future__ import annotations

from typing import NamedTuple

from agentrt.records.effects import Reversibility


class Mark(NamedTuple):
    """A glyph of one column, and the word that goes with it."""

    glyph: str
    word: str

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


STATES = {
    "pending": Mark("●", "to review"),
    "accepted": Mark("✓", "accepted"),
    "rejected": Mark("✗", "rejected"),
    "undone": Mark("↶", "undone"),
    "done": Mark("·", "done"),
    "intent": Mark("…", "running"),
    "rolled_back": Mark("↺", "rolled back"),
    "denied": Mark("⊘", "denied"),
    "failed": Mark("!", "failed"),
}
"""By status, or by review where it is settled."""
QUESTION = Mark("?", "asks")
HELD = Mark("‖", "held")
HARMS: dict[Reversibility, Mark] = {
    "reversible": Mark(" ", ""),
    "compensable": Mark("≈", "compensable"),
    "unknown": Mark("¿", "unknown"),
    "irreversible": Mark("‼", "irreversible"),
}
"""What undo makes of it; nothing is said where it simply takes it back."""
FORK = Mark("⑂", "fork")
HERE = Mark("◆", "here")
"""Where the files stand."""
FOLDED = Mark("▸", "folded")
UNFOLDED = Mark("▾", "unfolded")
