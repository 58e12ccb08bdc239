"""The pictures of README.md: screens of the app on the run of examples/repair, as SVG.

    python tests/tui/pictures.py FOLDER

By the same code as the tests' screens. Nothing in them is of the moment: two runs make the same pictures.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SIZE = (132, 38)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="agentrt-pictures-") as place:
        for variable, name in (("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config")):
            os.environ[variable] = str(Path(place, name))
        os.environ.pop("NO_COLOR", None)
        os.environ["TERM"] = "xterm-256color"
        repair = Path(place, "repair")
        shutil.copytree(ROOT / "examples/repair", repair, ignore=shutil.ignore_patterns("__pycache__"))
        _draw(repair, folder)


def _draw(repair: Path, folder: Path) -> None:
    from agentrt.showing import words

    words.time_text = lambda *_: "14:02:07"  # before anybody else takes it
    from app_ground import Driven, drive

    async def work(person: Driven) -> None:
        await person.type("make the failing tests pass")
        await person.idle(10)
        await person.until(lambda: person.app.state.ending is not None)
        await person.press("shift+tab")  # from the prompt, whose cursor blinks
        await person.pilot.pause(0.5)
        _picture(person, folder / "live.svg")
        edits = [entry.id for entry in person.app.book.entries if entry.files]
        await person.select(edits[0])
        await person.sees("hunk 1", "undo")
        _picture(person, folder / "review.svg")

    drive(repair / "project", work, size=SIZE, task=repair / "task.yaml")


def _picture(person: object, file: Path) -> None:
    svg: str = person.app.export_screenshot(title="agentrt")
    # Fonts of the reader's own: a picture loads nothing.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;]*;", "font-family: monospace;", svg)
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    svg = re.sub(r"(Ran&#160;\d+&#160;tests&#160;in&#160;)[\d.]+s", r"\g<1>0.001s", svg)
    file.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
