"""The house stands as docs/architecture.md draws it: folders, floors, packaging.

``violations`` is the import test: it reads the sources and says which import may not be.
"""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

HOUSE = {
    "agentrt": "agentrt",
    "policies": "agentrt.policies",
    "tools": "agentrt.tools",
    "sandboxes": "agentrt.sandboxes",
    "tui": "agentrt.tui",
}
"""Top-level folders that are installed, and as what."""
BESIDE = {"docs", "examples", "scripts", "tests"}
"""Top-level folders that are not."""
PLUGINS = tuple(package for package in HOUSE.values() if package != "agentrt")

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "homes"),
    ("records",),
    ("secrets",),
    ("documents", "_yaml", "_mistakes", "units", "whole"),
    ("contracts",),
    ("egress",),
    ("oauth",),
    ("plugins",),
    ("history",),
    ("repository",),
    (
        "runtime",
        "accepting",
        "applied",
        "applying",
        "arguments",
        "asking",
        "collecting",
        "committing",
        "databases",
        "errorlines",
        "fetching",
        "flags",
        "forking",
        "hearing",
        "holding",
        "housing",
        "moves",
        "narrowing",
        "notices",
        "opening",
        "organizer",
        "outbox",
        "outside",
        "outward",
        "preview",
        "printed",
        "purging",
        "reader",
        "replaying",
        "repeated",
        "recovery",
        "resources",
        "reverting",
        "reviewing",
        "selecting",
        "sending",
        "settling",
        "standing",
        "transaction",
        "turns",
        "inside",
        "uncollected",
        "unread",
        "uninterrupted",
        "verifying",
        "ways",
        "world",
    ),
    ("agent",),
    ("planners",),
    ("session", "task", "resuming", "settings"),
    ("showing",),
    ("drilling", "hosting", "shell", "terminal"),
    ("",),  # agentrt itself: the door, which shows what those below have
    ("cli", "report", "serving", "sync", "testing", "__main__"),
)
"""The core from the ground up. A module imports from its own floor and from those below it."""

HEAVY = {
    "aiohttp",
    "anthropic",
    "apsw",
    "authlib",
    "cryptography",
    "docker",
    "git",
    "keyring",
    "langgraph",
    "openai",
    "psycopg",
    "pymysql",
    "regex",
    "requests",
    "ruamel",
    "textual",
}
"""Imported where they are used, never when a module is."""
OWN = {"agentrt.tui": {"textual"}}
"""What a plug-in is made of: it is itself imported where it is used."""
LONGEST = 350
"""Lines of a module; more is a design that was not made."""


# ------------------------------------------------------------------------------------------------ the import test


def modules(root: Path) -> dict[str, Path]:
    """Every installed module below ``root``: dotted name to file."""
    found = {}
    for folder, package in HOUSE.items():
        for file in sorted((root / folder).rglob("*.py")):
            inner = file.relative_to(root / folder).with_suffix("").parts
            found[".".join((package, *inner)).removesuffix(".__init__")] = file
    return found


def imports(name: str, file: Path, known: dict[str, Path]) -> Iterator[tuple[int, str, bool]]:
    """(line, what, whether it happens when the module is imported) for each import of a module."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]

    def walk(node: ast.AST, at_import: bool) -> Iterator[tuple[int, str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((child.lineno, alias.name, at_import) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                up = package.split(".")[: package.count(".") + 2 - child.level] if child.level else []
                base = ".".join([*up, *([child.module] if child.module else [])])
                for alias in child.names:
                    inner = f"{base}.{alias.name}"
                    yield child.lineno, inner if inner in known else base, at_import
            else:
                yield from walk(child, at_import and not runs_later(child))

    return walk(ast.parse(file.read_bytes()), True)


def runs_later(node: ast.AST) -> bool:
    """Not when the module is imported: in a function, or for type checkers only."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def plugin(name: str) -> str | None:
    """The plug-in folder a module lives in; None for the core."""
    return next((package for package in PLUGINS if name == package or name.startswith(package + ".")), None)


def floor(name: str) -> int | None:
    """How high a core module stands; None where the table does not say."""
    part = name.partition(".")[2].partition(".")[0]
    return next((height for height, parts in enumerate(FLOORS) if part in parts), None)


def violations(root: Path) -> list[str]:
    """What is built against the plan, one line each."""
    found = []
    known = modules(root)
    for name, file in known.items():
        where = file.relative_to(root)
        if plugin(name) is None and floor(name) is None:
            found.append(f"{where}: {name} has no floor; FLOORS in tests/test_house.py wants it")
        for line, target, at_import in imports(name, file, known):
            if (why := forbidden(name, target, at_import)) is not None:
                found.append(f"{where}:{line}: {why}")
    return found


