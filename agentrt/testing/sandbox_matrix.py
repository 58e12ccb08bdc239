"""The state matrix: a row for each way files can change. ``sandbox_rows`` says how every row is checked."""

from __future__ import annotations

from agentrt.records import Snapshot

from .sandbox_ground import Ground, check, same_tree
from .sandbox_rows import row, true_effects


def python(code: str) -> str:
    return "python3 - <<'END'\nimport os, socket, sqlite3\n" + code + "\nEND\n"


row("nothing", "ls -R > /dev/null", {})
row(
    "created",
    "echo 1 > a; echo 2 > src/b; mkdir -p n/m; echo 3 > n/m/c; : > nothing",
    dict.fromkeys(("a", "src/b", "n", "n/m", "n/m/c", "nothing"), "created"),
)
row(
    "changed",
    "echo more >> README; echo 2 > src/main.py; : > debug.log",
    dict.fromkeys(("README", "src/main.py", "debug.log"), "modified"),
)
row(
    "deleted: files",
    "rm README src/lib/util.py docs/link",
    dict.fromkeys(("README", "src/lib/util.py", "docs/link"), "deleted"),
)
row(
    "deleted: a tree",
    "rm -r src",
    dict.fromkeys(("src", "src/main.py", "src/lib", "src/lib/util.py"), "deleted"),
)
row(
    "deleted: everything",
    "find . -mindepth 1 -delete",
    dict.fromkeys(
        ("README", ".gitignore", "debug.log", "src", "src/main.py", "src/lib", "src/lib/util.py", "docs", "docs/link",
         "build", "build/out", "empty"), "deleted"),
)  # fmt: skip
row("renamed: a file", "mv README R; mv src/main.py docs", {"R": "renamed", "docs/main.py": "renamed"})
row("renamed: over another file", "mv README debug.log", {"README": "deleted", "debug.log": "modified"})
row(
    "renamed: a directory of the workspace",
    "mv src source",
    {"source": "created", "source/lib": "created", "source/lib/util.py": "renamed", "source/main.py": "renamed",
     "src": "deleted", "src/lib": "deleted"},
)  # fmt: skip
row(
    "renamed: a directory made in the same action",
    "mkdir -p x/y; echo 1 > x/y/z; mv x w; mv w src/w",
    dict.fromkeys(("src/w", "src/w/y", "src/w/y/z"), "created"),
)
row("renamed: there and back", "mv README R; mv R README", {})
row(
    "renamed: two change places",
    "mv README t; mv debug.log README; mv t debug.log",
    {"README": "modified", "debug.log": "modified"},
)
row("mode of a file", "chmod 600 README; chmod a+x debug.log", {"README": "mode", "debug.log": "mode"})
row("mode of a directory", "chmod 700 src; chmod 1777 empty", {"src": "mode", "empty": "mode"})
row("mode with set-id bits", "chmod 4755 src/main.py; chmod 2775 docs", {"src/main.py": "mode", "docs": "mode"})
row("times only", "touch README; touch -d 2001-02-03 src/main.py; touch -h -d 2001-02-03 docs/link", {})
row("a file becomes a link", "rm README; ln -s debug.log README", {"README": "modified"})
row(
    "a file becomes a directory",
    "rm README; mkdir README; echo 1 > README/x",
    {"README": "modified", "README/x": "created"},
)
row("a link becomes a file", "rm docs/link; echo 1 > docs/link", {"docs/link": "modified"})
row(
    "a link becomes a directory",
    "rm docs/link; mkdir docs/link; echo 1 > docs/link/x",
    {"docs/link": "modified", "docs/link/x": "created"},
)
row(
    "a directory becomes a file",
    "rm -r src; echo 1 > src",
    {"src": "modified", "src/lib": "deleted", "src/lib/util.py": "deleted", "src/main.py": "deleted"},
)
row(
    "a directory becomes a link",
    "rm -r src; ln -s docs src",
    {"src": "modified", "src/lib": "deleted", "src/lib/util.py": "deleted", "src/main.py": "deleted"},
)
row("a link points elsewhere", "ln -sfn ../debug.log docs/link", {"docs/link": "modified"})
row("links of all kinds", "ln -s nowhere dangling; ln -s . self; ln -s / root; ln -s \"$(printf 'a\\xff\\nb')\" odd",
    dict.fromkeys(("dangling", "self", "root", "odd"), "created"))  # fmt: skip
