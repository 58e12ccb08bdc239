"""The screens as text say what a terminal would show, and a screen that nobody approved fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import screens
from screens import assert_approved, play, screen_text
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Static


class Small(App[None]):
    CSS = "Screen { overflow: hidden; } #boxed { border: round $primary; width: 12; height: 3; }"

    def compose(self) -> ComposeResult:
        yield Static(Content("[b]日本 é"), id="boxed")
        yield Static(Content("below"))


class Over(ModalScreen[None]):
    CSS = "Over { align: right bottom; } Static { width: 4; }"

    def compose(self) -> ComposeResult:
        yield Static("over")


@pytest.fixture(autouse=True)
def nothing_approved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(screens, "APPROVED", tmp_path / "screens")
    monkeypatch.delenv("AGENTRT_APPROVE", raising=False)
    return tmp_path / "screens"


def test_a_screen_is_its_rows() -> None:
    async def work(pilot: Pilot[Any]) -> None:
        assert screen_text(pilot.app) == "╭──────────╮\n│[b]日本 é │\n╰──────────╯\nbelow\n\n"

    play(Small(), work, (20, 5))


def test_a_screen_on_top_lets_the_one_below_shine_through() -> None:
    async def work(pilot: Pilot[Any]) -> None:
        pilot.app.push_screen(Over())
        await pilot.pause()
        assert screen_text(pilot.app).splitlines()[3:] == ["below", "                over"]

    play(Small(), work, (20, 5))


def test_only_what_was_approved_passes(nothing_approved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(pilot: Pilot[Any]) -> None:
        with pytest.raises(AssertionError, match="no approved screen small"):
            assert_approved(pilot.app, "small")
        monkeypatch.setenv("AGENTRT_APPROVE", "1")
        assert_approved(pilot.app, "small")
        monkeypatch.delenv("AGENTRT_APPROVE")
        assert_approved(pilot.app, "small")
        pilot.app.query(Static).last().update("other")
        await pilot.pause()
        with pytest.raises(AssertionError, match="-below\n\\+other"):
            assert_approved(pilot.app, "small")

    play(Small(), work, (20, 5))
    assert [file.name for file in nothing_approved.iterdir()] == ["small.txt"]
