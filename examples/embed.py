"""agentrt inside another Python program: act, look at what it did, undo, redo, apply.

Run it with `python -m examples.embed`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from agentrt import Runtime


async def main(folder: Path) -> None:
    (folder / "list.txt").write_text("bread\n")

    async with Runtime.open(folder) as rt:
        op = await rt.act("bash", command="echo milk >> list.txt; echo 3 eggs > eggs.txt")
        for effect in op.files:
            print(effect.change, effect.path)  # created eggs.txt, modified list.txt
        print((folder / "list.txt").read_text().split())  # ['bread']: nothing has happened to the real folder

        await rt.undo()
        await rt.redo()
        await rt.apply()
        print((folder / "list.txt").read_text().split())  # ['bread', 'milk']


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_STATE_HOME"] = f"{place}/state"  # so that trying this leaves nothing behind
        project = Path(place, "project")
        project.mkdir()
        asyncio.run(main(project))