row("hard links: made", "ln README second; ln second docs/third", {"second": "created", "docs/third": "created"})
row(
    "hard links: one of them changed",
    "echo 2 >> two",
    {"two": "modified"},
    before="echo 1 > one; ln one two; ln one src/three",
)
row("hard links: one of them removed", "rm two", {"two": "deleted"}, before="echo 1 > one; ln one two; ln one three")
row("hard links: one of them replaced", "echo 2 > t; mv t two", {"two": "modified"}, before="echo 1 > one; ln one two")
row("hard links: mode of one changed", "chmod 600 two", {"two": "mode"}, before="echo 1 > one; ln one two")
row("hard links: made and changed", "echo 1 > a; ln a b; echo 2 >> b", {"a": "created", "b": "created"})
row(
    "empty directories",
    "rmdir empty; mkdir -p e1 e2/e3",
    {"empty": "deleted", "e1": "created", "e2": "created", "e2/e3": "created"},
)
row(
    "a directory made anew with the same in it",
    "cp -a src keep; rm -r src; mv keep src",
    {},
)
row(
    "a directory made anew with other things in it",
    "rm -r src; mkdir src; echo 1 > src/other; mkdir src/lib; echo 2 > src/lib/new",
    {"src/main.py": "deleted", "src/lib/util.py": "deleted", "src/other": "created", "src/lib/new": "created"},
)
row("a directory made anew and empty", "rm -r build; mkdir build", {"build/out": "deleted"})
_GIT = """
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_OPTIONAL_LOCKS=0
    export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
"""
_REPOSITORY = _GIT + "git init -q; git add README .gitignore src; git commit -qm one; echo 1 > untracked;"
row(
    "ignored and untracked files",
    _GIT + "git clean -qfdx",
    dict.fromkeys(("untracked", "debug.log", "build", "build/out", "docs", "docs/link", "empty"), "deleted"),
    before=_REPOSITORY,
)
row(
    "a nested repository changed",
    "echo '# x' >> nested/.git/config; echo ref: refs/heads/other > nested/.git/HEAD; rm nested/.git/description",
    {"nested/.git/config": "modified", "nested/.git/HEAD": "modified", "nested/.git/description": "deleted"},
    before=_REPOSITORY + "git init -q nested; echo 1 > nested/x; echo d > nested/.git/description",
)
row(
    "a nested repository deleted",
    "rm -rf nested/.git",
    dict.fromkeys(("nested/.git", "nested/.git/HEAD", "nested/.git/refs"), "deleted"),
    before="mkdir -p nested/.git/refs; echo 1 > nested/.git/HEAD; echo 1 > nested/x",
)
row("fifos: made and removed", "rm old; mkfifo new; rm was; echo 1 > was; rm README; mkfifo README",
    {"old": "deleted", "new": "created", "was": "modified", "README": "modified"}, before="mkfifo old was")  # fmt: skip
