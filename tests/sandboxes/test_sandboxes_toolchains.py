"""What of the host's home is shown: the user's tools, and nothing an agent could choose."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from agentrt.contracts import Confinement
from agentrt.records import Snapshot
from agentrt.sandboxes.local import LocalSandbox, toolchains


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a secret, and an interpreter the user has built."""
    home = tmp_path / "home"
    for folder in (".ssh", "python/bin", "python/lib/python3.12", "company/bin", "company/secrets", "bin"):
        (home / folder).mkdir(parents=True)
    for secret in (".ssh/id", "company/secrets/key", "secret"):
        (home / secret).write_text("secret")
    program(home / "python/bin/python3.12")
    program(home / "company/bin/tool")
    (home / "python/bin/python").symlink_to("python3.12")
    (home / "python/lib/python3.12/os.py").write_text("")
    return home


@pytest.fixture
def workspace(home: Path) -> Path:
    workspace = home / "projects/mine"
    (workspace / ".venv/bin").mkdir(parents=True)
    (workspace / ".venv/pyvenv.cfg").write_text("home = /nowhere\n")
    return workspace


def program(path: Path) -> None:
    path.write_text("#!/bin/sh\necho $0\n")
    path.chmod(0o755)


def found(workspace: Path, home: Path, *path: Path | str, **confinement: Any) -> set[str]:
    """What is shown of the home."""
    environment = {"HOME": str(home), "PATH": ":".join(map(str, (*path, "/usr/bin")))}
    shown = toolchains.find(workspace, Confinement(**confinement), environment)
    return {os.path.relpath(path, home) for path in shown if path.startswith(str(home))}


def test_nothing_of_the_home_by_itself(workspace: Path, home: Path) -> None:
    assert found(workspace, home) == set()


@pytest.mark.parametrize(
    "folder",
    (".pyenv", ".rustup", ".nvm", ".asdf", ".sdkman", ".volta", ".local/share/mise", ".local/share/uv/python"),
)
def test_what_installers_made_is_shown_whole(workspace: Path, home: Path, folder: str) -> None:
    (home / folder).mkdir(parents=True)
    assert found(workspace, home) == {folder}


def test_a_folder_of_programs_in_path(workspace: Path, home: Path) -> None:
    assert found(workspace, home, home / "bin") == {"bin"}
    assert found(workspace, home, home / "python/bin") == {"python"}


def test_links_of_the_users_own_folders_are_followed(workspace: Path, home: Path) -> None:
    (home / "bin/python").symlink_to(home / "python/bin/python")
    (home / "bin/tool").symlink_to(home / "company/bin/tool")
    assert found(workspace, home, home / "bin") == {"bin", "python", "company/bin/tool"}


def test_the_interpreter_of_the_workspaces_environment(workspace: Path, home: Path) -> None:
    (workspace / ".venv/bin/python").symlink_to(home / "python/bin/python3.12")
    assert found(workspace, home) == {"python"}
    assert found(workspace, home, workspace / ".venv/bin") == {"python"}


def test_an_environment_elsewhere_in_the_workspace_when_it_is_in_path(workspace: Path, home: Path) -> None:
    (workspace / "tools/bin").mkdir(parents=True)
    (workspace / "tools/bin/python").symlink_to(home / "python/bin/python")
    assert found(workspace, home) == set()
    assert found(workspace, home, workspace / "tools/bin") == {"python"}


SECRETS = (".ssh/id", ".ssh", "company/bin/tool", "company/secrets/key", "secret", "bin", ".", "..")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", ("python", "python3", "tool"))
def test_a_planted_link_shows_nothing(workspace: Path, home: Path, secret: str, name: str) -> None:
    (workspace / ".venv/bin" / name).symlink_to(home / secret)
    (workspace / "bin").mkdir()
    (workspace / "bin" / name).symlink_to(home / secret)
    assert found(workspace, home, workspace / ".venv/bin", workspace / "bin") == set()


@pytest.mark.parametrize("secret", (".ssh", ".", "company", "company/bin", "company/secrets"))
@pytest.mark.parametrize("planted", (".venv", ".venv/bin", ".venv/lib", "venv"))
def test_a_planted_link_to_a_folder_shows_nothing(workspace: Path, home: Path, secret: str, planted: str) -> None:
    if (workspace / planted).exists():
        shutil.rmtree(workspace / planted)
    program(home / "company/bin/python")
    (workspace / planted).symlink_to(home / secret)
    assert found(workspace, home, workspace / planted, workspace / planted / "bin") == set()
    assert found(workspace, home) == set()


def test_a_planted_chain_of_links_shows_nothing(workspace: Path, home: Path) -> None:
    (workspace / "step").symlink_to(home / ".ssh")
    (workspace / ".venv/bin/python").symlink_to("../../step/id")
    assert found(workspace, home, workspace / ".venv/bin") == set()


