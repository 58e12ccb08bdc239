"""What a server's ``Retry-After`` says, and how often and how long it is waited."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Iterator

import pytest

from agentrt.contracts.planner import Delayed, Said
from agentrt.errors import PlannerError
from agentrt.planners.retrying import Passing, retry_after, with_retries


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "-7"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        *[
            ({"retry-after": odd}, None)
            for odd in ("NaN", "inf", "-inf", "1e999", "", "soon", "Wed, 21 Oct 99999999 07:28:00 GMT", "\udcff")
        ],
        ({"retry-after": "1e300"}, 1e300),
    ],
)
def test_what_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_it_may_ask_for_a_date() -> None:
    wanted = retry_after({"retry-after": email.utils.formatdate(time.time() + 1000, usegmt=True)})
    assert wanted is not None and 900 < wanted <= 1000


def tried(*outcomes: Passing | str, retries: int = 3) -> tuple[str | PlannerError, list[Said | Delayed]]:
    """What comes of outcomes one after the other, and what the watcher hears."""
    left: Iterator[Passing | str] = iter(outcomes)
    heard: list[Said | Delayed] = []

    async def attempt() -> str:
        outcome = next(left)
        if isinstance(outcome, Passing):
            raise outcome
        return outcome

    try:
        return asyncio.run(with_retries(attempt, retries=retries, on_progress=heard.append)), heard
    except PlannerError as error:
        return error, heard


def test_it_is_tried_again_until_it_works_and_each_wait_is_told() -> None:
    assert tried(Passing("busy", 0.001), Passing("full", 0.002), "well") == (
        "well",
        [Delayed(0.001, "busy"), Delayed(0.002, "full")],
    )


def test_without_a_word_of_the_server_it_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrt.planners.retrying._FIRST", 0.001)
    outcome, heard = tried(*[Passing("busy")] * 3, "well")
    waits = [delay.seconds for delay in heard if isinstance(delay, Delayed)]
    assert outcome == "well"
    assert all(0.001 * 2**n * 0.75 <= wait <= 0.001 * 2**n * 1.25 for n, wait in enumerate(waits)) and len(waits) == 3


def test_it_gives_up_after_so_many_times() -> None:
    error, heard = tried(*[Passing("the server is busy", 0.0)] * 4)
    assert str(error) == "the server is busy, 4 times in a row"
    assert isinstance(error, PlannerError) and "nothing that was done is lost" in error.hint
    assert len(heard) == 3


def test_it_does_not_wait_for_hours() -> None:
    error, heard = tried(Passing("the server is busy", 86_400.0), "well")
    assert str(error) == "the server is busy; the server asks for 86,400 seconds"
    assert heard == []


def test_it_may_be_told_to_try_once() -> None:
    assert str(tried(Passing("busy"), retries=0)[0]) == "busy"


def test_what_does_not_pass_is_not_tried_again() -> None:
    async def attempt() -> str:
        raise PlannerError("no such model")

    with pytest.raises(PlannerError, match="no such model"):
        asyncio.run(with_retries(attempt, retries=3, on_progress=pytest.fail))
