"""Logging in at a service: what is asked for, what is kept, and everything that ends it."""

from __future__ import annotations

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import keyring
import pytest
from keyring.backends import fail
from oauth_ground import Server, written

from agentrt.cli import login as command
from agentrt.errors import Denied, DocumentError, UsageError
from agentrt.oauth import device, loopback
from agentrt.oauth.login import login
from agentrt.oauth.scopes import wanted
from agentrt.records import Secret
from agentrt.secrets import store
from agentrt.tools import apis
from agentrt.tools.apis.oauth import service_of

pytestmark = pytest.mark.anyio
NET = {"hosts": ["127.0.0.1"], "private": True}


@pytest.fixture(autouse=True)
def place(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AGENTRT_PASSPHRASE", "correct horse")
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


def written_pack(tmp_path: Path, text: str) -> Any:
    (folder := tmp_path / "config/agentrt/apis").mkdir(parents=True, exist_ok=True)
    (folder / "things.yaml").write_text(text)
    return apis.find("things")


async def logged_in(
    tmp_path: Path, server: Server, flow: str, answer: Callable[[str], str] | None = None
) -> tuple[list[str], Any]:
    """What a person was told, and what was kept."""
    told: list[str] = []
    browsers: list[asyncio.Task[Any]] = []

    def show(page: str) -> None:
        back = (answer or server.approve)(page)
        browsers.append(asyncio.create_task(asyncio.to_thread(_get, back)))

    service = service_of(written_pack(tmp_path, server.pack(flow)))
    try:
        return told, await login(service, ("offline", "things.read"), tell=told.append, show=show)
    finally:
        await asyncio.gather(*browsers)


def _get(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("flow", ["device", "pkce"])
async def test_a_token_is_kept_for_its_host(tmp_path: Path, server: Server, flow: str) -> None:
    told, (kept, _) = await logged_in(tmp_path, server, flow)
    assert (kept.name, kept.hosts) == ("THINGS_TOKEN", ("127.0.0.1",))
    (found,) = store.load(["THINGS_TOKEN"])
    (given,) = server.logins
    assert found.value in given.access and given.scope == "offline things.read"
    assert found.grant is not None and found.grant.refresh == given.refresh and found.grant.expires is not None
    assert not any(token in line for token in server.issued for line in told)
    assert written(server.issued, tmp_path) == []


async def test_a_secret_of_the_client_is_sent_to_the_token_endpoint_alone(tmp_path: Path, server: Server) -> None:
    server.client_secret = "client-secret"
    text = server.pack("pkce", "${THINGS_CLIENT}").replace(
        "    scopes: [offline]", "    client_secret: ${THINGS_CLIENT_SECRET}"
    )
    service = service_of(written_pack(tmp_path, text))
    with pytest.raises(UsageError, match="THINGS_CLIENT is not kept here") as error:
        await login(service, (), tell=print, show=print)
    assert "agentrt secrets set THINGS_CLIENT --host 127.0.0.1" in error.value.hint
    store.keep(Secret(name="THINGS_CLIENT", value="client-of-tests", hosts=("127.0.0.1",)))
    store.keep(Secret(name="THINGS_CLIENT_SECRET", value="client-secret", hosts=("example.com",)))
    with pytest.raises(UsageError, match=r"THINGS_CLIENT_SECRET is not meant for 127\.0\.0\.1"):
        await login(service, (), tell=print, show=print)
    store.keep(Secret(name="THINGS_CLIENT_SECRET", value="client-secret", hosts=("127.0.0.1",)))
    pages: list[str] = []

    def show(page: str) -> None:
        pages.append(page)
        asyncio.get_running_loop().run_in_executor(None, _get, server.approve(page))

    await login(service, (), tell=print, show=show)
    assert "client-secret" not in pages[0] and len(server.logins) == 1


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"state": "another"}, UsageError, "no answer to this login"),
        ({"state": ""}, UsageError, "no answer to this login"),
        ({"code": ""}, UsageError, "no answer to this login"),
        ({"code": "made-up"}, UsageError, "gave no token: invalid_grant"),
        ({"error": "access_denied"}, Denied, "was declined"),
        ({"error": "invalid_scope"}, UsageError, "let nobody log in"),
    ],
)
async def test_what_comes_back_wrong_is_kept_nowhere(
    tmp_path: Path, server: Server, change: dict[str, str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        await logged_in(tmp_path, server, "pkce", lambda page: server.approve(page, **change))
    assert store.names() == () and server.logins == []
    assert ("POST /token" in server.seen) == (change.get("code") == "made-up")


async def test_a_code_twice_over_is_no_answer(tmp_path: Path, server: Server) -> None:
    with pytest.raises(UsageError, match="no answer to this login"):
        await logged_in(tmp_path, server, "pkce", lambda page: server.approve(page) + "&code=other")
    assert store.names() == ()


async def test_the_code_of_another_verifier_gives_nothing(tmp_path: Path, server: Server) -> None:
    def stolen(page: str) -> str:
        back = server.approve(page)
        (asked,) = server.codes.values()
        asked["code_challenge"] = "another"
        return back

    with pytest.raises(UsageError, match="invalid_grant"):
        await logged_in(tmp_path, server, "pkce", stolen)


async def test_the_listener_answers_its_path_once_and_here_only(tmp_path: Path, server: Server) -> None:
    seen: list[Any] = []

    def browser(page: str) -> str:
        redirect = urlsplit(parse_qs(urlsplit(page).query)["redirect_uri"][0])
        silent = socket.create_connection(("127.0.0.1", redirect.port or 0))  # as browsers do, just in case
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.2", redirect.port or 0), timeout=1)
        seen.extend([redirect, silent])
        return server.approve(page)

    def show(page: str) -> None:
        back = browser(page)

        def ask() -> None:
            seen.append(_get(f"http://127.0.0.1:{seen[0].port}/favicon.ico"))
            seen.append(_get(back))

        asked.append(asyncio.create_task(asyncio.to_thread(ask)))

    asked: list[asyncio.Task[None]] = []
    service = service_of(written_pack(tmp_path, server.pack("pkce")))
    await login(service, (), tell=print, show=show)
    await asyncio.gather(*asked)
    assert seen[2:] == [404, 200]
    seen[1].close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", seen[0].port), timeout=1)


async def test_nobody_says_yes(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "SECONDS", 0.2)
    service = service_of(written_pack(tmp_path, server.pack("pkce")))
    with pytest.raises(UsageError, match="nobody said yes within"):
        await login(service, (), tell=print, show=lambda page: None)
    assert store.names() == ()


async def test_the_device_flow_waits_as_it_is_told(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_MORE", 0.3)
    server.script = ["authorization_pending", "slow_down", "authorization_pending"]
    told, _ = await logged_in(tmp_path, server, "device")
    assert f"open {server.url}/activate and enter the code WDJB-MJHT" in told
    first, second, third, fourth = server.polls
    assert second - first < 0.25 and third - second >= 0.3 and fourth - third >= 0.3


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ("access_denied", Denied, "was declined"),
        ("expired_token", UsageError, "nobody said yes in time"),
        ("invalid_client", UsageError, "gave no token: invalid_client"),
        ("Some <b>words</b>", UsageError, "an error without a code"),
    ],
)
async def test_the_device_flow_ends(
    tmp_path: Path, server: Server, answer: str, error: type[Exception], said: str
) -> None:
    server.script = ["authorization_pending", answer]
    with pytest.raises(error, match=said):
        await logged_in(tmp_path, server, "device")
    assert store.names() == () and len(server.polls) == 2


async def test_the_token_endpoint_leads_nowhere_else(tmp_path: Path, server: Server) -> None:
    other = Server()
    try:
        server.redirects_token = f"{other.url}/token"
        with pytest.raises(UsageError, match="gave no token"):
            await logged_in(tmp_path, server, "pkce")
        assert other.seen == []
    finally:
        other.close()


def scopes_of(tmp_path: Path, workspace: Path, server: Server, policy: str) -> Any:
    from agentrt.cli.policy import opened
    from agentrt.contracts import Context

    (tmp_path / "policy.yaml").write_text(policy.replace("PORT", str(server.port)))
    service = service_of(written_pack(tmp_path, server.pack("device")))
    context = Context(workspace=str(workspace), session="", attended=True)
    return wanted(service, command._asked(service, opened(str(tmp_path / "policy.yaml"), workspace), context))


HERE = "hosts: [127.0.0.1], ports: [PORT], private: true"


@pytest.mark.parametrize(
    ("policy", "scopes"),
    [
        (f"network: [{{{HERE}}}]", "offline things.read things.write"),  # nothing irreversible is in the budget
        (f"network: [{{{HERE}}}]\nbudget: {{irreversible: 5}}", "offline things.read things.write things.admin"),
        (f"network: [{{{HERE}, methods: [GET]}}]", "offline things.read"),
        (f"network: [{{{HERE}, paths: [/api/things/7]}}]", "offline things.read"),
        (f"network: [{{{HERE}, paths: [/api/things/*/more]}}]", None),
        (f"network: [{{{HERE}, methods: [POST], paths: [/api/purge], hold: true}}]", "offline things.admin"),
        (f"network: [{{{HERE}}}, {{hosts: ['**'], verdict: deny, methods: [POST]}}]", "offline things.read"),
        (f"network: [{{{HERE}}}]\ndecide: [{{verdict: deny, actions: [api]}}]", None),
        (f"network: [{{{HERE}}}]\ndecide: [{{verdict: ask, actions: [api]}}]", "offline things.read things.write"),
        ("network: none", None),
    ],
)
def test_only_what_the_policy_lets_out_is_asked_for(
    tmp_path: Path, workspace: Path, server: Server, policy: str, scopes: str | None
) -> None:
    found = scopes_of(tmp_path, workspace, server, policy)
    if scopes is None:
        assert found.allowed == ()
    else:
        assert " ".join(found.scopes) == scopes


def test_what_is_left_out_is_told_with_its_rule(tmp_path: Path, workspace: Path, server: Server) -> None:
    found = scopes_of(tmp_path, workspace, server, f"network:\n  - {{{HERE}, methods: [GET]}}\n")
    assert found.allowed == ("show", "echo") and "policy.yaml:1" in found.left_out["make"]


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("token: {url}/token", "token: http://example.com/token", "10:12", "an endpoint is asked by https"),
        ("token: {url}/token", "token: '{url}/token?x=1'", "10:12", "has no `?`"),
        ("device: {url}/device", "flow: pkce", "8:3", "needs `authorize`"),
        ("    scopes: [offline]", "    redirect: http://localhost:1/", "12:15", "http://127.0.0.1:PORT/PATH"),
        ("    scopes: [offline]", "    client_secret: shown", "12:20", "never the text"),
        ("    scopes: [offline]", "    ask: {state: x}", "12:11", "agentrt itself"),
        ("    scopes: [offline]", "    scope: [offline]", "12:5", "did you mean `scopes`"),
        ("    scopes: [offline]", "    scopes: [a b]", "12:14", "no blanks"),
    ],
)
def test_mistakes_are_told_where_they_are(
    tmp_path: Path, server: Server, old: str, new: str, at: str, said: str
) -> None:
    text = server.pack("device").replace(old.replace("{url}", server.url), new.replace("{url}", server.url))
    with pytest.raises(DocumentError) as error:
        written_pack(tmp_path, text)
    assert f"things.yaml:{at}" in str(error.value) and said in f"{error.value} {error.value.hint}"


def test_scopes_need_somebody_to_ask(tmp_path: Path, server: Server) -> None:
    text = server.pack("device")
    begin, end = text.index("  oauth:"), text.index("operations:")
    with pytest.raises(DocumentError, match="nobody to ask for scopes"):
        written_pack(tmp_path, text[:begin] + text[end:])


@pytest.mark.parametrize("name", ["dropbox", "github", "gmail", "spotify"])
def test_shipped_packs_can_be_logged_in_to(name: str) -> None:
    pack = apis.load(apis.OURS / f"{name}.yaml")
    service = service_of(pack)
    assert service.token.startswith("https://") and service.endpoint.startswith("https://")
    assert all(operation.scopes for operation in pack.operations.values())
