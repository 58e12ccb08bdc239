"""Secrets: a placeholder inside, the value outside, and nothing of it on the way back. And canaries."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from base64 import b64decode, b64encode, encodebytes, urlsafe_b64encode
from urllib.parse import quote

import pytest
from egress_ground import CANARY, TOKEN, Answer, Seen, allow, deny, inspect, secret, until
from hypothesis import given
from hypothesis import strategies as st

from agentrt.egress import hold
from agentrt.egress.forms import Found, Search, Token, Watch
from agentrt.egress.placeholders import is_for
from agentrt.records import Admission

VALUE = TOKEN.encode()


def closed(request):
    return Admission(verdict="allow", rule="r", private=True)


def test_a_placeholder_is_replaced_wherever_it_may_stand(play) -> None:
    held = secret("api.test")
    login = b64encode(f"me:{held.placeholder}".encode()).decode()

    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(inspect, secrets=[held]) as door:
            headers = [
                f"Authorization: Bearer {held.placeholder}",
                f"X-Login: Basic {login}",
                "Accept-Encoding: gzip",
                "Range: bytes=0-3",
            ]
            await door.secure(f"api.test:{server.port}", f"/v1?key={held.placeholder}&x=1", *headers)
            for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
                await door.secure(
                    f"api.test:{server.port}",
                    "/",
                    f"Content-Type: {kind}",
                    method="POST",
                    body=f'a={held.placeholder}"'.encode(),
                )
            await door.secure(f"api.test:{server.port}", "/none")
            effects = door.gate.effects
        first, *bodies, _ = server.seen
        assert first.target == f"/v1?key={quote(TOKEN, safe='')}&x=1"
        assert first.headers["authorization"] == f"Bearer {TOKEN}"
        assert b64decode(first.headers["x-login"].removeprefix("Basic ")).decode() == f"me:{TOKEN}"
        assert first.headers["accept-encoding"] == "identity" and "range" not in first.headers
        assert [seen.body.decode() for seen in bodies] == [
            f'a={json.dumps(TOKEN)[1:-1]}"',
            f'a={quote(TOKEN, safe="")}"',
            f'a={TOKEN}"',
        ]
        assert all(int(seen.headers["content-length"]) == len(seen.body) for seen in bodies)
        assert [effect.secrets for effect in effects] == [("API",)] * 4 + [()]
        assert TOKEN not in repr(effects) and quote(TOKEN, safe="") not in repr(effects)

    play(scenario)


def test_a_tunnel_to_a_bound_host_is_opened_whatever_the_policy_says(play) -> None:
    held = secret("*.test")

    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(closed, secrets=[held]) as door:
            await door.secure(f"api.test:{server.port}", "/", f"X-Key: {held.placeholder}")
        assert server.seen[0].headers["x-key"] == TOKEN

    play(scenario)


@pytest.mark.parametrize("where", ["target", "header", "basic", "body", "chunked"])
def test_a_placeholder_on_its_way_to_another_host_stays_here(play, where: str) -> None:
    held = secret("api.test")

    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate(allow, secrets=[held]) as door:
            url, headers, body = f"http://other.test:{server.port}/", [], b""
            if where == "target":
                url += "?k=" + held.placeholder
            if where == "header":
                headers = [f"X-K: {held.placeholder}"]
            if where == "basic":
                headers = ["Authorization: basic " + b64encode(f"u:{held.placeholder}".encode()).decode()]
            if where == "body":
                body = held.placeholder.encode()
            answer = await door.get(url, *headers, method="POST", body=body) if where != "chunked" else await door.raw(
                f"POST {url} HTTP/1.1\r\nHost: other.test:{server.port}\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n".encode()
                + held.placeholder.encode().ljust(100) + b"\r\n0\r\n\r\n")  # fmt: skip
            assert b" 403 " in answer and b"placeholder of the secret API" in answer
            assert door.gate.effects[0].change == "refused"
        assert server.seen == []

    play(scenario)


def test_a_redirect_takes_no_secret_along(play) -> None:
    """The client follows it through the gate, and has nothing but the placeholder."""
    held = secret("api.test")

    async def scenario(world) -> None:
        other = await world.https(name="other.test")
        server = await world.https(
            lambda seen: Answer(
                status=302, headers={"Location": f"https://other.test:{other.port}/?k={seen.headers['x-key']}"}
            )
        )
        async with world.gate(inspect, secrets=[held]) as door:
            answer = await door.secure(f"api.test:{server.port}", "/", f"X-Key: {held.placeholder}")
            assert TOKEN.encode() not in answer and b"k=" + b"*" * len(TOKEN) in answer
            assert b" 403 " in await door.secure(f"other.test:{other.port}", "/", f"X-Key: {held.placeholder}")
        assert other.seen == [] and server.seen[0].headers["x-key"] == TOKEN

    play(scenario)


def test_no_secret_goes_over_the_network_in_clear(play) -> None:
    held = secret("api.test")

    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate(allow, secrets=[held]) as door:
            await door.get(f"http://api.test:{server.port}/", f"X-Key: {held.placeholder}")
            assert server.seen[0].headers["x-key"] == TOKEN  # it does not leave the machine
            world.names["api.test"] = ["1.1.1.1"]
            answer = await door.get(f"http://api.test:{server.port}/", f"X-Key: {held.placeholder}")
            assert b" 403 " in answer and b"in clear" in answer

    play(scenario)


@pytest.mark.parametrize("pieces", [1, 3, 7, 1000])
def test_an_echo_of_a_secret_is_covered_across_chunks(play, pieces: int) -> None:
    held = secret("api.test")

    def echo(seen: Seen) -> Answer:
        whole = b"before " + seen.headers["x-key"].encode() + b" after"
        return Answer(
            [whole[at : at + pieces] for at in range(0, len(whole), pieces)],
            headers={"X-Echo": f"<{seen.headers['x-key']}>"},
        )

    async def scenario(world) -> None:
        server = await world.https(echo)
        async with world.gate(inspect, secrets=[held]) as door:
            reader, writer = await door.tls(f"api.test:{server.port}")
            writer.write(
                f"GET / HTTP/1.0\r\nHost: api.test:{server.port}\r\nX-Key: {held.placeholder}\r\n\r\n".encode()
            )
            answer = await reader.read()
            writer.transport.abort()
            stars = b"*" * len(TOKEN)
            assert answer.endswith(b"before " + stars + b" after") and b"X-Echo: <" + stars + b">" in answer
            assert TOKEN.encode() not in answer

    play(scenario)


def test_an_answer_that_cannot_be_read_is_not_passed_on_where_a_secret_may_be_in_it(play) -> None:
    held = secret("api.test")

    async def scenario(world) -> None:
        server = await world.https(lambda seen: Answer(b"zipped", headers={"Content-Encoding": "gzip"}))
        async with world.gate(inspect, secrets=[held]) as door:
            answer = await door.secure(f"api.test:{server.port}", "/")
            assert answer.startswith(b"HTTP/1.1 502 ") and b"answers in gzip" in answer and b"zipped" not in answer
            assert (door.gate.effects[0].change, door.gate.effects[0].status) == ("sent", 200)

    play(scenario)


def forms(value: bytes) -> list[bytes]:
    return [
        value,
        value[::-1],
        value.hex().encode(),
        value.hex().upper().encode(),
        quote(value, safe="").encode(),
        b"".join(b"%%%02X" % byte for byte in value),
        *(b64encode(b"x" * before + value + b"yz") for before in range(3)),
        *(urlsafe_b64encode(b"x" * before + value + b"yz") for before in range(3)),
        json.dumps({"a": value.decode()}).encode(),
    ]


@pytest.mark.parametrize("form", range(len(forms(VALUE))))
def test_a_value_that_inside_should_not_know_stays_here(play, form: int) -> None:
    held = secret("api.test")
    said = forms(VALUE)[form]

    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate(allow, secrets=[held]) as door:
            place = f"http://api.test:{server.port}"
            answers = [
                await door.get(f"{place}/?q={quote(said, safe='')}"),
                await door.get(f"{place}/{quote(said, safe='').replace('%', '%25')}")
                if b"%" not in said
                else b" 403 the value of the secret",
                await door.get(place + "/", f"X: {said.decode()}"),
                await door.get(place + "/", method="POST", body=b"a" * 100 + said),
            ]
            for answer in answers[:1] + answers[2:]:
                assert b" 403 " in answer and b"value of the secret API" in answer
            assert not any(each.decode() in repr(door.gate.effects) for each in forms(VALUE))
        assert all("q=" not in seen.target for seen in server.seen)

    play(scenario)


@pytest.mark.parametrize("form", range(len(forms(CANARY))))
@pytest.mark.parametrize("where", ["target", "header", "body", "long body", "opened"])
def test_a_canary_on_its_way_out_freezes_the_gate(play, form: int, where: str) -> None:
    said = forms(CANARY)[form]

    async def scenario(world) -> None:
        server = await world.https() if where == "opened" else await world.http()
        async with world.gate(inspect if where == "opened" else allow, canaries={"~/.aws/credentials": CANARY}) as door:
            place = f"api.test:{server.port}"
            if where == "opened":
                answer = await door.secure(place, "/", method="POST", body=said)
            elif where == "long body":
                body = b"x" * 65_530 + said + b"x" * (2 << 20)
                answer = await door.raw(
                    f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
            else:
                answer = await door.get(
                    f"http://{place}/" + ("?" + quote(said, safe="") if where == "target" else ""),
                    *([f"X: {said.decode()}"] if where == "header" else []),
                    method="POST",
                    body=said if where == "body" else b"",
                )
            assert b" 403 " in answer and b"content of ~/.aws/credentials" in answer
            [effect] = door.gate.effects
            assert (effect.change, effect.canary) == ("refused", "~/.aws/credentials")
            assert door.gate.frozen == "~/.aws/credentials"
            later = await door.get(f"http://{place}/")
            assert b" 403 " in later and b"frozen" in later
            answer, _, writer = await door.tunnel("other.test:443")
            writer.transport.abort()
            assert b" 403 " in answer and [e.change for e in door.gate.effects] == ["refused"] * 3
        assert server.seen == []

    play(scenario)


def test_a_canary_in_a_name_or_a_method(play) -> None:
    async def scenario(world) -> None:
        for request in (
            f"GET http://{CANARY.hex()}.test/ HTTP/1.1\r\nHost: {CANARY.hex()}.test\r\n\r\n",
            f"CONNECT {CANARY.hex()[:20]}.{CANARY.hex()[20:]}.test:443 HTTP/1.1\r\nHost: {CANARY.hex()[:20]}.{CANARY.hex()[20:]}.test\r\n\r\n",
            f"{CANARY.decode()} http://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        ):
            async with world.gate(deny, canaries={"key": CANARY}) as door:
                assert b" 403 " in await door.raw(request.encode())
                assert door.gate.frozen == "key"
                assert door.gate.effects[0].canary == "key"
        assert world.asked == []

    play(scenario)


def test_a_freeze_ends_what_is_on_its_way(play) -> None:
    async def scenario(world) -> None:
        async def hold(reader, writer) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(hold, "127.0.0.1", 0)
        place = f"api.test:{server.sockets[0].getsockname()[1]}"
        async with world.gate(canaries={"key": CANARY}) as door:
            reader, writer = await door.open()
            writer.write(f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\nContent-Length: 2\r\n\r\nab".encode())
            await until(lambda: [effect.sent for effect in door.gate.effects] == [2])
            await door.get(f"http://{place}/", method="POST", body=CANARY)
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.transport.abort()
            assert [effect.change for effect in door.gate.effects] == ["sent", "refused"]
        server.close()

    play(scenario)


@given(
    st.binary(max_size=200),
    st.binary(max_size=200),
    st.integers(0, 12),
    st.lists(st.integers(1, 80), min_size=1, max_size=8),
)
def test_a_watch_lets_no_part_of_a_token_through(before: bytes, after: bytes, form: int, steps: list[int]) -> None:
    said = forms(CANARY)[form]
    whole = before + said + after
    watch = Watch(Search([Token("canary", "key", CANARY)]))
    passed, at, number = b"", 0, 0
    with pytest.raises(Found):
        while at < len(whole):
            step = steps[number % len(steps)]
            passed += watch.feed(whole[at : at + step])
            at, number = at + step, number + 1
    assert before.startswith(passed)


@given(st.lists(st.binary(max_size=300)))
def test_a_watch_that_finds_nothing_lets_everything_through(pieces: list[bytes]) -> None:
    watch = Watch(Search([Token("canary", "key", CANARY)]))
    assert b"".join(map(watch.feed, pieces)) + watch.end() == b"".join(pieces)


def test_tokens_are_found_in_lines_of_base64_and_hex() -> None:
    search = Search([Token("canary", "key", CANARY), Token("canary", "lines", b"two lines\nof one canary")])
    for data in (
        encodebytes(b"x" * 47 + CANARY),
        re.sub(b"(.{7})", b"\\1\r\n", CANARY.hex().encode()),
        b"a two lines\nof one canary",
    ):
        assert search.find(data) is not None
    assert search.find(b"canary-5f2e9c71") is None


def test_where_a_secret_may_go() -> None:
    held = secret("api.test", "*.wild.test", "127.0.0.1", name="K")
    assert [host for host in ("api.test", "x.api.test", "wild.test", "a.wild.test", "a.b.wild.test", "evilwild.test", "127.0.0.1")
            if is_for(held, host)] == ["api.test", "a.wild.test", "a.b.wild.test", "127.0.0.1"]  # fmt: skip
    assert held.placeholder.startswith("agentrt-secret-K-") and held.placeholder != hold([held.secret])[0].placeholder


def test_a_value_no_request_can_carry_is_told_without_it(play) -> None:
    held = secret("api.test", value=" begins with a blank")

    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(inspect, secrets=[held]) as door:
            answer = await door.secure(f"api.test:{server.port}", "/", f"X-Key: {held.placeholder}")
            assert b" 400 " in answer and b"blank" not in answer
            [effect] = door.gate.effects
            assert effect.change == "refused" and "blank" not in repr(effect)
        assert server.seen == []

    play(scenario)


def test_what_the_journal_keeps_of_a_bad_request_has_no_value_in_it(play) -> None:
    held = secret("api.test", value="Value.of.a.secret")

    async def scenario(world) -> None:
        async with world.gate(allow, secrets=[held]) as door:
            for request in (
                "GET http://api.test/ HTTP/1.1\r\nHost: Value.of.a.secret\r\n\r\n",
                "GET http://me:Value.of.a.secret@api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
                "GET ftp://Value.of.a.secret/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
                "CONNECT Value.of.a.secret HTTP/1.1\r\nHost: x\r\n\r\n",
                "CONNECT Value.of.a.secret:1 HTTP/1.1\r\nHost: x\r\n\r\n",
                "Value.of.a.secret http://api.test/ HTTP/1.1\r\nHost: x\r\n\r\n",
                "GET http://api.test/Value.of.a.secret HTTP/1.1\r\nHost: api.test\r\n\r\n",
            ):
                assert b"HTTP/1.1 4" in await door.raw(request.encode())
            assert len(door.gate.effects) == 7 and "value.of" not in repr(door.gate.effects).lower()

    play(scenario)


def test_an_answer_before_the_end_of_the_question_arrives(play) -> None:
    async def scenario(world) -> None:
        async def impatient(reader, writer) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 413 Too much\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
            while await reader.read(1 << 20):
                pass
            writer.close()

        server = await asyncio.start_server(impatient, "127.0.0.1", 0)
        place = f"api.test:{server.sockets[0].getsockname()[1]}"
        async with world.gate() as door:
            head = f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\nContent-Length: {50 << 20}\r\n\r\n"
            answer = await door.raw(head.encode() + b"x" * (1 << 20))
            assert answer.startswith(b"HTTP/1.1 413 ") and answer.endswith(b"no!")
            assert (door.gate.effects[0].change, door.gate.effects[0].status) == ("sent", 413)
        server.close()

    play(scenario)


def test_a_secret_in_a_headers_name_or_in_the_status_line_does_not_come_back(play) -> None:
    value = "tok-8d1f9a27c3"
    held = secret("api.test", value=value)

    async def serve(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 {value}\r\nX-{value}: {value}\r\nContent-Length: 2\r\n\r\nok".encode())
        await writer.drain()
        writer.close()

    async def scenario(world) -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with world.gate(allow, secrets=[held]) as door:
            port = server.sockets[0].getsockname()[1]
            answer = await door.get(f"http://api.test:{port}/", f"X-Key: {held.placeholder}")
            assert value.encode() not in answer and answer.endswith(b"ok")
        server.close()

    play(scenario)
