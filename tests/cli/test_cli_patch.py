"""``apply --as patch``: git takes it, and it comes to what apply would have written."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli_ground import Cli
from treestate import tree_state

SCRIPT = r"""
    set -e
    sed -i s/one/two/ a.txt; chmod 755 src/b.py; head -c 3000 /dev/urandom > bin; printf 'x\0y' >> old.bin
    rm gone; printf 'no newline' > 'name with spaces'; printf x > "$(printf 'new\nline')"; printf y > "$(printf 'b\377d')"
    ln -s a.txt link; rm flip; ln -s src flip; rm flop; echo file > flop; rm -r folder; echo now > folder
    rm file; mkdir file; echo in > file/in; : > empty; rm deleted.bin; mkdir -p deep/er; echo d > deep/er/d
    printf 'caf\351\r\nmore\r\n' > latin
"""


@pytest.fixture
def rich(workspace: Path) -> Path:
    (workspace / "old.bin").write_bytes(os.urandom(500) + b"\0")
    (workspace / "deleted.bin").write_bytes(b"\0" * 100)
    for name in ("gone", "flip", "file"):
        (workspace / name).write_text(f"{name}\n")
    (workspace / "flop").symlink_to("a.txt")
    (workspace / "folder").mkdir()
    (workspace / "folder/x").write_text("x\n")
    return workspace


def shape(root: Path) -> dict[bytes, Any]:
    """What git can carry: no empty folders, no times, one executable bit."""
    found = {}
    for path, entry in tree_state(root, mtimes=False).items():
        if entry.type != "directory" and not path.startswith(b".git/"):
            found[path] = (entry.type, entry.mode & 0o100, entry.content, entry.target)
    return found


@pytest.mark.parametrize("repository", ["none", "sha1", "sha256"])
def test_git_apply_of_the_patch_comes_to_what_apply_writes(
    both: Cli, rich: Path, tmp_path: Path, repository: str
) -> None:
    if repository != "none":
        subprocess.run(["git", "init", "-q", f"--object-format={repository}"], cwd=rich, check=True)
    shutil.copytree(rich, tmp_path / "copy", symlinks=True)
    assert both("exec", "--", SCRIPT).code == 0
    before, log = tree_state(rich), both("log", "--json").json

    done = both("apply", "--as", "patch")

    assert done.code == 0 and "nothing was touched" in done.err
    assert tree_state(rich) == before and both("log", "--json").json == log
    took = subprocess.run(["git", "apply"], cwd=tmp_path / "copy", input=done.raw, capture_output=True, check=False)
    assert took.returncode == 0, took.stderr
    assert both("apply").code == 0
    assert shape(tmp_path / "copy") == shape(rich)
    back = subprocess.run(
        ["git", "apply", "-R"], cwd=tmp_path / "copy", input=done.raw, capture_output=True, check=False
    )
    assert back.returncode == 0, back.stderr
    assert both("undo").code == 0
    assert shape(tmp_path / "copy") == shape(rich)


def test_in_a_subfolder_of_a_repository_names_are_as_git_has_them(cli: Cli, workspace: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=workspace, check=True)
    assert cli("exec", "--workspace", "src", "--", "echo c > c; echo 2 >> b.py").code == 0
    done = cli("apply", "--workspace", "src", "--as", "patch")
    assert b"+++ b/src/c\n" in done.raw
    subprocess.run(["git", "apply"], cwd=workspace / "src", input=done.raw, check=True)
    assert (workspace / "src/c").read_text() == "c\n" and (workspace / "src/b.py").read_text() == "b = 1\n2\n"


def test_a_large_file_is_in_the_patch_whole(cli: Cli, workspace: Path) -> None:
    cli("exec", "--", "seq 1 900000 > big; echo s > small")
    done = cli("apply", "big", "--as", "patch")
    subprocess.run(["git", "apply"], cwd=workspace, input=done.raw, check=True)
    assert (workspace / "big").read_text().splitlines()[-1] == "900000" and not (workspace / "small").exists()


def test_a_conflict_is_4_and_prints_no_patch(cli: Cli, workspace: Path) -> None:
    cli("exec", "--", "echo two > a.txt; echo n > new")
    (workspace / "a.txt").write_text("mine\n")
    done = cli("apply", "--as", "patch")
    assert (done.code, done.raw) == (4, b"") and "a.txt: here modified" in done.err
    assert [c["path"] for c in cli("apply", "--as", "patch", "--json").json["conflicts"]] == ["a.txt"]
    assert b"b/new" in cli("apply", "new", "--as", "patch").raw


def test_a_patch_needs_no_git(cli: Cli) -> None:
    cli("exec", "--", "echo n > new")
    assert b"+n\n" in cli("apply", "--as", "patch", PATH="/nowhere").raw


def test_the_patch_has_what_a_merge_would_write(both: Cli, workspace: Path, tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(20)]
    (workspace / "a.txt").write_text("\n".join(lines) + "\n")
    both("exec", "--", "sed -i 's/line 3/agent/' a.txt")
    (workspace / "a.txt").write_text("\n".join([*lines[:-1], "user"]) + "\n")
    shutil.copytree(workspace, tmp_path / "copy", symlinks=True)
    done = both("apply", "--as", "patch")
    subprocess.run(["git", "apply"], cwd=tmp_path / "copy", input=done.raw, check=True)
    both("apply")
    assert shape(tmp_path / "copy") == shape(workspace)
    assert "agent\n" in (workspace / "a.txt").read_text() and "user\n" in (workspace / "a.txt").read_text()
