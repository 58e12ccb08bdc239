"""An agent deletes everything half-way. We take back that one step; its good work stays.

Run it with `python -m examples.mishap`.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from examples.stage import Stage, differences, insist, say, tree

WIPE = 6
"""The operation that goes wrong."""
CHANGED = ["shop/prices.py", "tests/test_prices.py"]
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
ME = ("-c", "user.name=You", "-c", "user.email=you@example.org")


def main() -> None:
    stage = Stage("mishap")
    furnish(stage.project)
    before = tree(stage.project)

    say(
        f"== A mishap. A shop's prices: a git repository with another one inside it, ignored files, notes nobody "
        f"committed. {len(before)} paths. An agent is to add a discount, and to clean up after the build."
    )
    stage.agentrt("task.yaml", cwd=stage.example)

    say("It is rather proud of itself. But what did its last step do?")
    stage.agentrt("log")
    stage.agentrt("show", str(WIPE), most=16)
    effects = json.loads(stage.quietly("show", str(WIPE), "--json"))["effects"]
    deleted = {effect["path"] for effect in effects if effect["change"] == "deleted"}
    insist(deleted == before.keys(), "the agent was meant to delete everything")

    say("It deleted everything: a folder's name was mistyped. We take back that step, and nothing else.")
    stage.agentrt("undo", most=6)
    inside = differences(before, stage.tree_inside())
    insist(inside == CHANGED, f"after the undo these differ: {inside}")

    say("Everything is back, and the agent's good work is still there: the tests pass, the new one, too.")
    insist("Ran 3 tests" in stage.agentrt("exec", "--", "python3 -B -m unittest"), "three tests were meant to run")
    stage.agentrt("exec", "--", "git --no-optional-locks status --short --ignored")

    say("The real project was never touched. Now it gets the good work, and only that.")
    insist(tree(stage.project) == before, "the real project was touched")
    stage.agentrt("apply")
    applied = differences(before, tree(stage.project))
    insist(applied == CHANGED, f"after the apply these differ: {applied}")
    say(
        f"Compared path by path, content, permissions and times, in the sandbox and outside: of {len(before)} paths "
        f"{len(applied)} changed ({', '.join(applied)}), 0 lost."
    )
    stage.remove()


def furnish(project: Path) -> None:
    """What a folder holds that is really worked in."""
    put(project / ".gitignore", "build/\n.env\n")
    git(project, "init", "-q", "-b", "main", "--template=")
    git(project, "add", ".")
    git(project, *ME, "commit", "-q", "-m", "Prices")
    put(project / ".env", "API_KEY=not in any commit\n")
    put(project / "build" / "shop.tar", "built\n" * 1000)
    put(project / "notes.txt", "ask Ines about the discount\n")
    put(project / "deploy.sh", "#!/bin/sh\n").chmod(0o755)
    (project / "inbox").mkdir()
    (project / "latest").symlink_to("build/shop.tar")
    nested = project / "vendor" / "currency"
    put(nested / "rates.csv", "EUR,1\nUSD,1.08\n")
    git(nested, "init", "-q", "-b", "main", "--template=")
    git(nested, "add", ".")
    git(nested, *ME, "commit", "-q", "-m", "Rates")
    put(nested / "rates.csv", "EUR,1\nUSD,1.09\n")


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **GIT}, check=True)


if __name__ == "__main__":
    main()
