"""verify-undo on the command line: a line a view and a total; what is wrong with both sides, and exit code 1."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from cli_ground import Cli

NOTHING = {"edited": 0, "not_comparable": 0, "wrong": 0, "damaged": 0, "collected": 0}


def test_a_line_for_every_view_and_a_total(both: Cli, workspace: Path) -> None:
    both("exec", "--", "echo two > a.txt; echo new > new")
    both("exec", "--", "rm src/b.py")
    both("undo")
    (workspace / "src/b.py").write_text("b = 2\n")
    done = both("verify-undo")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "view 0: 2 paths as recorded, 1 edited in the workspace since",
        "view 1, 3: 2 paths as recorded, 1 edited in the workspace since",
        "view 2: 3 paths as recorded",
        "3 views: 3 as recorded, 0 wrong, 0 damaged; 9 paths compared, 2 edited in the workspace since,"
        " 0 not comparable",
    ]
    found = both("verify-undo", "--json").json
    assert found["ok"] and found["total"] == {**NOTHING, "views": 3, "good": 3, "compared": 9, "edited": 2}
    assert [(view["operations"], view["edited"]) for view in found["views"]] == [
        ([0], ["src/b.py"]),
        ([1, 3], ["src/b.py"]),
        ([2], []),
    ]


@pytest.mark.damages_the_store
def test_what_is_wrong_or_gone_is_told_with_1(cli: Cli, tmp_path: Path) -> None:
    local = {"AGENTRT_SANDBOX": "local"}
    cli("exec", "--", r"echo two > a.txt; echo x > $'e\e[31m'", **local)
    cli("exec", "--", "echo three > a.txt", **local)
    (layers,) = tmp_path.glob("state/agentrt/workspaces/*/layers")
    (layers / "s1.1/work/a.txt").write_text("bad\n")
    (layers / "s1.1/work/e\x1b[31m").unlink()
    shutil.rmtree(layers / "s1.2")
    done = cli("verify-undo", **local)
    assert done.code == 1 and "Traceback" not in done.err
    lines = done.out.splitlines()
    assert lines[0] == "view 0: 2 paths as recorded" and lines[1] == "view 1: 2 WRONG, 0 paths as recorded"
    two, bad = (sha256(text).hexdigest() for text in (b"two\n", b"bad\n"))
    assert lines[2:5] == [
        "  a.txt",
        f"    expected: file, mode 0644, 4 bytes, sha256 {two}",
        f"    found:    file, mode 0644, 4 bytes, sha256 {bad}",
    ]
    assert lines[5].strip() == r"e\x1b[31m" and lines[7].strip() == "found:    nothing"
    assert lines[8].startswith("view 2: DAMAGED: ") and "s1.2" in lines[8]
    found = cli("verify-undo", "--json", **local)
    assert found.code == 1 and [view["ok"] for view in found.json["views"]] == [True, False, False]


def test_where_nothing_was_done_it_says_so(cli: Cli) -> None:
    done = cli("verify-undo")
    assert done.code == 2 and "nothing was done here yet" in done.err
