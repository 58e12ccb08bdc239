"""What every sandbox must keep to. On your own::

    await check_sandbox(lambda workspace, store: MySandbox(workspace, store))

or one by one, for pytest: ``@pytest.mark.parametrize(("name", "run"), sandbox_checks())`` and
``asyncio.run(run(open))``. ``check_planted`` is one more, for those that confine.

The workspaces need bash here, and bash and python3 inside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from . import (
    sandbox_doors,
    sandbox_exec,
    sandbox_files,
    sandbox_grafts,
    sandbox_layers,
    sandbox_limits,
    sandbox_matrix,
    sandbox_purge,
    sandbox_terminals,
)
from .sandbox_doors import OpenConfined, check_planted
from .sandbox_ground import CHECKS, Check, Ground, Open, ground

__all__ = ["Ground", "Open", "OpenConfined", "check_planted", "check_sandbox", "ground", "sandbox_checks"]

_PARTS = (
    sandbox_doors,
    sandbox_exec,
    sandbox_files,
    sandbox_grafts,
    sandbox_layers,
    sandbox_limits,
    sandbox_matrix,
    sandbox_purge,
    sandbox_terminals,
)  # importing them registers their checks


def sandbox_checks() -> list[tuple[str, Callable[[Open], Awaitable[None]]]]:
    """Each check's name, and the check as a function of how to open the sandbox. It raises ``AssertionError``."""
    return [(name, partial(_run, check)) for name, check in CHECKS.items()]


async def check_sandbox(open: Open, *, report: Callable[[str], None] = print) -> None:
    """All checks. Raises ``AssertionError`` that names those the sandbox does not keep to."""
    failed = []
    for name, run in sandbox_checks():
        try:
            await run(open)
        except Exception as error:
            failed.append(f"{name}: {type(error).__name__}: {error}")
            report(f"FAILED  {name}: {error}")
        else:
            report(f"ok      {name}")
    assert not failed, f"{len(failed)} checks failed:\n" + "\n".join(failed)


async def _run(check: Check, open: Open) -> None:
    async with ground(open) as made:
        await check(made)
