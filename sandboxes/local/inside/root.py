"""The root that actions see: built once a session, completed for each action.

Built once (``Template.build``), in the server's own mount namespace, where nobody else sees it: a tmpfs with the
system's folders read-only, a minimal /dev, and mount points for the rest. Completed in each action's own mount
namespace (``Template.complete``): home, tmp and var from the layers, the user's toolchains, /proc. Last, when the
workspace is mounted at ``Template.workspace``, it becomes the only thing there is (``Template.enter``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from ...acting import kernel

HOME = b"/home/agent"
_NOTHING = b"/run/nothing"
"""An empty file, shown instead of others."""
_SYSTEM = (b"usr", b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32", b"etc", b"opt", b"nix")
_DEVICES = (b"null", b"zero", b"full", b"random", b"urandom", b"tty")
LAYERED = {b"/home/agent": b"home/", b"/tmp": b"tmp/", b"/var": b"var/"}
"""The folders besides the workspace that may change, and what each is called in a layer's ``rest``."""
_SKELETON = ((b"home", 0o755), (b"tmp", 0o1777), (b"var", 0o755), *(
    (b"var/" + name, mode)
    for name, mode in ((b"tmp", 0o1777), (b"lib", 0o755), (b"cache", 0o755), (b"log", 0o755), (b"spool", 0o755))
))  # fmt: skip
# As root the session's namespace maps the real root, so what the kernel guards by user id alone must be covered.
_PROC_READ_ONLY = (b"sys", b"bus", b"irq", b"fs", b"sysrq-trigger", b"acpi", b"scsi")
_PROC_HIDDEN = (b"kcore", b"keys", b"key-users", b"timer_list", b"sched_debug", b"latency_stats", b"kallsyms")


