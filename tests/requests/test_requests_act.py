"""What an action's requests do, what is said of it, and what becomes of it where something goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rest_ground import BOX, Rest, Seen, Wrong, filled, killed_at, opened, policy, said, sent
from test_requests_undo import MATRIX, action

from agentrt import Runtime
from agentrt.errors import ResourceError
from agentrt.tools.http import HttpTool
from agentrt.tools.requests import kept

pytestmark = pytest.mark.anyio


async def test_asking_changes_nothing_and_needs_no_look(workspace: Path, rest: Rest) -> None:
    filled(rest)
    async with opened(workspace, rest) as rt:
        operation = await rt.act("http", url=f"{rest.url}/things/1?a=b")
        assert said(operation).startswith("200\ncontent-type: application/json\n") and '"name": "one"' in said(
            operation
        )
        assert sent(operation) == [("GET", 200, "reversible")] and operation.review == "accepted"
        assert rt.view.marks == () and [seen.path for seen in rest.seen] == ["/things/1?a=b"]
        missing = await rt.act("http", method="HEAD", url=f"{rest.url}/things/9")
        assert missing.observation is not None and missing.observation.error == "answered with 404"


async def test_without_a_network_it_is_not_offered_and_says_so(workspace: Path) -> None:
    async with Runtime.open(workspace, sandbox=BOX) as rt:
        assert "http" not in rt.tools
        operation = await rt.act("http", url="http://127.0.0.1:1/")
        assert "there is no network here (a policy names what may be reached: `network:`)" in said(operation)


async def test_the_rules_of_the_network_hold(workspace: Path, rest: Rest) -> None:
    """And the budget counts what cannot be taken back, but nothing that can."""
    filled(rest)
    async with Runtime.open(workspace, policy=policy(rest), sandbox=BOX) as rt:
        assert isinstance(rt.tools["http"], HttpTool)
        gone = await rt.act("http", method="DELETE", url=f"{rest.url}/things/1")
        assert "was not sent: " in said(gone) and "budget" in said(gone) and gone.requests[-1].change == "refused"
        other = await rt.act("http", method="PUT", url=f"http://localhost:{rest.port}/things/1", body="{}")
        assert "no rule of the network lets it out" in said(other)
        assert (await rt.act("http", method="PUT", url="file:///etc/passwd")).requests == ()
        assert rest.unsafe == []
        for _ in range(3):
            assert sent(await rt.act("http", method="PATCH", url=f"{rest.url}/things/1", body='{"n": 1}'))[1][2] in (
                "compensable",
                "reversible",
            )
        assert rt.spent.irreversible == 0


async def test_a_merge_patch_that_removes_what_was_null_is_not_said_to_be_taken_back(
    workspace: Path, rest: Rest
) -> None:
    filled(rest)
    async with opened(workspace, rest) as rt:
        url, body = f"{rest.url}/things/1", '{"empty": null, "note": "mine"}'
        operation = await rt.act("http", method="PATCH", url=url, body=body)
        assert "undo cannot take this back: it removed what was null" in said(operation)
        assert ("PATCH", 200, "irreversible") in sent(operation) and operation.resources == ()
        count = len(rest.unsafe)
        await rt.undo()
        assert len(rest.unsafe) == count and rest.things["1"]["note"] == "mine"


async def test_a_rule_that_says_what_it_is_counts_more(workspace: Path, rest: Rest) -> None:
    filled(rest)
    rules = policy(rest, budget={"irreversible": 9})
    rules["network"][0]["reversibility"] = "irreversible"
    async with Runtime.open(workspace, policy=rules, sandbox=BOX) as rt:
        operation = await rt.act("http", method="PUT", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        assert ("PUT", 200, "irreversible") in sent(operation) and operation.review == "pending"
        assert operation.resources == ("http",)
        await rt.undo()
        assert rest.things["1"]["name"] == "one"


async def test_what_only_the_agent_says_takes_it_back_is_not_believed_yet(workspace: Path, rest: Rest) -> None:
    filled(rest)
    async with opened(workspace, rest) as rt:
        archived = await rt.act("http", **action(rest, MATRIX["archive"]))
        assert ("POST", 200, "unknown") in sent(archived) and archived.review == "pending"
        made = await rt.act("http", **action(rest, MATRIX["post, with Location"]))
        assert ("POST", 201, "compensable") in sent(made)
        assert [effect.inverse for effect in made.requests] == [f"DELETE {rest.url}/things/2", ""]


async def test_what_is_at_another_server_is_none_of_its_business(workspace: Path, rest: Rest) -> None:
    """Neither an answer nor an agent makes undo delete what lies elsewhere."""
    other = Rest()
    filled(other)
    try:
        rules = policy(rest, policy(other)["network"][0], budget={"irreversible": 100})
        async with Runtime.open(workspace, policy=rules, sandbox=BOX) as rt:
            rest.elsewhere = other.url
            made = await rt.act("http", method="POST", url=f"{rest.url}/things", body="{}")
            assert "undo cannot take this back" in said(made) and rt.view.marks == ()
            for undo in (
                {"method": "DELETE", "url": f"{other.url}/things/1"},
                {"method": "DELETE", "url": "/x", "look": f"{other.url}/things/1"},
            ):
                refused = await rt.act("http", method="POST", url=f"{rest.url}/things", body="{}", undo=undo)
                assert "undo is of another server than the request" in said(refused) and refused.requests == ()
            undo = {"method": "DELETE", "url": "{location}"}
            made = await rt.act("http", method="POST", url=f"{rest.url}/things", body="{}", undo=undo)
            assert "it is of another server than the request" in said(made)
            assert other.seen == [] and len(rest.things) == 2
    finally:
        other.close()


async def test_an_inverse_of_the_agents_own_goes_by_the_rules(workspace: Path, rest: Rest) -> None:
    """What may not be sent may not be sent by undoing something either."""
    filled(rest)
    here = {"hosts": ["127.0.0.1"], "ports": [rest.port], "private": True}
    rules = {"network": [{**here, "methods": ["GET", "POST"], "reversibility": "compensable"}, here]}
    rules["network"][1] = {**here, "methods": ["DELETE"]}
    async with Runtime.open(workspace, policy=rules, sandbox=BOX) as rt:
        undo = {"method": "DELETE", "url": "/things/1"}
        made = await rt.act("http", method="POST", url=f"{rest.url}/things/1/archive", body="{}", undo=undo)
        assert "[undo sends DELETE" in said(made)
        with pytest.raises(ResourceError, match="was not sent: the session's budget is used up"):
            await rt.undo()
        assert "1" in rest.things and rt.show(2).status == "failed" and rt.view.marks == (1,)


async def test_what_takes_it_back_cannot_be_kept(workspace: Path, rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before: nothing is sent. After: it was sent, and nobody says that it can be taken back."""
    filled(rest)
    real, at = kept.save, 0

    def save(*given: Any) -> None:
        nonlocal at
        at -= 1
        if at == 0:
            raise ResourceError("no room")
        real(*given)

    monkeypatch.setattr(kept, "save", save)
    async with opened(workspace, rest) as rt:
        at = 1
        put = {"method": "PUT", "url": f"{rest.url}/things/1", "body": '{"name": "uno"}'}
        first = await rt.act("http", **put)
        assert "no room" in said(first) and rest.unsafe == [] and rt.view.marks == ()
        at = 2
        second = await rt.act("http", **put)
        assert "was answered with 200, but no room" in said(second) and rest.unsafe == ["PUT /things/1"]
        assert ("PUT", 200, "irreversible") in sent(second) and rt.view.marks == () and second.review == "pending"