row(
    "sockets: made and removed",
    python("socket.socket(socket.AF_UNIX).bind('new')") + "rm old",
    {"old": "deleted", "new": "created"},
    before=python("socket.socket(socket.AF_UNIX).bind('old')"),
)
_ODD = ["new\nline", "raw-\udcff", "x" * 255, "-rf", ":", ",", "\\", "a:b,c\\d", " ", "é", ".hidden", "...", "*"]
row(
    "names of any bytes: created",
    python(f"for name in {_ODD!r}: os.mkdir(name); open(name + '/' + name, 'w').write(name.isascii() and name or '')"),
    {path: "created" for name in _ODD for path in (name, name + "/" + name)},
)
row(
    "names of any bytes: changed and deleted",
    python(
        f"for n, name in enumerate({_ODD!r}):\n  if n % 2: os.unlink(name + '/' + name); os.rmdir(name)\n"
        "  else: open(name + '/' + name, 'a').write('more')"
    ),
    {
        path: change
        for n, name in enumerate(_ODD)
        for path, change in (
            ((name, "deleted"), (name + "/" + name, "deleted")) if n % 2 else ((name + "/" + name, "modified"),)
        )
    },
    before=python(f"for name in {_ODD!r}: os.mkdir(name); open(name + '/' + name, 'w').write('1')"),
)
row(
    "names that layers use themselves",
    "mkdir .wh..wh..opq; echo 1 > .wh.README; mkdir work rest .work; echo 1 > work/x; : > .wh.x",
    dict.fromkeys((".wh..wh..opq", ".wh.README", "work", "rest", ".work", "work/x", ".wh.x"), "created"),
)
_DEEP = "/".join(["d"] * 400)
row(
    "a deep tree: made",
    f"mkdir -p {_DEEP}; echo 1 > {_DEEP}/f",
    {**{_DEEP[: 2 * n + 1]: "created" for n in range(400)}, _DEEP + "/f": "created"},
)
row(
    "a deep tree: removed",
    "rm -r d",
    {**{_DEEP[: 2 * n + 1]: "deleted" for n in range(400)}, _DEEP + "/f": "deleted"},
    before=f"mkdir -p {_DEEP}; echo 1 > {_DEEP}/f",
)
row(
    "a large file",
    "head -c 100000000 /dev/zero | tr '\\0' x > new; printf y | dd of=old bs=1 seek=50000000 conv=notrunc status=none",
    {"new": "created", "old": "modified"},
    before="head -c 100000000 /dev/zero | tr '\\0' z > old",
)
row("a large file: only its mode", "chmod 600 old", {"old": "mode"}, before="head -c 20000000 /dev/zero > old")
row("a large file: renamed", "mv old new", {"new": "renamed"}, before="head -c 20000000 /dev/zero > old")
row(
    "a sparse file",
    "truncate -s 50M new; echo x >> old",
    {"new": "created", "old": "modified"},
    before="truncate -s 20M old",
)
row(
    "5000 files at once: made",
    python("os.mkdir('many')\nfor n in range(5000): open(f'many/{n}', 'w').write(str(n))"),
    {"many": "created", **{f"many/{n}": "created" for n in range(5000)}},
)
row(
    "5000 files at once: removed",
    "rm -r many",
    {"many": "deleted", **{f"many/{n}": "deleted" for n in range(5000)}},
    before=python("os.mkdir('many')\nfor n in range(5000): open(f'many/{n}', 'w').write(str(n))"),
)
_SQLITE = """
db = sqlite3.connect('app.db'); db.execute('pragma journal_mode=wal'); db.execute('pragma wal_autocheckpoint=0')
db.execute('create table if not exists t (x)'); db.executemany('insert into t values (?)', [(n,) for n in range(100)])
db.commit()
"""
row(
    "a database in WAL mode, left open",
    python(_SQLITE + "os._exit(0)"),
    {"app.db": "created", "app.db-wal": "created", "app.db-shm": "created"},
)
row(
    "a database in WAL mode, written again",
    python("db = sqlite3.connect('app.db'); db.execute('delete from t'); db.commit(); db.close()"),
    {"app.db": "modified", "app.db-wal": "deleted", "app.db-shm": "deleted"},
    before=python(_SQLITE + "os._exit(0)"),
)
row(
    "extended attributes",
    python(
        "os.setxattr('README', 'user.foo', b'\\0bar'); os.setxattr('src', 'user.d', b'1')\n"
        "os.setxattr('had', 'user.a', b'2'); os.removexattr('had', 'user.b'); os.removexattr('lost', 'user.a')\n"
        "open('new', 'w').close(); os.setxattr('new', 'user.n', b'n')"
    ),
    {"README": "mode", "src": "mode", "had": "mode", "lost": "mode", "new": "created"},
    before=python(
        "for n in ('had', 'lost'): open(n, 'w').close(); os.setxattr(n, 'user.a', b'1'); os.setxattr(n, 'user.b', b'1')"
    ),
)
row(
    "extended attributes that layers use themselves",
    python("os.setxattr('README', 'user.overlay.opaque', b'y'); os.setxattr('src', 'user.overlay.x', b'1')"),
    {"README": "mode", "src": "mode"},
)
row(
    "files that may only be read",
    "mv -f ro renamed; rm -f ro2; chmod u+w dir; rm -f dir/x; chmod u-w dir; mkdir -m 555 d; : > f; chmod 444 f",
    {"renamed": "renamed", "ro2": "deleted", "dir/x": "deleted", "d": "created", "f": "created"},
    before="echo 1 > ro; echo 2 > ro2; chmod 444 ro ro2; mkdir dir; echo 3 > dir/x; chmod 555 dir",
)
row(
    "files that nobody may read",
    "chmod 000 README empty; rm -f dark; echo new > n; chmod 000 n; mkdir -m 000 m; chmod 700 shut; rm -r shut",
    {"README": "mode", "empty": "mode", "dark": "deleted", "n": "created", "m": "created",
     "shut": "deleted", "shut/x": "deleted"},
    before="echo 1 > dark; chmod 000 dark; mkdir shut; echo 1 > shut/x",
)  # fmt: skip
row(
    "outside the workspace",
    "echo 1 > ~/h; mkdir -p ~/.cache/x; echo 2 > ~/.cache/x/y; echo 3 > /tmp/t; mkdir /var/tmp/v; ln -s /etc ~/e",
    dict.fromkeys(("~/h", "~/.cache", "~/.cache/x", "~/.cache/x/y", "/tmp/t", "/var/tmp/v", "~/e"), "created"),
)
row("outside and inside", "mv README /tmp/R; echo 1 > a", {"README": "deleted", "/tmp/R": "created", "a": "created"})


