"""What requests did at a service, and what it is after undo, redo, restore and revert: all of its state compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rest_ground import BOX, Rest, Wrong, filled, opened, policy, said, sent

from agentrt import Runtime
from agentrt.errors import Conflict, ResourceError, UsageError

pytestmark = pytest.mark.anyio
COMPENSABLE = {"reversibility": "compensable"}


MATRIX: dict[str, dict[str, Any]] = {
    "put over": {"method": "PUT", "path": "/things/1", "body": {"name": "uno", "more": [1, {"a": None}]}},
    "patch a member": {"method": "PATCH", "path": "/things/1", "body": {"name": "uno"}},
    "patch a new member": {"method": "PATCH", "path": "/things/1", "body": {"colour": "red"}},
    "patch a member away": {"method": "PATCH", "path": "/things/1", "body": {"note": None}},
    "patch within a member": {"method": "PATCH", "path": "/things/1", "body": {"deep": {"b": 2}}},
    "post, with Location": {"method": "POST", "path": "/things", "body": {"name": "two"}},
    "post, by the id": {
        "method": "POST",
        "path": "/drafts",
        "body": {"name": "two"},
        "undo": {"method": "DELETE", "url": "/things/{/id}"},
    },
    "archive": {
        "method": "POST",
        "path": "/things/1/archive",
        "body": {},
        "undo": {
            "method": "POST",
            "url": "/things/1/restore",
            "look": "/things/1",
            "ignore": ["/updated", "/archived"],
        },
    },
    "rename, the other name in the inverse": {
        "method": "PATCH",
        "path": "/things/1",
        "body": {"name": "uno"},
        "undo": {"method": "PATCH", "url": "/things/1", "body": '{"name": {before/name}}', "ignore": ["/updated"]},
    },
    "put a new text": {"method": "PUT", "path": "/texts/new", "body": "Grüße\n"},
    "put over a text": {"method": "PUT", "path": "/texts/old", "body": "other"},
    "delete a text": {
        "method": "DELETE",
        "path": "/texts/old",
        "undo": {"method": "PUT", "url": "/texts/old", "body": "{before}"},
    },
}


def action(rest: Rest, case: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in case.items() if key not in ("path", "body")}
    made["url"] = f"{rest.url}{case['path']}"
    body = case.get("body", "")
    made["body"] = body if isinstance(body, str) else json.dumps(body)
    if "undo" in made:
        made["undo"] = {**made["undo"], "url": made["undo"]["url"]}
        if "look" in made["undo"]:
            made["undo"]["look"] = f"{rest.url}{made['undo']['look']}"
    return made


@pytest.mark.parametrize("name", MATRIX)
async def test_it_is_as_before_and_as_after(workspace: Path, rest: Rest, name: str) -> None:
    filled(rest)
    before = (rest.state(), dict(rest.texts))
    async with opened(workspace, rest) as rt:
        operation = await rt.act("http", **action(rest, MATRIX[name]))
        assert operation.status == "settled" and "[undo sends " in said(operation), operation
        assert operation.resources == ("http",) and rt.view.marks == (1,)
        after = (rest.state(), dict(rest.texts))
        assert after != before
        previewed = await rt.preview("undo")
        assert [effect.kind for effect in previewed.outside] == ["request"] and not previewed.conflicts
        undone = await rt.undo()
        assert undone.status == "settled" and undone.resources == ("http",) and "stays sent" not in undone.note
        shown = {id: {**thing, "archived": False} for id, thing in rest.state().items()}
        wanted = {id: {**thing, "archived": False} for id, thing in before[0].items()}
        assert (shown, rest.texts) == (wanted, before[1])
        assert rt.view.marks == ()
        if "Location" in name or "id" in name:  # what is made again is another
            await rt.redo()
            assert [thing["name"] for thing in rest.things.values()] == ["one", "two"]
            await rt.undo()
            assert len(rest.things) == 1
        else:
            await rt.redo()
            assert (rest.state(), rest.texts) == after
            await rt.undo()
            await rt.redo()
            assert (rest.state(), rest.texts) == after
        assert (await rt.verify_undo()).ok


async def test_files_rows_and_things_go_back_together(workspace: Path, rest: Rest) -> None:
    import sqlite3

    filled(rest)
    before = rest.state()
    with sqlite3.connect(workspace.parent / "app.db") as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    url = f"sqlite:///{workspace.parent}/app.db"
    rules = policy(rest)
    async with Runtime.open(workspace, policy=rules, sandbox=BOX, databases={"app": url}) as rt:
        await rt.act("write", path="new.txt", content="new\n")
        await rt.act("sql", database="app", statement="INSERT INTO t VALUES (1)")
        await rt.act("http", method="PATCH", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        rest.edit("1", name="theirs")
        with pytest.raises(Conflict) as conflict:
            await rt.revert(1, 2, 3)
        (found,) = conflict.value.conflicts
        assert found.path == f"{rest.url}/things/1" and found.operations == (3,) and "theirs" in found.theirs
        assert db.execute("SELECT count(*) FROM t").fetchone() == (1,) and rt.view.marks == (2, 3)
        rest.edit("1", name="uno")
        reverted = await rt.revert(1, 2, 3)
        assert rest.state() == before and db.execute("SELECT count(*) FROM t").fetchone() == (0,)
        assert {effect.kind for effect in reverted.effects} == {"file", "rows", "request"}
        await rt.undo()
        assert rest.things["1"]["name"] == "uno" and db.execute("SELECT count(*) FROM t").fetchone() == (1,)
        await rt.restore(0)
        assert rest.state() == before and db.execute("SELECT count(*) FROM t").fetchone() == (0,)
    db.close()


async def test_an_old_patch_alone_is_taken_back(workspace: Path, rest: Rest) -> None:
    """Whoever changed other members since: they stay."""
    filled(rest)
    async with opened(workspace, rest) as rt:
        for body in ({"name": "uno"}, {"note": "new"}):
            await rt.act("http", method="PATCH", url=f"{rest.url}/things/1", body=json.dumps(body))
        rest.edit("1", theirs=1)
        await rt.revert(1)
        assert rest.state()["1"] == {
            "id": 1,
            "name": "one",
            "note": "new",
            "deep": {"a": 1},
            "empty": None,
            "theirs": 1,
        }
        with pytest.raises(Conflict):
            await rt.revert(2) if rest.edit("1", note="theirs") is None else None


async def test_what_somebody_changed_is_a_conflict_and_nothing_is_sent(workspace: Path, rest: Rest) -> None:
    filled(rest)
    async with opened(workspace, rest) as rt:
        await rt.act("http", method="PUT", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        made = await rt.act("http", method="POST", url=f"{rest.url}/things", body='{"name": "two"}')
        assert "location: /things/2" in said(made)
        rest.edit("2", theirs=True)
        asked = len(rest.unsafe)
        assert (await rt.preview("undo")).conflicts[0].theirs.endswith('"theirs": true} (changed: /theirs, /updated)')
        with pytest.raises(Conflict):
            await rt.undo(2)
        del rest.things["2"]
        with pytest.raises(Conflict):
            await rt.undo()
        assert len(rest.unsafe) == asked and rt.view.marks == (1, 2)


async def test_who_changes_it_in_between_is_not_written_over(workspace: Path, rest: Rest) -> None:
    """After it was looked at, before the inverse comes: the server says no, where it knows ETags."""
    if not rest.etags:
        return
    filled(rest)
    async with opened(workspace, rest) as rt:
        await rt.act("http", method="PUT", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        real = rest._do

        def edited(seen: Any) -> Any:
            if seen.method == "PUT":
                rest.things["1"] = rest._stamped({**rest.things["1"], "name": "theirs"})
            return real(seen)

        rest._do = edited
        with pytest.raises(ResourceError, match="412"):
            await rt.undo()
        assert rest.things["1"]["name"] == "theirs" and rt.view.marks == (1,)
        assert rt.show(2).status == "failed" and "412" in rt.show(2).note


async def test_an_undo_that_did_not_do_it_is_not_said_to_have(workspace: Path, rest: Rest) -> None:
    filled(rest)
    async with opened(workspace, rest) as rt:
        await rt.act("write", path="new.txt", content="new\n")
        await rt.act("http", method="PUT", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        rest.wrong["PUT"] = Wrong(ignore=True)
        with pytest.raises(
            ResourceError, match=r"it is not as it was: .*/things/1 differs in /deep, /empty, /name, /note"
        ):
            await rt.undo(2)
        assert rt.view.marks == (2,) and rt.view.snapshot == rt.show(1).after.snapshot
        rest.wrong["PUT"] = Wrong(refuse=500)
        with pytest.raises(ResourceError, match="answered with 500"):
            await rt.undo()
        assert rest.things["1"]["name"] == "uno"


async def test_of_several_taken_back_none_or_all(workspace: Path, rest: Rest) -> None:
    """The second fails: the first is done again."""
    filled(rest)
    async with opened(workspace, rest) as rt:
        await rt.act("http", method="PATCH", url=f"{rest.url}/things/1", body='{"name": "uno"}')
        await rt.act("http", method="PUT", url=f"{rest.url}/texts/old", body="other")
        before = (rest.state(), dict(rest.texts))
        rest.wrong["PATCH"] = Wrong(refuse=503)
        with pytest.raises(ResourceError):
            await rt.undo(2)
        assert (rest.state(), rest.texts) == before and rt.view.marks == (1, 2)
        assert [one for one in sent(rt.show(3)) if one[0] != "GET"] == [
            ("PUT", 204, "compensable"),
            ("PATCH", 503, "unknown"),
            ("PUT", 204, "compensable"),
        ]
        await rt.undo(2)
        assert rest.state()["1"]["name"] == "one" and rest.texts["old"] == ("text/plain", b"as it was\xff")


async def test_what_was_reverted_is_not_reverted_once_more(workspace: Path, rest: Rest) -> None:
    """Or undo of the second would put it there."""
    rest.add(name="one")
    async with opened(workspace, rest) as rt:
        await rt.act("http", method="PATCH", url=f"{rest.url}/things/1", body='{"colour": "red"}')
        await rt.revert(1)
        for move in (rt.revert, rt.reject, rt.preview_revert):
            with pytest.raises(UsageError, match="operation 1 was taken out already, by 2") as caught:
                await move(1)
            assert caught.value.hint == "agentrt revert 2 puts it back"
        assert rest.state()["1"].get("colour") is None
        await rt.revert(2)
        assert rest.state()["1"]["colour"] == "red"
        await rt.revert(1)
        assert rest.state()["1"].get("colour") is None


async def test_whether_null_is_set_again_is_not_known(workspace: Path, rest: Rest) -> None:
    """This server takes null for remove: that is said before, and seen after."""
    rest.add(name="one", note=None)
    async with opened(workspace, rest) as rt:
        done = await rt.act("http", method="PATCH", url=f"{rest.url}/things/1", body='{"note": "new"}')
        assert "whether that sets note to null again, or removes it, is the server's to say" in said(done)
        assert {what for method, _, what in sent(done) if method == "PATCH"} == {"unknown"}
        with pytest.raises(ResourceError, match="it is not as it was"):
            await rt.undo()
