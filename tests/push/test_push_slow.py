"""agentrt killed while a push is on its way: what lives on is waited for, and what comes late is known to be ours."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from push_ground import accept, git, killed_when, queued

from agentrt.tools.pushes import alive


class Slow:
    """The remote's ``pre-receive``: it says that it has begun, and ends when it is let."""

    def __init__(self, ground: Any, *, verdict: int = 0) -> None:
        place: Path = ground.far.parent
        self.began, self.go, self.over = place / "began", place / "go", place / "over"
        hook = ground.far / "hooks/pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(
            f"#!/bin/sh\ntouch {self.began}\nwhile [ ! -e {self.go} ]; do sleep 0.05; done\n"
            f"touch {self.over}\nexit {verdict}\n"
        )
        hook.chmod(0o755)


def pushing(ground: Any) -> list[str]:
    """Processes of ours that push there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"push" in words and os.fsencode(ground.far) in words:
            found.append(process.name)
    return found


@pytest.mark.parametrize("verdict", [0, 1], ids=["taken", "declined"])
def test_what_lives_on_is_waited_for(ground: Any, verdict: int) -> None:
    old, new, slow = ground.there(), queued(ground), Slow(ground, verdict=verdict)
    killed_when(lambda: accept(ground), slow.began)
    assert ground.there() == old and not slow.over.exists()
    later = threading.Timer(1.0, slow.go.touch)
    later.start()
    with ground.open() as rt:
        later.join()
        assert slow.over.exists(), "it was waited for"
        assert ground.there() == (old if verdict else new)
        assert any(("had not arrived" if verdict else "had arrived") in note for note in rt.notes)
        assert [one.reversibility for one in rt.show(3).requests] == ([] if verdict else ["compensable"])
        note = rt.accept(2).note
        assert ("waits on" in note) == bool(verdict)
        if not verdict:
            assert git(ground.path, "rev-parse", "refs/remotes/origin/main").strip() == new
            rt.undo()
            assert ground.there() == old


def test_git_dies_with_agentrt(ground: Any) -> None:
    queued(ground)
    slow = Slow(ground)
    killed_when(lambda: accept(ground), slow.began)
    try:
        while pushing(ground):
            time.sleep(0.02)
    finally:
        slow.go.touch()


def test_what_is_not_over_is_not_known_and_not_sent_again(ground: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes late: it is ours all the same, and undo takes it back."""
    old, new, slow = ground.there(), queued(ground), Slow(ground)
    killed_when(lambda: accept(ground), slow.began)
    monkeypatch.setattr(alive, "_WAIT_SECONDS", 0.1)
    with ground.open() as rt:
        assert any("is still on its way" in note for note in rt.notes)
        assert [(one.change, one.reversibility) for one in rt.show(3).requests] == [("sent", "unknown")]
        assert "waits on: it is still on its way" in rt.accept(2).note and ground.there() == old
        slow.go.touch()
        monkeypatch.setattr(alive, "_WAIT_SECONDS", 60.0)
        assert "had arrived" in rt.accept(2).note and ground.there() == new
        rt.undo()
        assert ground.there() == old


def test_what_a_server_takes_late_is_ours(ground: Any) -> None:
    """No process of ours says that it is on its way: a server has all of it, and takes its time."""
    old, new, slow = ground.there(), queued(ground), Slow(ground, verdict=1)
    killed_when(lambda: accept(ground), slow.began)
    slow.go.touch()
    with ground.open() as rt:
        assert any("had not arrived" in note for note in rt.notes)
        objects = next((ground.path.parent / "state").rglob("push.git"))
        (ground.far / "hooks/pre-receive").unlink()
        git(objects, "push", "-q", str(ground.far), f"{new}:refs/heads/main")
        assert "had arrived" in rt.accept(2).note
        rt.undo()
        assert ground.there() == old
