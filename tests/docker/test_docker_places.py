"""What an image is found to be, and what it holds where its user can write."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from images_ground import building, left

from agentrt.errors import SandboxUnavailable
from agentrt.sandboxes.docker import looking
from agentrt.sandboxes.docker.images import resolve
from agentrt.sandboxes.docker.known import Image
from agentrt.sandboxes.docker.options import read_options
from agentrt.sandboxes.docker.places import export_places
from agentrt.sandboxes.docker.unpack import Chunks, unpack

ALWAYS = {"/home/agent", "/run/lock", "/tmp", "/var/tmp"}
"""Of the image that all are built on."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state/agentrt/docker"


@pytest.fixture
def make(engine: docker.DockerClient) -> Iterator[Callable[..., str]]:
    with building(engine) as make:
        yield make


Look = Callable[..., Image]


@pytest.fixture
def look(engine: docker.DockerClient, make: Callable[..., str], tmp_path: Path) -> Look:
    """What an image of these lines is found to be. Nothing of it may be left running."""

    def look(text: str, files: dict[str, bytes] | None = None) -> Image:
        id_ = make(text, files)
        try:
            return resolve(engine, read_options({"image": id_}), folder=tmp_path, report=print)
        finally:
            assert left(engine, id_) == []

    return look


def refused(look: Look, text: str, files: dict[str, bytes] | None = None) -> SandboxUnavailable:
    with pytest.raises(SandboxUnavailable) as caught:
        look(text, files)
    assert caught.value.hint
    return caught.value


# ------------------------------------------------------------------------------------------------------- its user


def test_an_image_that_says_nothing(look: Look) -> None:
    image = look("")

    assert (image.user, image.home) == ((1000, 1000), "/home/agent")
    assert image.environment == {"PATH": PATH, "HOME": "/home/agent"}
    assert image.python.startswith("/usr/bin/python3.")
    assert set(image.places) == ALWAYS
    assert list(image.places) == sorted(image.places)


@pytest.mark.parametrize("user", ["root", "0", "0:0", "root:root", "00", "0:1000", "toor"])
def test_root_is_nobody_here(look: Look, user: str) -> None:
    image = look(f"RUN echo 'toor:x:0:0::/root:/bin/sh' >> /etc/passwd\nUSER {user}\nENV HOME=/root")

    assert (image.user, image.home) == ((1000, 1000), "/home/agent")
    assert image.environment["HOME"] == "/home/agent"


@pytest.mark.parametrize(
    ("user", "ids", "home"),
    [
        ("app", (1234, 4321), "/srv/app"),
        ("app:app", (1234, 4321), "/srv/app"),
        ("1234", (1234, 4321), "/srv/app"),
        ("1234:7", (1234, 7), "/srv/app"),
        ("777:888", (777, 888), "/home/agent"),
        ("1001:0", (1001, 0), "/home/agent"),
    ],
)
def test_an_image_with_a_user(look: Look, user: str, ids: tuple[int, int], home: str) -> None:
    image = look(f"RUN groupadd -g 4321 app && useradd -u 1234 -g app -d /srv/app app\nUSER {user}")

    assert (image.user, image.home) == (ids, home)
    assert home in image.places


def test_a_home_that_is_configured_is_its_own_users(look: Look) -> None:
    image = look("RUN useradd -u 1234 app\nENV HOME=/work\nUSER app")

    assert image.home == image.environment["HOME"] == "/work"


@pytest.mark.parametrize("home", ["/", "/proc/1", "/dev/null", "/sys", "home", "/etc/passwd", "/../.."])
def test_what_is_no_home(look: Look, home: str) -> None:
    image = look(f"RUN echo 'app:x:1234:1234::{home}:/bin/sh' >> /etc/passwd\nUSER 1234")

    assert (image.user, image.home) == ((1234, 1234), "/home/agent")


def test_a_user_that_is_not_there(look: Look) -> None:
    error = refused(look, "USER ghost")

    assert error.cause == "image-user"
    assert "`ghost`" in str(error)


# ------------------------------------------------------------------------------------------------- its environment


