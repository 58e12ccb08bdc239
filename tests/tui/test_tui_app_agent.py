"""The agent at work: what interrupts it and what does not, what it asks, and two who look at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from app_ground import SUBMIT, Driven, bash, drive, presses, script

from agentrt.tui.lists.rows import Key
from agentrt.tui.prompt import Prompt

SLOW = bash("touch begun; sleep 100")
ASKS = {"decide": [{"verdict": "ask", "actions": ["bash"], "because": "look first"}]}
PANES = ("inbox", "timeline", "detail", "diff", "live")


def task(folder: Path, *turns: dict[str, Any], policy: Any = "default", **more: Any) -> Path:
    """A task file beside the workspace, which is named ``work``."""
    (folder / "script.yaml").write_text(json.dumps({"turns": turns}))
    file = folder / "task.yaml"
    given = {"objective": "as you are told", "planner": {"script": "script.yaml"}, "policy": policy}
    file.write_text(json.dumps({**given, "workspace": "work", **more}))
    return file


async def running(driven: Driven, text: str) -> None:
    await driven.until(lambda: bool(driven.app.state.running and text in driven.app.state.running.shown), text)


async def question(driven: Driven) -> Key:
    await driven.until(lambda: bool(driven.app.state.questions), "a question")
    key = Key("question", driven.app.state.questions[0].id)
    assert key in [item.key for item in driven.inbox.rows]
    return key


@pytest.mark.parametrize("pane", PANES)
@presses("interrupt")
def test_escape_interrupts_from_everywhere(workspace: Path, config: Path, pane: str) -> None:
    script(config, bash("echo 1 > one.txt"), SLOW, SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await running(d, "sleep")
        if pane in ("detail", "diff"):
            await d.read_diff(1)
        d.app.query_one(f"#{pane}").focus()
        await d.pilot.pause()
        assert d.focus == pane
        await d.act("interrupt")
        await d.idle(2)
        assert d.app.state.ending is not None and d.app.state.ending.code == "interrupted"
        assert d.log[1].status == "failed" and d.focus == pane
        await d.said("interrupted")

    drive(workspace, work)


@presses("interrupt")
def test_escape_while_typing_leaves_the_prompt_and_an_empty_line_goes_on(workspace: Path, config: Path) -> None:
    script(config, SLOW, SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await running(d, "sleep")
        await d.press("x", "escape")
        assert d.app.state.phase == "acting" and d.focus == "timeline"
        assert d.app.query_one(Prompt).text == "x"
        await d.act("interrupt")
        await d.idle(1)
        await d.act("interrupt")
        await d.said("nothing goes on")
        d.app.query_one(Prompt).clear()
        await d.type("")
        await running(d, "sleep")  # what was interrupted is done again
        assert d.app.current == Key("now") and d.focus == "prompt"

    drive(workspace, work)


@presses("quit")
def test_quit_while_the_agent_works_loses_nothing(workspace: Path, config: Path) -> None:
    script(config, bash("while [ ! -e go ]; do sleep 0.05; done; echo 1 > one.txt"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await running(d, "while")
        async with d.beside() as other:
            await running(other, "while")
            await d.press("escape")
            await d.act("quit")
            await d.until(lambda: not d.app.is_running)
            async with d.client() as client:
                assert (await client.ask("state"))["phase"] == "acting"
            assert other.app.state.phase == "acting"
            await other.press("escape")
            await other.act("interrupt")
            await other.idle(1)
        assert d.app.return_code == 0

    drive(workspace, work)


@presses("quit")
def test_quit_while_nothing_goes_on(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await d.press("escape")
        await d.act("quit")
        await d.until(lambda: not d.app.is_running)
        assert d.app.return_code == 0

    drive(workspace, work)


@presses("accept", "reject")
def test_a_question_in_the_inbox_and_inline(workspace: Path, tmp_path: Path) -> None:
    file = task(tmp_path, bash("echo 1 > one.txt"), bash("echo 2 > two.txt"), SUBMIT, policy=ASKS)

    async def work(d: Driven) -> None:
        await d.type("do it")
        key = await question(d)
        assert d.focus == "prompt"  # it takes nothing away
        await d.sees("asks", "look first")
        await d.press("escape", "n")
        assert d.app.current == key and d.focus == "inbox"
        await d.act("accept")
        await d.until(lambda: bool(d.app.state.questions) and d.app.state.questions[0].id != key.of)
        key = await question(d)
        d.app.query_one("#timeline").focus()
        await d.act("last")
        assert d.app.current == Key("now")  # inline, and answered there
        await d.act("reject")
        await d.press(*"three, please", "enter")
        await d.idle(2)
        assert [operation.status for operation in d.log] == ["settled", "denied"]
        assert "three, please" in d.heard and d.focus == "timeline"

    drive(workspace, work, task=file)


@presses("accept_alike")
def test_a_question_becomes_a_rule(workspace: Path, tmp_path: Path, config: Path) -> None:
    file = task(tmp_path, bash("git push origin main"), bash("git push origin main"), SUBMIT, policy="strict")

    async def work(d: Driven) -> None:
        await d.type("do it")
        await question(d)
        await d.press("escape", "n")
        await d.act("accept_alike")
        await d.sees("This is written to", "+  - run: git push origin main", "w write it")
        await d.press("escape")
        assert not (config / "agentrt/policy.yaml").exists()
        await d.act("accept_alike")
        await d.until(lambda: d.choice.shown)
        await d.press("w")
        await d.idle(2)  # the second one is not asked about
        assert "git push" in (config / "agentrt/policy.yaml").read_text()

    drive(workspace, work, task=file)


@presses("open", "reject")
def test_an_agents_own_question_is_answered_in_words(workspace: Path, config: Path) -> None:
    asks = {"actions": [{"ask": {"question": "which one?"}}]}
    script(config, asks, asks, SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        first = await question(d)
        await d.press("escape", "n", "a")
        await d.said("it wants words")
        await d.act("open")
        await d.sees("your answer to the agent")
        await d.press(*"the red one", "enter")
        await d.until(lambda: bool(d.app.state.questions) and d.app.state.questions[0].id != first.of)
        assert d.focus == "inbox"
        await d.act("reject")
        await d.idle(0)
        assert "the red one" in d.heard and "Nobody is here to answer" in d.heard

    drive(workspace, work)


@presses("accept")
def test_two_apps_see_each_others_decisions(workspace: Path, tmp_path: Path) -> None:
    file = task(tmp_path, bash("echo 1 > one.txt"), SUBMIT, policy=ASKS)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await question(d)
        async with d.beside() as other:
            key = await question(other)
            await other.press("escape", "n")
            await other.act("accept")
            await d.idle(1)
            assert key not in [item.key for item in d.inbox.rows]
            await d.press("escape")
            await d.select(1)
            await d.act("accept")
            await other.until(lambda: [entry.review for entry in other.app.book.entries[:1]] == ["accepted"])
            await other.until(lambda: not other.inbox.rows)
            await other.press("u")
            await other.until(lambda: other.choice.shown)
            await other.press("f")
            await d.until(lambda: "↶ undone" in d.screen)

    drive(workspace, work, task=file)


def test_what_is_typed_while_an_agent_asks_is_the_answer(workspace: Path, tmp_path: Path) -> None:
    ask = {"actions": [{"ask": {"question": "A or B?"}}]}

    async def work(d: Driven) -> None:
        await d.type("do it")
        await question(d)
        await d.sees("your answer to the agent")
        await d.type("B, please")
        await d.until(lambda: d.app.state.ending is not None, "its end")
        assert "A person says: B, please" in d.heard
        await d.sees("a task for the agent")

    drive(workspace, work, task=task(tmp_path, ask, SUBMIT))


def test_words_begun_before_a_question_came_are_not_its_answer(workspace: Path, tmp_path: Path) -> None:
    ask = {"actions": [{"ask": {"question": "A or B?"}}]}

    async def asked_while_typing(d: Driven, typed: str) -> None:
        """What the agent does is asked about; then, while one types, it asks itself."""
        action = await question(d)
        await d.press(*typed)
        await d.app.ask("answer", question=action.of, allow=True)
        await d.until(lambda: any(asked.kind == "inquire" for asked in d.app.state.questions), "its question")
        await d.sees("words for the agent, not the answer")

    async def work(d: Driven) -> None:
        await d.type("do it")
        await asked_while_typing(d, "mind the g")
        await d.press(*"ap", "enter")
        await d.until(lambda: d.app.state.queued == ("mind the gap",), "words that wait")
        await d.sees("your answer to the agent")
        await d.press("A", "enter")
        await asked_while_typing(d, "no")
        await d.press("backspace", "backspace")
        await d.sees("your answer to the agent")
        await d.press("B", "enter")
        await d.until(lambda: d.app.state.ending is not None, "its end")
        answers = [line for line in d.heard.split("\n") if "A person says" in line]
        assert ["says: A" in answers[0], "says: B" in answers[1], len(answers)] == [True, True, 2]
        assert '"asked": "mind the gap"' in d.heard

    file = task(tmp_path, bash("true"), ask, bash("false"), ask, SUBMIT, policy=ASKS)
    drive(workspace, work, task=file)


def test_an_empty_line_goes_on_with_what_a_host_that_is_gone_left(workspace: Path, tmp_path: Path) -> None:
    async def begin(d: Driven) -> None:
        await d.type("do it")
        await running(d, "sleep")

    async def go_on(d: Driven) -> None:
        await d.sees("stopped: interrupted", "enter on an empty line goes on")
        d.app.query_one(Prompt).focus()
        await d.press("enter")
        await d.sees("hands the work in", "all done")

    drive(workspace, begin, task=task(tmp_path, SLOW, SUBMIT))
    drive(workspace, go_on, task=task(tmp_path, SUBMIT))


def test_an_empty_line_goes_on_beyond_a_limit(workspace: Path, tmp_path: Path) -> None:
    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.sees("the limit of 1 actions is reached", "enter on an empty line goes on")
        await d.type("")
        await d.sees("go on", "hands the work in", "all done")
        assert [operation.action["command"] for operation in d.log if operation.action] == ["true", "echo 1 > one"]

    turns = (bash("true"), bash("echo 1 > one"), SUBMIT)
    drive(workspace, work, task=task(tmp_path, *turns, limits={"actions": 1}))


def test_where_nothing_was_done_it_says_what_can_be(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        await d.sees("Nothing was done here yet", "u takes it back", "there is nobody to plan")
        await d.type("!echo > new")
        await d.sees("1 to review")
        assert "Nothing was done here yet" not in d.screen

    drive(workspace, work)
