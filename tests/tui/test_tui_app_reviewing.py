"""Saying yes and no: what the keys for it leave in the journal and on disk."""

from __future__ import annotations

from pathlib import Path

from app_ground import SUBMIT, Driven, bash, drive, presses, script

from agentrt.tui.choice import Option
from agentrt.tui.lists.panes import Timeline
from agentrt.tui.lists.rows import Key
from agentrt.tui.prompt import Prompt

LONG = "".join(f"line {number}\n" for number in range(1, 61))
EDIT = bash("sed -i -e '2s/.*/second/' -e '58s/.*/last but two/' long.txt; touch new.txt", "I edit it.")


def reviews(driven: Driven) -> list[str | None]:
    return [operation.review for operation in driven.log if operation.kind == "act"]


@presses("accept", "up")
def test_accept_an_operation(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), bash("echo 2 > two.txt"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(2)
        await d.select(2)
        await d.act("up")
        await d.act("accept")
        await d.until(lambda: reviews(d) == ["accepted", "pending"])
        assert d.focus == "timeline"
        await d.sees("✓ accepted")
        await d.act("accept")
        await d.said("operation 1 accepted")
        assert not (workspace / "one.txt").exists()

    drive(workspace, work)


@presses("accept", "next")
def test_the_inbox_empties_and_keeps_the_focus(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), bash("rm b.txt"), bash("echo 3 > a.txt"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.act("next") if d.focus != "prompt" else await d.press("escape", "n")
        await d.said("nothing waits for you")
        await d.type("do it")
        await d.idle(3)
        d.app.query_one("#timeline").focus()
        await d.act("next")
        assert d.app.current == Key("operation", 2)  # it deletes
        for left, then in ((2, 1), (1, 3), (0, None)):
            await d.act("accept")
            await d.until(lambda left=left: len(d.app.book.to_review) == left)
            assert d.focus == "inbox"
            if then:
                await d.until(lambda then=then: d.app.current == Key("operation", then))
        assert reviews(d) == ["accepted"] * 3
        await d.act("next")
        assert len([note for note in d.notes if note == "nothing waits for you"]) >= 1

    drive(workspace, work)


@presses("next")
def test_next_goes_round(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), bash("rm b.txt"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(2)
        await d.press("escape")
        seen = []
        for _ in range(3):
            await d.act("next")
            seen.append(d.app.current.of)
        assert seen == [2, 1, 2]

    drive(workspace, work)


@presses("accept", "reject", "next_hunk", "open")
def test_hunks_in_the_diff(workspace: Path, config: Path) -> None:
    (workspace / "long.txt").write_text(LONG)
    script(config, EDIT, SUBMIT, bash("true"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(1)
        await d.read_diff(1)
        assert d.focus == "diff"
        await d.act("next_hunk")
        await d.act("accept")
        await d.said("hunk 1 of long.txt accepted")
        await d.sees("✓ accepted  @@ -1,5 +1,5 @@  hunk 1 of 2")
        await d.act("next_hunk")
        await d.act("reject")
        assert d.focus == "prompt"
        await d.press(*"keep it", "enter")
        await d.until(lambda: d.kinds == ["act", "accept", "reject"])
        assert d.focus == "diff"
        said = [operation.action["parts"] for operation in d.log[1:] if operation.action]
        assert said == [{"long.txt": [1]}, {"long.txt": [2]}]
        await d.sees("✗ rejected  @@ -55,6 +55,6 @@  hunk 2 of 2")
        text = await d.file("long.txt")
        assert "second" in text and "last but two" not in text and "line 58" in text
        assert "keep it" in d.heard
        assert (workspace / "long.txt").read_text() == LONG

    drive(workspace, work)


@presses("accept", "reject", "next_file", "previous_file")
def test_files_in_the_diff(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt; echo 2 > two.txt; echo more >> a.txt"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(1)
        await d.read_diff(1)
        assert d.app.selected.path == "a.txt"
        await d.act("next_file")
        assert d.app.selected.path == "one.txt"
        await d.act("reject")
        await d.press("enter")
        await d.said("one.txt rejected")
        await d.act("next_file")
        assert d.app.selected.path == "two.txt"
        await d.act("previous_file")
        await d.act("next_file")
        await d.act("accept")
        await d.said("two.txt accepted")
        found = {effect.path: effect.change for operation in d.log for effect in operation.files if operation.id > 1}
        assert found == {"one.txt": "deleted"}
        assert await d.file("two.txt") == "2\n"

    drive(workspace, work)


@presses("reject")
def test_reject_tells_the_agent_why(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), SUBMIT, bash("true"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(1)
        await d.select(1)
        await d.act("reject")
        await d.sees("why?", "operation 1 is rejected")
        await d.press(*"no", "escape")
        assert d.focus == "timeline"
        await d.act("reject")
        await d.press(*"two, not one", "enter")
        await d.until(lambda: reviews(d) == ["rejected"])
        assert d.focus == "timeline"
        assert d.kinds == ["act", "reject"] and "two, not one" in d.heard
        await d.select(1)
        await d.act("reject")
        await d.said("operation 1 is rejected already")

    drive(workspace, work)


@presses("accept")
def test_what_waits_for_the_agents_action_says_so(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), bash("sleep 1.5"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.until(lambda: bool(d.app.state.running and "sleep" in d.app.state.running.shown))
        await d.select(1)
        await d.act("accept")
        await d.said("accept waits until what runs is done", "operation 1 accepted")
        assert reviews(d)[0] == "accepted"

    drive(workspace, work)


@presses("revert", "interrupt")
def test_what_waits_can_be_called_off(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), bash("until [ -e go ]; do sleep 0.1; done"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.until(lambda: bool(d.app.state.running and "until" in d.app.state.running.shown))
        await d.select(1)
        await d.act("revert")
        await d.said("revert waits until what runs is done")
        await d.sees("revert waits (esc)")
        await d.act("interrupt")
        await d.until(lambda: not d.app.waiting)
        assert d.app.state.phase == "acting", "the agent goes on"
        await d.act("interrupt")
        await d.until(lambda: d.app.state.phase == "idle")
        assert d.kinds == ["act", "act"]
        assert await d.file("one.txt") == "1\n"

    drive(workspace, work)


@presses("apply")
def test_a_question_that_comes_late_takes_no_key_of_who_types(workspace: Path, config: Path) -> None:
    async def work(d: Driven) -> None:
        await d.type("!echo x > new.txt; rm a.txt")
        await d.idle(1)
        await d.type("!sleep 2")
        await d.until(lambda: bool(d.app.state.running and "sleep" in d.app.state.running.shown))
        await d.select(1)
        await d.act("apply")
        await d.said("apply waits until what runs is done")
        d.app.query_one(Prompt).focus()
        await d.press("s", "o")
        await d.said("press its key once more")
        await d.press("space", "w", "e")
        assert d.focus == "prompt" and d.app.query_one(Prompt).text == "so we"
        assert (workspace / "a.txt").exists() and d.kinds == ["act", "act"]

    drive(workspace, work)


def test_a_key_that_was_just_being_pressed_is_no_answer_to_what_comes_late(workspace: Path) -> None:
    async def work(d: Driven) -> None:
        d.choice.ask("Shall I?", [Option("w", "do it")], late=True)
        await d.pilot.press("w")
        assert d.choice.shown
        await d.press("w")
        assert not d.choice.shown

    drive(workspace, work)


@presses("apply")
def test_nothing_is_written_that_was_not_shown(workspace: Path, config: Path) -> None:
    async def work(d: Driven) -> None:
        await d.type("!echo x > new.txt")
        await d.idle(1)
        await d.select(1)
        await d.act("apply")
        await d.sees("w write it")
        await d.app.ask("act", kind="bash", arguments={"command": "rm a.txt"})
        await d.press("w")
        await d.said("files were changed since that was looked at")
        assert not (workspace / "new.txt").exists() and (workspace / "a.txt").exists()

    drive(workspace, work)


@presses("reject")
def test_what_later_work_stands_on_is_not_rejected_silently(workspace: Path, config: Path) -> None:
    script(config, bash("echo 1 > one.txt"), bash("echo 2 >> one.txt"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(2)
        await d.select(1)
        await d.act("reject")
        await d.press("b", "a", "d", "enter")
        await d.sees("later changes stand on what operation 1 did")
        assert reviews(d) == ["pending", "pending"] and d.kinds == ["act", "act"]
        assert await d.file("one.txt") == "1\n2\n"
        await d.press("w")
        await d.until(lambda: reviews(d) == ["rejected", "rejected"])
        assert d.kinds == ["act", "act", "revert"] and d.log[-1].action == {"kind": "revert", "because": "bad"}

    drive(workspace, work)


@presses("apply")
def test_apply_asks_and_writes(workspace: Path, config: Path) -> None:
    script(config, bash("echo more >> a.txt; rm b.txt; mkdir d; echo 1 > d/one.txt"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(1)
        await d.select(1)
        await d.act("apply")
        await d.sees("Write to your real workspace", "deleted", "b.txt", "w write it")
        await d.press("escape")
        assert not d.choice.shown and d.focus == "timeline" and d.kinds == ["act"]
        assert (workspace / "b.txt").exists()
        await d.act("apply")
        await d.until(lambda: d.choice.shown)
        await d.press("w")
        await d.until(lambda: d.kinds == ["act", "apply"])
        assert (workspace / "a.txt").read_text().endswith("more\n") and not (workspace / "b.txt").exists()
        assert (workspace / "d/one.txt").read_text() == "1\n"
        await d.until(lambda: "to apply" not in d.screen)
        await d.act("apply")
        await d.said("nothing to apply")

    drive(workspace, work)


@presses("apply")
def test_a_conflict_is_told_and_what_is_none_can_be_applied(workspace: Path, config: Path) -> None:
    script(config, bash("echo theirs > b.txt; echo 1 > one.txt"), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(1)
        await d.press("escape")
        (workspace / "b.txt").write_text("mine\n")
        await d.act("apply")
        await d.sees("cannot be applied", "b.txt", "w write the other 1 path")
        assert (workspace / "b.txt").read_text() == "mine\n" and not (workspace / "one.txt").exists()
        assert d.kinds == ["act"]
        await d.press("w")
        await d.until(lambda: d.kinds == ["act", "apply"])
        assert (workspace / "b.txt").read_text() == "mine\n" and (workspace / "one.txt").read_text() == "1\n"

    drive(workspace, work)


@presses("accept_alike")
def test_accept_all_like_this_shows_the_rule_first(workspace: Path, config: Path) -> None:
    script(config, bash("touch one.txt"), bash("touch one.txt"), SUBMIT, bash("touch one.txt"), SUBMIT)
    policy = config / "agentrt/policy.yaml"

    async def work(d: Driven) -> None:
        await d.press("escape")
        await d.act("accept_alike")
        await d.said("select an operation or a question first")
        await d.type("do it")
        await d.idle(2)
        await d.select(1)
        await d.act("accept_alike")
        await d.sees("This is written to", "run: [touch **]", "w write it")
        await d.press("escape")
        assert not policy.exists() and d.focus == "timeline"
        await d.act("accept_alike")
        await d.until(lambda: d.choice.shown)
        await d.press("w")
        await d.until(policy.exists)
        assert "run: [touch **]" in policy.read_text()
        await d.until(lambda: reviews(d)[0] == "accepted")

    drive(workspace, work)


@presses("next", "focus_next", "focus_previous", "accept")
def test_tab_from_the_inbox_leads_to_the_diff_that_is_shown(workspace: Path, config: Path) -> None:
    script(config, *(bash(f"echo {n} > {n}.txt") for n in range(3)), SUBMIT)

    async def work(d: Driven) -> None:
        await d.type("do it")
        await d.idle(3)
        await d.press("escape")
        timeline = d.app.query_one(Timeline)
        await d.act("next")
        await d.press("down")
        assert d.focus == "inbox" and d.app.current == Key("operation", 2) == timeline.key
        for focus in ("timeline", "detail", "diff"):
            await d.act("focus_next")
            assert d.focus == focus and d.app.current == Key("operation", 2)
        await d.act("accept")
        await d.until(lambda: reviews(d) == ["pending", "accepted", "pending"] and len(d.app.book.to_review) == 2)
        assert d.focus == "diff" and d.app.current == Key("operation", 2)
        timeline.focus()
        await d.press("down")
        await d.act("focus_previous")  # the inbox has it, too
        assert d.focus == "inbox" and d.app.current == Key("operation", 3) == timeline.key

    drive(workspace, work)
