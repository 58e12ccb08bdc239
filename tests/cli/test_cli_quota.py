"""The quota: the oldest history that no undo needs goes, what is gone is said, and what is kept works."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from cli_ground import Cli

QUOTA = {"AGENTRT_QUOTA": "3MB"}
BIG = "head -c {0}K /dev/urandom > {1}"


def store(tmp_path: Path) -> Path:
    (root,) = (tmp_path / "state").glob("agentrt/workspaces/*")
    return root


def names(tmp_path: Path, kind: str) -> set[str]:
    return {path.name for path in (store(tmp_path) / kind).iterdir() if path.name[0] != "."}


def big(cli: Cli, name: str, kilobytes: int = 900, **how: str) -> str:
    done = cli("exec", "--", BIG.format(kilobytes, name), **how)
    assert done.code == 0, done.err
    return done.err


def test_what_was_undone_goes_oldest_first_and_is_said_to_be_gone(both: Cli, tmp_path: Path) -> None:
    both("exec", "--", "echo base > base; seq 1 20000")
    for name in ("one", "two"):  # operations 2 and 4 are undone, with new work after them
        big(both, name)
        both("undo")
    both("exec", "--", "echo kept > kept")  # 6
    dry = both("gc", "--dry-run", "--json", AGENTRT_QUOTA="1.5MB").json
    assert [item["name"] for item in dry["collected"]] == ["s1.2"]
    assert dry["collected"][0]["why"] == "undone, and new work followed"
    assert names(tmp_path, "layers") == {"s1.1", "s1.2", "s1.4", "s1.6"}
    said = big(both, "third", 300, AGENTRT_QUOTA="2.2MB")
    assert "collected the oldest" in said and "quota of 2.2 MB" in said
    left = names(tmp_path, "layers")
    assert "s1.2" not in left and {"s1.1", "s1.6", "s1.7"} <= left
    day = time.strftime("%Y-%m-%d")
    for words in (["restore", "2"], ["restore", "2", "--preview"], ["diff", "2"], ["diff", "1..2"], ["fork", "2"]):
        done = both(*words, **QUOTA)
        assert done.code == 2 and f"after operation 2 were collected on {day} to stay within the quota" in done.err, (
            done
        )
        assert "hint: " in done.err
    assert both("restore", "2", "--conversation", **QUOTA).code == 0
    assert f"[its files were collected on {day} to stay within the quota]" in both("log").out.splitlines()[1]
    assert "its files were collected" in both("show", "2").out and both("show", "2", "--json").json["collected"] > 0
    assert both("show", "1", "--json").json["collected"] is None
    assert len(both("show", "1", "--output").raw) > 100_000
    assert both("restore", "7", **QUOTA).code == 0
    assert both("exec", "--", "cat base kept && test -s third && test ! -e one", **QUOTA).raw == b"base\nkept\n"


def test_what_is_pending_or_within_undo_stays_and_that_is_said_once(cli: Cli, tmp_path: Path) -> None:
    said = [big(cli, f"f{n}", **QUOTA) for n in range(6)]
    told = [text for text in said if "more than its quota of 3 MB, and all of it is pending or needed by undo" in text]
    assert len(told) == 1 and "layers" in told[0] and "agentrt new" in told[0]
    assert names(tmp_path, "layers") == {f"s1.{n}" for n in range(1, 7)}
    assert "more than its quota" not in cli("exec", "--", "true", **QUOTA).err
    assert "all of it is pending or needed by undo" in cli("gc", **QUOTA).out
    assert cli("undo", "6", **QUOTA).code == 0 and cli("redo", **QUOTA).code == 0
    assert names(tmp_path, "layers") == {f"s1.{n}" for n in range(1, 7)}, "it can all be redone"


def test_other_sessions_keep_what_they_can_undo_and_lose_what_they_cannot(cli: Cli, tmp_path: Path) -> None:
    big(cli, "one")
    cli("undo")
    cli("exec", "--", "seq 1 60000; echo on > on")
    cli("exec", "--", "seq 1 60000; exit 3")
    cli("new")
    cli("exec", "--", "echo other > other")
    assert "s1.1: undone, and new work followed; collected" in cli("gc", AGENTRT_QUOTA="1.2MB").out
    assert names(tmp_path, "layers") == {"s1.3", "s2.1"}
    assert cli("undo", "--session", "s1").code == 0 and cli("redo", "--session", "s1").code == 0


def test_the_output_of_what_came_to_nothing_goes_and_that_is_said(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    cli("exec", "--", "seq 1 200000; rm a.txt; for n in $(seq 1 1100); do touch $n; done; rm [0-9]*; sleep 0")
    cli("undo")
    cli("exec", "--", "true")
    assert "output s1.1: " in cli("gc", AGENTRT_QUOTA="1MB").out
    done = cli("show", "1", "--output")
    assert done.code == 2 and "the whole output of operation 1 was collected on" in done.err
    assert cli("show", "1").code == 0


def test_a_quota_that_is_none_is_a_mistake(cli: Cli) -> None:
    done = cli("exec", "--", "true", AGENTRT_QUOTA="lots")
    assert done.code == 2 and "AGENTRT_QUOTA: expected a size" in done.err and "hint: " in done.err


def test_every_folder_of_the_store_is_private(both: Cli, tmp_path: Path) -> None:
    both("exec", "--", "echo 1 > a.txt; seq 1 20000")
    both("apply")
    root = store(tmp_path)
    for folder in (root.parent.parent, root.parent, root, *(path for path in root.iterdir() if path.is_dir())):
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_a_journal_of_version_1_is_read_and_upgraded(cli: Cli, tmp_path: Path) -> None:
    cli("exec", "--", "echo 1 > f")
    with sqlite3.connect(store(tmp_path) / "journal.db") as db:
        db.executescript("DROP TABLE removal; DROP TABLE sandbox; DROP TABLE resources; PRAGMA user_version = 1")
    db.close()
    assert len(cli("log", "--json").json) == 1
    assert cli("undo").code == 0 and cli("redo").code == 0
    assert cli("gc", "--purge", "f", "--json").json["layers"] == ["s1.1"]
    with sqlite3.connect(store(tmp_path) / "journal.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (4,)
        assert db.execute("SELECT kind, name, because FROM removal").fetchall() == [("path", b"f", "purge")]
    db.close()