def forbidden(name: str, target: str, at_import: bool) -> str | None:
    """Why module ``name`` may not import ``target``; None where it may."""
    if target.split(".")[0] in HEAVY - OWN.get(plugin(name) or "", set()) and at_import:
        return f"{target} is heavy: import it where it is used"
    if target.split(".")[0] != "agentrt":
        return None
    here, there = plugin(name), plugin(target)
    if here is None and there is not None:
        return f"the core imports the plug-in {target}"
    if here is not None and there is not None and here != there:
        return f"the plug-in {here} imports the plug-in {there}"
    if here is None:
        mine, other = floor(name), floor(target)
        if mine is not None and other is not None and mine < other:
            return f"{name} imports {target}, which stands above it"
    return None


def test_no_import_is_against_the_plan() -> None:
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("file", "source", "said"),
    [
        ("agentrt/runtime.py", "from agentrt.tools.bash import BashTool", "the core imports the plug-in"),
        ("agentrt/runtime.py", "def f():\n    import agentrt.policies", "the core imports the plug-in"),
        ("agentrt/history/store.py", "from .. import tools", "the core imports the plug-in"),
        ("tools/bash.py", "from agentrt.sandboxes import local", "the plug-in agentrt.tools imports"),
        ("tools/bash.py", "from ..sandboxes.local import sandbox", "the plug-in agentrt.tools imports"),
        ("agentrt/errors.py", "from .records import Record", "which stands above it"),
        ("agentrt/history/store.py", "from agentrt import runtime", "which stands above it"),
        ("agentrt/history/store.py", "from ..runtime import Runtime", "which stands above it"),
        ("agentrt/history/store.py", "from agentrt import Runtime", "imports agentrt, which stands above it"),
        ("agentrt/history/__init__.py", "from ..agent import loop", "which stands above it"),
        ("agentrt/contracts.py", "def f():\n    from agentrt.task import Task", "which stands above it"),
        ("agentrt/agent/loop.py", "import langgraph.graph", "langgraph.graph is heavy"),
        ("sandboxes/local/probe.py", "try:\n    from docker import errors\nfinally: pass", "docker is heavy"),
        ("agentrt/shed.py", "", "agentrt.shed has no floor"),
    ],
)
def test_the_import_test_sees(file: str, source: str, said: str, small_house: Path) -> None:
    (small_house / file).write_text(source)

    found = violations(small_house)

    assert len(found) == 1
    assert found[0].startswith(file)
    assert said in found[0]


def test_the_import_test_lets_pass_what_is_right(small_house: Path) -> None:
    for file, source in {
        "agentrt/errors.py": "import os",
        "agentrt/runtime.py": "from .errors import A\nfrom agentrt.history import store\nfrom . import errors",
        "agentrt/history/store.py": "from ..errors import A\nfrom .rows import B\nfrom agentrt.history import rows",
        "agentrt/history/rows.py": "def f():\n    import langgraph",
        "agentrt/__init__.py": "from .runtime import Runtime",
        "agentrt/__main__.py": "from agentrt import Runtime",
        "tools/bash.py": "from agentrt import Runtime\nfrom . import files\nfrom .files import Read",
        "tools/files.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import docker",
    }.items():
        (small_house / file).write_text(source)

    assert violations(small_house) == []


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """One with a few empty rooms of each kind."""
    for file in (
        *(
            f"agentrt/{name}.py"
            for name in ("__init__", "__main__", "errors", "records", "contracts", "runtime", "task")
        ),
        *(f"agentrt/{name}.py" for name in ("history/__init__", "history/store", "history/rows", "agent/loop")),
        *("tools/__init__.py", "tools/bash.py", "tools/files.py", "policies/__init__.py"),
        *("sandboxes/__init__.py", "sandboxes/local/sandbox.py"),
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


def test_importing_everything_loads_nothing_heavy() -> None:
    names = [name for name in modules(ROOT) if not name.endswith("__main__") and plugin(name) not in OWN]
    code = (
        "import importlib, os, sys, threading\n"
        "before = os.getcwd(), dict(os.environ)\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"heavy = sorted({HEAVY!r} & set(sys.modules))\n"
        "assert not heavy, heavy\n"
        "assert (os.getcwd(), dict(os.environ)) == before\n"
        "assert threading.active_count() == 1\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


# --------------------------------------------------------------------------------------------- folders and files


def ignored() -> list[str]:
    lines = (ROOT / ".gitignore").read_text().splitlines()
    return [line.strip("/") for line in lines if line and not line.startswith("#")]


def test_no_folder_stands_beside_the_plan() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    planned = {*HOUSE, *BESIDE}
    assert {name for name in folders - planned if not any(fnmatch(name, line) for line in ignored())} == set()


def test_no_module_is_too_long() -> None:
    lengths = {file.relative_to(ROOT): len(file.read_bytes().splitlines()) for file in modules(ROOT).values()}
    lengths |= {
        file.relative_to(ROOT): len(file.read_bytes().splitlines())
        for folder in ("examples", "scripts")
        for file in (ROOT / folder).rglob("*.py")
    }
    assert {str(file): lines for file, lines in lengths.items() if lines > LONGEST} == {}


def test_no_two_modules_of_tests_have_one_name() -> None:
    """They are imported without a package: of two, every test would find the one that came first."""
    tests = Path(__file__).parent
    found = Counter(path.name for path in tests.glob("*/*.py") if path.name != "conftest.py")
    found.update(path.name for path in tests.glob("*.py") if path.name != "conftest.py")
    assert [name for name, count in found.items() if count > 1] == []


def test_links_in_documents_lead_somewhere() -> None:
    dead = []
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
            if "://" not in target and not (document.parent / target).exists():
                dead.append(f"{document.relative_to(ROOT)}: {target}")
    assert dead == []


def test_the_sandbox_page_has_every_cause() -> None:
    source = (ROOT / "sandboxes/local/causes.py").read_text()
    causes = set(re.findall(r'(?:^        +|return )"([a-z]+(?:-[a-z]+)*)",', source, re.MULTILINE))
    assert {"apparmor", "container", "state-disk", "unknown"} <= causes
    page = (ROOT / "docs/sandbox.md").read_text()
    assert {cause for cause in causes if f"\n| `{cause}` |" not in page} == set()


# ------------------------------------------------------------------------------------------------------ packaging


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def entry_points() -> list[tuple[str, str]]:
    table = project()["project"]
    assert isinstance(table, dict)
    groups = {"console_scripts": table["scripts"], **table["entry-points"]}
    return [(f"{group}:{name}", target) for group, names in groups.items() for name, target in names.items()]


@pytest.mark.parametrize(("name", "target"), entry_points())
def test_entry_point_resolves(name: str, target: str) -> None:
    module, _, attribute = target.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute)), name


