"""``python -m agentrt.hosting --workspace DIR``: work there, for whoever attaches."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from agentrt.errors import AgentrtError
from agentrt.history.store import locate

from .serving import serve
from .setup import Setup


def main() -> int:
    """0 when nobody needs it any more · an error's own code, with the error on the last line."""
    words = argparse.ArgumentParser(prog="python -m agentrt.hosting", description=__doc__)
    words.add_argument("--workspace", type=Path, required=True)
    given = words.parse_args()
    try:
        store = locate(given.workspace)
        asyncio.run(serve(store, Setup(store.workspace)))
    except AgentrtError as error:
        print(f"{error} ({error.hint})" if error.hint else error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
