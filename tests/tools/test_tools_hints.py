"""What fails for a reason of the sandbox says so, and what to do; anything else is left as the command said it."""

from __future__ import annotations

import gettext
import grp
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_ACT = """
import json, sys
from pathlib import Path
import anyio
from agentrt.contracts import Confinement
from agentrt.plugins import find
from agentrt.records import Limits, Snapshot
from agentrt.sandboxes.local import open_sandbox
from agentrt.world import ActionWorld

async def main(folder, actions):
    workspace, store = Path(folder, "work"), Path(folder, "store")
    sandbox = open_sandbox({}, workspace=workspace, store=store, confinement=Confinement(), folder=workspace)
    await sandbox.start(Snapshot())
    told = []
    for number, action in enumerate(actions):
        tool, streamed = find("agentrt.tools", action["kind"])(), bytearray()
        await sandbox.begin(f"s1.{number}")
        world = ActionWorld(
            sandbox, Limits(), operation=number, output=Path(folder, "output"), on_output=streamed.extend
        )
        seen = await tool.run(tool.action.from_dict(action), world)
        await sandbox.seal()
        told.append([seen.exit_code, seen.output, seen.error, streamed.decode()])
    await sandbox.close()
    print(json.dumps(told))

anyio.run(main, sys.argv[1], json.load(sys.stdin))
"""


@dataclass(frozen=True)
class Seen:
    exit_code: int | None
    output: str
    error: str | None
    streamed: str
    """What whoever watches the action was given."""


@dataclass(frozen=True)
class Somebody:
    """Who runs the agent, and what may not be that user's."""

    folder: Path
    before: tuple[str, ...] = ()
    become: dict[str, Any] = field(default_factory=dict)
    give_away: Callable[[Path], object] = lambda path: None
    owner: str = ""
    cure: str = ""

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def act(self, *actions: dict[str, Any]) -> list[Seen]:
        """One action after another, in the local sandbox."""
        argv = [*self.before, sys.executable, "-c", _ACT, str(self.folder)]
        done = subprocess.run(argv, input=json.dumps(actions), text=True, capture_output=True, **self.become)
        assert done.returncode == 0, done.stderr
        return [Seen(*each) for each in json.loads(done.stdout)]

    def bash(self, *commands: str, **fields: str) -> list[Seen]:
        return self.act(*({"kind": "bash", "command": command, **fields} for command in commands))


def _made(folder: Path) -> Path:
    for name in ("work/src/lib", "work/a b", "store"):
        (folder / name).mkdir(parents=True)
    (folder / "work/src/lib/x.py").write_text("x = 1\n")
    (folder / "work/file").write_text("file\n")
    return folder.resolve()


@pytest.fixture
def me(tmp_path: Path) -> Somebody:
    return Somebody(_made(tmp_path))


# ------------------------------------------------------------------------------------------------ renamed folders

COMMIT = "git init -q; git add .; git -c user.name=a -c user.email=a@b commit -qm x"
RENAME = "python3 -c 'import os, sys; os.rename(*sys.argv[1:])'"


def instead(old: str, new: str) -> str:
    return (
        f"{old} is a folder from before this action, which can be copied in the sandbox but not renamed in place "
        f"(EXDEV): `mv {old} {new}` copies it, so does Python's shutil.move; for git: "
        f"`mv {old} {new} && git add -A {old} {new}`"
    )


def test_the_rename_of_a_folder_says_what_to_do_instead(me: Somebody) -> None:
    renames = {
        f"{RENAME} src new": instead("src", "new"),
        f"{RENAME} 'a b' 'b; rm a'": instead("'a b'", "'b; rm a'"),
        f"{RENAME} src -n": instead("src", "./-n"),
        f"cd src && {RENAME} lib new": instead("lib", "new"),
        'python3 -c \'import pathlib; pathlib.Path("src").rename("new")\'': instead("src", "new"),
    }
    for seen, told in zip(me.bash(*renames), renames.values(), strict=True):
        assert (seen.exit_code, seen.error) == (1, told)
        assert "Invalid cross-device link" in seen.output
        assert seen.streamed == seen.output, "how that was found out is not to be seen"


def test_git_mv_of_a_folder_says_what_to_do_instead_and_that_works(me: Somebody) -> None:
    subprocess.run(COMMIT, shell=True, cwd=me.work, check=True)
    (failed,) = me.act({"kind": "git", "args": ["mv", "src", "new"]})
    assert (failed.exit_code, failed.error) == (128, instead("src", "NEW"))
    cure = instead("src", "NEW").split("for git: `")[1].rstrip("`")
    (done,) = me.bash(f"{cure} && git status --porcelain")
    assert (done.exit_code, done.output) == (0, "R  src/lib/x.py -> NEW/lib/x.py\n")


