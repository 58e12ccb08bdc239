"""Where the engine is looked for, what is said where there is none, and where one goes away."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from engine import Engine
from engine_spoken import Answer, podman, serving
from engine_things import Things

from agentrt.errors import DiskFull, SandboxError, SandboxUnavailable
from agentrt.sandboxes.docker import engine as engines
from agentrt.sandboxes.docker.engine import About, about, connect, translated

PAGE = Path(__file__).parents[2] / "docs/docker.md"


def refusal() -> SandboxUnavailable:
    with pytest.raises(SandboxUnavailable) as caught:
        connect()
    error = caught.value
    assert error.exit_code == 5 and error.hint
    assert f"\n| `{error.cause}` |" in PAGE.read_text(), "the page has every cause"
    return error


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person whose home is empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


# ---------------------------------------------------------------------------------------------- where it is looked for


def test_this_engine_is_found_and_told(engine: Any) -> None:
    found = about(engine)
    assert found.name in ("docker", "podman") and re.match(r"\d+\.\d+", found.version)
    assert found.driver == engine.info()["Driver"] and found.cgroups in ("1", "2")
    assert found.address == os.environ["DOCKER_HOST"]
    assert engine.api.timeout == 60, "only the first question is short of time"


def test_a_podman_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path / "s", podman) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        client = connect()
        found = about(client)
        client.close()
    lacking = ("memory", "processes")
    assert found == About("podman", "4.3.1", "overlay", True, "2", True, lacking, 4, address)


def test_a_podman_that_says_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(path: str) -> Answer:
        return (200, {"host": {"security": None}}) if "libpod" in path else podman(path)

    with serving(tmp_path / "s", other) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        client = connect()
        with pytest.raises(SandboxError, match="podman does not say which limits it can keep"):
            about(client)
        client.close()


def test_podman_is_there_where_docker_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "podman").mkdir()
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(engines, "_DOCKER", str(tmp_path / "docker.sock"))
    with serving(tmp_path / "podman/podman.sock", podman):
        client = connect()
        assert about(client).name == "podman"
        client.close()
        with serving(tmp_path / "docker.sock", lambda path: (200, {**podman(path)[1], "Components": []})):
            client = connect()
            assert about(client).name == "docker", "which comes first"
            client.close()


@pytest.mark.parametrize("how", ("variable", "configuration"))
def test_a_context_of_docker_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    folder = tmp_path / ".docker/contexts/meta" / sha256(b"mine").hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": "mine", "Metadata": {}, "Endpoints": {"docker": {"Host": f"unix://{tmp_path}/mine.sock"}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    current = {"currentContext": "mine"} if how == "configuration" else {}
    (tmp_path / ".docker/config.json").write_text(json.dumps(current))
    if how == "variable":
        monkeypatch.setenv("DOCKER_CONTEXT", "mine")
    with serving(tmp_path / "mine.sock", podman) as address:
        client = connect()
        assert about(client).address == address
        client.close()
    assert str(tmp_path / "mine.sock") in str(refusal()), "no other engine is taken for it"
    (folder / "meta.json").write_text("{")
    error = refusal()
    assert error.cause == "engine-context" and "'mine' cannot be read" in str(error)


def test_a_context_that_the_current_folder_brings_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Docker has no configuration the SDK looks here, and an agent may have been at work here."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "mine")
    folder = tmp_path / "ws/contexts/meta" / sha256(b"mine").hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": "mine", "Metadata": {}, "Endpoints": {"docker": {"Host": f"unix://{tmp_path}/mine.sock"}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    monkeypatch.chdir(tmp_path / "ws")
    assert refusal().cause == "engine-context"


# --------------------------------------------------------------------------------------------------- where there is none


def test_no_engine_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engines, "_DOCKER", str(tmp_path / "docker.sock"))
    monkeypatch.setattr(engines, "_SYSTEM_PODMAN", str(tmp_path / "podman.sock"))
    error = refusal()
    assert error.cause == "engine-absent" and str(tmp_path / "podman.sock") in str(error)
    assert "apt-get install docker.io" in error.hint


@pytest.mark.parametrize(
    ("host", "cause", "said"),
    (
        ("unix:///nonexistent/s", "engine-absent", "there is no /nonexistent/s"),
        ("tcp://127.0.0.1:1", "engine-stopped", "nobody answers at tcp://127.0.0.1:1"),
        ("ssh://me@box", "engine-ssh", "ssh://me@box"),
        ("bogus://x", "engine-address", "'bogus://x'"),
        ("::", "engine-address", "'::'"),
        ("tcp://", "engine-address", "'tcp://'"),
    ),
)
def test_an_address_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, host: str, cause: str, said: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    error = refusal()
    assert error.cause == cause and said in str(error)
    if cause == "engine-ssh":
        assert "ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock me@box" in error.hint


def test_a_socket_that_nobody_listens_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
    error = refusal()
    assert error.cause == "engine-stopped" and "sudo systemctl start docker" in error.hint


def test_an_engine_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_FIRST", 1)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen(8)
        error = refusal()
    assert error.cause == "engine-silent" and "may still be starting" in error.hint


@pytest.mark.parametrize(
    ("status", "answer", "cause", "said"),
    (
        (200, {"ApiVersion": "1.39"}, "engine-version", "version 1.39"),
        (200, {"ApiVersion": "1.12"}, "engine-version", "too old"),
        (200, {}, "engine-unknown", "ApiVersion"),
        (500, {"message": "boom"}, "engine-unknown", "boom"),
    ),
)
def test_what_answers_is_not_one_of_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, answer: dict[str, object], cause: str, said: str
) -> None:
    with serving(tmp_path / "s", lambda path: (status, answer)) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        error = refusal()
    assert error.cause == cause and said in str(error)


def test_tls_that_does_not_come_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / "none"))
    with serving(context, podman) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        assert refusal().cause == "engine-tls", "no certificates"
        (tmp_path / "ca.pem").write_bytes(certificate.read_bytes())
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        error = refusal()
        assert error.cause == "engine-tls" and "DOCKER_CERT_PATH" in error.hint, "another's certificate"
    with serving(None, podman) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        assert refusal().cause == "engine-tls", "in the open"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_socket_of_another_group(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is for who is not in the group docker."""
    base = tmp_path_factory.mktemp("denied")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{base}/s")
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(str(base / "s"))
        os.chown(base / "s", 0, 12)  # man: a group that every Debian has
        (base / "s").chmod(0o660)
        for folder in (base, *base.parents):
            if folder.stat().st_uid == 0 and folder != Path("/tmp"):
                folder.chmod(folder.stat().st_mode | 0o011)
        os.seteuid(65534)
        try:
            error = refusal()
        finally:
            os.seteuid(0)
    assert error.cause == "engine-denied" and str(base / "s") in str(error)
    assert "run `sudo usermod -aG man nobody` and log in again" in error.hint


