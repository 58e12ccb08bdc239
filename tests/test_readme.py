"""The README's five minutes, played: every command in order, and what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
END = "-- end of a command --"


def tour() -> list[tuple[str, str]]:
    """(command, what it prints) of each ``$`` line of the section."""
    section = README.read_text().split("## Five minutes")[1].split("\n## ")[0]
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    steps = re.split(r"^\$ ", "\n".join(lines), flags=re.MULTILINE)[1:]
    return [(command, printed.rstrip("\n")) for command, _, printed in (step.partition("\n") for step in steps)]


def test_the_tour_prints_what_the_readme_says(tmp_path: Path) -> None:
    steps = tour()
    home = tmp_path / "you"
    home.mkdir()
    script = "".join(f"{{ {command}\n}} 2>&1; echo '{END}'\n" for command, _ in steps)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    bin_folder = str(Path(sys.executable).parent)

    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=home,
        env={**environment, "HOME": str(home), "PATH": f"{bin_folder}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    printed = [text.strip("\n") for text in ended.stdout.replace(str(home), "/home/you").split(END)[:-1]]
    assert list(zip([command for command, _ in steps], printed, strict=True)) == steps
    assert len(steps) >= 10
