"""What the user does underneath a session is never overwritten and never taken along by an apply."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentrt import Conflict, sync
from agentrt.sync import Runtime


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    workspace = tmp_path / "workspace"
    (workspace / "d").mkdir(parents=True)
    (workspace / "d/a").write_text("1")
    (workspace / "t").write_text("t")
    with sync.Runtime.open(workspace) as opened:
        yield opened


def test_a_file_put_into_a_folder_the_agent_deleted_is_a_conflict(runtime: Runtime) -> None:
    workspace = runtime.store.workspace
    runtime.act("bash", command="rm -rf d")
    (workspace / "d/new").write_text("mine")
    with pytest.raises(Conflict) as caught:
        runtime.apply()
    assert [conflict.path for conflict in caught.value.conflicts] == ["d/new"]
    assert sorted(path.name for path in (workspace / "d").iterdir()) == ["a", "new"]


def test_a_file_put_into_a_folder_the_agent_made_anew_stays(runtime: Runtime) -> None:
    workspace = runtime.store.workspace
    runtime.act("bash", command="rm -rf d; mkdir d; echo 2 > d/b")
    (workspace / "d/new").write_text("mine")
    runtime.apply()
    assert {path.name: path.read_text() for path in (workspace / "d").iterdir()} == {"b": "2\n", "new": "mine"}
    seen = runtime.act("bash", command="cat d/new").observation
    assert seen is not None and seen.output == "mine"


def test_a_file_the_agent_only_touched_keeps_what_the_user_writes(runtime: Runtime) -> None:
    workspace = runtime.store.workspace
    runtime.act("bash", command="touch t; echo new > other")
    (workspace / "t").write_text("the user's")
    operation = runtime.apply()
    assert operation is not None and [effect.path for effect in operation.effects] == ["other"]
    assert (workspace / "t").read_text() == "the user's"
    seen = runtime.act("bash", command="cat t").observation
    assert seen is not None and seen.output == "the user's"
