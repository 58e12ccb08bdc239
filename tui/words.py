"""What a person types at the bottom: a task, a command of their own, or an answer; and what was typed before."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agentrt.records import Message
from agentrt.showing.plain import plain

Kind = Literal["task", "reason", "filter", "reply"]
_AT = re.compile(r"(?:^|(?<=\s))@(\S*)$")
_MOST_FILES = 20_000


@dataclass(frozen=True)
class Mode:
    """What the prompt is for just now."""

    kind: Kind = "task"
    label: str = "a task for the agent · !command · @path"
    about: str = ""
    """What a reason or a reply is about: an operation's number, a question's id."""


TASK = Mode()


@dataclass(frozen=True)
class History:
    """What was typed before, oldest first; ``at`` is how far back one has gone, 0 for what is being typed."""

    typed: tuple[str, ...] = ()
    at: int = 0
    draft: str = ""
    """What was being typed when one went back."""

    def older(self, now: str) -> tuple[History, str] | None:
        """None at the oldest."""
        if self.at >= len(self.typed):
            return None
        draft = now if self.at == 0 else self.draft
        there = replace(self, at=self.at + 1, draft=draft)
        return there, self.typed[-there.at]

    def newer(self) -> tuple[History, str] | None:
        """None at what is being typed."""
        if self.at == 0:
            return None
        there = replace(self, at=self.at - 1)
        return there, self.typed[-there.at] if there.at else self.draft

    def again(self) -> History:
        """At what is being typed."""
        return History(self.typed)

    def then(self, other: History) -> History:
        """And what was typed later; what is in both, once, where it was typed last."""
        texts = dict.fromkeys(reversed((*self.typed, *other.typed)))
        return History(tuple(reversed(texts)))

    def add(self, text: str) -> History:
        """One more; what repeats the last one is not kept twice."""
        typed = self.typed if self.typed[-1:] == (text,) else (*self.typed, text)
        return History(typed)


def typed_before(conversation: Iterable[Message], commands: Iterable[str]) -> History:
    """The journal knows it: commands of the user's own, then tasks and what was said to agents."""
    tasks = [
        str(text)
        for message in conversation
        if (text := message.body.get("asked") or (message.body.get("text") if message.role == "task" else None))
    ]
    found = [f"!{command}" for command in commands] + tasks
    return History(tuple(text for text, before in zip(found, [None, *found], strict=False) if text != before))


def command(text: str) -> str | None:
    """What ``!command`` runs; None for what is no command."""
    return text[1:].strip() if text.startswith("!") else None


def completion(text: str, files: Sequence[str]) -> str:
    """What would complete the ``@path`` the text ends with: the shortest that fits; empty where none does."""
    found = _AT.search(text)
    if found is None:
        return ""
    begun = found[1]
    fitting = [file for file in files if file.startswith(begun) and file != begun]
    return min(fitting, key=lambda file: (len(file), file), default="")[len(begun) :]


def typeable(text: str) -> str:
    """What a prompt takes of a text: all that can be seen in it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c in "\n\t" or plain(shown := f"x{c}") == shown)


def files_of(workspace: Path) -> list[str]:
    """The workspace's files for completion, without what begins with a dot; not all of a very large one."""
    found: list[str] = []
    for folder, folders, names in os.walk(workspace):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = os.path.relpath(folder, workspace)
        found += [name if inside == "." else f"{inside}/{name}" for name in sorted(names) if not name.startswith(".")]
        if len(found) > _MOST_FILES:
            break
    return [name for name in found if plain(name) == name]
