"""Three agents work on one project, each under rules of its own; then all of one agent's work is taken out.

Run it with `python -m examples.crew`.
"""

from __future__ import annotations

import json

from examples.stage import Stage, differences, insist, say, tree

CODE = ["slugs/slug.py", "tests/test_slug.py"]


def main() -> None:
    stage = Stage("crew")
    before = tree(stage.project)

    say("== A crew. A developer, a tester and a reviewer (scripted ones) are to teach a small library about accents.")
    stage.agentrt("task.yaml", cwd=stage.example)
    insist(tree(stage.project) == before, "the real project was touched")

    say("One line of operations, each with its actor. The reviewer tried to change the code; that was rolled back:")
    stage.agentrt("log")
    log = json.loads(stage.quietly("log", "--json"))
    rolled_back = [operation["actor"] for operation in log if operation["status"] == "rolled_back"]
    insist(rolled_back == ["reviewer"], "one step of the reviewer was meant to be rolled back")
    insist(differences(before, stage.tree_inside()) == ["README.md", *CODE], "something else was changed")

    say("All that one of them did can be taken out at once; the others' work stays:")
    stage.agentrt("revert", "--actor", "reviewer")
    insist(differences(before, stage.tree_inside()) == CODE, "more or less than the reviewer's work was taken out")
    stage.agentrt("apply")
    insist(differences(before, tree(stage.project)) == CODE, "something else was applied")
    stage.remove()


if __name__ == "__main__":
    main()
