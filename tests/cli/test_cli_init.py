"""``init``: what is found in a folder, and that what is written is a task file whatever the folder holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_ground import Cli, Done
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from agentrt.cli.draft import draft
from agentrt.cli.found.around import Around
from agentrt.cli.found.files import Folder
from agentrt.cli.found.tests import Check, checks
from agentrt.documents import load_yaml
from agentrt.errors import DocumentError
from agentrt.task import PLACEHOLDER, Task, load_task

PROGRAMS = [
    "make",
    "just",
    "pytest",
    "uv",
    "poetry",
    "python3",
    "npm",
    "pnpm",
    "yarn",
    "bun",
    "cargo",
    "go",
    "mix",
    "bundle",
    "rake",
    "rspec",
    "mvn",
    "gradle",
    "java",
    "cmake",
    "dotnet",
    "composer",
    "dune",
    "tox",
    "nox",
]
LACKING = Path(__file__).parents[1] / "sandboxes/lacking.py"
NOBODY = {"ANTHROPIC_API_KEY": "", "OPENAI_API_KEY": "", "ANTHROPIC_BASE_URL": "", "OPENAI_BASE_URL": ""}
UNITTEST = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Where every program is installed and nobody has a key."""
    install(tmp_path, *PROGRAMS)
    ring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return {**environment, **ring, **NOBODY, "AGENTRT_PASSPHRASE": "correct horse", "PATH": str(tmp_path / "bin")}


