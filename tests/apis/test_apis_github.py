"""Issues of GitHub: what is done to them is taken back as far as that service lets anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from github_ground import GitHub

from agentrt import Runtime
from agentrt.errors import Conflict
from agentrt.records import Secret
from agentrt.secrets import store as secret_store
from agentrt.testing import memory_sandbox

pytestmark = pytest.mark.anyio
BOX: Any = memory_sandbox.open_sandbox
WHERE = {"owner": "o", "repo": "r"}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [Secret(name="GITHUB_TOKEN", value="gh-secret", hosts=("127.0.0.1",))]
    monkeypatch.setattr(secret_store, "load", lambda names: held)


def opened(workspace: Path, github: GitHub) -> Any:
    """With no budget at all for what cannot be taken back."""
    rules = {
        "network": [{"hosts": ["127.0.0.1"], "ports": [github.port], "private": True}],
        "secrets": ["GITHUB_TOKEN"],
    }
    return Runtime.open(workspace, policy=rules, sandbox=BOX)


async def api(rt: Runtime, operation: str, **arguments: Any) -> Any:
    return await rt.act("api", api="github", operation=operation, arguments={**WHERE, **arguments})


def said(operation: Any) -> str:
    return f"{operation.observation.output}{operation.observation.error or ''}"


async def test_an_issue_is_opened_and_closed_by_undo(workspace: Path, github: GitHub) -> None:
    async with opened(workspace, github) as rt:
        assert "github (get_issue, create_issue" in rt.tools["api"].description
        made = await api(rt, "create_issue", title="it breaks", labels=["bug"])
        assert f"[undo sends PATCH {github.url}/repos/o/r/issues/1]" in said(made), said(made)
        (post, _) = made.requests
        assert (post.method, post.status, post.reversibility) == ("POST", 201, "compensable")
        assert post.secrets == ("GITHUB_TOKEN",) and {who for *_, who in github.seen} == {"Bearer gh-secret"}
        previewed = await rt.preview("undo")
        assert [(one.method, one.url) for one in previewed.outside] == [("PATCH", f"{github.url}/repos/o/r/issues/1")]
        await rt.undo()
        assert (github.issues[1]["state"], github.issues[1]["state_reason"]) == ("closed", "not_planned")
        await rt.redo()
        assert github.issues[2]["state"] == "open"


async def test_what_others_did_to_it_is_a_conflict(workspace: Path, github: GitHub) -> None:
    async with opened(workspace, github) as rt:
        await api(rt, "create_issue", title="it breaks")
        github.edit(1, comments=1)
        with pytest.raises(Conflict):
            await rt.undo()
        assert github.issues[1]["state"] == "open"


async def test_an_issue_is_as_it_was(workspace: Path, github: GitHub) -> None:
    async with opened(workspace, github) as rt:
        await api(rt, "create_issue", title="it breaks")
        await api(rt, "close_issue", number=1, state="closed")
        assert github.issues[1]["state"] == "closed"
        await rt.undo()
        assert (github.issues[1]["state"], github.issues[1]["closed_at"]) == ("open", None)
        await rt.undo()
        assert github.issues[1]["state"] == "closed"


async def test_a_text_that_is_none_is_one_again(workspace: Path, github: GitHub) -> None:
    """The pack says that null is a value of it; of a title it does not."""
    async with opened(workspace, github) as rt:
        await api(rt, "create_issue", title="it breaks", body="text")
        none = await api(rt, "edit_issue", number=1, body=None)
        assert github.issues[1]["body"] is None
        some = await api(rt, "edit_issue", number=1, body="another")
        assert {one.reversibility for done in (none, some) for one in done.requests} == {"compensable", "reversible"}
        await rt.undo()
        assert github.issues[1]["body"] is None
        await rt.undo()
        assert github.issues[1]["body"] == "text"
        assert said(await api(rt, "edit_issue", number=1, title=None)) == "`title` is of type string, not nothing"


@pytest.mark.parametrize(
    ("operation", "arguments", "what"),
    [
        ("create_isue", {}, 'github has no operation "create_isue" (did you mean `create_issue`?)'),
        ("create_issue", {}, "`title` is missing: what it is about, in a line"),
        ("create_issue", {"title": 5}, "`title` is of type string, not the number 5"),
        ("create_issue", {"title": "x", "lables": []}, "there is no argument `lables` (did you mean `labels`?)"),
    ],
)
async def test_mistakes_are_told(
    workspace: Path, github: GitHub, operation: str, arguments: dict[str, Any], what: str
) -> None:
    async with opened(workspace, github) as rt:
        assert said(await api(rt, operation, **arguments)) == what
        assert github.seen == []


async def test_what_stands_for_a_path_stays_in_its_place(workspace: Path, github: GitHub) -> None:
    async with opened(workspace, github) as rt:
        done = await rt.act(
            "api", api="github", operation="get_issue", arguments={"owner": "../x", "repo": "r?a", "number": 1}
        )
        assert "was not sent" in said(done) or all(
            path.startswith("/repos/..%2Fx/r%3Fa/") for _, path, _ in github.seen
        )
