"""What an action finds itself in: as the engine says, and as it looks from inside."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from attack_ground import hostile
from images_ground import building

from agentrt.contracts import Confinement
from agentrt.errors import SandboxUnavailable
from agentrt.sandboxes.acting.command import _SLACK
from agentrt.sandboxes.docker import engine as docker_engine
from agentrt.sandboxes.docker.engine import About
from agentrt.sandboxes.docker.labels import STORE, store_name

INSIDE = """
import ctypes, glob, json, os, socket, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
def works(action):
    try: action()
    except OSError: return False
    return True
def put(path):
    with open(path, "w") as file: file.write("x")
libc = ctypes.CDLL(None, use_errno=True)
print(json.dumps({
    "ids": sorted(set(os.getresuid() + os.getresgid())), "groups": os.getgroups(),
    "capabilities": sorted({status[name].strip() for name in status if name.startswith("Cap")}),
    "walls": [status["NoNewPrivs"].strip(), status["Seccomp"].strip()],
    "links": os.listdir("/sys/class/net"),
    "sockets": [path for path in ("/var/run/docker.sock", "/run/docker.sock", sys.argv[1]) if os.path.exists(path)],
    "writable": [path for path in ("/x", "/usr/x", "/etc/x", "/dev/x", "/proc/sys/kernel/core_pattern", "/sys/x",
                                   "/sys/fs/cgroup/x", "/run/x", "/var/x") if works(lambda: put(path))],
    "calls": [name for name, call in {
        "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        "unshare": lambda: libc.unshare(0x10000000), "ptrace": lambda: libc.ptrace(16, 1, 0, 0),
        "chroot": lambda: libc.chroot(b"/tmp"), "setuid": lambda: libc.setuid(0), "sethostname": lambda: libc.sethostname(b"x", 1),
        "mknod": lambda: libc.mknod(b"/tmp/device", 0o20666, 0x103)}.items() if call() == 0],
    "devices": sorted(name for name in os.listdir("/dev") if os.path.exists("/dev/" + name)),
    "mounts": sorted({line.split(" - ")[1].split()[0] for line in open("/proc/self/mountinfo")}),
    "first": open("/proc/1/comm").read().strip(), "host": socket.gethostname(),
}))
"""


def test_walls_from_inside(engine: Any, tmp_path: Path) -> None:
    async def scenario() -> dict[str, Any]:
        async with hostile(tmp_path) as made:
            _, changed = await made.undone("touch ran")
            assert changed == {("ran", "created")}
            await made.begin()
            result, printed = await made.run(["python3", "-c", INSIDE, f"{tmp_path}/store"])
            assert result.exit_code == 0, printed
            found: dict[str, Any] = json.loads(printed)
            return found

    found = asyncio.run(scenario())
    assert 0 not in found["ids"] and len(found["ids"]) == 1 and 0 not in found["groups"]
    assert found["capabilities"] == ["0000000000000000"]
    assert found["walls"] == ["1", "2"]
    assert found["links"] == ["lo"]
    assert found["sockets"] == found["writable"] == found["calls"] == []
    assert not {"kmsg", "mem", "sda", "kvm", "fuse"} & set(found["devices"])
    assert found["host"] == "agentrt"


def test_walls_as_the_engine_says(engine: Any, tmp_path: Path) -> None:
    async def scenario() -> dict[str, Any]:
        async with hostile(tmp_path, memory="200 MB", cpus=0.5, processes=64) as made:
            await made.act("true")
            [held] = engine.api.containers(filters={"label": f"{STORE}={store_name(tmp_path / 'store')}"})
            inspected: dict[str, Any] = engine.api.inspect_container(held["Id"])
            return inspected

    inspected = asyncio.run(scenario())
    host, config = inspected["HostConfig"], inspected["Config"]
    assert host["Privileged"] is False and host["ReadonlyRootfs"] is True
    assert (host["CapAdd"], host["CapDrop"], host["SecurityOpt"]) == (None, ["ALL"], ["no-new-privileges"])
    assert host["NetworkMode"] == "none" and not host["PortBindings"] and not host["Links"]
    assert not {"host"} & {host[name] for name in ("PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode")}
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (200_000_000, 200_000_000, 64)
    assert host["NanoCpus"] == 500_000_000 and host["ShmSize"] == 50_000_000
    assert not host["Binds"] and not host["Devices"] and not host["VolumesFrom"] and not host["GroupAdd"]
    assert host["MaskedPaths"] and host["ReadonlyPaths"] and host["RestartPolicy"]["Name"] in ("", "no")
    assert {mount["Type"] for mount in inspected["Mounts"]} == {"volume"}
    assert config["User"].partition(":")[0] not in ("", "0", "root")
    assert config["Healthcheck"]["Test"] == ["NONE"]


def test_what_an_image_asks_for_is_not_run_and_its_places_are_undone(engine: Any, tmp_path: Path) -> None:
    text = """
        USER root
        RUN mkdir -m 1733 /drop && mkdir -m 1777 /all && mkdir -p /data/old && echo 1 > /data/old/file && chmod -R 777 /data
        VOLUME /data
        ENTRYPOINT ["sh", "-c", "touch /data/entrypoint; sleep 99"]
        HEALTHCHECK --interval=1s CMD touch /data/health
        STOPSIGNAL SIGINT
        ENV PYTHONSTARTUP=/data/evil
    """

    async def scenario(image: str) -> None:
        async with hostile(tmp_path, image=image) as made:
            await made.act("sleep 1.5")
            _, changed = await made.undone(
                "for at in /data/old /drop /all; do echo 1 > $at/left; done; rm -f /data/old/file 2>/dev/null"
            )
            assert changed == {
                *((f"{at}/left", "created") for at in ("/data/old", "/drop", "/all")),
                ("/data/old/file", "deleted"),
            }
            printed = await made.act("cat /data/old/file /drop/left /all/left 2>/dev/null; ls -A /data")
            assert printed == "1\nold\n"

    with building(engine) as make:
        asyncio.run(scenario(make(text)))


COUNT = (
    "python3 -c 'import os, time\nn = 0\nwhile n < 200:\n try: pid = os.fork()\n except OSError: break\n"
    " if pid == 0: time.sleep(60)\n n += 1\nprint(n)'"
)


def test_limits_are_the_containers_own(engine: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with hostile(tmp_path, memory="100 MB", processes=40) as made:
            assert 20 < int(await made.act(COUNT)) < 40
            assert (await made.act("python3 -c 'bytearray(300_000_000)'; echo $?")).endswith("\n137\n")
            assert await made.act("echo alive") == "alive\n"

    asyncio.run(scenario())


def test_processes_are_limited_where_the_engine_cannot(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As podman, rootless with control groups version 1."""

    def about(client: Any) -> About:
        return replace(asked(client), lacking=("memory", "processes", "processors"))

    async def scenario(image: str) -> None:
        async with hostile(tmp_path, image=image, processes=40) as made:
            await made.begin()
            done, printed = await made.bash(COUNT)
            # Those that end again before anybody counts them are held by the kernel, at _SLACK more.
            assert "processes" in done.exceeded or 20 < int(printed) < 40 + _SLACK, done
            assert await made.act("cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>&-") in ("max\n", "")

    asked = docker_engine.about
    monkeypatch.setattr(docker_engine, "about", about)
    with building(engine) as make:  # of a user who runs nothing else on this machine
        asyncio.run(scenario(make("USER 47110:47110")))


def test_a_wall_that_is_insisted_on_and_not_there(engine: Any, tmp_path: Path) -> None:
    async def scenario(*walls: Any) -> str:
        async with hostile(tmp_path, confinement=Confinement(require=walls)) as made:
            return await made.act("echo ran")

    with pytest.raises(SandboxUnavailable, match="the policy requires landlock") as caught:
        asyncio.run(scenario("seccomp", "landlock"))
    assert caught.value.cause == "required"
