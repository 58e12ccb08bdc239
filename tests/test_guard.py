"""No test reaches beyond loopback. Each case is a test file of its own, run with this project's own ``conftest``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

REFUSED = {
    "connect": ("s.socket().connect(('192.0.2.1', 80))", "192.0.2.1:80"),
    "connect_ex": ("s.socket().connect_ex(('192.0.2.2', 443))", "192.0.2.2:443"),
    "sixth version": ("s.socket(s.AF_INET6).connect(('2001:db8::1', 80))", "2001:db8::1:80"),
    "datagram": ("s.socket(type=s.SOCK_DGRAM).sendto(b'x', ('192.0.2.3', 53))", "192.0.2.3:53"),
    "message": ("s.socket(type=s.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.4', 53))", "192.0.2.4:53"),
    "mapped": ("s.socket(s.AF_INET6).connect(('::ffff:192.0.2.5', 80))", "::ffff:192.0.2.5:80"),
    "lookup": ("s.getaddrinfo('example.test', 443)", "example.test"),
    "old lookup": ("s.gethostbyname('old.example.test')", "old.example.test"),
    "name to connect to": ("s.socket().connect(('named.example.test', 80))", "named.example.test:80"),
    "thread": (
        "t = threading.Thread(target=lambda: tried(\"s.getaddrinfo('t.test', 1)\")); t.start(); t.join()",
        "t.test",
    ),
    "under the module": ("_socket.socket().connect(('192.0.2.6', 80))", "192.0.2.6:80"),
    "asyncio": ("asyncio.run(asyncio.open_connection('192.0.2.7', 80))", "192.0.2.7:80"),
}
LET = {
    "loopback": "l = s.create_server(('127.0.0.1', 0)); c = s.create_connection(l.getsockname()); c.close(); l.close()",
    "localhost": "s.getaddrinfo('localhost', 80)",
    "literal": "s.getaddrinfo('192.0.2.8', 80)",
    "route": "d = s.socket(type=s.SOCK_DGRAM); d.connect(('192.0.2.1', 9)); d.close()",
    "unix": "a, b = s.socketpair(); a.sendmsg([b'x']); a.close(); b.close()",
}
HEAD = """
import _socket, asyncio, contextlib, socket as s, threading

def tried(source):
    with contextlib.suppress(OSError):
        exec(source)

"""


def run_tests(folder: Path, cases: dict[str, str]) -> dict[str, str]:
    """Runs each source in a test that takes every OSError for nothing; gives each name's outcome and message."""
    file = folder / "test_cases.py"
    tests = [f"def test_{n}():\n    tried({source!r})\n" for n, source in enumerate(cases.values())]
    file.write_text(HEAD + "\n".join(tests), "utf-8")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]), "COLUMNS": "200"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "conftest",
        "-p",
        "no:cacheprovider",
        "-q",
        "-rA",
        "-c",
        os.devnull,
    ]
    done = subprocess.run(
        [*command, f"--rootdir={folder}", str(file)], cwd=folder, env=env, text=True, capture_output=True, timeout=120
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("PASSED ", "FAILED "))]
    assert len(lines) == len(cases), done.stdout + done.stderr
    by_number = {int(line.split("::test_")[1].split()[0]): line for line in lines}
    return {name: by_number[n] for n, name in enumerate(cases)}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    sources = {name: source for name, (source, _) in REFUSED.items()}
    return run_tests(tmp_path_factory.mktemp("guard"), {**sources, **LET})


@pytest.mark.parametrize("name", REFUSED)
def test_what_reaches_beyond_loopback_fails_and_names_the_address(name: str, outcomes: dict[str, str]) -> None:
    assert outcomes[name].startswith("FAILED "), outcomes[name]
    assert outcomes[name].endswith(f" {REFUSED[name][1]}"), outcomes[name]


@pytest.mark.parametrize("name", LET)
def test_what_stays_on_loopback_passes(name: str, outcomes: dict[str, str]) -> None:
    assert outcomes[name].startswith("PASSED "), outcomes[name]


def test_this_process_is_guarded_too() -> None:
    import socket

    import guard

    with socket.socket() as connection, pytest.raises(OSError, match=r"socket\.connect 192\.0\.2\.9:80"):
        connection.connect(("192.0.2.9", 80))
    assert len(guard.reached) == 1
    guard.reached.clear()
