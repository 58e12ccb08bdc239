"""What ``agentrt doctor`` says of the engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine_spoken import Answer, podman, serving


def agentrt(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    (folder / "ws").mkdir(exist_ok=True)
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "AGENTRT_SANDBOX": "local", **more}
    command = [sys.executable, "-m", "agentrt", "doctor", *words]
    return subprocess.run(command, cwd=folder / "ws", env=environment, capture_output=True, text=True, timeout=60)


NOWHERE = {"DOCKER_HOST": "unix:///nonexistent/s"}


def test_doctor_tells_of_this_engine(engine: Any, tmp_path: Path) -> None:
    info = engine.info()
    done = agentrt(tmp_path)
    assert done.returncode == 0 and "MISSING" not in done.stdout, done
    assert f" {info['ServerVersion']} at {os.environ['DOCKER_HOST']}\n" in done.stdout
    assert f"ok      docker: storage: {info['Driver']}\n" in done.stdout
    assert "ok      docker: rootless: " in done.stdout and " docker: limits: " in done.stdout
    assert " docker: seccomp: " in done.stdout


def test_no_engine_is_no_fault_where_the_local_sandbox_works(tmp_path: Path) -> None:
    done = agentrt(tmp_path, **NOWHERE)
    assert done.returncode == 0 and "MISSING" not in done.stdout
    assert "absent  docker: engine: no container engine: there is no /nonexistent/s\n" in done.stdout
    assert agentrt(tmp_path, "--require", "limits", **NOWHERE).stdout == done.stdout
    assert agentrt(tmp_path, "--require", "limts", **NOWHERE).returncode == 2


def test_no_engine_is_one_where_docker_is_in_use(tmp_path: Path) -> None:
    done = agentrt(tmp_path, **NOWHERE, AGENTRT_SANDBOX="docker")
    assert "MISSING docker: engine: no container engine: " in done.stdout and "cure: start it: " in done.stdout
    assert "\nactive: none; docker, named by AGENTRT_SANDBOX, does not work here" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("local works here: AGENTRT_SANDBOX=local chooses it")
    found = json.loads(agentrt(tmp_path, "--json", **NOWHERE, AGENTRT_SANDBOX="docker").stdout)
    assert found["active"] is None
    [check] = [check for check in found["checks"] if check["sandbox"] == "docker"]
    assert (check["ok"], check["absent"]) == (False, True)


def test_neither_sandbox_is_exit_code_5(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = agentrt(tmp_path, **NOWHERE, XDG_STATE_HOME=str(tmp_path / "file"))
    assert done.returncode == 5
    [line, cure] = done.stdout.partition("absent  docker: engine: ")[2].splitlines()[:2]
    assert "there is no /nonexistent/s" in line and cure.startswith("        cure: start it: ")


def test_what_an_engine_cannot_keep_is_absent(tmp_path: Path) -> None:
    def unfiltered(path: str) -> Answer:
        return 200, {**podman(path)[1], "SecurityOptions": ["name=seccomp,profile=unconfined", "name=rootless"]}

    with serving(tmp_path / "s", unfiltered) as address:
        done = agentrt(tmp_path, DOCKER_HOST=address)
        assert agentrt(tmp_path, "--require", "seccomp", DOCKER_HOST=address).stdout.count("MISSING docker: ") == 1
    assert done.returncode == 0 and "MISSING" not in done.stdout
    assert f"ok      docker: engine: podman 4.3.1 at {address}\n" in done.stdout
    assert "ok      docker: rootless: a user's own\n" in done.stdout
    assert "absent  docker: limits: not kept here: memory, processes\n" in done.stdout
    assert "absent  docker: seccomp: system calls are not filtered; " in done.stdout
