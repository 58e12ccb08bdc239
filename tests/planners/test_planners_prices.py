"""What turns cost: by the user's table first, then by ours; of what is in neither only the tokens are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentrt.errors import DocumentError
from agentrt.planners.prices import Prices, users_table
from agentrt.records import Usage

MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's own is read."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "agentrt").mkdir()
    return tmp_path / "agentrt" / "prices.yaml"


def cost(model: str, usage: Usage = MILLION) -> float | None:
    return Prices.load().priced(model, usage).cost_usd


def test_ours_are_right_where_they_are_known(table: Path) -> None:
    assert cost("claude-opus-5-5") == 24
    assert cost("claude-haiku-4-5-20251001") == 6
    assert cost("claude-opus-5") == cost("claude-opus-4-8") == 30


def test_of_an_unknown_model_only_the_tokens_are_known(table: Path) -> None:
    assert Prices.load().priced("claude-opus-97", MILLION) == MILLION
    assert cost("") is None


def test_each_kind_of_tokens_has_its_price(table: Path) -> None:
    table.write_text(
        "prices: [{model: m, input: 1, output: 5, cached: 0.1, cache_written: 2}, {model: n, input: 1, output: 5}]"
    )
    usage = Usage(input_tokens=1000, cached_tokens=600, cache_written_tokens=300, output_tokens=10)
    assert cost("m", usage) == pytest.approx((100 * 1 + 600 * 0.1 + 300 * 2 + 10 * 5) / 1e6)
    assert cost("n", usage) == pytest.approx((1000 + 50) / 1e6)


def test_a_long_request_has_other_prices_for_all_of_it(table: Path) -> None:
    table.write_text("prices: [{model: m, input: 1, output: 5, long: {over: 100, input: 2, output: 10}}]")
    assert cost("m", Usage(input_tokens=100, output_tokens=1)) == pytest.approx(105 / 1e6)
    assert cost("m", Usage(input_tokens=101, output_tokens=1)) == pytest.approx(212 / 1e6)


def test_the_users_own_goes_first_and_the_first_that_matches_counts(table: Path) -> None:
    table.write_text(
        "prices:\n- {model: my-*-2, input: 0, output: 1}\n- {model: my-*, input: 0, output: 2}\n- {model: claude-opus-5-5, input: 0, output: 3}\n"
    )
    assert (cost("my-model-2"), cost("my-model-3"), cost("MY-model"), cost("claude-opus-5-5")) == (1, 2, None, 3)
    assert cost("claude-opus-5") == 30


@pytest.mark.parametrize(
    ("written", "place", "said"),
    [
        ("prices:\n- {model: m, input: 1}", "2:3", "`output` is missing"),
        ("prices:\n- {model: m, input: -1, output: 1}", "2:21", "`input` must be at least 0"),
        ("prices:\n- {model: m, input: .nan, output: 1}", "2:21", "`input` must be"),
        ("prices:\n- {model: m, input: 1, ouput: 1}", "2:24", "unknown key `ouput`"),
        ("prices:\n- {model: m, input: 1, output: free}", "2:32", "`output` must be a number"),
        ("price: []", "1:1", "unknown key `price`"),
        ("prices:\n- {model: m, input: 1, output: 1, long: {input: 1, output: 1}}", "2:41", "`over` is missing"),
        ("prices: [", "1:10", ""),
    ],
)
def test_a_mistake_in_the_users_own_is_told_with_its_place(table: Path, written: str, place: str, said: str) -> None:
    table.write_text(written)
    with pytest.raises(DocumentError) as raised:
        Prices.load()
    assert str(raised.value).startswith(f"{table}:{place}: ")
    assert said in str(raised.value)


def test_the_users_table_is_where_configuration_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    for configured in ("", "not/absolute"):
        monkeypatch.setenv("XDG_CONFIG_HOME", configured)
        assert users_table() == Path("/home/ann/.config/agentrt/prices.yaml")
