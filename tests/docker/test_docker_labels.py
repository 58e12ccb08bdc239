"""Whose a container, volume or image is; what goes when its owner is gone, and what never does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from engine_things import Things, of_another_host, of_the_dead

from agentrt.sandboxes.docker.labels import (
    KIND,
    OWNER,
    STORE,
    Leftover,
    collect,
    labels,
    leftovers,
    mark,
    needed,
    remove_leftovers,
    store_name,
)


def names(found: list[Leftover]) -> set[str]:
    return {left.name for left in found}


def test_what_the_dead_left_goes_and_only_that(engine: Any, at_engine: Things, store: Path) -> None:
    dead = at_engine.container("agentrt-dead", of_the_dead(store, "sandbox"), running=True)
    its_own = at_engine.anonymous(dead)
    volume = at_engine.volume("agentrt-dead-home", of_the_dead(store, "volume"))
    image = at_engine.image(of_the_dead(store, "image"))
    told = {f"container {dead}", f"volume {volume}", f"image {image.removeprefix('sha256:')[:12]}"}
    assert names(leftovers(engine, store)) == told
    assert all(not left.kept for left in leftovers(engine, store))
    assert at_engine.there("sandbox", dead) and at_engine.there("volume", volume), "to look removes nothing"
    assert names(remove_leftovers(engine, store)) == told
    assert not at_engine.there("sandbox", dead) and not at_engine.there("volume", volume)
    assert not at_engine.there("image", image) and not at_engine.there("volume", its_own)
    assert leftovers(engine, store) == remove_leftovers(engine, store) == []


def test_what_lives_or_is_not_ours_stays(engine: Any, at_engine: Things, store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    ours = of_the_dead(store, "sandbox")
    kept: list[tuple[Any, str]] = [
        ("sandbox", at_engine.container("agentrt-living", labels(store, "sandbox"), running=True)),
        ("volume", at_engine.volume("agentrt-living", labels(store, "volume"))),
        ("image", at_engine.image(labels(store, "image"))),
        ("sandbox", at_engine.container("agentrt-other-store", of_the_dead(other, "sandbox"))),
        ("volume", at_engine.volume("agentrt-other-store", of_the_dead(other, "volume"))),
        ("image", at_engine.image(of_the_dead(other, "image"))),
        # Names and labels that are only like ours.
        ("sandbox", at_engine.container("agentrt-s1", {})),
        ("volume", at_engine.volume("agentrt-s1-home", {})),
        ("image", at_engine.image({})),
        ("sandbox", at_engine.container("agentrt-s2", {STORE: ours[STORE], OWNER: ours[OWNER]})),
        ("sandbox", at_engine.container("agentrt-s3", {STORE: ours[STORE], KIND: "sandbox"})),
        ("sandbox", at_engine.container("agentrt-s4", {KIND: "sandbox", OWNER: ours[OWNER]})),
        ("sandbox", at_engine.container("agentrt-s5", {f"x.{key}": value for key, value in ours.items()})),
        ("sandbox", at_engine.container("agentrt-s6", {**ours, STORE: f"{ours[STORE]}0"})),
        ("volume", at_engine.volume("agentrt-s7", {**ours, KIND: "volumes"})),
    ]
    remove_leftovers(engine, store)
    assert [thing for thing in kept if not at_engine.there(*thing)] == []
    assert leftovers(engine, store) == []


def test_a_persons_container_of_our_image_is_theirs(engine: Any, at_engine: Things, store: Path) -> None:
    """It inherits the image's labels."""
    image = at_engine.image(of_the_dead(store, "image"))
    theirs = at_engine.container("theirs", {}, image=image)
    [left] = remove_leftovers(engine, store)
    assert at_engine.there("sandbox", theirs) and at_engine.there("image", image)
    assert left.kind == "image" and "container" in left.kept, "and so it is in use"


def test_a_volume_that_somebody_uses_stays(engine: Any, at_engine: Things, store: Path) -> None:
    volume = at_engine.volume("agentrt-used", of_the_dead(store, "volume"))
    host = engine.api.create_host_config(binds=[f"{volume}:/v"], network_mode="none")
    user = engine.api.create_container("agentrt-test:1", ["true"], host_config=host)["Id"]
    try:
        [left] = remove_leftovers(engine, store)
        assert left.name == f"volume {volume}" and "in use" in left.kept and at_engine.there("volume", volume)
    finally:
        engine.api.remove_container(user)
    assert remove_leftovers(engine, store) == [Leftover("volume", volume, f"volume {volume}")]


