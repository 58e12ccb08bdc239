"""What a turn costs: tokens times the prices of a table that users can edit.

The table that comes with agentrt is ``prices.yaml`` beside this file; entries of the user's own
(``$XDG_CONFIG_HOME/agentrt/prices.yaml``) go before it. A model
that is in neither costs what nobody knows: its tokens are counted, and that is all.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import Field

from agentrt.documents import Written, load_yaml, validate
from agentrt.homes import config_home
from agentrt.records import Usage

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""US dollars for a million tokens."""


class Rates(Written):
    """What tokens cost."""

    input: Dollars
    output: Dollars
    cached: Dollars | None = None
    """What came from the vendor's cache; as ``input`` where None."""
    cache_written: Dollars | None = None
    """What was written to it; as ``input`` where None."""

    def of(self, usage: Usage) -> float:
        """US dollars."""
        plain = usage.input_tokens - usage.cached_tokens - usage.cache_written_tokens
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.cache_written is None else self.cache_written
        tokens = (
            (plain, self.input),
            (usage.cached_tokens, cached),
            (usage.cache_written_tokens, written),
            (usage.output_tokens, self.output),
        )
        return sum(count * price for count, price in tokens) / 1_000_000


class LongRates(Rates):
    """Of a request that sends more than so many tokens, for all of it."""

    over: Annotated[int, Field(ge=1)]


class Price(Rates):
    """Of the models a pattern matches."""

    model: Annotated[str, Field(min_length=1)]
    """As the vendor names it; ``*`` stands for anything."""
    long: LongRates | None = None

    def of(self, usage: Usage) -> float:
        """US dollars, for one request."""
        if self.long is not None and usage.input_tokens > self.long.over:
            return self.long.of(usage)
        return super().of(usage)


class _Table(Written):
    prices: Annotated[tuple[Price, ...], Field(strict=False)]


class Prices:
    """The tables that are in force, the user's first. Of several entries that match, the first counts."""

    def __init__(self, prices: Sequence[Price]) -> None:
        self._prices = tuple(prices)

    @classmethod
    def load(cls) -> Prices:
        """Raises ``DocumentError`` for mistakes in the user's table."""
        own = users_table()
        files = [*([own] if own.is_file() else []), Path(__file__).with_name("prices.yaml")]
        return cls([price for file in files for price in validate(_Table, load_yaml(file)).prices])

    def priced(self, model: str, usage: Usage) -> Usage:
        """The same with what it costs, if that is known."""
        for price in self._prices:
            if fnmatchcase(model, price.model):
                return usage.model_copy(update={"cost_usd": price.of(usage)})
        return usage


def users_table() -> Path:
    return config_home() / "prices.yaml"