class Template:
    """Where the pieces of the root are. All paths absolute, as the server sees them."""

    def __init__(
        self,
        stage: bytes,
        workspace: bytes,
        shows: Sequence[bytes],
        planted: Mapping[bytes, bytes],
        hidden: Sequence[bytes],
        base: bytes,
    ) -> None:
        self._root = stage + b"/root"
        self.work = stage + b"/work"
        """Where it is tried out that the workspace can be mounted."""
        self.rest = stage + b"/rest"
        """Where home, tmp and var are mounted, as one."""
        self.workspace = self._root + workspace
        self._workspace = workspace
        self._shows = sorted(set(shows))
        self._hidden = [workspace + b"/" + path for path in hidden]
        self._secrets_of_proc = list(_secrets_of_proc())
        self._planted = dict(sorted(planted.items()))
        self._pots = stage + b"/planted/"
        self._base = base

    def build(self, stage: bytes) -> None:
        kernel.mount(b"agentrt", stage, b"tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, b"mode=755,size=16m")
        for folder in (self._root, self.work, self.rest):
            os.mkdir(folder, 0o755)
        # A mount of its own, so that it can become a root and be made read-only by itself.
        kernel.mount(b"agentrt", self._root, b"tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, b"mode=755,size=16m")
        for name in _SYSTEM:
            self._system(name)
        self._devices()
        for name in (b"proc", b"home", b"home/agent", b"tmp", b"var", b"run", b"root", b"srv", b"mnt"):
            os.mkdir(self._root + b"/" + name, 0o755)
        self._skeleton()
        for path in (*self._shows, self._workspace):
            self._mount_point(path, is_folder=os.path.isdir(path))
        for path in self._shows:
            if not _layered_place(path):
                self._show(path)
        _touch(self._root + _NOTHING, 0o444)
        self._plant()
        self._hide()
        flags = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV
        kernel.mount(b"agentrt", self._root, None, flags)

    def _system(self, name: bytes) -> None:
        source, target = b"/" + name, self._root + b"/" + name
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            os.mkdir(target)
            kernel.bind(source, target)
            kernel.make_read_only(target)

    def _devices(self) -> None:
        folder = self._root + b"/dev"
        os.mkdir(folder, 0o755)
        for name in _DEVICES:
            _touch(folder + b"/" + name)
            kernel.bind(b"/dev/" + name, folder + b"/" + name)
        for name, target in ((b"fd", b"/proc/self/fd"), (b"stdin", b"/proc/self/fd/0"),
                             (b"stdout", b"/proc/self/fd/1"), (b"stderr", b"/proc/self/fd/2"),
                             (b"ptmx", b"pts/ptmx")):  # fmt: skip
            os.symlink(target, folder + b"/" + name)
        for name in (b"shm", b"pts"):
            os.mkdir(folder + b"/" + name)
        options = b"newinstance,ptmxmode=0666,mode=620"
        kernel.mount(b"devpts", folder + b"/pts", b"devpts", kernel.MS_NOSUID | kernel.MS_NOEXEC, options)

    def _skeleton(self) -> None:
        for name, mode in _SKELETON:
            path = self._base + b"/" + name
            if not os.path.isdir(path):
                os.makedirs(path, exist_ok=True)  # another server may be at it this very moment
                os.chmod(path, mode)

    def _mount_point(self, path: bytes, *, is_folder: bool) -> None:
        """Something to mount ``path`` on: in the base where the place is layered, else in the tmpfs."""
        if place := _layered_place(path):
            _point(self._base + b"/" + LAYERED[place] + path[len(place) + 1 :], is_folder)
        elif not os.path.lexists(self._root + path):
            _point(self._root + path, is_folder)

    def _show(self, path: bytes) -> None:
        kernel.bind(path, self._root + path)
        kernel.make_read_only(self._root + path)

    def _plant(self) -> None:
        """Files of our own, which lie on no disk; those of layered places get there in ``complete``."""
        os.mkdir(self._pots, 0o755)
        for number, (path, data) in enumerate(self._planted.items()):
            with open(self._pots + b"%d" % number, "wb") as file:
                file.write(data)
            self._mount_point(path, is_folder=False)
            if not _layered_place(path):
                self._show_planted(number, path)

    def _show_planted(self, number: int, path: bytes) -> None:
        kernel.bind(self._pots + b"%d" % number, self._root + path)
        kernel.make_read_only(self._root + path)

    def _hide(self) -> None:
        store = os.path.dirname(self._base)
        if os.path.isdir(self._root + store):  # it lies in a folder that is shown
            _cover(self._root + store)
        if os.geteuid() == 0:
            self._hide_secrets()

    def _hide_secrets(self) -> None:
        """Root may read all of /etc; what is kept from other users is not for root's agents either."""
        for folder, inner, names in os.walk(self._root + b"/etc"):
            for name in list(inner):
                with suppress(FileNotFoundError):  # gone since it was listed
                    if not _for_all(folder + b"/" + name):
                        _cover(folder + b"/" + name)
                        inner.remove(name)
            for name in names:
                with suppress(FileNotFoundError):
                    if not _for_all(folder + b"/" + name):
                        kernel.bind(b"/dev/null", folder + b"/" + name)

    def complete(self) -> None:
        """Add to the root, in this (new) mount namespace, all but the workspace."""
        for place, name in LAYERED.items():
            kernel.bind(self.rest + b"/" + name.rstrip(b"/"), self._root + place)
        for path in self._shows:
            if _layered_place(path):
                self._show(path)
        for number, path in enumerate(self._planted):
            # Where an action has taken its place away, or put a link there, in a session without it, it is not.
            if _layered_place(path) and _is_file(self._root, path):
                self._show_planted(number, path)
        quiet = kernel.MS_NOSUID | kernel.MS_NODEV
        kernel.mount(b"agentrt", self._root + b"/dev/shm", b"tmpfs", quiet, b"mode=1777,size=256m")
        if self._workspace.startswith(b"/dev/shm/"):
            _point(self.workspace, is_folder=True)
        self._proc(quiet | kernel.MS_NOEXEC)

    @property
    def trees(self) -> list[bytes]:
        """What an action may change as it likes, besides the workspace."""
        return [self._root + place for place in (*LAYERED, b"/dev/shm")]

    @property
    def kernels(self) -> list[bytes]:
        """Folders of the kernel's: an action may write what it finds there, so far as it is its own."""
        return [self._root + b"/dev", self._root + b"/proc"]

    def enter(self) -> None:
        kernel.pivot_root(self._root)
        for path in self._hidden:
            _empty(path)

    def _proc(self, flags: int) -> None:
        folder = self._root + b"/proc/"
        kernel.mount(b"proc", folder, b"proc", flags)
        with open(folder + b"sys/user/max_user_namespaces", "wb") as file:
            file.write(b"0")  # of this namespace: who makes a further one has all capabilities in it
        for name in self._secrets_of_proc:
            kernel.bind(self._root + b"/dev/null", folder + name)
        if os.geteuid() != 0:
            return
        kernel.bound_processes(folder)
        for name in _PROC_READ_ONLY:
            if os.path.lexists(folder + name):
                kernel.bind(folder + name, folder + name)
                kernel.make_read_only(folder + name)


def _secrets_of_proc() -> Iterator[bytes]:
    """Files at the top of /proc that tell of the machine what is not everybody's to know, and what root alone may read:
    root inside is root there."""
    for entry in os.scandir(b"/proc"):
        if entry.is_file(follow_symlinks=False):
            kept = os.geteuid() == 0 and not _for_all(entry.path)
            if kept or entry.name in _PROC_HIDDEN:
                yield entry.name


def _is_file(root: bytes, path: bytes) -> bool:
    """No link on the way to it, which would lead out of ``root``."""
    return os.path.isfile(root + path) and os.path.realpath(root + path) == os.path.realpath(root) + path


def _layered_place(path: bytes) -> bytes | None:
    return next((place for place in LAYERED if path.startswith(place + b"/")), None)


def _for_all(path: bytes) -> bool:
    mode = os.lstat(path).st_mode
    needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or mode & needed == needed


def _touch(path: bytes, mode: int = 0o644) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, mode))


def _empty(path: bytes) -> None:
    """What is there is there without its content. Where nothing is, nothing is hidden."""
    if os.path.isdir(path):
        _cover(path)
    elif os.path.exists(path):
        kernel.bind(_NOTHING, path)
        kernel.make_read_only(path)


def _point(path: bytes, is_folder: bool) -> None:
    if is_folder:
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.lexists(path):
            _touch(path)


def _cover(target: bytes) -> None:
    mode = stat.S_IMODE(os.stat(target).st_mode)
    kernel.mount(b"agentrt", target, b"tmpfs", kernel.MS_RDONLY, f"mode={mode:o},size=4k".encode())
