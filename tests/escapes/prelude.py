"""What a Python trick may import. Only the standard library: it runs inside the sandbox."""

import contextlib
import ctypes
import os
import platform
import socket
import ssl
import struct
import subprocess

TOLD = os.environ
MARK = TOLD["MARK"]
libc = ctypes.CDLL(None, use_errno=True)

_NUMBERS = {
    "acct": (163, 89), "add_key": (248, 217), "bpf": (321, 280), "capset": (126, 91), "chroot": (161, 51),
    "clock_settime": (227, 112), "clone": (56, 220), "clone3": (435, 435), "delete_module": (176, 106),
    "fanotify_init": (300, 262), "fsconfig": (431, 431), "fsmount": (432, 432), "fsopen": (430, 430),
    "fspick": (433, 433), "getpid": (39, 172), "init_module": (175, 105), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "io_uring_setup": (425, 425), "kcmp": (312, 272), "kexec_load": (246, 104),
    "keyctl": (250, 219), "linkat": (265, 37), "mount": (165, 40), "mount_setattr": (442, 442),
    "move_mount": (429, 429), "mq_open": (240, 180), "mq_timedreceive": (243, 183), "msgget": (68, 186),
    "msgrcv": (70, 188), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "open_tree": (428, 428),
    "perf_event_open": (298, 241), "pidfd_getfd": (438, 438), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pivot_root": (155, 41), "process_madvise": (440, 440),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "ptrace": (101, 117), "reboot": (169, 142),
    "renameat2": (316, 276), "request_key": (249, 218), "rt_sigqueueinfo": (129, 138), "setdomainname": (171, 162),
    "sethostname": (170, 161), "setns": (308, 268), "shmat": (30, 196), "shmget": (29, 194), "swapoff": (168, 225),
    "swapon": (167, 224), "syslog": (103, 116), "umount2": (166, 39), "unshare": (272, 97),
    "userfaultfd": (323, 282),
}  # fmt: skip
"""On x86_64 and on aarch64."""


def call(name, *arguments):
    """A system call, by number: nothing stands between. Raises ``OSError``."""
    number = _NUMBERS[name][platform.machine() == "aarch64"]
    ctypes.set_errno(0)
    libc.syscall.restype = ctypes.c_long
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result == -1:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return result


def out(how):
    """Say that it got out."""
    print("got out:", how, flush=True)


@contextlib.contextmanager
def attempt():
    """What is refused is said, and the trick goes on. A mistake in the trick itself is no refusal."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        print("refused:", error)


def numbers(*names):
    """Process numbers: those the trick is told, and others worth a try."""
    return [int(TOLD[name]) for name in names or ("VICTIM", "RUNTIME")] + [1, os.getppid()]


def show(path, most=4096):
    """Print a file."""
    with attempt(), open(path, "rb", buffering=0) as file:
        print(path, file.read(most).decode(errors="replace"))


def door(*, seconds=10):
    """A connection to the one way out."""
    return socket.create_connection(("127.0.0.1", int(TOLD["http_proxy"].rpartition(":")[2])), seconds)


def rest(stream):
    """All that still comes."""
    found = b""
    with contextlib.suppress(OSError):
        while data := stream.recv(65536):
            found += data
    return found


def say(data):
    """Say it to the way out, and nothing more; what it answers."""
    with door() as stream:
        with contextlib.suppress(OSError):
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
        return rest(stream)


def get(url, *headers, method="GET", body=None):
    """A request as it must be."""
    lines = [f"{method} {url} HTTP/1.1", f"Host: {url.split('/')[2]}", *headers]
    lines += [] if body is None else [f"Content-Length: {len(body)}"]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1") + (body or b"")


def connect(authority, *headers):
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def never(*requests):
    """What the way out has to refuse by itself. That a place cannot be reached (502) would say that it tried."""
    for request in requests:
        answer = say(request)
        print(request[:90], answer[:160])
        if answer and answer[9:12] not in (b"400", b"403", b"405", b"431", b"501", b"505"):
            out(f"{request!r} was answered {answer[:300]!r}")


def reached(data):
    """What must come through; else what comes after it has not tried anything."""
    answer = say(data)
    assert b" 200 " in answer, answer


@contextlib.contextmanager
def tls(authority, name, *, verify=True):
    """In a tunnel to ``authority``, for ``name``."""
    context = ssl.create_default_context(cafile=TOLD["SSL_CERT_FILE"])
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with door() as stream:
        stream.sendall(connect(authority))
        print(stream.recv(4096)[:100])
        with context.wrap_socket(stream, server_hostname=name) as inside:
            yield inside


def opened(data):
    """Say it inside a tunnel that is opened; what is answered."""
    with tls(f"opened.test:{TOLD['TLS']}", "opened.test") as inside:
        inside.sendall(data)
        inside.settimeout(1)
        return rest(inside)


def hello(*extensions, pieces=16384):
    """The first words of TLS, in records of so many bytes; an extension is its number and its content."""
    listed = b"".join(struct.pack("!HH", kind, len(content)) + content for kind, content in extensions)
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack("!H", len(listed)) + listed
    message = b"\1" + len(body).to_bytes(3, "big") + body
    parts = [message[at : at + pieces] for at in range(0, len(message), pieces)]
    return b"".join(b"\x16\3\1" + struct.pack("!H", len(part)) + part for part in parts)


def named(*names):
    """The extension that says whom TLS is for."""
    listed = b"".join(struct.pack("!BH", 0, len(name)) + name for name in names)
    return 0, struct.pack("!H", len(listed)) + listed


def canary(*, whole=False):
    """What is in the planted file, and nobody may send: the file, or what makes it different from all others."""
    with open(os.path.expanduser(TOLD["CANARY"]), "rb") as file:
        content = file.read()
    return content if whole else content.split()[-1]
