"""What a key means for what is selected: a request to the host, something to choose first, or why it cannot be.

All of it follows from what is selected and what the session has come to; nothing is asked and nothing is drawn here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentrt.preview import Preview
from agentrt.records import FileEffect, PathConflict
from agentrt.records.operations import Kind
from agentrt.showing.plain import plain
from agentrt.showing.words import conflict_line, counted, told_text

from .choice import Option


class Entry(Protocol):
    """Of an operation what is read here (``agentrt.showing.entries.Entry``)."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def status(self) -> str: ...
    @property
    def review(self) -> str | None: ...
    @property
    def about(self) -> str: ...


@dataclass(frozen=True)
class Selected:
    """What the cursor is on."""

    entry: Entry | None = None
    question: str | None = None
    """Id of one that waits."""
    question_kind: str = ""
    path: str | None = None
    """The file under the cursor of the diff, where that has the focus."""
    hunk: int | None = None
    stands: bool = False
    start: bool = False
    """The start of the session, before its first operation."""

    @property
    def number(self) -> int | None:
        """Of what one can go back to."""
        return 0 if self.start else self.entry.id if self.entry is not None else None


@dataclass(frozen=True)
class Request:
    """What the host is asked."""

    method: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    done: str = ""
    """Said when it is done."""


@dataclass(frozen=True)
class Choices:
    """What is chosen first, by key."""

    text: str
    answers: Mapping[str, tuple[str, Request]]

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(Option(key, word) for key, (word, _) in self.answers.items())


@dataclass(frozen=True)
class Reason:
    """A reason is typed first; ``request`` takes it as ``because``."""

    label: str
    request: Request


@dataclass(frozen=True)
class No:
    """Why not."""

    because: str


Decided = Request | Choices | Reason | No
_LISTED = 200
"""Paths of an apply that are named, at most."""
_NOTHING = No("select an operation first")


def accept(selected: Selected) -> Decided:
    """``a``: the operation, the file or the hunk under the cursor; a question: yes, once."""
    if selected.question is not None:
        if selected.question_kind == "inquire":
            return No("it wants words: enter answers it")
        return Request("answer", {"question": selected.question, "allow": True}, "let through, this once")
    entry = selected.entry
    if entry is None:
        return _NOTHING
    if entry.review is None:
        return No(f"operation {entry.id} needs no review")
    return Request("accept", {"ops": [entry.id], **_parts(selected)}, f"{_what(selected)} accepted")


def reject(selected: Selected) -> Decided:
    """``x``: the same, taken out; with a reason, which the agent is told."""
    if selected.question is not None:
        if selected.question_kind == "inquire":
            return Request("reply", {"question": selected.question, "text": None}, "left without an answer")
        return Reason(
            "it is denied",
            Request("answer", {"question": selected.question, "allow": False}, "denied"),
        )
    entry = selected.entry
    if entry is None:
        return _NOTHING
    if entry.review is None:
        return No(f"operation {entry.id} needs no review; v takes it out all the same")
    if entry.review == "rejected":
        return No(f"operation {entry.id} is rejected already")
    return Reason(
        f"{_what(selected)} is rejected",
        Request("reject", {"ops": [entry.id], **_parts(selected)}, f"{_what(selected)} rejected"),
    )


def conflicting(rejection: Request, conflicts: Sequence[PathConflict]) -> Decided:
    """A rejection that cannot be told apart from later changes: with these it can go. The reason is not lost."""
    (op,) = rejection.arguments["ops"]
    text = [f"Nothing is rejected: later changes stand on what operation {op} did."]
    text += map(conflict_line, conflicts[:4])
    because = {"because": rejection.arguments["because"]} if rejection.arguments.get("because") else {}
    arguments = {"ops": [op], "with_dependents": True, **because}
    request = Request("revert", arguments, f"operation {op} taken out, and what stood on it")
    return Choices("\n".join(text), {"w": ("take all of it out, and what stands on it", request)})


def undo(
    step: Entry | None, *, loses: bool, preview: Preview | None, working: bool = False, accepted: bool = False
) -> Decided:
    """``u``: the last step; None: there is none. ``loses``: the conversation has words in it that would go with the
    files; it is asked then, and also where the last thing done was to accept (``accepted``), which is no step."""
    if step is None:
        return No("nothing to undo")
    decided = _move("undo", _step(step), {"n": 1, "step": step.id}, loses, preview, working)
    if not accepted or not isinstance(decided, Request):
        return decided
    text = f"An accept is no step: x rejects what was accepted. Undo {_step(step)}?"
    return Choices(text, {"y": ("undo it", decided)})


def undo_to(selected: Selected, *, loses: bool, preview: Preview | None, working: bool = False) -> Decided:
    """``U``: everything later than the selected operation."""
    if (number := selected.number) is None:
        return _NOTHING
    what = f"all that came after operation {number}" if number else "all since the start"
    if preview is not None and not (loses or preview.effects or preview.take_back or preview.put_back):
        return No(f"there is nothing to undo: {what} changed nothing, or is undone")
    return _move("restore", what, {"op": number}, loses, preview, working)


def redo(
    step: Entry | None, *, loses: bool, preview: Preview | None, working: bool = False, last: Entry | None = None
) -> Decided:
    """``r``: the step that was undone last. ``last``: the step that ``u`` would take back."""
    if step is not None:
        return _move("redo", _step(step), {"step": step.id}, loses, preview, working)
    went_back = last is not None and last.kind == "restore"
    return No("nothing to redo; u takes back going back" if went_back else "nothing to redo")