def install(tmp_path: Path, *programs: str) -> None:
    (tmp_path / "bin").mkdir(exist_ok=True)
    for file in (tmp_path / "bin").iterdir():
        file.unlink()
    for program in programs:
        (tmp_path / "bin" / program).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / program).chmod(0o755)


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"Makefile": "test:\n\tpytest\n"}, "make test"),
        ({"Makefile": ".PHONY: all test\nall: test\ntest: all; true\n"}, "make test"),
        ({"Makefile": "check test:: build\n"}, "make test"),
        ({"Makefile": "check:\n\ttrue\n"}, "make check"),
        ({"Makefile": "T = x \\\n  y\n  test  : $(T:.c=.o)\n"}, "make test"),
        ({"Makefile": "ifdef A\ntest: a\nendif\n"}, "make test"),
        ({"Makefile": "test: %.o: %.c\n\ttrue\n"}, "make test"),
        ({"Makefile": ".RECIPEPREFIX = >\ntest:\n> true\n"}, "make test"),
        (
            {"Makefile": "-include rules/*.mk own.mk ../up.mk\n", "own.mk": "include Makefile own.mk\ntest:\n\ttrue\n"},
            "make test",
        ),
        ({"GNUmakefile": "all:\n\ttrue\n", "Makefile": "test:\n\ttrue\n"}, None),
        ({"Makefile": ".PHONY: test\ntest/README: ;\n", "test/README": ""}, None),
        ({"Makefile": ".PHONY: test\ntest:\n\ttrue\n", "test/README": ""}, "make test"),
        ({"Makefile": ".PHONY: $(ALL)\ntest:\n\ttrue\n", "test/README": ""}, "make test"),
        ({"Makefile": "test: a.out\n\t./a.out\n", "test/README": ""}, "make test"),
        ({"Makefile": "test:\n\ttrue\n", "test/README": ""}, None),
        ({"Makefile": ".PHONY: test\n"}, None),
        ({"Makefile": "test:\n\nother:\n\ttrue\n"}, None),
        ({"Makefile": "test := a:b\ntest ?= x\ntest = y: z\n"}, None),
        ({"Makefile": "test: CFLAGS += -g\n"}, None),
        ({"Makefile": "test%: x\n\ttrue\n%: y\n\ttrue\n"}, None),
        ({"Makefile": "# test: a \\\ntest: b\n"}, None),
        ({"Makefile": "all:\n\techo \\\ntest: b\n"}, None),
        ({"Makefile": "define X\ntest: a\nendef\n"}, None),
        ({"Makefile": "$(info test: a)\n"}, None),
        ({"justfile": "test *args:\n  pytest\n"}, "just test"),
        ({"Justfile": "@test filter='': build\n  pytest\n"}, "just test"),
        ({".justfile": "alias test := t\nt:\n  pytest\n"}, "just test"),
        ({"justfile": "test filter:\n  pytest\n"}, None),
        ({"justfile": "test := 'x'\n"}, None),
        ({"package.json": '{"scripts": {"test": "jest"}}'}, "npm test"),
        ({"package.json": '{"scripts": {"test": "jest"}}', "pnpm-lock.yaml": ""}, "pnpm test"),
        ({"package.json": '{"scripts": {"test": "jest"}}', "yarn.lock": ""}, "yarn test"),
        ({"package.json": '{"scripts": {"test": "jest"}}', "bun.lock": ""}, "bun run test"),
        (
            {"package.json": '{"scripts": {"test": "jest"}, "packageManager": "yarn@4.1.0"}', "package-lock.json": ""},
            "yarn test",
        ),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, None),
        ({"package.json": '{"scripts": {"test": 5}}'}, None),
        ({"package.json": '{"scripts": ["test"]}'}, None),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "pytest"),
        ({"pyproject.toml": "[dependency-groups]\ndev = ['pytest>=8']\n"}, "pytest"),
        ({"pyproject.toml": "[tool.poetry.dev-dependencies]\npytest = '^8'\n", "poetry.lock": ""}, "poetry run pytest"),
        ({"pyproject.toml": "[project]\ndependencies = ['pytest']\n", "uv.lock": ""}, "uv run pytest"),
        ({"pyproject.toml": "[project]\ndependencies = ['pytest-cov-not']\n"}, None),
        ({"setup.cfg": "[tool:pytest]\n"}, "pytest"),
        ({"pytest.ini": ""}, "pytest"),
        ({"tox.ini": "[tox]\n[pytest]\n"}, "pytest"),
        ({"tox.ini": "[tox]\n"}, "tox"),
        ({"noxfile.py": ""}, "nox"),
        ({"requirements-dev.txt": "pytest\n"}, "pytest"),
        ({"src/p/tests/test_a.py": "def test_a(): pass\n", "setup.py": ""}, "pytest"),
        ({"test_a.py": UNITTEST}, "python3 -m unittest"),
        ({"tests/__init__.py": "", "tests/test_a.py": UNITTEST}, "python3 -m unittest"),
        ({"tests/test_a.py": UNITTEST}, "python3 -m unittest discover -s tests"),
        ({"tests/a_test.py": UNITTEST}, "python3 -m unittest discover -s tests -p '*_test.py'"),
        ({"test_a.py": UNITTEST, "uv.lock": ""}, "uv run python -m unittest"),
        ({"manage.py": "", "app/tests.py": "from django.test import TestCase\n"}, "python3 manage.py test"),
        ({"node_modules/gyp/test_a.py": UNITTEST}, None),
        ({"Cargo.toml": ""}, "cargo test"),
        ({"go.mod": "module x\n"}, "go test ./..."),
        ({"mix.exs": ""}, "mix test"),
        ({"Gemfile": "", "Rakefile": "Rake::TestTask.new\n"}, "bundle exec rake test"),
        ({"Rakefile": "task :test do\nend\n"}, "rake test"),
        ({"Gemfile": "", "spec/a_spec.rb": ""}, "bundle exec rspec"),
        ({"Gemfile": ""}, None),
        ({"pom.xml": ""}, "mvn test"),
        ({"build.gradle.kts": ""}, "gradle test"),
        ({"build.gradle": "", "gradlew": ""}, "sh gradlew test"),
        ({"CMakeLists.txt": "project(x)\n"}, None),
        ({"CMakeLists.txt": "# enable_testing()\n"}, None),
        (
            {"CMakeLists.txt": "enable_testing()\n"},
            "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure",
        ),
        ({"a.sln": ""}, "dotnet test"),
        ({"it's: #1.sln": "", "two.sln": ""}, "dotnet test 'it'\"'\"'s: #1.sln'"),
        ({"composer.json": '{"scripts": {"test": ["a", "b"]}}'}, "composer test"),
        ({"dune-project": ""}, "dune test"),
        ({"README.md": "make test\n"}, None),
    ],
)
def test_how_a_project_is_tested(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], command: str | None
) -> None:
    """Not by the command line, which would take most of a minute for all of them."""
    install(tmp_path, *PROGRAMS)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    fill(workspace, files)
    assert next((check.command for check in checks(Folder(workspace))), None) == command


def test_where_nothing_is_found_the_line_waits_for_a_person(cli: Cli, workspace: Path) -> None:
    done = cli("init")
    assert "verify: nothing found that tests this project" in done.out
    text = (workspace / "task.yaml").read_text()
    assert "None was found here" in text and re.search("^# verify: make test$", text, re.MULTILINE)


