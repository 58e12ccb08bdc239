"""What can be said of a container in a task file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentrt.documents import load_yaml
from agentrt.errors import DocumentError, UsageError
from agentrt.sandboxes.docker.options import read_options


def test_nothing_need_be_said() -> None:
    options = read_options({})

    assert (options.image, options.dockerfile) == (None, None)
    assert (options.memory, options.cpus, options.processes) == (4_000_000_000, 2.0, 512)


def test_all_can_be_said() -> None:
    options = read_options({"image": "python:3.12-slim", "memory": "512 MiB", "cpus": 1, "processes": 64})

    assert options.image == "python:3.12-slim"
    assert (options.memory, options.cpus, options.processes) == (512 * 1024**2, 1.0, 64)
    assert read_options({"dockerfile": "docker/Dockerfile"}).dockerfile == "docker/Dockerfile"


@pytest.mark.parametrize(
    "name",
    [
        "debian",
        "debian:bookworm-slim",
        "team/agents",
        "ghcr.io/team/agents:2026.11_a-b",
        "localhost:5000/x",
        "[::1]:5000/x:y",
        f"debian@sha256:{'0' * 64}",
        f"debian:12@sha256:{'0' * 64}",
        f"sha256:{'a' * 64}",
    ],
)
def test_names_of_images(name: str) -> None:
    assert read_options({"image": name}).image == name


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"imge": "x"}, "unknown key `imge`", "did you mean `image`?"),
        ({"memroy": "4 GB"}, "unknown key `memroy`", "did you mean `memory`?"),
        ({"user": "root"}, "unknown key `user`", ""),
        ({"privileged": True}, "unknown key `privileged`", ""),
        ({"image": "x", "dockerfile": "y"}, "`image` and `dockerfile` exclude each other", ""),
        ({"image": ""}, "expected an image's name, such as", ""),
        ({"image": "Team/Agents"}, "an image's name, in small letters", ""),
        ({"image": "a b"}, "expected an image's name", ""),
        ({"image": "x\ny"}, "expected an image's name", ""),
        ({"image": "x\n"}, "expected an image's name", ""),
        ({"image": "--privileged"}, "expected an image's name", ""),
        ({"image": "http://x/y"}, "expected an image's name", ""),
        ({"image": 3}, "not the number 3", ""),
        ({"dockerfile": ""}, "`dockerfile` must not be empty", ""),
        ({"memory": "4 gigs"}, "expected a size, such as 64MB", ""),
        ({"memory": "1 MB"}, "`memory` must be at least 64 MB, not 1 MB", ""),
        ({"memory": True}, "expected a size", ""),
        ({"cpus": 0}, "`cpus` must be at least 0.1, not 0", ""),
        ({"cpus": float("inf")}, "`cpus` must be less than inf", ""),
        ({"cpus": float("nan")}, "`cpus` must be", ""),
        ({"cpus": "2"}, "`cpus` must be a number", ""),
        ({"processes": 2}, "`processes` must be at least 16, not 2", ""),
        ({"processes": 2.5}, "`processes` must be a whole number", ""),
        ({"cpus": 0, "processes": 0}, "(and 1 more)", ""),
    ],
)
def test_mistakes(options: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_options(options)

    assert not isinstance(caught.value, DocumentError)  # the task file points at its own place
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_a_mistake_in_a_file_is_pointed_at(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text("sandbox:\n  image: x\n  cpus: none\n")

    with pytest.raises(DocumentError) as caught:
        read_options(load_yaml(file).data["sandbox"])

    assert caught.value.where == f"{file}:3:9"