def test_the_page_has_every_cause() -> None:
    folder = Path(engines.__file__).parent
    source = "".join((folder / name).read_text() for name in ("causes.py", "engine.py"))
    causes = set(re.findall(r'"(engine-[a-z]+)"', source))
    assert len(causes) == 11
    assert causes == set(re.findall(r"^\| `(engine-[a-z]+)` \|", PAGE.read_text(), re.MULTILINE))


# ------------------------------------------------------------------------------------------------------ where it fails


def test_an_engine_that_went_away_and_came_back(own_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", own_engine.host)
    client = connect()
    own_engine.kill()
    for _ in range(2):  # on the connection that was, and on a new one
        told = "could not list: the container engine went away"
        with pytest.raises(SandboxError, match=told) as caught, translated("list"):
            client.containers.list()
        assert "systemctl start docker" in caught.value.hint and "nothing that was sealed is lost" in caught.value.hint
    assert refusal().cause in ("engine-stopped", "engine-absent")
    own_engine.start()
    with translated("list"):
        assert client.containers.list() == []
    client.close()


def test_what_an_engine_refuses_is_told(engine: Any) -> None:
    told = "could not go on: No such container: agentrt-none"
    with pytest.raises(SandboxError, match=told) as caught, translated("go on"):
        engine.containers.get("agentrt-none")
    assert "made anew" in caught.value.hint
    with pytest.raises(SandboxError, match="could not make one: Invalid container name"), translated("make one"):
        engine.containers.create("agentrt-test:1", ["true"], name="a b")


def archive(size: int) -> bytes:
    """With one file."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as writing:
        entry = tarfile.TarInfo("file")
        entry.size = size
        writing.addfile(entry, io.BytesIO(bytes(size)))
    return whole.getvalue()


def test_a_disk_that_is_full_is_told_as_that(small_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", small_engine.host)
    client = connect()
    client.api.import_image_from_data(archive(10), "tiny", "1")
    held = client.containers.create("tiny:1", ["/file"], volumes=["held:/held"], network_mode="none")
    told = "could not fill it: the disk of the container engine is full"
    for _ in range(2):  # what fills it, and what comes after
        with pytest.raises(DiskFull, match=told) as caught, translated("fill it"):
            held.put_archive("/held", archive(40 << 20))
        assert "docker system df" in caught.value.hint and "nothing that was sealed is lost" in caught.value.hint
    client.close()


def test_the_other_disk_is_told_apart() -> None:
    with pytest.raises(DiskFull, match="No space left") as caught, translated("seal"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "agentrt gc" in caught.value.hint


def test_an_engine_that_hangs(own_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", own_engine.host)
    client = connect()
    client.api.timeout = 1
    own_engine.stop_answering()
    with pytest.raises(SandboxError, match="could not list: the container engine does not answer"), translated("list"):
        client.containers.list()
    client.close()


def test_a_container_that_ended_meanwhile(at_engine: Things, engine: Any) -> None:
    """As all do when an engine is restarted."""
    held = at_engine.container("agentrt-ended", {})
    with pytest.raises(SandboxError, match=r"could not ask it: .* is not running") as caught, translated("ask it"):
        engine.api.exec_create(held, ["true"])
    assert "made anew" in caught.value.hint


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(DiskFull, match="mine"), translated():
        raise DiskFull("mine")
    with pytest.raises(ZeroDivisionError), translated():
        _ = 1 // 0


def test_a_program_that_asks_no_engine_does_not_load_the_sdk() -> None:
    code = (
        "import sys, agentrt.sandboxes.docker.engine, agentrt.sandboxes.docker.labels; print('docker' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
