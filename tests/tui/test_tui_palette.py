"""Help and palette on a tiny app: what they show is what the table and the app say, and nothing in it is markup."""

from __future__ import annotations

from typing import Any

from screens import assert_approved, play, screen_text
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import OptionList

from agentrt.settings import Settings
from agentrt.tui.help import Help, lines
from agentrt.tui.keys import ACTS, chosen, groups
from agentrt.tui.palette import Command, Offer, actions, palette

KEYS = chosen(Settings())


class Tiny(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def offer(self) -> Offer:
        def operation(number: int) -> Command | None:
            there = number in (12, 120)
            return Command(f"go to {number}: $ [b]make", lambda: self.done.append(f"op {number}")) if there else None

        commands = actions(KEYS, self.done.append, lambda name: "nothing to redo" if name == "redo" else "")
        commands.append(Command("go to session s2: [link]fix it", lambda: self.done.append("session s2")))
        return Offer(commands, operation, lambda why: self.done.append(f"no: {why}"))


def picked(typed: str) -> tuple[list[str], list[str]]:
    """What the palette lists when that is typed, and what came of enter."""
    app, seen = Tiny(), list[str]()

    async def work(pilot: Pilot[Any]) -> None:
        app.push_screen(palette(app.offer()))
        await pilot.pause()
        await pilot.press(*("space" if character == " " else character for character in typed))
        await app.workers.wait_for_complete()
        await pilot.pause()
        options = app.screen.query_one(OptionList)
        seen.extend(str(options.get_option_at_index(at).prompt) for at in range(options.option_count))
        await pilot.press("enter")
        await pilot.pause()

    play(app, work, (100, 40))
    return seen, app.done


def test_every_action_is_there_with_its_key() -> None:
    seen, _ = picked("")
    assert seen[0] == "accept: accept it; in the diff the file or hunk under the cursor  a"
    assert any(line.startswith("focus next: ") and line.endswith("  tab") for line in seen)
    own = [act for act in ACTS if not act.widgets and act.name != "palette"]
    assert len(seen) == len(own) + 1


def test_what_is_chosen_is_done() -> None:
    seen, done = picked("fork")
    assert seen[0] == "fork: start a second session from here  f" and done == ["fork"]


def test_what_cannot_be_done_says_why() -> None:
    seen, done = picked("redo")
    assert "redo: redo what was undone last  not now: nothing to redo" in seen
    assert done == ["no: nothing to redo"]


def test_operations_go_by_number_and_their_text_is_no_markup() -> None:
    for typed in ("12", "go to 12"):
        seen, done = picked(typed)
        assert seen[0] == "go to 12: $ [b]make" and done == ["op 12"], typed
    assert "go to 13" not in " ".join(picked("13")[0])


def test_sessions_are_found_by_name() -> None:
    seen, done = picked("session s2")
    assert "go to session s2: [link]fix it" in seen and done == ["session s2"]


def test_help_lists_keys_in_a_column() -> None:
    found = lines([("One", [("a", "do it"), ("ctrl+p", "all")]), ("Two", [("日", "x")])])
    assert [text for text, _ in found] == ["One", "  a       do it", "  ctrl+p  all", "", "Two", "  日      x"]


def test_help_scrolls_and_any_other_key_closes_it() -> None:
    app = Tiny()

    async def work(pilot: Pilot[Any]) -> None:
        for key in ("escape", "x", "question_mark"):
            app.push_screen(Help(groups(KEYS)))
            await pilot.pause()
            first = screen_text(app)
            assert "accept it; in the diff" in first and "Reviewing" in first
            for scroll in ("pagedown", "end"):
                await pilot.press(scroll)
                await pilot.pause()
            assert "leave; what runs goes on" in screen_text(app)
            await pilot.press("k", "up", "home")
            await pilot.pause()
            assert isinstance(app.screen, Help)
            assert screen_text(app) == first
            await pilot.press(key)
            await pilot.pause()
            assert not isinstance(app.screen, Help), key

    play(app, work)


def test_help_fits() -> None:
    app = Tiny()

    async def work(pilot: Pilot[Any]) -> None:
        app.push_screen(Help(groups(KEYS)))
        await pilot.pause()
        assert_approved(app, "help-80x24")

    play(app, work)
