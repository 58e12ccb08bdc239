"""The user's settings: what may stand there, whose file it has to be, and who plans what is typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentrt.errors import DocumentError, UsageError
from agentrt.settings import Settings, editor, load_settings, planner_for, settings_file

VARIABLES = ("VISUAL", "EDITOR", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the settings lie; the folder is there, the file is not."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "config/agentrt").mkdir(parents=True)
    (tmp_path / "w").mkdir()
    return tmp_path / "config/agentrt/settings.yaml"


def write(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o644)


def test_without_a_file_all_is_as_by_default(file: Path) -> None:
    assert settings_file() == file
    assert load_settings() == Settings()
    write(file, "# theme: dark\n\n")
    assert load_settings() == Settings()


def test_all_that_can_be_set(file: Path) -> None:
    write(
        file,
        "planner: {provider: anthropic, model: m}\nkeys: {undo: ctrl+u, accept: [a, y]}\n"
        "theme: light\ndiff: side-by-side\neditor: code --wait 'a b'\n",
    )
    found = load_settings()
    assert found.planner == {"provider": "anthropic", "model": "m"}
    assert found.keys == {"undo": ("ctrl+u",), "accept": ("a", "y")}
    assert (found.theme, found.diff, editor(found)) == ("light", "side-by-side", ("code", "--wait", "a b"))


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("them: dark\n", (1, 1), "unknown key `them`", "did you mean `theme`?"),
        ("theme: drak\n", (1, 8), "`theme` must be 'dark', 'light', 'ansi' or 'auto', not text \"drak\"", "dark"),
        ("diff: split\n", (1, 7), "`diff` must be 'unified' or 'side-by-side'", ""),
        ("editor: 'a'''\n", (1, 9), "expected words of a command: No closing quotation", ""),
        ("editor:\n", (1, 1), "expected a command, such as code --wait, not nothing", ""),
        ("keys:\n  undo: 5\n", (2, 9), "expected a key, such as ctrl+u, or a list of keys, not the number 5", ""),
        ("keys:\n  undo: []\n", (2, 9), "expected a key, such as ctrl+u, or a list of keys, not a list", ""),
        ("planner: {model: m}\n", (1, 10), "a planner needs `provider: NAME`, or `script: FILE`", ""),
    ],
)
def test_mistakes_are_told_with_their_place(
    file: Path, text: str, place: tuple[int, int], message: str, hint: str
) -> None:
    write(file, text)
    with pytest.raises(DocumentError) as caught:
        load_settings()
    assert (caught.value.file, caught.value.line, caught.value.column) == (str(file), *place)
    assert caught.value.message.startswith(message) and hint in caught.value.hint


def test_what_others_can_write_is_not_read(file: Path) -> None:
    write(file, "editor: code\n")
    for mode in (0o664, 0o646):
        file.chmod(mode)
        with pytest.raises(DocumentError, match=rf"it can be written by others \(mode {mode:04o}\)") as caught:
            load_settings()
        assert f"chmod go-w {file}" in caught.value.hint
    file.chmod(0o600)
    assert load_settings().editor == ("code",)


def test_it_has_to_be_ones_own_or_the_machines(file: Path) -> None:
    if os.geteuid() == 0:
        write(file, "editor: code\n")
        os.chown(file, 12345, -1)
        with pytest.raises(DocumentError, match="it belongs to another user") as caught:
            load_settings()
        assert caught.value.hint == "its `editor` would be run as you"
    else:
        file.symlink_to("/etc/passwd")
        with pytest.raises(DocumentError) as caught:
            load_settings()
        assert "belongs" not in caught.value.message, "root's is read, and is no mapping"


def test_a_link_that_leads_nowhere_is_a_mistake(file: Path) -> None:
    file.symlink_to("gone")
    with pytest.raises(DocumentError, match="no such file"):
        load_settings()


def test_a_relative_config_folder_is_ignored(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")
    monkeypatch.chdir(tmp_path)
    write(file, "theme: dark\n")
    assert load_settings().theme == "auto", "the folder one stands in may be a project's"


def test_the_editor_is_the_environments_or_one_that_is_there(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(UsageError, match="there is no editor") as caught:
        editor(Settings())
    assert str(file) in caught.value.hint
    for name in ("nano", "vi"):
        (tmp_path / "bin" / name).write_text("")
        (tmp_path / "bin" / name).chmod(0o755)
        assert editor(Settings()) == (str(tmp_path / "bin" / name),)
    monkeypatch.setenv("EDITOR", "emacs -nw")
    assert editor(Settings()) == ("emacs", "-nw")
    monkeypatch.setenv("VISUAL", "code 'x")
    with pytest.raises(UsageError, match=r"\$VISUAL cannot be read: expected words of a command"):
        editor(Settings())


def test_who_plans(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = planner_for(load_settings())
    assert (nobody.options, nobody.source) == (None, "")
    assert "ANTHROPIC_API_KEY" in nobody.hint and str(file) in nobody.hint and "agentrt tui --task" in nobody.hint

    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    key = planner_for(load_settings())
    assert key.options is not None and key.options["provider"] == "anthropic"
    assert (key.source, key.hint) == ("ANTHROPIC_API_KEY, in the environment", "")

    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert "name a model that this server has" in planner_for(load_settings()).hint

    write(file, "planner: {script: mine.yaml}\n")
    mine = planner_for(load_settings())
    assert (mine.options, mine.source, mine.folder) == ({"script": "mine.yaml"}, str(file), file.parent)
