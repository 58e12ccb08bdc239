"""``secrets set``, ``list``, ``rm``: values come in unseen, and never come out."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_ground import Cli, Done

VALUE = "ghp_0123456789"
KEYRING = """
import json, os, pathlib
from keyring.backend import KeyringBackend
FILE = pathlib.Path(os.environ["TEST_RING"])
class Shelf(KeyringBackend):
    priority = 1
    def held(self): return json.loads(FILE.read_text()) if FILE.exists() else {}
    def set_password(self, service, username, password): FILE.write_text(json.dumps({**self.held(), username: password}))
    def get_password(self, service, username): return self.held().get(username)
    def delete_password(self, service, username): FILE.write_text(json.dumps({k: v for k, v in self.held().items() if k != username}))
class PlaintextKeyring(Shelf): pass
"""
FILE_ONLY = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "AGENTRT_PASSPHRASE": "correct horse"}
Set = Callable[..., Done]


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """With the keyring of a machine that has one."""
    (tmp_path / "plugins/shelf.py").write_text(textwrap.dedent(KEYRING))
    ring = {"PYTHON_KEYRING_BACKEND": "shelf.Shelf", "TEST_RING": str(tmp_path / "ring")}
    return {**environment, **ring, "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def piped(workspace: Path, environment: dict[str, str]) -> Set:
    """``piped("value\\n", "set", "NAME", …)``: with something on standard input, a process of its own."""

    def run(given: str | bytes, *words: str, **more: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "agentrt", "secrets", *words],
            input=given.encode() if isinstance(given, str) else given,
            cwd=workspace,
            env={**environment, **more},
            capture_output=True,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    return run


def typed(
    environment: dict[str, str],
    workspace: Path,
    answers: list[tuple[bytes, bytes]],
    *words: str,
    group: str = "secrets",
) -> tuple[int, bytes]:
    """What a terminal showed, with an answer typed at each of the prompts."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(workspace)
        os.execve(sys.executable, [sys.executable, "-m", "agentrt", group, *words], environment)
    shown, until = b"", time.monotonic() + 30
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break
        if answers and answers[0][0] in shown:
            time.sleep(0.2)  # until the echo is off: a prompt is shown just before
            os.write(terminal, answers.pop(0)[1] + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


def test_in_a_keyring(cli: Cli, piped: Set, tmp_path: Path) -> None:
    done = piped(f"{VALUE}\n", "set", "GH_TOKEN", "--host", "api.github.com", "--host", "*.Example.com")
    assert (done.code, done.err) == (0, "")
    assert (
        done.out
        == "GH_TOKEN is kept, and is sent to *.example.com, api.github.com only\nkept in: the keyring (shelf Shelf)\n"
    )
    assert VALUE in (tmp_path / "ring").read_text()
    assert cli("secrets", "list").out == "GH_TOKEN  *.example.com, api.github.com\nkept in: the keyring (shelf Shelf)\n"
    assert cli("--json", "secrets", "list").json == [
        {
            "name": "GH_TOKEN",
            "hosts": ["*.example.com", "api.github.com"],
            "place": "keyring",
            "where": "the keyring (shelf Shelf)",
        }
    ]
    assert cli("secrets", "rm", "GH_TOKEN").out == "removed: GH_TOKEN\n"
    assert VALUE not in (tmp_path / "ring").read_text()
    assert cli("secrets", "list").out == "no secrets; one that is set is kept in: the keyring (shelf Shelf)\n"


def test_in_an_encrypted_file_where_there_is_no_keyring(cli: Cli, piped: Set, tmp_path: Path) -> None:
    where = "an encrypted file, as this machine has no keyring"
    done = piped(VALUE, "set", "GH_TOKEN", "--host", "api.github.com", "--json", **FILE_ONLY)
    assert done.code == 0 and done.json == {
        "name": "GH_TOKEN",
        "hosts": ["api.github.com"],
        "place": "file",
        "where": where,
    }
    assert piped("other value\r\n", "set", "OTHER", "--host", "a.example", **FILE_ONLY).code == 0
    file = tmp_path / "state/agentrt/secrets"
    assert file.stat().st_mode & 0o777 == 0o600 and VALUE.encode() not in file.read_bytes()
    listed = cli("secrets", "list", **{**FILE_ONLY, "AGENTRT_PASSPHRASE": ""})
    assert listed.out == f"GH_TOKEN  api.github.com\nOTHER  a.example\nkept in: {where}\n"
    for passphrase, said in (("", "nobody to ask"), ("wrong", "does not open")):
        done = cli("secrets", "rm", "OTHER", **{**FILE_ONLY, "AGENTRT_PASSPHRASE": passphrase})
        assert done.code == 2 and said in done.err and "hint: " in done.err and "Traceback" not in done.err
    assert cli("secrets", "rm", "OTHER", "GH_TOKEN", "--json", **FILE_ONLY).json == {"removed": ["OTHER", "GH_TOKEN"]}


def test_a_keyring_of_plain_text_is_not_used(cli: Cli, piped: Set, tmp_path: Path) -> None:
    plain = {**FILE_ONLY, "PYTHON_KEYRING_BACKEND": "shelf.PlaintextKeyring"}
    done = piped(VALUE, "set", "GH_TOKEN", "--host", "api.github.com", **plain)
    assert (
        done.code == 0
        and "kept in: an encrypted file, as this machine's keyring" in done.out
        and "plain text" in done.out
    )
    assert not (tmp_path / "ring").exists()


def test_what_is_typed_is_not_shown(cli: Cli, environment: dict[str, str], workspace: Path) -> None:
    words = ("set", "GH_TOKEN", "--host", "api.github.com")
    code, shown = typed(environment, workspace, [(b"Value of GH_TOKEN: ", VALUE.encode())], *words)
    assert code == 0 and b"kept in: the keyring" in shown and VALUE.encode() not in shown
    file_only = {**environment, **FILE_ONLY}
    del file_only["AGENTRT_PASSPHRASE"]
    asked = [(b"Value of OTHER: ", b"other value"), (b"New passphrase", b"correct horse")]
    words = ("set", "OTHER", "--host", "a.example")
    code, shown = typed(file_only, workspace, [*asked, (b"The same again: ", b"not the same")], *words)
    assert code == 2 and b"two different passphrases" in shown
    code, shown = typed(file_only, workspace, [*asked, (b"The same again: ", b"correct horse")], *words)
    assert code == 0 and b"encrypted file" in shown and b"other value" not in shown and b"correct" not in shown
    code, shown = typed(file_only, workspace, [(b"Passphrase of agentrt's secrets: ", b"correct horse")], "rm", "OTHER")
    assert code == 0 and b"removed: OTHER" in shown
    assert [one["name"] for one in cli("secrets", "list", "--json").json] == ["GH_TOKEN"]


@pytest.mark.parametrize(
    ("given", "words", "says", "hint"),
    [
        ("", ("set", "A", "--host", "a.example"), "the value is empty", ""),
        ("12345\n", ("set", "A", "--host", "a.example"), "too short to be told apart from other text", ""),
        ("x" * 5000, ("set", "A", "--host", "a.example"), "too long", ""),
        ("a line\nand more", ("set", "A", "--host", "a.example"), "more than one line", "base64"),
        (b"\xff" * 9, ("set", "A", "--host", "a.example"), "not UTF-8", "base64"),
        ("123456", ("set", "a", "--host", "a.example"), "cannot be the name", "such as A"),
        ("123456", ("set", "A", "--host", "https://a.example"), "is no host", "api.github.com"),
        ("123456", ("set", "A", "--host", "*.com"), "is no host", "everybody below"),
        ("123456", ("set", "A"), "--host needs a value", "--help"),
        ("123456", ("set", "--host", "a.example"), "NAME is missing", "standard input"),
        ("123456", ("set", "A", VALUE, "--host", "a.example"), "one NAME, and nothing more", "standard input"),
        ("", ("rm",), "NAME is missing", "agentrt secrets list"),
        ("", ("rm", "NONE"), "there is no secret NONE", "agentrt secrets set NONE"),
        ("", ("rm", "nono"), "cannot be the name", "NONO"),
    ],
)
def test_mistakes(piped: Set, given: str | bytes, words: tuple[str, ...], says: str, hint: str, tmp_path: Path) -> None:
    done = piped(given, *words)
    assert done.code == 2 and done.out == ""
    first, second = done.err.splitlines()
    assert first.startswith("agentrt: ") and says in first and second.startswith("hint: ") and hint in second
    assert VALUE not in done.err
    assert not (tmp_path / "ring").exists() and not (tmp_path / "config").exists()


def test_a_name_nearly_right(cli: Cli, piped: Set) -> None:
    piped(VALUE, "set", "GH_TOKEN", "--host", "api.github.com")
    error = cli("secrets", "rm", "GH_TOKN", "--json").json["error"]
    assert error == {"code": "usage", "message": "there is no secret GH_TOKN", "hint": "did you mean GH_TOKEN?"}


def test_damage_is_said(cli: Cli, piped: Set, tmp_path: Path) -> None:
    piped(VALUE, "set", "GH_TOKEN", "--host", "api.github.com", **FILE_ONLY)
    file = tmp_path / "state/agentrt/secrets"
    file.chmod(0o644)
    done = cli("secrets", "list", **FILE_ONLY)
    assert done.code == 2 and "others" in done.err and f"chmod 600 {file}" in done.err
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-40])
    done = cli("secrets", "list", **FILE_ONLY)
    assert done.code == 2 and "is damaged" in done.err and "hint: " in done.err and "Traceback" not in done.err