@check("state: row upon row")
async def _(ground: Ground) -> None:
    """The same path through every state, and back to each."""
    views, snapshots = [await ground.view()], [Snapshot()]
    for script in (
        "rm README", "mkdir README", "echo 1 > README/x", "rm -r README; ln -s src README", "rm README; mkfifo README",
        "rm README; mkdir -p README/x", "rmdir README/x; echo 2 > README/x", "rm -r README; echo back > README",
        "rm -r src; ln -s docs src", "rm src; mkdir src; echo 1 > src/main.py", "rm -r src", "mkdir -p src/lib",
        "echo 5 > src/lib/util.py", "rm -r src; echo 1 > src", "rm src", "mkdir src; mkdir src/lib",
    ):  # fmt: skip
        snapshots.append(await ground.act(script))
        views.append(await ground.view())
    for number in reversed(range(len(views))):
        await ground.sandbox.restore(snapshots[number])
        same_tree(views[number], await ground.view(), f"back to {number}")
    for a in range(len(views)):
        for b in range(0, len(views), 3):
            true_effects(await ground.sandbox.changes(snapshots[a], snapshots[b]), views[a], views[b])


@check("state: 200 layers")
async def _(ground: Ground) -> None:
    snapshots, views = [Snapshot()], {0: await ground.view()}
    for number in range(1, 201):
        script = f"echo {number} > f{number % 10}; mkdir -p d{number % 7}; rm -rf d{number % 5}; ln -sfn f{number} l"
        snapshots.append(await ground.act(script))
        if number % 25 == 0 or number in (63, 64, 65, 66):
            views[number] = await ground.view()
    for number, view in reversed(views.items()):
        await ground.sandbox.restore(snapshots[number])
        same_tree(view, await ground.view(), f"back to {number}")
    for number, view in views.items():
        true_effects(await ground.sandbox.changes(snapshots[number], snapshots[200]), view, views[200])