def test_odd_environments(look: Look) -> None:
    image = look('ENV A="b=c d" B="" C="two\\nlines $x" LD_PRELOAD=/nowhere.so PYTHONHOME=/nowhere PYTHONPATH=/tmp')

    assert image.environment["A"] == "b=c d"
    assert image.environment["B"] == ""
    assert image.environment["PYTHONHOME"] == "/nowhere"
    assert image.python.startswith("/usr/bin/")


@pytest.mark.parametrize("path", ["", ":::", "bin:.:../x", "/nowhere:/usr/bin"])
def test_odd_paths(look: Look, path: str) -> None:
    image = look(f'ENV PATH="{path}"')

    assert image.environment["PATH"] == (path or PATH)
    assert image.python.startswith("/usr/bin/")


# ------------------------------------------------------------------------------------------------------ its Python


def test_a_python_that_prints_nonsense_is_passed_over(look: Look) -> None:
    image = look("COPY python3 /usr/local/bin/", {"python3": b"#!/bin/sh\necho hello\n"})

    assert image.python.startswith("/usr/bin/")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (b"#!/bin/sh\nexit 3\n", "exit code 3"),
        (b"#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\n", "does not do what a Python does"),
        (b"#!/bin/sh\necho '{\"version\": [3, 6, 9]}'\n", "is 3.6.9"),
        (b"#!/nowhere\n", "does not run"),
        (b"\x7fELF nonsense", "does not run"),
    ],
)
def test_without_a_python_it_says_how_to_get_one(look: Look, script: bytes, why: str) -> None:
    error = refused(look, "RUN rm /usr/bin/python3*\nCOPY x /usr/bin/python3\nUSER nobody", {"x": script})

    assert error.cause == "image-python"
    assert re.search(rf"/usr/bin/python3 [^;]*{why}", str(error))
    assert "apt-get install -y python3" in error.hint
    assert "'USER nobody'" in error.hint


def test_a_python_that_does_not_end_is_ended(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_SECONDS", 1)
    error = refused(look, "RUN rm /usr/bin/python3*\nCOPY x /usr/bin/python3", {"x": b"#!/bin/sh\nsleep 1000\n"})

    assert "did not end within 1 seconds" in str(error)


def test_a_newer_python_beside_an_old_one_is_found(look: Look) -> None:
    old = b"#!/bin/sh\necho '{\"version\": [3, 6, 9]}'\n"
    image = look("RUN rm /usr/bin/python3\nCOPY x /usr/bin/python3", {"x": old})

    assert image.python.startswith("/usr/bin/python3.")


def test_a_python_the_agent_could_change_is_not_used(look: Look) -> None:
    text = "RUN mkdir -p /opt/venv/bin && cp /usr/bin/python3 /opt/venv/bin/ && chown -R 1000 /opt/venv\n"

    assert look(text + "ENV PATH=/opt/venv/bin:/usr/bin").python.startswith("/usr/bin/")

    error = refused(look, text + "RUN rm /usr/bin/python3*\nENV PATH=/opt/venv/bin:/usr/bin")
    assert error.cause == "image-python"
    assert "/opt/venv/bin/python3 lies where the agent could change it" in str(error)


def test_a_library_the_agent_could_change_is_not_used(look: Look) -> None:
    error = refused(look, "RUN chmod 777 /usr/lib/python3*")

    assert "could change it" in str(error)


@pytest.mark.parametrize(
    "lie",
    [
        {"places": ["/tmp/../etc"]},
        {"places": ["relative"]},
        {"places": "/tmp"},
        {"python": "python3"},
        {"uid": -1},
        {"home": "//x"},
        {"more": 1},
    ],
)
def test_what_it_says_is_checked(look: Look, lie: dict[str, object]) -> None:
    said = {
        "version": [3, 12, 0],
        "uid": 1000,
        "gid": 1000,
        "home": None,
        "python": "/p",
        "library": "/l",
        "places": [],
    }
    script = f"#!/bin/sh\ncat <<'.'\n{json.dumps(said | lie)}\n.\n".encode()

    error = refused(look, "RUN rm /usr/bin/python3*\nCOPY x /usr/bin/python3", {"x": script})

    assert "does not do what a Python does" in str(error)


def test_the_survey_tells_an_old_python() -> None:
    """As far as a Python that is new can show: nothing in it is newer than 3.5."""
    import ast

    from agentrt.sandboxes.docker import survey

    source = Path(survey.__file__).read_text()
    ast.parse(source, feature_version=(3, 5))
    ended = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys\nsys.version_info = (3, 6, 9)\n{source}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ended.stdout) == {"version": [3, 6, 9]}


