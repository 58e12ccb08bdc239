"""What a sandbox takes long for before an action can run is shown as that action's output."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agentrt.agent.events import OutputCame
from agentrt.hearing import hearing

if TYPE_CHECKING:
    from .host import Host


@contextmanager
def told_of(host: Host) -> Iterator[None]:
    """Within. Which session it is for is not said: it is for those that act, which mostly is one."""
    loop = asyncio.get_running_loop()

    def tell(line: str) -> None:
        for session, phase in host.at_work.items():
            if phase == "acting":
                host.tell(session, OutputCame(data=f"{line}\n".encode(errors="replace")))

    with hearing(lambda line: loop.call_soon_threadsafe(tell, line)):
        yield
