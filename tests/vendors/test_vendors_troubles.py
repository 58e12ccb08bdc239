"""What goes wrong on the way arrives as the clients' own exceptions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from vendors import Call, Cut, Failure, Hang, Overflow, Reply, Request, Reset, Server, Trouble
from vendors.conftest import Served

ASK = {"role": "user", "content": "Go"}
REPLY = Reply("A longer text, in pieces.", calls=(Call("read", {"path": "a"}),))


def messages(served: Any, **more: Any) -> Any:
    return served.anthropic.messages.create(model="m", max_tokens=100, messages=[ASK], **more)


def responses(served: Any, **more: Any) -> Any:
    return served.openai.responses.create(model="m", input=[ASK], **more)


def chat(served: Any, **more: Any) -> Any:
    return served.openai.chat.completions.create(model="m", messages=[ASK], **more)


Ask = Callable[..., Any]
ALL = pytest.mark.parametrize("ask", [messages, responses, chat])
OPENAI = pytest.mark.parametrize("ask", [responses, chat])


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (503, anthropic.ServiceUnavailableError, "api_error"),
        (529, anthropic.OverloadedError, "overloaded_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
    ],
)
def test_statuses_of_anthropic(status: int, error: Any, kind: str, serve: Any) -> None:
    served = serve([Trouble(status, headers={"retry-after": "0.1"})])
    with pytest.raises(error) as caught:
        messages(served)
    assert caught.value.type == kind
    assert caught.value.response.headers["retry-after"] == "0.1"
    assert caught.value.request_id == caught.value.body["request_id"] == "req_000001"


@OPENAI
@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (429, openai.RateLimitError, "rate_limit_exceeded"),
        (500, openai.InternalServerError, None),
        (503, openai.InternalServerError, None),
    ],
)
def test_statuses_of_openai(ask: Ask, status: int, error: Any, code: str | None, serve: Any) -> None:
    served = serve([Trouble(status, headers={"retry-after-ms": "100"})])
    with pytest.raises(error) as caught:
        ask(served, stream=True)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.response.headers["retry-after-ms"] == "100"
    assert caught.value.request_id == "req_000001"


@OPENAI
def test_a_quota_that_is_used_up(ask: Ask, serve: Any) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        ask(serve([Trouble(429, code="insufficient_quota", message="You exceeded your current quota.")]))
    assert (caught.value.code, caught.value.type) == ("insufficient_quota", "insufficient_quota")


@ALL
def test_a_proxy_that_answers_itself(ask: Ask, serve: Any) -> None:
    with pytest.raises((openai.InternalServerError, anthropic.InternalServerError), match="502"):
        ask(serve([Trouble(502, body="<html><h1>502 Bad Gateway</h1></html>")]))


def test_a_prompt_that_is_too_long(serve: Any) -> None:
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long: 208310 tokens > 200000 maximum"):
        messages(serve([Overflow()]))
    for ask in (responses, chat):
        with pytest.raises(openai.BadRequestError) as caught:
            ask(serve([Overflow()]))
        assert caught.value.code == "context_length_exceeded"


@ALL
def test_a_connection_that_is_reset(ask: Ask, serve: Any) -> None:
    with pytest.raises((openai.APIConnectionError, anthropic.APIConnectionError)) as caught:
        ask(serve([Reset()]))
    assert isinstance(caught.value.__cause__, httpx2.ReadError)


@ALL
def test_nothing_comes(ask: Ask, serve: Any) -> None:
    with pytest.raises((openai.APITimeoutError, anthropic.APITimeoutError)):
        ask(serve([Hang(60)]), timeout=0.2)


@ALL
@pytest.mark.parametrize("stream", [False, True])
def test_it_comes_late(ask: Ask, stream: bool, serve: Any) -> None:
    answered = ask(serve([Hang(0.05, REPLY, after_events=2)]), stream=stream)
    assert len(list(answered)) > 3 if stream else answered


@ALL
@pytest.mark.parametrize("mid_event", [False, True])
def test_a_stream_is_cut(ask: Ask, mid_event: bool, serve: Any) -> None:
    """The client's errors differ: Anthropic's lets the transport's through."""
    got = []
    with pytest.raises((openai.APIConnectionError, anthropic.APIConnectionError, httpx2.RemoteProtocolError)):
        for event in ask(serve([Cut(REPLY, after_events=4, mid_event=mid_event)]), stream=True):
            got.append(event)
    assert 3 <= len(got) <= 4, "a ping is not shown"


@ALL
def test_a_stream_that_ends_too_early_looks_whole(ask: Ask, serve: Any) -> None:
    got = list(ask(serve([Cut(REPLY, after_events=4, clean=True)]), stream=True))
    assert 3 <= len(got) <= 4


@ALL
def test_an_answer_is_cut(ask: Ask, serve: Any) -> None:
    with pytest.raises((openai.APIConnectionError, anthropic.APIConnectionError)):
        ask(serve([Cut(REPLY)]))


def test_anthropic_gives_up_in_mid_stream(serve: Any) -> None:
    stream = messages(serve([Failure(REPLY, after_events=4, message="Overloaded")]), stream=True)
    with pytest.raises(anthropic.APIStatusError) as caught:
        list(stream)
    assert (caught.value.type, caught.value.api_message) == ("overloaded_error", "Overloaded")
    assert caught.value.status_code == 200, "the head had gone out"


def test_openai_gives_up_in_mid_stream(serve: Any) -> None:
    served = serve([Failure(REPLY, 4), Failure(REPLY, 4, event="error"), Failure(REPLY, 4)])
    failed, error = (list(responses(served, stream=True)) for _ in range(2))
    assert (failed[-1].type, failed[-1].response.status) == ("response.failed", "failed")
    assert failed[-1].response.error.code == "server_error"
    assert (error[-1].type, error[-1].code, error[-1].sequence_number) == ("error", "server_error", 4)
    with pytest.raises(openai.APIError, match="overloaded"):
        list(chat(served, stream=True))


@ALL
def test_the_vendor_gives_up_at_once(ask: Ask, serve: Any) -> None:
    with pytest.raises((openai.InternalServerError, anthropic.OverloadedError)):
        ask(serve([Failure(REPLY)]))


@ALL
def test_a_function_answers_from_what_is_asked(ask: Ask, serve: Any) -> None:
    def answering(request: Request) -> Any:
        return Trouble(429) if len(served.server.requests) == 1 else Reply(f"You said {request.said}.")

    served = serve(answering)
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)):
        ask(served)
    assert "You said Go." in str(ask(served))


@ALL
def test_the_script_has_an_end(ask: Ask, serve: Any) -> None:
    served = serve([lambda request: Reply("x")])
    ask(served)
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError), match="no more turns"):
        ask(served)


def test_what_a_function_raises_is_raised_at_the_end() -> None:
    def broken(request: Request) -> Any:
        raise KeyError("mine")

    mine, told = pytest.raises(KeyError, match="mine"), pytest.raises(openai.BadRequestError, match="The script failed")
    with mine, Server(broken) as server, ExitStack() as stack, told:
        chat(Served(server, stack))


@ALL
def test_requests_are_recorded(ask: Ask, serve: Any) -> None:
    served = serve([REPLY])
    ask(served, tools=[], extra_headers={"X-Mine": "yes"})
    (request,) = served.server.requests
    assert (request.method, request.headers["x-mine"], request.said) == ("POST", "yes", "Go")
    assert request.body["model"] == "m"
    assert served.key in request.headers["authorization"]
