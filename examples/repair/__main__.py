"""An agent repairs a project in confinement; then we look at what it did, and take a part of it back.

Run it with `python -m examples.repair`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from examples.stage import Stage, differences, insist, say, tree

CHANGED = ["timesheet/entries.py", "timesheet/report.py"]


def main() -> None:
    stage = Stage("repair")
    before = tree(stage.project)

    say("== A repair. A small project has failing tests; an agent (a scripted one) is asked to make them pass.")
    stage.agentrt("task.yaml", cwd=stage.example)
    insist(tree(stage.project) == before, "the real project was touched")
    say("The tests pass, inside. The real project is as it was: what an agent does lies in layers above it.")

    say("Every step is an operation, with what it really changed:")
    stage.agentrt("log")
    stage.agentrt("diff")

    say("Any of it can be taken back, and done again:")
    stage.agentrt("undo", "2")
    stage.agentrt("diff", "--stat")
    stage.agentrt("redo")  # the edit of the two; the test run after it changed nothing

    say("What you like, you apply. Only then is the real project changed, and that can be undone, too.")
    stage.agentrt("apply")
    insist(differences(before, tree(stage.project)) == CHANGED, "something else than the repair was applied")
    stage.agentrt("undo")
    insist(tree(stage.project) == before, "the apply was not undone")

    say("It is all still there for you to try (log, show, diff, undo, redo, restore, apply):")
    print(f"\n    cd {stage.project}")
    print(f"    export XDG_STATE_HOME={stage.state} PATH={Path(sys.executable).parent}:$PATH")
    print("    agentrt log")


if __name__ == "__main__":
    main()
