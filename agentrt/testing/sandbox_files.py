"""Checks of ``read``, ``write`` and ``read_at``."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable
from contextlib import ExitStack

from agentrt.records import Snapshot

from .sandbox_ground import Ground, check, refused


async def _errno(call: Awaitable[object]) -> int | None:
    """The errno of the ``OSError`` that awaiting ``call`` raises within some seconds."""
    try:
        await asyncio.wait_for(call, 10)
    except TimeoutError as error:
        raise AssertionError("it blocked") from error
    except OSError as error:
        return error.errno
    raise AssertionError("it was not refused")


async def _ordinary(ground: Ground) -> bool:
    """Inside, permissions are asked of us (of root they are not)."""
    return await ground.bash("id -u") != b"0\n"


@check("read: a file of the workspace, in whole and in part")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    assert await ground.sandbox.read("src/main.py") == b"print(1)\n"
    assert await ground.sandbox.read(ground.sandbox.workspace + "/README") == b"read me\n"
    assert await ground.sandbox.read("README", limit=4) == b"read"
    assert await ground.sandbox.read("README", limit=0) == b""
    assert await ground.sandbox.read("./src/../README") == b"read me\n"


@check("read: bytes are bytes")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    data = os.urandom(20_000_000)
    await ground.sandbox.write("data", data)
    assert await ground.sandbox.read("data") == data
    assert await ground.sandbox.read("data", limit=1_500_000) == data[:1_500_000]


@check("read: elsewhere in the sandbox")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.bash("echo t > /tmp/t; echo h > ~/h; printf %s ~ > home")
    home = os.fsdecode(await ground.sandbox.read("home"))
    assert await ground.sandbox.read("/tmp/t") == b"t\n"
    assert await ground.sandbox.read(home + "/h") == b"h\n"


@check("read: what a process would be told")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.bash("ln -s loop loop; ln -s nowhere dangling; mkdir -m 000 shut; echo x > dark; chmod 000 dark")
    for path, number in (
        ("missing", errno.ENOENT),
        ("src/missing", errno.ENOENT),
        ("missing/x", errno.ENOENT),
        ("dangling", errno.ENOENT),
        ("src", errno.EISDIR),
        (".", errno.EISDIR),
        ("README/x", errno.ENOTDIR),
        ("loop", errno.ELOOP),
        ("n" * 256, errno.ENAMETOOLONG),
    ):
        assert await _errno(ground.sandbox.read(path)) == number, path
    if await _ordinary(ground):
        assert await _errno(ground.sandbox.read("dark")) == errno.EACCES
        assert await _errno(ground.sandbox.read("shut/x")) == errno.EACCES


@check("read: a fifo, a socket and a device are refused, not waited for")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.bash("mkfifo fifo; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'")
    for path in ("fifo", "socket", "/dev/zero"):
        await _errno(ground.sandbox.read(path))
    assert await ground.sandbox.read("README") == b"read me\n"


@check("read: through links")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.bash("ln -s src/lib short; ln -s short/util.py u")
    assert await ground.sandbox.read("docs/link") == b"read me\n"
    assert await ground.sandbox.read("short/util.py") == await ground.sandbox.read("u") == b"x = 1\n"


@check("write: a new file, with the folders it needs")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.sandbox.write("new", b"")
    await ground.sandbox.write("a/b/c/d.txt", b"deep\n")
    await ground.sandbox.write(ground.sandbox.workspace + "/absolute", b"abs\n")
    assert await ground.bash("cat a/b/c/d.txt absolute new") == b"deep\nabs\n"
    assert await ground.changed(Snapshot(), await ground.sandbox.seal()) == [
        (path, "created") for path in ("a", "a/b", "a/b/c", "a/b/c/d.txt", "absolute", "new")
    ]


@check("write: content is replaced, the mode kept")
async def _(ground: Ground) -> None:
    ground.host("echo secret > private; chmod 600 private")
    await ground.sandbox.begin("s1.1")
    for path in ("src/main.py", "private"):
        mode = await ground.bash(f"stat -c %a {path}")
        await ground.sandbox.write(path, b"other\n")
        assert await ground.sandbox.read(path) == b"other\n"
        assert await ground.bash(f"stat -c %a {path}") == mode
    await ground.sandbox.write("README", b"x")  # shorter than it was
    assert await ground.sandbox.read("README") == b"x"


@check("write: through links, which stay")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.bash("ln -s README to; ln -s fresh dangling; ln -s src/lib folder")
    await ground.sandbox.write("to", b"1")
    await ground.sandbox.write("dangling", b"2")
    await ground.sandbox.write("folder/new", b"3")
    assert await ground.bash("cat README fresh src/lib/new; readlink to dangling folder") == (
        b"123README\nfresh\nsrc/lib\n"
    )


@check("write: what a process would be told")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.bash("ln -s loop loop; mkdir -m 555 fixed; echo x > fixed-file; chmod 444 fixed-file")
    for path, *numbers in (
        ("src", errno.EISDIR),
        ("README/x", errno.ENOTDIR, errno.EEXIST),
        ("loop", errno.ELOOP),
        ("n" * 256, errno.ENAMETOOLONG),
    ):
        number = await _errno(ground.sandbox.write(path, b"x"))
        assert number in numbers, f"{path}: errno {number}"
    assert await _errno(ground.sandbox.write("/usr/new", b"x")) in (errno.EACCES, errno.EROFS, errno.EPERM)
    if await _ordinary(ground):
        assert await _errno(ground.sandbox.write("fixed/x", b"x")) == errno.EACCES
        assert await _errno(ground.sandbox.write("fixed-file", b"x")) == errno.EACCES


@check("write: into a fifo is refused, not waited for")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    await ground.bash("mkfifo fifo; ln -s fifo link")
    await _errno(ground.sandbox.write("fifo", b"x"))
    await _errno(ground.sandbox.write("link", b"x"))


@check("read and write: names of any bytes")
async def _(ground: Ground) -> None:
    await ground.sandbox.begin("s1.1")
    names = ["new\nline", "raw-\udcff\udc80", "x" * 255, "-rf", ":,\\", " ", "*", "é", "a\tb"]
    for number, name in enumerate(names):
        await ground.sandbox.write(name, b"%d" % number)
    for number, name in enumerate(names):
        assert await ground.sandbox.read(name) == b"%d" % number
    sealed = await ground.sandbox.seal()
    assert await ground.changed(Snapshot(), sealed) == sorted((name, "created") for name in names)
    for number, name in enumerate(names):
        with await ground.sandbox.read_at(sealed, name) as file:
            assert file.read() == b"%d" % number


@check("read_at: a file as it was then")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > README; echo new > new")
    second = await ground.act("echo 2 > README; rm new src/main.py; chmod 000 src/lib/util.py")
    third = await ground.act("rm -r src; mkdir README.d; mv README README.d")
    start = Snapshot()
    for snapshot, path, expected in (
        (start, "README", b"read me\n"),
        (first, "README", b"1\n"),
        (second, "README", b"2\n"),
        (third, "README.d/README", b"2\n"),
        (first, "new", b"new\n"),
        (first, "src/main.py", b"print(1)\n"),
        (second, "src/lib/util.py", b"x = 1\n"),
        (first, ground.sandbox.workspace + "/new", b"new\n"),
    ):
        with await ground.sandbox.read_at(snapshot, path) as file:
            assert file.read() == expected, path
    for snapshot, path in (
        (start, "new"),
        (second, "new"),
        (third, "README"),
        (third, "src/lib/util.py"),
        (third, "x"),
    ):
        assert await _errno(ground.sandbox.read_at(snapshot, path)) in (errno.ENOENT, errno.ENOTDIR), path


@check("read_many: in that order, or none of them")
async def _(ground: Ground) -> None:
    made = await ground.act("for n in $(seq 200); do echo $n > n$n; done; mkfifo fifo; echo t > /tmp/t")
    names = [f"n{number}" for number in range(200, 0, -3)]
    files = await ground.sandbox.read_many(made, [*names, "/tmp/t", "README"])
    with ExitStack() as opened:
        said = [opened.enter_context(file).read().decode() for file in files]
    assert said == [*(f"{name[1:]}\n" for name in names), "t\n", "read me\n"]
    assert await ground.sandbox.read_many(made, []) == []
    before = len(os.listdir("/proc/self/fd"))
    for bad in ("fifo", "missing", "src"):
        await _errno(ground.sandbox.read_many(made, [*names, bad, "README"]))
    assert len(os.listdir("/proc/self/fd")) == before


@check("read_at: elsewhere in the sandbox")
async def _(ground: Ground) -> None:
    home = await ground.home()
    first = await ground.act("echo t > /tmp/t; echo h > ~/h")
    await ground.act("rm /tmp/t ~/h")
    for path, expected in (("/tmp/t", b"t\n"), (home + "/h", b"h\n")):
        with await ground.sandbox.read_at(first, path) as file:
            assert file.read() == expected


@check("read_at: only regular files, and at once")
async def _(ground: Ground) -> None:
    sealed = await ground.act("mkfifo fifo; ln -s README link; ln -s /etc/hostname out; ln -s src folder")
    for path in ("fifo", "src", "link", "out", "", "."):
        await _errno(ground.sandbox.read_at(sealed, path))
    with await ground.sandbox.read_at(sealed, "README") as file:
        assert file.read() == b"read me\n"


@check("read_at: nothing outside the sandbox's folders")
async def _(ground: Ground) -> None:
    (ground.workspace.parent / "outside").write_text("outside")
    sealed = await ground.act("mkdir d")
    for path in ("../outside", "d/../../outside", "/etc/hostname/../passwd", str(ground.workspace.parent / "outside")):
        refused_with = await _errno(ground.sandbox.read_at(sealed, path))
        refused(OSError(refused_with, path), errno.ENOENT, errno.EACCES, errno.EINVAL, errno.EXDEV, errno.ENOTDIR)


@check("read_at: while something is being done")
async def _(ground: Ground) -> None:
    first = await ground.act("echo 1 > one")
    await ground.sandbox.begin("s1.9")
    await ground.bash("echo 2 > one; echo 2 > two")
    with await ground.sandbox.read_at(first, "one") as file:
        assert file.read() == b"1\n"
    assert await ground.changed(Snapshot(), first) == [("one", "created")]
    assert await ground.sandbox.read("one") == b"2\n"
    assert await ground.changed(first, await ground.sandbox.seal()) == [("one", "modified"), ("two", "created")]