def test_the_best_is_written_and_the_others_are_named(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    fill(workspace, {"Makefile": "test check: x\n", "Cargo.toml": "", "tox.ini": "[tox]\n"})
    document = cli("init", "--json").json
    assert [document["verify"]["command"], *(other["command"] for other in document["others"])] == [
        "make test",
        "cargo test",
        "make check",
        "tox",
    ]
    text = (workspace / "task.yaml").read_text()
    assert "\n# Or: cargo test (Cargo.toml; cargo is installed here)\n" in text and "\nverify: make test\n" in text


def test_what_is_not_installed_is_said_and_comes_last(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    install(tmp_path, "cargo")
    fill(workspace, {"Makefile": "test: x\n", "Cargo.toml": "", "pytest.ini": ""})
    done = cli("init")
    assert "verify: cargo test (Cargo.toml; cargo is installed here)" in done.out
    assert "or: make test (Makefile has a target `test`; make is not installed here)" in done.out
    fill(workspace, {".venv/bin/pytest": ""})
    (workspace / ".venv/bin/pytest").chmod(0o755)
    assert cli("init", "--force", "--json").json["verify"]["command"] == ".venv/bin/pytest"


@pytest.mark.parametrize(
    ("given", "kept", "provider", "name", "where"),
    [
        ({"ANTHROPIC_API_KEY": "sk-1", "OPENAI_API_KEY": "sk-2"}, "", "anthropic", "ANTHROPIC_API_KEY", "environment"),
        ({"OPENAI_API_KEY": "sk-secret"}, "ANTHROPIC_API_KEY", "openai", "OPENAI_API_KEY", "environment"),
        ({"OPENAI_BASE_URL": "http://u:sk-secret@127.0.0.1/v1"}, "", "openai", "OPENAI_BASE_URL", "environment"),
        ({"ANTHROPIC_BASE_URL": "http://sk-secret@a.example"}, "", "anthropic", "ANTHROPIC_BASE_URL", "environment"),
        ({}, "OPENAI_API_KEY", "openai", "OPENAI_API_KEY", "secrets"),
        ({"ANTHROPIC_API_KEY": " "}, "ANTHROPIC_API_KEY", "anthropic", "ANTHROPIC_API_KEY", "secrets"),
    ],
)
def test_who_can_plan(
    cli: Cli,
    workspace: Path,
    environment: dict[str, str],
    given: dict[str, str],
    kept: str,
    provider: str,
    name: str,
    where: str,
) -> None:
    if kept:
        keep = [sys.executable, "-m", "agentrt", "secrets", "set", kept, "--host", "api.example.com"]
        subprocess.run(keep, input=b"sk-secret", env=environment, check=True, capture_output=True)
    plainly = cli("init", **given)
    document = cli("init", "--force", "--json", **given)
    assert document.json["keys"][0] == {"provider": provider, "name": name, "where": where}
    task = load_task(workspace / "task.yaml", draft=True)
    assert task.planner == document.json["planner"]
    assert task.planner is not None and task.planner["provider"] == provider and task.planner["model"]
    assert f"{name} is " in plainly.out and f"{name} is " in (workspace / "task.yaml").read_text()
    for text in (plainly.out, document.out, (workspace / "task.yaml").read_text()):
        assert "sk-" not in text and "127.0.0.1" not in text


def test_without_a_key_the_three_ways_to_one_are_told(cli: Cli, workspace: Path) -> None:
    assert "planner: no key found" in cli("init").out
    text = (workspace / "task.yaml").read_text()
    for way in (
        "ANTHROPIC_API_KEY",
        "agentrt secrets set ANTHROPIC_API_KEY --host api.anthropic.com",
        "base_url",
        "Ollama",
    ):
        assert way in text
    planner = load_task(workspace / "task.yaml", draft=True).planner
    assert planner is not None and planner["provider"] == "anthropic"


def test_a_damaged_file_of_secrets_stops_nothing(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path, {"state/agentrt/secrets": "nonsense"})
    (tmp_path / "state/agentrt/secrets").chmod(0o600)
    done = cli("init")
    assert done.code == 0 and "note: agentrt's secrets " in done.out and "Traceback" not in done.err


def test_what_else_is_there(cli: Cli, workspace: Path) -> None:
    fill(workspace, {"AGENTS.md": "", ".agentrt/policy.yaml": "", "a/b": "", ".git/x": ""})
    document = cli("init", "--json").json
    about = {key: document[key] for key in ("git", "files", "more", "policy", "instructions", "unconfined", "odd")}
    assert about == {
        "git": True,
        "files": 3,
        "more": False,
        "policy": True,
        "instructions": ["AGENTS.md"],
        "unconfined": None,
        "odd": {},
    }
    text = (workspace / "task.yaml").read_text()
    assert "AGENTS.md: not read by itself" in text and ".agentrt/policy.yaml is here" in text
    assert "folder: 4 files, in a git repository" in cli("init", "--force").out


def test_where_no_sandbox_is_to_be_had_the_reason_is_said(environment: dict[str, str], workspace: Path) -> None:
    command = [sys.executable, str(LACKING), "namespaces", sys.executable, "-m", "agentrt", "init"]
    root = str(Path(__file__).parents[2])
    env = {**environment, "PYTHONPATH": f"{root}{os.pathsep}{environment['PYTHONPATH']}"}
    done = subprocess.run(command, cwd=workspace, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "sandbox: no sandbox: " in done.stdout and "cure: " in done.stdout
    assert "# It does not work on this machine: no sandbox: " in (workspace / "task.yaml").read_text()


def _uncommented(text: str, key: str) -> dict[str, Any]:
    inside = re.search(rf"^# {key}:\n((?:#   .*\n)+)", text, re.MULTILINE)
    assert inside
    found: dict[str, Any] = YAML(typ="safe").load(re.sub("^# ", "", inside[0], flags=re.MULTILINE))
    return found


def test_every_key_stands_in_the_file_and_works(cli: Cli, workspace: Path) -> None:
    """``rules`` and ``crew`` are another matter: their lines are several."""
    cli("init")
    file = workspace / "task.yaml"
    text = file.read_text()
    keys = [
        "objective",
        "planner",
        "workspace",
        "policy",
        "sandbox",
        "verify",
        "rules",
        "crew",
        "limits",
        "review",
        "apply",
    ]
    assert [key for key in keys if len(re.findall(rf"^(?:# )?{key}:", text, re.MULTILINE)) != 1] == []
    assert len(Task.from_dict({"objective": "x", "planner": {"script": "s"}, **_uncommented(text, "rules")}).rules) == 2
    assert [*Task.from_dict({"objective": "x", "planner": {"script": "s"}, **_uncommented(text, "crew")}).agents] == [
        "developer",
        "reviewer",
    ]
    file.write_text(
        re.sub(r"^# (?=(?:workspace|policy|sandbox|verify|limits|review|apply): )", "", text, flags=re.MULTILINE)
    )
    task = load_task(file, draft=True)
    assert (task.workspace_path, task.policy, task.sandbox, task.apply) == (workspace, "default", "local", "never")
    assert task.limits.actions == 50 and task.review is not None


def test_the_objective_has_to_be_written_before_it_runs(cli: Cli, workspace: Path) -> None:
    assert "agentrt task.yaml" in cli("init").out
    done = cli("task.yaml")
    line = (workspace / "task.yaml").read_text().splitlines().index(f"objective: {PLACEHOLDER}") + 1
    assert done.code == 2 and f"task.yaml:{line}:12: the objective is still" in done.err and "hint: " in done.err
    with pytest.raises(DocumentError):
        load_task(workspace / "task.yaml")
    text = (workspace / "task.yaml").read_text().replace(PLACEHOLDER, "say hello")
    (workspace / "task.yaml").write_text(text)
    assert load_task(workspace / "task.yaml").objective == "say hello"


def test_what_is_there_is_not_written_over(cli: Cli, workspace: Path) -> None:
    (workspace / "task.yaml").write_text("mine\n")
    done = cli("init")
    assert done.code == 2 and "task.yaml is there already" in done.err and "--force" in done.err
    assert (workspace / "task.yaml").read_text() == "mine\n"
    (workspace / "gone.yaml").symlink_to("nowhere")
    assert cli("init", "gone.yaml").code == 2 and not (workspace / "nowhere").exists()
    assert cli("init", "--force").code == 0
    load_task(workspace / "task.yaml", draft=True)
    assert sorted(path.name for path in workspace.iterdir()) == ["gone.yaml", "task.yaml"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("sub/task.yaml",), "sub: no such folder"),
        ((".", "--force"), "is a folder"),
        (("x" * 300,), "cannot be written"),
    ],
)
def test_mistakes(cli: Cli, words: tuple[str, ...], says: str) -> None:
    done = cli("init", *words)
    assert done.code == 2 and says in done.err and done.out == "" and "Traceback" not in done.err


@pytest.mark.parametrize("name", ["-x.yaml", "run", "two words.yaml", "new\nline.yaml"])
def test_what_is_said_to_type_next_works(cli: Cli, workspace: Path, name: str) -> None:
    done = cli("init", "--json", "--", name)
    assert done.code == 0 and done.json["file"] == name and (workspace / name).exists()
    said = cli("init", "--force", "--", name).out.splitlines()[-1].partition("then: agentrt ")[2]
    if name.isprintable():
        asked = subprocess.run(["sh", "-c", f"printf %s {said}"], cwd=workspace, capture_output=True, text=True).stdout
        assert "the objective is still" in cli(asked).err


def test_a_file_elsewhere_names_the_folder(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    odd = workspace / "~a: b #"
    odd.mkdir()
    assert cli("init", "t.yaml", "--workspace", "~a: b #").code == 0
    assert load_task(workspace / "t.yaml", draft=True).workspace_path == workspace / "./~a: b #"
    assert cli("init", "--workspace", "~a: b #").code == 0
    assert load_task(odd / "task.yaml", draft=True).workspace == "."
    os.mkdir(os.fsencode(workspace) + b"/\xff")
    done = cli("init", "u.yaml", "--workspace", b"\xff")
    assert done.code == 2 and "is not UTF-8" in done.err and not (workspace / "u.yaml").exists()
    assert cli("init", "--workspace", b"\xff").code == 0


def test_odd_things_stop_nothing(cli: Cli, workspace: Path) -> None:
    os.mkfifo(workspace / "Makefile")
    with open(workspace / "package.json", "wb") as file:
        file.truncate(1 << 30)
    fill(workspace, {"composer.json": "[" * 100_000, "pyproject.toml": "a." * 100_000})
    for name, target in (("tox.ini", "tox.ini"), ("justfile", "/dev/zero"), ("loop", "."), ("CLAUDE.md", "../outside")):
        (workspace / name).symlink_to(target)
    (workspace.parent / "outside").write_text("x")
    for name in (b"\xff\xfe.sln", b"test_\xff.py", b"new\nline.sln"):
        Path(os.fsdecode(os.fsencode(workspace) + b"/" + name)).write_text("import pytest\n")
    (workspace / "secret").mkdir(mode=0)
    (workspace / "requirements.txt").mkdir()
    done = cli("init", "--json")
    assert done.code == 0, done.err
    assert set(done.json["odd"]) == {"composer.json", "package.json"}
    assert done.json["verify"]["because"] == "test_\udcff.py is written for pytest" and done.json["instructions"] == []
    assert "note: package.json is larger than 256 KB" in cli("init", "--force").out


def test_a_workspace_that_agentrt_refuses_is_refused(cli: Cli, workspace: Path) -> None:
    done = cli("init", HOME=str(workspace))
    assert done.code == 2 and "home folder" in done.err and not (workspace / "task.yaml").exists()


# ------------------------------------------------------------------------------------- whatever the words are

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from(
    [
        "no",
        "0x1f",
        "1_000",
        "<<",
        "a: b #c",
        "- x",
        "a\n\n b\n",
        "\ttab",
        "'",
        '"',
        "~",
        "2001-01-01",
        "---",
        "%YAML 1.1",
        "\u2028",
        "\x00",
    ]
)
NAMES = st.binary(min_size=1, max_size=40).map(lambda data: os.fsdecode(data.replace(b"/", b"_").replace(b"\0", b"_")))


@given(command=WORDS, workspace=WORDS, because=NAMES)
def test_any_command_and_any_folder_make_a_file_that_says_so(
    command: str, workspace: str, because: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check = Check(command=command, because="x", program="x", installed=True)
    facts = Around(git=False, files=0, more=False, policy=False, instructions=())
    text = draft(command=because, workspace=workspace, checks=[check, check], keys=[], around=facts, lack=None)
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text)
    task = load_task(file, draft=True)
    assert task.verify == command and (task.workspace == workspace)
    assert set(load_yaml(file).data) == {"objective", "planner", "verify", *(["workspace"] if workspace != "." else [])}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES.filter(lambda name: name not in (".", "..")), solution=WORDS)
def test_any_name_of_a_folder(cli: Cli, tmp_path: Path, name: str, solution: str) -> None:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    for file in (re.sub("[/\0]", "_", solution[:40]) + ".sln", "b.csproj"):
        (folder / file).touch()
    done: Done = cli("init", "--force", "--json", cwd=folder)
    assert done.code == 0, done.err
    assert done.json["workspace"] == str(folder)
    assert load_task(folder / "task.yaml", draft=True).workspace == "."