def test_as_other_languages_say_it(me: Somebody) -> None:
    said = (
        "rename src new: invalid cross-device link",
        "Error: EXDEV: cross-device link not permitted, rename 'src' -> 'new'",
        "Exception in thread main java.nio.file.FileSystemException: src -> new: Invalid cross-device link",
        "-e:1:in 'File.rename': Invalid cross-device link @ rb_file_s_rename - (src, new) (Errno::EXDEV)",
    )
    for seen in me.bash(*(f'echo "{line}"; exit 1' for line in said)):
        assert seen.error == instead("src", "new")


@pytest.mark.skipif(not gettext.find("libc", "/usr/share/locale", ["de"]), reason="no German messages are installed")
def test_as_the_users_language_says_it(me: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "de")
    said = "fatal: Umbenennen von 'src' fehlgeschlagen: Ungültiger Link über Gerätegrenzen hinweg"
    (seen,) = me.bash(f'echo "{said}"; exit 1')
    assert seen.error == instead("src", "NEW")


def test_a_folder_that_cannot_be_told_is_an_if(me: Somebody) -> None:
    unnamed = """perl -e 'rename("src", "new") or die "no: $!"'"""
    elsewhere = f"pushd src >&2; {RENAME} lib new"
    for seen in me.bash(unnamed, elsewhere):
        assert seen.error is not None
        assert seen.error.startswith("if this was the rename of a folder from before this action, which can be copied")
        assert seen.error.endswith("for git: `mv OLD NEW && git add -A OLD NEW`")


def test_another_cause_is_not_taken_for_it(me: Somebody) -> None:
    others = (
        f"mkdir new && {RENAME} new /tmp/new",
        f"{RENAME} src /tmp/src",
        f"{RENAME} file /tmp/file",
        f"ln -s nowhere link; {RENAME} link /tmp/link",
        "ln file /tmp/file",
        "ln /etc/passwd passwd",
        "mv src no/where",
    )
    for command, seen in zip(others, me.bash(*others), strict=True):
        assert (seen.exit_code, seen.error) == (1, None), command
    assert me.bash(f"{RENAME} src new || true")[0].error is None, "the command did not fail"


def test_exec_passes_output_and_exit_code_on(me: Somebody) -> None:
    argv = [sys.executable, "-m", "agentrt", "exec", "--", f"{RENAME} src new 2>&1 | tail -1; exit 7"]
    environment = os.environ | {"XDG_STATE_HOME": str(me.folder / "state")}
    done = subprocess.run(argv, cwd=me.work, env=environment, capture_output=True, text=True)
    assert done.returncode == 7
    assert done.stdout == "OSError: [Errno 18] Invalid cross-device link: 'src' -> 'new'\n"
    assert done.stderr == f"agentrt: operation 1: {instead('src', 'new')}\n"


# ----------------------------------------------------------------------------------------- files of somebody else


def _by_group(folder: Path) -> Somebody:
    """An ordinary user may give what is his to a group he is in; the sandbox knows but his first."""
    others = [group for group in os.getgroups() if group != os.getegid()]
    if not others:
        pytest.skip("this user is in one group only, and may give no file away")
    group = others[0]
    named = f"the group {grp.getgrgid(group).gr_name} (gid {group})"
    return Somebody(folder, give_away=lambda path: os.chown(path, -1, group), owner=named, cure="chown")


def _by_namespace(folder: Path) -> Somebody:
    """Root in a namespace that has one user is an ordinary user; who others are cannot be seen from there."""
    return Somebody(
        folder,
        before=("unshare", "--map-user=1000", "--map-group=1000"),
        give_away=lambda path: os.chown(path, 12345, 12345),
        owner="another user or group",
        cure="sudo chown",
    )


def _by_user(folder: Path) -> Somebody:
    become = {"user": 12345, "group": 12345, "extra_groups": []}
    try:
        subprocess.run([sys.executable, "-c", ""], check=True, **become)
    except PermissionError:
        pytest.skip("this interpreter lies where no other user may run it")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 12345, 12345)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o711)
    return Somebody(
        folder,
        become=become,
        give_away=lambda path: os.chown(path, 0, 0),
        owner="root (uid 0)",
        cure="sudo chown",
    )


@pytest.fixture(params=(_by_namespace, _by_user) if os.geteuid() == 0 else (_by_group,))
def user(request: pytest.FixtureRequest, tmp_path: Path) -> Somebody:
    somebody: Somebody = request.param(_made(tmp_path))
    return somebody


