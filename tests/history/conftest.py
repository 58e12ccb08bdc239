"""A workspace to apply to, in every place that makes a difference."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from apply_cases import World, make_kernel_old


@pytest.fixture(params=["together", "apart", "old kernel"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """``together``: the store is on the workspace's file system. ``old kernel``: no openat2, no renameat2 flags."""
    aside = tmp_path / "state" / "aside"
    other = None
    if request.param == "apart":
        if not os.access("/dev/shm", os.W_OK) or Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("needs a second file system")
        other = Path(tempfile.mkdtemp(dir="/dev/shm"))
        aside = other / "aside"
    if request.param == "old kernel":
        make_kernel_old(monkeypatch)
    yield World(tmp_path, aside)
    if other is not None:
        shutil.rmtree(other)
