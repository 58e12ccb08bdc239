"""What bash really runs is what the reader lists, or the reader says that it does not know."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import shell_canaries
import shell_scripts
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agentrt.policies.shell import Command, Reading, read

BATCH = 125
"""Scripts to one start of bash; with 40 examples that is 5,000 of them."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="agentrt-canaries-") as place:
        shell_canaries.program_folder(Path(place))
        yield Path(place)


def test_canaries_tell_how_they_were_called(folder: Path) -> None:
    scripts = ["rm 'a b'; exit 1", "sudo ls", "echo b | xargs cat", "while rm; do :; done", "bash -c 'zork; curl'", "("]
    found = shell_canaries.run(scripts, folder)
    endless = found.pop(3)
    assert endless is None or set(endless) == {("rm",)}, "ended by its limits, of which any may come first"
    assert found == [[("rm", "a b")], [("ls",)], [("cat", "b")], [("curl",)], []]


@given(seed=st.integers(min_value=0, max_value=2**64))
@settings(deadline=None, phases=[Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
def test_whatever_bash_runs_was_listed(seed: int, folder: Path) -> None:
    random = Random(seed)
    scripts = [shell_scripts.script(random) for _ in range(BATCH)]
    for script, ran in zip(scripts, shell_canaries.run(scripts, folder), strict=True):
        if missing(reading := read(script), ran or []):
            # Something of an earlier script may have come late.
            alone = missing(reading, shell_canaries.run_alone(script, folder))
            assert not alone, f"{script!r} ran {alone}, listed were {reading.commands}"


@given(
    text=st.text(st.characters(), max_size=300)
    | st.text(st.characters(categories=["Cs", "Cf", "Po", "Zs"]), max_size=30)
    | st.binary(max_size=300).map(lambda data: data.decode("latin-1"))
)
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(read(text, confirm=False), Reading)


@given(seed=st.integers(min_value=0, max_value=2**64))
def test_no_script_makes_it_fail(seed: int) -> None:
    assert isinstance(read(shell_scripts.script(Random(seed)), confirm=False), Reading)


def missing(reading: Reading, ran: list[shell_canaries.Ran]) -> list[shell_canaries.Ran]:
    """What ran and was not listed, where the reading does not say that something is opaque."""
    if reading.opaque:
        return []
    return [argv for argv in ran if not any(fits(command, argv) for command in reading.commands)]


def fits(command: Command, argv: tuple[str, ...]) -> bool:
    """Could this command be that call? None stands for any number of arguments."""
    places = {0}
    for word in command.argv:
        if word is None:
            places = set(range(min(places), len(argv) + 1)) if places else set()
        else:
            places = {at + 1 for at in places if at < len(argv) and argv[at] == word}
    return len(argv) in places