def test_of_another_host_nothing_is_removed_and_all_is_told(engine: Any, at_engine: Things, store: Path) -> None:
    theirs = at_engine.container("agentrt-far", of_another_host(store, "sandbox"))
    odd = at_engine.volume("agentrt-odd", {**labels(store, "volume"), OWNER: "what:ever"})
    found = {left.name: left.kept for left in remove_leftovers(engine, store)}
    assert found[f"container {theirs}"] == "it belongs to elsewhere-0f3a9c11; only there it can be removed"
    assert "nobody known" in found[f"volume {odd}"]
    assert at_engine.there("sandbox", theirs) and at_engine.there("volume", odd)


def test_a_pid_that_came_round_again_is_somebody_else(engine: Any, at_engine: Things, store: Path) -> None:
    host, pid, start = labels(store, "volume")[OWNER].split(":")
    assert int(pid) == os.getpid()
    before = at_engine.volume("agentrt-before", {**labels(store, "volume"), OWNER: f"{host}:{pid}:{int(start) - 1}"})
    assert names(remove_leftovers(engine, store)) == {f"volume {before}"}


def test_a_process_that_nobody_waited_for_is_gone(engine: Any, at_engine: Things, store: Path) -> None:
    code = (
        "import json; from pathlib import Path; from agentrt.sandboxes.docker.labels import labels;"
        f"print(json.dumps(labels(Path({str(store)!r}), 'volume')))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as ended:
        assert ended.stdout is not None
        volume = at_engine.volume("agentrt-undead", json.loads(ended.stdout.read()))
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert names(leftovers(engine, store)) == {f"volume {volume}"}


def test_another_pid_namespace_is_another_host(engine: Any, at_engine: Things, store: Path) -> None:
    """As of agentrt in a container: its pids say nothing here."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    code = (
        "import json, sys; from pathlib import Path; from agentrt.sandboxes.docker.labels import labels;"
        f"print(json.dumps(labels(Path({str(store)!r}), 'volume')))"
    )
    command = ["unshare", *user, "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
    marks = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    volume = at_engine.volume("agentrt-contained", marks)
    [left] = remove_leftovers(engine, store)
    assert left.kept and at_engine.there("volume", volume)


def test_an_image_that_is_needed_or_has_a_name_stays(engine: Any, at_engine: Things, store: Path) -> None:
    stood_on = at_engine.image(of_the_dead(store, "image"))
    named = at_engine.image(of_the_dead(store, "image"), name="agentrt-test-named")
    mark(store)
    mark(store, stood_on)
    mark(store, stood_on)
    assert needed(store) == {stood_on} and (store / ".docker").read_text().count("\n") == 1
    superseded = at_engine.image(of_the_dead(store, "image"))
    assert [left.id for left in remove_leftovers(engine, store)] == [superseded]
    assert at_engine.there("image", stood_on) and at_engine.there("image", named)


def test_of_all_stores_all_but_images(engine: Any, at_engine: Things, store: Path, tmp_path: Path) -> None:
    here = at_engine.volume("agentrt-here", of_the_dead(store, "volume"))
    there = at_engine.volume("agentrt-there", of_the_dead(tmp_path / "other", "volume"))
    image = at_engine.image(of_the_dead(store, "image"))
    found = leftovers(engine, None)
    assert {f"volume {here}", f"volume {there}"} <= names(found)
    assert image not in {left.id for left in found}


def test_stores_are_told_apart_by_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a")
    monkeypatch.chdir(tmp_path)
    assert store_name(Path("a")) == store_name(tmp_path / "link") == labels(tmp_path / "a", "volume")[STORE]
    assert len(store_name(Path("a"))) == 24 and store_name(Path("a")) != store_name(Path("b"))


def test_no_engine_is_asked_where_none_was_used(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/s")
    assert collect(store=store, dry_run=False) == collect(store=store / "none", dry_run=True) == []
