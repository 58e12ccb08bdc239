"""Database servers for tests: a PostgreSQL and a MariaDB of their own, in a folder of their own, at ports of 127.0.0.1.

    python tests/databases/servers.py start FOLDER     prints NAME=URL, a line a server; installs them where root may
    python tests/databases/servers.py stop FOLDER      ends them, and removes the folder

Started by root they run as the users that Debian's packages made for them; whoever has the URL may use them. No server of
the machine's own is started or asked. Nothing they store outlives a crash of the machine (no fsync).

Who has a MySQL names it in AGENTRT_TEST_MARIADB, as ``mysql://``: the same tests run on it, but for those of definitions.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

USER = "agentrt"
_SECONDS = 60
_PACKAGES = {"postgresql": "postgresql", "mariadbd": "mariadb-server"}
_POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks it whether a package's services may be started."""


class Server:
    """One server. What it is ended by lies in ``folder``, and so another process can do it."""

    kind: str
    account: str
    """The user it runs as where root starts it."""
    ending: signal.Signals

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.kind
        self.data = self.folder / "data"
        self.port = 0
        self._password = secrets.token_hex(12)

    @property
    def url(self) -> str:
        raise NotImplementedError

    def start(self) -> None:
        """With empty databases; wait until it answers. Raises ``RuntimeError`` with what it said."""
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o700)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (self.folder / "secret").write_text(self._secret())
        if os.geteuid() == 0:
            account = pwd.getpwnam(self.account)
            for path in (self.folder, self.folder / "secret"):
                os.chown(path, account.pw_uid, account.pw_gid)
        self._finish(self._run(self._create()), "its data folder cannot be made")
        process = self._run(self._serve())
        (self.folder / "pid").write_text(str(process.pid))
        until = time.monotonic() + _SECONDS
        while process.poll() is None and time.monotonic() < until:
            if self._ready():
                return
            time.sleep(0.05)
        process.kill()
        self._finish(process, "it does not start")

    def stop(self) -> None:
        """End it; it need not run."""
        try:
            pid = int((self.folder / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return
        for number in (self.ending, signal.SIGKILL):
            until = time.monotonic() + _SECONDS / 4
            if self._runs(pid):
                os.kill(pid, number)
            while self._runs(pid) and time.monotonic() < until:
                time.sleep(0.05)

    def _runs(self, pid: int) -> bool:
        """Also whether it is still this server that has the number."""
        try:
            return os.fsencode(self.data) in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return False

    def _run(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        root = os.geteuid() == 0
        account = pwd.getpwnam(self.account) if root else None
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                user=account and account.pw_uid, group=account and account.pw_gid, extra_groups=[] if root else None,
                env={"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self.folder)},
            )  # fmt: skip

    def _finish(self, process: subprocess.Popen[bytes], wrong: str) -> None:
        if process.wait(_SECONDS) != 0:
            raise RuntimeError(f"{self.kind}: {wrong}:\n" + (self.folder / "log").read_text()[-3000:])

    def _secret(self) -> str:
        raise NotImplementedError

    def _create(self) -> Sequence[str]:
        raise NotImplementedError

    def _serve(self) -> Sequence[str]:
        raise NotImplementedError

    def _ready(self) -> bool:
        raise NotImplementedError


class PostgreSQL(Server):
    kind, account, ending = "postgresql", "postgres", signal.SIGINT

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/postgres"

    def _secret(self) -> str:
        return self._password

    def _create(self) -> Sequence[str]:
        return [
            _postgresql("initdb"), "-D", str(self.data), "-U", USER, f"--pwfile={self.folder / 'secret'}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
        ]  # fmt: skip

    def _serve(self) -> Sequence[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 200,
            "max_prepared_transactions": 5,  # what is refused is not to be refused by the server's defaults
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [_postgresql("postgres"), "-D", str(self.data), *words]

    def _ready(self) -> bool:
        with contextlib.suppress(FileNotFoundError, IndexError):
            return (self.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        return False


class MariaDB(Server):
    kind, account, ending = "mariadb", "mysql", signal.SIGTERM

    @property
    def url(self) -> str:
        return f"mariadb://{USER}:{self._password}@127.0.0.1:{self.port}/"

    def _secret(self) -> str:
        return (
            f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{self._password}';\n"
            f"GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n"
        )

    def _create(self) -> Sequence[str]:
        return ["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db"]

    def _serve(self) -> Sequence[str]:
        return [
            shutil.which("mariadbd", path=f"{os.defpath}:/usr/sbin") or "mariadbd", "--no-defaults",
            f"--datadir={self.data}", f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
            f"--socket={self.folder / 'socket'}", f"--init-file={self.folder / 'secret'}",
            "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=64M", "--performance-schema=OFF",
        ]  # fmt: skip

    def _ready(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as line:
            return line.recv(1) != b""  # it speaks first, once its init-file has run
        return False


SERVERS: dict[str, type[Server]] = {"AGENTRT_TEST_POSTGRESQL": PostgreSQL, "AGENTRT_TEST_MARIADB": MariaDB}


def install() -> None:
    """What is missing, by Debian's packages, as root; their services stay off."""
    missing = [package for program, package in _PACKAGES.items() if not _installed(program)]
    if not missing or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    with _services_off():
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
            done = subprocess.run(
                ["apt-get", *command], env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError("apt-get failed:\n" + done.stdout[-3000:])


@contextlib.contextmanager
def _services_off() -> Iterator[None]:
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def _installed(program: str) -> bool:
    if program == "postgresql":
        return Path(_postgresql("initdb")).exists()
    return shutil.which(program, path=f"{os.defpath}:/usr/sbin") is not None


def _postgresql(program: str) -> str:
    """Debian keeps them, a folder a version, where no PATH leads."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else shutil.which(program) or program


def main(what: str, folder: Path) -> None:
    if what == "stop":
        for kind in SERVERS.values():
            kind(folder).stop()
        shutil.rmtree(folder)
        return
    install()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # the servers are users of their own
    for name, kind in SERVERS.items():
        server = kind(folder)
        server.start()
        print(f"{name}={server.url}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).absolute())