def test_every_package_is_installed() -> None:
    tool = project()["tool"]
    assert isinstance(tool, dict)
    listed = set(tool["setuptools"]["packages"])
    there = {name.rpartition(".")[0] if file.name != "__init__.py" else name for name, file in modules(ROOT).items()}
    assert listed == there


def test_the_public_names_are_these() -> None:
    import agentrt

    assert sorted(agentrt.__all__) == list(agentrt.__all__)
    assert all(hasattr(agentrt, name) for name in agentrt.__all__)
    assert {"Runtime", "Operation", "Conflict", "Denied", "AgentrtError", "__version__"} <= set(agentrt.__all__)


_PAGES = (".html", ".css")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, because building leaves things beside the sources."""
    place = tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns(".git", ".*_cache", "__pycache__", *ignored())
    shutil.copytree(ROOT, place / "source", ignore=leave)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", place, "."]
    ended = subprocess.run(command, cwd=place / "source", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (built,) = place.glob("*.whl")
    return built


def test_the_wheel_holds_every_module_and_document(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    code = {
        (name.replace(".", "/") + ("/__init__" if file.name == "__init__.py" else "") + ".py")
        for name, file in modules(ROOT).items()
    }
    shelves = ("policies/packs", "tools/apis")
    packs = {f"agentrt/{shelf}/{path.name}" for shelf in shelves for path in (ROOT / shelf).glob("*.yaml")}
    folders = (ROOT / "agentrt/report", ROOT / "agentrt/serving")
    pages = {
        f"agentrt/{path.parent.name}/{path.name}" for f in folders for path in f.iterdir() if path.suffix in _PAGES
    }
    files = ("py.typed", "history/schema.sql", "planners/prices.yaml", "sandboxes/docker/Dockerfile")
    data = {*(f"agentrt/{name}" for name in files), *packs, *pages}
    assert held == code | data


def test_the_wheel_works_where_it_is_unpacked(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import agentrt.tools.bash, agentrt.policies, agentrt.sandboxes.local.sandbox\n"
        "from agentrt.plugins import find\n"
        "for m in (agentrt, agentrt.tools.bash, agentrt.policies, agentrt.sandboxes.local.sandbox):\n"
        "    assert m.__file__.startswith(sys.argv[1]), m.__file__\n"
        "assert find('agentrt.tools', 'bash') is agentrt.tools.bash.BashTool\n"
    )
    run_python("-c", code, str(tmp_path / "site"), cwd=tmp_path)


@pytest.mark.parametrize("place", ["the checkout", "elsewhere"])
def test_the_editable_install_works_from(place: str, tmp_path: Path) -> None:
    code = "import agentrt.tools.bash, agentrt.policies, agentrt.sandboxes.local as m; print(m.__file__)"
    printed = run_python("-c", code, cwd=ROOT if place == "the checkout" else tmp_path)
    assert Path(printed.strip()) == ROOT / "sandboxes/local/__init__.py"


def run_python(*arguments: str, cwd: Path) -> str:
    ended = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