def test_the_passphrase_does_not_reach_a_sandbox(both: Cli) -> None:
    done = both("exec", "--", "env", AGENTRT_PASSPHRASE="correct horse")
    assert done.code == 0 and "PATH=" in done.out and "correct horse" not in done.out


def test_a_prompt_in_the_middle_of_a_command_can_be_interrupted(
    piped: Set, environment: dict[str, str], workspace: Path, tmp_path: Path
) -> None:
    piped(VALUE, "set", "GH_TOKEN", "--host", "api.github.com", **FILE_ONLY)
    (tmp_path / "net.yaml").write_text("network: [{hosts: [api.github.com]}]\nsecrets: [GH_TOKEN]\n")
    asked = {**environment, **FILE_ONLY}
    del asked["AGENTRT_PASSPHRASE"]
    words = ("--policy", str(tmp_path / "net.yaml"), "--", "true")
    code, shown = typed(asked, workspace, [(b"Passphrase", b"\x03")], *words, group="exec")
    assert code == 130 and b"interrupted" in shown


def test_without_any_standard_input(environment: dict[str, str], workspace: Path) -> None:
    words = f"{sys.executable} -m agentrt secrets set X_TOKEN --host a.example.com <&-"
    done = subprocess.run(["bash", "-c", words], cwd=workspace, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "there is no standard input to read the value from" in done.stderr
