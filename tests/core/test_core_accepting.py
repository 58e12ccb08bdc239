"""Accept all like this, in a session: the rule counts at once, for what waits and for what comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from core_ground import run

from agentrt import Runtime, UnknownOperation, UsageError


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config/agentrt/policy.yaml"


def reviews(rt: Runtime) -> dict[int, str | None]:
    return {op.id: op.review for op in rt.log() if op.kind == "act"}


def test_what_waits_and_what_comes_is_accepted_where_it_is_like_it(workspace: Path, box: Any, config: Path) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="sed -i s/1/2/ src/b.py")
        await rt.act("bash", command="sed -i s/2/3/ src/b.py")
        await rt.act("bash", command="sed -i s/one/two/ a.txt")
        await rt.act("bash", command="echo 'b = 4' > src/b.py")
        rule = rt.acceptance(1)
        assert "+    run: [sed **]" in rule.diff and not config.exists()
        assert await rt.accept_alike() is None, "nothing is written yet"
        rule.write()
        accepted = await rt.accept_alike()
        assert accepted is not None and (accepted.kind, accepted.target, accepted.actor) == ("accept", (1, 2), "user")
        done = await rt.act("bash", command="sed -i s/4/5/ src/b.py")
        assert done.judgement is not None and done.judgement.rule == "policy.yaml:2"
        assert reviews(rt) == {1: "accepted", 2: "accepted", 3: "pending", 4: "pending", 6: "accepted"}
        assert (await rt.act("bash", command="chmod +x src/b.py; sed -i s/5/6/ src/b.py")).review == "pending"
        assert (await rt.act("bash", command="sed -i s/6/7/ src/b.py; rm a.txt")).review == "pending"
        await rt.undo(2)
        assert (await rt.undo()).target == (6,), "what needed no review is undone like everything else"

    run(workspace, box, work)


def test_forks_that_are_open_keep_to_it_at_once(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("write", path="src/c.py", content="c = 1\n")
        branch = await rt.fork(0)
        try:
            rt.acceptance(1).write()
            assert (await branch.act("write", path="src/d.py", content="d = 1\n")).review == "accepted"
        finally:
            await branch.close()

    run(workspace, box, work)


def test_what_there_is_no_rule_for(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="true")
        await rt.act("bash", command="echo x > new.sh; chmod +x new.sh")
        await rt.act("bash", command="echo two > a.txt")
        await rt.reject(3)
        for op, why in (
            (1, "operation 1 needs no review"),
            (2, "this cannot become a rule: new.sh is executable"),
            (3, "operation 3 was rejected"),
            (4, "operation 4 needs no review"),
        ):
            with pytest.raises(UsageError, match=why):
                rt.acceptance(op)
        with pytest.raises(UnknownOperation):
            rt.acceptance(9)

    run(workspace, box, work)


def test_what_an_agent_may_do_less_than_others_counts(workspace: Path, box: Any, config: Path) -> None:
    async def work(rt: Runtime) -> None:
        rt.tighten("tester", {"judge": [{"verdict": "review", "paths": ["src/**"], "because": "tests only"}]})
        await rt.act("write", path="src/c.py", content="c = 1\n", actor="tester")
        await rt.act("write", path="src/d.py", content="d = 1\n")
        with pytest.raises(UsageError, match=r"wants it to be looked at: src/c\.py was created: tests only"):
            rt.acceptance(1)
        rt.acceptance(2).write()
        accepted = await rt.accept_alike()
        assert accepted is not None and accepted.target == (2,)

    run(workspace, box, work)


def test_where_the_policy_cannot_be_read_there_is_no_rule(workspace: Path, box: Any, config: Path) -> None:
    async def work(rt: Runtime) -> None:
        with pytest.raises(UsageError, match="the policy cannot be read"):
            rt.acceptance(1)
        assert await rt.accept_alike() is None

    async def act(rt: Runtime) -> None:
        await rt.act("write", path="src/c.py", content="c = 1\n")

    run(workspace, box, act)
    config.parent.mkdir(parents=True)
    config.write_text("judgee: []\n")
    run(workspace, box, work, to_act=False)
