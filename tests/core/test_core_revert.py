"""The state matrix of revert: an act, unrelated work after it, and the act taken out again."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from revert_ground import Ground, on

from agentrt import Runtime, UnknownOperation

LATER = "echo later > later; mkdir -p more/deep; echo m > more/deep/m; echo changed >> unrelated"
"""Work that has nothing to do with any row."""

ROWS = {
    "created": "echo new > new",
    "created, empty": ": > new",
    "created in a new folder": "mkdir -p made/deep; echo 1 > made/deep/f; echo 2 > made/g",
    "changed": "seq 2 50 > f",
    "changed to nothing": ": > f",
    "appended without an end": "printf more >> noend",
    "crlf": "sed -i '2s/b/B/' crlf",
    "deleted": "rm f",
    "a tree deleted": "rm -r dir",
    "renamed": "mv f g",
    "renamed over another": "mv f run",
    "renamed and changed": "mv f g; echo more >> g",
    "two names exchanged": "mv f tmp; mv run f; mv tmp run",
    "a folder renamed": "cp -a dir moved; rm -r dir",
    "mode": "chmod 600 f; chmod 644 run",
    "mode of a folder": "chmod 700 dir",
    "mode and content": "chmod 700 f; echo more >> f",
    "a symlink made": "ln -s nowhere dangling; ln -s .. dir/up",
    "a symlink turned": "rm link; ln -s run link",
    "a symlink removed": "rm link dirlink",
    "file to symlink": "rm f; ln -s run f",
    "symlink to file": "rm link; echo file > link",
    "file to folder": "rm f; mkdir -p f/deep; echo 1 > f/deep/x",
    "folder to file": "rm -r dir; echo file > dir",
    "symlink to folder": "rm dirlink; mkdir dirlink; echo 1 > dirlink/x",
    "folder to symlink": "rm -r dir; ln -s empty dir",
    "empty folder to file": "rmdir empty; echo file > empty",
    "file to empty folder": "rm f; mkdir f",
    "file to fifo": "rm f; mkfifo f",
    "fifo to file": "rm pipe; echo file > pipe",
    "an empty folder made": "mkdir nothing nothing/in",
    "an empty folder removed": "rmdir empty",
    "opaque, filled anew": "rm -r dir; mkdir dir; echo other > dir/z",
    "opaque, filled alike": "rm -r dir; mkdir -p dir/sub; echo x > dir/x; echo other > dir/sub/y",
    "opaque and empty": "rm -r dir; mkdir dir",
    "ignored": "echo more >> old.log; echo new > new.log",
    "in a nested repository": "cd nested; git config a.b c; echo v > .git/hooks/pre-commit; echo main > .git/index",
    "a nested repository removed": "rm -rf nested",
    "a nested repository made": "git init -q again; echo 1 > again/f",
    "a fifo made": "mkfifo fifo",
    "a fifo removed": "rm pipe",
    "a name with a newline": r"""rm "$(printf 'new\nline')"; echo x > "$(printf 'other\nline')" """,
    "a name of 255 bytes": "echo more >> $(printf '%0255d' 0); echo x > $(printf '%0255d' 1)",
    "a name that is not UTF-8": r"""echo x > "$(printf 'b\377d')"; mkdir "$(printf 'd\376')"; echo 1 > "$(printf 'd\376/\375')" """,
    "names like options and patterns": "echo x > ./-rf; echo x > '*'; echo x > '$(true)'; echo x > ' '",
    "binary": r"printf '\3\0\4' > bin",
    "binary made": r"printf '\0\0' > bin2",
    "a big file": "head -c 20000000 /dev/zero > big; echo end >> big",
    "time alone and a file": "touch -d 2020-01-01 f; echo x > x",
}
"""Acts, alone on the workspace of ``revert_ground``."""
if os.geteuid() == 0:  # nobody else can read what plain copies would have to be compared with
    ROWS |= {"a folder nobody may read": "chmod 000 dir", "a file nobody may read": "chmod 000 f"}

OF_THE_OVERLAY = {
    "1,000 files": "mkdir many; for n in $(seq 1000); do echo $n > many/$n; done",
    "everything": "find . -mindepth 1 -not -name unrelated -delete",
    "home": "echo 1 > ~/config; mkdir -p ~/.cache/deep; echo 1 > ~/.cache/deep/f",
    "home and workspace": "echo 1 > ~/config; echo 2 >> f; rm -r dir",
    "hard links made": "ln f f2; ln run dir/run2",
    "an attribute": 'setfattr -n user.a -v b f 2>/dev/null || python3 -c \'import os; os.setxattr("f", "user.a", b"b")\'; echo x >> f',
    "a socket made": "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'",
    "setuid": "chmod 4755 run; echo x >> run",
}
"""Those that plain copies do not keep, that would leave them, or that take them too long."""


@pytest.mark.parametrize("act", ROWS.values(), ids=ROWS.keys())
def test_the_act_goes_and_later_work_stays(act: str, workspace: Path, box: Any) -> None:
    on(workspace, box, lambda ground: _row(ground, act, LATER))


@pytest.mark.parametrize("act", OF_THE_OVERLAY.values(), ids=OF_THE_OVERLAY.keys())
def test_the_act_goes_and_later_work_stays_in_the_overlay(act: str, workspace: Path) -> None:
    on(workspace, "local", lambda ground: _row(ground, act, LATER))


FLIPS = [name for name in ROWS if " to " in name or "opaque" in name]


@pytest.mark.parametrize("name", FLIPS)
def test_earlier_work_goes_and_what_flipped_stays(name: str, workspace: Path) -> None:
    async def work(ground: Ground) -> None:
        await ground.act(LATER)
        await ground.act(ROWS[name])
        await ground.reverts(1, expected=ground.plain(ROWS[name]))

    on(workspace, "local", work)


def test_what_was_written_to_tmp_goes(workspace: Path) -> None:
    async def work(ground: Ground) -> None:
        await ground.act("echo 1 > /tmp/one; mkdir /tmp/d; echo 1 > /tmp/d/f; echo 1 > /var/tmp/one")
        await ground.act("echo 2 > /tmp/two; echo 2 > /tmp/d/two")
        done = await ground.rt.revert(1)
        assert {effect.path for effect in done.effects} == {"/tmp/d/f", "/tmp/one", "/var/tmp/one"}
        await ground.act('test ! -e /tmp/one -a ! -e /var/tmp/one; test "$(echo /tmp/d/*)" = /tmp/d/two; cat /tmp/two')
        await ground.rt.undo(2)
        await ground.act("cat /tmp/one /tmp/two /tmp/d/f /tmp/d/two /var/tmp/one")

    on(workspace, "local", work)


async def _row(ground: Ground, act: str, later: str) -> None:
    first = await ground.act(act)
    await ground.act(later)
    assert first.effects
    await ground.reverts(1, expected=ground.plain(later))


def test_what_stands_of_an_actor(workspace: Path, box: Any) -> None:
    async def work() -> None:
        async with Runtime.open(workspace, sandbox=box) as rt:
            for actor, name in (("one", "a"), ("two", "b"), ("one", "c"), ("one", "d")):
                await rt.act("bash", actor=actor, command=f"echo x > {name}")
            await rt.act("bash", actor="one", command="true")
            assert (rt.standing_of("one"), rt.standing_of("two")) == ((1, 3, 4), (2,))
            await rt.undo(2)
            assert rt.standing_of("one") == (1, 3)
            await rt.revert(1)
            assert rt.standing_of("one") == (3,)
            assert (await rt.revert(*rt.standing_of("one"))).target == (3,)
            assert (rt.standing_of("one"), rt.standing_of("two")) == ((), (2,))
            with pytest.raises(UnknownOperation) as caught:
                rt.standing_of("three")
            assert caught.value.hint == "there are: one, two"

    asyncio.run(work())
