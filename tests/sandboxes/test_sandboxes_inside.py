"""What a command finds inside: what works there, what is shown, and that what nobody needs is refused by itself, not
only where something else would stop it, too. That nothing gets out is for ``tests/escapes``."""

from __future__ import annotations

import errno
import os
import platform
import socket
import tempfile
from pathlib import Path

import pytest

from agentrt.contracts import Confinement
from agentrt.sandboxes.local import toolchains

CALL = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return ctypes.get_errno() if result == -1 else 0
"""
ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="only root has something to lose here")


def bash(inside, script: str, **where):
    return inside("bash", "-c", script, **where)


def python(inside, code: str, **where):
    return inside("python3", "-c", code, **where)


def test_a_server_of_ones_own_works(inside) -> None:
    code = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).sendall(b"x")
print(server.accept()[0].recv(1), sorted(name for _, name in socket.if_nameindex()))
"""
    assert python(inside, code)[1] == "b'x' ['lo']\n"


def test_a_terminal_of_ones_own_works(inside) -> None:
    code = "import os, pty; mine, other = pty.openpty(); os.write(mine, b'x\\n'); print(os.isatty(other), os.read(other, 9))"
    assert python(inside, code)[1] == "True b'x\\n'\n"


def test_processes_see_only_each_other(inside) -> None:
    code = "import os; print(len([n for n in os.listdir('/proc') if n.isdigit()]))"
    assert int(python(inside, code)[1]) < 5


def test_the_first_process_cannot_be_killed(inside) -> None:
    assert python(inside, "import os; os.kill(1, 9); os.kill(1, 15); print('alive')")[1] == "alive\n"


def test_of_the_host_only_what_is_shown_is_there(inside, tmp_path: Path) -> None:
    home = os.path.expanduser("~")
    _, printed = bash(inside, f"ls -A {tmp_path}; ls -A {home} /home /root /run /var /mnt /srv /tmp")
    assert printed.split("\n", 1)[0] == "workspace"  # the store, which lies beside it, is not there
    shown = toolchains.find(tmp_path, Confinement(), os.environ)
    for name in os.listdir(home):
        assert name not in printed.split() or any(path.startswith(f"{home}/{name}") for path in shown)


@pytest.mark.parametrize("place", ("/opt", "/var", "/usr/local"))
@only_root
def test_the_store_is_not_there_wherever_it_lies(inside, place: str) -> None:
    with tempfile.TemporaryDirectory(dir=place, prefix="agentrt-") as folder:
        os.chmod(folder, 0o755)
        store = Path(folder, "store")
        _, printed = bash(
            inside, f"echo secret > made; find {folder} -path '*.run-*'; cat {store}/.run*/open/work/made", store=store
        )
        assert "secret" not in printed and "/.run-" not in printed.replace("/.run*", "")


@pytest.mark.parametrize("place", ("/tmp", "/var/tmp", "/opt", "/home", "/srv", "/usr/local", "/root", "/dev/shm"))
def test_a_workspace_anywhere(inside, place: str) -> None:
    if not os.access(place, os.W_OK):
        pytest.skip("not ours to write")
    with tempfile.TemporaryDirectory(dir=place, prefix="agentrt :,\\") as folder:
        where = Path(folder, "a workspace", "new\nline \udcff:,\\")
        where.mkdir(parents=True)
        (where / "there").write_text("there\n")
        (Path(folder) / "beside").write_text("secret\n")
        result, printed = bash(inside, "cat there; echo new > new; rm there; ls; ls ../..; ls /tmp", where=where)
        assert result.exit_code == 0 and printed.startswith("there\nnew\n")
        assert place in ("/opt", "/usr/local") or "beside" not in printed
        assert os.listdir(where) == ["there"]


@only_root
def test_a_device_in_the_workspace_cannot_be_opened(inside, workspace: Path) -> None:
    os.mknod(workspace / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    _, printed = bash(inside, "head -c 1 zero | wc -c")
    assert printed.splitlines()[-1] == "0"


def test_without_a_network_nobody_can_be_asked_for_a_name(inside) -> None:
    code = "import socket\ntry: socket.getaddrinfo('example.com', 80)\nexcept socket.gaierror: print('no')"
    assert python(inside, code)[1] == "no\n"
    with socket.create_server(("0.0.0.0", 0)) as server:
        code = f"import socket\ntry: socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))\nexcept OSError as error: print(error.errno)"
        assert python(inside, code)[1] == f"{errno.ECONNREFUSED}\n"


CALLS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "bpf": (321, 280), "keyctl": (250, 219), "mount": (165, 40),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "setns": (308, 268), "open_tree": (428, 428),
    "chroot": (161, 51), "syslog": (103, 116), "init_module": (175, 105), "pidfd_getfd": (438, 438),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_system_call_nobody_needs_is_refused_before_it_is_looked_at(inside, name: str) -> None:
    """Whatever its arguments: where the kernel looked at them first, these would be EFAULT or EINVAL."""
    number = CALLS[name][platform.machine() == "aarch64"]
    _, printed = python(inside, CALL + f"print(call({number}, -1, -1, -1, -1, -1))")
    assert printed.split() == [str(errno.EPERM)]


@pytest.mark.parametrize("number", (425, 426, 427, 435), ids=("io_uring_setup", "enter", "register", "clone3"))
def test_a_system_call_programs_go_without_is_not_there(inside, number: int) -> None:
    _, printed = python(inside, CALL + f"print(call({number}, -1, -1, -1, -1, -1))")
    assert printed.split() == [str(errno.ENOSYS)]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines have one set of numbers")
def test_the_same_calls_by_other_numbers_are_not_there(inside) -> None:
    _, printed = python(inside, CALL + "print(call(0x40000000 + 521, -1, -1, -1), call(0x40000000 + 39))")
    assert printed.split() == [str(errno.ENOSYS)] * 2


@pytest.mark.parametrize("flag", (0x2000_0000, 0x1000_0000, 0x0002_0000, 0x4000_0000, 0x0200_0000))
def test_no_new_namespace_by_any_call(inside, flag: int) -> None:
    unshare, clone = (97, 220) if platform.machine() == "aarch64" else (272, 56)
    _, printed = python(inside, CALL + f"print(call({unshare}, {flag}), call({clone}, {flag | 17}, 0, 0, 0, 0))")
    assert printed.split() == [str(errno.EPERM)] * 2


def test_the_filter_is_handed_down(inside) -> None:
    _, printed = bash(inside, "setsid bash -c 'grep ^Seccomp: /proc/self/status' & wait")
    assert printed.split() == ["Seccomp:", "2"]
