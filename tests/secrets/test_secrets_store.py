"""Kept in a keyring, or in an encrypted file; never readable by others, never lost by a mistake."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringLocked, PasswordDeleteError

from agentrt.errors import UsageError
from agentrt.records import Secret
from agentrt.secrets import hold, keep, kept, load, names, remove, sealed, store
from agentrt.secrets.rules import host

VALUE = "ghp_0123456789"
TOKEN = Secret(name="GH_TOKEN", value=VALUE, hosts=("api.github.com",))
OTHER = Secret(name="OTHER", value='pass"wörd\\', hosts=("*.example.com", "10.0.0.1"))


class Memory(KeyringBackend):
    """A keyring as long as it lasts."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def set_password(self, service: str, username: str, password: str) -> None:
        self._unlocked()
        self.held[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        self._unlocked()
        return self.held.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        self._unlocked()
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError(username)

    def _unlocked(self) -> None:
        if self.locked:
            raise KeyringLocked(VALUE)


class PlaintextKeyring(Memory):
    """What keeps plain text says so in its name."""


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AGENTRT_PASSPHRASE", "correct horse")
    monkeypatch.setattr(sealed, "_COST", 2**14)
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def ring() -> Memory:
    backend = Memory()
    keyring.set_keyring(backend)
    return backend


@pytest.fixture(params=["ring", "file"])
def either(request: pytest.FixtureRequest) -> str:
    if request.param == "ring":
        request.getfixturevalue("ring")
    return str(request.param)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state/agentrt/secrets"


def refused(error: pytest.ExceptionInfo[UsageError]) -> str:
    """What was said: with a hint, and without the value."""
    assert error.value.hint and VALUE not in f"{error.value} {error.value.hint}"
    return str(error.value)


def on_disk(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_what_is_kept_comes_back(either: str, tmp_path: Path) -> None:
    assert names() == () and load([]) == []
    keep(TOKEN)
    keep(OTHER)
    assert names() == ("GH_TOKEN", "OTHER")
    assert load(["OTHER", "GH_TOKEN", "OTHER"]) == [OTHER, TOKEN]
    assert [(one.name, one.hosts) for one in kept()] == [("GH_TOKEN", TOKEN.hosts), ("OTHER", OTHER.hosts)]
    keep(Secret(name="GH_TOKEN", value="another one", hosts=("github.com", "GitHub.com.")))
    assert load(["GH_TOKEN"]) == [Secret(name="GH_TOKEN", value="another one", hosts=("github.com",))]
    remove("GH_TOKEN")
    assert names() == ("OTHER",) and load(["OTHER"]) == [OTHER]
    for value in (TOKEN.value, OTHER.value, "another one"):
        assert value.encode() not in on_disk(tmp_path)


def test_where_is_said(tmp_path: Path) -> None:
    assert keep(TOKEN).where == "an encrypted file, as this machine has no keyring"
    keyring.set_keyring(null.Keyring())
    assert store.destination() == "an encrypted file, as this machine has no keyring"
    keyring.set_keyring(PlaintextKeyring())
    assert "plain text" in keep(OTHER).where
    ring = Memory()
    keyring.set_keyring(ring)
    assert keep(OTHER).where.startswith("the keyring (") and ("agentrt", "OTHER") in ring.held


def test_a_chain_is_followed_to_what_encrypts(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, real, chain = PlaintextKeyring(), Memory(), chainer.ChainerBackend()
    keyring.set_keyring(chain)
    monkeypatch.setattr(type(chain), "backends", [plain, real])
    keep(TOKEN)
    assert not plain.held and real.held
    monkeypatch.setattr(type(chain), "backends", [plain])
    assert "plain text" in store.destination()


def test_a_secret_is_in_one_place(ring: Memory, file: Path) -> None:
    keyring.set_keyring(fail.Keyring())
    keep(TOKEN)
    keep(OTHER)
    keyring.set_keyring(ring)
    assert load(["GH_TOKEN"]) == [TOKEN] and not ring.held
    new = Secret(name="GH_TOKEN", value="the new one", hosts=("a.example",))
    keep(new)
    assert load(["GH_TOKEN", "OTHER"]) == [new, OTHER]
    assert {one.name: one.place for one in kept()} == {"GH_TOKEN": "keyring", "OTHER": "file"}
    keyring.set_keyring(fail.Keyring())
    for attempt in (lambda: load(["GH_TOKEN"]), lambda: keep(TOKEN), lambda: remove("GH_TOKEN")):
        with pytest.raises(UsageError) as error:
            attempt()
        assert "cannot be reached from here" in refused(error)
    keyring.set_keyring(ring)
    remove("OTHER", "GH_TOKEN")
    assert names() == () and not ring.held


def test_the_index_binds_nothing(ring: Memory, tmp_path: Path) -> None:
    """Who can write it can send a secret nowhere."""
    keep(TOKEN)
    index = tmp_path / "config/agentrt/secrets.json"
    index.write_text(index.read_text().replace("api.github.com", "evil.example"))
    assert load(["GH_TOKEN"]) == [TOKEN]


def test_a_keyring_that_refuses(ring: Memory) -> None:
    keep(TOKEN)
    ring.locked = True
    for attempt in (lambda: load(["GH_TOKEN"]), lambda: keep(OTHER), lambda: remove("GH_TOKEN")):
        with pytest.raises(UsageError) as error:
            attempt()
        assert "KeyringLocked" in refused(error)
    assert names() == ("GH_TOKEN",)
    ring.locked = False
    assert load(["GH_TOKEN"]) == [TOKEN]
    ring.held["agentrt", "GH_TOKEN"] = "not ours"
    with pytest.raises(UsageError, match="not what agentrt kept") as error:
        load(["GH_TOKEN"])
    refused(error)
    ring.held.clear()
    with pytest.raises(UsageError, match="not in the keyring any more") as error:
        load(["GH_TOKEN"])
    refused(error)
    remove("GH_TOKEN")
    assert names() == ()


def test_one_that_is_not_there(either: str) -> None:
    keep(TOKEN)
    for attempt in (lambda: load(["GH_TOKEN", "GH_TOKN"]), lambda: remove("GH_TOKEN", "GH_TOKN")):
        with pytest.raises(UsageError) as error:
            attempt()
        assert refused(error) == "there is no secret GH_TOKN" and error.value.hint == "did you mean GH_TOKEN?"
    with pytest.raises(UsageError) as error:
        load(["ELSE"])
    assert error.value.hint == "keep it with: agentrt secrets set ELSE --host …"
    assert load(["GH_TOKEN"]) == [TOKEN]


def test_files_are_the_users_alone(either: str, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        keep(TOKEN)
    finally:
        os.umask(old)
    made = [path for path in tmp_path.rglob("agentrt/*") if path.is_file()]
    assert made and {path.stat().st_mode & 0o777 for path in made} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in made} == {0o700}


def test_what_others_can_read_is_not_used(file: Path) -> None:
    keep(TOKEN)
    for mode in (0o640, 0o604, 0o620, 0o602):
        file.chmod(mode)
        for attempt in (lambda: load(["GH_TOKEN"]), lambda: keep(OTHER), names):
            with pytest.raises(UsageError, match=f"mode {mode:04o}") as error:
                attempt()
            assert f"chmod 600 {file}" in error.value.hint
    file.chmod(0o600)
    file.parent.chmod(0o770)
    with pytest.raises(UsageError, match="not yours alone"):
        keep(OTHER)
    file.parent.chmod(0o700)
    assert load(["GH_TOKEN"]) == [TOKEN]


def test_a_link_or_a_folder_in_its_place_is_not_followed(file: Path, tmp_path: Path) -> None:
    keep(TOKEN)
    file.rename(tmp_path / "moved")
    file.symlink_to(tmp_path / "moved")
    with pytest.raises(UsageError, match="cannot be read"):
        names()
    file.unlink()
    file.mkdir()
    with pytest.raises(UsageError, match="is no file"):
        keep(OTHER)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_file_is_not_used(file: Path) -> None:
    keep(TOKEN)
    os.chown(file, 65534, 65534)
    with pytest.raises(UsageError, match="another user"):
        load(["GH_TOKEN"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_as_an_ordinary_user() -> None:
    """Where it may not write it is told so, and has lost nothing."""
    code = """
import os, sys
from agentrt.records import Secret
from agentrt.secrets import keep, load
one = Secret(name="A", value="a value", hosts=("a.example",))
keep(one), load(["A"])  # all is imported while it can be read
os.setgroups([]), os.setgid(65534), os.setuid(65534)
os.environ["XDG_STATE_HOME"] = os.environ["XDG_CONFIG_HOME"] = sys.argv[1] + "/state"
print(keep(one).where)
assert load(["A"]) == [one]
folder = sys.argv[1] + "/state/agentrt"
os.chmod(folder, 0o500)
try:
    keep(one)
except ValueError as error:
    print(error)
assert load(["A"]) == [one]
print(sorted(os.listdir(folder)))
os.environ["XDG_STATE_HOME"] = sys.argv[1] + "/no"
os.mkdir(sys.argv[1] + "/no", 0o500)
try:
    keep(one)
except ValueError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, 65534, 65534)
        command = [sys.executable, "-c", code, home]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kept_in, failed, left, nowhere = done.stdout.splitlines()
    assert "encrypted file" in kept_in and "cannot be written" in failed and "cannot be written" in nowhere
    assert left == "['secrets', 'secrets.lock']"


def test_a_wrong_passphrase(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(TOKEN)
    before = file.read_bytes()
    monkeypatch.setenv("AGENTRT_PASSPHRASE", "wrong")
    for attempt in (lambda: load(["GH_TOKEN"]), lambda: keep(OTHER), lambda: remove("GH_TOKEN")):
        with pytest.raises(UsageError, match="does not open") as error:
            attempt()
        refused(error)
    monkeypatch.delenv("AGENTRT_PASSPHRASE")
    with pytest.raises(UsageError, match="nobody to ask") as error:
        load(["GH_TOKEN"])
    assert "AGENTRT_PASSPHRASE" in error.value.hint
    assert names() == ("GH_TOKEN",) and file.read_bytes() == before


def test_a_damaged_file(file: Path) -> None:
    """Each character of it counts, and none is written over."""
    keep(TOKEN)
    data = file.read_bytes()
    for at in range(0, len(data) - 1, 3):
        if chr(data[at]).isspace():
            continue
        file.write_bytes(data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :])
        with pytest.raises(UsageError, match=r"is damaged|does not open|there is no secret") as error:
            load(["GH_TOKEN"])
        refused(error)
    for damaged in (b"", data[:-20], b"\xff" + data, b"[]", re.sub(rb'"n": \d+', b'"n": 1073741824', data)):
        file.write_bytes(damaged)
        with pytest.raises(UsageError, match="is damaged"):
            keep(OTHER)
        assert file.read_bytes() == damaged
    file.write_bytes(data)
    assert load(["GH_TOKEN"]) == [TOKEN]


def test_nobody_binds_it_to_another_host(file: Path) -> None:
    keep(TOKEN)
    document = json.loads(file.read_bytes())
    document["secrets"]["GH_TOKEN"] = ["evil.example"]
    file.write_text(json.dumps(document))
    with pytest.raises(UsageError, match="is damaged"):
        load(["GH_TOKEN"])


def test_nothing_is_lost_where_there_is_no_room(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(TOKEN)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left") as error:
        keep(OTHER)
    refused(error)
    monkeypatch.undo()
    assert sorted(path.name for path in file.parent.iterdir()) == ["secrets", "secrets.lock"]


def test_two_at_once_lose_nothing(file: Path) -> None:
    keep(TOKEN)
    code = (
        "import sys; from agentrt.secrets import keep, sealed; from agentrt.records import Secret\n"
        "for i in range(3): keep(Secret(name=f'{sys.argv[1]}{i}', value='a value', hosts=('a.example',)))"
    )
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    both = [subprocess.Popen([sys.executable, "-c", code, name], env=environment) for name in "AB"]
    assert [one.wait() for one in both] == [0, 0]
    assert names() == ("A0", "A1", "A2", "B0", "B1", "B2", "GH_TOKEN")
    assert load(["GH_TOKEN"]) == [TOKEN]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "token"}, "cannot be the name"),
        ({"name": "_A"}, "cannot be the name"),
        ({"name": "A-B"}, "cannot be the name"),
        ({"name": "É"}, "cannot be the name"),
        ({"value": ""}, "is empty"),
        ({"value": "12345"}, "too short to be told apart from other text"),
        ({"value": "a" * 4097}, "too long"),
        ({"value": "line\nline"}, "control character"),
        ({"value": "\udcffabcdef"}, "not UTF-8"),
        ({"hosts": ()}, "needs a host"),
        *(
            ({"hosts": (bad,)}, "is no host")
            for bad in ("", "*", "*.com", "https://a.b", "a.b:443", "a.b/c", "a b", "a..b", ".a", "-a.b", "*.1.2.3.4")
        ),
        *(({"hosts": (bad,)}, "is no host") for bad in ("1.2.3", "a.*.b", "*a.b", "a" * 64, "me@a.b", "a.b\n", "ü..b")),
    ],
)
def test_what_is_no_secret_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        keep(TOKEN.model_copy(update=change))
    assert said in refused(error)
    assert names() == ()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("API.GitHub.com.", "api.github.com"),
        ("*.Example.com", "*.example.com"),
        ("localhost", "localhost"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("[2001:DB8::0:1]", "2001:db8::1"),
    ],
)
def test_hosts_are_as_requests_have_them(text: str, canonical: str) -> None:
    assert host(text) == canonical


def test_placeholders_cannot_be_guessed() -> None:
    first, second = hold([TOKEN, OTHER]), hold([TOKEN])
    assert [one.secret for one in first] == [TOKEN, OTHER]
    assert re.fullmatch("agentrt-secret-GH_TOKEN-[0-9a-f]{16}", first[0].placeholder)
    assert first[0].placeholder != second[0].placeholder
