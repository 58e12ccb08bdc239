"""Two tasks whose runs are killed and resumed, and the plug-ins they need: a tool that counts, a planner that costs.

As a script: reads jobs as JSON lines, forks a child for each, and says how it ended. A child runs its task, or goes on
with it where it has a session, and is killed at a chosen step: an event of the run, or (``crash_program``) a statement
to the journal, a request to the sandbox's server, its answer, or a checkpoint of an apply.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import crash_program

from agentrt.contracts import OnProgress, Planner, World, unheard
from agentrt.planners import script
from agentrt.records import Action, Message, Observation, ToolSpec, Turn, Usage

if TYPE_CHECKING:
    from agentrt.agent.events import Event

ENTRIES = """\
[agentrt.tools]
tally = run_program:TallyTool
[agentrt.planners]
counted = run_program:open_counted
"""
COUNTER = "AGENTRT_TEST_COUNTER"
"""The variable that names the file outside of every undo."""
_PER_MESSAGE = 150

FILES = {"README": "read me\n", "order": "", "keep/sub/a": "a\n"}
"""The workspace, before anything."""

SOLO = {
    "task.yaml": """\
objective: keep the tally
workspace: work
planner: {provider: counted, file: script.yaml}
rules:
  - never touch README
  - {rule: mark it as done, check: test -f done}
  - {rule: write no long lines, check: "! grep -q ........... order"}
verify: test "$(wc -l < order)" -ge 7 && echo verified >> order
limits: {context_tokens: 2000}
review: {deadline: 1h, then: accept}
apply: on_success
""",
    "script.yaml": """\
turns:
  - text: I begin.
    actions:
      - plan: {steps: [count, mark, hand in]}
      - tally: {name: one, command: mkdir -p made/deep; echo 1 > made/deep/one}
      - tally: {name: two, command: ln -s deep made/link; rm -r keep}
  - expect: one is counted
    actions:
      - tally: {name: three, command: echo 3 >> made/deep/one}
      - ask: {question: may I go on?}
      - tally: {name: four, command: echo four; false}
      - tally: {name: five, command: chmod 700 made/deep/one}
  - expect: "Nobody is here(.|\\n)*exit code 1(.|\\n)*five is counted"
    actions:
      - edit: {path: made/deep/one, old: "3", new: "33"}
      - submit: {text: too early}
  - expect: Rule 2 does not hold
    actions:
      - tally: {name: six, command: touch done}
      - read: {path: no such file}
      - tally: {name: seven, command: mv made/deep moved}
  - actions:
      - tally: {name: eight, command: echo 8 >> moved/one}
      - submit: {text: all is counted}
""",
}
CREW = {
    "task.yaml": """\
objective: keep the tally together
workspace: work
planner: {provider: counted, file: writer.yaml}
crew:
  agents:
    writer: {role: writes}
    checker: {role: checks, planner: {provider: counted, file: checker.yaml}}
rules: [{rule: mark it as done, check: test -f done}]
apply: on_success
""",
    "writer.yaml": """\
turns:
  - actions:
      - tally: {name: one, command: echo 1 > a}
      - talk: {to: checker, text: one is done}
      - talk: {to: checker, text: look at it}
  - actions: [{tally: {name: four, command: cat b >> a}}, {tally: {name: five, command: touch done}}]
  - actions: [{submit: {text: we are done}}]
""",
    "checker.yaml": """\
turns:
  - actions:
      - tally: {name: two, command: cat a > b}
      - tally: {name: three, command: echo 3 >> b}
      - talk: {to: all, text: all is well}
