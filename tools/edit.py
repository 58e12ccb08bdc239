"""``edit``: change a part of a file, or several files by a patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from agentrt.contracts import Needs, World
from agentrt.records import Action, Observation

from . import hunks
from .changes import FileChange, carry_out, describe
from .display import one_line
from .fields import Content, FilePath
from .kinds import binary_kind
from .lines import TextFile
from .loading import Failed, exists, load
from .patch import Section, parse, wrong
from .replace import insert, replace

_FORMS = "one of {path, old, new, all?}, {path, insert, line} or {patch}"


class Edit(Action):
    """Replace text in a file, insert lines into it, or apply a patch to several."""

    kind: Literal["edit"] = "edit"
    path: FilePath | None = None
    """The file to change; a patch names its own."""
    old: Content | None = None
    """The text to replace, exactly as it is in the file; it must occur once, unless `all` is set."""
    new: Content | None = None
    """What takes its place."""
    all: bool = False
    """Replace every occurrence of `old`."""
    insert: Content | None = None
    """Lines to insert after line `line`."""
    line: int | None = Field(default=None, ge=0)
    """The line to insert after, from 1; 0 is the top of the file."""
    patch: Content | None = None
    """A patch in the V4A format, from `*** Begin Patch` to `*** End Patch`."""

    @model_validator(mode="after")
    def _one_form(self) -> Edit:
        given = {name for name in type(self).model_fields if name not in ("kind", "all")} & {
            name for name, value in self if value is not None
        }
        if self.all:
            given.add("all")
        forms = ({"path", "old", "new"}, {"path", "old", "new", "all"}, {"path", "insert", "line"}, {"patch"})
        if given not in forms:
            raise ValueError(f"expected {_FORMS}, not {{{', '.join(sorted(given))}}}")
        if self.old == "":
            raise ValueError("old is empty: use insert with line, or write for a new file")
        if self.insert == "":
            raise ValueError("insert is empty: there is nothing to insert")
        if self.old is not None and self.old == self.new:
            raise ValueError("old and new are the same: this would change nothing")
        return self


class EditTool:
    name = "edit"
    description = (
        "Change text files, in one of three ways. {path, old, new}: replace `old`, which must match the file exactly "
        "(white space too) and occur once; with all: true every occurrence. {path, insert, line}: insert lines after "
        "line `line`; 0 is the top. {patch}: a V4A patch over one or several files, all or nothing: '*** Begin "
        "Patch', then for each file '*** Update File: PATH' (optionally '*** Move to: PATH'), '*** Add File: PATH' "
        "or '*** Delete File: PATH', then '*** End Patch'. In an update, lines begin with ' ' (context), '-' or '+'; "
        "'@@ LINE OF THE FILE' before a change says what it comes after; there are no line numbers. The answer shows "
        "what changed."
    )
    action: type[Action] = Edit

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Edit)
        try:
            if action.patch is not None:
                changes = [await _plan(section, world) for section in parse(action.patch)]
            else:
                changes = [await _plan_one(action, world)]
            await carry_out(changes, world)
        except Failed as failure:
            return Observation(error=str(failure))
        return world.show("\n".join(map(describe, changes)))

    def show(self, action: Action) -> str:
        assert isinstance(action, Edit)
        if action.patch is not None:
            return one_line(f"patch {_named(action.patch)}")
        if action.insert is not None:
            return one_line(f"edit {action.path}: insert {action.insert!r} after line {action.line}")
        every = "every " if action.all else ""
        return one_line(f"edit {action.path}: {every}{action.old!r} → {action.new!r}")

    def needs(self, action: Action) -> Needs:
        assert isinstance(action, Edit)
        return Needs(files=(action.path,)) if action.path is not None else Needs()

    def reads(self, action: Action) -> Sequence[str] | None:
        assert isinstance(action, Edit)
        if action.path is not None:
            return (action.path,)
        try:
            return [section.path for section in parse(action.patch or "")]
        except Failed:
            return ()


def _named(patch: str) -> str:
    try:
        sections = parse(patch)
    except Failed as failure:
        return f"(malformed: {failure})"
    moved = ((section, f" → {section.move_to}" if section.move_to else "") for section in sections)
    return ", ".join(f"{section.kind} {section.path}{to}" for section, to in moved)


async def _plan_one(action: Edit, world: World) -> FileChange:
    assert action.path is not None
    data = await load(world, action.path)
    file = TextFile.of(data)
    try:
        if action.insert is not None and action.line is not None:
            text = insert(file.text, action.insert, action.line)
        else:
            assert action.old is not None and action.new is not None
            text = replace(file.text, action.old, action.new, every=action.all)
    except Failed as failure:
        kind = f" (not a text file: {found})" if (found := binary_kind(data)) else ""
        raise Failed(f"{action.path}{kind}: {failure}") from failure
    after = file.encode(text)
    if after == data:
        raise Failed(f"{action.path}: this would change nothing")
    return FileChange(action.path, data, after)


async def _plan(section: Section, world: World) -> FileChange:
    """What a section of a patch comes to; nothing is written. Raises ``Failed``."""
    try:
        if section.kind == "add":
            if await exists(world, section.path):
                raise Failed(f"{section.path} exists: use '*** Update File:' to change it")
            return FileChange(section.path, None, TextFile("", False).encode(section.content))
        data = await load(world, section.path)
        if section.move_to is not None and await _taken(section.move_to, world):
            raise Failed(f"{section.path} cannot be moved: {section.move_to} exists")
    except Failed as failure:
        raise wrong(section.line, str(failure)) from failure
    if section.kind == "delete":
        return FileChange(section.path, data, None)
    file = TextFile.of(data)
    after = file.encode(hunks.apply(file.text, section.hunks, section.path))
    if after == data and section.move_to is None:
        raise wrong(section.line, f"{section.path} would be what it is: the patch changes nothing in it")
    return FileChange(section.path, data, after, section.move_to)


async def _taken(path: str, world: World) -> bool:
    """Whether something is at ``path``, a symlink to nowhere included."""
    return await exists(world, path) or (await world.exec(["test", "-L", path])).exit_code == 0
