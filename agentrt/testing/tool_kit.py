"""What every tool must keep to.

On your own, in a test::

    from agentrt.testing.plain_world import PlainWorld
    from agentrt.testing.tool_kit import check_tool

    anyio.run(check_tool, MyTool(), lambda: PlainWorld(tmp_path), [{"path": "a.txt"}])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from agentrt.contracts import Database, Http, Output, Pushes, Tool, World
from agentrt.errors import SandboxError
from agentrt.records import Action, Observation, dump_json


async def check_tool(tool: Tool, world_factory: Callable[[], World], examples: Sequence[Mapping[str, Any]]) -> None:
    """Raises ``AssertionError`` that says what the tool does not keep to.

    ``examples`` are arguments of real actions, one at least; each is carried out in a fresh world of
    ``world_factory``, in one where nothing can be read, written or run, and in one that breaks.
    """
    assert re.fullmatch(r"[a-z][a-z0-9_]*", tool.name), f"{tool.name!r}: a name is a lower-case word"
    assert tool.description.strip(), "a planner is told what the tool does"
    _check_model(tool)
    assert examples, "there is nothing to try the tool with"
    for example in examples:
        action = _check_action(tool, example)
        seen = await tool.run(action, world_factory())
        assert isinstance(seen, Observation), f"{example}: run gives an Observation, not {type(seen).__name__}"
        assert seen.error is None or seen.error.strip(), f"{example}: an error says something"
        assert Observation.from_dict(seen.to_dict()) == seen, f"{example}: the observation is plain data"
        await _check_refusal(tool, action, world_factory())
        await _check_breakage(tool, action, world_factory())


def _check_model(tool: Tool) -> None:
    model = tool.action
    assert issubclass(model, Action), "the action is a subclass of agentrt.records.Action"
    assert model.model_config.get("extra") == "forbid", "an unknown field is an error"
    assert model.model_config.get("frozen"), "an action never changes"
    kind = model.model_fields["kind"]
    named = get_origin(kind.annotation) is Literal and get_args(kind.annotation) == (tool.name,)
    assert named and kind.default == tool.name, f'kind is Literal["{tool.name}"] = "{tool.name}"'
    for name, field in model.model_fields.items():
        assert name == "kind" or field.description, f"{name}: a docstring under the field says what it is"
    dump_json(model.model_json_schema())


def _check_action(tool: Tool, example: Mapping[str, Any]) -> Action:
    action = tool.action.from_dict({"kind": tool.name, **example})
    assert tool.action.from_dict(action.to_dict()) == action, f"{example}: an action reads back from its fields"
    dump_json(action)
    shown = tool.show(action)
    read = tool.reads(action)
    assert read is None or all(isinstance(path, str) and path for path in read), f"{example}: reads gives paths"
    assert shown.strip() and "\n" not in shown and "\r" not in shown, f"{example}: show gives one line"
    try:
        tool.action.from_dict({**example, "a_field_nobody_has_heard_of": 1})
    except ValidationError:
        return action
    raise AssertionError(f"{example}: an unknown field is an error")


async def _check_refusal(tool: Tool, action: Action, world: World) -> None:
    """What goes wrong in the action is told, not raised."""
    try:
        seen = await tool.run(action, _Altered(world, PermissionError(13, "Permission denied")))
    except Exception as error:
        raise AssertionError(f"{action.kind}: where nothing is permitted, run raised {error!r}") from error
    told = seen.error or seen.exit_code
    assert told, f"{action.kind}: where nothing is permitted, the observation has an error or an exit code"


async def _check_breakage(tool: Tool, action: Action, world: World) -> None:
    """What goes wrong in the sandbox is the runtime's business."""
    broken = _Altered(world, SandboxError("the sandbox is gone"))
    try:
        await tool.run(action, broken)
    except SandboxError:
        return
    assert not broken.raised, f"{action.kind}: SandboxError must pass through run"


class _Altered:
    """A world in which nothing can be read, written or (but for ``SandboxError``, which is raised) found to run."""

    def __init__(self, world: World, error: OSError) -> None:
        self._world, self._error = world, error
        self.raised = False

    @property
    def workspace(self) -> str:
        return self._world.workspace

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        seconds: float | None = None,
    ) -> Observation:
        if isinstance(self._error, SandboxError):
            raise self._raise()
        return Observation(exit_code=127, output=f"agentrt: {argv[0]}: not found in the sandbox\n")

    async def read(self, path: str, *, limit: int | None = None) -> bytes:
        raise self._raise()

    async def http(self) -> Http:
        raise self._raise()

    async def pushes(self) -> Pushes:
        raise self._raise()

    def output(self, operation: int, *, part: int | None = None) -> Output:
        raise self._raise()

    async def write(self, path: str, data: bytes) -> None:
        raise self._raise()

    async def database(self, name: str) -> Database:
        raise self._raise()

    def narrow(self, rules: Mapping[str, object]) -> None:
        self._world.narrow(rules)

    def show(self, text: str) -> Observation:
        return self._world.show(text)

    def _raise(self) -> OSError:
        self.raised = True
        return self._error
