"""Where a key is looked for, where it may go, and that nothing that is said has it in it."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt import secrets
from agentrt.errors import DocumentError, UsageError
from agentrt.planners.anthropic import open_planner as open_anthropic
from agentrt.planners.keys import find_key, is_home, keep_out_of_logs, said_without, scrubbed, scrubbed_turn
from agentrt.planners.openai import open_planner
from agentrt.records import ProposedAction, Secret, Turn

KEY = 'sk-test+/"0123456789'
HERE = "https://api.example.com/v1"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("AGENTRT_PASSPHRASE", "a passphrase for a test")
    monkeypatch.delenv("SOME_KEY", raising=False)


def kept(*hosts: str) -> None:
    secrets.keep(Secret(name="SOME_KEY", value="from-the-secrets", hosts=hosts))


def test_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    kept("api.example.com")
    monkeypatch.setenv("SOME_KEY", f" {KEY}\n")
    assert find_key("SOME_KEY", url=HERE) == KEY


@pytest.mark.parametrize("empty", [None, "", "  \n"])
def test_then_the_secrets_do(monkeypatch: pytest.MonkeyPatch, empty: str | None) -> None:
    kept("api.example.com")
    if empty is not None:
        monkeypatch.setenv("SOME_KEY", empty)
    assert find_key("SOME_KEY", url=HERE) == "from-the-secrets"
    assert find_key("SOME_KEY", url="https://API.example.com:8443") == "from-the-secrets"


@pytest.mark.parametrize(
    ("hosts", "url", "goes"),
    [
        (["*.example.com"], "https://a.example.com", True),
        (["*.example.com"], "https://example.com", False),
        (["example.com"], "https://a.example.com", False),
        (["example.com"], "https://notexample.com", False),
        (["*.example.com"], "https://evil.com/a.example.com", False),
        (["127.0.0.1"], "http://127.0.0.1:8000", True),
    ],
)
def test_a_secret_goes_to_its_hosts_only(hosts: list[str], url: str, goes: bool) -> None:
    kept(*hosts)
    if goes:
        assert find_key("SOME_KEY", url=url) == "from-the-secrets"
        return
    with pytest.raises(UsageError, match="may go to") as raised:
        find_key("SOME_KEY", url=url, needed=False)
    assert "from-the-secrets" not in str(raised.value) + raised.value.hint
    assert "agentrt secrets set SOME_KEY --host" in raised.value.hint


def test_where_there_is_none_it_says_where_it_looked() -> None:
    with pytest.raises(UsageError, match=r"no key for api\.example\.com: neither .* SOME_KEY") as raised:
        find_key("SOME_KEY", url=HERE)
    assert "export SOME_KEY=" in raised.value.hint
    assert find_key("SOME_KEY", url="http://127.0.0.1:8000", needed=False) == "none"


@pytest.mark.parametrize("wrong", ["sk-one sk-two", "sk-\x1b[0m", "sk-one\nsk-two", "sk-schlüssel"])
def test_what_no_key_can_be_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("SOME_KEY", wrong)
    with pytest.raises(UsageError, match="SOME_KEY holds a character that no key has") as raised:
        find_key("SOME_KEY", url=HERE)
    assert "sk-" not in str(raised.value) + raised.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1",
        "https://api.openai.com.evil.example",
        "http://api.openai.com/v1",
        "https://xapi.openai.com",
    ],
)
def test_no_task_sends_a_vendors_own_variable_elsewhere(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(UsageError, match="the task would send OPENAI_API_KEY, of your environment, to ") as raised:
        open_planner({"provider": "openai", "model": "m", "base_url": url, "key": "OPENAI_API_KEY"}, folder=Path())
    assert "sk-" not in str(raised.value) + raised.value.hint
    for home in ("https://api.openai.com/v1", "https://eu.api.openai.com/v1", "http://127.0.0.1:1/v1"):
        assert find_key("OPENAI_API_KEY", url=home, by_task=True) == KEY
    monkeypatch.setenv("OPENAI_BASE_URL", url)  # the environment may say where its key goes
    assert find_key("OPENAI_API_KEY", url=url) == KEY


def test_a_vendors_name_without_tls_is_not_the_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_home("https://api.openai.com/v1", "api.openai.com")
    assert not is_home("http://api.openai.com/v1", "api.openai.com")


@pytest.mark.parametrize(
    "url", ["https://user:hunter2@gw.example/v1", "https://hunter2@gw.example", "hunter2", "https://["]
)
@pytest.mark.parametrize("provider", [open_planner, open_anthropic])
def test_a_url_of_the_environment_with_a_key_in_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, provider: Callable[..., object]
) -> None:
    for vendor in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{vendor}_BASE_URL", url)
        monkeypatch.setenv(f"{vendor}_API_KEY", KEY)
    name = "openai" if provider is open_planner else "anthropic"
    with pytest.raises(UsageError, match="holds no URL, or one with a key in it") as raised:
        provider({"provider": name, "model": "m"}, folder=Path())
    assert "hunter2" not in str(raised.value) + raised.value.hint


def test_a_key_in_place_of_its_name_is_not_shown() -> None:
    with pytest.raises(DocumentError, match="expected the name of a variable or a secret") as raised:
        open_planner({"provider": "openai", "model": "m", "key": "sk-123456789"}, folder=Path())
    assert "sk-" not in str(raised.value) + raised.value.hint


SPELLED: list[Callable[[str], str]] = [
    str,
    lambda key: quote(key, safe=""),
    lambda key: json.dumps(key)[1:-1],
    lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    lambda key: b64encode(b"Bearer " + key.encode()).decode(),
    lambda key: key.encode().hex(),
]


@pytest.mark.parametrize("spelled", SPELLED, ids=["plain", "url", "json", "escapes", "base64", "hex"])
def test_it_is_cut_out_in_every_spelling(spelled: Callable[[str], str]) -> None:
    said = spelled(KEY)
    core = said[4:-4] if said != KEY else "0123456789"
    assert core not in scrubbed(f"a {said} b \udcff", KEY)
    action = ProposedAction(call="1", kind="bash", arguments={"command": [said], said: {"x": said}}, malformed=said)
    turn = scrubbed_turn(Turn(text=said, actions=(action,), native={"content": [said]}, model=said), KEY)
    assert core not in json.dumps(turn.to_dict())
    assert turn.native is None and turn.actions[0].arguments["command"] != [said]


def test_what_has_no_key_in_it_stays_as_it_is() -> None:
    turn = Turn(text="a \ud800 \udcff 🦊", native={"content": [{"signature": "x" * 500}], "n": 1.5, "none": None})
    assert scrubbed_turn(turn, KEY) == turn
    assert scrubbed("none is needed", "none") == "none is needed"


@given(st.lists(st.integers(1, 30), max_size=10), st.sampled_from([KEY, quote(KEY, safe=""), "x" + KEY[:8]]))
def test_however_it_is_cut_it_is_not_heard(cuts: list[int], said: str) -> None:
    text, heard = f"Grüße: {said} and the rest", []
    hear = said_without(KEY, heard.append)
    rest = text
    for cut in cuts:
        hear(rest[:cut] or "\u2060")
        rest = rest[cut:]
    hear(rest or "\u2060")
    hear("")
    whole = "".join(heard).replace("\u2060", "")
    assert whole.startswith("Grüße: ") and whole.endswith(" and the rest")
    assert "0123456789" not in whole
    assert len(whole) == len(text)


def test_it_is_in_no_log_of_a_library(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    child = logging.getLogger("somelibrary.transport")
    keep_out_of_logs(KEY, "somelibrary.client")
    keep_out_of_logs(KEY, "somelibrary.client")
    for logger in (child, logging.getLogger("somelibrary.client")):
        logger.debug("sent %s", {"authorization": f"Bearer {KEY}"})
        try:
            raise ValueError(f"bad header {KEY}")
        except ValueError:
            logger.exception("failed")
    assert (caplog.text.count("sent {"), caplog.text.count("ValueError: bad header [key]")) == (2, 2)
    assert KEY not in caplog.text
    assert len(child.filters) == 1
