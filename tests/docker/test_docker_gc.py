"""``agentrt gc`` at an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from engine_things import Things, of_another_host, of_the_dead

from agentrt.sandboxes.docker.labels import MARKER, labels


class Place:
    def __init__(self, folder: Path) -> None:
        self.work, self._state = folder / "ws", folder / "state"
        self.work.mkdir()
        assert self.agentrt("exec", "--", "true").returncode == 0
        [self.layers] = self._state.glob("agentrt/workspaces/*/layers")

    def agentrt(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_STATE_HOME": str(self._state), "AGENTRT_SANDBOX": "local", **more}
        command = [sys.executable, "-m", "agentrt", *words]
        return subprocess.run(command, cwd=self.work, env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_gc_removes_what_no_process_has_any_more(at_engine: Things, place: Place) -> None:
    (place.layers / MARKER).touch()
    dead = at_engine.container("agentrt-dead", of_the_dead(place.layers, "sandbox"), running=True)
    volume = at_engine.volume("agentrt-dead-home", of_the_dead(place.layers, "volume"))
    living = at_engine.container("agentrt-living", labels(place.layers, "sandbox"))
    foreign = at_engine.container("agentrt-s1", {})
    far = at_engine.volume("agentrt-far", of_another_host(place.layers, "volume"))
    stays = f"docker: volume {far} stays: it belongs to elsewhere-0f3a9c11; only there it can be removed\n"
    done = place.agentrt("gc", "--dry-run")
    would = f"docker: container {dead} would be removed\ndocker: volume {volume} would be removed\n"
    assert (done.returncode, done.stderr) == (0, "") and sorted(done.stdout.splitlines()) == sorted(
        (would + stays).splitlines()
    )
    assert at_engine.there("sandbox", dead) and at_engine.there("volume", volume)
    found = json.loads(place.agentrt("gc", "--dry-run", "--json").stdout)["outside"]
    assert {"sandbox": "docker", "name": f"container {dead}", "kept": ""} in found and len(found) == 3
    done = place.agentrt("gc")
    assert f"docker: container {dead} removed\n" in done.stdout and f"docker: volume {volume} removed\n" in done.stdout
    assert not at_engine.there("sandbox", dead) and not at_engine.there("volume", volume)
    assert at_engine.there("sandbox", living) and at_engine.there("sandbox", foreign) and at_engine.there("volume", far)
    assert place.agentrt("gc").stdout == f"{stays}nothing to remove\n"


def test_gc_asks_no_engine_where_none_was_used(place: Place) -> None:
    """What this one has would be told."""
    done = place.agentrt("gc", DOCKER_HOST="unix:///nonexistent/s")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing to remove\n", "")
    assert json.loads(place.agentrt("gc", "--json").stdout)["outside"] == []


def test_gc_does_the_rest_where_the_engine_is_not_there(place: Place) -> None:
    (place.layers / MARKER).touch()
    (place.layers / "s1.77").mkdir()
    done = place.agentrt("gc", DOCKER_HOST="unix:///nonexistent/s")
    assert done.returncode == 0 and not (place.layers / "s1.77").exists()
    told = "docker: whatever was left stays: no container engine: there is no /nonexistent/s; start it: "
    assert "layers/s1.77\n" in done.stdout and told in done.stdout


def test_gc_loads_no_sdk_where_no_engine_was_used(place: Place) -> None:
    """It takes longer than all the rest of the command."""
    done = place.agentrt("gc", PYTHONVERBOSE="1")
    assert "import 'agentrt.sandboxes.docker.labels'" in done.stderr, "it was asked"
    assert "import 'docker'" not in done.stderr