def revert(selected: Selected, preview: Preview | None, names: Mapping[int, str]) -> Decided:
    """``v``: this one and no other; ``names`` says what the operations that stand on it are."""
    entry = selected.entry
    if entry is None:
        return _NOTHING
    if not selected.stands or entry.review == "rejected":
        return No(f"operation {entry.id} does not stand: there is nothing of it to take out")
    alone = Request("revert", {"ops": [entry.id]}, f"operation {entry.id} reverted")
    if preview is None or not (preview.dependents or preview.conflicts):
        return alone
    on_it = [f"  {number} {names.get(number, '')}".rstrip() for number in preview.dependents[:8]]
    on_it += [f"  and {len(preview.dependents) - 8} more"] if len(preview.dependents) > 8 else []
    text = [f"These stand on operation {entry.id}:", *on_it] if on_it else []
    text += [f"It cannot be told apart from later changes: {conflict_line(c)}" for c in preview.conflicts[:4]]
    together = Request("revert", {"ops": [entry.id], "with_dependents": True}, f"operation {entry.id} reverted")
    answers = {} if preview.conflicts else {"v": ("only this one", alone)}
    if preview.dependents:
        answers["w"] = ("all of them", together)
    return Choices("\n".join(text), answers) if answers else No(text[-1])


def apply(preview: Preview) -> Decided:
    """``w``: all that is not rejected."""
    if not preview.effects:
        return No("nothing to apply: the workspace has it all")
    if preview.conflicts:
        return _apply_rest(preview)
    left = [f"left in the sandbox: {', '.join(map(plain, preview.left[:3]))}"] if preview.left else []
    left += [f"never written: {plain(refused.path)}: {plain(refused.because)}" for refused in preview.refused[:3]]
    first = f"Write to your real workspace ({counted(len(preview.effects), 'path')}):"
    text = "\n".join([first, *_accepting(len(preview.target)), *left, *_files(preview.effects)])
    request = Request("apply", {"rest": bool(preview.refused), "as_of": preview.as_of}, "applied")
    return Choices(text, {"w": ("write it", request)})


def _apply_rest(preview: Preview) -> Decided:
    """Of what was changed on both sides nothing is written."""
    against = {conflict.path for conflict in preview.conflicts}
    rest = [effect for effect in preview.effects if not {effect.path, effect.renamed_from} & against]
    lines = [f"  {conflict_line(conflict)}" for conflict in preview.conflicts[:4]]
    lines += [f"  and {len(preview.conflicts) - 4} more"] if len(preview.conflicts) > 4 else []
    if not rest:
        return No("\n".join(["It cannot be applied, nothing is written:", *lines]))
    count = counted(len(rest), "path")
    paths = [effect.path for effect in rest]
    arguments = {"paths": paths, "rest": bool(preview.refused), "as_of": preview.as_of}
    request = Request("apply", arguments, f"{count} applied")
    accepted = set(preview.target).difference(*(conflict.operations for conflict in preview.conflicts))
    other = [f"The other {count} can be:", *_accepting(len(accepted)), *_files(rest)]
    text = "\n".join(["This cannot be applied, as both you and the agent changed it:", *lines, *other])
    return Choices(text, {"w": (f"write the other {count}", request)})


def _files(effects: Sequence[FileEffect]) -> list[str]:
    lines = [f"  {plain(effect.change):<9} {plain(effect.path)}" for effect in effects[:_LISTED]]
    return lines + ([f"  and {len(effects) - _LISTED:,} more"] if len(effects) > _LISTED else [])


def _accepting(operations: int) -> list[str]:
    """To apply is to accept, also what nobody looked at."""
    are = "is" if operations == 1 else "are"
    return [f"this accepts {counted(operations, 'operation')} that {are} to review"] if operations else []


def _move(
    method: str, what: str, arguments: dict[str, Any], loses: bool, preview: Preview | None, working: bool
) -> Decided:
    verb, done = ("Redo", "redone") if method == "redo" else ("Undo", "undone")
    touched = (*preview.take_back, *preview.put_back) if preview is not None else ()
    both = Request(method, {**arguments, "scope": "both"}, f"{done}: {what}")
    if not loses and not touched and not working:
        return both
    text = f"{verb} {what}:"
    if working:
        text += "\nthis stops what goes on."
    if touched:
        text += f"\nthis changes your real workspace too (apply {', '.join(map(str, touched))})."
    if not loses:
        return Choices(text, {"y": ("do it", both)})
    files, talk = (
        Request(method, {**arguments, "scope": scope}, f"{done}, {scope} only: {what}")
        for scope in ("files", "conversation")
    )
    return Choices(
        f"{text}\nmore was said since; what goes back?",
        {"b": ("both", both), "f": ("files only", files), "c": ("conversation only", talk)},
    )


def _step(step: Entry) -> str:
    return f"operation {step.id}, {told_text(step.kind, step.about)}"


def _parts(selected: Selected) -> dict[str, Any]:
    if selected.path is None:
        return {}
    return {"parts": {selected.path: [] if selected.hunk is None else [selected.hunk]}}


def _what(selected: Selected) -> str:
    assert selected.entry is not None
    if selected.path is None:
        return f"operation {selected.entry.id}"
    where = plain(selected.path)
    return where if selected.hunk is None else f"hunk {selected.hunk} of {where}"


def named(entries: Sequence[Entry], numbers: Sequence[int]) -> dict[int, str]:
    """What operations are, in a few words."""
    wanted = set(numbers)
    return {entry.id: entry.about for entry in entries if entry.id in wanted}
