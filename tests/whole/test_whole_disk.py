"""A full disk: the action is rolled back and said so, the journal stays readable, and room made is room to go on.

Everything happens on small file systems in a mount namespace of the test's own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from warm import Warm

FULL = "No space left on device"


class SmallDisk:
    """A mount namespace with little file systems in it. The command line and scripts run inside."""

    def __init__(self, folder: Path) -> None:
        self.work, self.disk = folder / "work", folder / "disk"
        for path in (self.work, self.disk):
            path.mkdir()
        (self.work / "kept").write_text("kept\n")
        kind = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        self._warm: Warm | None = None
        self._holder = subprocess.Popen(
            ["unshare", *kind, "--mount", "sh", "-c", "echo ready; read end"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            self.close()
            pytest.skip("neither root nor a user namespace that may mount")
        self._enter = ["nsenter", "--target", str(self._holder.pid), "--mount", f"--wd={self.work}"]
        self._enter += ["--user", "--preserve-credentials"] if kind else []

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_STATE_HOME": str(self.disk)}
        command = [*self._enter, "--", *argv]
        return subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command line, running."""
        command = [*self._enter, "--", sys.executable, "-m", "agentrt", *words]
        environment = {**os.environ, "XDG_STATE_HOME": str(self.disk)}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def sh(self, script: str) -> str:
        done = self.run("sh", "-euc", script)
        assert done.returncode == 0, (script, done.stderr)
        return done.stdout

    def mount(self, place: Path, *, megabytes: int, kind: str = "tmpfs") -> None:
        """An empty file system at ``place``; as good as any for what is tested here."""
        if kind == "tmpfs":
            self.sh(f"mount -t tmpfs -o size={megabytes}m,mode=755 small '{place}'")
            return
        image = place.with_name(f"{place.name}.image")
        made = self.run(
            "sh",
            "-euc",
            f"truncate -s {megabytes}M '{image}'; mkfs.ext4 -qm0 '{image}'; mount -o loop '{image}' '{place}'",
        )
        if made.returncode:
            pytest.skip(f"no loop mounts here: {made.stderr.strip()}")

    def agentrt(self, *words: str) -> subprocess.CompletedProcess[str]:
        if self._warm is None:
            self._warm = Warm(before=[*self._enter, "--"])
        ran = self._warm.run(words, cwd=self.work, env={**os.environ, "XDG_STATE_HOME": str(self.disk)})
        told = (ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace"))
        done = subprocess.CompletedProcess(ran.args, ran.returncode, *told)
        assert not any("Traceback" in text or "this is a bug" in text for text in told), (words, done)
        return done

    def ok(self, *words: str) -> str:
        done = self.agentrt(*words)
        assert done.returncode == 0, (words, done)
        return done.stdout

    def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.ok("log", "--json"))
        return found

    def store(self) -> Path:
        return Path(self.sh(f"ls -d '{self.disk}'/agentrt/workspaces/*").strip())

    def fill(self, place: Path, *, leave: int = 0) -> None:
        """With a file of the user's. ``leave``: so many bytes stay free."""
        self.run("sh", "-c", f"head -c 1G /dev/zero > '{place}/filler'")
        if leave:
            self.sh(f"truncate -s -{leave} '{place}/filler'")

    def fill_again(self, place: Path) -> None:
        """With a second file, what the first left."""
        self.run("sh", "-c", f"cat /dev/zero >> '{place}/filler'")

    def free(self, place: Path) -> None:
        self.sh(f"rm '{place}/filler'")

    def check_untouched(self) -> None:
        """The real workspace, as far as a careful look goes."""
        assert sorted(self.sh("ls -A").split()) == ["kept"]
        assert (self.work / "kept").read_text() == "kept\n"

    def check_goes_on(self) -> None:
        """Act, undo, look: nothing is in the way any more."""
        self.ok("exec", "--", "test ! -e big && echo next > next")
        assert self.log()[-1]["effects"][0]["path"] == "next"
        self.ok("undo")
        self.ok("redo")
        assert self.ok("exec", "--", "cat next kept") == "next\nkept\n"

    def close(self) -> None:
        if self._warm is not None:
            self._warm.close()
        self._holder.communicate(b"\n", timeout=10)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallDisk]:
    made = SmallDisk(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["tmpfs", "ext4"])