# ------------------------------------------------------------------------------------------------------ its places


def test_folders_the_user_can_write_are_places(look: Look) -> None:
    image = look(
        "RUN mkdir -p /opt/venv/lib /srv/a/open /srv/group /srv/other /srv/closed/open /srv/mine /srv/unsearchable"
        " && chown -R 1000 /opt/venv && chmod 777 /srv/a/open /srv/closed/open && chmod 700 /srv/closed"
        " && chown 0:1000 /srv/group && chmod 775 /srv/group && chown 0:5 /srv/other && chmod 775 /srv/other"
        " && chown 1000 /srv/mine && chmod 555 /srv/mine && chmod 766 /srv/unsearchable"
        " && touch /srv/file && chmod 666 /srv/file && ln -s /srv/a/open /srv/link && mkdir \"$(printf '/srv/a b\\n c')\""
        " && chmod 777 /srv/a?b*"
    )

    assert set(image.places) == ALWAYS | {
        "/opt/venv",
        "/srv/a b\n c",
        "/srv/a/open",
        "/srv/group",
        "/srv/mine",
    }


def test_volumes_are_places(look: Look) -> None:
    image = look('RUN ln -s /opt /srv/link && mkdir /data\nVOLUME ["/data", "/tmp/inner", "/srv/link/x"]')

    assert set(image.places) == ALWAYS | {"/data", "/opt/x"}


def test_a_volume_that_engines_refuse_is_told(look: Look) -> None:
    error = refused(look, "VOLUME /proc/x")

    assert error.cause == "image-odd"
    assert "/proc" in str(error)


def test_links_on_the_way_are_resolved(look: Look) -> None:
    image = look(
        "RUN rmdir /home && mkdir -p /var/home && ln -s /var/home /home && useradd -u 1000 -m agent"
        " && rmdir /var/tmp && ln -s /tmp /var/tmp"
    )

    assert image.home == "/var/home/agent"
    assert set(image.places) == {"/run/lock", "/tmp", "/var/home/agent"}


def test_a_root_folder_that_all_can_write_is_none(look: Look) -> None:
    image = look("RUN chmod 777 / && mkdir /new && chmod 777 /new")

    assert set(image.places) == ALWAYS | {"/new"}


def test_too_many_places_are_told(look: Look) -> None:
    error = refused(look, "RUN mkdir -p /srv/$(seq -s ',/srv/' 150 | sed 's/,/ /g') && chmod 777 /srv/*")

    assert error.cause == "image-places"
    assert "154 folders" in str(error)


# ------------------------------------------------------------------------------------------------------ remembered


def test_it_is_found_out_once(engine: docker.DockerClient, make: Callable[..., str], state: Path) -> None:
    id_ = make("RUN mkdir /srv/x && chmod 777 /srv/x")

    def seen() -> Image:
        return resolve(engine, read_options({"image": id_}), folder=state, report=print)

    image = seen()
    (file,) = state.iterdir()
    assert file.name == id_.removeprefix("sha256:") + ".json"
    file.write_text(file.read_text().replace("/srv/x", "/srv/y"))
    assert "/srv/y" in seen().places  # read, not found out

    for damaged in ("", "{}", "[]", file.read_text()[:-3], '{"edition": 0, "image": null}', "\0" * 100):
        file.write_text(damaged)
        assert seen() == image
    file.unlink()
    file.mkdir()
    assert seen() == image


# -------------------------------------------------------------------------------------------------------- exported


