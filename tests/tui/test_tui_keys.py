"""The table of keys: what it makes of itself, what can be changed, and every mistake in the settings that is about keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import pytest
from screens import play
from textual.app import App
from textual.binding import BindingType
from textual.pilot import Pilot

from agentrt.errors import DocumentError
from agentrt.settings import Settings, load_settings
from agentrt.tui.hints import choices
from agentrt.tui.keys import ACTS, bindings, chosen, groups, keymap, shown, table

ROOT = Path(__file__).resolve().parent.parent.parent
OWN = [act for act in ACTS if not act.widgets]


def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Settings:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "agentrt/settings.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    os.chmod(file, 0o644)
    return load_settings()


class Pressed(App[None]):
    """Writes down which actions are asked for."""

    ENABLE_COMMAND_PALETTE = False  # Textual's own has the same key
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    def __init__(self, keymap: dict[str, str]) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.set_keymap(keymap)

    async def run_action(self, action: Any, *more: Any, **how: Any) -> bool:
        self.asked.append(str(action).removeprefix("app."))
        return True


def presses(keymap: dict[str, str], *pressed: str) -> list[str]:
    app = Pressed(keymap)

    async def work(pilot: Pilot[Any]) -> None:
        await pilot.press(*pressed)

    play(app, work)
    return app.asked


def test_every_key_of_the_app_asks_for_its_action() -> None:
    default = chosen(Settings())
    pressed = [(key, act.name) for act in OWN for key in default[act.name]]
    assert presses({}, *(key for key, _ in pressed)) == [name for _, name in pressed]


def test_another_key_is_instead_of_the_one_there_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(settings(tmp_path, monkeypatch, 'keys: {undo: [ctrl+z, ","], first: ["0"], help: f1, accept: u}\n'))
    assert keymap(found) == {
        **{"undo": "ctrl+z,comma", "help": "f1", "accept": "u"},
        **{"list.first": "0", "diff.first": "0", "detail.first": "0"},
    }
    asked = presses(keymap(found), "ctrl+z", "comma", "f1", "question_mark", "u", "a", "r")
    assert asked == ["undo", "undo", "help", "accept", "redo"]


def test_where_the_focus_is_parts_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(settings(tmp_path, monkeypatch, "keys: {next_hunk: enter}\n"))["next_hunk"] == ("enter",)
    with pytest.raises(DocumentError, match="`enter` is also the key of `open`"):
        chosen(settings(tmp_path, monkeypatch, "keys: {next: enter}\n"))


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("keys:\n  acept: y\n", (2, 3), "no action is called `acept`", "did you mean `accept`?"),
        ("keys:\n  undo: esacpe\n", (2, 9), 'no key is called "esacpe"', "did you mean `escape`?"),
        ("keys:\n  undo: [u, kntrl+u]\n", (2, 13), 'no key is called "kntrl+u"', "did you mean `ctrl`?"),
        ("keys:\n  undo: shift+u\n", (2, 9), 'no key is called "shift+u"', "it arrives as `U`"),
        ("keys:\n  undo: ctrl+\n", (2, 9), 'no key is called "ctrl+"', "a key is a character, or as in enter"),
        ('keys:\n  undo: " "\n', (2, 9), 'no key is called " "', "a key is a character, or as in enter"),
        ("keys:\n  undo: zz\n", (2, 9), 'no key is called "zz"', "a key is a character, or as in enter"),
        ("keys:\n  undo: r\n", (2, 9), "`r` is also the key of `redo`", "say another one for `redo`, too"),
        ("keys:\n  undo: z\n  redo: [y, z]\n", (2, 9), "`z` is also the key of `redo`", "say another one"),
        ("keys:\n  undo: [z, z]\n", (2, 13), "`z` is also the key of `undo`", "once is enough"),
        ("keys:\n  undo: [z, '?', question_mark]\n", (2, 13), "`?` is also the key of `help`", "say another one"),
        ("keys:\n  undo: ctrl+m\n", (2, 9), "`enter` is also the key of `open`", "say another one"),
        ("keys:\n  undo: ctrl+c\n", (2, 9), "`ctrl+c` copies what is selected", "choose another key"),
    ],
)
def test_mistakes_are_told_with_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: tuple[int, int], message: str, hint: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        chosen(settings(tmp_path, monkeypatch, text))
    assert caught.value.file == str(tmp_path / "agentrt/settings.yaml")
    assert (caught.value.line, caught.value.column, caught.value.message) == (*place, message)
    assert caught.value.hint.startswith(hint)


def test_two_that_change_places_are_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(settings(tmp_path, monkeypatch, "keys: {undo: r, redo: u}\n"))
    assert (found["undo"], found["redo"]) == (("r",), ("u",))


def test_the_defaults_do_not_meet() -> None:
    given = {act.name: list(act.keys) for act in ACTS}
    assert chosen(Settings.model_validate({"keys": given})) == chosen(Settings()), "as if a person had written them all"


def test_keys_as_people_read_them() -> None:
    keys = ("question_mark", "slash", "escape", "ctrl+u", "A", "left_square_bracket", "enter", "space", "f5", "comma")
    assert [shown(key) for key in keys] == ["?", "/", "esc", "ctrl+u", "A", "[", "enter", "space", "f5", ","]


def test_help_has_them_all_by_group() -> None:
    found = groups(chosen(Settings()))
    assert [heading for heading, _ in found] == ["Reviewing", "Going back", "Looking", "Moving about", "The app"]
    assert sum(len(lines) for _, lines in found) == len(ACTS)
    assert ("up k", "up") in dict(found)["Moving about"]


def test_the_docs_have_exactly_this_table() -> None:
    lines = (ROOT / "docs/keys.md").read_text().splitlines()
    assert "\n".join(line for line in lines if line.startswith("|")) == table()


def test_names_are_words_of_a_settings_file() -> None:
    assert len({act.name for act in ACTS}) == len(ACTS)
    assert all(act.name.replace("_", "").isalpha() and act.name.islower() for act in ACTS)


def test_of_what_is_held_no_rule_is_offered() -> None:
    said = choices(chosen(Settings()))
    assert "a lets it through once" in said["hold"] and "x denies it" in said["hold"]
    assert "A makes a rule of it" in said["ask"] and "rule" not in said["hold"]
