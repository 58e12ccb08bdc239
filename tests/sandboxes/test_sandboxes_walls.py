"""Landlock beside the mounts, and what becomes of a sandbox where the kernel lacks a wall."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentrt.contracts import Confinement, Wall
from agentrt.errors import SandboxUnavailable
from agentrt.records import Snapshot
from agentrt.sandboxes.local import LocalSandbox, walls
from agentrt.sandboxes.local.inside import init, landlock

LACKING = Path(__file__).with_name("lacking.py")
ABI = landlock.abi()
needs_landlock = pytest.mark.skipif(landlock.OLDEST > ABI, reason="this kernel has no Landlock to speak of")

_WALLED = """
import os, signal, socket, sys
from agentrt.sandboxes.acting import privilege
from agentrt.sandboxes.local.inside import landlock

top, version = sys.argv[1], int(sys.argv[2])
os.chdir(top)
listening = socket.socket(socket.AF_UNIX)
listening.bind(b"\\0agentrt-" + str(os.getpid()).encode())
listening.listen()
host = os.getpid()
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
privilege.prctl(38, 1)
wall = landlock.Wall(version)
wall.let_change(os.fsencode(top) + b"/own")
wall.let_write(os.fsencode(top) + b"/devices")
wall.enforce()

def works(name, action):
    try: action()
    except OSError: return
    print(name)

def put(path):
    with open(path, "w") as file: file.write("x")

works("write outside", lambda: put("other/kept"))
works("create outside", lambda: put("other/new"))
works("make a folder outside", lambda: os.mkdir("other/folder"))
works("remove outside", lambda: os.unlink("other/kept"))
works("rename outside", lambda: os.rename("other/kept", "other/gone"))
works("rename out of it", lambda: os.rename("own/a/file", "other/file"))
works("rename into it", lambda: os.rename("other/kept", "own/kept"))
works("link into it", lambda: os.link("other/kept", "own/kept"))
works("truncate outside", lambda: os.truncate("other/kept", 0))
works("create among devices", lambda: put("devices/new"))
works("signal outside", lambda: os.kill(host, 0))
works("connect outside", lambda: socket.socket(socket.AF_UNIX).connect(b"\\0agentrt-" + str(host).encode()))
works("read outside", lambda: open("other/kept").read())
works("write a device", lambda: put("devices/there"))
works("create within", lambda: put("own/new"))
works("rename across folders", lambda: os.rename("own/a/file", "own/b/moved"))
works("link across folders", lambda: os.link("own/b/moved", "own/a/again"))
works("rename a folder across folders", lambda: os.rename("own/a/inner", "own/b/inner"))
works("remove within", lambda: os.unlink("own/new"))
works("unnamed file", lambda: os.close(os.open("own", os.O_TMPFILE | os.O_RDWR)))
works("write to a pipe by name", lambda: put(f"/proc/self/fd/{os.pipe()[1]}"))
works("signal a child", lambda: os.kill(0, 0))
"""
"""Walled in on plain folders, with no mount and no namespace to help."""
_ORDINARY = (
    """
