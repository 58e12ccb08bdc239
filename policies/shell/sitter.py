"""The first parser: tree-sitter-bash. It tells where words begin and end; what they say is decoded here.

Its grammar is forgiving, so nothing is taken on trust: a node that is not known here is a doubt, and so is a word that
does not end where a word of the shell ends.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from . import arithmetic
from .builtins import DECLARING, SPLIT_VALUE
from .script import Doubt, Redirect, Script, Simple, Unreadable
from .variables import decides
from .words import ANYTHING, Kind, Piece, Word, ansi, build, in_double_quotes, listed

SECONDS = 2.0
DEEPEST = 50
_PIECE = 4096

_LANGUAGE = Language(tree_sitter_bash.language())

_NESTING = listed(
    """
    subshell command_substitution process_substitution compound_statement function_definition if_statement
    while_statement for_statement c_style_for_statement case_statement expansion arithmetic_expansion
    parenthesized_expression string unary_expression negated_command concatenation
    """
)
_KNOWN = _NESTING | listed(
    """
    program redirected_statement do_group elif_clause else_clause case_item pipeline list test_command
    declaration_command unset_command command command_name variable_assignment variable_assignments subscript
    file_redirect heredoc_redirect heredoc_start heredoc_body heredoc_content heredoc_end herestring_redirect
    binary_expression ternary_expression postfix_expression special_character string_content array raw_string
    ansi_c_string number simple_expansion brace_expression comment word regex test_operator variable_name
    special_variable_name file_descriptor
    """
)
_REDIRECTS = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})
_COMMANDS = frozenset({"command", "declaration_command", "unset_command"})
_EXPANSIONS = frozenset({"simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"})
_COMPUTED = listed(
    "expansion arithmetic_expansion command_substitution process_substitution compound_statement test_command"
)
_BEFORE = frozenset(b" \t\n;|&()<>`{}!=\"'")
_AFTER = frozenset(b" \t\n;|&()<>`")


def parse(text: str) -> Script:
    """Raises ``Unreadable``."""
    source = text.encode()
    end = time.monotonic() + SECONDS
    try:
        # A source that is asked for piece by piece is the only kind whose parsing can be stopped.
        tree = Parser(_LANGUAGE).parse(
            lambda at, point: source[at : at + _PIECE], progress_callback=lambda at, has_error: time.monotonic() > end
        )
    except ValueError:
        raise Unreadable("it takes too long to parse") from None
    if tree.root_node.has_error:
        raise Unreadable("it is not a script the parser understands")
    return _Walk(source).script(tree.root_node)


class _Walk:
    def __init__(self, source: bytes) -> None:
        self.source = source
        self.found = Script()
        self.by_node: dict[int, Simple] = {}

    def script(self, root: Node) -> Script:
        numbers = arithmetic.Numbers()
        stack = [(root, 0)]
        while stack:
            node, depth = stack.pop()
            if depth > DEEPEST:
                raise Unreadable(f"it is nested more than {DEEPEST} deep")
            if node.is_named and node.type not in _KNOWN and not self.is_plain_pattern(node):
                self.doubt(f"the reader does not know what this is ({node.type})", node)
            if node.type in _COMPUTED:
                self.found.computed.add(node.start_byte)
            self.visit(node)
            numbers.look(node)
            depth += node.type in _NESTING
            stack.extend((child, depth) for child in reversed(node.children))
        self.found.doubts.extend(numbers.doubts())
        self.found.settle()
        return self.found

    def visit(self, node: Node) -> None:
        if node.type in _COMMANDS:
            self.command(node)
        elif node.type == "test_command" and node.children[0].type == "[":
            self.add(node).words = [self.word(leaf) for leaf in _leaves(node)]
        elif node.type == "variable_assignment" and _stands_alone(node):
            group = node.parent if node.parent and node.parent.type == "variable_assignments" else node
            self.add(group).assigns.append(self.assignment(node))
        elif node.type in _REDIRECTS:
            self.redirect(node)
        elif node.type == "for_statement":
            variable = node.child_by_field_name("variable")
            if variable is not None and decides(self.text(variable)):
                self.doubt(f"{self.text(variable)} decides what programs run", node)

    def is_plain_pattern(self, node: Node) -> bool:
        """What goes by this name is a pattern of any kind; those with parentheses depend on how the shell is set."""
        return node.type == "extglob_pattern" and "(" not in self.text(node)

    def add(self, node: Node) -> Simple:
        if (simple := self.by_node.get(node.id)) is None:
            simple = self.by_node[node.id] = Simple(node.start_byte)
            self.found.commands.append(simple)
        return simple

    def command(self, node: Node) -> None:
        simple, at = self.add(node), node.start_byte
        for child in node.children:
            if self.source[at : child.start_byte].replace(b"\\\n", b"").strip(b" \t\n"):
                self.doubt("it is not clear where a word begins and ends", node)
            at = child.end_byte
            if child.type == "variable_assignment" and node.type == "command":
                simple.assigns.append(self.assignment(child))
            elif child.type not in _REDIRECTS:
                simple.words.append(self.word(child))
        self.keyword(simple, node)
        declares = node.type == "command" and simple.words and simple.words[0].literal in DECLARING
        if declares and any(word.splits for word in simple.words):
            self.doubt(SPLIT_VALUE, node)
        if [word.literal for word in simple.words[:1]] == ["let"]:
            simple.words[1:] = [ANYTHING]
            self.doubt("let computes, and what it computes with may hold code", node)

    def keyword(self, simple: Simple, node: Node) -> None:
        """``time`` and ``coproc`` are no programs here, though this grammar has them as such."""
        words, begins = simple.words, self.source[simple.start : simple.start + 6]
        if simple.assigns or not words or not begins.startswith((b"time", b"coproc")):
            return
        if words[0].literal not in ("time", "coproc"):
            return
        if words[0].literal == "coproc":
            self.doubt("bash itself reads a coprocess in more than one way", node)
        del words[: 2 if [word.literal for word in words[:2]] == ["time", "-p"] else 1]
        if _is_piped(node) or (words and (words[0].literal or "").startswith("-")):
            self.doubt("it is not clear whether this is a keyword or a program", node)

    def redirect(self, node: Node) -> None:
        owner = self.add(_owner(node))
        if node.type == "heredoc_redirect":
            owner.words += [self.word(child) for child in node.children_by_field_name("argument")]
        if node.type != "file_redirect":
            return
        targets = node.children_by_field_name("destination")
        operator = next((child.type for child in node.children if not child.is_named), "")
        if operator in ("<&-", ">&-"):
            owner.redirects.append(Redirect(operator[:-1], build([(Kind.EXACT, "-")])))
        elif not targets:
            self.doubt("a redirection leads nowhere", node)
        else:
            owner.redirects.append(Redirect(operator, self.word(targets[0])))
        owner.words += [self.word(target) for target in targets[1:]]

    def assignment(self, node: Node) -> tuple[str, Word]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        assert name is not None
        called = self.text(name)
        if any(child.type == "+=" for child in node.children):
            called += "+"
        return called, build(()) if value is None else self.word(value)

    def word(self, node: Node) -> Word:
        before, after = self.source[node.start_byte - 1 : node.start_byte], self.source[node.end_byte :][:1]
        if (before and before[0] not in _BEFORE) or (after and after[0] not in _AFTER):
            self.doubt("it is not clear where a word begins and ends", node)
        return build(self.pieces(node))

    def pieces(self, node: Node) -> Iterator[Piece]:
        """The stretches a word consists of."""
        kind = node.type
        if kind == "simple_expansion" and self.text(node) in ("$#", "$?", "$$"):
            yield Kind.NUMBER, ""
        elif kind in _EXPANSIONS:
            yield Kind.SPLITS, ""
        elif kind == "string":
            yield from self.string(node)
        elif kind == "raw_string":
            yield Kind.EXACT, self.text(node)[1:-1]
        elif kind == "ansi_c_string":
            decoded = ansi(self.text(node)[2:-1])
            yield (Kind.UNKNOWN, "") if decoded is None else (Kind.EXACT, decoded)
        elif kind == "process_substitution":
            yield Kind.EXACT, "/dev/fd/"
            yield Kind.UNKNOWN, ""
        elif kind in ("concatenation", "command_name", "variable_assignment"):
            at = node.start_byte
            for child in node.children:
                if child.start_byte != at:
                    self.doubt("it is not clear where a word begins and ends", node)
                at = child.end_byte
                yield from self.pieces(child)
        elif kind == "brace_expression" or (not node.children and kind not in ("regex", "extglob_pattern")):
            for stretch in re.split(r"((?<!\\)\$\$)", self.text(node)):
                yield (Kind.NUMBER, "") if stretch == "$$" else (Kind.BARE, stretch)
        else:
            yield Kind.SPLITS, ""

    def string(self, node: Node) -> Iterator[Piece]:
        at = node.start_byte + 1
        for child in node.named_children:
            if child.type == "string_content":
                continue
            yield Kind.EXACT, in_double_quotes(self.source[at : child.start_byte].decode())
            # "$@" and "${a[@]}" become as many words as there are values.
            yield Kind.SPLITS if "@" in self.text(child) else Kind.UNKNOWN, ""
            at = child.end_byte
        yield Kind.EXACT, in_double_quotes(self.source[at : node.end_byte - 1].decode())

    def text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode()

    def doubt(self, because: str, node: Node) -> None:
        self.found.doubts.append(Doubt(because, node.start_byte, node.end_byte))


def _stands_alone(node: Node) -> bool:
    parent = node.parent
    return parent is None or parent.type not in ("command", "declaration_command", "c_style_for_statement")


def _is_piped(node: Node) -> bool:
    """Does it stand behind a ``|``?"""
    within = ("pipeline", "redirected_statement", "negated_command", "heredoc_redirect")
    while (parent := node.parent) is not None and parent.type in within:
        if parent.type == "heredoc_redirect" or (parent.type == "pipeline" and parent.named_children[0].id != node.id):
            return True
        node = parent
    return False


def _owner(redirect: Node) -> Node:
    """The command a redirection belongs to; the redirection itself where that is a group of commands."""
    parent = redirect.parent
    while parent is not None and parent.type not in ("redirected_statement", *_COMMANDS):
        parent = parent.parent
    node = parent
    while node is not None and node.type not in (*_COMMANDS, "test_command"):
        inner = node.child_by_field_name("body") if node.type == "redirected_statement" else None
        if inner is None and node.type in ("list", "pipeline", "negated_command"):
            inner = node.named_children[-1]
        node = inner
    return redirect if node is None else node


def _leaves(node: Node) -> Iterator[Node]:
    """The words of ``[ … ]``, which this grammar has as expressions."""
    stack = node.children[::-1]
    while stack:
        child = stack.pop()
        if child.type.endswith("_expression"):
            stack.extend(child.children[::-1])
        else:
            yield child
