"""A session in a container whose every outcome is known, also where what it needs goes away under it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import IMAGE

from agentrt import Runtime
from agentrt.errors import AgentrtError

DOCKER = {"kind": "docker", "image": IMAGE}
STORY: tuple[str | None, ...] = (
    "echo 1 > one; touch ~/x",
    "echo 2 >> one; mkdir d; rm a.txt; touch ~/y",
    None,
    "echo 4 >> one; ln -s one link",
)
"""Commands; None undoes. Each finds what the one before left."""
LOOK = "cat one; ls; ls ~"
SEEN = (
    "a.txt\n",
    "1\na.txt\none\nx\n",
    "1\n2\nd\none\nx\ny\n",
    "1\na.txt\none\nx\n",
    "1\n4\na.txt\nlink\none\nx\n",
)
"""What LOOK prints after so many of STORY; before the first one `cat` fails."""


class Told:
    """A session, and what it said went wrong."""

    def __init__(self, rt: Runtime, mend: Callable[[], object]) -> None:
        self._rt, self._mend = rt, mend
        self.errors: list[str] = []

    async def act(self, command: str) -> str:
        """What it printed. Where it could not be done ``mend`` is called, and it is done again, once."""
        for last in (False, True):
            try:
                done = await self._rt.act("bash", command=command)
                seen = done.observation
                assert seen is not None
                if done.status == "settled":
                    return seen.output
                assert done.status == "failed" and not done.effects, done
                self.errors.append(seen.error or "")
            except AgentrtError as error:
                assert error.hint, "what to do is said"
                self.errors.append(str(error))
            assert not last, self.errors
            self._mend()
        raise AssertionError("not reached")

    async def play(self) -> None:
        for command in STORY:
            if command is None:
                await self._rt.undo()
            else:
                await self.act(command)

    async def look(self) -> str:
        return await self.act(f"{{ {LOOK}; }} 2>&-; true")


def workspace(folder: Path) -> Path:
    made = folder / "ws"
    made.mkdir(parents=True)
    (made / "a.txt").write_text("one\n")
    return made


def left_at(client: Any) -> list[str]:
    """All containers and volumes of an engine that nobody else uses."""
    containers = [name for one in client.api.containers(all=True) for name in one["Names"]]
    return sorted(containers + [one["Name"] for one in client.api.volumes()["Volumes"] or []])
