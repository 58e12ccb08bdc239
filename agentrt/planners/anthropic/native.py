"""Anthropic's own tools, which its models are trained on: ``bash``, and an editor for our read, write and edit.

Their shapes are theirs, so no schema of ours is sent; what they have and ours have not is answered in words.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from agentrt.records import ProposedAction

BASH, EDITOR = "bash", "str_replace_based_edit_tool"
_EDITS = frozenset({"read", "write", "edit"})
_ABOUT_BASH = (
    "- `bash` has no session here: each command has a shell of its own that begins in the workspace, and nothing is "
    "kept but files. There is nothing to restart."
)
_ABOUT_EDITOR = f"- `{EDITOR}` takes paths relative to the workspace. Its changes are taken back like all others."


@dataclass(frozen=True, slots=True)
class Native:
    """Which of the two stand in for ours, and what the agent may do beside."""

    bash: bool
    editor: bool
    lists: bool
    """Whether a folder can be listed, by any ``bash``."""

    @classmethod
    def of(cls, permitted: Collection[str], wanted: bool) -> Native:
        bash = "bash" in permitted
        return cls(wanted and bash, wanted and _EDITS.issubset(permitted), bash)

    @property
    def tools(self) -> list[dict[str, Any]]:
        bash = [{"type": "bash_20250124", "name": BASH}] if self.bash else []
        return bash + ([{"type": "text_editor_20250728", "name": EDITOR}] if self.editor else [])

    @property
    def replaced(self) -> frozenset[str]:
        """Kinds of actions that need no tool of their own."""
        return frozenset({"bash"} if self.bash else ()) | (_EDITS if self.editor else frozenset())

    @property
    def about(self) -> str:
        """For the system prompt."""
        return "\n".join([_ABOUT_BASH] * self.bash + [_ABOUT_EDITOR] * self.editor)

    def action(self, call: str, name: str, given: Mapping[str, Any]) -> ProposedAction | None:
        """The action a call of one of them means; None where it is a call of something else."""
        if name == BASH and self.bash:
            return _bash(call, dict(given))
        return _edit(call, dict(given), self.lists) if name == EDITOR and self.editor else None

    def call(self, kind: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """How the model would have asked for it, by name and input; None where it could not have."""
        if kind == "bash" and self.bash and isinstance(command := arguments.get("command"), str):
            cwd = arguments.get("cwd")
            return BASH, {"command": f"cd {shlex.quote(cwd)} && {command}" if isinstance(cwd, str) else command}
        if self.editor and (found := _asked(kind, arguments)) is not None:
            return EDITOR, found
        return None


def _bash(call: str, given: dict[str, Any]) -> ProposedAction:
    restart = given.pop("restart", None)
    if restart and "command" not in given:
        why = "there is nothing to restart: each command has a shell of its own"
        return ProposedAction(call=call, kind="bash", arguments={}, malformed=why)
    return ProposedAction(call=call, kind="bash", arguments=given)


_TAKES = {
    "view": ("read", {"path": "path"}, "view_range"),
    "create": ("write", {"path": "path", "file_text": "content"}, None),
    "str_replace": ("edit", {"path": "path", "old_str": "old", "new_str": "new"}, None),
    "insert": ("edit", {"path": "path", "insert_line": "line", "insert_text": "insert"}, None),
}
"""By command: the kind of action, its arguments by theirs, and what is given beside."""


def _edit(call: str, given: dict[str, Any], lists: bool) -> ProposedAction:
    command = given.pop("command", None)
    if not isinstance(command, str) or command not in _TAKES:
        known = ", ".join(_TAKES)
        why = (
            f"`{EDITOR}` has no command {command!r}; there is: {known}" if command else f"no command was given: {known}"
        )
        return ProposedAction(call=call, kind="edit", arguments={}, malformed=why)
    kind, names, beside = _TAKES[command]
    arguments = {ours: given.pop(theirs) for theirs, ours in names.items() if theirs in given}
    shown = given.pop(beside, None) if beside else None
    why = ""
    if given:
        takes = ", ".join([*names, *([beside] if beside else [])])
        why = f"`{command}` knows no {', '.join(given)}; it takes: {takes}"
    elif command == "str_replace":
        arguments.setdefault("new", "")  # without it the text is taken out
    elif command == "view":
        if _is_folder(arguments.get("path")):
            return _listing(call, arguments["path"], lists)
        lines, why = _lines(shown)
        arguments.update(lines)
    return ProposedAction(call=call, kind=kind, arguments={} if why else arguments, malformed=why)


def _lines(shown: Any) -> tuple[dict[str, int], str]:
    """Of ``view_range``: the first and the last line, which -1 means."""
    if shown is None:
        return {}, ""
    numbers = isinstance(shown, list) and len(shown) == 2 and all(type(number) is int for number in shown)
    if not numbers:
        return {}, "`view_range` is two line numbers, such as [1, 40]; [40, -1] is from there to the end"
    first, last = shown
    return {"start": first, **({"end": last} if last != -1 else {})}, ""


def _is_folder(path: Any) -> bool:
    """As far as the name tells; of another folder `read` says that it is one, and what is in it."""
    return isinstance(path, str) and (path.endswith("/") or posixpath.basename(path) in (".", ".."))


def _listing(call: str, path: str, lists: bool) -> ProposedAction:
    if lists:
        return ProposedAction(call=call, kind="bash", arguments={"command": f"ls -lA -- {shlex.quote(path)}"})
    why = f"{path} is a folder, and nothing that you may do lists one: view a file by its name"
    return ProposedAction(call=call, kind="read", arguments={}, malformed=why)


def _asked(kind: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    if kind == "read" and "path" in given:
        lines = [given.get("start", 1), given.get("end", -1)]
        return {"command": "view", "path": given["path"], **({"view_range": lines} if lines != [1, -1] else {})}
    for command, (ours, names, _) in _TAKES.items():
        if command != "view" and kind == ours and set(given) == set(names.values()):
            return {"command": command, **{theirs: given[name] for theirs, name in names.items()}}
    return None
