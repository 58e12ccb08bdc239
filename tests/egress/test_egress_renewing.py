"""A secret that is renewed on its way out, for whatever program inside asks."""

from __future__ import annotations

from egress_ground import Answer, allow

from agentrt.egress import Held
from agentrt.errors import UsageError
from agentrt.records import Grant, Secret

GRANT = Grant(api="x", token="https://x.test/token", client="agentrt", refresh="refresh-0", obtained=0)


def numbered(number: int) -> Secret:
    grant = GRANT.model_copy(update={"refresh": f"refresh-{number}"})
    return Secret(name="API", value=f"token-number-{number}", hosts=("api.test",), grant=grant)


def test_it_is_asked_for_with_what_the_other_side_thought_of_it(play) -> None:
    asked: list[tuple[str, bool]] = []

    def renew(secret: Secret, refused: bool) -> Secret:
        asked.append((secret.value, refused))
        return numbered(len(asked)) if refused or len(asked) == 1 else secret

    async def scenario(world) -> None:
        held = Held(numbered(0), "agentrt-secret-API-1", renew)
        statuses = [200, 401, 200]
        server = await world.http(
            lambda seen: Answer(
                status=statuses[len(asked) - 1], body=b"token-number-0 token-number-1 refresh-1 token-number-3"
            )
        )
        async with world.gate(allow, secrets=[held]) as door:
            url = f"http://api.test:{server.port}/"
            answers = [await door.get(url, f"Authorization: Bearer {held.placeholder}") for _ in range(3)]
            assert asked == [("token-number-0", False), ("token-number-1", False), ("token-number-1", True)]
            sent = [seen.headers["authorization"] for seen in server.seen]
            assert sent == ["Bearer token-number-1", "Bearer token-number-1", "Bearer token-number-3"]
            for old in ("token-number-0", "refresh-1", "token-number-3"):
                assert old.encode() not in answers[2]
                refused = await door.get(f"http://other.test:{server.port}/{old}")
                assert b"was on its way out" in refused and old.encode() not in refused
            assert len(server.seen) == 3

    play(scenario)


def test_what_cannot_be_renewed_is_not_sent(play) -> None:
    def renew(secret: Secret, refused: bool) -> Secret:
        raise UsageError("API has run out", hint="agentrt api login x")

    async def scenario(world) -> None:
        held = Held(numbered(0), "agentrt-secret-API-1", renew)
        server = await world.http()
        async with world.gate(allow, secrets=[held]) as door:
            answer = await door.get(f"http://api.test:{server.port}/", f"X-Key: {held.placeholder}")
            assert b" 403 " in answer and b"API has run out (agentrt api login x)" in answer
            (effect,) = door.gate.effects
        assert effect.change == "refused" and server.seen == []

    play(scenario)