def state(request: pytest.FixtureRequest, small: SmallDisk) -> SmallDisk:
    """The state folder is a small disk, on which one action has been recorded."""
    if request.param == "ext4" and os.geteuid() != 0:
        pytest.skip("only root may mount an image")
    small.mount(small.disk, megabytes=12, kind=request.param)
    first = small.agentrt("exec", "--", "echo one > one")
    if first.returncode == 5:
        pytest.skip(f"no sandbox over {request.param}: {first.stderr}")
    assert first.returncode == 0, first
    return small


def failed(disk: SmallDisk, *words: str, code: int, number: int) -> str:
    """Run an act that must fail and be rolled back; what was said."""
    done = disk.agentrt(*words)
    assert done.returncode == code, done
    operation = disk.log()[number - 1]
    assert (operation["status"], operation["effects"]) == ("failed", []), operation
    assert operation["observation"]["error"] in done.stderr
    assert f"operation {number} failed: " in done.stderr
    assert f"operation {number}: act by user, failed" in disk.ok("show", str(number))
    return done.stderr


def test_the_action_fills_the_disk(state: SmallDisk) -> None:
    """The command is told by the kernel, or stopped just before. What it wrote would leave no room to say so: it is
    rolled back."""
    done = state.agentrt("exec", "--", "echo small > small; head -c 100M /dev/zero > big; echo head said $?")
    stopped = done.returncode == 3
    if not stopped:
        assert f"head: error writing 'standard output': {FULL}" in done.stdout and "head said 1" in done.stdout
    assert done.returncode in (125, 3) and "rolled back" in done.stderr, done
    assert [operation["status"] for operation in state.log()] == ["settled", "rolled_back" if stopped else "failed"]
    assert "rolled back" in state.ok("show", "2")
    state.check_untouched()
    state.check_goes_on()
    assert state.ok("exec", "--", "ls") == "kept\nnext\none\n"


def test_the_action_stays_within_what_is_left(state: SmallDisk) -> None:
    """It fails to write, deletes what it wrote, and all else it did is kept; or it is stopped before, and nothing is.

    On a busy machine it may fill the disk before anybody has looked: then it could not be carried out, which is said.
    """
    done = state.agentrt("exec", "--", "head -c 100M /dev/zero > big || rm big; echo small > small")
    last = state.log()[-1]
    if done.returncode == 0:
        assert [effect["path"] for effect in last["effects"]] == ["small"]
    else:
        # Stopped after it had deleted what it wrote, there is nothing to roll back for.
        assert (done.returncode, last["status"]) in ((3, "rolled_back"), (137, "settled"), (125, "failed")), done
        assert ("No space left" if last["status"] == "failed" else "stopped: it left") in done.stderr
        state.ok("exec", "--", "echo small > small")
    state.check_untouched()
    state.check_goes_on()


def test_interrupted_with_the_disk_full(small: SmallDisk) -> None:
    """What had not been sealed makes room as well."""
    small.mount(small.disk, megabytes=8)
    small.ok("exec", "--", "echo one > one")
    with small.start("exec", "--", "head -c 1G /dev/zero > big; echo full; sleep 100") as process:
        assert process.stdout is not None and process.stderr is not None
        said = process.stdout.readline() + process.stdout.readline()
        process.send_signal(signal.SIGINT)
        code, told = process.wait(20), process.stderr.read()
    last = small.log()[-1]
    if last["status"] == "rolled_back":  # it was stopped before that
        assert "stopped: it left" in told and code in (3, 130)
    else:
        assert FULL in said and "full\n" in said and (code, told) == (130, "agentrt: interrupted\n")
        assert (last["id"], last["status"], last["observation"]["error"]) == (2, "failed", "interrupted")
    small.check_untouched()
    small.check_goes_on()


def test_a_full_disk_is_not_worked_on_and_undo_gets_one_out(state: SmallDisk) -> None:
    """Nothing is run that could not be written down; what was kept for this is enough to go back and to look."""
    state.fill(state.disk)
    for words in (["exec", "--", "touch ran"], ["new"]):
        done = state.agentrt(*words)
        assert done.returncode == (125 if words[0] == "exec" else 1), done
        assert "are free on the disk of" in done.stderr or "no room to write the journal" in done.stderr
        assert "\nhint: make room" in done.stderr
    asked = json.loads(state.agentrt("exec", "--json", "--", "touch ran").stdout)
    assert asked["error"]["code"] == "disk-full"
    assert [operation["id"] for operation in state.log()] == [1]
    assert "created   one" in state.ok("show", "1")
    state.ok("sessions")
    state.ok()
    doctor = state.agentrt("doctor")
    assert doctor.returncode == 5 and FULL in doctor.stdout, doctor
    state.ok("undo")
    state.ok("redo")
    state.ok("gc")
    assert [operation["kind"] for operation in state.log()] == ["act", "undo", "redo"]
    state.free(state.disk)
    state.check_untouched()
    state.check_goes_on()


