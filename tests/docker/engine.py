"""A container engine for tests: a ``dockerd`` of its own, in a folder of its own, with an image made without a registry.

    python tests/docker/engine.py start FOLDER     prints the DOCKER_HOST to use; makes the image if it has to
    python tests/docker/engine.py stop FOLDER      ends it and all its containers, and removes the folder

As root, with ``dockerd`` and ``debootstrap`` (apt-get install docker.io debootstrap). The image's files are kept under
$XDG_CACHE_HOME/agentrt-tests, so that only the first start fetches Debian's packages.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

IMAGE = "agentrt-test:1"
SUITE = "bookworm"
PACKAGES = ("python3", "git")
LEFT_OUT = ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*", "usr/share/doc/*", "usr/share/man/*", "dev/*")
_SECONDS = 60
_RECIPE = json.dumps([1, SUITE, PACKAGES, LEFT_OUT, platform.machine()])


class Engine:
    """One daemon. What it is started with lies in ``folder``, and so it can be ended by another process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.host = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Wait until it answers. Raises ``RuntimeError`` with what it said."""

        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # an ordinary user who is let in at the socket gets there
        flags = {"-H": self.host, "--data-root": self.folder / "data", "--exec-root": self.folder / "exec"}
        flags |= {"-p": self.folder / "pid"}
        command = [
            "dockerd",
            *(str(word) for pair in flags.items() for word in pair),
            "--bridge=none",
            "--iptables=false",
        ]
        # What one that was killed left would be taken for one that runs.
        for left in ("docker.sock", "pid", "exec/containerd/containerd.pid"):
            (self.folder / left).unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            process = self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        until = time.monotonic() + _SECONDS
        while process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(Exception), self.client() as client:
                client.ping()
                return
            time.sleep(0.05)
        process.kill()
        process.wait()
        raise RuntimeError("dockerd does not start:\n" + (self.folder / "log").read_text()[-3000:])

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        import docker

        if not self.socket.exists():  # the SDK would leave its end open
            raise FileNotFoundError(self.socket)
        client = docker.DockerClient(base_url=self.host)
        try:
            yield client
        finally:
            client.close()

    def end(self) -> None:
        """As ``systemctl stop docker``: its containers end, its containerd too; what it stored stays."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """As the kernel does when memory runs out; its containers go on."""
        self._signal(signal.SIGKILL)

    def stop_answering(self) -> None:
        process = self._process
        self._signal(signal.SIGSTOP)
        assert process is not None
        os.waitpid(process.pid, os.WUNTRACED)  # one of its threads may be answering still

    def answer(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """End it, whatever state it is in; nothing of it stays."""
        self.end()
        for pid in _pids(f"{self.folder}/"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for place in reversed([place for place in mounted if place.startswith(f"{self.folder}/")]):
            subprocess.run(["umount", "-l", place], check=False)
        shutil.rmtree(self.folder)

    def _signal(self, number: signal.Signals) -> None:
        pids = []
        for file in ("pid", "exec/containerd/containerd.pid"):
            with contextlib.suppress(OSError, ValueError):
                pids.append(int((self.folder / file).read_text()))
        pids = [pid for pid in pids if str(self.folder).encode() in _command(pid)]
        for pid in pids if number == signal.SIGKILL else pids[:1]:  # containerd is ended by the daemon
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                if number != signal.SIGSTOP:
                    os.kill(pid, signal.SIGCONT)
        if number in (signal.SIGSTOP, signal.SIGCONT):
            return
        until = time.monotonic() + _SECONDS
        while any(_command(pid) for pid in pids) and time.monotonic() < until:
            time.sleep(0.05)
        if self._process is not None:
            self._process.wait(_SECONDS)
            self._process = None


@contextlib.contextmanager
def private(*, disk: str = "") -> Iterator[Engine]:
    """An engine for a test that ends or fills one; ``disk``: the size of its disk, as in "24m"."""
    engine = Engine(Path(tempfile.mkdtemp(prefix="agentrt-engine-")))
    try:
        if disk:
            (engine.folder / "data").mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk}", "none", engine.folder / "data"], check=True)
        engine.start()
        yield engine
    finally:
        engine.remove()


def load(engine: Engine) -> None:
    """The image, unless it is there."""
    with engine.client() as client:
        if not any(IMAGE in image.tags for image in client.images.list()):
            client.api.import_image_from_file(str(root_files()), *IMAGE.split(":"))
            assert any(IMAGE in image.tags for image in client.images.list())


def root_files() -> Path:
    """A tar archive of a small Debian without a user of its own. Made once."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentrt-tests"
    kept = home / f"{SUITE}-{hashlib.sha256(_RECIPE.encode()).hexdigest()[:16]}.tar"
    if kept.exists():
        return kept
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="agentrt-debian-") as folder:
        root, draft = Path(folder, "root"), home / f"{kept.name}.{os.getpid()}"
        include = f"--include={','.join(PACKAGES)}"
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", include, SUITE, root, _mirror()],
            env=_with_proxy(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError("debootstrap failed:\n" + made.stdout[-3000:])
        for pattern in LEFT_OUT:
            for path in root.glob(pattern):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        subprocess.run(["tar", "--numeric-owner", "-C", root, "-cf", draft, "."], check=True)
        draft.replace(kept)
    return kept


def _mirror() -> str:
    """Where this machine's own packages come from, if that is Debian."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    found = subprocess.run(command, capture_output=True, text=True).stdout.split()
    return next((url for url in found if "security" not in url), "http://deb.debian.org/debian")


def _with_proxy() -> dict[str, str]:
    """apt may know of a proxy that debootstrap is not told of."""
    environment = dict(os.environ)
    found = subprocess.run(
        ["apt-config", "dump", "--format", "%v", "Acquire::http::Proxy"], capture_output=True, text=True
    )
    if found.stdout.strip().startswith("http"):
        environment.setdefault("http_proxy", found.stdout.strip())
    return environment


def _command(pid: int) -> bytes:
    """Empty for a process that is gone, or dead and not waited for."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _pids(text: str) -> list[int]:
    """Of containerd's shims of this engine: their command lines name its folder."""
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in found if text.encode() in _command(pid) and b"containerd-shim" in _command(pid)]


def main(what: str, folder: Path) -> None:
    engine = Engine(folder.absolute())
    if what == "start":
        engine.start()
        load(engine)
        print(engine.host)
    else:
        engine.remove()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
