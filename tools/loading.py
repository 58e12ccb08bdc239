"""Reading a file for a tool, and saying well why it cannot be read."""

from __future__ import annotations

import difflib
import errno
import posixpath

from agentrt.contracts import World
from agentrt.errors import AgentrtError

from .owners import foreign

_SHOWN = 12
"""How many names of a folder an error lists."""


class Failed(Exception):
    """Why an action did not do what was asked, in words for the planner."""


async def load(world: World, path: str, *, limit: int | None = None) -> bytes:
    """The content of a file. Raises ``Failed``; what goes wrong in the sandbox itself passes through."""
    try:
        return await world.read(path, limit=limit)
    except AgentrtError:
        raise
    except OSError as error:
        raise Failed(await explain(world, path, error)) from error


async def exists(world: World, path: str) -> bool:
    """Whether something is at ``path``. Raises ``Failed`` where that cannot be known."""
    try:
        await world.read(path, limit=0)
    except AgentrtError:
        raise
    except FileNotFoundError:
        return False
    except NotADirectoryError as error:
        raise Failed(await explain(world, path, error)) from error
    except OSError:
        pass
    return True


async def store(world: World, path: str, data: bytes) -> None:
    """Write a file. Raises ``Failed``."""
    try:
        await world.write(path, data)
    except AgentrtError:
        raise
    except (NotADirectoryError, FileExistsError) as error:
        raise Failed(f"{path} cannot be written: what should be its folder is a file") from error
    except OSError as error:
        why = await foreign(world, [path]) if error.errno == errno.EOVERFLOW else None
        raise Failed(f"{path} cannot be written: {why or error.strerror or error}") from error


async def explain(world: World, path: str, error: OSError) -> str:
    """Why ``path`` cannot be read, and what is there instead."""
    if isinstance(error, IsADirectoryError):
        names = await _names(world, path)
        return f"{path} is a directory" + (f" with {_list(names)}" if names else "")
    if isinstance(error, FileNotFoundError):
        return await _missing(world, path)
    return f"{path} cannot be read: {error.strerror or error}"


async def _missing(world: World, path: str) -> str:
    """Climbs to the first folder that is there, and names what in it comes nearest."""
    wanted, said = path.rstrip("/"), f"{path} does not exist"
    for _ in range(3):
        folder, name = posixpath.split(wanted)
        names = await _names(world, folder or ".")
        if names is None:
            wanted, said = folder, f"{path} does not exist, nor does its folder {folder}"
            continue
        where = folder or "the workspace"
        lowered = {other.lower(): other for other in names}
        near = [lowered[key] for key in difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
        if near:
            return f"{said}; did you mean {' or '.join(posixpath.join(folder, other) for other in near)}?"
        return f"{said}; {where} holds {_list(names) if names else 'nothing'}"
    return said


async def _names(world: World, folder: str) -> list[str] | None:
    """What ``folder`` holds; None where it is no folder that can be listed."""
    listing = await world.exec(["ls", "-1A", "--", posixpath.join(folder, "")])
    return listing.output.split("\n")[:-1] if listing.exit_code == 0 else None


def _list(names: list[str]) -> str:
    more = f", and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