def test_a_link_of_the_users_that_leads_into_the_workspace_ends_there(workspace: Path, home: Path) -> None:
    (home / "bin/mine").symlink_to(workspace / "mine")
    (workspace / "mine").symlink_to(home / ".ssh/id")
    (home / "bin/far").symlink_to(workspace / "folder/id")
    (workspace / "folder").symlink_to(home / ".ssh")
    assert found(workspace, home, home / "bin") == {"bin"}


def test_a_folder_of_the_users_that_leads_through_the_workspace_shows_nothing(workspace: Path, home: Path) -> None:
    (home / "tools").symlink_to(workspace / "tools")
    (workspace / "tools").symlink_to(home / "company")
    assert found(workspace, home, home / "tools/bin", bind=(str(home / "tools"),)) == set()


def test_a_planted_installation_shows_nothing_outside_the_workspace(workspace: Path, home: Path) -> None:
    """It holds what an installation holds, but lies in the workspace; what it links to is not shown."""
    (workspace / ".venv/lib/python3.12").mkdir(parents=True)
    (workspace / ".venv/lib/python3.12/os.py").symlink_to(home / "secret")
    program(workspace / ".venv/bin/python")
    assert found(workspace, home, workspace / ".venv/bin") == set()


def test_the_home_is_never_shown_by_any_name(workspace: Path, home: Path, tmp_path: Path) -> None:
    (home / "lib/python3.12").mkdir(parents=True)
    (home / "lib/python3.12/os.py").write_text("")
    program(home / "bin/python")
    (workspace / ".venv/bin/python").symlink_to(home / "bin/python")
    other_name = tmp_path / "alias"
    other_name.symlink_to(home)
    for name in (home, other_name):
        assert "." not in found(workspace, home, name / "bin", bind=(str(name), str(tmp_path)))
    shown = toolchains.find(workspace, Confinement(bind=(str(home),)), {"HOME": str(other_name), "PATH": "/usr/bin"})
    assert not any(Path(path) == home for path in shown)


def test_a_policy_adds_and_hides(workspace: Path, home: Path) -> None:
    (home / ".pyenv/versions/3.12/bin").mkdir(parents=True)
    path = home / ".pyenv/versions/3.12/bin"
    assert found(workspace, home, path) == {".pyenv"}
    assert found(workspace, home, path, hide=(str(home / ".pyenv"),)) == set()
    assert found(workspace, home, bind=(str(home / "company/bin"),)) == {".pyenv", "company/bin"}


def test_the_environment_is_what_can_be_seen(workspace: Path, home: Path) -> None:
    host = {
        "HOME": str(home), "PATH": f"{home}/bin:{home}/python/bin:{workspace}/.venv/bin:/usr/bin:relative",
        "VIRTUAL_ENV": f"{workspace}/.venv", "GOROOT": f"{home}/go", "LANG": "C", "LC_ALL": "C", "TOKEN": "secret",
        "SSH_AUTH_SOCK": "/run/s", "LD_PRELOAD": "x", "PYTHONPATH": "x", "TERM": "t",
    }  # fmt: skip
    given = toolchains.environment(workspace, [f"{home}/python"], host)
    path = given["PATH"].split(":")
    assert path[:3] == [f"{home}/python/bin", f"{workspace}/.venv/bin", "/usr/bin"]
    assert given["HOME"] == "/home/agent" and given["VIRTUAL_ENV"] == f"{workspace}/.venv"
    assert not {"GOROOT", "TOKEN", "SSH_AUTH_SOCK", "LD_PRELOAD", "PYTHONPATH"} & given.keys()
    assert given["LC_ALL"] == "C" and given["TERM"] == "t"


def test_shown_tools_run_inside_and_secrets_do_not_exist(
    workspace: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way, with everything planted at once."""
    (workspace / ".venv/bin/python").symlink_to(home / "python/bin/python3.12")
    (workspace / ".venv/bin/python3").symlink_to(home / ".ssh/id")
    (workspace / "ssh").symlink_to(home / ".ssh")
    (workspace / "venv/bin").mkdir(parents=True)
    (workspace / "venv/bin/python").symlink_to(home / "secret")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{workspace}/.venv/bin:{home}/bin:/usr/bin:/bin")

    async def scenario() -> tuple[int, bytes]:
        sandbox = LocalSandbox(workspace=workspace, store=tmp_path / "store", confinement=Confinement())
        await sandbox.start(Snapshot())
        try:
            await sandbox.begin("s1.1")
            printed = bytearray()
            script = f"python; cat .venv/bin/python3 ssh/* venv/bin/python {home}/secret {home}/.ssh/id; ls -A {home}"
            result = await sandbox.exec(["bash", "-c", script], on_output=printed.extend)
            return result.exit_code, bytes(printed)
        finally:
            await sandbox.close()

    code, printed = asyncio.run(scenario())
    lines = printed.splitlines()
    assert code == 0 and lines[0].endswith(b"/.venv/bin/python")
    assert b"secret" not in printed.replace(b"/secret", b"")
    assert sorted(lines[-3:]) == [b"bin", b"projects", b"python"]
