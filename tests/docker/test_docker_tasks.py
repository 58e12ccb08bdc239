"""Tasks whose sandbox is a container: told where they are wrong, run, verified, applied."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest
from docker_ground import NOWHERE, Ground
from engine import IMAGE

MAKE = "      - bash: {command: 'id -u; cp a.txt b.txt; touch ~/x'}\n"


def test_a_task_runs_is_verified_and_applied(ground: Ground) -> None:
    done = ground.run(str(ground.task(MAKE, more="verify: test -f b.txt\napply: on_success\n")))
    assert done.returncode == 0, done
    assert (ground.workspace / "b.txt").read_text() == "one\n"
    found = (ground.workspace / "b.txt").stat()
    assert (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())
    assert ground.json("show", "1")["observation"]["output"] == "1000\n"
    assert ground.json("show", "1")["effects"][0]["path"].endswith("/x")


@pytest.mark.parametrize(
    ("sandbox", "place", "said"),
    [
        (f"{{kind: docker, imagee: '{IMAGE}'}}", ":4:25: ", "imagee"),
        ("{kind: docker, memory: 4}", ":4:33: ", "memory"),
        ("{kind: docker, image: a, dockerfile: b}", ":4:10: ", "exclude each other"),
        ("{kind: docker, dockerfile: no/Dockerfile}", ":4:37: ", "there is no file no/Dockerfile"),
        ("{kind: dokcer}", ":4:10: ", "dokcer"),
        ("dokcer", ":4:10: ", "dokcer"),
    ],
)
def test_what_is_wrong_with_it_is_told_with_its_place(tmp_path: Path, sandbox: str, place: str, said: str) -> None:
    ground = Ground(tmp_path)
    done = ground.run(str(ground.task(MAKE, sandbox=sandbox)), DOCKER_HOST=NOWHERE)
    assert done.returncode == 2 and done.stdout == ""
    first = done.stderr.splitlines()[0]
    assert f"task.yaml{place}" in first and said in first
    assert not (tmp_path / "state").exists(), "nothing is made for it"


def test_a_dockerfile_lies_beside_the_task_and_its_build_is_seen_on_standard_error(ground: Ground, engine: Any) -> None:
    mark = uuid.uuid4().hex
    image = ground.folder / "image"
    image.mkdir()
    (image / "Dockerfile").write_text(f"FROM {IMAGE}\nENV MARK={mark}\n")
    task = ground.task(
        "      - bash: {command: 'echo $MARK'}\n", sandbox="{kind: docker, dockerfile: image/Dockerfile}"
    )
    done = ground.run(str(task))
    try:
        assert done.returncode == 0, done
        assert f"agentrt: Step 2/3 : ENV MARK={mark}\n" in done.stderr and "Step" not in done.stdout
        assert ground.json("show", "1")["observation"]["output"] == f"{mark}\n"
        ground.folder.joinpath("elsewhere").mkdir()
        again = ground.run("exec", "--workspace", str(ground.workspace), "--json", "--", "echo $MARK")
        assert json.loads(again.stdout)["observation"]["output"] == f"{mark}\n"
        assert "Step" not in again.stderr, "the cache has it"
        (image / "Dockerfile").unlink()
        assert ground.run("undo").returncode == 0
        gone = ground.run("exec", "--", "true")
        assert gone.returncode == 5 and "cannot build image/Dockerfile: no such file" in gone.stderr
    finally:
        for found in engine.images.list(filters={"label": "agentrt.kind=image"}):
            if f"MARK={mark}" in found.attrs["Config"]["Env"]:
                engine.images.remove(found.id, force=True)


def test_without_an_engine_a_task_ends_and_can_be_resumed(ground: Ground) -> None:
    task = ground.task(MAKE)
    done = ground.run(str(task), DOCKER_HOST=NOWHERE)
    assert done.returncode == 5 and "no container engine" in done.stderr
    resumed = ground.run("run", "--resume")
    assert resumed.returncode == 0, resumed


def test_docker_by_its_name_alone_wants_the_default_image(ground: Ground) -> None:
    """Which no registry gives here: it is told what could not be had, and nothing is left at the engine."""
    task = ground.task(MAKE, sandbox="docker")
    done = ground.run(str(task))
    assert done.returncode in (0, 5)  # 0 where somebody built it there
    if done.returncode == 5:
        assert "agentrt's own image" in done.stderr and " : FROM debian:" in done.stderr, done


def test_limits_are_the_containers(ground: Ground) -> None:
    sandbox = f"{{kind: docker, image: '{IMAGE}', memory: 100 MB, processes: 40}}"
    script = "      - bash: {command: 'cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null'}\n"
    assert ground.run(str(ground.task(script, sandbox=sandbox))).returncode == 0
    assert ground.json("show", "1")["observation"]["output"] == "40\n"
    assert ground.run("exec", "--", "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>&-").stdout == "40\n"


def test_the_example(ground: Ground) -> None:
    example = Path(__file__).parents[2] / "examples/container"
    here = ground.folder / "example"
    subprocess.run(["cp", "-r", example, here], check=True)
    (here / "task.yaml").write_text(
        (here / "task.yaml").read_text().replace("dockerfile: Dockerfile", f"image: '{IMAGE}'")
    )
    done = ground.run(str(here / "task.yaml"))
    assert done.returncode == 0, done
