"""Limits of the local sandbox beyond what the kit asks of every sandbox: disks, the machine's memory, who hides."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentrt.contracts import Confinement, ExecResult
from agentrt.records import Limits, Snapshot
from agentrt.sandboxes.acting import exceeded, filling, usage
from agentrt.sandboxes.local import LocalSandbox

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
REQUEST = {"processes": 512, "memory_bytes": None, "cpu_seconds": None, "written_bytes": None, "written_files": None}


@asynccontextmanager
async def opened(workspace: Path, store: Path) -> AsyncIterator[LocalSandbox]:
    sandbox = LocalSandbox(workspace=workspace, store=store, confinement=Confinement())
    await sandbox.start(Snapshot())
    try:
        await sandbox.begin("s1.1")
        yield sandbox
    finally:
        await sandbox.close()


def ran(workspace: Path, store: Path, *argv: str, **limits: Any) -> ExecResult:
    async def scenario() -> ExecResult:
        async with opened(workspace, store) as sandbox:
            return await sandbox.exec(argv, limits=Limits(**{"seconds": 60, **limits}))

    return asyncio.run(scenario())


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """200 MB, 4000 files."""
    store = tmp_path / "small"
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m,nr_inodes=4000", "none", str(store)], check=True)
    yield store
    subprocess.run(["umount", "-l", str(store)], check=True)


@only_root
def test_an_action_that_fills_the_disk_is_ended_before_it_is_full(workspace: Path, small_disk: Path) -> None:
    script = "for n in {1..300}; do head -c 1000000 /dev/zero > file$n; sleep 0.01; done"
    result = ran(workspace, small_disk, "bash", "-c", script)
    assert result.exceeded.startswith("left only ") and "free on the disk" in result.exceeded
    assert result.exceeded.endswith("; 10.5 MB are kept free")


@only_root
def test_an_action_that_makes_files_without_end_is_ended_before_no_more_fit(workspace: Path, small_disk: Path) -> None:
    result = ran(workspace, small_disk, "bash", "-c", "for n in {1..5000}; do : > file$n; sleep 0.0005; done")
    assert result.exceeded.startswith("left room for only ") and result.exceeded.endswith("; 200 are kept free")


@only_root
def test_a_disk_that_was_full_before_is_no_fault_of_the_action(workspace: Path, small_disk: Path) -> None:
    (small_disk / "others").write_bytes(bytes(200_000_000))
    assert ran(workspace, small_disk, "bash", "-c", "echo x > file; sleep 0.2").exceeded == ""


def test_what_others_write_meanwhile_is_not_the_actions(workspace: Path, tmp_path: Path) -> None:
    async def scenario() -> ExecResult:
        async with opened(workspace, tmp_path / "store") as sandbox:
            begun = asyncio.Event()
            loop = asyncio.get_running_loop()
            call = sandbox.exec(
                ["bash", "-c", "echo begun > file; cat file; sleep 0.7"],
                limits=Limits(written_bytes=20_000_000, written_files=100),
                on_output=lambda _: loop.call_soon_threadsafe(begun.set) and None,
            )
            running = asyncio.ensure_future(call)
            await asyncio.wait_for(begun.wait(), 20)
            (tmp_path / "others").write_bytes(os.urandom(40_000_000))
            for number in range(300):
                (tmp_path / f"other{number}").touch()
            return await running

    assert asyncio.run(scenario()).exceeded == ""


def test_files_are_measured_by_what_they_take(tmp_path: Path) -> None:
    """Small ones by their content, those with holes without them; a folder counts as a file."""
    watch = filling.Filling([os.fsencode(tmp_path)], {**REQUEST, "written_bytes": 10_000_000, "written_files": 100})
    for name in ("a", "b", "folder/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"xyz")
    with open(tmp_path / "holes", "wb") as file:
        file.truncate(1 << 30)
    size, count = watch._measure()
    assert (size, count) == (9, 5)


@pytest.mark.parametrize("hides", ("ctypes.CDLL(None).prctl(4, 0)", "os.setsid()"))
def test_memory_of_who_hides_counts(workspace: Path, tmp_path: Path, hides: str) -> None:
    """Not dumpable, or a daemon."""
    code = (
        f"import ctypes, os, time\nif os.fork() == 0:\n {hides}; held = b'x' * 400_000_000; time.sleep(60)\nos.wait()"
    )
    result = ran(workspace, tmp_path / "store", "python3", "-c", code, memory_bytes=200_000_000)
    assert result.exceeded.endswith(" of memory; the limit is 200 MB")


def test_the_machine_keeps_some_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    total, free = usage._machine()
    assert 0 < free < total

    def looks(*free: int) -> list[usage.Exceeded | None]:
        frees = iter(free)
        monkeypatch.setattr(usage, "_machine", lambda: (32_000, next(frees)))
        watch = usage.Usage(REQUEST, lambda _: None)
        return [watch._of_machine() for _ in free]

    assert looks(20_000, 1_000, 999) == [None, None, ("machine", 999, 1_000)]
    assert looks(600, 300, 299) == [None, None, ("machine", 299, 300)]  # it had little to begin with


def test_the_kernel_would_end_the_action_first_and_its_init_last(inside) -> None:
    ours = Path("/proc/self/oom_score_adj").read_text()
    # A moment later: init lowers its own again once the command is on its way.
    seen = inside("bash", "-c", "sleep 0.5; cat /proc/self/oom_score_adj /proc/1/oom_score_adj")[1]
    assert seen == f"1000\n{ours}"


def test_what_is_told_of_each_limit() -> None:
    assert exceeded.sentence("memory", 2.1e9, 2e9) == "used 2.1 GB of memory; the limit is 2 GB"
    assert exceeded.sentence("processes", 1513, 512) == "ran 1,513 processes and threads at once; the limit is 512"
    assert exceeded.sentence("cpu", 60.04, 60.0) == "used 60 seconds of processor time; the limit is 60"
    assert exceeded.sentence("files", 250_001, 250_000) == "wrote 250,001 files and folders; the limit is 250,000"
    assert exceeded.sentence("written", 21e9, 20e9) == "wrote 21 GB; the limit is 20 GB"
    assert exceeded.sentence("machine", 5e8, 7e8).startswith("left this machine with only 500 MB of memory; 700 MB")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_processes_of_another_user_count(workspace: Path, tmp_path: Path) -> None:
    """Root's actions may become anybody the machine has."""
    code = (
        "import os, time; os.setgroups([]); os.setuid(12); assert os.getresuid() == (12, 12, 12)\n"
        "held = b'x' * 400_000_000; time.sleep(60)"
    )
    assert "of memory" in ran(workspace, tmp_path / "store", "python3", "-c", code, memory_bytes=200_000_000).exceeded