""",
}
TASKS: Mapping[str, Mapping[str, str]] = {"solo": SOLO, "crew": CREW}


class Tally(Action):
    kind: Literal["tally"] = "tally"
    name: str
    command: str


class TallyTool:
    """Counts outside, where no undo reaches; then adds its name to ``order`` and runs a command, inside."""

    name = "tally"
    description = "Counts."
    action: type[Action] = Tally

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Tally)
        with open(os.environ[COUNTER], "a") as counter:
            print(action.name, file=counter, flush=True)
        order = await world.read("order")
        await world.write("order", order + f"{action.name}\n".encode())
        return await world.exec(["bash", "-c", f"echo {action.name} is counted; {action.command}"])

    def show(self, action: Action) -> str:
        return str(action)

    def reads(self, action: Action) -> Sequence[str]:
        return ("order",)


class Counted:
    """A script, each turn of which costs something: what it is sent by its length, and one for what it says."""

    name = "counted"

    def __init__(self, follows: Planner) -> None:
        self._follows = follows

    async def plan(
        self, conversation: Sequence[Message], tools: Sequence[ToolSpec], on_progress: OnProgress = unheard
    ) -> Turn:
        turn = await self._follows.plan(conversation, tools, on_progress)
        return turn.model_copy(update={"usage": _usage(conversation)})

    async def summarize(self, conversation: Sequence[Message]) -> Turn:
        return Turn(text="In short: all is counted.", usage=_usage(conversation))

    async def close(self) -> None:
        await self._follows.close()


def _usage(conversation: Sequence[Message]) -> Usage:
    from agentrt.agent.conversation import compacted

    return Usage(input_tokens=_PER_MESSAGE * len(compacted(conversation)), output_tokens=1, cost_usd=0.25)


def open_counted(options: Mapping[str, object], *, folder: Path) -> Counted:
    return Counted(script.open_planner({"script": options["file"]}, folder=folder))


def install(folder: Path) -> None:
    """Make a distribution there that has the plug-ins; it is found where ``folder`` is on ``sys.path``."""
    package = folder / "run_program-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: run-program\nVersion: 1\n")
    (package / "entry_points.txt").write_text(ENTRIES)


def prepare(folder: Path, variant: str) -> None:
    """A task, and the workspace it is about."""
    for path, content in FILES.items():
        (folder / "work" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "work" / path).write_text(content)
    for name, content in TASKS[variant].items():
        (folder / name).write_text(content)


def play(folder: Path, step: crash_program.Steps, *, by_event: bool) -> None:
    """The task's run, or what is left of it. What it tells is acknowledged in a file."""
    from agentrt.agent.events import OperationSettled, OutputCame, TurnTaken
    from agentrt.history.journal import Journal
    from agentrt.history.store import Lock, locate
    from agentrt.session import run_task
    from agentrt.task import load_task

    acknowledged, events = folder / "said", list[str]()

    def told(event: Event) -> None:
        if isinstance(event, OutputCame):
            return
        if isinstance(event, OperationSettled):
            crash_program.say(acknowledged, {"operation": event.operation.id, "status": event.operation.status})
        elif isinstance(event, TurnTaken):
            crash_program.say(acknowledged, {"turn": event.number})
        events.append(event.event)
        step.verb = f"after {event.event}"
        if by_event:
            step("event")

    task, session = load_task(folder / "task.yaml"), None
    store = locate(task.workspace_path)
    if store.journal.exists():
        with Lock(store).acquire(), Journal.open(store.journal) as journal:
            session = journal.current()
    step.verb = "begin"
    result = asyncio.run(run_task(task, on_event=told, resume=session))
    crash_program.say(acknowledged, {"result": result.to_dict(), "event": events, "step": step.seen})


def child(job: dict[str, Any]) -> None:
    folder = Path(job["folder"])
    os.environ["XDG_STATE_HOME"], os.environ[COUNTER] = str(folder / "state"), str(folder / "counter")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    step = crash_program.Steps(job["at"], lambda: os.kill(os.getpid(), signal.SIGKILL))
    if job["mode"] == "step":
        crash_program.count_everything(step)
    play(folder, step, by_event=job["mode"] == "event")


def main() -> None:
    import langgraph.checkpoint.sqlite.aio
    import langgraph.graph.state  # noqa: F401 (what the children would import, once)

    import agentrt.sandboxes.local
    import agentrt.session  # noqa: F401 (as above)

    crash_program.serve(child)


if __name__ == "__main__":
    main()
