"""How a Python project is tested: by pytest or unittest, in whose environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .files import Folder

Found = tuple[str, str, str]
"""A command, the program it needs, and what speaks for it."""

_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", ".pytest.ini", "tox.ini", "Pipfile", "manage.py")
_RUNNERS = (("uv.lock", "uv"), ("poetry.lock", "poetry"), ("pdm.lock", "pdm"), ("Pipfile.lock", "pipenv"))
_ENVIRONMENTS = (".venv", "venv")
_MOST_READ = 40
# Not by a parser of TOML: a quarter of a megabyte of dots makes it take all of the memory.
_CONFIGURED = (
    ("pyproject.toml", r"^\[tool\.pytest[.\]]"),
    ("setup.cfg", r"^\[tool:pytest\]"),
    ("tox.ini", r"^\[pytest\]"),
)
_TOX = (("pyproject.toml", r"^\[tool\.tox[.\]]"), ("tox.ini", r"^\[(?:tox|testenv)[:\]]"))
_NEEDED = re.compile(r"""["']pytest(?![\w-])|^[ \t]*pytest(?![\w-])[ \t]*(?:[=<>~!\[;]|$)""", re.MULTILINE)
_PYTEST = re.compile(r"^[ \t]*(?:import|from) pytest\b|^(?:async )?def test_", re.MULTILINE)
_UNITTEST = re.compile(r"^[ \t]*(?:import|from) (?:unittest|django\.test)\b", re.MULTILINE)


def python(folder: Folder) -> Iterator[Found]:
    """pytest or unittest, the project's own environment first."""
    tests = folder.own(r"(?:.*/)?(?:test[^/]*|[^/]*_test)\.py")
    if not any(map(folder.has, _MARKS)) and not any(re.fullmatch(r"requirements.*\.txt", name) for name in folder.top):
        tests = [name for name in tests if name.count("/") < 2]
    sources = [(name, folder.text(name) or "") for name in tests[:_MOST_READ]]
    why = _pytest(folder, sources)
    if why:
        yield from _commands(folder, "pytest", "pytest", why)
        return
    speaking = [name for name, text in sources if _UNITTEST.search(text)]
    if not speaking:
        return
    if folder.has("manage.py"):
        yield from _commands(folder, "python manage.py test", "python3", "manage.py")
        return
    yield from _commands(folder, _unittest(folder, speaking), "python3", f"{speaking[0]} uses unittest")


def environments(folder: Folder) -> Iterator[Found]:
    """tox and nox, which make environments of their own and want a network for it."""
    if any(re.search(pattern, _of(folder, name), re.MULTILINE) for name, pattern in _TOX):
        yield "tox", "tox", "tox is configured (it may want a network)"
    if folder.has("noxfile.py"):
        yield "nox", "nox", "noxfile.py (it may want a network)"


def _pytest(folder: Folder, sources: list[tuple[str, str]]) -> str:
    """What says that pytest is used; empty where nothing does."""
    for name in ("pytest.ini", ".pytest.ini", "conftest.py", "tests/conftest.py", "test/conftest.py"):
        if folder.has(name):
            return name
    for name, pattern in _CONFIGURED:
        if re.search(pattern, _of(folder, name), re.MULTILINE):
            return f"{name} configures pytest"
    wanted = [name for name in folder.top if re.fullmatch(r"requirements.*\.txt", name)]
    for name in ("pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "Pipfile", *wanted):
        if _NEEDED.search(_of(folder, name)):
            return f"{name} wants pytest"
    return next((f"{name} is written for pytest" for name, text in sources if _PYTEST.search(text)), "")


def _commands(folder: Folder, command: str, program: str, why: str) -> Iterator[Found]:
    for lock, runner in _RUNNERS:
        if folder.has(lock):
            yield f"{runner} run {command}", runner, f"{why}, {lock}"
    own = "pytest" if program == "pytest" else "python"
    for environment in _ENVIRONMENTS:
        if folder.runs(f"{environment}/bin/{own}"):
            yield f"{environment}/bin/{command}", f"{environment}/bin/{own}", f"{why}, {environment}"
            return
    yield command if program == "pytest" else command.replace("python ", "python3 ", 1), program, why


def _unittest(folder: Folder, tests: list[str]) -> str:
    """Discovery looks into packages only, and by default for ``test*.py``."""
    first = tests[0].split("/")[0] if "/" in tests[0] else ""
    parts = ["python -m unittest"]
    options = []
    if re.fullmatch(r"[\w-]+", first) and not folder.has(f"{first}/__init__.py"):
        options += [f"-s {first}"]
    if not any(name.rpartition("/")[2].startswith("test") for name in tests):
        options += ["-p '*_test.py'"]
    return " ".join([*parts, *(["discover", *options] if options else [])])


def _of(folder: Folder, name: str) -> str:
    return folder.text(name) or ""
