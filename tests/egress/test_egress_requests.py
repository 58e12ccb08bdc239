"""What goes through as it is, and what is kept of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

import pytest
from egress_ground import Answer, Door, allow, deny, inspect, until

from agentrt.egress import Gate, limits
from agentrt.records import Admission


def test_a_plain_request_goes_out_and_is_recorded(play) -> None:
    async def scenario(world) -> None:
        server = await world.http(
            lambda seen: Answer(b"world", headers={"X-Kept": "yes", "Connection": "X-Gone", "X-Gone": "1"})
        )
        async with world.gate() as door:
            url = f"http://api.test:{server.port}/a/./b/../c%20d?q=1"
            answer = await door.get(
                url, "X-Mine: 1", "Proxy-Authorization: Basic x", "TE: trailers", method="POST", body=b"four"
            )

            assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\nworld")
            assert b"X-Kept: yes" in answer and b"X-Gone" not in answer
            [seen] = server.seen
            assert (seen.method, seen.target, seen.body) == ("POST", "/a/c%20d?q=1", b"four")
            assert seen.headers == {"host": f"api.test:{server.port}", "x-mine": "1", "content-length": "4"}
            [effect] = door.gate.effects
            assert (effect.change, effect.method, effect.status, effect.sent, effect.received) == (
                "sent",
                "POST",
                200,
                4,
                5,
            )
            assert effect.url == f"http://api.test:{server.port}/a/c%20d"
            assert (effect.rule, effect.reversibility, effect.because) == ("t.yaml:1", "reversible", "")

    play(scenario)


def test_the_policy_is_asked_with_the_decoded_path(play) -> None:
    asked = []

    def admit(request):
        asked.append(request)
        return allow(request)

    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate(admit) as door:
            for path in ("/%61/../b%20c/", "/", "//x/@s%2fn", "/%c3%a9"):
                await door.get(f"http://API.test.:{server.port}{path}?secret=1")
        assert {(r.method, r.scheme, r.host, r.port) for r in asked} == {("GET", "http", "api.test", server.port)}
        assert [r.path for r in asked] == ["/b c/", "/", "//x/@s%2Fn", "/x/@s/n", "/é"]

    play(scenario)


def test_what_can_be_read_in_two_ways_must_be_allowed_in_both(play) -> None:
    def admit(request):
        return deny(request) if request.path.startswith("/admin/") else allow(request)

    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate(admit) as door:
            for path in ("/admin/x", "/admin%2fx", "//admin/x", "/a/../admin/x", "/%61dmin/x", "/x/%2e%2e/admin/x"):
                assert b" 403 " in await door.get(f"http://api.test:{server.port}{path}")
        assert server.seen == []

    play(scenario)


def test_a_refusal_is_an_answer_and_an_effect(play) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate(deny) as door:
            answer = await door.get(f"http://api.test:{server.port}/x")
            line = f"agentrt: GET http://api.test:{server.port}/x: not for agents (t.yaml:4)".encode()
            assert answer.startswith(b"HTTP/1.1 403 " + line) and answer.endswith(b"\r\n\r\n" + line + b"\n")
            [effect] = door.gate.effects
            assert (effect.change, effect.because, effect.rule) == ("refused", "not for agents", "t.yaml:4")
            assert effect.reversibility == "reversible" and effect.status is None
        assert server.seen == [] and world.asked == []

    play(scenario)


def test_a_policy_that_fails_lets_nothing_out(play) -> None:
    def admit(request):
        raise KeyError("oops")

    async def scenario(world) -> None:
        async with world.gate(admit) as door:
            assert b" 403 " in await door.get("http://api.test/x")
            assert "KeyError" in door.gate.effects[0].because

    play(scenario)


def test_a_conversation_goes_on_over_one_connection(play) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate() as door:
            reader, writer = await door.open()
            for number in range(3):
                writer.write(
                    f"GET http://api.test:{server.port}/{number} HTTP/1.1\r\nHost: api.test:{server.port}\r\n\r\n".encode()
                )
                assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 ")
            writer.transport.abort()
        assert [seen.target for seen in server.seen] == ["/0", "/1", "/2"]
        assert server.connections == 1 and world.asked == ["api.test"]

    play(scenario)


def test_a_connection_the_server_closed_is_not_used_again(play) -> None:
    async def scenario(world) -> None:
        server = await world.http(lambda seen: Answer(headers={"Connection": "close"}))
        async with world.gate() as door:
            reader, writer = await door.open()
            for number in range(3):
                writer.write(
                    f"GET http://api.test:{server.port}/{number} HTTP/1.1\r\nHost: api.test:{server.port}\r\n\r\n".encode()
                )
                assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 ")
            writer.transport.abort()
        assert len(server.seen) == 3 == server.connections

    play(scenario)


@pytest.mark.parametrize("size", [3 << 20, 200_000])
def test_large_bodies_both_ways(play, size: int) -> None:
    async def scenario(world) -> None:
        server = await world.http(
            lambda seen: Answer([seen.body[at : at + 50_000] for at in range(0, len(seen.body), 50_000)])
        )
        async with world.gate() as door:
            answer = await door.get(f"http://api.test:{server.port}/", method="PUT", body=b"x" * size)
            assert answer.count(b"x") >= size
            assert (door.gate.effects[0].sent, door.gate.effects[0].received) == (size, size)

    play(scenario)


def test_chunks_expectation_head_and_http_1_0(play) -> None:
    async def scenario(world) -> None:
        server = await world.http(lambda seen: Answer(seen.body or b"none"))
        place = f"api.test:{server.port}"
        async with world.gate() as door:
            chunked = f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            assert (await door.raw(chunked.encode() + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n")).endswith(
                b"abcde"
            )
            assert "trailer" not in server.seen[0].headers

            reader, writer = await door.open()
            writer.write(
                f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n".encode()
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
            assert (await _rest(reader, writer, b"xyz")).endswith(b"xyz")

            head = await door.get(f"http://{place}/", method="HEAD")
            assert b"Content-Length: 4" in head and head.endswith(b"\r\n\r\n")
            assert (await door.raw(f"GET http://{place}/ HTTP/1.0\r\n\r\n".encode())).endswith(b"none")

    play(scenario)


async def _rest(reader, writer, data: bytes) -> bytes:
    writer.write(data)
    found = await reader.read()
    writer.transport.abort()
    return found


def test_a_closed_tunnel(play) -> None:
    async def scenario(world) -> None:
        server = await world.https(lambda seen: Answer(b"x" * 100_000))
        trusting = ssl.create_default_context(cadata=world.outer.certificate.decode())
        async with world.gate() as door:
            reader, writer = await door.tls(f"api.test:{server.port}", trusting=trusting)
            answer = await _rest_tls(reader, writer, b"GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n")
            assert answer.endswith(b"x" * 100_000)
            [effect] = door.gate.effects
            assert (effect.change, effect.method, effect.url) == ("sent", "CONNECT", f"api.test:{server.port}")
            assert effect.reversibility == "unknown" and effect.received > 100_000 and effect.sent > 200

    play(scenario)


async def _rest_tls(reader, writer, data: bytes) -> bytes:
    writer.write(data)
    found = bytearray()
    while piece := await reader.read(65536):
        found += piece
    writer.transport.abort()
    return bytes(found)


def test_an_opened_tunnel(play) -> None:
    def admit(request):
        if request.path == "/no":
            return Admission(verdict="deny", rule="t.yaml:9", because="not this path")
        return inspect(request)

    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(admit) as door:
            answer = await door.secure(f"api.test:{server.port}", "/yes?q")
            assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello")
            answer = await door.secure(f"api.test:{server.port}", "/no")
            assert answer.startswith(b"HTTP/1.1 403 ") and b"not this path (t.yaml:9)" in answer
            told = [(e.change, e.method, e.url, e.rule) for e in door.gate.effects]
            url = f"https://api.test:{server.port}"
            assert told == [("sent", "GET", f"{url}/yes", "t.yaml:2"), ("refused", "GET", f"{url}/no", "t.yaml:9")]
        assert [seen.target for seen in server.seen] == ["/yes?q"]

    play(scenario)


def test_an_opened_tunnel_offers_http_1_1_only(play) -> None:
    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(inspect) as door:
            door.trusting.set_alpn_protocols(["h2", "http/1.1"])
            _, writer = await door.tls(f"api.test:{server.port}")
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
            writer.transport.abort()

    play(scenario)


def test_who_does_not_trust_the_authority_is_in_the_account(play) -> None:
    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(inspect) as door:
            with pytest.raises(ssl.SSLError):
                await door.tls(f"api.test:{server.port}", trusting=ssl.create_default_context())
            await until(lambda: "trust" in door.gate.effects[0].because)
            [effect] = door.gate.effects
            assert effect.change == "refused" and "trust" in effect.because

    play(scenario)


def test_a_server_that_is_not_who_it_says_is_refused(play) -> None:
    async def scenario(world) -> None:
        server = await world.https(name="other.test")
        async with world.gate(inspect) as door:
            answer = await door.secure(f"api.test:{server.port}", "/")
            assert answer.startswith(b"HTTP/1.1 502 ") and b"certificate of api.test is not to be trusted" in answer
            assert door.gate.effects[0].change == "refused"

    play(scenario)


def test_what_cannot_be_reached_or_breaks_off(play) -> None:
    async def broken(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def scenario(world) -> None:
        server = await asyncio.start_server(broken, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with world.gate() as door:
            assert b" 502 " in await door.get(f"http://api.test:{port}/")
            server.close()
            assert b"cannot be reached" in await door.get(f"http://api.test:{port}/")
            assert b"cannot be found" in await door.get("http://nowhere.example/")
            answer, _, writer = await door.tunnel("nowhere.example:443")
            writer.transport.abort()
            assert answer.startswith(b"HTTP/1.1 502 ")
            changes = [effect.change for effect in door.gate.effects]
        assert changes == ["sent", "refused", "refused", "refused"]

    play(scenario)


def test_what_is_open_at_the_end_of_the_action_ends_with_it(play) -> None:
    async def scenario(world) -> None:
        async def hold(reader, writer) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(hold, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with world.gate() as door:
            idle, waiting = await door.open(), await door.open()
            waiting[1].write(
                f"POST http://api.test:{port}/ HTTP/1.1\r\nHost: api.test:{port}\r\nContent-Length: 2\r\n\r\nab".encode()
            )
            half = await door.open()
            half[1].write(
                f"POST http://api.test:{port}/ HTTP/1.1\r\nHost: api.test:{port}\r\nContent-Length: 20\r\n\r\nab".encode()
            )
            gate = door.gate
            await until(lambda: [effect.sent for effect in gate.effects] in ([2, 0], [0, 2]))
        for reader, writer in (idle, waiting, half):
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.transport.abort()
        server.close()
        told = sorted((effect.change, effect.sent, effect.because.partition(" before")[0]) for effect in gate.effects)
        assert told == [("refused", 0, "the action ended"), ("sent", 2, "")]

    play(scenario)


def test_who_knocked_on_a_closed_gate_is_turned_away(play) -> None:
    """A process of an earlier action must not speak in the name of a later one."""

    async def scenario(world) -> None:
        server = await world.http()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            before = socket.create_connection(listener.getsockname())
            before.sendall(f"GET http://api.test:{server.port}/ HTTP/1.0\r\n\r\n".encode())
            async with Gate(allow, authority=world.authority, resolver=world.resolver) as gate:
                gate.start(listener)
                await asyncio.sleep(0.1)
            assert gate.effects == () and server.seen == []
            before.close()

    play(scenario)


def test_slow_and_idle_clients_are_in_nobodys_way(play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IDLE_SECONDS", 0.3)

    async def scenario(world) -> None:
        server = await world.http(lambda seen: Answer(b"x" * (8 << 20)))
        async with world.gate() as door:
            idle = [await door.open() for _ in range(limits.CONNECTIONS - 1)]
            slow_reader, slow_writer = await door.open()
            slow_writer.write(f"GET http://api.test:{server.port}/ HTTP/1.0\r\n\r\n".encode())
            answer = await door.get(f"http://api.test:{server.port}/")  # the 65th: as soon as one has been idle
            assert answer.endswith(b"x" * (8 << 20))
            for _, writer in (*idle, (slow_reader, slow_writer)):
                writer.transport.abort()

    play(scenario)


def test_a_tunnel_that_is_open_at_the_end_of_the_action_is_in_the_account(play) -> None:
    async def scenario(world) -> None:
        server = await world.https()
        trusting = ssl.create_default_context(cadata=world.outer.certificate.decode())
        async with world.gate() as door:
            reader, writer = await door.tls(f"api.test:{server.port}", trusting=trusting)
        with pytest.raises(OSError):
            while await asyncio.wait_for(reader.read(65536), 5):
                pass
            raise OSError("at its end")
        writer.transport.abort()
        [effect] = door.gate.effects
        assert effect.change == "sent" and effect.sent > 200 and effect.received > 500

    play(scenario)


def test_an_action_has_so_many_requests_and_no_more(play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUESTS", 2)

    async def scenario(world) -> None:
        server = await world.http()
        async with world.gate() as door:
            answers = [await door.get(f"http://api.test:{server.port}/") for _ in range(3)]
            assert [answer[9:12] for answer in answers] == [b"200", b"200", b"403"]
            assert len(door.gate.effects) == 2 == len(server.seen)

    play(scenario)


def test_a_sandbox_that_goes_away_leaves_the_gate_to_be_closed(play) -> None:
    async def scenario(world) -> None:
        server = await world.http()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            async with Gate(allow, authority=world.authority, resolver=world.resolver) as gate:
                gate.start(listener)
                listener.close()
                door = Door(gate, port, world.authority)
                assert b" 200 " in await door.get(f"http://api.test:{server.port}/")
            with pytest.raises(OSError):
                await door.open()

    play(scenario)


@pytest.mark.parametrize(("said", "recorded"), [("reversible", "unknown"), ("irreversible", "irreversible")])
def test_what_a_rule_calls_irreversible_is_so_where_nothing_is_seen(play, said, recorded) -> None:
    """Or a budget of what is irreversible would count no such tunnel."""

    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(lambda request: allow(request).model_copy(update={"reversibility": said})) as door:
            door.trusting = ssl.create_default_context(cadata=world.outer.certificate.decode())
            assert b" 200 " in await door.secure(f"api.test:{server.port}", "/")
            assert [effect.reversibility for effect in door.gate.effects] == [recorded]
            assert door.gate.committed.irreversible == (said == "irreversible")

    play(scenario)