def _read(path: Path) -> bytes:
    mode = path.stat().st_mode
    path.chmod(0o400)
    try:
        return path.read_bytes()
    finally:
        path.chmod(mode)


def tree(root: Path) -> dict[str, tuple[str, str | bytes]]:
    found: dict[str, tuple[str, str | bytes]] = {}
    for path in sorted(root.rglob("*")):
        mode = stat.filemode(path.lstat().st_mode)
        content = os.readlink(path) if path.is_symlink() else _read(path) if path.is_file() else ""
        found[str(path.relative_to(root))] = mode, content
    return found


FILLED = (
    "RUN useradd -u 1000 -m agent && chmod 700 /home/agent && mkdir -p /opt/venv/bin /srv/empty && cd /opt/venv"
    " && printf one > one && ln one two && chmod 640 one && ln -s /etc/passwd out && ln -s nowhere dangling"
    " && cp /bin/true bin/suid && chmod 6755 bin/suid && mkfifo pipe && printf x > \"$(printf 'a b\\n\\303\\244\\377')\""
    " && mkdir closed && printf y > closed/in && chmod 0 closed/in && chmod 2570 closed"
    " && touch -d '2001-02-03 04:05:06Z' one bin && touch -h -d '2001-02-03 04:05:06Z' out"
    " && chown -R 1000 /opt/venv && chmod u+s bin/suid && chmod g+s closed && chmod 777 /srv/empty"
    " && touch -d '2001-02-03 04:05:06Z' /opt/venv && printf t > /tmp/t\n"
    "VOLUME /data\n"
)


def exported(engine: docker.DockerClient, image: Image, target: Path) -> Path:
    export_places(engine, image, target)
    return target


def test_what_places_hold_is_exported(engine: docker.DockerClient, look: Look, tmp_path: Path) -> None:
    image = look(FILLED)
    target = exported(engine, image, tmp_path / "bases/x")

    found = tree(target)
    venv = target / "opt/venv"
    moment = 981173106
    assert left(engine, image.id) == []
    assert found["tmp"][0] == found["var/tmp"][0] == "drwxrwxrwt"
    assert found["home/agent"] == ("drwx------", "")
    assert found["home/agent/.bashrc"][0] == "-rw-r--r--"
    assert found["srv/empty"] == ("drwxrwxrwx", "")
    assert found["data"] == ("drwxr-xr-x", "")
    assert found["tmp/t"] == ("-rw-r--r--", b"t")
    assert found["opt/venv/one"] == found["opt/venv/two"] == ("-rw-r-----", b"one")
    assert os.path.samefile(venv / "one", venv / "two")
    assert found["opt/venv/out"] == ("lrwxrwxrwx", "/etc/passwd")
    assert found["opt/venv/dangling"] == ("lrwxrwxrwx", "nowhere")
    assert found["opt/venv/bin/suid"][0] == "-rwxr-xr-x"
    assert found["opt/venv/closed"][0] == "dr-xrws---"
    assert found["opt/venv/closed/in"] == ("----------", b"y")
    assert found["opt/venv/a b\n\udcc3\udca4\udcff".encode(errors="surrogateescape").decode(errors="surrogateescape")]
    assert "opt/venv/pipe" not in found
    assert {path.lstat().st_uid for path in target.rglob("*")} == {os.getuid()}
    times = [int((venv / name).lstat().st_mtime) for name in ("one", "bin", "out", "")]
    assert times == [moment] * 4
    assert sorted(path.name for path in target.parent.iterdir()) == [".x.lock", "x"]


def test_a_place_that_is_not_there_is_an_empty_folder(engine: docker.DockerClient, look: Look, tmp_path: Path) -> None:
    image = look("RUN rm -r /tmp && chmod 700 /run/lock")
    umask = os.umask(0o077)
    try:
        found = tree(exported(engine, image, tmp_path / "base"))
    finally:
        os.umask(umask)

    assert {name: found[name] for name in ("tmp", "home", "home/agent")} == dict.fromkeys(
        ("tmp", "home", "home/agent"), ("drwxr-xr-x", "")
    )


