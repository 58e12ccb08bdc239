"""Pushes over SSH, by the user's own `core.sshCommand`: here it runs what the server would run, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from push_ground import committed, git, said, there_and_back

_SSH = """#!/bin/sh
echo "$@" >> {told}
[ -t 0 ] || (: </dev/tty) 2>/dev/null && echo "it could ask somebody" >> {told}
[ -e {refuses} ] && echo "git@host.example: Permission denied (publickey)." >&2 && exit 255
for last; do :; done
exec sh -c "$last"
"""
"""As git calls ssh: the last word is the command."""


@pytest.fixture
def told(ground: Any) -> Path:
    """With what words it was called."""
    folder = ground.far.parent
    script, words = folder / "ssh", folder / "told"
    script.write_text(_SSH.format(told=words, refuses=folder / "refuses"))
    script.chmod(0o755)
    git(ground.path, "config", "core.sshCommand", str(script))
    git(ground.path, "config", "ssh.variant", "ssh")
    git(ground.path, "remote", "set-url", "origin", f"ssh://git:word@host.example{ground.far}")
    return words


def test_there_and_back(ground: Any, told: Path) -> None:
    old = ground.there()
    with ground.open() as rt:
        new = committed(rt)
        asked = rt.act("push", branch="main")
        assert f"origin, ssh://git@host.example{ground.far}" in said(asked) and ground.there() == old
        there_and_back(ground, rt, old, new)
    assert "git-receive-pack" in told.read_text() and "it could ask" not in told.read_text()


def test_a_name_and_a_path(ground: Any, told: Path) -> None:
    """``host:path``, as most people write it."""
    git(ground.path, "remote", "set-url", "origin", f"git@host.example:{ground.far}")
    with ground.open() as rt:
        new = committed(rt, branch="fix")
        asked = rt.act("push", branch="fix")
        assert f"origin, git@host.example:{ground.far}" in said(asked)
        assert "pushed: fix of origin" in rt.accept(2).note and ground.there("fix") == new
        rt.undo()
        assert ground.there("fix") is None


def test_who_is_not_let_in(ground: Any, told: Path) -> None:
    """It waits on; once the key is there it goes."""
    refuses, old = ground.far.parent / "refuses", ground.there()
    refuses.touch()
    with ground.open() as rt:
        new = committed(rt)
        rt.act("push", branch="main")
        note = rt.accept(2).note
        assert "waits on" in note and "Permission denied (publickey)" in note and ground.there() == old
        refuses.unlink()
        assert "pushed" in rt.accept(2).note and ground.there() == new
