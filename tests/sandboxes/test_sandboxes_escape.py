"""What a command that means harm cannot do. Each attack was written to succeed without the confinement."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from agentrt.contracts import Confinement
from agentrt.sandboxes.local import toolchains
from agentrt.testing.trees import tree_state

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


@pytest.mark.parametrize(
    "path",
    (
        "/usr/new", "/etc/new", "/bin/new", "/opt/new", "/new", "/dev/new", "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger", "/root/new", "/run/new",
        "/home/new", "/proc/1/oom_score_adj",
    ),
)  # fmt: skip
def test_the_system_cannot_be_written(inside, path: str) -> None:
    _, printed = bash(inside, f"echo x > {path} && echo written")
    assert "written" not in printed


def test_system_files_cannot_be_changed(inside) -> None:
    before = os.stat("/etc/passwd"), os.stat("/usr/bin/env")
    result, _ = bash(inside, "chmod 777 /etc/passwd; rm -f /usr/bin/env; mv /etc/passwd /etc/p; touch /usr/bin/env")
    assert result.exit_code != 0
    assert before == (os.stat("/etc/passwd"), os.stat("/usr/bin/env"))


def test_the_hosts_folders_are_not_there(inside, tmp_path: Path) -> None:
    (tmp_path / "neighbour").write_text("secret")
    home = os.path.expanduser("~")
    _, printed = bash(
        inside, f"ls -A {tmp_path}; ls -A {home} /home /root /run /var /mnt /srv /tmp; cat {tmp_path}/neighbour"
    )
    assert "secret" not in printed
    listed = printed.split("\n", 1)[0]
    assert listed == "workspace"  # the store, which lies beside it, is not there
    shown = toolchains.find(tmp_path, Confinement(), os.environ)
    for name in os.listdir(home):
        assert name not in printed.split() or any(path.startswith(f"{home}/{name}") for path in shown)


@pytest.mark.parametrize("place", ("/opt", "/var", "/usr/local"))
@only_root
def test_the_store_is_not_there_wherever_it_lies(inside, place: str) -> None:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        os.chmod(folder, 0o755)
        store = Path(folder, "store")
        _, printed = bash(
            inside, f"echo secret > made; find {folder} -path '*.run-*'; cat {store}/.run*/open/work/made", store=store
        )
        assert "secret" not in printed and "/.run-" not in printed.replace("/.run*", "")


def test_secrets_of_the_system_cannot_be_read(inside) -> None:
    _, printed = bash(inside, "cat /etc/shadow /etc/gshadow /etc/sudoers /etc/ssh/*key /etc/ssl/private/* | wc -c")
    assert printed.splitlines()[-1] == "0"


@only_root
def test_what_only_root_may_read_in_etc_is_not_shown_to_roots_sandbox(inside) -> None:
    with tempfile.NamedTemporaryFile(dir="/etc", prefix="agentrt-secret-") as file:
        file.write(b"secret")
        file.flush()
        _, printed = bash(inside, f"cat '{file.name}' | tr s S")
    assert "Secret" not in printed


def test_no_network(inside) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("0.0.0.0", 0)) as everywhere:
        ports = [each.getsockname()[1] for each in (server, everywhere)]
        code = f"""
import socket
for host in ("127.0.0.1", "localhost", "10.0.0.1", "{_own_address()}"):
    for port in {ports!r}:
        try: socket.create_connection((host, port), 1); print("connected", host)
        except OSError: pass
try: socket.getaddrinfo("example.com", 80); print("resolved")
except OSError: pass
print(sorted(name for _, name in socket.if_nameindex()))
"""
        assert python(inside, code)[1] == "['lo']\n"


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            any_socket.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        return str(any_socket.getsockname()[0])


def test_a_server_of_ones_own_works(inside) -> None:
    code = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).sendall(b"x")
print(server.accept()[0].recv(1))
"""
    assert python(inside, code)[1] == "b'x'\n"


def test_unix_sockets_of_the_host_cannot_be_reached(inside, workspace: Path) -> None:
    path = str(workspace / "host.sock")
    with socket.socket(socket.AF_UNIX) as abstract, socket.socket(socket.AF_UNIX) as named:
        abstract.bind("\0agentrt-test")
        abstract.listen()
        named.bind(path)
        named.listen()
        code = f"""
import os, socket
for name in ("\\0agentrt-test", "host.sock", {path!r}):
    try: socket.socket(socket.AF_UNIX).connect(name); print("connected", repr(name))
    except OSError as error: print(error.errno)
"""
        assert "connected" not in python(inside, code)[1]


def test_a_fifo_of_the_host_leads_nowhere(inside, workspace: Path) -> None:
    os.mkfifo(workspace / "fifo")
    reader = os.open(workspace / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        bash(inside, "timeout 1 bash -c 'echo secret > fifo'")
        assert os.read(reader, 100) == b""
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    "command",
    (
        "mount -t tmpfs none /mnt", "mount --bind /etc /mnt", "mount -o remount,rw /usr", "umount /proc", "umount -l /tmp",
        "unshare -m true", "unshare -U true", "unshare -Ur true", "unshare -Urm mount -t tmpfs none /mnt", "unshare -n true",
        "unshare -p -f true", "chroot / true", "swapon /dev/null", "mknod n b 8 0", "mknod n c 1 5", "mknod n c 0 0",
        "nsenter -t 1 -m true", "nsenter -t 1 -n true", "hostname x", "date -s 2001-01-01", "dmesg", "reboot -f",
        "insmod x.ko", "ip link add d type dummy", "renice -20 $$", "ulimit -c unlimited",
    ),
)  # fmt: skip
def test_what_takes_privilege_is_refused(inside, command: str) -> None:
    result, printed = bash(inside, f"{command} && echo done")
    assert "done" not in printed, printed
    assert result.exit_code != 0


