"""What goes wrong between here and Anthropic's API: waited out, told, or handed on, and never with the key in it."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planners.lines import Line, specs
from vendors import Call, Cut, Failure, Hang, Overflow, Reply, Request, Reset, Server, Trouble

from agentrt.contracts.planner import Delayed, Said
from agentrt.errors import ContextOverflow, PlannerError
from agentrt.planners.anthropic import open_planner
from agentrt.planners.anthropic.planner import AnthropicPlanner
from agentrt.records import Turn

KEY = 'sk-ant-test-"0123456789/abcdef'
NOW = {"retry-after-ms": "1"}
WHOLE = Reply("I look around.", thinking="Hmm.", calls=(Call("bash", {"command": "ls"}),))


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # Each wait of our own choice is as short as a test is to be.
    monkeypatch.setattr("agentrt.planners.retrying._FIRST", 0.001)
    yield


def opened(url: str, **more: Any) -> AnthropicPlanner:
    return open_planner(
        {"provider": "anthropic", "model": "claude-opus-5-5", "base_url": url, "key": "ANTHROPIC_API_KEY", **more},
        folder=Path(),
    )


def ask(url: str, heard: list[Said | Delayed] | None = None, **more: Any) -> Turn:
    return asyncio.run(opened(url, **more).plan(Line(), specs(), [].append if heard is None else heard.append))


def failure(url: str, **more: Any) -> PlannerError:
    with pytest.raises(PlannerError) as raised:
        ask(url, **more)
    return raised.value


PASSING = [
    *(Trouble(status, NOW) for status in (408, 409, 429, 500, 502, 503, 529)),
    Trouble(503, NOW, body="<html><title>nginx</title><body>Bad gateway</body></html>"),
    Trouble(418, {**NOW, "x-should-retry": "true"}),
    Reset(),
    *(Cut(WHOLE, after_events=n, clean=clean) for n in (0, 1, 4, 9) for clean in (True, False)),
    Cut(WHOLE, after_events=5, mid_event=True),
    Failure(WHOLE, after_events=6),
    Failure(WHOLE, after_events=1, kind="api_error"),
]


@pytest.mark.parametrize("trouble", PASSING, ids=repr)
def test_what_passes_is_asked_for_again_and_the_watcher_is_told(trouble: Any) -> None:
    heard: list[Said | Delayed] = []
    with Server([trouble, trouble, WHOLE]) as server:
        turn = ask(server.url, heard)
    assert (turn.text, len(turn.actions)) == ("I look around.", 1)
    assert len(server.requests) == 3
    assert server.requests[0].body == server.requests[2].body
    delays = [n for n, progress in enumerate(heard) if isinstance(progress, Delayed)]
    assert len(delays) == 2
    said = [progress.text for progress in heard[delays[-1] + 1 :] if isinstance(progress, Said)]
    assert "".join(said) == turn.text


@pytest.mark.parametrize("trouble", PASSING[:1] + PASSING[8:12], ids=repr)
def test_what_does_not_pass_in_time_is_given_up_in_words(trouble: Any) -> None:
    with Server([trouble] * 3) as server:
        error = failure(server.url, retries=2)
    assert "3 times in a row" in str(error)
    assert "127.0.0.1" in str(error)
    assert "nothing that was done is lost" in error.hint
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("trouble", "said", "hint"),
    [
        (Trouble(400, message="max_tokens: too many"), "max_tokens: too many (HTTP 400)", ""),
        (Trouble(400, message="Your credit balance is too low"), "credit balance", "no credit"),
        (Trouble(401), "not valid", "the environment variable ANTHROPIC_API_KEY"),
        (Trouble(402), "(HTTP 402)", "no credit"),
        (Trouble(403), "may not use", "permissions"),
        (Trouble(404), "no such model", "`model`"),
        (Trouble(422), "HTTP 422", ""),
        (Trouble(429, {"x-should-retry": "false"}), "Rate limit", ""),
        (
            Trouble(404, body="<html><head><title>x</title></head><h1>Not\n found</h1></html>"),
            "Not found (HTTP 404)",
            "`base_url`",
        ),
        (Trouble(400, message="\x1b[31mred\r\n" + "long " * 500), "…", ""),
    ],
    ids=lambda value: "",
)
def test_what_does_not_pass_is_told_at_once(trouble: Trouble, said: str, hint: str) -> None:
    with Server([trouble]) as server:
        error = failure(server.url)
    assert len(server.requests) == 1
    assert said in str(error) and hint in error.hint
    assert str(error).startswith("claude-opus-5-5 at 127.0.0.1:")
    assert str(error).isprintable() and len(str(error)) < 600


def test_a_stream_that_fails_for_good_is_told() -> None:
    with Server([Failure(WHOLE, after_events=3, kind="invalid_request_error", message="No.")]) as server:
        error = failure(server.url)
    assert "No." in str(error) and len(server.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        Overflow(),
        Trouble(413),
        Trouble(400, message="input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000"),
        Failure(WHOLE, kind="invalid_request_error", message="prompt is too long: 210000 tokens > 200000 maximum"),
        Reply("", stop="context"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_conversation_that_is_too_long_is_its_own_error(trouble: Any) -> None:
    with Server([trouble]) as server:
        error = failure(server.url)
    assert isinstance(error, ContextOverflow)
    assert (error.code, len(server.requests)) == ("context", 1)


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with Server([Hang(30), Hang(30, WHOLE, after_events=3), WHOLE]) as server:
        assert ask(server.url, timeout=0.3).text == "I look around."
        assert len(server.requests) == 3


def test_nobody_there_is_told() -> None:
    with Server() as server:
        url = server.url
    assert "cannot be reached" in str(failure(url, retries=1))


def test_a_redirect_is_not_followed() -> None:
    with Server([WHOLE]) as other, Server([Trouble(307, {"location": f"{other.url}/v1/messages"})]) as server:
        error = failure(server.url)
    assert "sends us on to" in str(error) and "base_url" in error.hint
    assert other.requests == []


def test_what_is_no_stream_is_told() -> None:
    with Server([Trouble(200, body="<html>Welcome</html>")]) as server:
        error = failure(server.url)
    assert "answers with text/html" in str(error) and "base_url" in error.hint


def test_cancelled_it_lets_go_at_once() -> None:
    async def run(url: str) -> None:
        heard = asyncio.Event()
        asked = asyncio.create_task(opened(url).plan(Line(), specs(), lambda _: heard.set()))
        await heard.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        for _ in range(20):  # generators of the SDK's are closed by the loop, in its next rounds
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with Server([Hang(60, WHOLE, after_events=9)]) as server:
        asyncio.run(run(server.url))


def spellings() -> list[str]:
    from urllib.parse import quote

    return [
        KEY,
        quote(KEY, safe=""),
        json.dumps(KEY)[1:-1],
        KEY.replace("/", r"\/").replace('"', r"\u0022"),
        KEY.encode().hex(),
    ]


def without_key(text: str) -> bool:
    return not any(spelling in text for spelling in [*spellings(), "0123456789"])


@pytest.mark.parametrize("spelling", spellings(), ids=["plain", "url", "json", "escapes", "hex"])
def test_the_key_is_in_no_error(spelling: str) -> None:
    troubles = [
        Trouble(401, {"x-key": "it"}, message=f"the key {spelling} is wrong"),
        Trouble(400, body=f"<p>{spelling}</p>"),
        Trouble(400, message="x" * 380 + spelling),
        Trouble(500, message=spelling),
        Trouble(307, {"location": f"https://example.com/?key={spelling}"}),
        Failure(WHOLE, after_events=2, message=spelling),
    ]
    for trouble in troubles:
        with Server([trouble]) as server:
            error = failure(server.url, retries=0)
        assert without_key("".join(traceback.format_exception(error)) + error.hint)


@pytest.mark.parametrize("spelling", spellings(), ids=["plain", "url", "json", "escapes", "hex"])
def test_the_key_is_in_no_turn_and_is_not_heard(spelling: str) -> None:
    heard: list[Said | Delayed] = []
    reply = Reply(
        f"Your key is {spelling}!",
        thinking=f"It is {spelling}.",
        calls=(Call("bash", {"command": f"echo {spelling}"}),),
        chunk=5,
    )
    with Server([reply]) as server:
        turn = ask(server.url, heard)
    assert without_key(str(turn.to_dict()))
    assert "Your key is" in turn.text and turn.actions[0].arguments["command"].startswith("echo ")
    assert turn.native is None
    said = "".join(progress.text for progress in heard if isinstance(progress, Said))
    assert said.startswith("Your key is") and said.endswith("!") and without_key(said)


def test_the_key_is_in_no_log_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("anthropic", "httpx2"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    with Server([Trouble(500, {**NOW, "x-echo": KEY}, message=KEY), WHOLE]) as server:
        planner = opened(server.url)
        asyncio.run(planner.plan(Line(), specs()))
    assert "Request options" in caplog.text and "x-echo" in caplog.text
    assert without_key(caplog.text)
    assert without_key(repr(planner) + repr(vars(planner)["_troubles"]))


def test_a_key_that_no_header_can_carry_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0123456789\nand-more")
    with pytest.raises(ValueError, match="ANTHROPIC_API_KEY holds a character that no key has") as raised:
        opened("http://127.0.0.1:9")
    assert without_key(str(raised.value))


def test_a_wrong_key_is_told_by_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([WHOLE], key="another", echo_key=True) as server:
        error = failure(server.url)
        assert "the environment variable ANTHROPIC_API_KEY" in error.hint
        assert without_key(str(error))
        monkeypatch.setenv("OTHER_KEY", "another")
        assert ask(server.url, key="OTHER_KEY").text == "I look around."


def answering(request: Request) -> Reply:
    return WHOLE


def test_answers_at_the_same_time_do_not_mix() -> None:
    async def run(url: str) -> list[Turn]:
        planner = opened(url)
        return await asyncio.gather(*(planner.plan(Line(f"Task {n}."), specs()) for n in range(4)))

    with Server(answering) as server:
        turns = asyncio.run(run(server.url))
    assert [turn.text for turn in turns] == ["I look around."] * 4
