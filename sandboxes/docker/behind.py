"""Containers of this process that an engine could not be told to remove: tried again whenever it is there.

``gc`` leaves alone what belongs to a living process, and this one may live long.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from agentrt.errors import AgentrtError

if TYPE_CHECKING:
    import docker


class Removable(Protocol):
    def remove(self, client: docker.DockerClient) -> None:
        """As far as it is there. Raises what the engine does; then it can be tried again."""


_SECONDS = 8
"""That an engine gets to remove something, where somebody waits for the end of a session."""
_behind: deque[Removable] = deque()


def leave(client: docker.DockerClient | None, *containers: Removable) -> None:
    """Remove them, and those from before; what cannot be is kept in mind. Blocks for some seconds at most."""
    from .engine import translated

    _behind.extend(containers)
    if client is None:
        return
    patience, client.api.timeout = client.api.timeout, _SECONDS
    try:
        for _ in range(len(_behind)):
            container = _behind.popleft()
            try:
                with translated("remove a container"):
                    container.remove(client)
            except AgentrtError:
                _behind.append(container)
                return  # the next would be waited for as long
    except IndexError:  # another thread took it
        pass
    finally:
        client.api.timeout = patience
