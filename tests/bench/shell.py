"""How much of everyday shell is read in full, and how long reading takes.

    python tests/bench/shell.py [FILE]

FILE has one command a line; without it the shared sample beside the checkout is taken.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from agentrt.policies.shell import Reading, read

SAMPLE = Path(__file__).resolve().parents[3] / "shared/data/shell/ordinary.txt"


def main() -> int:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE
    if not file.is_file():
        print(f"there is no {file}")
        return 2
    lines = file.read_text().splitlines()
    alone = [timed(line, confirm=False)[1] for line in lines]
    both = [timed(line, confirm=True) for line in lines]
    readings = [reading for reading, _ in both]
    report(readings)
    print(f"{1000 * statistics.median(alone):.2f} ms  read(text, confirm=False), median")
    print(f"{1000 * statistics.median(seconds for _, seconds in both):.2f} ms  read(text), median")
    return 0


def report(readings: list[Reading]) -> None:
    opaque = [reading for reading in readings if reading.opaque]
    literal = [reading for reading in readings if not reading.opaque and not reading.is_open]
    print(f"{len(readings):>6,} commands")
    print(f"{len(readings) - len(opaque):>6,} read in full ({1 - len(opaque) / len(readings):.1%})")
    print(f"{len(literal):>6,} of these without any argument left open")
    print(f"{len(opaque):>6,} opaque:")
    for because, count in Counter(reading.opaque[0].because for reading in opaque).most_common(25):
        print(f"{count:>8,}  {because}")


def timed(text: str, *, confirm: bool) -> tuple[Reading, float]:
    begin = time.perf_counter()
    reading = read(text, confirm=confirm)
    return reading, time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
