"""Sizes, times and counts as people write them."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import PlainValidator

from agentrt.documents import describe

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kKMGT]i?)?B")
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_TIME = re.compile(r"(?:(\d+)d)? ?(?:(\d+)h)? ?(?:(\d+)m)? ?(?:(\d+(?:\.\d+)?)s)?")


def parse_size(value: object) -> int:
    """Bytes: ``4096``, ``64MB`` (1000s), ``1GiB`` (1024s). Raises ``ValueError``."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and (found := _SIZE.fullmatch(value)):
        unit = found[2] or ""
        bytes_ = float(found[1]) * (1024 if unit.endswith("i") else 1000) ** _POWER[unit[:1].lower()]
        if bytes_ >= 1:
            return int(bytes_)
    raise ValueError(f"expected a size, such as 64MB, 1GiB or a number of bytes, not {describe(value)}")


def parse_seconds(value: object) -> float:
    """Seconds: ``90``, ``90s``, ``10m``, ``1h30m``, ``30d``. Raises ``ValueError``."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    if isinstance(value, str) and (found := _TIME.fullmatch(value)):
        hours = 24 * int(found[1] or 0) + int(found[2] or 0)
        seconds = 3600 * hours + 60 * int(found[3] or 0) + float(found[4] or 0)
        if seconds > 0:
            return seconds
    raise ValueError(f"expected a time, such as 90s, 10m or a number of seconds, not {describe(value)}")


def parse_wait(value: object) -> float:
    """Seconds; infinity where it says true. Raises ``ValueError``."""
    if value is True:
        return math.inf
    try:
        return parse_seconds(value)
    except ValueError:
        raise ValueError(f"expected `true`, or a time such as 10m, not {describe(value)}") from None


def parse_count(value: object) -> int:
    """A whole number from 0. Raises ``ValueError``."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"expected a whole number from 0, not {describe(value)}")


def format_size(size: int) -> str:
    """``4.2 GB``."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}" if unit != "bytes" else f"{size} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


Size = Annotated[int, PlainValidator(parse_size)]
Seconds = Annotated[float, PlainValidator(parse_seconds)]
Wait = Annotated[float, PlainValidator(parse_wait)]
Count = Annotated[int, PlainValidator(parse_count)]
