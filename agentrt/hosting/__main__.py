"""``python -m agentrt.hosting --workspace DIR [--planner JSON]``: work there, for whoever attaches."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from agentrt.errors import AgentrtError
from agentrt.history.store import locate

from .serving import serve
from .setup import Setup, planner_of


def main() -> int:
    """0 when nobody needs it any more · an error's own code, with the error on the last line."""
    words = argparse.ArgumentParser(prog="python -m agentrt.hosting", description=__doc__)
    words.add_argument("--workspace", type=Path, required=True)
    words.add_argument("--planner", help="who plans where no task.yaml says: a task's `planner`, as JSON")
    given = words.parse_args()
    try:
        store = locate(given.workspace)
        planner = planner_of(given.planner) if given.planner is not None else None
        asyncio.run(serve(store, Setup(store.workspace, planner)))
    except AgentrtError as error:
        print(f"{error} ({error.hint})" if error.hint else error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
