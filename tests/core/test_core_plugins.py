from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agentrt.errors import PluginError, UsageError
from agentrt.plugins import find, names


def test_names_are_what_is_installed() -> None:
    assert set(names("agentrt.tools")) >= {"bash", "read", "write", "edit", "search", "git"}
    assert names("agentrt.no-such-group") == []


def test_find_imports_what_the_entry_point_names() -> None:
    from agentrt.policies import open_policy

    assert find("agentrt.policies", "packs") is open_policy


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        find("agentrt.tools", "serch")
    assert isinstance(caught.value, PluginError)
    assert (str(caught.value), caught.value.hint) == (
        'no tool is called "serch"',
        "did you mean `search`?",
    )


def test_an_unknown_name_far_from_all_gets_the_list() -> None:
    with pytest.raises(PluginError) as caught:
        find("agentrt.sandboxes", "xyzzy")
    assert "`local`" in caught.value.hint


def test_a_plugin_that_does_not_load_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken_pack-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-pack\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[agentrt.tools]\nbroken = no_such_module_at_all:Tool\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PluginError) as caught:
        find("agentrt.tools", "broken")
    assert str(caught.value).startswith('"broken" in agentrt.tools (of broken-pack 1.2) does not load: ')
    assert "no_such_module_at_all" in str(caught.value)


def test_looking_for_names_imports_no_plugin() -> None:
    program = (
        "import sys; from agentrt.plugins import names; names('agentrt.tools'); "
        "print([m for m in sys.modules if m.startswith(('agentrt.tools', 'ruamel', 'langgraph', 'asyncio'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
