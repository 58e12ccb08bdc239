"""One effect as a piece of a git-style patch."""

from __future__ import annotations

import os
from dataclasses import dataclass

from agentrt.history import hunks
from agentrt.history.matching import Matcher
from agentrt.records import FileEffect, FileState

from .binary import binary_patch

_TEXT = 4_000_000
"""Bytes of both sides that are compared line by line."""
NO_NEWLINE = "\\ No newline at end of file"
NOT_SHOWN = "the content is too large to show, or no longer there"


@dataclass(frozen=True)
class Patch:
    """Text with surrogate escapes for bytes that are not UTF-8."""

    text: str
    added: int = 0
    removed: int = 0
    said: str = ""
    """Instead of lines: ``binary`` …"""

    @property
    def lines(self) -> bool:
        return bool(self.added or self.removed)


def patch_of(effect: FileEffect, before: bytes | None, after: bytes | None, *, algorithm: str | None = None) -> Patch:
    """``before`` and ``after`` are the contents, where they are regular files and can be had.

    With ``algorithm``, the object names' hash (``sha1`` …), what is no text is there in full, for ``git apply``.
    """
    old, new = effect.before, effect.after
    if _is_entry(old) and _is_entry(new) and _type(old) != _type(new):
        # Git changes what a file holds, not what it is: one goes, another comes.
        gone = _part(effect, effect.renamed_from or effect.path, old, None)
        come = _part(effect, effect.path, None, new)
        parts = [
            patch_of(gone, before, None, algorithm=algorithm),
            patch_of(come, None, after, algorithm=algorithm),
        ]
        return Patch("".join(p.text for p in parts), sum(p.added for p in parts), sum(p.removed for p in parts))
    if not (_is_entry(old) or _is_entry(new)):
        return _no_content(effect)
    said = ""
    if old is not None and new is not None and _is_entry(old) != _is_entry(new):
        said = _no_content(effect).text
        effect = _part(effect, effect.path, old if _is_entry(old) else None, new if _is_entry(new) else None)
        old, new = effect.before, effect.after
    old_name, new_name = effect.renamed_from or effect.path, effect.path
    head = [said, f"diff --git {_quoted('a/' + old_name)} {_quoted('b/' + new_name)}\n"]
    if old is None and new is not None:
        head.append(f"new file mode {_mode(new)}\n")
    elif new is None and old is not None:
        head.append(f"deleted file mode {_mode(old)}\n")
    elif old is not None and new is not None and _mode(old) != _mode(new):
        head.append(f"old mode {_mode(old)}\nnew mode {_mode(new)}\n")
    if effect.renamed_from is not None:
        head.append(f"rename from {_quoted(old_name)}\nrename to {_quoted(new_name)}\n")
    first, second = _content(old, before), _content(new, after)
    if first == second:
        same = first is not None or (old is not None and new is not None and old.digest == new.digest)
        return Patch("".join(head) + ("" if same else _not_shown(new_name)), said="" if same else "gone")
    if first is None or second is None:
        return Patch("".join(head) + _not_shown(new_name), said="too large, or gone")
    if algorithm is not None and _binary(first, second):
        old_data, new_data = first if old is not None else None, second if new is not None else None
        return Patch("".join(head) + binary_patch(old_data, new_data, algorithm), said="binary")
    if b"\0" in first[:8000] or b"\0" in second[:8000]:
        names = (_quoted("a/" + old_name) if old else "/dev/null", _quoted("b/" + new_name) if new else "/dev/null")
        return Patch("".join(head) + f"Binary files {names[0]} and {names[1]} differ\n", said="binary")
    return _lines("".join(head), effect, first, second)


def _part(effect: FileEffect, path: str, before: FileState | None, after: FileState | None) -> FileEffect:
    return effect.model_copy(update={"path": path, "renamed_from": None, "before": before, "after": after})


def _binary(first: bytes, second: bytes) -> bool:
    """Better not line by line: no text, or so much of it that comparing would take minutes."""
    return b"\0" in first or b"\0" in second or len(first) + len(second) > _TEXT


def _lines(head: str, effect: FileEffect, first: bytes, second: bytes) -> Patch:
    a = "/dev/null" if effect.before is None else _quoted("a/" + (effect.renamed_from or effect.path))
    b = "/dev/null" if effect.after is None else _quoted("b/" + effect.path)
    old, new = hunks.lines(first), hunks.lines(second)
    groups = hunks.grouped(Matcher(old, new))
    text, added, removed = [head, *([f"--- {a}\n", f"+++ {b}\n"] if groups else [])], 0, 0
    for group in groups:
        text.append(hunks.title(group) + "\n")
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                text += [_line(" ", line) for line in old[i1:i2]]
                continue
            text += [_line("-", line) for line in old[i1:i2]]
            text += [_line("+", line) for line in new[j1:j2]]
            added += j2 - j1
            removed += i2 - i1
    return Patch("".join(text), added, removed)


def _line(sign: str, line: bytes) -> str:
    text = sign + line.decode("utf-8", "surrogateescape")
    return text if text.endswith("\n") else f"{text}\n{NO_NEWLINE}\n"


def _no_content(effect: FileEffect) -> Patch:
    """Git has no words for folders and special files."""
    said = kinds_text(effect)
    return Patch(f"# {_quoted(effect.path)}: {said}\n", said=said)


def kinds_text(effect: FileEffect) -> str:
    """``folder deleted``: what became of what has no lines, or is no longer what it was."""
    old, new = effect.before, effect.after
    if new is None:
        said = f"{_kind(old)} deleted"
    elif old is None:
        said = f"{_kind(new)} created, mode {new.mode:04o}"
    elif old.type == new.type:
        said = f"{_kind(old)} mode {old.mode:04o} → {new.mode:04o}"
    else:
        said = f"{_kind(old)} replaced by {_kind(new)}"
    return said


def _not_shown(path: str) -> str:
    return f"# {_quoted(path)}: {NOT_SHOWN}\n"


def _content(state: FileState | None, data: bytes | None) -> bytes | None:
    if state is None:
        return b""
    if state.type == "symlink":
        return os.fsencode(state.target or "")
    return data


def _mode(state: FileState) -> str:
    if state.type == "symlink":
        return "120000"
    return "100755" if state.mode & 0o100 else "100644"


def _type(state: FileState | None) -> str:
    return "" if state is None else state.type


def _is_entry(state: FileState | None) -> bool:
    """Something git keeps."""
    return _type(state) in ("file", "symlink")


def _kind(state: FileState | None) -> str:
    return {"directory": "folder", "symlink": "symbolic link"}.get(_type(state), _type(state))


def _quoted(path: str) -> str:
    """As git writes names: in quotes, with C escapes, where a plain one could be misread."""
    if path.isprintable() and not set(path) & {'"', "\\"}:
        return path
    escapes = {0x07: "a", 0x08: "b", 0x09: "t", 0x0A: "n", 0x0B: "v", 0x0C: "f", 0x0D: "r", 0x22: '"', 0x5C: "\\"}
    quoted = ""
    for character in path:
        if character.isprintable() and character not in '"\\':
            quoted += character
            continue
        for byte in os.fsencode(character):
            quoted += f"\\{escapes[byte]}" if byte in escapes else f"\\{byte:03o}"
    return f'"{quoted}"'
