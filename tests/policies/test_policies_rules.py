"""What rules on actions and effects speak of, and which of them counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentrt.contracts import Context
from agentrt.policies import PackPolicy, open_policy
from agentrt.policies.patterns import command_matches, path_matches
from agentrt.records import Action, FileEffect, Spent
from agentrt.testing.policy_kit import check_policy
from agentrt.tools.bash import Bash
from agentrt.tools.files import Write
from agentrt.tools.git import Git

CONTEXT = Context(workspace="/w", session="s1", attended=True)
PACKS = ("default", "strict", "read-only", "unattended")


def pack(tmp_path: Path, text: str) -> PackPolicy:
    (tmp_path / "mine.yaml").write_text(text)
    return open_policy("mine.yaml", folder=tmp_path)


def said(policy: PackPolicy, action: Action | str, **context: object) -> str:
    action = Bash(command=action) if isinstance(action, str) else action
    return policy.decide(action, CONTEXT.model_copy(update=context)).verdict


def effect(path: str, change: str = "modified", **more: object) -> FileEffect:
    return FileEffect.from_dict({"path": path, "change": change, **more})


@pytest.mark.parametrize("name", PACKS)
def test_the_packs_keep_to_the_contract(name: str, tmp_path: Path) -> None:
    policy = open_policy(name, folder=tmp_path)
    check_policy(policy)
    assert policy.name == name and policy.examples()


@pytest.mark.parametrize(
    ("pattern", "argv", "surely", "perhaps"),
    [
        ("git push **", ["git", "push"], True, True),
        ("git push **", ["/usr/bin/git", "push", "-f"], True, True),
        ("git push **", ["git", "pull"], False, False),
        ("git push", ["git", "push", "x"], False, False),
        ("/usr/*/git **", ["git"], False, False),
        ("** --force **", ["git", "push", "--force"], True, True),
        ("rm **", ["rm", None], True, True),
        ("rm -rf **", ["rm", None], False, True),
        ("rm -rf x y", ["rm", None, "y"], False, True),
        ("rm -rf x", ["rm", None, "y"], False, False),
        ("rm", ["rm", None], False, True),
        ("rm **", [None, "x"], False, True),
        ("p?thon[23] -c **", ["python3", "-c", "x"], True, True),
    ],
)
def test_patterns_of_commands(pattern: str, argv: list[str | None], surely: bool, perhaps: bool) -> None:
    words = pattern.split()
    assert command_matches(words, argv, surely=True) is surely
    assert command_matches(words, argv, surely=False) is perhaps


@pytest.mark.parametrize(
    ("pattern", "speaks", "does_not"),
    [
        ("src/**", ["src", "src/a/b"], ["srcx", "a/src/b", "/src/a"]),
        ("*.pem", ["x.pem", "a/b/x.pem", "/etc/x.pem"], ["x.pem.txt"]),
        ("**/x", ["x", "a/x"], ["/x", "x/a"]),
        ("a/*", ["a/b"], ["a", "a/b/c"]),
        ("**", ["a", "a/b"], ["/a"]),
        ("/etc/**", ["/etc/passwd", "/etc"], ["etc/passwd"]),
        ("./*.pem", ["x.pem"], ["a/x.pem", "/x.pem", "x.pem/a", "./x.pem"]),
    ],
)
def test_patterns_of_paths(pattern: str, speaks: list[str], does_not: list[str]) -> None:
    assert all(path_matches(pattern, path) for path in speaks)
    assert not any(path_matches(pattern, path) for path in does_not)


def test_what_it_would_run(tmp_path: Path) -> None:
    policy = pack(tmp_path, "decide:\n  - {verdict: deny, run: [git push **, 'curl **']}\n")
    for command in ("git push", "cd x && git push origin", "/usr/bin/curl x", "ls | curl -T - x", "a $(curl x)"):
        assert said(policy, command) == "deny", command
    for command in ("git pull", "echo git push", "curly", "true"):
        assert said(policy, command) == "allow", command
    assert said(policy, Git(args=("push", "x"))) == "deny" and said(policy, Git(args=("log",))) == "allow"
    for args in (("-C", "x", "push"), ("-c", "user.name=x", "push"), ("-c", "alias.x=push", "x")):
        assert said(policy, Git(args=args)) == "deny", "options in front hide nothing"


def test_what_cannot_be_read_is_the_strictest_it_could_be(tmp_path: Path) -> None:
    policy = pack(tmp_path, "decide:\n  - {verdict: hold, run: ['curl **']}\n  - {verdict: ask, paths: [secret/**]}\n")
    assert said(policy, "$(echo curl) x") == "hold"
    found = policy.explain(Bash(command="$(echo curl) x"), CONTEXT)
    assert (found.verdict, found.opaque) == ("hold", True) and found.unknown


def test_unless_all_of_it_is_known(tmp_path: Path) -> None:
    policy = pack(tmp_path, "decide:\n  - {verdict: ask, actions: [bash], unless: [ls **, cat **]}\n")
    for command in ("ls", "ls -l && cat x", "cat x 2> /dev/null"):
        assert said(policy, command) == "allow", command
    for command in ("rm x", "ls; rm x", "cat x > y", "$(ls)", "", "make", "PATH=. ls", "ls; make"):
        assert said(policy, command) == "ask", command
    policy = pack(tmp_path, "decide:\n  - {verdict: ask, unless: [make test, python -m pytest **]}\n")
    for command in ("make test", "make test && python -m pytest -q"):
        assert said(policy, command) == "allow", command
    for command in ("make", "PATH=. make test", "make test; $x", "python -c 'x'", "sudo make test", "make test >x"):
        assert said(policy, command) == "ask", command


def test_what_it_names(tmp_path: Path) -> None:
    policy = pack(tmp_path, "decide:\n  - {verdict: deny, paths: [.env, secret/**], because: private}\n")
    for command in (
        "cat .env",
        "cat src/.env",
        "tool --file=secret/x",
        "cat < secret/a",
        "cat /w/secret/x",
        "x > .env",
    ):
        assert said(policy, command) == "deny", command
    assert said(policy, "cat src/env") == "allow"
    assert said(policy, Write(path="secret/x", content="")) == "deny"
    assert said(policy, Bash(command="cat x", cwd="secret")) == "deny"


def test_read_only_files(tmp_path: Path) -> None:
    policy = pack(tmp_path, "files:\n  read_only: [docs/**]\n")
    assert said(policy, Write(path="docs/a", content="")) == "deny" and said(policy, "rm docs/a") == "allow"
    judged = policy.judge(Bash(command="x"), [effect("a"), effect("docs/a", "deleted")], CONTEXT)
    assert (judged.verdict, judged.rule) == ("roll_back", "mine.yaml:2")
    assert judged.because == "docs/a was deleted: it is read-only"


def test_the_strictest_rule_on_any_effect_counts(tmp_path: Path) -> None:
    policy = pack(
        tmp_path,
        "judge:\n  - {verdict: accept}\n  - {verdict: review, paths: [ci/**]}\n"
        "  - {verdict: roll_back, change: [deleted], because: nothing goes}\n",
    )
    action = Bash(command="x")
    assert policy.judge(action, [effect("a")], CONTEXT).verdict == "accept"
    assert policy.judge(action, [effect("a"), effect("ci/x")], CONTEXT).rule == "mine.yaml:3"
    judged = policy.judge(action, [effect("ci/x"), effect("a", "deleted"), effect("b")], CONTEXT)
    assert (judged.verdict, judged.because) == ("roll_back", "a was deleted: nothing goes")
    moved = effect("b", "renamed", renamed_from="ci/x")
    assert policy.judge(action, [moved], CONTEXT).verdict == "review"


def test_the_budget_of_a_session(tmp_path: Path) -> None:
    policy = pack(tmp_path, "budget:\n  actions: {most: 2, because: enough}\n  files_changed: 3\n  seconds: 1m\n")
    assert said(policy, "x", spent=Spent(actions=1)) == "allow"
    denied = policy.decide(Bash(command="x"), CONTEXT.model_copy(update={"spent": Spent(actions=2)}))
    assert (denied.verdict, denied.rule) == ("deny", "mine.yaml:2")
    assert denied.because == "the session's budget is used up, 2 actions: enough"
    assert said(policy, "x", spent=Spent(seconds=60.0)) == "deny"
    spent = CONTEXT.model_copy(update={"spent": Spent(files_changed=2)})
    assert policy.judge(Bash(command="x"), [effect("a")], spent).verdict == "review"
    over = policy.judge(Bash(command="x"), [effect("a"), effect("b")], spent)
    assert (over.verdict, over.because) == (
        "roll_back",
        "in this session changed 4 files; the limit is 3 (mine.yaml:3)",
    )


def test_the_floor_cannot_be_left_out(tmp_path: Path) -> None:
    policy = pack(tmp_path, "judge: [{verdict: accept}]\n")
    judged = policy.judge(Bash(command="x"), [effect(".agentrt/policy.yaml", "created")], CONTEXT)
    assert judged.verdict == "roll_back" and judged.rule.startswith("floor.yaml:")


def test_a_pack_extends_another(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("limits: {seconds: 5s}\ndecide: [{verdict: deny, run: [rm **]}]\n")
    policy = pack(tmp_path, "extends: base.yaml\nlimits: {seconds: 9s}\n")
    assert policy.limits.seconds == 9 and said(policy, "rm x") == "deny"
    assert said(pack(tmp_path, "extends: strict\n"), "rm x") == "ask"


def test_whoever_speaks_the_strictest_word_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config/agentrt").mkdir(parents=True)
    (tmp_path / "config/agentrt/policy.yaml").write_text(
        "limits: {seconds: 3s}\ndecide: [{verdict: ask, run: [rm **]}]\n"
    )
    workspace = tmp_path / "work"
    (workspace / ".agentrt").mkdir(parents=True)
    (workspace / ".agentrt/policy.yaml").write_text("limits: {seconds: 50m}\ndecide: [{verdict: deny, run: [mv **]}]\n")
    (tmp_path / "task.yaml").write_text("limits: {seconds: 20s}\ndecide: [{verdict: allow}]\n")
    policy = open_policy("task.yaml", folder=tmp_path, workspace=workspace)
    assert policy.limits.seconds == 3
    assert (said(policy, "rm x"), said(policy, "mv x y"), said(policy, "true")) == ("ask", "deny", "allow")


def test_a_file_right_in_the_workspace(tmp_path: Path) -> None:
    for name in ("a.env", "src/b.env", "src/c"):
        (tmp_path / "w" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "w" / name).write_text("")
    rules = {"files": {"hidden": ["./*.env", "./gone"], "read_only": ["./c"]}}
    policy = open_policy(rules, folder=tmp_path, workspace=tmp_path / "w")
    assert policy.confinement.hidden == ("a.env", "gone")
    assert said(policy, Write(path="c", content="")) == "deny"
    assert said(policy, Write(path="src/c", content="")) == "allow"
    assert policy.judge(Write(path="c", content=""), [effect("c")], CONTEXT).verdict == "roll_back"
