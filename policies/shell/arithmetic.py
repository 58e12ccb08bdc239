"""Arithmetic, which in bash may run commands: a variable that holds ``a[$(rm x)]`` runs it when it is computed with.

So computing with a variable is a doubt, unless the text itself gives it numbers and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from .script import Doubt
from .variables import decides
from .words import listed

_PLACES = frozenset({"arithmetic_expansion", "c_style_for_statement", "subscript"})
_COMPARED = re.compile(r"-(?:eq|ne|lt|le|gt|ge|v|R)\b")
_NUMBER = re.compile(r"[-+]?[0-9]*")
_NAME = re.compile(r"(?<![0-9A-Za-z_$#{])[A-Za-z_]\w*")
_COUNTS = re.compile(r"\$(?:[#?$!]|\{#[\w@*]+(?:\[[@*]\])?\})|\b0[xX][0-9a-fA-F]+\b")
_PLAIN = re.compile(r"\$?\b[A-Za-z_]\w*\b|\$\{[A-Za-z_]\w*\}|[\s0-9+*/%<>=!&|^~?:,();-]")
_ASSIGNING = listed("read readarray mapfile printf getopts wait coproc")


class Numbers:
    """Collects what is computed with, and what is known of it."""

    def __init__(self) -> None:
        self._used: list[tuple[frozenset[str] | None, Node]] = []
        self._numbers: set[str] = set()
        self._others: set[str] = set()

    def look(self, node: Node) -> None:
        kind = node.type
        if kind in _PLACES or (kind == "compound_statement" and node.children[0].type == "(("):
            self._compute(node)
        elif kind == "test_command":
            if _COMPARED.search(_text(node)) and not _is_test(node):
                self._compare(node)
        elif kind == "expansion":
            self._expand(node)
        elif kind == "array":
            for index in re.findall(r"[(\s]\[([^]]*)\]\+?=", _text(node)):
                self._use(index, node)
        elif kind == "variable_assignment":
            self._assign(node)
        elif kind == "for_statement":
            self._loop(node)
        elif kind == "command":
            self._read(node)

    def doubts(self) -> Iterator[Doubt]:
        known = self._numbers - self._others if "" not in self._others else frozenset()
        for names, node in self._used:
            if names is None or not names <= known:
                yield Doubt("it computes with what is known at run time, which may hold code", *node.byte_range)

    def _compute(self, node: Node) -> None:
        text = _text(node)
        if node.type == "subscript":
            index = node.child_by_field_name("index")
            text = "" if index is None else _text(index).strip()
            if text in ("@", "*"):
                return
        elif node.type == "c_style_for_statement":
            first, *_, last = (child for child in node.children if child.type in ("((", "))"))
            whole = node.text or b""
            text = whole[first.end_byte - node.start_byte : last.start_byte - node.start_byte].decode()
        elif text.startswith("$(("):
            text = text[3:-2]
        elif text.startswith(("((", "$[")):
            text = text[2:-2] if text.startswith("((") else text[2:-1]
        self._use(text, node)

    def _use(self, text: str, node: Node) -> None:
        text = _COUNTS.sub("0", text)
        self._numbers.update(re.findall(r"\b([A-Za-z_]\w*)\s*=(?!=)", text))
        names = frozenset(re.findall(r"[A-Za-z_]\w*", text))
        if any(map(decides, names)):
            self._others.update(names)
        self._used.append((names if not _PLAIN.sub("", text) else None, node))

    def _compare(self, node: Node) -> None:
        """``[[ x -eq y ]]`` computes both sides, ``[[ -v x ]]`` the subscript."""
        for inner in _expressions(node):
            if any(_COMPARED.fullmatch(_text(child)) for child in inner.children if not child.named_children):
                for child in inner.children:
                    if not _COMPARED.fullmatch(_text(child)):
                        self._use(_text(child).strip("\"'"), child)

    def _expand(self, node: Node) -> None:
        """``${x:from:length}`` computes, ``${!x}`` and ``${x@P}`` take a value for code, ``${x:=y}`` assigns."""
        text = _text(node)
        if text.startswith("${!") or re.search(r"@[A-Za-z]\}$", text):
            self._used.append((None, node))
        elif match := re.match(r"\$\{[\w@*!#]+(?:\[[^]]*\])?:(?![-+=?])(.*)\}$", text, re.DOTALL):
            self._use(match[1], node)
        if match := re.match(r"\$\{(\w+):?=", text):
            self._others.add(match[1])

    def _assign(self, node: Node) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        plain = value is None or value.type == "arithmetic_expansion" or _NUMBER.fullmatch(_text(value))
        appends = any(child.type == "+=" for child in node.children)
        (self._numbers if plain and not appends else self._others).add("" if name is None else _text(name))

    def _loop(self, node: Node) -> None:
        values = node.children_by_field_name("value")
        variable = node.child_by_field_name("variable")
        plain = values and all(re.fullmatch(r"[0-9]+|\{[0-9]+\.\.[0-9]+\}", _text(value)) for value in values)
        (self._numbers if plain else self._others).add("" if variable is None else _text(variable))

    def _read(self, node: Node) -> None:
        """Builtins that put what they get into variables."""
        words = [_text(child) for child in node.children]
        if any(word.strip("\\\"'") in _ASSIGNING for word in words[:4]):
            self._others.update(name for word in words for name in re.findall(r"[A-Za-z_]\w*", word))
            if any("$" in word or "`" in word for word in words if not word.startswith("'")):
                self._others.add("")


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _is_test(node: Node) -> bool:
    return node.children[0].type == "[" and "-v" not in _text(node) and "-R" not in _text(node)


def _expressions(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        inner = stack.pop()
        if inner.type.endswith("_expression"):
            yield inner
        stack.extend(inner.children)