def test_it_is_there_whole_or_not_at_all(engine: docker.DockerClient, look: Look, tmp_path: Path) -> None:
    image = look("RUN mkdir -m 777 /srv/x")
    target = tmp_path / "base"
    broken = image.model_copy(update={"id": f"sha256:{'0' * 64}"})

    with pytest.raises(SandboxUnavailable):
        export_places(engine, broken, target)
    assert not target.exists()

    litter = tmp_path / ".base.new"  # of one who was killed
    (litter / "deep").mkdir(parents=True)
    (litter / "deep").chmod(0)
    assert (exported(engine, image, target) / "srv/x").is_dir()
    assert not litter.exists()

    (target / "tmp/mine").touch()
    export_places(engine, broken, target)  # nothing is asked: it is there
    assert (target / "tmp/mine").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user for a while")
def test_an_ordinary_user_exports_the_same(engine: docker.DockerClient, look: Look, tmp_path: Path) -> None:
    image = look(FILLED)
    as_root = tree(exported(engine, image, tmp_path / "root"))
    held = engine.containers.create(image.id, ["x"])
    try:
        archive = b"".join(held.get_archive("/opt/venv")[0])
    finally:
        held.remove(force=True, v=True)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 1000, 1000)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from agentrt.sandboxes.docker.unpack import Chunks, unpack\n"
        "os.setgroups([]); os.setgid(1000); os.setuid(1000)\n"
        "unpack(Chunks(iter([sys.stdin.buffer.read()])), Path('.'))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=theirs, input=archive, capture_output=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert tree(theirs) == {
        name.removeprefix("opt/venv/"): what for name, what in as_root.items() if name.startswith("opt/venv/")
    }
    assert {path.lstat().st_uid for path in theirs.rglob("*")} == {1000}


def packed(*members: tuple[str, bytes, str]) -> Chunks:
    """name, type, link or content"""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, more in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o755
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                member.linkname = more
            member.size = len(more) if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(more.encode()))
    whole = file.getvalue()
    return Chunks(whole[at : at + 700] for at in range(0, len(whole), 700))


ROOT = ("d", tarfile.DIRTYPE, "")


@pytest.mark.parametrize(
    "members",
    [
        [("d/../../evil", tarfile.REGTYPE, "x")],
        [("/d/evil", tarfile.REGTYPE, "x")],
        [("../evil", tarfile.REGTYPE, "x")],
        [("d/link", tarfile.SYMTYPE, ".."), ("d/link/evil", tarfile.REGTYPE, "x")],
        [("d/link", tarfile.SYMTYPE, "../evil"), ("d/link", tarfile.REGTYPE, "x")],
        [("d/link", tarfile.SYMTYPE, ".."), ("d/link", tarfile.DIRTYPE, "")],
        [("d/hard", tarfile.LNKTYPE, "d/../../victim")],
        [("d/link", tarfile.SYMTYPE, ".."), ("d/hard", tarfile.LNKTYPE, "d/link/victim")],
        [("evil", tarfile.REGTYPE, "x")],
    ],
)
def test_nothing_is_unpacked_elsewhere(tmp_path: Path, members: list[tuple[str, bytes, str]]) -> None:
    (tmp_path / "victim").write_text("v")
    into = tmp_path / "into"
    into.mkdir()

    with pytest.raises((OSError, tarfile.TarError)):
        unpack(packed(ROOT, *members), into)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["into", "victim"]
    assert (tmp_path / "victim").stat().st_nlink == 1


def test_an_archive_that_ends_too_early_is_an_error(tmp_path: Path) -> None:
    archive = packed(ROOT, ("d/a", tarfile.REGTYPE, "x" * 5000))
    whole = io.BufferedReader(archive).read()

    with pytest.raises(tarfile.TarError):
        unpack(Chunks(iter([whole[:2000]])), tmp_path)


def test_devices_are_left_out(tmp_path: Path) -> None:
    unpack(packed(ROOT, ("d/null", tarfile.CHRTYPE, ""), ("d/a", tarfile.REGTYPE, "x")), tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