read outside|write a device|create within|rename across folders|link across folders|rename a folder across folders
remove within|unnamed file|write to a pipe by name|signal a child
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@needs_landlock
@pytest.mark.parametrize("version", range(landlock.OLDEST, max(ABI, landlock.OLDEST) + 1))
def test_nothing_is_written_but_where_it_may_be_without_any_mount(tmp_path: Path, version: int) -> None:
    """Of every version, as far as this kernel's: what an older one cannot refuse is let through."""
    for folder in ("own/a/inner", "own/b", "other", "devices"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("own/a/file", "other/kept", "devices/there"):
        (tmp_path / file).write_text("as it was")
    done = subprocess.run(
        [sys.executable, "-c", _WALLED, tmp_path, str(version)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and done.stderr == ""
    later = ["truncate outside"] * (version < 3) + ["signal outside", "connect outside"] * (version < 6)
    assert done.stdout.splitlines() == later + _ORDINARY
    assert sorted(os.listdir(tmp_path / "other")) == ["kept"]
    assert (tmp_path / "other/kept").read_text() == ("as it was" if version >= 3 else "")


@needs_landlock
def test_every_action_is_behind_it(inside) -> None:
    """The kernel stacks 16 at most (landlock(7)): who is behind one already can put up 15 more."""
    code = """
import ctypes, struct
call = ctypes.CDLL(None, use_errno=True).syscall
rules = call(444, struct.pack("=Q", 2), ctypes.c_size_t(8), 0)
count = 0
while call(446, rules, 0) == 0: count += 1
print(rules > 0, count)
"""
    assert inside("python3", "-c", code)[1] == "True 15\n"


def test_ordinary_work_goes_on_behind_it(inside) -> None:
    script = r"""
set -e
git init -q . && git config user.email a@b && git config user.name n
mkdir -p deep/er && echo 1 > deep/er/file && git add -A && git commit -qm one
mv deep/er/file top && mv deep /tmp/deep && mv /tmp/deep ~/deep && ln top ~/../agent/other 2>/dev/null || true
mktemp >/dev/null; mktemp -d /var/tmp/x.XXXX >/dev/null
echo out > /dev/stdout; echo err | tee /dev/stderr >/dev/null; echo nothing > /dev/null
echo name > /proc/self/comm; echo 900 > /proc/self/oom_score_adj
trap 'echo signalled' USR1; kill -USR1 $$
sleep 30 & kill $! ; wait $! || true
"""
    code = r"""
import fcntl, os, pty, socket, tempfile, termios
with tempfile.TemporaryFile(dir=".") as file: file.write(b"x")
os.rename(tempfile.mkstemp(dir="/dev/shm")[1], "/dev/shm/renamed")
one, two = os.openpty()
fcntl.ioctl(one, termios.TIOCSWINSZ, b"\x10\0\x20\0\0\0\0\0")
with open(os.ttyname(two), "w") as terminal: terminal.write("typed\n")
print(os.get_terminal_size(two).lines, os.read(one, 100))
listening = socket.socket(socket.AF_UNIX); listening.bind("\0own"); listening.listen()
if os.fork() == 0:
    socket.socket(socket.AF_UNIX).connect("\0own"); os._exit(0)
print("met", bool(listening.accept()))
os.wait()
memory = os.memfd_create("m")
with open(f"/proc/self/fd/{memory}", "w") as again: again.write("y")
"""
    result, printed = inside("bash", "-c", script)
    assert (result.exit_code, printed) == (0, "out\nerr\nsignalled\n")
    result, printed = inside("python3", "-c", code)
    assert (result.exit_code, printed) == (0, "16 b'typed\\r\\n'\nmet True\n")


def test_an_init_without_it_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    for version in range(landlock.OLDEST):
        monkeypatch.setattr(init, "_LANDLOCK", version)
        assert init._walls(None) is None


@pytest.mark.parametrize(
    ("version", "told"), ((0, "this kernel has no Landlock, or it is switched off"), (1, "ABI 1) is too old"))
)
def test_one_that_is_too_old_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, version: int, told: str) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: version)
    assert told in walls.absent("landlock")
    with pytest.raises(SandboxUnavailable, match="the policy requires landlock, and this kernel") as caught:
        walls.check(["landlock"])
    assert caught.value.cause == "required" and "`require`" in caught.value.hint
    walls.check(["seccomp"])


def test_a_policy_may_insist_on_what_is_there(workspace: Path, tmp_path: Path) -> None:
    async def scenario() -> int:
        confinement = Confinement(require=("landlock", "seccomp"))
        sandbox = LocalSandbox(workspace=workspace, store=tmp_path / "store", confinement=confinement)
        await sandbox.start(Snapshot())
        try:
            await sandbox.begin("s1.1")
            return (await sandbox.exec(["true"])).exit_code
        finally:
            await sandbox.close()

    assert asyncio.run(scenario()) == 0


@pytest.mark.parametrize("wall", ("landlock", "seccomp"))
class TestLacking:
    """A kernel without one wall."""

    @staticmethod
    def agentrt(tmp_path: Path, wall: Wall, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "AGENTRT_SANDBOX": "local"}
        argv = [sys.executable, LACKING, wall, sys.executable, "-m", "agentrt", *words]
        return subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)

    def test_actions_run_and_doctor_names_it(self, workspace: Path, tmp_path: Path, wall: Wall) -> None:
        done = self.agentrt(tmp_path, wall, "exec", "--", "echo ran; touch /usr/x", cwd=workspace)
        assert done.stdout.startswith("ran\n") and "Read-only" in done.stdout and done.returncode == 1
        done = self.agentrt(tmp_path, wall, "doctor", cwd=workspace)
        assert done.returncode == 0 and f"absent  local: {wall}: this kernel has no " in done.stdout
        assert "MISSING" not in done.stdout and "active: local" in done.stdout

    def test_who_insists_is_told_that_it_is_missing(self, workspace: Path, tmp_path: Path, wall: Wall) -> None:
        done = self.agentrt(tmp_path, wall, "doctor", "--require", wall, "--json", cwd=workspace)
        document = json.loads(done.stdout)
        assert (done.returncode, document["active"]) == (5, None)
        assert [check["name"] for check in document["checks"] if not check["ok"]] == [wall]
        (workspace / ".agentrt").mkdir()
        (workspace / ".agentrt/policy.yaml").write_text(f"require: [{wall}]\n")
        done = self.agentrt(tmp_path, wall, "exec", "--", "touch ran", cwd=workspace)
        assert done.returncode == 5 and f"the policy requires {wall}" in done.stderr and "hint: " in done.stderr
        assert not (workspace / "ran").exists()
