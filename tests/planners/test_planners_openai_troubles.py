"""What goes wrong with a server: what passes is waited out, the rest is told so that a person can mend it."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from openai_talk import TOOLS, Talk, open_at, run
from vendors import Call, Cut, Failure, Hang, Overflow, Reply, Reset, Server, Trouble

from agentrt.contracts.planner import Delayed
from agentrt.errors import ContextOverflow, PlannerError, UsageError
from agentrt.planners.openai import open_planner

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])
SOON = {"retry-after-ms": "1"}
GOOD = Reply("All of it.")


def fails(server: Server, **more: Any) -> PlannerError:
    with pytest.raises(PlannerError) as raised:
        run(Talk().turn(open_at(server.url, **more)))
    assert "\n" not in raised.value.message
    return raised.value


@BOTH
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_what_passes_is_asked_again(api: str, status: int) -> None:
    talk = Talk()
    with Server([Trouble(status, SOON, message="Come again."), GOOD]) as server:
        assert run(talk.turn(open_at(server.url, api=api, retries=1))).text == "All of it."
    assert talk.heard[0] == Delayed(0.001, f"{server.url.removeprefix('http://')} answers {status}: Come again.")


@BOTH
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_what_does_not_pass_is_told_at_once(api: str, status: int) -> None:
    with Server([Trouble(status, message="No such thing.")]) as server:
        error = fails(server, api=api, retries=3)
    assert len(server.requests) == 1
    assert f"answers {status}: No such thing. (model gpt-6.2-sol)" in error.message and "127.0.0.1" in error.message
    assert error.hint or status in (400, 422)


def test_money_that_has_run_out_does_not_come_back() -> None:
    with Server([Trouble(429, message="You exceeded your current quota", code="insufficient_quota")]) as server:
        assert "credit" in fails(server, retries=3).hint
    assert len(server.requests) == 1


@BOTH
@pytest.mark.parametrize(
    "cut",
    [Cut(GOOD, 2), Cut(GOOD, 3, mid_event=True), Cut(GOOD, 3, clean=True), Cut(GOOD), Reset(), Failure(GOOD, 3)],
    ids=lambda cut: type(cut).__name__ + str(getattr(cut, "after_events", "")),
)
def test_an_answer_that_breaks_off_is_asked_for_again_and_nothing_of_it_counts(api: str, cut: Any) -> None:
    talk = Talk()
    with Server([cut, GOOD]) as server:
        turn = run(talk.turn(open_at(server.url, api=api, retries=1)))
    assert turn.text == "All of it." and len(server.requests) == 2 and len(talk.delays) == 1
    assert talk.said.endswith("All of it.")


@pytest.mark.parametrize("event", ["error", "failed"])
def test_an_event_of_failure_is_a_failure(event: Any) -> None:
    talk = Talk()
    with Server([Failure(GOOD, 3, event), GOOD, Failure(GOOD, 3, event, "Not this.", "invalid_prompt")]) as server:
        planner = open_at(server.url, retries=1)
        assert run(talk.turn(planner)).text == "All of it."
        with pytest.raises(PlannerError, match="breaks off: Not this"):
            run(talk.turn(planner))
    assert len(server.requests) == 3


@BOTH
def test_a_server_that_falls_silent_is_asked_again(api: str) -> None:
    talk = Talk()
    with Server([Hang(60, GOOD, 2), GOOD]) as server:
        assert run(talk.turn(open_at(server.url, api=api, retries=1, timeout=0.2))).text == "All of it."
    assert "silent" in talk.delays[0] or "timed out" in talk.delays[0]


def test_it_is_given_up_after_so_many_times() -> None:
    with Server(lambda request: Trouble(503, SOON)) as server:
        error = fails(server, retries=2)
    assert (
        len(server.requests) == 3
        and "3 times in a row" in error.message
        and "nothing that was done is lost" in error.hint
    )


def test_a_server_that_wants_too_long_a_wait_is_not_waited_for() -> None:
    with Server([Trouble(429, {"retry-after": "86400"})]) as server:
        assert "86,400 seconds" in fails(server, retries=2).message


def test_a_server_that_is_not_there_is_named() -> None:
    with Server() as server:
        pass
    assert f"{server.url.removeprefix('http://')} cannot be reached" in fails(server).message


@BOTH
def test_a_conversation_that_is_too_long_is_told_apart(api: str) -> None:
    with Server([Overflow()]) as server, pytest.raises(ContextOverflow) as raised:
        run(Talk().turn(open_at(server.url, api=api)))
    assert raised.value.code == "context" and isinstance(raised.value, PlannerError)


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (500, "Context size has been exceeded.", "server_error"),
        (400, "This model's maximum context length is 8192 tokens, however you requested 9000 tokens", ""),
        (400, "The decoder prompt (length 9000) is longer than the maximum model length of 8192.", ""),
        (400, "the input length exceeds the context length", "api_error"),
        (413, "prompt is too long", ""),
    ],
)
def test_overflow_is_known_in_the_words_of_many(status: int, message: str, code: str) -> None:
    with Server([Trouble(status, body={"error": {"message": message, "type": code}})]) as server:
        assert isinstance(fails(server, api="chat"), ContextOverflow)


@BOTH
def test_a_redirect_is_not_followed(api: str) -> None:
    with Server([GOOD]) as elsewhere, Server([Trouble(307, {"location": f"{elsewhere.url}/v1/responses"})]) as server:
        error = fails(server, api=api)
    assert elsewhere.requests == [] and "answers 307: go to http" in error.message


def test_a_page_is_no_answer() -> None:
    with Server(
        [Trouble(200, body="<html><head><title>x</title></head><body>Welcome to <b>nginx</b></body></html>")]
    ) as server:
        error = fails(server, api="chat")
    assert "Welcome to nginx" in error.message and "<" not in error.message


def test_an_address_without_v1_is_known() -> None:
    with Server() as server:
        error = fails(server, base_url=server.url, api="chat")
    assert f"base_url: {server.url}/v1" in error.hint and "`api: responses`" in error.hint


def test_a_model_that_is_not_there_brings_the_names_of_those_that_are() -> None:
    names = ("qwen3-coder:30b", "llama3.3:70b", "gpt-oss:20b")
    missing = Trouble(404, message='model "qwen3-coder" not found, try pulling it first', code="not_found")
    with Server([missing, missing], model_names=names, dialect="ollama") as server:
        assert fails(server, model="qwen3-coder", api="chat").hint == "the nearest it has: qwen3-coder:30b"
        assert "gpt-oss:20b, llama3.3:70b, qwen3-coder:30b" in fails(server, model="zzzz", api="chat").hint


def test_a_server_that_wants_a_key_is_told_apart_from_a_wrong_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "the-wrong-key-123")
    with Server(key="the-right-key-123") as server:
        assert "`key: NAME`" in fails(server).hint
        assert "GATEWAY_KEY" in fails(server, key="GATEWAY_KEY").hint


@pytest.mark.parametrize("value", ["“sk-12345678”", "sk-1234\n5678"])
def test_what_is_no_key_is_refused_without_being_shown(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(UsageError, match="MY_KEY holds a character that no key has") as raised:
        open_at("http://127.0.0.1:1", key="MY_KEY")
    assert "1234" not in str(raised.value) + raised.value.hint


KEY = "sk-proj-aB3/dE6+gH9jK2mN5pQ8"
ESCAPED = json.dumps(KEY).replace("/", "\\/")[1:-1]
FORMS = [KEY, quote(KEY, safe=""), ESCAPED, f"{'x' * 380} {KEY}"]


def shown(error: BaseException) -> str:
    """All that anybody would print of it, but for what the tests themselves hold."""
    found = [f"{error} {getattr(error, 'hint', '')}"]
    told: traceback.TracebackException | None = traceback.TracebackException.from_exception(error, capture_locals=True)
    while told is not None:
        found += [str(frame.locals) for frame in told.stack if "tests" not in Path(frame.filename).parts]
        found += told.format_exception_only()
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    return "\n".join(found)


def hidden(text: str) -> bool:
    """Not the key, not most of it, in no form."""
    return not any(form[:20] in text for form in (KEY, quote(KEY, safe=""), ESCAPED))


@BOTH
@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_tells_the_key_is_not_quoted(api: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    troubles = [
        Trouble(400, {"x-echo": KEY}, message=f"Your key is {form}"),
        Trouble(503, message=f"Your key is {form}"),
        Trouble(500, body=f"<html>{form}</html>"),
        Failure(GOOD, 2, message=f"Your key is {form}"),
        Trouble(307, {"location": f"http://127.0.0.1/{quote(KEY, safe='')}"}),
    ]
    with Server(troubles) as server:
        planner = open_at(server.url, api=api, key="MY_KEY")
        assert hidden(repr(planner))
        for _ in troubles:
            with pytest.raises(PlannerError) as raised:
                run(Talk().turn(planner))
            assert hidden(shown(raised.value))


@BOTH
def test_a_refused_key_is_not_quoted(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with Server(key="another", echo_key=True) as server:
        assert hidden(shown(fails(server, api=api, key="MY_KEY")))


@BOTH
def test_a_model_that_says_the_key_is_not_heard(
    api: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    talk = Talk()
    calls = (Call("bash", {"command": f"echo {KEY}", KEY: 1}), Call("bash", raw_arguments_text=f'{{"a": {KEY}}}'))
    with Server([Reply(f"It is {KEY}, I think: {quote(KEY, safe='')}", KEY, calls, chunk=3)]) as server:
        turn = run(talk.turn(open_at(server.url, api=api, key="MY_KEY")))
    assert hidden(json.dumps(turn.to_dict())) and hidden(talk.said) and hidden(caplog.text)
    assert turn.text.startswith("It is [key], I think") and "I think" in talk.said
    assert turn.actions[0].arguments["command"] == "echo [key]"


@BOTH
@pytest.mark.parametrize("hang", [Hang(60, GOOD), Hang(60, GOOD, 6)])
def test_cancelling_ends_the_request_and_leaves_nothing(api: str, hang: Hang) -> None:
    async def cancel(server: Server) -> int:
        planner, talk = open_at(server.url, api=api), Talk()
        turn = asyncio.create_task(planner.plan(talk.messages, TOOLS, talk.heard.append))
        while not server.requests or (hang.after_events and not talk.said):
            await asyncio.sleep(0.01)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert (await talk.turn(planner)).text == "All of it."
        for _ in range(10):  # what was left to be closed is
            await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    with Server([hang, GOOD]) as server:
        assert run(cancel(server)) == 1


def test_nothing_is_imported_or_asked_for_before_the_first_turn(tmp_path: Path) -> None:
    import subprocess
    import sys

    opens = "from agentrt.planners.openai import open_planner; from pathlib import Path; import sys;"
    opens += "open_planner({'provider': 'openai', 'model': 'm', 'base_url': 'http://127.0.0.1:1/v1'}, folder=Path());"
    done = subprocess.run([sys.executable, "-c", f"{opens} sys.exit('openai' in sys.modules)"], cwd=tmp_path)
    assert done.returncode == 0


def test_without_a_key_openai_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="OPENAI_API_KEY") as raised:
        open_planner({"provider": "openai", "model": "gpt-6.2-sol"}, folder=Path())
    assert "agentrt secrets set OPENAI_API_KEY" in raised.value.hint
