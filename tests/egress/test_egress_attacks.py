"""What somebody inside could try in order to get further than the policy lets them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress

import pytest
from egress_ground import Answer, allow, deny, inspect, public
from hypothesis import given
from hypothesis import strategies as st
from test_egress_hello import made, named, spoken

from agentrt.egress import Authority, Gate, limits
from agentrt.records import Admission, Request

AUTHORITY = Authority()


def only(host: str, admit=allow):
    return lambda request: admit(request) if request.host == host else deny(request)


# ---------------------------------------------------------------------------------------------------- where it goes


def test_the_name_is_resolved_once_and_the_address_looked_at_is_the_one_connected_to(play) -> None:
    """DNS rebinding: the second look-up would say another address."""

    async def scenario(world) -> None:
        server = await world.http()
        answers = iter([["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1"]])

        async def resolver(host: str, port: int):
            world.asked.append(host)
            return next(answers)

        world.resolver = resolver
        async with world.gate() as door:
            reader, writer = await door.open()
            for _ in range(2):
                writer.write(
                    f"GET http://api.test:{server.port}/ HTTP/1.1\r\nHost: api.test:{server.port}\r\n\r\n".encode()
                )
                await reader.readuntil(b"hello")
            writer.transport.abort()
            assert world.asked == ["api.test"] and len(server.seen) == 2

    play(scenario)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["169.254.169.254"], ["1.1.1.1", "10.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]]
)
def test_a_name_that_leads_inwards_is_refused(play, addresses: list[str]) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        world.names["evil.test"] = addresses
        async with world.gate(public) as door:
            answer = await door.get(f"http://evil.test:{server.port}/")
            assert answer.startswith(b"HTTP/1.1 403 ") and b"no public address" in answer
            answer, _, writer = await door.tunnel(f"evil.test:{server.port}")
            writer.transport.abort()
            assert answer.startswith(b"HTTP/1.1 403 ")
            assert {effect.change for effect in door.gate.effects} == {"refused"}
        assert server.connections == 0

    play(scenario)


def test_a_name_that_is_meant_to_be_private_is_still_not_where_keys_are_handed_out(play) -> None:
    async def scenario(world) -> None:
        world.names["internal.test"] = ["169.254.169.254"]
        async with world.gate(allow) as door:
            assert b"no public address" in await door.get("http://internal.test/")

    play(scenario)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0.0.0.0"],
)
def test_an_address_is_looked_at_like_a_name(play, host: str) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate(public) as door:
            answer = await door.get(f"http://{host}:{server.port}/latest/meta-data/")
            assert answer.startswith(b"HTTP/1.1 403 ") and b"no public address" in answer
        assert server.connections == 0 and world.asked == []

    play(scenario)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.0.0.1", "127.1", "0177.0.0.1", "a%00.test", "a_b.test", "[fe80::1%25lo]"]
)
def test_odd_hosts_never_reach_the_policy(play, host: str) -> None:
    def admit(request: Request) -> Admission:
        raise AssertionError(request)

    async def scenario(world) -> None:
        async with world.gate(admit) as door:
            assert b"HTTP/1.1 400 " in await door.get(f"http://{host}/")
            answer, _, writer = await door.tunnel(f"{host}:443")
            writer.transport.abort()
            assert answer.startswith(b"HTTP/1.1 400 ")

    play(scenario)


@pytest.mark.parametrize(
    "start",
    [
        *(
            b"CONNECT api.test\0.evil.test:443 HTTP/1.1",
            b"CONNECT api.test\r:443 HTTP/1.1",
            b"CONNECT api.test HTTP/1.1",
        ),
        *(
            b"CONNECT api.test:443@evil.test:443 HTTP/1.1",
            b"CONNECT http://api.test:443 HTTP/1.1",
            b"CONNECT /x HTTP/1.1",
        ),
        *(
            b"GET ftp://api.test/x HTTP/1.1",
            b"GET /x HTTP/1.1",
            b"OPTIONS * HTTP/1.1",
            b"GET https://api.test/ HTTP/1.1",
        ),
        *(
            b"GET http://u:p@api.test/ HTTP/1.1",
            b"GET http://api.test/ HTTP/2.0",
            b"PRI * HTTP/2.0",
            b"\x05\x01\x00",
            b"\x16\x03\x01",
        ),
    ],
)
def test_what_is_no_request_to_a_proxy_is_a_bad_one(play, start: bytes) -> None:
    async def scenario(world) -> None:
        async with world.gate() as door:
            answer = await door.raw(start + b"\r\nHost: api.test\r\n\r\n")
            assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 ")), answer
            assert [effect.change for effect in door.gate.effects] == ["refused"]
            assert "u:p" not in door.gate.effects[0].url
        assert world.asked == []

    play(scenario)


# ------------------------------------------------------------------------------------------------------ smuggling


@pytest.mark.parametrize(
    "headers",
    [
        *("Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4"),
        *(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding: xchunked",
            "Content-Length: 4\r\nContent-Length: 5",
        ),
        *(
            "Transfer-Encoding : chunked",
            "Content-Length: +4",
            "Content-Length: 4, 5",
            "Transfer-Encoding: chunked, identity",
        ),
        *("X: a\rb", "X: a\0b", "X y: z", ": z", "Host: api.test\r\nHost: evil.test", "Content-Length: 0x4"),
    ],
)
def test_a_message_whose_end_can_be_read_in_two_ways_is_not_passed_on(play, headers: str) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate() as door:
            place = f"api.test:{server.port}"
            head = f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\n{headers}\r\n\r\n"
            answer = await door.raw(head.encode() + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")
            assert answer[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5"), answer
        assert server.seen == []

    play(scenario)


def test_a_folded_header_arrives_as_one_line(play) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate() as door:
            await door.get(f"http://api.test:{server.port}/", "X: a\r\n Host: evil.test")
        [seen] = server.seen
        assert seen.headers["x"] == "a Host: evil.test" and seen.headers["host"] == f"api.test:{server.port}"

    play(scenario)


def test_nothing_beyond_a_body_is_part_of_it(play) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate(lambda request: deny(request) if request.path == "/b" else allow(request)) as door:
            place = f"api.test:{server.port}"
            one = f"POST http://{place}/a HTTP/1.1\r\nHost: {place}\r\nContent-Length: 2\r\n\r\nok"
            two = f"GET http://{place}/b HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n"
            answer = await door.raw((one + two).encode())
            assert answer.count(b"HTTP/1.1 ") == 2 and b"403" in answer
        assert [(seen.target, seen.body) for seen in server.seen] == [("/a", b"ok")]

    play(scenario)


def test_a_host_header_for_somebody_else(play) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate() as door:
            for said in ("evil.test", f"evil.test:{server.port}", "api.test", "api.test:1", ""):
                answer = await door.raw(f"GET http://api.test:{server.port}/ HTTP/1.1\r\nHost: {said}\r\n\r\n".encode())
                assert answer.startswith(b"HTTP/1.1 400 "), said
            answer = await door.raw(
                f"CONNECT api.test:{server.port} HTTP/1.1\r\nHost: evil.test:{server.port}\r\n\r\n".encode()
            )
            assert answer.startswith(b"HTTP/1.1 400 ")
        assert server.seen == []

    play(scenario)


def test_other_protocols_than_http_are_not_switched_to(play) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate() as door:
            answer = await door.get(f"http://api.test:{server.port}/", "Upgrade: websocket", "Connection: Upgrade")
            assert b" 403 " in answer and b"websocket is not passed on" in answer
            answer = await door.get(
                f"http://api.test:{server.port}/",
                "Upgrade: h2c",
                "Connection: Upgrade, HTTP2-Settings",
                "HTTP2-Settings: x",
            )
            assert b" 200 " in answer
        assert not {"upgrade", "http2-settings", "connection"} & set(server.seen[0].headers)

    play(scenario)


def test_heads_have_a_limit(play) -> None:
    async def scenario(world) -> None:
        async with world.gate() as door:
            assert (await door.get("http://api.test/", "X: " + "y" * (3 * limits.HEAD_BYTES))).startswith(
                b"HTTP/1.1 431 "
            )

    play(scenario)


# -------------------------------------------------------------------------------------------------------- tunnels


async def after_connect(door, target: str, data: bytes) -> bytes:
    answer, reader, writer = await door.tunnel(target)
    assert answer.startswith(b"HTTP/1.1 200 ")
    writer.write(data)
    found = bytearray()
    try:
        while piece := await asyncio.wait_for(reader.read(65536), 10):
            found += piece
    except ConnectionError:
        pass  # what came by then counts
    writer.transport.abort()
    return bytes(found)


@pytest.mark.parametrize("admit", [allow, inspect])
@pytest.mark.parametrize(
    ("first", "because"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n", "not TLS"),
        (b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n", "not TLS"),
        (spoken("evil.test"), "TLS is for evil.test, the tunnel is for api.test"),
        (spoken(None), "does not say whom"),
        (made(named(b"api.test", b"evil.test")), "read as several"),
        (made(named(b"api.test\0")), "no name"),
    ],
)
def test_a_tunnel_carries_tls_to_its_own_host_and_nothing_else(play, admit, first: bytes, because: str) -> None:
    got = bytearray()

    async def listen(reader, writer) -> None:
        got.extend(await reader.read())
        writer.close()

    async def scenario(world) -> None:
        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        async with world.gate(admit) as door:
            answer = await after_connect(door, f"api.test:{server.sockets[0].getsockname()[1]}", first)
            assert answer == bytes((21, 3, 1, 0, 2, 2, 49))
            [effect] = door.gate.effects
            assert (effect.change, effect.method) == ("refused", "CONNECT") and because in effect.because
            await asyncio.sleep(0.02)
        server.close()
        assert got == b""

    play(scenario)


def test_a_hidden_name_is_refused_where_the_tunnel_stays_closed(play) -> None:
    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate() as door:
            await after_connect(door, f"api.test:{server.port}", made(named(b"api.test"), (0xFE0D, b"x")))
            assert "Encrypted Client Hello" in door.gate.effects[0].because

    play(scenario)


def test_who_waits_to_be_spoken_to_is_not_tls(play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HELLO_SECONDS", 0.1)

    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate() as door:
            await after_connect(door, f"api.test:{server.port}", b"")
            assert "waits to be spoken to" in door.gate.effects[0].because

    play(scenario)


def test_tls_to_an_address_needs_no_name(play) -> None:
    async def scenario(world) -> None:
        server = await world.https(name="127.0.0.1")
        async with world.gate() as door:
            trusting = ssl.create_default_context(cadata=world.outer.certificate.decode())
            _, writer = await door.tls(f"127.0.0.1:{server.port}", trusting=trusting)
            writer.transport.abort()
        async with world.gate(inspect) as door:
            assert (await door.secure(f"127.0.0.1:{server.port}", "/")).endswith(b"hello")

    play(scenario)


def test_inside_an_opened_tunnel_only_its_own_host_is_asked(play) -> None:
    async def scenario(world) -> None:
        server = await world.https()
        target = f"api.test:{server.port}"
        async with world.gate(inspect) as door:
            for request in (
                f"GET / HTTP/1.1\r\nHost: evil.test:{server.port}\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n",
                f"GET http://evil.test/ HTTP/1.1\r\nHost: {target}\r\n\r\n",
                f"GET https://{target}/ HTTP/1.1\r\nHost: {target}\r\n\r\n",
                f"CONNECT evil.test:443 HTTP/1.1\r\nHost: {target}\r\n\r\n",
            ):
                reader, writer = await door.tls(target)
                writer.write(request.encode())
                answer = await reader.read(65536)
                writer.transport.abort()
                assert answer.startswith(b"HTTP/1.1 400 "), request
        assert server.seen == []

    play(scenario)


def test_the_policy_may_open_and_then_still_refuse_a_private_address(play) -> None:
    def admit(request: Request) -> Admission:
        return Admission(verdict="inspect" if request.path is None else "allow", rule="r")

    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(admit) as door:
            answer = await door.secure(f"api.test:{server.port}", "/")
            assert answer.startswith(b"HTTP/1.1 403 ") and b"no public address" in answer
        assert server.connections == 0

    play(scenario)


def test_an_answer_of_inspect_to_a_request_that_is_seen_is_no_permission(play) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate(lambda request: Admission(verdict="inspect", rule="r", private=True)) as door:
            assert b" 403 " in await door.get(f"http://api.test:{server.port}/")
        assert server.seen == []

    play(scenario)


def test_a_redirect_is_only_told(play) -> None:
    async def scenario(world) -> None:
        server = await world.http(
            lambda seen: Answer(status=302, headers={"Location": "http://169.254.169.254/latest"})
        )
        async with world.gate(only("api.test")) as door:
            answer = await door.get(f"http://api.test:{server.port}/")
            assert b" 302 " in answer and b"Location: http://169.254.169.254/latest" in answer
            assert b" 403 " in await door.get("http://169.254.169.254/latest")
        assert world.asked == ["api.test"]

    play(scenario)


def test_one_authority_is_not_the_other(play) -> None:
    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(inspect) as door:
            with pytest.raises(ssl.SSLError):
                await door.tls(
                    f"api.test:{server.port}",
                    trusting=ssl.create_default_context(cadata=Authority().certificate.decode()),
                )

    play(scenario)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                [
                    b"GET",
                    b"CONNECT",
                    b"POST",
                    b" ",
                    b"http://api.test",
                    b":",
                    b"1",
                    b"/",
                    b"%2f",
                    b"..",
                    b" HTTP/1.1",
                    b"\r\n",
                    b"\n",
                    b"Host: api.test",
                    b"Content-Length: 3",
                    b"Transfer-Encoding: chunked",
                    b"\r\n\r\n",
                    b"abc",
                    b"0",
                    b"\xff",
                    b"\x00",
                ]
            ),
            max_size=30,
        ).map(b"".join),
    )
)
def test_whatever_bytes_the_gate_stands_and_lets_nothing_out(data: bytes) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with Gate(deny, authority=AUTHORITY) as gate:
                gate.start(listener)
                reader, writer = await asyncio.open_connection(*listener.getsockname())
                with suppress(OSError):
                    writer.write(data)
                    writer.write_eof()
                    await reader.read()
                writer.transport.abort()
            assert {effect.change for effect in gate.effects} <= {"refused"}
        await asyncio.sleep(0)

    asyncio.run(scenario())