def test_no_capability_that_reaches_outside(inside) -> None:
    _, printed = bash(inside, "grep -E 'Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status")
    fields = dict(line.split(":\t") for line in printed.splitlines())
    allowed = sum(1 << bit for bit in (0, 1, 3, 4, 5, 6, 7, 10)) if ROOT else 0
    assert fields.pop("NoNewPrivs") == "1"
    assert all(int(value, 16) & ~allowed == 0 for value in fields.values()), fields


def test_processes_of_the_host_are_not_there(inside) -> None:
    victim = subprocess.Popen(["sleep", "60"])
    try:
        bash(inside, f"kill -9 {victim.pid} {os.getpid()} -1 2>&1; ls /proc | grep -c '^[0-9]'")
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()
    code = "import os; print(len([n for n in os.listdir('/proc') if n.isdigit()]))"
    assert int(python(inside, code)[1]) < 5


@pytest.mark.parametrize("name", ("fd", "environ", "mem", "root", "cwd", "exe", "maps"))
def test_the_init_of_the_action_tells_nothing(inside, name: str) -> None:
    code = f"""
import os
path = "/proc/1/{name}"
paths = [path] if os.path.basename(path) != "fd" else [path + "/" + str(number) for number in range(5)]
for path in paths:
    for call in (os.readlink, lambda path: open(path, "rb").read(10), lambda path: os.listdir(path + "/.")):
        try: print("READ", call(path))
        except OSError: pass
"""
    assert "READ" not in python(inside, code)[1]


def test_no_file_of_the_server_is_inherited(inside) -> None:
    code = "import os; print({fd: os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if int(fd) > 2})"
    printed = python(inside, code)[1]
    assert printed.count("/proc/") == printed.count(": '"), printed  # only the one it lists with


def test_init_can_be_neither_traced_nor_killed(inside) -> None:
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(16, 1, 0, 0), libc.ptrace(0x4206, 1, 0, 0))
os.kill(1, 9); os.kill(1, 15); print("alive")
"""
    assert python(inside, code)[1] == "-1 -1\nalive\n"


def test_a_set_user_id_program_gives_nothing(inside) -> None:
    script = "cp /usr/bin/id mine; chmod 4755 mine; ./mine -u; su -c id root </dev/null 2>&1; mount --help >/dev/null; cat /proc/self/uid_map"
    _, printed = bash(inside, script)
    assert printed.splitlines()[0] == str(os.geteuid())
    if not ROOT:
        assert "uid=0" not in printed


@only_root
def test_a_device_in_the_workspace_cannot_be_opened(inside, workspace: Path) -> None:
    os.mknod(workspace / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    _, printed = bash(inside, "head -c 1 zero | wc -c")
    assert printed.splitlines()[-1] == "0"


def test_a_link_out_of_the_workspace_leads_to_what_is_inside(inside, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (workspace / "out").symlink_to(tmp_path / "secret")
    (workspace / "up").symlink_to("../secret")
    (workspace / "shadow").symlink_to("/etc/shadow")
    before = tree_state(tmp_path)
    _, printed = bash(inside, "cat out up shadow; echo x > out; echo x > up; echo x > shadow")
    assert "secret" not in printed.replace("/secret", "").replace("../secret", "")
    assert {path: node for path, node in tree_state(tmp_path).items() if not path.startswith(b"store")} | {
        b".": before[b"."]
    } == before


def test_a_file_of_the_host_cannot_be_linked_into_a_layer(inside, workspace: Path) -> None:
    _, printed = bash(inside, "ln /etc/passwd p && echo linked; ln -P /proc/self/exe e && echo linked")
    assert "linked" not in printed


def test_the_keys_of_the_users_session_are_not_there(inside) -> None:
    """The kernel keeps secrets for a login session (keyrings(7)); a container of the session is one of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    add_key, keyctl = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
    session = -3
    key = libc.syscall(add_key, b"user", b"agentrt-test", b"secret", 6, session)
    if key < 0:
        pytest.skip("no keyrings here")
    try:
        code = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
data = ctypes.create_string_buffer(64)
print(libc.syscall({keyctl}, 10, -3, b"user", b"agentrt-test", 0), libc.syscall({keyctl}, 11, {key}, data, 64), data.value)
"""
        printed = python(inside, code)[1]
    finally:
        libc.syscall(keyctl, 9, key, session)
    assert "secret" not in printed and printed.startswith("-1 -1"), printed


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


def test_nothing_is_typed_into_the_terminal(inside) -> None:
    code = (
        "import fcntl, pty, os, errno\nmine, other = pty.openpty()\n"
        "for request in (0x5412, 0x541C):\n"
        "    try:\n        fcntl.ioctl(other, request, b'x')\n        print('typed')\n"
        "    except OSError as error:\n        print(error.errno)\n"
        "print(os.isatty(other))\n"
    )
    _, printed = python(inside, code)
    assert printed.split() == [str(errno.EPERM), str(errno.EPERM), "True"]


def test_the_filter_is_handed_down(inside) -> None:
    _, printed = bash(inside, "setsid bash -c 'grep ^Seccomp: /proc/self/status' & wait")
    assert printed.split() == ["Seccomp:", "2"]