@pytest.mark.parametrize("status", [429, 500])
async def test_what_the_server_refused(workspace: Path, rest: Rest, status: int) -> None:
    """Where it shows that nothing has changed, nothing has."""
    filled(rest)
    async with opened(workspace, rest) as rt:
        rest.wrong = {"PUT": Wrong(refuse=status), "POST": Wrong(refuse=status)}
        put = await rt.act("http", method="PUT", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        assert f"answered with {status}" in said(put) and "nothing has changed out there" in said(put)
        assert ("PUT", status, "reversible") in sent(put) and rt.view.marks == ()
        post = await rt.act("http", method="POST", url=f"{rest.url}/things", body="{}")
        assert ("POST", status, "irreversible") in sent(post) and "undo cannot take this back" in said(post)
        assert rest.unsafe == ["PUT /things/1", "POST /things"]


async def test_no_answer_came(workspace: Path, rest: Rest) -> None:
    """What a URL shows is known all the same; of a POST nobody knows, and it is not sent again."""
    filled(rest)
    before = rest.state()
    async with opened(workspace, rest) as rt:
        rest.wrong = {"PUT": Wrong(silent=True), "POST": Wrong(silent=True)}
        put = await rt.act("http", method="PUT", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        assert "it may have been carried out: look before you ask again" in said(put)
        assert rest.things["1"]["name"] == "uno" and rt.view.marks == (1,)
        await rt.undo()
        assert rest.state() == before
        post = await rt.act("http", method="POST", url=f"{rest.url}/things", body='{"name": "two"}')
        assert sent(post) == [("POST", None, "irreversible")] and post.review == "pending" and rt.view.marks == ()
        assert rest.unsafe.count("POST /things") == 1 and len(rest.things) == 2
        undone = await rt.undo()
        assert undone.note == f"what may have been sent was not taken back: POST {rest.url}/things"


async def test_what_is_rolled_back_is_taken_back(workspace: Path, rest: Rest) -> None:
    filled(rest)
    before = rest.state()
    rules = {"judge": [{"verdict": "roll_back", "because": "no", "methods": ["PUT"]}]}
    async with opened(workspace, rest, **rules) as rt:
        put = await rt.act("http", method="PUT", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        assert put.status == "rolled_back" and rest.state() == before and rt.view.marks == ()
        assert [one[0] for one in sent(put)] == ["GET", "PUT", "GET", "GET", "PUT", "GET"]


async def test_an_undo_that_is_not_possible_leaves_it_said(workspace: Path, rest: Rest) -> None:
    """It was to be rolled back, and the server does not do it: that it stands is in the journal."""
    filled(rest)
    rules = {"judge": [{"verdict": "roll_back", "because": "no", "methods": ["PUT"]}]}
    async with opened(workspace, rest, **rules) as rt:

        def refuse(seen: Seen) -> None:
            if seen.method == "PUT":
                rest.wrong["PUT"] = Wrong(refuse=503, always=True)

        rest.before_answer = refuse
        put = await rt.act("http", method="PUT", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        assert put.status == "failed" and "what it changed outside may stand" in said(put)
        assert put.review == "pending" and rest.things["1"]["name"] == "uno"
        assert {one[2] for one in sent(put) if one[0] == "PUT"} == {"unknown"}


def agentrt(*words: str, cwd: Path, input: str = "") -> str:
    command = [sys.executable, "-m", "agentrt", *words]
    done = subprocess.run(command, cwd=cwd, input=input, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_a_secret_goes_along_and_is_nowhere_kept(
    workspace: Path, rest: Rest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also when it is undone by the command line, which opens the session without the policy."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("AGENTRT_PASSPHRASE", "passphrase")
    agentrt("secrets", "set", "TOKEN", "--host", "127.0.0.1", cwd=workspace, input="s3cret-value\n")
    filled(rest)
    rules = {**policy(rest), "secrets": ["TOKEN"]}
    (workspace.parent / "rules.yaml").write_text(json.dumps(rules))
    headers = {"Authorization": "Bearer ${TOKEN}"}
    async with Runtime.open(workspace, policy="rules.yaml", folder=workspace.parent, sandbox="local") as rt:
        operation = await rt.act(
            "http", method="PUT", url=f"{rest.url}/things/1", headers=headers, body='{"name": "u"}'
        )
        assert operation.requests[0].secrets == ("TOKEN",)
    assert {seen.headers.get("authorization") for seen in rest.seen} == {"Bearer s3cret-value"}
    agentrt("undo", cwd=workspace)
    assert rest.things["1"]["name"] == "one"
    assert {seen.headers.get("authorization") for seen in rest.seen} == {"Bearer s3cret-value"}
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert any(path.name == "http.json" for path in kept)
    assert not any(b"s3cret-value" in path.read_bytes() for path in kept)


_PROGRAM = """
import asyncio, json, os, sys
from agentrt import Runtime
from agentrt.errors import ResourceError
from agentrt.testing import memory_sandbox

async def main():
    work = json.loads(sys.argv[1])
    async with Runtime.open(os.environ["WORKSPACE"], policy=work["policy"], sandbox=memory_sandbox.open_sandbox) as rt:
        for kind, arguments in work["does"]:
            await (rt.act("http", **arguments) if kind == "act" else getattr(rt, kind)())

asyncio.run(main())
"""


@pytest.mark.parametrize("doing", ["put", "post", "undo", "redo"])
async def test_killed_at_every_request(workspace: Path, rest: Rest, doing: str) -> None:
    """The server has seen it once, or not at all; and what may have been sent is in the journal, as unknown."""
    filled(rest)
    rules = policy(rest, budget={"irreversible": 100})
    # What is known of those that were cut off is not asked here: each is a new one.
    put: dict[str, Any] = {"method": "PUT", "url": f"{rest.url}/things/1", "body": '{"name": "uno"}', "again": True}
    post: dict[str, Any] = {"method": "POST", "url": f"{rest.url}/things", "body": '{"name": "two"}', "again": True}
    does: list[tuple[str, Any]] = [("act", post if doing == "post" else put)]
    does += [("undo", None)] * (doing in ("undo", "redo")) + [("redo", None)] * (doing == "redo")
    given = json.dumps({"policy": rules, "does": does})
    wanted = {"put": 3, "post": 2, "undo": 6, "redo": 9}[doing]
    for at in range(wanted):
        rest.start_again()

        count = killed_at(at, rest, workspace, _PROGRAM, given)
        asked = list(rest.unsafe)
        assert all(asked.count(one) <= {"put": 1, "post": 1, "undo": 2, "redo": 3}[doing] for one in asked)
        async with Runtime.open(workspace, policy=rules, sandbox=BOX) as rt:
            last = rt.show(max(rt.operations))
            assert rest.unsafe == asked, "nothing is sent by looking"
            may = [effect for effect in last.requests if effect.method in ("PUT", "POST")]
            if last.status == "failed" and may:
                assert {effect.reversibility for effect in may} <= {"unknown", "irreversible"}
                assert any("it had sent, or may have" in note for note in rt.notes)
            await rt.act("write", path=f"{doing}{at}.txt", content="it goes on\n")
    assert wanted == count or doing in ("undo", "redo")
