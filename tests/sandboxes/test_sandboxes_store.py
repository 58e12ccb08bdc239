"""The local sandbox's layers on disk: many of them, squashed, shared, and over files that are not ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentrt.contracts import Confinement
from agentrt.records import Snapshot
from agentrt.sandboxes.local import LocalSandbox
from agentrt.testing.sandbox_kit import Ground, ground
from agentrt.testing.trees import differences


def open_local(workspace: Path, store: Path) -> LocalSandbox:
    return LocalSandbox(workspace=workspace, store=store, confinement=Confinement())


_KINDS = (
    "rm -rf a README; mkdir a; echo {n} > a/x; echo {n} > a/y{n}",
    "rm -rf a; ln -s src a; rm -rf src/lib",
    "rm -rf a; echo {n} > a; mkdir -p src/lib; echo {n} > src/lib/util.py",
    "rm -f a; mkfifo a; ln src/main.py hard{n}; chmod 7{n}0 src; touch -d 2001-01-01 src",
    "rm -rf hard*; mkdir -p README; rmdir README; echo {n} > README; ln README second; mv second third",
    "rm -rf third docs; mkdir -p docs/deep/{n}; chmod 000 docs/deep/{n}",
    'python3 -c \'import os; [os.setxattr("build", n, b"{n}") for n in ("user.overlay.opaque", "user.x")]\'',
    "rm -rf build/out; echo {n} > ~/h; rm -f /tmp/[0-9]; echo {n} > /tmp/{n}",
)


def test_more_layers_than_the_kernel_stacks() -> None:
    """Over 600 actions in one line, of every kind. Squashing goes on behind them and changes nothing that is seen."""

    async def scenario() -> None:
        async with ground(open_local) as made:
            sandbox, snapshots, views = made.sandbox, [Snapshot()], {}
            for number in range(1, 641):
                await sandbox.begin(made.name())
                if number % 6 == 0:
                    script = _KINDS[number // 6 * 5 % len(_KINDS)].replace("{n}", str(number % 8))
                    await made.bash(f"set +e; {script}; true")
                else:
                    await sandbox.write(f"d{number % 7}/f{number % 40}", b"%d" % number)
                snapshots.append(await sandbox.seal())
                if number in (30, 63, 64, 65, 200, 330, 500, 640):
                    views[number] = await made.view()
            assert len(snapshots[-1].layers) > 600
            await _squashed(made, 9)
            for number, view in reversed(views.items()):
                await sandbox.restore(snapshots[number])
                assert not differences(view, await made.view()), f"back to {number}"

    asyncio.run(scenario())


async def _squashed(made: Ground, number: int) -> None:
    deadline = time.monotonic() + 30
    while sum(name.startswith(".squash-") for name in os.listdir(made.store)) < number:
        assert time.monotonic() < deadline, "the layers were not squashed"
        await asyncio.sleep(0.1)
        await made.act("date +%N > stamp")  # squashing is looked after when a layer is sealed


def test_two_sandboxes_share_a_store() -> None:
    async def scenario() -> None:
        async with ground(open_local) as made:
            others = [made.open() for _ in range(3)]
            for number, other in enumerate(others):
                await other.start(Snapshot())
                await other.begin(f"s{number + 2}.1")
            await asyncio.gather(*(made.bash(f"echo {n} > n; sleep 0.1", on=other) for n, other in enumerate(others)))
            sealed = await asyncio.gather(*(other.seal() for other in others))
            assert [await other.read("n") for other in others] == [b"0\n", b"1\n", b"2\n"]
            assert len({snapshot.layers for snapshot in sealed}) == 3
            assert sorted(name for name in os.listdir(made.store) if not name.startswith(".")) == [
                "s2.1",
                "s3.1",
                "s4.1",
            ]

    asyncio.run(scenario())


def test_removed_layers_are_gone() -> None:
    async def scenario() -> None:
        async with ground(open_local) as made:
            first = await made.act("echo 1 > a; mkdir -m 000 shut")
            second = await made.act("echo 2 > a")
            await made.sandbox.restore(first)
            sandbox = made.sandbox
            assert isinstance(sandbox, LocalSandbox)
            await sandbox.remove([second.layers[-1]])
            assert second.layers[-1] not in os.listdir(made.store)
            assert b"a" in await made.view()

    asyncio.run(scenario())


def test_git_mv_of_a_folder() -> None:
    """Renaming a folder of the workspace is EXDEV on an overlay: mv copies, git says so and changes nothing."""
    repository = "git init -q; git add .; git -c user.name=a -c user.email=a@b commit -qm one"

    async def scenario() -> None:
        async with ground(open_local) as made:
            made.host(repository)
            await made.sandbox.begin("s1.1")
            result, printed = await made.run("git", "mv", "src", "source")
            if result.exit_code != 0:
                assert b"Invalid cross-device link" in printed
                assert await made.bash("git status --porcelain; ls -d src") == b"src\n"
            await made.bash("test -d source || { mv src source; git add -A; }")
            assert b"source/main.py" in await made.bash("git status --porcelain")

    asyncio.run(scenario())


_AS_ANOTHER = """
import asyncio, json, sys
from pathlib import Path
from agentrt.contracts import Confinement
from agentrt.records import Snapshot
from agentrt.sandboxes.local import LocalSandbox

async def main(folder):
    sandbox = LocalSandbox(workspace=Path(folder, "workspace"), store=Path(folder, "store"), confinement=Confinement())
    await sandbox.start(Snapshot())
    told = []
    for number, script in enumerate(json.load(sys.stdin)):
        await sandbox.begin(f"s1.{number}")
        result = await sandbox.exec(["bash", "-c", script])
        before = sandbox._standing
        sealed = await sandbox.seal()
        effects = await sandbox.changes(before, sealed)
        kept = await sandbox.keep(sealed, await sandbox.changes(Snapshot(), sealed), f"k.{number}")
        assert await sandbox.changes(sealed, kept) == [], script
        told.append([result.exit_code, [[e.path, e.change] for e in effects]])
    await sandbox.close()
    print(json.dumps(told))

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")
def test_files_of_another_user(tmp_path: Path) -> None:
    """What the user may do to them outside can be measured inside; what an overlay cannot do is the command's error."""
    reachable = {"user": 12345, "group": 12345, "extra_groups": []}
    with contextlib.suppress(PermissionError):
        subprocess.run([sys.executable, "-c", ""], check=True, **reachable)
        reachable = {}
    if reachable:
        pytest.skip("this interpreter lies where no other user may run it")
    workspace, store = tmp_path / "workspace", tmp_path / "store"
    for folder in (workspace, workspace / "theirs", workspace / "shut", store):
        folder.mkdir()
    (workspace / "secret").write_text("secret")
    (workspace / "secret").chmod(0o600)
    (workspace / "theirs/file").write_text("theirs")
    (workspace / "shut").chmod(0o700)
    for folder in (workspace, store):
        os.chown(folder, 12345, 12345)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o711)
    tmp_path.chmod(0o711)
    scripts = ("cat secret", "cat theirs/file > mine", "rm -f secret", "echo x >> theirs/file", "mkdir -p new/theirs")
    done = subprocess.run(
        [sys.executable, "-c", _AS_ANOTHER, str(tmp_path)],
        input=json.dumps(scripts), text=True, capture_output=True, user=12345, group=12345, extra_groups=[],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        [1, []],
        [0, [["mine", "created"]]],
        [0, [["secret", "deleted"]]],
        [1, []],
        [0, [["new", "created"], ["new/theirs", "created"]]],
    ]
    assert (workspace / "secret").read_text() == "secret"