def test_a_file_of_somebody_else_is_named_with_its_owner_and_the_cure(user: Somebody) -> None:
    file = user.work / "src/lib/x.py"
    file.chmod(0o666)
    user.give_away(file)
    patch = "*** Begin Patch\n*** Update File: src/lib/x.py\n*** Move to: y.py\n-x = 1\n+x = 2\n*** End Patch\n"
    commands = user.act(
        {"kind": "bash", "command": "echo 2 >> src/lib/x.py"},
        {"kind": "bash", "command": "cd src && touch file lib/x.py; exit 5"},
        {"kind": "bash", "command": "touch x.py; touch x.py ../file", "cwd": "src/lib"},
        {"kind": "bash", "command": 'python3 -c \'open("src/lib/x.py", "a")\''},
        {"kind": "bash", "command": 'python3 -c \'import os; os.rename("src/lib/x.py", "src/y.py")\''},
        {"kind": "bash", "command": "echo 'open src/lib/x.py: value too large for defined data type'; exit 1"},
    )
    told = re.compile(
        rf"src/lib/x\.py belongs to {re.escape(user.owner)}, and the sandbox knows only [\w-]+: it cannot be changed "
        rf"there\. Leave it as it is, or outside the sandbox: `{user.cure} -h [\w-]+:[\w-]+ {re.escape(str(file))}`"
    )
    for seen in commands:
        assert seen.exit_code and told.fullmatch(seen.error or ""), seen
        assert seen.streamed == seen.output, "how that was found out is not to be seen"
    for seen in user.act(
        {"kind": "write", "path": "src/lib/x.py", "content": "x = 2\n"},
        {"kind": "edit", "path": "src/lib/x.py", "old": "1", "new": "2"},
        {"kind": "edit", "patch": patch},
    ):
        error = (seen.error or "").removesuffix("; nothing was changed")
        assert told.fullmatch(error.removeprefix("src/lib/x.py cannot be written: ")), seen


def test_a_folder_of_somebody_else_keeps_what_is_in_it(user: Somebody) -> None:
    user.give_away(user.work / "a b")
    (user.work / "a b").chmod(0o777)
    told = f"'a b' belongs to {user.owner}, and the sandbox knows only "
    cure = f"{user.cure} -hR "
    for seen in user.act(
        {"kind": "bash", "command": "touch 'a b/new'"},
        {"kind": "bash", "command": "mkdir -p 'a b/c/d'"},
        {"kind": "write", "path": "a b/c/new", "content": ""},
        {"kind": "edit", "patch": "*** Begin Patch\n*** Add File: a b/new\n+1\n*** End Patch\n"},
    ):
        assert told in (seen.error or "") and cure in (seen.error or ""), seen
        assert "nothing in that folder can be changed there" in (seen.error or "")


def test_where_the_file_cannot_be_told_that_there_is_one_is_said(user: Somebody) -> None:
    file = user.work / "src/lib/x.py"
    file.chmod(0o666)
    user.give_away(file)
    (seen,) = user.bash("""perl -e 'open(F, ">>", "src/lib/x.py") or die "no: $!"'""")
    assert (seen.error or "").startswith("this workspace has files of another user or group (65534 in `ls -ln`)")
    (listed,) = user.bash((seen.error or "").split("`")[3])
    assert listed.output == "./src/lib/x.py\n"


def test_the_same_words_where_nothing_is_in_the_way_get_no_hint(me: Somebody) -> None:
    """Root's sandbox knows all users; also the one whose number the kernel shows for those it does not know."""
    if os.geteuid() == 0:
        os.chown(me.work / "src/lib/x.py", 65534, 65534)
    said = "echo src/lib/x.py: Value too large for defined data type; exit 1"
    assert me.bash(said)[0].error is None


def test_names_that_only_look_like_it_lead_nowhere(user: Somebody) -> None:
    """Not out of the workspace, and not through a link: what would be given away is not the workspace's."""
    link, owner = user.work / "out", user.work.stat()
    link.symlink_to("/")
    os.chown(link, owner.st_uid, owner.st_gid, follow_symlinks=False)
    said = ("../store", "/etc/passwd", "out/etc/passwd", "x" * 9000, "\033[31mred", "$(touch made)", "-rf", "'", "")
    lines = [f"{name}: Value too large for defined data type" for name in said]
    for seen in user.bash(*(f"printf '%s\\n' {shlex.quote(text)}; exit 1" for text in (*lines, "\n".join(lines)))):
        assert (seen.exit_code, seen.error) == (1, None), seen
    assert user.bash("ls")[0].output == "a b\nfile\nout\nsrc\n"


def test_a_file_behind_a_link_is_not_named(user: Somebody) -> None:
    """The command that gives it back is one for root: it must not follow what an agent can plant."""
    for name in ("file", "src/lib/x.py"):
        (user.work / name).chmod(0o666)
        user.give_away(user.work / name)
    for seen in user.bash("ln -s file link; echo >> link", "ln -s src/lib way; echo >> way/x.py"):
        assert (seen.error or "").startswith("this workspace has files of another user or group"), seen
