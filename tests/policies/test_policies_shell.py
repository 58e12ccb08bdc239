"""What is read in a text: commands, arguments, redirections, places; and where reading stops."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from agentrt.policies.shell import Command, Opaque, read, shfmt, sitter


def argvs(script: str) -> list[tuple[str | None, ...]]:
    return [command.argv for command in read(script).commands]


@pytest.mark.parametrize(
    ("word", "decoded"),
    [
        ("a", "a"),
        ("'a b'", "a b"),
        ('"a b"', "a b"),
        ("a\\ b", "a b"),
        ("'a'\"b\"c", "abc"),
        ("''", ""),
        ('"\\$x\\`\\"\\\\\\a"', '$x`"\\\\a'),
        ("'\\n'", "\\n"),
        ("$'a\\tb\\n\\'\\\\\\e'", "a\tb\n'\\\x1b"),
        ("$'\\x41\\101\\u0041'", "AAA"),
        ("$'\\xc3\\xa9'", "é"),
        ("$'a\\0b'", None),
        ("$'\\xff'", None),
        ("$'\\u00e9'", None),
        ("$'\\cA'", None),
        ('"a\\\nb"', "ab"),
        ("é", "é"),
        ("{}", "{}"),
        ("a{b}c", "a{b}c"),
        ("{a,b}", None),
        ("{1..3}", None),
        ("'{a,b}'", "{a,b}"),
        ("\\*", "*"),
        ("*", None),
        ("a?b", None),
        ("[ab]", None),
        ("a]", "a]"),
        ("~", None),
        ("~/x", None),
        ("a~", "a~"),
        ("a=~", None),
        ("'~'", "~"),
        ("a=b", "a=b"),
        ("a#b", "a#b"),
        ("$x", None),
        ('"$x"', None),
        ("a$(b)", None),
        ("$((1))", None),
        ("<(b)", None),
        ("$", "$"),
        ("--x=y", "--x=y"),
        ("^", "^"),
        ("%", "%"),
    ],
)
def test_a_word(word: str, decoded: str | None) -> None:
    assert argvs(f"p {word}")[0] == ("p", decoded)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", []),
        ("# nothing", []),
        ("a; b & c", [("a",), ("b",), ("c",)]),
        ("a | b && c || d", [("a",), ("b",), ("c",), ("d",)]),
        ("a $(b $(c))", [("a", None), ("b", None), ("c",)]),
        ("f() { a; }; f b", [("a",), ("f", "b")]),
        ("if a; then b; elif c; then d; else e; fi", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("[ -f a ] && b", [("[", "-f", "a", "]"), ("b",)]),
        ("[[ -f a ]] && b", [("b",)]),
        ("export A=1 B", [("export", "A=1", "B")]),
        ("time -p a", [("a",)]),
        ("cat <<E\na $(b)\nE\nc", [("cat",), ("b",), ("c",)]),
        ("cat <<'E'\na $(b)\nE\nc", [("cat",), ("c",)]),
        ("sudo a b", [("sudo", "a", "b"), ("a", "b")]),
        ("git -C x push -f", [("git", "-C", "x", "push", "-f"), ("git", "push", "-f")]),
        ("find . -exec a {} b \\;", [("find", ".", "-exec", "a", "{}", "b", ";"), ("a", None, "b")]),
        ("xargs a b", [("xargs", "a", "b"), ("a", "b", None)]),
        ("xargs -I% a x% b", [("xargs", "-I%", "a", "x%", "b"), ("a", None, "b")]),
        ("a\\\n b", [("a", "b")]),
    ],
)
def test_commands(script: str, expected: list[tuple[str | None, ...]]) -> None:
    assert argvs(script) == expected


def test_a_command_in_full() -> None:
    reading = read('ls\n  A=1 B=$c sudo -u x timeout 5 rm -f "$y" <in 2>>out >&2 >"$z" 3>&-\n')
    sudo, timeout, rm = reading.commands[1:]
    assert sudo == Command(
        ("sudo", "-u", "x", "timeout", "5", "rm", "-f", None),
        open=True,
        assigns=(("A", "1"), ("B", None)),
        reads=("in",),
        writes=("out", None),
        line=2,
        column=3,
    )
    assert timeout.through == ("sudo",)
    assert rm == Command(("rm", "-f", None), ("sudo", "timeout"), open=True, line=2, column=3)
    assert reading.opaque == () and reading.is_open


def test_what_runs_no_program_is_a_command_as_well() -> None:
    assert read("A=1 B+=2").commands == (Command((), assigns=(("A", "1"), ("B+", "2"))),)
    assert read("> f").commands == (Command((), writes=("f",)),)
    assert read("{ a; } > f").commands[1] == Command((), writes=("f",), column=8)
    assert read('> "$x"').commands == (Command((), writes=(None,)),)
    assert not read("A=1").is_open


@pytest.mark.parametrize(
    ("script", "reads", "writes"),
    [
        ("a > f", (), ("f",)),
        ("a >> f", (), ("f",)),
        ("a >| f", (), ("f",)),
        ("a &> f", (), ("f",)),
        ("a >& f", (), ("f",)),
        ("a < f", ("f",), ()),
        ("a 2>&1", (), ()),
        ("a <<< f", (), ()),
        ("a > f b", (), ("f",)),
    ],
)
def test_redirections(script: str, reads: tuple[str, ...], writes: tuple[str, ...]) -> None:
    reading = read(script)
    assert reading.opaque == ()
    assert (reading.commands[0].reads, reading.commands[0].writes) == (reads, writes)


def test_a_redirection_belongs_to_the_command_it_stands_at() -> None:
    assert [command.writes for command in read("a > f | b && c > g").commands] == [("f",), (), ("g",)]


def test_what_is_opaque_says_why_and_where() -> None:
    assert read("ls\necho é; $x a").opaque == (Opaque("the program's name is computed at run time", "… a", 2, 9),)
    assert read("bash -c '\n $x'").opaque[0].line == 1


@pytest.mark.parametrize(
    ("script", "because"),
    [
        ("a" * 65_537, "it is longer than 64 KB"),
        ("a;" * 1001, "there are more than 1,000 commands"),
        ("(" * 60 + "a" + ")" * 60, "it is nested more than 50 deep"),
        ("eval " * 60 + "a", "commands are nested more than 50 deep"),
        ("a\0", "there is a control character in it"),
        ("a\r", "there is a control character in it"),
        ("a\u200b", "there is a character in it that is not seen, or only looks like a space"),
        ("a \udc80", "it is not valid text"),
        ("a '", "it is not a script the parser understands"),
    ],
)
def test_where_reading_stops(script: str, because: str) -> None:
    assert because in {opaque.because for opaque in read(script).opaque}


@pytest.mark.parametrize(
    "piece",
    ["(", "$(", "{ ", "`", '"', "'", "${x:-", "$((", "a=(", "[[ ", "if ", "<<E\n", "((", "!", "\\", "a<(", "bash -c '"],
)
def test_nothing_is_too_deep(piece: str) -> None:
    for times in (100, 10_000):
        assert read(piece * times, confirm=False) is not None
        assert read(piece * times).opaque or piece in ("!", "\\", "'", '"')


def test_the_second_parser_is_asked_only_to_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(subprocess, "run", fail)
    assert read("sudo rm x", confirm=False).commands[1].argv == ("rm", "x")


def test_a_second_parser_that_fails_or_takes_long_is_opaque(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shfmt, "program", lambda: "/nowhere/shfmt")
    assert [opaque.because for opaque in read("a").opaque] == ["the second parser is not to be had"]
    monkeypatch.undo()
    monkeypatch.setattr(shfmt, "SECONDS", 0.0)
    assert [opaque.because for opaque in read("a").opaque] == ["it takes too long to parse"]


def test_a_first_parser_that_takes_long_is_opaque(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitter, "SECONDS", -1.0)
    assert [opaque.because for opaque in read("a; " * 900).opaque] == ["it takes too long to parse"]
