"""The screen of sessions: of this workspace, of all, and where enter leads."""

from __future__ import annotations

import json
from pathlib import Path

from app_ground import SUBMIT, Driven, bash, drive, presses, script
from textual.widgets import OptionList

from agentrt.history.sessions import SessionInfo
from agentrt.history.store import Store
from agentrt.showing.sessions import Listed
from agentrt.tui.lists.panes import Timeline
from agentrt.tui.lists.rows import NOW
from agentrt.tui.sessions import Place, rows


def highlighted(driven: Driven) -> str:
    options = driven.app.screen.query_one(OptionList)
    assert options.highlighted is not None
    return str(options.get_option_at_index(options.highlighted).prompt)


@presses("sessions", "fork")
def test_another_session_of_this_workspace(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await d.act("sessions") if d.focus != "prompt" else await d.press("escape", "S")
        await d.sees("no session yet")
        await d.press("escape")
        await d.type("!echo 1 > one.txt")
        await d.idle(1)
        first = d.app.book.session
        await d.press("escape")
        await d.act("fork")
        await d.until(lambda: d.app.book.session != first)
        await d.act("sessions")
        await d.sees("Sessions of this workspace")
        assert d.app.book.session and d.app.book.session in highlighted(d)
        while first not in highlighted(d):
            await d.press("up")
        await d.press("enter")
        await d.until(lambda: d.app.book.session == first)
        assert d.app.current == NOW and d.focus == "timeline"

    drive(workspace, work)


@presses("sessions")
def test_a_session_of_another_workspace_is_gone_to(workspace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()

    async def there(d: Driven) -> None:
        await d.type("!true")
        await d.idle(1)

    async def work(d: Driven) -> None:
        await d.press("escape")
        await d.act("sessions")
        await d.sees("Sessions of this workspace")
        assert str(other) not in d.screen
        await d.press("tab")
        await d.sees("Sessions of all workspaces", str(other)[-20:])
        await d.press("enter")
        await d.until(lambda: not d.app.is_running)
        assert d.app.return_code == 0 and d.app.going == Place(other, "s1")

    async def gone(d: Driven) -> None:
        await d.press("escape")
        await d.act("sessions")
        await d.press("tab")
        await d.sees("the folder is gone")
        await d.press("enter")
        await d.said("that folder is gone")
        assert d.app.is_running and d.app.going is None

    drive(other, there)
    drive(workspace, work, size=(140, 45))
    other.rename(tmp_path / "moved")
    drive(workspace, gone, size=(140, 45))


def test_a_workspace_that_cannot_be_looked_at_is_gone(tmp_path: Path) -> None:
    info = SessionInfo(id="s1", created=0.0)
    there = tmp_path / ("x" * 300)  # an error, as where one may not look; for root as well
    found = [(Store(there, tmp_path), [Listed(info, 0, 0, current=True, title="")])]
    assert "(the folder is gone)" in rows(tmp_path, found, everywhere=True)[2].text


@presses("new_session")
def test_a_new_session(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await d.type("!echo 1 > one.txt")
        await d.idle(1)
        await d.press("escape")
        await d.act("new_session")
        await d.until(lambda: d.app.book.session == "s2")
        assert d.log == [] and not (workspace / "one.txt").exists()
        await d.press("tab") if d.focus != "prompt" else None
        await d.type("!ls")
        await d.idle(1)
        output = d.log[0].observation
        assert output is not None and "one.txt" not in output.output

    drive(workspace, work)


@presses("sessions")
def test_the_agent_goes_on_behind_the_screen(workspace: Path, config: Path) -> None:
    script(config, bash("sleep 0.3; echo 1 > one.txt"), bash("echo 2 > two.txt"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.until(lambda: d.app.state.phase == "acting")
        await d.press("escape")
        await d.act("sessions")
        await d.idle(2)
        assert len(d.app.screen_stack) == 2
        await d.press("u", "a", "escape")
        assert d.kinds == ["act", "act"] and len(d.app.screen_stack) == 1

    drive(workspace, work)


@presses("sessions", "new_session", "quit")
def test_what_goes_on_in_another_session_is_said(workspace: Path, config: Path, tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text(json.dumps({"turns": [bash("make install"), SUBMIT]}))
    given = {"objective": "x", "workspace": "work", "planner": {"script": "script.yaml"}}
    policy = {"decide": [{"verdict": "ask", "actions": ["bash"]}]}
    (tmp_path / "task.yaml").write_text(json.dumps({**given, "policy": policy}))

    async def work(d: Driven) -> None:
        await d.type("!true")
        await d.idle(1)
        await d.press("escape")
        await d.act("new_session")
        await d.until(lambda: d.app.book.session == "s2")
        async with d.client() as client:
            await client.ask("task", session="s1", text="do it", file=str(tmp_path / "task.yaml"))
            await d.said("session s1 asks you (S)")
        await d.press("escape")
        await d.act("sessions")
        await d.until(lambda: "1 operation     asks you" in d.screen)
        assert "s2" in highlighted(d) and "asks you" not in highlighted(d)
        await d.press("up", "enter")
        await d.until(lambda: bool(d.app.state.questions))
        await d.act("quit")
        await d.until(lambda: not d.app.is_running)
        assert d.app._exit_renderables == ["the agent goes on; agentrt tui s1 attaches again"]

    drive(workspace, work)


@presses("sessions", "new_session")
def test_where_one_is_is_said(workspace: Path, config: Path) -> None:
    script(config, SUBMIT)

    async def work(d: Driven) -> None:
        task = "mend the tests of the parser, and then all that is said of it in the documentation"
        timeline = d.app.query_one(Timeline)
        await d.type(f"{task}\nmore of it")
        await d.until(lambda: str(timeline.border_subtitle) == f"s1 {task}")
        await d.idle(0)
        await d.sees(" s1 mend the tests ")
        await d.press("escape")
        await d.act("new_session")
        await d.until(lambda: str(timeline.border_subtitle) == "s2")
        await d.act("sessions")
        await d.sees("▸ * s2 ")
        rows = [line for line in d.screen.splitlines() if task[:20] in line]
        assert len(rows) == 1 and "   s1 " in rows[0] and "more of it" not in rows[0]
        await d.press("up", "enter")
        await d.until(lambda: d.app.book.session == "s1")
        await d.act("sessions")
        await d.sees("▸ * s1 ", "    s2 ")  # the open one, though the other is the workspace's current one

    drive(workspace, work, size=(140, 45))
