"""The transaction and the moves, on a confined sandbox and on plain copies."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from core_ground import run, seen

from agentrt import PluginError, ProposedAction, Runtime, SessionBusy, UnknownOperation, UsageError, WorkspaceError
from agentrt.testing.memory_sandbox import open_sandbox


def test_an_act_is_confined_measured_and_waits_for_review(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.act("bash", command="echo two > a.txt; rm src/b.py; echo new > 'n\nl'; echo said; exit 3")
        assert (op.id, op.kind, op.actor, op.status, op.review) == (1, "act", "agent", "settled", "pending")
        assert op.action is not None and op.action["kind"] == "bash"
        assert op.decision is not None and op.decision.verdict == "allow"
        assert op.judgement is not None and op.judgement.verdict == "review"
        assert op.observation is not None
        assert (op.observation.exit_code, op.observation.output) == (3, "said\n")
        changes = {effect.path: effect.change for effect in op.effects}
        assert changes == {"a.txt": "modified", "src/b.py": "deleted", "n\nl": "created"}
        assert rt.show(1) == op and rt.log()[0].id == 1
        assert await seen(rt, "a.txt", "src/b.py") == ["two\n", None]

    run(workspace, box, work)
    assert (workspace / "a.txt").read_text() == "one\n" and (workspace / "src/b.py").exists()
    assert not (workspace / "n\nl").exists()


def test_what_changed_nothing_has_no_layer_and_no_review(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.act("bash", command="true")
        assert (op.status, op.review, op.effects) == ("settled", None, ())
        assert op.after == op.before

    run(workspace, box, work)


def test_the_session_goes_on_where_it_was_left(workspace: Path, box: Any) -> None:
    async def first(rt: Runtime) -> None:
        await rt.act("write", path="new", content="x")
        rt.say("task", {"text": "hello"})

    async def second(rt: Runtime) -> None:
        assert rt.session == "s1" and await seen(rt, "new") == ["x"]
        assert [message.body for message in rt.conversation()] == [{"text": "hello"}]
        await rt.undo()

    async def third(rt: Runtime) -> None:
        assert [op.kind for op in rt.log()] == ["act", "act", "undo"]

    run(workspace, box, first)
    run(workspace, box, second)
    run(workspace, box, third, session="s1")


def test_undo_and_redo_step_back_and_forward(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        for text in ("1", "2", "3"):
            await rt.act("write", path="f", content=text)
        undo = await rt.undo(2)
        assert (undo.kind, undo.actor, undo.status, undo.target) == ("undo", "user", "settled", (3, 2))
        assert [(e.path, e.change) for e in undo.effects] == [("f", "modified")]
        with await rt.read_at(0, "a.txt") as start, await rt.read_at(undo.id, "f") as now:
            assert (start.read(), now.read()) == (b"one\n", b"1")
        assert (await rt.redo()).target == (2,)
        with await rt.read_at(rt.log()[-1].id, "f") as now:
            assert now.read() == b"2"
        await rt.undo(2)
        with pytest.raises(FileNotFoundError):
            await rt.read_at(rt.log()[-1].id, "f")
        with pytest.raises(UnknownOperation, match="nothing to undo"):
            await rt.undo()
        await rt.redo()
        await rt.act("write", path="g", content="new work")
        with pytest.raises(UnknownOperation, match="nothing to redo"):
            await rt.redo()
        assert await seen(rt, "f", "g") == ["1", "new work"]

    run(workspace, box, work)


def test_restore_reaches_what_no_undo_reaches_and_can_be_undone(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="old line")
        await rt.undo()
        await rt.act("write", path="f", content="other line")
        back = await rt.restore(1)
        assert back.target == (1,)
        assert await seen(rt, "f") == ["old line"]
        await rt.undo(2)  # the look, and the restore
        assert await seen(rt, "f") == ["other line"]
        await rt.restore(0)
        assert await seen(rt, "f") == [None]
        with pytest.raises(UnknownOperation, match="no operation 99"):
            await rt.restore(99)

    run(workspace, box, work)


def test_the_conversation_moves_along_and_says_what_was_undone(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        rt.say("task", {"text": "do it"})
        op = await rt.act("bash", command="rm a.txt")
        rt.say("observation", {"call": "c", "text": "gone", "operation": op.id}, op.id)
        await rt.act("bash", command="echo x > x")
        await rt.undo(2)
        said = [(message.role, message.body.get("text")) for message in rt.conversation()]
        assert said[0] == ("task", "do it") and len(said) == 2
        role, notice = said[1]
        assert role == "notice" and "user" in notice and "rm a.txt" in notice and "echo x > x" in notice
        # After a redo the planner has its answer again, or it would ask for the same once more.
        await rt.redo()
        assert [m.role for m in rt.conversation()] == ["task", "observation", "notice"]

    run(workspace, box, work)


def test_files_and_conversation_can_go_apart(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        rt.say("task", {"text": "do it"})
        await rt.act("write", path="f", content="1")
        rt.say("planner", {"text": "more", "actions": [], "usage": {}})
        await rt.act("write", path="f", content="2")
        await rt.undo(2, scope="files")
        assert [m.role for m in rt.conversation()] == ["task", "planner", "notice"]
        with pytest.raises(FileNotFoundError):
            await rt.read_at(3, "f")
        await rt.restore(2)
        await rt.restore(0, scope="conversation")
        assert [m.role for m in rt.conversation()] == ["notice"]
        assert await seen(rt, "f") == ["2"]

    run(workspace, box, work)


def test_a_preview_touches_nothing(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="rm a.txt; echo n > new")
        before = rt.log()
        undo = await rt.preview("undo")
        assert (undo.kind, undo.target) == ("undo", (1,))
        assert {e.path: e.change for e in undo.effects} == {"a.txt": "created", "new": "deleted"}
        assert [e.path for e in (await rt.preview("restore", 0)).effects] == ["a.txt", "new"]
        apply = await rt.preview("apply")
        assert {e.path: e.change for e in apply.effects} == {"a.txt": "deleted", "new": "created"}
        assert apply.target == (1,)
        assert rt.log() == before and await seen(rt, "new") == ["n\n"]
        with pytest.raises(UsageError, match="restore needs an operation"):
            await rt.preview("restore")

    run(workspace, box, work)
    assert (workspace / "a.txt").exists() and not (workspace / "new").exists()


def test_changes_between_any_two_operations(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        await rt.act("write", path="g", content="other")
        await rt.act("bash", command="rm f")
        assert [(e.path, e.change) for e in await rt.changes(1, 3)] == [("f", "deleted"), ("g", "created")]
        assert [(e.path, e.change) for e in await rt.changes(3, 0)] == [("g", "deleted")]
        assert [e.path for e in await rt.pending()] == ["g"]

    run(workspace, box, work)


@pytest.mark.parametrize("verdict", ["deny", "ask", "hold"])
def test_what_is_not_allowed_never_runs(workspace: Path, verdict: str) -> None:
    policy = {"decide": [{"actions": ["bash"], "verdict": verdict, "because": "not today"}]}

    async def work(rt: Runtime) -> None:
        op = await rt.act("bash", command="echo x > x")
        assert (op.status, op.effects, op.review) == ("denied", (), None)
        assert op.decision is not None and op.decision.verdict == verdict
        assert op.observation is not None and op.observation.error is not None
        assert "not today" in op.observation.error
        assert ("person" in op.observation.error) == (verdict != "deny")
        assert await rt.pending() == []
        with pytest.raises(UnknownOperation):
            await rt.undo()

    run(workspace, open_sandbox, work, policy=policy)


def test_an_action_over_a_limit_is_rolled_back_and_told_why(workspace: Path, box: Any) -> None:
    for number in range(5):
        (workspace / f"f{number}").touch()

    async def work(rt: Runtime) -> None:
        await rt.act("write", path="kept", content="k")
        op = await rt.act("bash", command="rm -f f*; echo done")
        assert (op.status, op.review) == ("rolled_back", None)
        assert op.after == op.before
        assert op.observation is not None and op.observation.error is not None
        assert op.observation.output == "done\n"
        assert "rolled back" in op.observation.error and "5" in op.observation.error
        assert len(op.effects) == 5  # what it would have done
        assert await seen(rt, "f0", "kept") == ["", "k"]
        assert (await rt.undo(3)).target[-1] == 1  # it is no step

    run(workspace, box, work, policy={"limits": {"files_deleted": 3}})


def test_of_a_verification_the_journal_has_all_and_the_session_nothing(workspace: Path, box: Any) -> None:
    junk = "cat f; echo 2 > f; rm a.txt; mkdir .cache; echo x > .cache/x; exit 3"

    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        stood = rt.view
        op = await rt.verify("bash", command=junk)
        assert (op.id, op.kind, op.actor, op.status, op.review) == (2, "act", "agent", "settled", None)
        assert (op.effects, op.before, op.after, op.target) == ((), stood, stood, (1,))
        assert op.is_verification and not rt.show(1).is_verification
        assert op.note == "a verification: what it wrote is not kept"
        assert op.action is not None and op.action["command"] == junk
        assert op.decision is not None and op.judgement is not None
        assert op.observation is not None and (op.observation.exit_code, op.observation.output) == (3, "1")
        assert rt.show(2) == op
        assert [e.path for e in await rt.pending()] == ["f"]
        assert rt.timeline.done == (1,)
        assert await seen(rt, "f", "a.txt", ".cache/x") == ["1", "one\n", None]
        apply = await rt.apply()
        assert apply is not None and [e.path for e in apply.effects] == ["f"]

    run(workspace, box, work)
    assert sorted(path.name for path in workspace.iterdir()) == ["a.txt", "f", "src"]
    assert list((workspace.parent / "state").rglob("layers/s1.2*")) == []


def test_what_a_verification_leaves_elsewhere_is_not_kept(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.verify("bash", command="echo x > ~/x; echo x > /tmp/x; cat ~/x /tmp/x")
        assert op.observation is not None and op.observation.output == "x\nx\n"
        assert await seen(rt, "/home/agent/x", "/tmp/x") == [None, None]

    run(workspace, "local", work)


def test_a_verification_is_no_step_of_undo_and_redo(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        for text in ("1", "2"):
            await rt.act("write", path="f", content=text)
        await rt.verify("bash", command="echo junk > f")
        assert (await rt.undo()).target == (2,)
        await rt.verify("bash", command="echo junk > f")
        assert (await rt.redo()).target == (2,)
        assert await seen(rt, "f") == ["2"]

    run(workspace, box, work)


def test_restore_to_a_verification_is_where_it_was_run(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        rt.say("task", {"text": "do it"})
        await rt.act("write", path="f", content="1")
        op = await rt.verify("bash", command="rm f")
        rt.say("notice", {"text": "it failed"}, op.id)
        await rt.act("write", path="f", content="2")
        await rt.restore(op.id)
        assert await seen(rt, "f") == ["1"]
        told = [message.body["text"] for message in rt.conversation()]
        assert told[:2] == ["do it", "it failed"] and "restored" in told[2]
        assert [e.path for e in await rt.changes(0, op.id)] == ["f"]
        assert await rt.changes(1, op.id) == []
        await rt.undo(2)  # the look, and the restore
        assert await seen(rt, "f") == ["2"]

    run(workspace, box, work)


def test_a_verification_of_the_untouched_workspace(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.verify("bash", command="rm a.txt")
        assert (op.target, op.is_verification) == ((0,), True)
        assert await seen(rt, "a.txt") == ["one\n"]

    run(workspace, box, work)


def test_a_verification_over_a_limit_is_rolled_back(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        op = await rt.verify("bash", command="rm -r *")
        assert (op.status, op.review, op.is_verification) == ("rolled_back", None, True)
        assert op.after == op.before and len(op.effects) == 4  # what it would have done
        assert op.observation is not None and "the limit is 2" in (op.observation.error or "")
        assert (await rt.undo()).target == (1,)

    run(workspace, box, work, policy={"limits": {"files_deleted": 2}})


def test_a_verification_the_policy_forbids_never_runs(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        op = await rt.verify("bash", command="true")
        assert (op.status, op.is_verification) == ("denied", True)

    run(workspace, open_sandbox, work, policy={"decide": [{"actions": ["bash"], "verdict": "deny"}]})


@pytest.mark.parametrize(
    ("kind", "arguments", "says"),
    [
        ("bash", {"comand": "x"}, "comand"),
        ("bash", {}, "`command` is missing"),
        ("bash", {"command": "x", "seconds": "soon"}, "`seconds` must be a number"),
        ("write", {"path": 3, "content": "x"}, "path"),
    ],
)
def test_wrong_arguments_are_named(workspace: Path, kind: str, arguments: dict[str, Any], says: str) -> None:
    async def work(rt: Runtime) -> None:
        with pytest.raises(UsageError, match=kind) as raised:
            await rt.act(kind, **arguments)
        assert says in str(raised.value)
        with pytest.raises(UsageError):
            await rt.propose(ProposedAction(call="1", kind=kind, arguments={**arguments, "actor": "root"}))
        assert rt.log() == []

    run(workspace, open_sandbox, work)


def test_the_nearest_name_is_the_hint(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        with pytest.raises(UsageError) as argument:
            await rt.act("bash", comand="ls")
        assert "command" in argument.value.hint
        with pytest.raises(PluginError) as tool:
            await rt.act("bahs", command="ls")
        assert "bash" in tool.value.hint
        with pytest.raises(UsageError, match="kind"):
            await rt.propose(ProposedAction(call="1", kind="bash", arguments={"kind": "write", "command": "x"}))

    run(workspace, open_sandbox, work)


def test_opening_refuses_with_the_reason_and_makes_nothing(workspace: Path, tmp_path: Path) -> None:
    async def opens(at: Path, **how: Any) -> None:
        async with Runtime.open(at, **how):
            pass

    for error, at, how in (
        (WorkspaceError, tmp_path / "nope", {}),
        (PluginError, workspace, {"sandbox": "lokal"}),
        (UsageError, workspace, {"sandbox": {"image": "x"}}),
        (UsageError, workspace, {"policy": "defautl"}),
        (PluginError, workspace, {"sandbox": 7}),
    ):
        with pytest.raises(error):
            asyncio.run(opens(at, **how))
    assert not (tmp_path / "state").exists()
    with pytest.raises(UnknownOperation, match="s7"):
        asyncio.run(opens(workspace, sandbox=open_sandbox, session="s7"))


def test_a_workspace_has_one_runtime_at_a_time(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrt.opening._PATIENCE", 0.1)

    async def work(rt: Runtime) -> None:
        with pytest.raises(SessionBusy):
            await Runtime.open(workspace, sandbox=open_sandbox)

    run(workspace, open_sandbox, work)
    run(workspace, open_sandbox, work)  # and it was let go of


def test_it_waits_its_turn(workspace: Path) -> None:
    async def both() -> None:
        first = await Runtime.open(workspace, sandbox=open_sandbox)
        waiting = asyncio.ensure_future(Runtime.open(workspace, sandbox=open_sandbox)._opens())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await first.close()
        second = await waiting
        await second.close()
        await second.close()

    asyncio.run(both())


def test_calls_at_the_same_time_are_done_one_after_the_other(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        done = await asyncio.gather(*(rt.act("bash", command=f"echo {n} >> all") for n in range(5)))
        assert sorted(op.id for op in done) == [1, 2, 3, 4, 5]
        assert sorted((await seen(rt, "all"))[0] or "") == sorted("0\n1\n2\n3\n4\n")

    run(workspace, box, work)


def test_a_new_session_starts_on_the_untouched_workspace(workspace: Path, box: Any) -> None:
    async def first(rt: Runtime) -> None:
        await rt.act("write", path="f", content="1")
        info = rt.new_session("second try")
        assert (info.id, info.title, rt.session) == ("s2", "second try", "s1")

    async def second(rt: Runtime) -> None:
        assert rt.session == "s2" and rt.log() == []
        assert await seen(rt, "f") == [None]

    run(workspace, box, first)
    run(workspace, box, second)


def test_tools_are_found_by_name(workspace: Path) -> None:
    async def work(rt: Runtime) -> None:
        assert {"bash", "read", "write", "edit", "search", "git"} <= set(rt.tools)
        assert rt.tools["bash"].name == "bash"

    run(workspace, open_sandbox, work)
