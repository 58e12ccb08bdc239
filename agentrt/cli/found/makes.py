"""``make`` and ``just``: which of their targets do something.

A target that does nothing is worse than none: ``make test`` ends with 0 where ``test`` is only named as ``.PHONY``,
or where a folder called ``test`` makes it "up to date".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from .files import Folder

_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
"""As GNU make looks for them: the first that is there is read."""
_MOST_INCLUDED = 20
_OPERATOR = re.compile(r":{1,3}=|[?+!]?=|&?::?|;")
_REFERENCE = re.compile(r"\$(?:\([^()]*\)|\{[^{}]*\}|.)")
_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)([^:=]*(?:=[^:]*)?):(?!=)", re.ASCII)
_ALIAS = re.compile(r"alias\s+([A-Za-z_][\w-]*)\s*:=", re.ASCII)


class _Rules:
    """What the rules of a makefile say of each target."""

    def __init__(self) -> None:
        self.needs: dict[str, set[str]] = {}
        self.recipes: set[str] = set()
        self.phony: set[str] = set()
        self.any_phony = False
        """A variable stands among the phony ones."""


def make_target(folder: Folder, name: str) -> str | None:
    """The makefile whose target ``name`` does something."""
    file = next((file for file in _MAKEFILES if folder.has(file)), None)
    if file is None:
        return None
    rules = _Rules()
    _read(folder, file, rules, {file})
    needs = rules.needs.get(name, set())
    if not needs and name not in rules.recipes:
        return None
    stale = any(need in rules.phony or not os.path.lexists(folder.path / need) for need in needs)
    hidden = os.path.lexists(folder.path / name) and not (name in rules.phony or rules.any_phony or stale)
    if hidden:
        folder.odd[file] = f"has a target `{name}` that is not .PHONY, and `{name}` is here: make would do nothing"
        return None
    return file


def just_recipe(folder: Folder, name: str) -> str | None:
    """The justfile with a recipe ``name`` that wants no argument."""
    file = next((file for file in folder.top if file.lower() in ("justfile", ".justfile")), None)
    for line in (folder.text(file) or "").splitlines() if file else ():
        found = _ALIAS.match(line) or _RECIPE.match(line)
        if found is None or found[1] != name:
            continue
        parameters = found[2].split() if found.re is _RECIPE else []
        if all(word.startswith("*") or "=" in word for word in parameters):
            return file
    return None


def _read(folder: Folder, file: str, rules: _Rules, seen: set[str]) -> None:
    prefix = "\t"
    targets: list[str] = []
    inside = 0  # define … endef
    for line in _lines(folder.text(file) or ""):
        if line.startswith(prefix):
            rules.recipes.update(targets)
            continue
        line = line.split("#", 1)[0].strip() if "\\#" not in line else line.strip()
        words = line.split()
        if not words:
            continue
        if words[0] in ("define", "endef") or words[:2] == ["override", "define"]:
            inside += -1 if words[0] == "endef" else 1
            targets = []
            continue
        if inside > 0 or words[0] in ("ifeq", "ifneq", "ifdef", "ifndef", "else", "endif", "export", "unexport"):
            continue
        if words[0] in ("include", "-include", "sinclude"):
            for other in words[1:]:
                if other not in seen and len(seen) < _MOST_INCLUDED and folder.has(other):
                    seen.add(other)
                    _read(folder, other, rules, seen)
            continue
        left, operator, right = _cut(line)
        if operator.endswith("="):
            targets = []
            if left.strip() == ".RECIPEPREFIX":
                prefix = right.strip()[:1] or "\t"
        elif operator.endswith(":"):
            targets = _rule(left.split(), right, rules)


def _rule(targets: list[str], right: str, rules: _Rules) -> list[str]:
    """Take up ``targets: right``. Gives the targets whose recipe may follow."""
    needs, operator, _ = _cut(right)
    if operator.endswith("="):
        return []  # a variable of these targets, which is no rule
    if operator.endswith(":"):
        needs = right.split(":", 1)[1].split(";")[0]  # a static pattern
    words = [word for word in needs.split() if word != "|"]
    if ".PHONY" in targets:
        rules.phony.update(words)
        rules.any_phony |= "$" in right
        return []
    for target in targets:
        rules.needs.setdefault(target, set()).update(words)
    if ";" in right:
        rules.recipes.update(targets)
    return targets


def _cut(line: str) -> tuple[str, str, str]:
    """Before, at and after the first operator that is not within a variable's name."""
    hidden = line
    for _ in range(5):  # variables within variables
        hidden = _REFERENCE.sub(lambda found: "$" + "_" * (len(found[0]) - 1), hidden)
    found = _OPERATOR.search(hidden)
    if found is None:
        return line, "", ""
    return line[: found.start()], found[0], line[found.end() :]


def _lines(text: str) -> Iterator[str]:
    """With a backslash at its end a line goes on, a recipe's or a comment's as well."""
    whole: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        whole.append(line[:-1] if (more := _goes_on(line)) else line)
        if not more:
            yield " ".join(whole)
            whole = []
    if whole:
        yield " ".join(whole)


def _goes_on(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
