"""YAML text to data with places, by way of ruamel.yaml's node tree (the package is imported on first use)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .documents import MAX_NODES, Document, Items, Place, Section
from .errors import DocumentError

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

_TAG = "tag:yaml.org,2002:"
_KINDS = ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "map", "seq")
_INT = re.compile(r"[-+]?(0o[0-7]+|0x[0-9a-fA-F]+|[0-9][0-9_]*)")
_HINTS = (
    ("mapping values are not allowed", "text that holds `: ` must stand in quotes"),
    ("cannot start any token", "indent with spaces; text that begins like this must stand in quotes"),
    ("expected <block end>", "lines of one mapping or list begin in the same column"),
    ("undefined alias", "text that begins with * must stand in quotes"),
)


def compose(file: str, text: str) -> Document:
    """Raises ``DocumentError`` for what is not YAML, not a mapping, or not something a person would write."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    # 1.1 would read `no` as False, and a %YAML line in the file must not bring that back: see _scalar.
    parser = YAML(typ="safe", pure=True)
    try:
        node = parser.compose(text)
        if node is None:
            raise DocumentError("the file is empty; expected a mapping", file=file)
        data = _Builder(file).build(node, frozenset())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        hint = next((hint for part, hint in _HINTS if part in problem), "")
        about = f" {error.context}" if error.context else ""
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"not YAML:{about}{',' if about else ''} {problem}"
        raise DocumentError(message, file=file, line=line, column=column, hint=hint) from None
    except ReaderError as error:
        before = text[: error.position].split("\n")
        message = f"not YAML: the character U+{ord(text[error.position]):04X} is not allowed"
        raise DocumentError(message, file=file, line=len(before), column=len(before[-1]) + 1) from None
    except RecursionError:
        raise DocumentError("nested too deeply", file=file) from None
    if not isinstance(data, Section):
        line, column = _at(node)
        raise DocumentError("expected a mapping (`key: value` lines)", file=file, line=line, column=column)
    return Document(file, data, data.at)


def _at(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Builder:
    def __init__(self, file: str) -> None:
        self.file, self.count = file, 0

    def error(self, node: Node, message: str, hint: str = "") -> DocumentError:
        line, column = _at(node)
        return DocumentError(message, file=self.file, line=line, column=column, hint=hint)

    def build(self, node: Node, around: frozenset[int]) -> Any:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        self.count += 1
        if self.count > MAX_NODES:
            raise self.error(node, f"more than {MAX_NODES:,} values, its aliases written out")
        if id(node) in around:
            raise self.error(node, "this contains itself")
        tag = str(node.tag)
        if tag.removeprefix(_TAG) not in _KINDS:
            raise self.error(node, f"the tag {tag.replace(_TAG, '!!')} means nothing here", "remove it")
        inside = around | {id(node)}
        if isinstance(node, MappingNode):
            return self.section(node, inside)
        if isinstance(node, SequenceNode):
            items = Items()
            for item in node.value:
                items.append(self.build(item, inside))
                items.values_at.append(_at(item))
            return items
        return self.scalar(node, tag)

    def section(self, node: Node, inside: frozenset[int]) -> Section:
        section = Section(self.file, _at(node))
        for key_node, value_node in node.value:
            if not isinstance(key_node.value, str):
                raise self.error(key_node, "a key must be text")
            key = key_node.value
            if key in section:
                first = section.keys_at[key][0]
                raise self.error(key_node, f"the key `{key}` stands here a second time (first in line {first})")
            section[key] = self.build(value_node, inside)
            # A value that was left out has its mark where the next thing begins.
            left_out = value_node.start_mark.index == value_node.end_mark.index
            section.keys_at[key] = _at(key_node)
            section.values_at[key] = _at(key_node if left_out else value_node)
        return section

    def scalar(self, node: Node, tag: str) -> Any:
        text: str = node.value
        kind = tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind == "int" and _INT.fullmatch(text):
            if len(text) > 100:
                raise self.error(node, "this number is too long")
            digits = text.replace("_", "")
            return int(digits, 0 if digits.lstrip("+-")[:2] in ("0o", "0x") else 10)
        if kind == "float":
            try:
                return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
            except ValueError:
                return text
        return text
