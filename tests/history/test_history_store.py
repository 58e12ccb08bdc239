from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agentrt.errors import SessionBusy, WorkspaceError
from agentrt.history.store import Lock, Store, all_stores, create, locate
from agentrt.homes import config_home, state_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return home


@pytest.fixture
def project(home: Path) -> Path:
    project = home / "project"
    project.mkdir()
    return project


def refusal(workspace: Path | str) -> tuple[str, str]:
    with pytest.raises(WorkspaceError) as caught:
        locate(workspace)
    assert caught.value.exit_code == 2
    return caught.value.message, caught.value.hint


def test_the_state_home_follows_xdg(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_home() == home / ".local/state/agentrt"
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert state_home() == Path("/var/state/agentrt")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert state_home() == home / ".local/state/agentrt"


def test_locate_creates_nothing_and_is_the_same_by_every_name(
    project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = home / "link"
    link.symlink_to(project)
    store = locate(project)
    monkeypatch.chdir(project)
    assert store == locate(str(link)) == locate(".") == locate(link / ".." / "project")
    assert store.workspace == project
    assert store.root.parent == home / ".local/state/agentrt/workspaces"
    assert store.root.name.startswith("project-")
    assert not (home / ".local").exists()


def test_folders_of_one_name_have_stores_of_their_own(home: Path) -> None:
    for name in ("a/project", "b/project"):
        (home / name).mkdir(parents=True)
    assert locate(home / "a/project").root != locate(home / "b/project").root


def test_refused_the_root() -> None:
    message, hint = refusal("/")
    assert "whole machine" in message
    assert "--workspace" in hint


def test_refused_the_home(home: Path) -> None:
    (home / "link").symlink_to(home)
    for name in (home, home / "link"):
        message, hint = refusal(name)
        assert "your home folder" in message
        assert hint


def test_refused_what_holds_the_home(home: Path) -> None:
    message, hint = refusal(home.parent)
    assert "your home folder is inside it" in message
    assert hint


def test_refused_inside_the_state_folder(home: Path) -> None:
    inside = home / ".local/state/agentrt/workspaces/x"
    inside.mkdir(parents=True)
    for folder in (inside, state_home()):
        message, hint = refusal(folder)
        assert "inside agentrt's own state folder" in message
        assert hint


def test_refused_where_the_users_own_policy_is(home: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".config/agentrt/own").mkdir(parents=True)
    for folder in (home / ".config", config_home(), config_home() / "own"):
        message, hint = refusal(folder)
        assert "your own policy and settings" in message and str(config_home()) in message
        assert "must not decide what it may do" in hint
    locate(_made(home / ".config/other"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project / "config"))
    assert "your own policy and settings" in refusal(project)[0]


def test_refused_around_the_state_folder(home: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message, hint = refusal(_made(home / ".local"))
    assert "is inside the workspace" in message
    assert "XDG_STATE_HOME" in hint
    monkeypatch.setenv("XDG_STATE_HOME", str(project / "state"))
    assert "is inside the workspace" in refusal(project)[0]


def test_refused_missing(home: Path) -> None:
    message, hint = refusal(home / "nowhere")
    assert "there is no folder" in message
    assert hint


def test_refused_not_a_folder(home: Path) -> None:
    (home / "file").write_text("")
    assert "is not a folder" in refusal(home / "file")[0]
    assert "leads through a file" in refusal(home / "file" / "below")[0]


def test_refused_links_in_a_circle_and_impossible_names(home: Path) -> None:
    (home / "circle").symlink_to("circle")
    assert "cannot be reached" in refusal(home / "circle")[0]
    assert "cannot be reached" in refusal("a\0b")[0]
    assert "cannot be reached" in refusal(home / ("x" * 300))[0]


def test_refused_unreadable(project: Path) -> None:
    project.chmod(0)
    if os.access(project, os.R_OK):
        project.chmod(0o755)
        pytest.skip("this user reads everything")
    message, hint = refusal(project)
    project.chmod(0o755)
    assert "cannot be read" in message
    assert "chmod" in hint


def test_create_makes_private_folders_and_can_be_repeated(project: Path) -> None:
    store = locate(project)
    create(store)
    (store.layers / "kept").write_text("x")
    create(store)
    assert (store.layers / "kept").read_text() == "x"
    for folder in (state_home(), store.root.parent, store.root, store.layers, store.outputs, store.aside):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (store.root / "workspace").read_bytes() == os.fsencode(project)
    assert {entry.name for entry in store.root.iterdir()} == {"workspace", "layers", "outputs", "aside"}


def test_create_says_why_it_cannot(project: Path, home: Path) -> None:
    (home / ".local").write_text("a file in the way")
    with pytest.raises(WorkspaceError, match="cannot keep its state") as caught:
        create(locate(project))
    assert "XDG_STATE_HOME" in caught.value.hint


@pytest.mark.parametrize("name", [b"new\nline", b"\xff\xfe", b"x" * 255, "é".encode() * 127, b"a b?#%25:,\\"])
def test_any_name_is_carried_exactly(home: Path, name: bytes) -> None:
    workspace = _made(home / os.fsdecode(name))
    store = locate(workspace)
    create(store)
    assert all_stores() == [store]
    assert os.fsencode(all_stores()[0].workspace.name) == name


def test_all_stores_passes_over_what_is_no_store(home: Path, project: Path) -> None:
    assert all_stores() == []
    gone = locate(_made(home / "gone"))
    for store in (locate(project), gone):
        create(store)
    gone.workspace.rmdir()
    junk = state_home() / "workspaces"
    (junk / "file").write_text("")
    (junk / "empty").mkdir()
    _made(junk / "odd" / "workspace")
    _made(junk / "copy-of-another").joinpath("workspace").write_bytes(os.fsencode(project))
    _made(junk / "nul").joinpath("workspace").write_bytes(b"\0")
    (junk / "dangling").symlink_to("nowhere")
    assert [store.workspace for store in all_stores()] == [gone.workspace, project]


HOLDER = """
import sys, time
from pathlib import Path
from agentrt.history.store import Lock, Store
store = Store(workspace=Path(sys.argv[1]), root=Path(sys.argv[2]))
lock = Lock(store).acquire(0)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def store(project: Path) -> Store:
    store = locate(project)
    create(store)
    return store


def _holder(store: Store) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", HOLDER, str(store.workspace), str(store.root)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_lock_names_its_holder_and_is_free_when_it_dies(store: Store) -> None:
    with _holder(store) as holder:
        with pytest.raises(SessionBusy) as caught:
            Lock(store).acquire(0.05)
        assert f"process {holder.pid}" in caught.value.message
        assert f"kill {holder.pid}" in caught.value.hint
        assert caught.value.exit_code == 4
        holder.send_signal(signal.SIGKILL)
        with Lock(store).acquire(10):
            assert int(store.lock_file.read_text()) == os.getpid()


def test_the_lock_waits_for_its_turn(store: Store) -> None:
    first = Lock(store).acquire()
    threading.Timer(0.1, first.close).start()
    started = time.monotonic()
    with Lock(store).acquire(10):
        assert 0.05 < time.monotonic() - started < 5


def test_the_lock_waits_no_longer_than_asked(store: Store) -> None:
    with Lock(store).acquire():
        started = time.monotonic()
        with pytest.raises(SessionBusy, match="this very process"):
            Lock(store).acquire(0.1)
        assert 0.1 <= time.monotonic() - started < 2
        with pytest.raises(SessionBusy):
            Lock(store).acquire(0)


def test_the_lock_can_be_taken_again(store: Store) -> None:
    lock = Lock(store)
    for _ in range(2):
        with lock, pytest.raises(RuntimeError):
            lock.acquire(0)
        lock.close()


def test_the_lock_is_not_inherited(store: Store) -> None:
    with Lock(store).acquire(0):
        listing = (
            "import os; print([os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if n > '2'])"
        )
        argv = [sys.executable, "-c", listing.replace("os.readlink", "os.path.realpath")]
        shown = subprocess.run(argv, close_fds=False, capture_output=True, text=True, check=True).stdout
        assert str(store.lock_file) not in shown


FORKER = """
import os, sys, time
from pathlib import Path
from agentrt.history.store import Lock, Store
lock = Lock(Store(workspace=Path(sys.argv[1]), root=Path(sys.argv[2]))).acquire(0)
child = os.fork()
if child == 0:
    lock.close()
    print(os.getpid(), flush=True)
    time.sleep(60)
time.sleep(60)
"""


def test_a_forked_child_neither_keeps_nor_drops_the_lock(store: Store) -> None:
    argv = [sys.executable, "-c", FORKER, str(store.workspace), str(store.root)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            with pytest.raises(SessionBusy, match=f"process {parent.pid}"):
                Lock(store).acquire(0)
            parent.kill()
            parent.wait()
            os.kill(child, 0)
            Lock(store).acquire(5).close()
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_lock_file_with_junk_in_it_is_no_trouble(store: Store) -> None:
    store.lock_file.write_bytes(b"\xff\xfe junk" * 100)
    with store.lock_file.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(SessionBusy, match="another process"):
            Lock(store).acquire(0)
    with Lock(store).acquire(0):
        assert int(store.lock_file.read_text()) == os.getpid()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
