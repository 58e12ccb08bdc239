"""``gc``, ``doctor``, ``policy check``, and running a task."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cli_ground import Cli


def stored(tmp_path: Path, kind: str) -> list[str]:
    return sorted(p.name for p in (tmp_path / "state").glob(f"agentrt/workspaces/*/{kind}/*") if p.name[0] != ".")


def test_gc_removes_what_nothing_can_come_back_to(both: Cli, tmp_path: Path) -> None:
    both("exec", "--", "echo 1 > f; seq 1 20000")
    both("apply")
    both("undo", "2")
    assert both("gc").out == "nothing to remove\n"
    (root,) = (tmp_path / "state").glob("agentrt/workspaces/*")
    for name in ("s1.77", "s2.1"):
        (root / "layers" / name / "work/locked").mkdir(parents=True)
        (root / "layers" / name / "work/locked").chmod(0)
    (root / "outputs/s1.77.2").write_text("x" * 10_000)
    (root / "aside/s1.77/held").mkdir(parents=True)
    kept = {kind: set(stored(tmp_path, kind)) - {"s1.77", "s2.1", "s1.77.2"} for kind in ("layers", "outputs", "aside")}
    assert kept == {"layers": {"s1.1"}, "outputs": {"s1.1"}, "aside": {"s1.2"}}
    document = both("gc", "--dry-run", "--json").json
    assert document["layers"] == ["s1.77", "s2.1"] and document["dry_run"]
    assert (document["outputs"], document["aside"]) == (["s1.77.2"], ["s1.77"]) and document["bytes"] > 10_000
    assert "s1.77" in stored(tmp_path, "layers")
    assert "freed" in both("gc").out
    assert {kind: set(stored(tmp_path, kind)) for kind in kept} == kept
    assert both("redo").code == 0 and both("redo").code == 0
    assert len(both("show", "1", "--output").raw) > 100_000


def test_policy_check(cli: Cli, workspace: Path) -> None:
    assert cli("policy", "check", "default").out == "OK: policy default\n"
    (workspace / "mine.yaml").write_text("limits: {files_deleted: 3}\n")
    assert cli("policy", "check", "mine.yaml", "--json").json["ok"] is True
    (workspace / "wrong.yaml").write_text("limits:\n  files_deletd: 3\n")
    done = cli("policy", "check", "wrong.yaml")
    assert done.code == 2 and "wrong.yaml:2:3" in done.err and "files_deleted" in done.err


def test_doctor_says_what_is_active_and_why(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    done = cli("doctor", AGENTRT_SANDBOX="local")
    assert done.code == 0 and "state folder: " in done.out and "MISSING" not in done.out
    for told in ("namespaces: its own", "users: ", "network: none", "toolchains: shown read-only: "):
        assert f"ok      local: {told}" in done.out
    assert f"ok      local: workspace: {workspace}, seen at its own path" in done.out
    assert done.out.endswith("active: local, named by AGENTRT_SANDBOX\n")
    document = cli("doctor", "--json").json
    assert document["checks"] and all(check["ok"] for check in document["checks"])
    assert {"bash", "edit"} <= set(document["tools"]) and document["active"] == "memory"
    assert not list((tmp_path / "state").glob("agentrt/workspaces/*/layers/*")), "it leaves nothing behind"


def test_doctor_insists_on_what_is_required(cli: Cli, tmp_path: Path) -> None:
    """What a kernel lacks is in tests/sandboxes/test_sandboxes_walls.py."""
    done = cli("doctor")
    for told in ("seccomp: ", "landlock: ", "no-new-privileges: ", "capabilities: ", "limits: "):
        assert f" local: {told}" in done.out
    assert cli("doctor", "--require", "limits", "--require", "no-new-privileges").out == done.out
    wrong = cli("doctor", "--require", "landlok")
    assert wrong.code == 2 and 'no check is called "landlok"' in wrong.err and "did you mean `landlock`?" in wrong.err
    (tmp_path / "file").touch()
    assert cli("doctor", "--require", "landlok", XDG_STATE_HOME=str(tmp_path / "file")).code == 5


def test_doctor_without_a_sandbox_says_that_nothing_runs(cli: Cli, tmp_path: Path) -> None:
    """A state folder that is a file is one way to have none."""
    (tmp_path / "file").touch()
    how = {"AGENTRT_SANDBOX": "local", "XDG_STATE_HOME": str(tmp_path / "file")}
    done = cli("doctor", **how)
    assert done.code == 5 and "MISSING local: state folder: " in done.out and "cure: " in done.out
    assert done.out.splitlines()[-1].startswith("active: none; local, named by AGENTRT_SANDBOX, does not work here")
    assert cli("doctor", "--json", **how).json["active"] is None


def task(workspace: Path, **more: object) -> Path:
    script = {
        "turns": [
            {"text": "Look\u001b[31m first.", "actions": [{"bash": {"command": "cat a.txt; exit 3"}}]},
            {"actions": [{"bash": {"command": "echo two > a.txt"}}]},
            {"actions": [{"submit": {"text": "all done"}}]},
        ]
    }
    file = workspace.parent / "task.yaml"
    (workspace.parent / "script.yaml").write_text(json.dumps(script))
    described = {"objective": "make it two", "workspace": "ws", "planner": {"script": "script.yaml"}}
    file.write_text(json.dumps({**described, "sandbox": "memory", **more}))
    return file


def test_a_task_runs_headless_and_is_told_as_it_happens(cli: Cli, workspace: Path) -> None:
    file = task(workspace, verify="grep -q two a.txt")
    done = cli(str(file))
    assert done.code == 0 and done.err == ""
    assert "Look\\x1b[31m first." in done.out and "\x1b" not in done.out
    assert "  operation 1, exit code 3\n  | one" in done.out
    assert "done: all done" in done.out
    assert (workspace / "a.txt").read_text() == "one\n"
    assert cli("apply").code == 0 and (workspace / "a.txt").read_text() == "two\n"
    assert cli("sessions").out.splitlines()[0].endswith("make it two")


def test_a_verification_is_in_the_log_and_no_step(cli: Cli, workspace: Path) -> None:
    assert cli(str(task(workspace, verify="cat a.txt; echo junk > junk"))).code == 0
    assert re.search(r"^3  \S+  agentrt  act +done +- +\$ cat a.txt; echo junk > junk$", cli("log").out, re.MULTILINE)
    shown = cli("show", "3").out
    assert "note: a verification: what it wrote is not kept" in shown and "  two" in shown
    document = cli("show", "3", "--json").json
    assert (document["status"], document["effects"], document["target"]) == ("settled", [], [2])
    assert cli("--json").json["undo"] == [1, 2]
    assert cli("diff", "3").out == ""
    assert cli("undo").out.startswith("operation 4: undid 2: ")


def test_a_task_that_fails_is_1(cli: Cli, workspace: Path) -> None:
    done = cli("run", str(task(workspace, verify="grep -q three a.txt")))
    assert done.code == 1 and "failed: " in done.out and "exit code 1" in done.out


def test_a_task_in_json_is_lines(cli: Cli, workspace: Path) -> None:
    done = cli("run", str(task(workspace, apply="on_success")), "--json")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0 and lines[-1]["event"] == "result" and lines[-1]["success"] is True
    assert {"turn", "action", "output", "operation"} <= {line["event"] for line in lines}
    assert (workspace / "a.txt").read_text() == "two\n"


def test_a_task_that_wants_to_ask_needs_a_person(cli: Cli, workspace: Path) -> None:
    done = cli(str(task(workspace, apply="ask")))
    assert done.code == 3 and "needs a person" in done.err
    assert (workspace / "a.txt").read_text() == "one\n"


def test_a_malformed_task_is_2_with_its_place(cli: Cli, workspace: Path) -> None:
    file = workspace / "task.yaml"
    file.write_text("objective: x\nplanner: {script: s.yaml}\nlimts: {actions: 3}\n")
    done = cli("task.yaml")
    assert done.code == 2 and "task.yaml:3:1" in done.err and "limits" in done.err
    file.write_text("objective: x\nplanner: {script: nowhere.yaml}\n")
    done = cli("task.yaml")
    assert done.code == 2 and "nowhere.yaml" in done.err
    assert cli("task.yaml", "--session", "s1").code == 2
