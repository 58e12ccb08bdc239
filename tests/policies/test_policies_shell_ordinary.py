"""Commands that people use every day: most of them are read in full. ``tests/bench/shell.py`` counts them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentrt.policies.shell import read

SAMPLE = Path(__file__).resolve().parents[3] / "shared/data/shell/ordinary.txt"


def test_most_ordinary_commands_are_read_in_full() -> None:
    if not SAMPLE.is_file():
        pytest.skip(f"{SAMPLE} is not there")
    readings = [read(line) for line in SAMPLE.read_text().splitlines()[::8]]
    assert sum(not reading.opaque for reading in readings) > 0.8 * len(readings)
