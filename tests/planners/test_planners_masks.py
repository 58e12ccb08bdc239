"""The model is sent tokens, its actions have the real values, and nothing is restored that was not hidden."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt import Runtime
from agentrt.agent import conversation
from agentrt.agent.conclusion import Budget, RunLimits
from agentrt.agent.conversation import AGENT
from agentrt.agent.crew import Crew, Member
from agentrt.agent.loop import run_loop
from agentrt.agent.parser import Parser
from agentrt.contracts import OnProgress, Planner, unheard
from agentrt.errors import PlannerError, UsageError
from agentrt.planners import masks
from agentrt.planners.masks import Masked, Masks
from agentrt.records import Message, ProposedAction, ToolSpec, Turn
from agentrt.testing.memory_sandbox import open_sandbox


@dataclass(frozen=True)
class Redact:
    name: str
    pattern: str


EMAIL = Redact("email", r"[\w.]+@[\w.]+\w")
PHONE = Redact("phone", r"\+?\d[\d ]{5,}\d")
BOTH = (EMAIL, PHONE)


def alone(runtime: Runtime, planner: Planner) -> Crew:
    return Crew([Member(AGENT, planner, Parser(runtime.tools))])


def task(*texts: str) -> list[Message]:
    return [Message(id=number, role="notice", body={"text": text}) for number, text in enumerate(texts)]


def texts(messages: Sequence[Message]) -> list[str]:
    return [message.body["text"] for message in messages]


def turn(text: str = "", **arguments: Any) -> Turn:
    return Turn(text=text, actions=(ProposedAction(call="1", kind="bash", arguments=arguments),))


def test_the_same_value_has_the_same_token_counted_by_first_appearance() -> None:
    hidden = Masks(BOTH).hide(task("b@x.org and a@x.org", "a@x.org, 030 1234567", "c@x.org b@x.org"))
    assert texts(hidden) == ["<email_1> and <email_2>", "<email_2>, <phone_1>", "<email_3> <email_1>"]


def test_a_longer_conversation_has_the_same_tokens_and_a_shorter_one_too() -> None:
    whole, used = task("b@x.org", "a@x.org", "c@x.org"), Masks(BOTH)
    for length in (1, 3, 2):
        assert used.hide(whole[:length]) == Masks(BOTH).hide(whole)[:length]


def test_every_text_of_a_body_is_hidden_and_names_stay() -> None:
    said = Turn(
        text="for a@x.org",
        actions=(
            ProposedAction(
                call="030 1234567",
                kind="k@x.org",
                arguments={"kind": "a@x.org", "a@x.org": [{"call": "b@x.org"}, 3, None]},
            ),
        ),
    )
    observed = conversation.observation("030 1234567", "exit code 0\nb@x.org", 7)
    before = [
        Message(id=1, role="planner", body=said.to_dict()),
        Message(id=2, role="observation", body=observed, operation=7),
    ]
    planner, observation = Masks(BOTH).hide(before)
    (action,) = Turn.from_dict(planner.body).actions
    assert planner.body["text"] == "for <email_1>"
    assert (action.call, action.kind) == ("030 1234567", "k@x.org")
    assert action.arguments == {"kind": "<email_1>", "a@x.org": [{"call": "<email_2>"}, 3, None]}
    assert observation.body == {"call": "030 1234567", "text": "exit code 0\n<email_2>", "operation": 7}
    assert before[0].body == said.to_dict() and conversation.last_turn(before) == said


def test_what_the_model_says_has_the_real_values() -> None:
    used = Masks(BOTH)
    used.hide(task("a@x.org 030 1234567"))
    said = turn("write to <email_1>", command="mail <email_1> <email_2>", more=[{"to": ["<phone_1>"]}, 1], flag=True)
    assert used.restore(said) == turn(
        "write to a@x.org", command="mail a@x.org <email_2>", more=[{"to": ["030 1234567"]}, 1], flag=True
    )


def test_what_looks_like_a_token_is_not_taken_for_one() -> None:
    used = Masks(BOTH)
    (hidden,) = used.hide(task("<email_1> is no address, a@x.org is, <text_1> neither, <email_0002> <other_1>"))
    assert hidden.body["text"] == "<text_1> is no address, <email_1> is, <text_2> neither, <text_3> <other_1>"
    assert used.restore(turn(hidden.body["text"])).text.startswith("<email_1> is no address, a@x.org is, <text_1>")
    used.hide(task("nothing"))
    assert used.restore(turn("<email_1>")).text == "<email_1>"


def test_the_leftmost_and_longest_names_it_and_no_part_of_a_match_is_left() -> None:
    short, long, late = Redact("short", "abc"), Redact("long", "abcdef"), Redact("late", "efgh")
    assert texts(Masks([short, long]).hide(task("xabcdefx abcx"))) == ["x<long_1>x <short_1>x"]
    assert texts(Masks([late, long]).hide(task("xabcdefghx efgh"))) == ["x<long_1>x <late_1>"]
    same = Redact("first", "a.c"), Redact("second", "ab.")
    assert texts(Masks(same).hide(task("abc"))) == ["<first_1>"]
    assert texts(Masks([Redact("empty", "z*")]).hide(task("abz"))) == ["ab<empty_1>"]


pieces = st.sampled_from(
    [
        "a@x.org",
        "b@y.de",
        "030 1234567",
        "<email_1>",
        "<email_2>",
        "<text_1>",
        "<phone_1>",
        "<email_",
        "1>",
        "<",
        ">",
        "_1",
        " ",
        "\udcff",
    ]
)
words = st.lists(st.one_of(pieces, st.text(max_size=4)), max_size=8).map("".join)


@given(st.lists(words, min_size=1, max_size=5))
def test_what_is_hidden_and_restored_is_what_it_was(said: list[str]) -> None:
    used = Masks([*BOTH, Redact("mark", "[<1]")])
    hidden = texts(used.hide(task(*said)))
    assert [used.restore(turn(text, nested=[text])) for text in hidden] == [turn(text, nested=[text]) for text in said]
    assert not any(value in text for text in texts(Masks(BOTH).hide(task(*said))) for value in ("a@x.org", "b@y.de"))


def test_a_pattern_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(PlannerError, match=r"slow took longer .* nothing was sent") as error:
        Masks([Redact("slow", "(a|aa)+(b|c)?$")]).hide(task("a" * 60 + "!"))
    assert error.value.hint and time.monotonic() - began < 10


@pytest.mark.parametrize("wrong", [[Redact("x", "(")], [Redact("A b", "x")], [Redact("text", "x")], [EMAIL, EMAIL]])
def test_wrong_redactions_are_refused(wrong: list[Redact]) -> None:
    with pytest.raises(UsageError) as error:
        Masks(wrong)
    assert error.value.hint


class Recording:
    """Says what it is told to, in terms of what it was sent, and keeps that."""

    name = "recording"

    def __init__(self, *answers: Callable[[Sequence[Message]], Turn]) -> None:
        self.answers = list(answers)
        self.sent: list[list[dict[str, Any]]] = []

    async def plan(
        self, conversation: Sequence[Message], tools: Sequence[ToolSpec], on_progress: OnProgress = unheard
    ) -> Turn:
        self.sent.append([message.body for message in conversation])
        return self.answers.pop(0)(conversation)


def test_through_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / "people").write_text("ann@x.org\nbob@x.org\n")
    planner = Recording(
        lambda said: turn("read", command="cat people"),
        lambda said: turn(command=f"grep -n {said[-1].body['text'].split()[-1]} people > found"),
        lambda said: Turn(),
    )

    async def whole() -> tuple[list[Message], str]:
        async with Runtime.open(workspace, sandbox=open_sandbox) as runtime:
            runtime.say("task", {"text": "which line is bob@x.org on?"})
            await run_loop(runtime, alone(runtime, Masked(planner, [EMAIL])), Budget(RunLimits()))
            operation = await runtime.act("bash", command="cat found")
            assert operation.observation is not None
            return runtime.conversation(), str(operation.observation.output)

    messages, found = asyncio.run(whole())
    assert found == "2:bob@x.org\n"
    assert "x.org" not in str(planner.sent)
    assert planner.sent[0] == [{"text": "which line is <email_1> on?"}]
    assert "<email_2>\n<email_1>" in planner.sent[1][-1]["text"]
    # The journal has what really was said and done.
    assert "ann@x.org\nbob@x.org" in str([message.body for message in messages]).replace("\\n", "\n")
    assert "grep -n bob@x.org people" in str([message.body for message in messages])
