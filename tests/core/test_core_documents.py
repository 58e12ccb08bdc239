"""Every mistake in a file people write: where it is, what was expected, what came."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from agentrt.documents import Document, Section, Written, load_yaml, validate
from agentrt.errors import DocumentError, UsageError


class Inner(Written):
    actions: int = Field(default=50, gt=0)
    minutes: float = 20.0


class Outer(Written):
    objective: str = Field(min_length=1)
    limits: Inner = Inner()
    apply: Literal["on_success", "never", "ask"] = "never"
    choice: str | dict[str, Any] = "default"
    steps: Annotated[tuple[Inner, ...], Field(strict=False)] = ()
    either: Inner | str = "x"
    flag: bool = False


def fails(tmp_path: Path, text: str | bytes) -> DocumentError:
    file = tmp_path / "a.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DocumentError) as caught:
        validate(Outer, load_yaml(file))
    assert caught.value.file == str(file)
    assert caught.value.exit_code == 2
    assert str(caught.value) == f"{file}:{caught.value.line}:{caught.value.column}: {caught.value.message}"
    return caught.value


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("", (1, 1), "the file is empty; expected a mapping", ""),
        ("# nothing\n", (1, 1), "the file is empty; expected a mapping", ""),
        ("- a\n", (1, 1), "expected a mapping (`key: value` lines)", ""),
        ("\n\njust words\n", (3, 1), "expected a mapping (`key: value` lines)", ""),
        (
            "objective: a: b\n",
            (1, 13),
            "not YAML: mapping values are not allowed here",
            "text that holds `: ` must stand in quotes",
        ),
        (
            "objective: [a, b\n",
            (2, 1),
            "not YAML: while parsing a flow sequence, expected ',' or ']', but got '<stream end>'",
            "",
        ),
        (
            "objective: a\n\tlimits: b\n",
            (2, 1),
            "not YAML: while scanning for the next token, found character '\\t' that cannot start any token",
            "indent with spaces; text that begins like this must stand in quotes",
        ),
        (
            "objective: @x\n",
            (1, 12),
            "not YAML: while scanning for the next token, found character '@' that cannot start any token",
            "indent with spaces; text that begins like this must stand in quotes",
        ),
        (
            "objective: *.py\n",
            (1, 12),
            "not YAML: found undefined alias '.py'",
            "text that begins with * must stand in quotes",
        ),
        ("objective: a\x07b\n", (1, 13), "not YAML: the character U+0007 is not allowed", ""),
        (b"objective: a\nflag: \xff\n", (2, 7), "not UTF-8: byte 0xff", ""),
        (
            "objective: a\n---\nobjective: b\n",
            (2, 1),
            "not YAML: expected a single document in the stream, but found another document",
            "",
        ),
        (
            "objective: a\nflag: true\nobjective: b\n",
            (3, 1),
            "the key `objective` stands here a second time (first in line 1)",
            "",
        ),
        (
            "objective: a\nlimits: {actions: 1, actions: 2}\n",
            (2, 22),
            "the key `actions` stands here a second time (first in line 2)",
            "",
        ),
        (
            "objective: !!python/name:os.system x\n",
            (1, 12),
            "the tag !!python/name:os.system means nothing here",
            "remove it",
        ),
        ("? [a]\n: b\n", (1, 3), "a key must be text", ""),
        ("objective: &a [*a]\n", (1, 12), "this contains itself", ""),
        ("objectiv: a\n", (1, 1), "unknown key `objectiv`", "did you mean `objective`?"),
        ("objective: x\nobjectiv: a\n", (2, 1), "unknown key `objectiv`", "did you mean `objective`?"),
        (
            "objective: x\nlimits:\n  actoins: 3\n",
            (3, 3),
            "unknown key `actoins`",
            "did you mean `actions`?",
        ),
        (
            "objective: x\nlimits:\n  zzz: 3\n",
            (3, 3),
            "unknown key `zzz`",
            "there is `actions`, `minutes`",
        ),
        (
            "objective: x\nsteps:\n  - actions: 1\n  - minuts: 2\n",
            (4, 5),
            "unknown key `minuts`",
            "did you mean `minutes`?",
        ),
        ("objective: no\nflag: no\n", (2, 7), '`flag` must be true or false, not text "no"', ""),
        ("objective: 5\n", (1, 12), "`objective` must be text, not the number 5", ""),
        ("objective:\n", (1, 1), "`objective` must be text, not nothing", ""),
        ('objective: ""\n', (1, 12), "`objective` must not be empty", ""),
        (
            "objective: x\nlimits: {actions: many}\n",
            (2, 19),
            '`actions` must be a whole number, not text "many"',
            "",
        ),
        (
            'objective: x\nlimits: {actions: "5"}\n',
            (2, 19),
            '`actions` must be a whole number, not text "5"',
            "",
        ),
        (
            "objective: x\nlimits: {actions: true}\n",
            (2, 19),
            "`actions` must be a whole number, not true",
            "",
        ),
        ("objective: x\nlimits: {actions: 0}\n", (2, 19), "`actions` must be more than 0, not 0", ""),
        (
            "objective: x\nlimits: {minutes: [1]}\n",
            (2, 19),
            "`minutes` must be a number, not a list",
            "",
        ),
        ("objective: x\nlimits: 5\n", (2, 9), "`limits` must be a mapping, not the number 5", ""),
        ("objective: x\nsteps: 5\n", (2, 8), "`steps` must be a list, not the number 5", ""),
        (
            "objective: x\nchoice: 5\n",
            (2, 9),
            "`choice` must be text or a mapping, not the number 5",
            "",
        ),
        ("objective: x\neither: 5\n", (2, 9), "`either` must be a mapping or text, not the number 5", ""),
        (
            "objective: x\neither: {actions: many}\n",
            (2, 19),
            '`actions` must be a whole number, not text "many"',
            "",
        ),
        (
            "objective: x\napply: allways\n",
            (2, 8),
            "`apply` must be 'on_success', 'never' or 'ask', not text \"allways\"",
            "",
        ),
        (
            "objective: x\napply: nevr\n",
            (2, 8),
            "`apply` must be 'on_success', 'never' or 'ask', not text \"nevr\"",
            "did you mean never?",
        ),
        (
            "limits: {actions: no, minuts: 1}\nobjective: [1]\napply: x\n",
            (1, 19),
            '`actions` must be a whole number, not text "no" (and 3 more)',
            "",
        ),
        (
            "objective: x\nlimits: {<<: {actions: 1}}\n",
            (2, 10),
            "unknown key `<<`",
            "there is `actions`, `minutes`",
        ),
    ],
)
def test_a_mistake_says_where_and_what(
    tmp_path: Path, text: str | bytes, place: tuple[int, int], message: str, hint: str
) -> None:
    error = fails(tmp_path, text)
    assert ((error.line, error.column), error.message, error.hint) == (place, message, hint)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.yaml:1:1: no such file"):
        load_yaml(tmp_path / "gone.yaml")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read: Is a directory"):
        load_yaml(tmp_path)


def test_a_name_with_a_nul() -> None:
    with pytest.raises(DocumentError, match="cannot be read: embedded null byte"):
        load_yaml("a\0b")


def test_a_file_larger_than_a_person_writes(tmp_path: Path) -> None:
    assert fails(tmp_path, b"#" * 1_000_001).message == "larger than 1,000,000 bytes"


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    assert "more than 100,000 values" in fails(tmp_path, text).message


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    assert fails(tmp_path, "a: " + "[" * 5000 + "]" * 5000).message == "nested too deeply"


def test_an_alias_is_the_value_again(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("objective: &o hello\nchoice: *o\n")
    found = validate(Outer, load_yaml(tmp_path / "a.yaml"))
    assert (found.objective, found.choice) == ("hello", "hello")


def test_scalars_are_yaml_1_2_whatever_the_file_claims(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "%YAML 1.1\n---\nv: [no, off, yes, true, 2024-01-01, 0x1F, 1_000, 1.5, ~, 12:30, '5']\n"
    )
    values = load_yaml(tmp_path / "a.yaml").data["v"]
    assert values == ["no", "off", "yes", True, "2024-01-01", 31, 1000, 1.5, None, "12:30", "5"]


def test_a_byte_order_mark_and_crlf_are_read_over(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfobjective: a\r\nflag: no\r\n")
    with pytest.raises(DocumentError) as caught:
        validate(Outer, load_yaml(tmp_path / "a.yaml"))
    assert (caught.value.line, caught.value.column) == (2, 7)


def test_a_mistake_in_a_part_still_points_into_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("objective: x\nchoice:\n  actions: 3\n  minuts: 5\n")
    part = load_yaml(tmp_path / "a.yaml").data["choice"]
    assert isinstance(part, Section)
    with pytest.raises(DocumentError, match=r"a\.yaml:4:3: unknown key `minuts`"):
        validate(Inner, Document.of(part, "choice"))


def test_python_data_has_no_places_but_the_same_words() -> None:
    with pytest.raises(DocumentError, match="policy:1:1: unknown key `minuts`"):
        validate(Inner, Document.of({"minuts": 5}, "policy"))


def test_the_file_is_named_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("b.yaml").write_text("- 1\n")
    with pytest.raises(DocumentError) as caught:
        load_yaml("b.yaml")
    assert caught.value.where == "b.yaml:1:1"
