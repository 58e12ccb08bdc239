"""Several calls that belong together: in the order of what they need, all of them or none."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio
CUSTOMER = {"api": "stripe", "operation": "create_customer", "arguments": {"email": "a@example.com"}}


def message(text: str, channel: str = "C1") -> dict[str, Any]:
    return {"api": "slack", "operation": "post_message", "arguments": {"channel": channel, "text": text}}


def said(operation: Any) -> str:
    return f"{operation.observation.output}{operation.observation.error or ''}"


async def test_what_one_answers_is_what_another_says(opened: Any) -> None:
    runtime, stripe, slack = opened("stripe", "slack", empty=True)
    async with runtime as rt:
        done = await rt.act(
            "calls", calls={"tell": message("made {customer/id} for {customer/email}"), "customer": CUSTOMER}
        )
        assert done.status == "settled" and "customer: 200 [undo sends DELETE" in said(done)
        (told,) = slack.state.values()
        assert told["text"] == f"made {next(iter(stripe.state))} for a@example.com"
        assert done.resources == ("http",) and rt.view.marks == (1,)
        await rt.undo()
        assert slack.state == {} and next(iter(stripe.state.values()))["deleted"] is True


async def test_those_that_need_nothing_go_side_by_side(opened: Any) -> None:
    runtime, stripe = opened("stripe", empty=True)
    async with runtime as rt:
        await rt.act("calls", calls=dict.fromkeys(("a", "b", "c"), CUSTOMER))
        assert len(stripe.state) == 3
        await rt.undo()
        assert all(one["deleted"] for one in stripe.state.values())


async def test_if_one_fails_the_others_are_taken_back(opened: Any) -> None:
    runtime, stripe, slack = opened("stripe", "slack", empty=True)
    async with runtime as rt:
        calls = {"customer": CUSTOMER, "tell": message("{customer/id}", "C9"), "more": message("{tell/ts}")}
        done = await rt.act("calls", calls=calls)
        assert "tell failed: it was answered with 200: " in said(done) and "channel_not_found" in said(done)
        assert "what the others did was taken back" in said(done)
        assert slack.state == {} and next(iter(stripe.state.values()))["deleted"] is True
        assert rt.view.marks == () and slack.seen == ["POST /chat.postMessage"]


async def test_what_cannot_be_taken_back_is_said(opened: Any) -> None:
    runtime, stripe, slack = opened("stripe", "slack", empty=True)
    async with runtime as rt:
        real = stripe.answer
        stripe.answer = lambda method, *given: (503, {}) if method == "DELETE" else real(method, *given)
        done = await rt.act("calls", calls={"customer": CUSTOMER, "tell": message("{customer/id}", "C9")})
        assert "what the others did could not be taken back" in said(done) and done.review == "pending"
        assert len(stripe.state) == 1 and slack.state == {}


@pytest.mark.parametrize(
    ("calls", "what"),
    [
        ({"a": message("{b/ts}")}, "a refers to b, which is no call (there is: a)"),
        ({"a": message("{b/ts}"), "b": message("{a/ts}")}, "each of these waits for another: a, b"),
        ({"a": {**CUSTOMER, "api": "strip"}}, 'no API is called "strip"'),
        ({"a": CUSTOMER, "b": message("{a/nothing}")}, "the answer of a has no /nothing"),
    ],
)
async def test_mistakes(opened: Any, calls: dict[str, Any], what: str) -> None:
    runtime, stripe, slack = opened("stripe", "slack", empty=True)
    async with runtime as rt:
        assert what in said(await rt.act("calls", calls=calls))
        assert slack.state == {} and all(one.get("deleted") for one in stripe.state.values())
