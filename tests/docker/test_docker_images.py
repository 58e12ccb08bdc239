"""Images by name, by Dockerfile, and agentrt's own; and what is said where there is none."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest
from images_ground import BASE, Registry, building, layer

from agentrt.errors import SandboxUnavailable, UsageError
from agentrt.sandboxes.docker import images, refusals
from agentrt.sandboxes.docker.images import resolve
from agentrt.sandboxes.docker.known import Image
from agentrt.sandboxes.docker.options import read_options

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def make(engine: docker.DockerClient) -> Iterator[Callable[..., str]]:
    with building(engine) as make:
        yield make


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state/agentrt/docker"


class Asked:
    """Images that a task in ``folder`` asks for, and what was reported."""

    def __init__(self, engine: docker.DockerClient, folder: Path) -> None:
        self.engine, self.folder, self.lines, self.built = engine, folder, list[str](), set[str]()

    def __call__(self, **options: object) -> Image:
        self.lines.clear()
        image = resolve(self.engine, read_options(options), folder=self.folder, report=self.lines.append)
        self.built.update(tag for tag in self.engine.images.get(image.id).tags if tag.startswith("agentrt/"))
        return image

    def refused(self, **options: object) -> SandboxUnavailable:
        with pytest.raises(SandboxUnavailable) as caught:
            self(**options)
        return caught.value


@pytest.fixture
def ask(engine: docker.DockerClient, tmp_path: Path) -> Iterator[Asked]:
    folder = tmp_path / "task"
    folder.mkdir()
    asked = Asked(engine, folder)
    yield asked
    for tag in asked.built:
        engine.images.remove(tag, force=True)


# ------------------------------------------------------------------------------------------------------- by name


def test_an_image_that_is_there_is_used(ask: Asked) -> None:
    image = ask(image=BASE)

    assert image.id == ask.engine.images.get(BASE).id
    assert ask.lines == []


def test_one_that_is_not_is_pulled_and_looked_into(ask: Asked) -> None:
    registry = Registry([layer({"etc/big": os.urandom(30_000_000)}), layer({"etc/other": os.urandom(10_000_000)})])
    with registry.serving() as address:
        error = ask.refused(image=f"{address}/dkimages/x:1")  # it is here by now, and has no Python
        ask.engine.images.remove(f"{address}/dkimages/x:1", force=True)

    assert error.cause == "image-python"
    assert ask.lines[0] == f"pulling {address}/dkimages/x:1"
    assert ask.lines[-1] == f"pulled {address}/dkimages/x:1"
    assert any(re.search(r": [\d.]+ MB of (30|40) MB$", line) for line in ask.lines[1:-1])
    assert len(ask.lines) <= 12


def test_a_name_without_a_tag_is_one_image(ask: Asked) -> None:
    with Registry([layer({"a": b"a"})]).serving() as address:
        ask.refused(image=f"{address}/dkimages/y")
        tags = [tag for image in ask.engine.images.list(f"{address}/dkimages/y") for tag in image.tags]
        ask.engine.images.remove(f"{address}/dkimages/y", force=True)

    assert tags == [f"{address}/dkimages/y:latest"]


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (404, "MANIFEST_UNKNOWN", "image-missing"),
        (404, "NAME_UNKNOWN", "image-missing"),
        (403, "DENIED", "image-access"),
        (401, "UNAUTHORIZED", "image-access"),
        (429, "TOOMANYREQUESTS", "image-limit"),
    ],
)
def test_what_a_registry_refuses_is_told(ask: Asked, status: int, code: str, cause: str) -> None:
    words = code.lower().replace("_", " ").replace("name unknown", "repository name not known to registry")
    with Registry([], (status, code, words)).serving() as address:
        error = ask.refused(image=f"{address}/dkimages/z:1")

    assert error.cause == cause
    assert str(error).startswith(f"cannot pull {address}/dkimages/z:1: ")
    assert error.hint


def test_a_registry_nobody_answers_at_is_told(ask: Asked) -> None:
    error = ask.refused(image="127.0.0.1:1/dkimages/z:1")

    assert error.cause == "image-unreachable"
    assert "docker load" in error.hint


def test_an_id_that_is_not_there_is_told(ask: Asked) -> None:
    assert ask.refused(image=f"sha256:{'0' * 64}").hint


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("write /var/lib/docker/x: no space left on device", "image-disk"),
        ("pull access denied for x, repository does not exist or may require 'docker login'", "image-access"),
        ("manifest for debian:nope not found: manifest unknown: manifest unknown", "image-missing"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "image-platform"),
        ('Get "https://r.example/v2/": dial tcp: lookup r.example: no such host', "image-unreachable"),
        ('Get "https://r.example/v2/": net/http: request canceled (Client.Timeout exceeded …)', "image-unreachable"),
        ('Get "https://r.example/v2/": x509: certificate signed by unknown authority', "image-trust"),
        ("toomanyrequests: You have reached your pull rate limit", "image-limit"),
        ("the --mount option requires BuildKit. Refer to …", "image-buildkit"),
        ("something new", "image"),
    ],
)
def test_what_engines_say(said: str, cause: str) -> None:
    error = refusals.refusal("cannot pull x", said)

    assert error.cause == cause
    assert said in str(error)
    assert error.hint


def test_an_engine_that_hangs_up_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{tmp_path}/s")
        listening.listen()
        hanging_up = threading.Thread(target=lambda: listening.accept()[0].close())
        hanging_up.start()
        client = docker.DockerClient(base_url=f"unix://{tmp_path}/s", version="1.41")
        with closing(client), pytest.raises(SandboxUnavailable) as caught:
            resolve(client, read_options({"image": "x"}), folder=tmp_path, report=print)
        hanging_up.join()

    assert caught.value.cause == "image-engine"


# -------------------------------------------------------------------------------------------------- by Dockerfile


def test_a_dockerfile_of_the_task_is_built(ask: Asked) -> None:
    (ask.folder / "env").mkdir()
    (ask.folder / "env/Dockerfile").write_text(
        f"FROM {BASE}\nCOPY . /srv/\nENV A=b\nRUN echo from the build; ls /srv\n"
    )
    (ask.folder / "env/kept").write_text("1")
    (ask.folder / "env/left").write_text("2")
    (ask.folder / "env/.dockerignore").write_text("left\n")

    image = ask(dockerfile="env/Dockerfile")

    attributes = ask.engine.images.get(image.id)
    assert image.environment["A"] == "b"
    assert attributes.labels == {"agentrt.kind": "image"}
    assert len(attributes.tags) == 1
    assert attributes.tags[0].startswith("agentrt/")
    assert ask.lines[0].startswith("Step 1/")
    assert "from the build" in ask.lines
    assert "kept" in ask.lines
    assert "left" not in ask.lines
    assert not any(line.strip().startswith(("--->", "Removing")) for line in ask.lines)


def test_it_is_built_again_only_when_its_folder_changed(ask: Asked) -> None:
    (ask.folder / "Dockerfile").write_text(f"FROM {BASE}\nCOPY x /srv/\n")
    (ask.folder / "x").write_text("1")

    first = ask(dockerfile="Dockerfile")
    os.utime(ask.folder / "x", (1, 1))
    again = ask(dockerfile=str(ask.folder / "Dockerfile"))
    assert ask.lines == []  # each step is in the cache
    (ask.folder / "x").write_text("2")
    other = ask(dockerfile="./Dockerfile")

    assert ask.lines[:2] == [f"Step 1/3 : FROM {BASE}", "Step 2/3 : COPY x /srv/"]
    assert again == first
    assert other.id != first.id
    assert len(ask.built) == 1
    ask.engine.images.remove(first.id)


def test_the_step_that_fails_is_told(ask: Asked) -> None:
    (ask.folder / "Dockerfile").write_text(
        f"FROM {BASE}\nRUN printf '\\033[31mconnection refused\\033[0m\\nlast words' >&2; exit 7\nRUN true\n"
    )

    error = ask.refused(dockerfile="Dockerfile")

    assert error.cause == "image-build"  # whatever the command printed
    assert "cannot build Dockerfile at Step 2/" in str(error)
    assert "code: 7 (last words)" in str(error)
    assert ask.lines[-2:] == ["connection refused", "last words"]


def test_a_dockerfile_that_is_none_is_told(ask: Asked) -> None:
    (ask.folder / "Dockerfile").write_text(f"FROM {BASE}\nRNU true\n")
    assert "RNU" in str(ask.refused(dockerfile="Dockerfile"))

    (ask.folder / "Dockerfile").write_text("")
    assert ask.refused(dockerfile="Dockerfile").cause == "image-build"


def test_a_base_that_cannot_be_had_is_told(ask: Asked) -> None:
    (ask.folder / "Dockerfile").write_text("FROM 127.0.0.1:1/dkimages/none\n")

    error = ask.refused(dockerfile="Dockerfile")

    assert error.cause == "image-unreachable"
    assert "Step 1/" in str(error)


@pytest.mark.parametrize("name", ["nothing", "."])
def test_no_dockerfile_there(ask: Asked, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(dockerfile=name)

    assert "task file's folder" in caught.value.hint


# ---------------------------------------------------------------------------------------------------- agentrt's own


def test_the_default_image_has_an_ordinary_user_and_a_home(ask: Asked, make: Callable[..., str]) -> None:
    """Its packages come from Debian, whom no test asks: here an ``apt-get`` that finds all of them there already."""
    name = f"dkimages-base-{os.getpid()}"
    stub = b"#!/bin/sh\nprintf '%s\\n' \"$@\" >> /packages\n"
    base = make("COPY apt-get /usr/local/sbin/\n", {"apt-get": stub})
    ask.engine.images.get(base).tag(name)
    text = images.DEFAULT.read_text().replace("debian:bookworm-slim", name)
    assert text != images.DEFAULT.read_text()
    (ask.folder / "Dockerfile").write_text(text)
    try:
        image = ask(dockerfile="Dockerfile")
        packages = ask.engine.containers.run(image.id, ["cat", "/packages"], remove=True, network_mode="none").split()
        who = ask.engine.containers.run(image.id, ["sh", "-c", "id -un; pwd"], remove=True, network_mode="none").split()
    finally:
        ask.engine.images.remove(name, force=True)

    assert (image.user, image.home) == ((1000, 1000), "/home/agent")
    assert who == [b"agent", b"/home/agent"]
    assert image.environment["LANG"] == "C.UTF-8"
    assert {b"update", b"python3", b"git", b"make", b"gcc", b"ripgrep", b"ca-certificates"} <= set(packages)


def test_the_default_image_is_asked_for_by_its_content(ask: Asked) -> None:
    """One that was built before is used: here another image under its name, as nothing can be pulled."""
    tag = f"agentrt/{hashlib.sha256(images.DEFAULT.read_bytes()).hexdigest()[:32]}"
    ask.engine.images.get(BASE).tag(tag)
    try:
        assert ask().id == ask.engine.images.get(BASE).id
    finally:
        ask.built.clear()
        ask.engine.images.remove(tag)
    assert ask.lines == []


def test_the_page_has_every_cause() -> None:
    folder = ROOT / "sandboxes/docker"
    sources = [(folder / f"{name}.py").read_text() for name in ("images", "known", "looking", "places", "refusals")]
    causes = set(re.findall(r'"(image(?:-[a-z]+)*)"', "\n".join(sources)))
    assert {"image", "image-access", "image-python", "image-odd"} <= causes
    page = (ROOT / "docs/docker.md").read_text()
    assert {cause for cause in causes if f"\n| `{cause}` |" not in page} == set()
