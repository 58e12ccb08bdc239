"""Prices, in cents."""

from __future__ import annotations

from collections.abc import Iterable


def total(prices: Iterable[int]) -> int:
    """What a basket costs."""
    return sum(prices)
