"""The example of a sandbox of one's own keeps to the contract, in the few lines it promises."""

from __future__ import annotations

import ast
import asyncio
import io
import subprocess
import sys
import tokenize
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agentrt.contracts import Confinement, Sandbox
from agentrt.errors import SandboxUnavailable
from agentrt.testing import check_sandbox, sandbox_checks
from agentrt.testing.sandbox_kit import Open
from examples import copies_sandbox, copies_server

ROOT = Path(__file__).resolve().parent.parent.parent
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def open_copies(workspace: Path, store: Path) -> Sandbox:
    return copies_sandbox.open_sandbox(
        {}, workspace=workspace, store=store, confinement=Confinement(), folder=workspace
    )


@pytest.mark.parametrize(("name", "run"), [pytest.param(*each, id=each[0]) for each in sandbox_checks()])
def test_copies(name: str, run: Callable[[Open], Awaitable[None]]) -> None:
    asyncio.run(run(open_copies))


def test_it_does_not_pretend_to_confine(tmp_path: Path) -> None:
    confinement = Confinement(hidden=(".env",))
    with pytest.raises(SandboxUnavailable, match="confines nothing"):
        copies_sandbox.open_sandbox(
            {}, workspace=tmp_path, store=tmp_path / "store", confinement=confinement, folder=tmp_path
        )


def test_without_namespaces_it_says_so(tmp_path: Path) -> None:
    """And so does the quick look at this machine that the command line takes."""
    code = (
        "import asyncio, sys; from pathlib import Path; from agentrt.contracts import Confinement\n"
        "from agentrt.sandboxes.local import probe; from examples.copies_sandbox import open_sandbox\n"
        "print(type(probe()).__name__)\n"
        "made = Path(sys.argv[1])\n"
        "sandbox = open_sandbox({}, workspace=made, store=made / 'store', confinement=Confinement(), folder=made)\n"
        "try: asyncio.run(sandbox.read('x'))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    command = [sys.executable, "tests/sandboxes/lacking.py", "namespaces", sys.executable, "-c", code, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    first, second = ended.stdout.splitlines()
    assert first == "SandboxUnavailable"
    assert second.startswith("SandboxUnavailable no copies can be made here: ")


def test_it_has_60_lines_of_code() -> None:
    assert sum(code_lines(Path(str(module.__file__))) for module in (copies_sandbox, copies_server)) <= 60


def code_lines(path: Path) -> int:
    """Without docstrings, comments and blank lines."""
    text = path.read_text()
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in _LAYOUT
        for line in range(token.start[0], token.end[0] + 1)
    }
    said = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return len(code - said)


def test_the_documentation_lists_every_check() -> None:
    told = (ROOT / "docs/sandboxes.md").read_text()
    table = told.partition("## What the kit checks")[2].partition("\n\nEach row")[0]
    listed = []
    for row in table.splitlines():
        if row.startswith("| ") and not row.startswith("| |"):
            group, names = row.removeprefix("| ").removesuffix(" |").split(" | ")
            listed += [f"{group}: {name}" if group.strip() else name for name in names.split(" · ")]
    assert sorted(listed) == sorted(name for name, _ in sandbox_checks())


def test_the_kit_is_where_the_documentation_has_it() -> None:
    from agentrt.testing import sandbox_kit

    assert check_sandbox is sandbox_kit.check_sandbox