@pytest.mark.parametrize("leave", [4096 * n for n in (4, 16, 24, 32, 64)])
def test_room_ends_somewhere_on_the_way(small: SmallDisk, leave: int) -> None:
    """However much is left: an operation is written whole or not at all, and the next one goes well."""
    small.mount(small.disk, megabytes=8)
    assert small.agentrt("exec", "--", "echo one > one").returncode in (0, 5)
    small.ok("exec", "--", "true")
    script = "for i in 1 2 3; do head -c 9000 /dev/urandom > f$i; done; rm kept; exit 0"
    with small.start("exec", "--", f"echo begun; sleep 1; {script}") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        small.fill(small.disk, leave=leave)
        done = subprocess.CompletedProcess([], process.wait(30), "", process.stderr.read())
    operations = small.log()
    assert operations[0]["status"] == "settled"
    last = operations[2]
    if done.returncode == 0:
        assert last["status"] == "settled" and len(last["effects"]) in range(1, 5)
    elif done.returncode in (3, 137):
        assert "stopped: it left" in done.stderr
        assert last["status"] == ("rolled_back" if done.returncode == 3 else "settled")
    else:
        assert done.returncode == 125 and done.stderr.startswith("agentrt: "), done
        assert last["status"] in ("failed", "intent") and not last["effects"], operations
        assert FULL in done.stderr or "no room" in done.stderr
    small.ok("show", str(len(operations)))
    small.free(small.disk)
    small.check_untouched()
    if last["status"] == "settled":
        small.ok("undo")
    small.check_goes_on()


def test_gc_on_a_full_disk(state: SmallDisk) -> None:
    """Garbage goes, also when the journal cannot be opened for writing until some of it has gone."""
    store = state.store()
    for reserve in (True, False):
        state.sh(f"mkdir -p '{store}/layers/s9.9/work'; head -c 1M /dev/urandom > '{store}/layers/s9.9/work/x'")
        if not reserve:
            state.sh(f"rm -f '{store}/reserve'")
        state.fill(state.disk)
        state.fill_again(state.disk)
        assert "layers" in state.ok("gc") or not reserve
        assert not state.sh(f"ls -d '{store}'/layers/s9.9 || true")
        state.free(state.disk)
        state.check_untouched()
        state.ok("exec", "--", "true")
    state.check_goes_on()


def test_what_a_killed_action_left_is_room_for_gc(state: SmallDisk) -> None:
    with state.start("exec", "--", "head -c 3M /dev/urandom > big; echo made; sleep 100") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "made\n"
        process.kill()
    state.fill(state.disk)
    for _ in range(50):  # its server sees that it is alone, and leaves
        done = state.agentrt("gc")
        if done.returncode == 0 and not state.sh(f"ls -d '{state.store()}'/layers/.run-* 2>/dev/null || true"):
            break
        time.sleep(0.1)
    state.free(state.disk)
    state.check_untouched()
    state.check_goes_on()


def test_too_few_names_left(small: SmallDisk) -> None:
    """A disk may have room, and no room for one more file."""
    small.sh(f"mount -t tmpfs -o size=64m,nr_inodes=400,mode=755 small '{small.disk}'")
    if small.agentrt("exec", "--", "echo one > one").returncode == 5:
        pytest.skip("no sandbox over tmpfs")
    small.sh(f"mkdir '{small.disk}/names'; i=0; while touch '{small.disk}/names/'$i 2>/dev/null; do i=$((i+1)); done")
    done = small.agentrt("exec", "--", "touch ran")
    assert done.returncode == 125 and "more files fit on the disk" in done.stderr, done
    small.sh(f"rm -r '{small.disk}/names'")
    small.check_goes_on()


