"""The second parser: shfmt, a program of its own. It shares no code with the first one but the decoding of escapes."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from .script import Redirect, Script, Simple, Unreadable
from .words import ANYTHING, Kind, Piece, Word, ansi, build, in_double_quotes, listed

SECONDS = 2.0

Node = dict[str, Any]
_COMPUTED = listed("ParamExp ArithmExp ArithmCmd CmdSubst ProcSubst TestClause")
_HERE = frozenset({"<<", "<<-", "<<<"})


def parse(text: str, dialect: str) -> Script:
    """``dialect`` is what shfmt calls a shell: ``bash`` or ``posix``. Raises ``Unreadable``."""
    command = [program(), "--to-json", f"--language-dialect={dialect}"]
    try:
        ended = subprocess.run(command, input=text.encode(), capture_output=True, timeout=SECONDS, check=False, env={})
        if ended.returncode:
            raise Unreadable("it is not a script that both parsers understand")
        return _script(json.loads(ended.stdout))
    except subprocess.TimeoutExpired:
        raise Unreadable("it takes too long to parse") from None
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise Unreadable("the second parser is not to be had") from None


@functools.cache
def program() -> str:
    """The shfmt that was installed with this environment; one that is merely on PATH could be anybody's."""
    beside = Path(sys.executable).with_name("shfmt")
    if beside.is_file():
        return str(beside)
    try:
        files = metadata.files("shfmt-py") or []
    except metadata.PackageNotFoundError:
        files = []
    found = next((file.locate() for file in files if file.name == "shfmt"), None)
    if found is None:
        raise Unreadable("the second parser is not to be had")
    return str(found)


def _script(tree: Node) -> Script:
    script = Script()
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            if "Cmd" in node or "Redirs" in node:
                _statement(node, script)
            if node.get("Type") in _COMPUTED and not node.get("Short"):
                script.computed.add(node["Pos"]["Offset"])
            stack.extend(value for value in node.values() if isinstance(value, dict | list))
    script.settle()
    return script


def _statement(node: Node, script: Script) -> None:
    command = node.get("Cmd") or {}
    redirects = [each for each in node.get("Redirs", ()) if each["Op"] not in _HERE]
    simple = _SIMPLE.get(command.get("Type", ""), lambda command: None)(command)
    if simple is None:
        # What is redirected is a group of commands, or nothing at all.
        script.commands += [Simple(each["Pos"]["Offset"], redirects=[_redirect(each)]) for each in redirects]
        return
    simple.redirects += map(_redirect, redirects)
    script.commands.append(simple)


def _redirect(node: Node) -> Redirect:
    return Redirect(node["Op"], _word(node["Word"]))


def _call(node: Node) -> Simple:
    words = [_word(word) for word in node.get("Args", ())]
    return Simple(node["Pos"]["Offset"], words, [_assign(each) for each in node.get("Assigns", ())])


def _declaration(node: Node) -> Simple:
    words = [build([(Kind.BARE, node["Variant"]["Value"])])]
    for each in node.get("Args", ()):
        if each.get("Naked"):
            words.append(_word(each["Value"]) if "Value" in each else build(_name(each)))
        else:
            words.append(build((*_name(each), (Kind.BARE, "+=" if each.get("Append") else "="), *_value(each))))
    return Simple(node["Pos"]["Offset"], words)


def _let(node: Node) -> Simple:
    return Simple(node["Pos"]["Offset"], [build([(Kind.BARE, "let")]), ANYTHING])


_SIMPLE = {"CallExpr": _call, "DeclClause": _declaration, "LetClause": _let}


def _assign(node: Node) -> tuple[str, Word]:
    name = "".join(raw for _, raw in _name(node))
    return name + ("+" if node.get("Append") else ""), build(_value(node))


def _name(node: Node) -> Iterator[Piece]:
    yield Kind.BARE, node["Name"]["Value"]
    if "Index" in node:
        index = node["Index"]
        plain = index.get("Type") == "Word" and all(part["Type"] == "Lit" for part in index["Parts"])
        yield Kind.BARE, "[" + ("".join(part["Value"] for part in index["Parts"]) if plain else "$") + "]"


def _value(node: Node) -> Iterator[Piece]:
    if "Array" in node:
        yield Kind.SPLITS, ""
    elif "Value" in node:
        yield from _pieces(node["Value"])


def _word(node: Node) -> Word:
    return build(_pieces(node))


def _pieces(node: Node) -> Iterator[Piece]:
    for part in node.get("Parts", ()):
        kind = part["Type"]
        if kind == "Lit":
            yield Kind.BARE, part["Value"]
        elif kind == "SglQuoted":
            decoded = ansi(part.get("Value", "")) if part.get("Dollar") else part.get("Value", "")
            yield (Kind.UNKNOWN, "") if decoded is None else (Kind.EXACT, decoded)
        elif kind == "DblQuoted":
            yield from _double(part)
        elif kind == "ParamExp" and part.get("Short") and part["Param"]["Value"] in ("#", "?", "$"):
            yield Kind.NUMBER, ""
        elif kind == "ProcSubst":
            yield Kind.EXACT, "/dev/fd/"
            yield Kind.UNKNOWN, ""
        else:
            yield Kind.SPLITS, ""


def _double(node: Node) -> Iterator[Piece]:
    if node.get("Dollar"):
        yield Kind.UNKNOWN, ""  # translated, by who knows what
    for part in node.get("Parts", ()):
        if part["Type"] == "Lit":
            yield Kind.EXACT, in_double_quotes(part["Value"])
        else:
            yield Kind.SPLITS if "@" in json.dumps(part, ensure_ascii=False) else Kind.UNKNOWN, ""
    if not node.get("Parts"):
        yield Kind.EXACT, ""