@pytest.mark.damages_the_store  # the disk its later layers are on is gone with its namespace
def test_sealing_fails(small: SmallDisk) -> None:
    """The layers' disk has no room for one more name; the journal is on another and tells."""
    small.ok("exec", "--", "echo one > one")
    layers, copy = small.store() / "layers", small.disk / "layers.tar"
    small.sh(f"cd '{layers}'; tar -cf '{copy}' --exclude='.run-*' .")
    small.sh(f"mount -t tmpfs -o size=8m,nr_inodes=200 small '{layers}'; tar -C '{layers}' -xf '{copy}'")
    fill = "i=0; while touch f$i 2>/dev/null; do i=$((i+1)); done; echo made $i > /dev/stdout"
    done = small.agentrt("exec", "--", f"touch ~/too; {fill}")
    assert done.returncode in (125, 137), done
    if done.returncode == 137:  # it was seen in time, and stopped: there was a name left for the layer
        assert "stopped: it left" in done.stderr
        small.ok("undo")
        small.ok("gc")
        return
    assert small.log()[1]["status"] == "failed" and "rolled back" in done.stderr and FULL in done.stderr
    assert not small.sh(f"ls -d '{layers}'/s1.2 || true"), "its layer takes room still"
    small.check_untouched()
    small.check_goes_on()
    assert small.ok("exec", "--", "ls . ~") == ".:\nkept\nnext\none\n\n/home/agent:\n"


def test_the_whole_output_cannot_be_kept(small: SmallDisk) -> None:
    """The action is as good as without: what was printed is shown, and how much of it is kept is said."""
    small.ok("exec", "--", "true")
    outputs = small.store() / "outputs"
    small.mount(outputs, megabytes=1)
    small.ok("exec", "--", "seq 1 400000; echo made > made")
    whole = "".join(f"{number}\n" for number in range(1, 400001))
    seen = small.log()[1]
    assert seen["status"] == "settled" and [effect["path"] for effect in seen["effects"]] == ["made"]
    observation = json.loads(small.ok("show", "2", "--json"))["observation"]
    assert observation["truncated"] and observation["output_bytes"] == len(whole)
    assert "only the first 1,048,576 bytes were kept, `read` with `output: 2` shows them" in observation["output"]
    assert observation["output"].startswith("1\n2\n") and observation["output"].endswith("399999\n400000\n")
    assert small.ok("show", "2", "--output") == whole[:1048576]
    small.ok("exec", "--", "seq 1 400000")
    assert "not kept: the disk is full" in small.ok("show", "3")
    small.check_untouched()
    small.check_goes_on()


@pytest.mark.parametrize("megabytes", [1, 3, 5])
def test_an_apply_runs_out_of_room_half_way(small: SmallDisk, megabytes: int) -> None:
    """The workspace's own disk is full: it is as it was, and with room the same apply goes well."""
    small.mount(small.work, megabytes=7)
    small._enter = [word if not word.startswith("--wd=") else f"--wd={small.work}" for word in small._enter]
    script = "echo kept > kept; mkdir -p deep/er; echo old > changed; head -c 300K /dev/zero | tr '\\0' x > deep/old"
    small.sh(f"cd '{small.work}'; {script}; find . -exec touch -h -d @1700000000 {{}} +")
    look = f"cd '{small.work}'; find . -mindepth 1 ! -name filler -printf '%p %y %m %s %T@\\n' | sort; cat kept changed"
    small.ok("--workspace", str(small.work), "exec", "--", """
        for i in 1 2 3 4 5; do head -c 1M /dev/urandom > deep/new$i; done
        echo new > changed; rm deep/old; chmod 700 deep""")  # fmt: skip
    small.fill(small.work, leave=megabytes << 20)
    before = small.sh(look)
    done = small.agentrt("--workspace", str(small.work), "apply")
    if done.returncode == 0:
        assert megabytes == 5
    else:
        assert done.returncode == 1 and FULL in done.stderr and "nothing was changed" in done.stderr, done
        assert small.sh(look) == before
        operation = json.loads(small.ok("--workspace", str(small.work), "log", "--json"))[-1]
        assert (operation["kind"], operation["status"]) == ("apply", "failed")
        small.free(small.work)
        small.ok("--workspace", str(small.work), "apply")
        small.ok("--workspace", str(small.work), "undo")
        assert small.sh(look) == before
        small.ok("--workspace", str(small.work), "redo")
    assert small.sh(f"cd '{small.work}'; cat changed; ls -p deep | grep -v /") == "new\n" + "".join(
        f"new{i}\n" for i in range(1, 6)
    )
    assert not small.sh(f"cd '{small.work}'; find . -name '.agentrt*'")
