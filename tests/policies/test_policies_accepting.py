"""Accept all like this: which rule that is, what can be none, and that it decides about nothing but review."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from agentrt.contracts import Context
from agentrt.errors import DocumentError, UsageError
from agentrt.policies import PackPolicy, open_policy
from agentrt.records import Action, Effect, FileEffect, FileState, RequestEffect, Spent
from agentrt.testing.policy_kit import check_policy
from agentrt.tools.bash import Bash
from agentrt.tools.files import Write
from agentrt.tools.git import Git

FILE = FileState(type="file", mode=0o644, size=1, mtime_ns=0)
FOLDER = FileState(type="directory", mode=0o755, size=0, mtime_ns=0)
SED = "sed -i s/a/b/ src/a.py"


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (tmp_path / "w").mkdir()
    return tmp_path / "config/agentrt/policy.yaml"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(workspace=str(tmp_path / "w"), session="s1", attended=True)


def opened(tmp_path: Path, policy: Any = "default") -> PackPolicy:
    return open_policy(policy, folder=tmp_path, workspace=tmp_path / "w")


def effect(text: str, **more: Any) -> FileEffect:
    """``modified src/a.py``; a folder where it ends in a slash."""
    change, _, path = text.partition(" ")
    state = FOLDER if path.endswith("/") else FILE
    around = {"before": None if change == "created" else state, "after": None if change == "deleted" else state}
    return FileEffect.from_dict({"path": path.rstrip("/"), "change": change, **around, **more})


def effects(*texts: str) -> list[Effect]:
    return [effect(text) for text in texts]


def rule(diff: str) -> dict[str, str]:
    """The lines that are added, by key."""
    lines = [line[1:].strip(" -") for line in diff.splitlines() if line.startswith("+ ")]
    return {key: value for key, _, value in (line.partition(": ") for line in lines)}


def test_a_yes_becomes_a_rule(tmp_path: Path, config: Path, context: Context) -> None:
    policy = opened(tmp_path)
    done = effects("modified src/a.py")
    assert policy.judge(Bash(command=SED), done, context).verdict == "review"
    approval = policy.acceptance(Bash(command=SED), done, context)
    assert approval.diff.splitlines() == [
        f"--- {config}",
        f"+++ {config}",
        "@@ -0,0 +1,9 @@",
        "+judge:",
        "+  - verdict: accept",
        "+    actions: [bash]",
        "+    run: [sed **]",
        "+    change: [modified]",
        "+    paths: [src/*.py]",
        "+    reversibility: [reversible]",
        "+    plain: true",
        "+    because: accepted with all like it in session s1",
    ]
    assert not config.exists()
    approval.write()
    assert os.listdir(config.parent) == ["policy.yaml"]
    policy = opened(tmp_path)
    check_policy(policy)
    judged = policy.judge(Bash(command=SED), done, context)
    assert (judged.verdict, judged.rule) == ("accept", "policy.yaml:2")
    assert judged.because == "src/a.py was modified: accepted with all like it in session s1"
    with pytest.raises(UsageError, match=r"there is nothing to write: policy\.yaml:2 accepts it already"):
        policy.acceptance(Bash(command=SED), done, context)


def test_what_is_like_it_and_what_is_not(tmp_path: Path, context: Context) -> None:
    opened(tmp_path).acceptance(Bash(command=SED), effects("modified src/a.py"), context).write()
    policy = opened(tmp_path)

    def judged(action: Action, *done: Effect, **more: Any) -> str:
        return policy.judge(action, done, context.model_copy(update=more)).verdict

    for command in ("sed -i s/x/y/ src/b.py", "/usr/bin/sed x", "sed x && sed y", "sed $x", "sed a > src/a.py"):
        assert judged(Bash(command=command), effect("modified src/b.py")) == "accept", command
    for command in ("tee src/a.py", "sed x; rm y", "sed x | sh", "$x", "sudo sed x", "bash -c 'sed x'", "eval sed x"):
        assert judged(Bash(command=command), effect("modified src/a.py")) == "review", command
    assert judged(Write(path="src/a.py", content=""), effect("modified src/a.py")) == "review"

    sed = Bash(command=SED)
    for text in (
        *("created src/a.py", "deleted src/a.py", "mode src/a.py", "modified src/a.sh", "modified src/b/a.py"),
        *("modified a.py", "modified /tmp/src/a.py", "modified src/.git/a.py", "modified test/a.py"),
    ):
        assert judged(sed, effect(text)) == "review", text
        assert judged(sed, effect("modified src/a.py"), effect(text)) == "review", text
    for mode in (0o755, 0o4644, 0o2644):
        state = FILE.model_copy(update={"mode": mode})
        assert judged(sed, effect("modified src/a.py", after=state)) == "review"
        assert judged(sed, effect("modified src/a.py", before=state)) == "review"
    link = FileState(type="symlink", mode=0o777, size=0, mtime_ns=0, target="/etc/passwd")
    assert judged(sed, effect("modified src/a.py", after=link)) == "review"
    assert judged(sed, effect("modified src/a.py", reversibility="unknown")) == "review"
    sent = RequestEffect(change="sent", reversibility="compensable", method="POST", url="https://x.org/")
    assert judged(sed, effect("modified src/a.py"), sent) == "review"


def test_it_decides_about_nothing_but_review(tmp_path: Path, config: Path, context: Context) -> None:
    rules = {
        "limits": {"files_changed": 2},
        "budget": {"files_deleted": 1},
        "decide": [{"verdict": "ask", "run": ["sed **"]}],
        "judge": [{"verdict": "roll_back", "paths": ["src/secret.py"]}, {"verdict": "review", "paths": ["src/ci.py"]}],
    }
    before = opened(tmp_path, rules)
    before.acceptance(Bash(command=SED), effects("modified src/a.py"), context).write()
    after = opened(tmp_path, rules)
    assert after.limits == before.limits and after.confinement == before.confinement
    for command in (SED, "sed x", "ls", "$x"):
        assert after.decide(Bash(command=command), context) == before.decide(Bash(command=command), context)
    many = effects(*(f"modified src/{name}.py" for name in "abc"))
    for done in (many, effects("modified src/secret.py"), effects("modified src/a.py", "modified src/ci.py")):
        verdicts = {policy.judge(Bash(command=SED), done, context).verdict for policy in (before, after)}
        assert len(verdicts) == 1 and verdicts <= {"review", "roll_back"}
    assert after.judge(Bash(command=SED), many[:2], context).verdict == "accept"
    spent = context.model_copy(update={"spent": Spent(files_deleted=2)})
    assert after.judge(Bash(command=SED), many[:1], spent).verdict == "roll_back"


@pytest.mark.parametrize(
    ("action", "run"),
    [
        (Bash(command="pytest -q tests"), "[pytest **]"),
        (Bash(command="cd src && sed -i s/a/b/ a.py"), "[cd **, sed **]"),
        (Bash(command="echo x > a.txt; echo y"), "[echo **]"),
        (Bash(command="npm run build"), "[npm run build]"),
        (Bash(command="pip uninstall x"), "[pip uninstall **]"),
        (Bash(command="make docs"), "[make docs]"),
        (Bash(command="python3 fix.py --all"), "[python3 fix.py --all]"),
        (Bash(command="python3 -m black src"), "[python3 -m black **]"),
        (Bash(command="timeout 9 pytest"), "[timeout 9 pytest, pytest **]"),
        (Bash(command="cp 'a b' $x"), "[cp **]"),
        (Bash(command="python3 'a*.py' '**'"), "[\"python3 'a[*].py' '[*][*]'\"]"),
        (Bash(command="git -C x mv a b"), "[git -C x mv a b, git mv **]"),
        (Git(args=("mv", "a", "b")), "[git mv **]"),
        (Write(path="a", content=""), None),
    ],
)
def test_the_command_is_that_program_and_what_it_is_told_first(
    tmp_path: Path, context: Context, action: Action, run: str | None
) -> None:
    done = effects("modified src/a.py")
    approval = opened(tmp_path).acceptance(action, done, context)
    found = rule(approval.diff)
    assert (found.get("run"), found["actions"]) == (run, f"[{action.kind}]")
    approval.write()
    assert opened(tmp_path).judge(action, done, context).verdict == "accept"


@pytest.mark.parametrize(
    ("done", "change", "paths"),
    [
        (["modified src/a.py", "modified src/b.py"], "[modified]", "[src/*.py]"),
        (["modified src/a.py", "created src/b/c.py"], "[created, modified]", "[src/*.py, src/b/*.py]"),
        (["modified README.md"], "[modified]", "[./*.md]"),
        (["modified Makefile", "created .env"], "[created, modified]", "[./.env, ./Makefile]"),
        (["created docs/", "created docs/LICENSE"], "[created]", "[./docs, docs/LICENSE]"),
        (["deleted a/b c/d.tar.gz"], "[deleted]", "[a/b c/*.gz]"),
        (["modified a/x[1].py/y"], "[modified]", "['a/x[[]1].py/y']"),
        ([f"modified src/{n}/a.py" for n in range(20)], "[modified]", "[src/**/*.py]"),
        ([f"modified src/{n}/a.x{n}" for n in range(20)], "[modified]", "[src/**]"),
        (["created out/", *(f"created out/{n}/" for n in range(20))], "[created]", "[out/**]"),
    ],
)
def test_the_files_are_those_of_a_folder_and_an_extension(
    tmp_path: Path, context: Context, done: list[str], change: str, paths: str
) -> None:
    approval = opened(tmp_path).acceptance(Bash(command=SED), effects(*done), context)
    found = rule(approval.diff)
    assert (found["change"], found["paths"]) == (change, paths)
    approval.write()
    judged = opened(tmp_path).judge(Bash(command=SED), effects(*done, "modified elsewhere/a.py"), context)
    assert judged.because == "within the limits"
    assert opened(tmp_path).judge(Bash(command=SED), effects(*done), context).verdict == "accept"


def test_what_was_renamed_was_and_is_where_it_says(tmp_path: Path, context: Context) -> None:
    moved = effect("renamed docs/b.md", renamed_from="src/a.py")
    approval = opened(tmp_path).acceptance(Bash(command="mv a b"), [moved], context)
    assert rule(approval.diff)["paths"] == "[docs/*.md, src/*.py]"
    approval.write()
    policy = opened(tmp_path)
    assert policy.judge(Bash(command="mv x y"), [moved], context).verdict == "accept"
    from_elsewhere = effect("renamed docs/b.md", renamed_from="secret/key.md")
    assert policy.judge(Bash(command="mv x y"), [from_elsewhere], context).verdict == "review"


def request(**more: Any) -> RequestEffect:
    given: dict[str, Any] = {
        "change": "sent",
        "reversibility": "irreversible",
        "method": "POST",
        "url": "https://x.org/",
    }
    return RequestEffect.model_validate({**given, **more})


@pytest.mark.parametrize(
    ("command", "done", "why"),
    [
        (SED, effect("modified /tmp/x"), "/tmp/x lies outside of the workspace"),
        (SED, effect("modified a", reversibility="unknown"), "what it did to a is unknown"),
        (SED, effect("modified a", reversibility="irreversible"), "what it did to a is irreversible"),
        (SED, effect("mode a"), "a is executable, a link or a device, of a .git, or has another mode now"),
        (SED, effect("created a", after=FILE.model_copy(update={"mode": 0o755})), "a is executable, a link"),
        (SED, effect("created a", after=FILE.model_copy(update={"mode": 0o4644})), "a is executable, a link"),
        (SED, effect("modified .git/config"), ".git/config is executable, a link or a device, of a .git"),
        (SED, effect("created a\x1b[2J"), "a path in it has characters that cannot be seen"),
        (SED, request(reversibility="unknown"), "POST https://x.org/ was sent"),
        (SED, request(reversibility="compensable"), "POST https://x.org/ was sent"),
        (SED, request(change="refused", canary="~/.netrc"), "a planted file was on its way out"),
        ("$x", effect("modified a"), "what it ran cannot be read in full: "),
        ("> a", effect("modified a"), "it ran no program"),
        ("python3 $x", effect("modified a"), "words of `python3 …` are only known at run time"),
        ("make $x", effect("modified a"), "words of `make …` are only known at run time"),
        ("cat x | python3 -", effect("modified a"), "the code that `python3` ran is not in its arguments"),
    ],
)
def test_what_cannot_become_a_rule(tmp_path: Path, context: Context, command: str, done: Effect, why: str) -> None:
    policy = opened(tmp_path, {"budget": {"irreversible": 9}})
    with pytest.raises(UsageError) as caught:
        policy.acceptance(Bash(command=command), [effect("modified src/a.py"), done], context)
    assert str(caught.value).startswith(f"this cannot become a rule: {why}")
    assert caught.value.hint == "it can be accepted each time, once it was looked at"


def test_files_all_over_the_place_cannot_become_a_rule(tmp_path: Path, context: Context) -> None:
    done = effects(*(f"modified f{n}/a" for n in range(13)))
    with pytest.raises(UsageError, match="this cannot become a rule: it changed files in 13 places"):
        opened(tmp_path).acceptance(Bash(command=SED), done, context)


def test_where_a_rule_wants_it_to_be_looked_at_there_can_be_no_other(tmp_path: Path, context: Context) -> None:
    (tmp_path / "mine.yaml").write_text(
        "limits: {files_changed: 1}\njudge:\n  - {verdict: review, paths: [src/ci.py], because: others run it}\n"
        "  - {verdict: roll_back, paths: [src/no.py]}\n"
    )
    policy = opened(tmp_path, "mine.yaml")
    for done, why in (
        (["modified src/ci.py"], r"mine\.yaml:3 wants it to be looked at: src/ci\.py was modified: others run it"),
        (["modified src/no.py"], r"mine\.yaml:4 says roll_back: src/no\.py was modified"),
        (["modified a", "modified b"], r"mine\.yaml:1 says roll_back: changed 2 files; the limit is 1"),
    ):
        with pytest.raises(UsageError, match=f"this cannot become a rule: {why}"):
            policy.acceptance(Bash(command=SED), effects(*done), context)
    with pytest.raises(UsageError, match=r"there is nothing to write: default\.yaml:\d+ accepts it already"):
        policy.acceptance(Bash(command=SED), [], context)


def test_the_users_file_stays_as_it_stood(tmp_path: Path, config: Path, context: Context) -> None:
    config.parent.mkdir(parents=True)
    before = "# mine\nlimits: {seconds: 5m}   # not longer\njudge:\n- verdict: review\n  paths: [ci/**]\n"
    config.write_text(before)
    config.chmod(0o640)
    approval = opened(tmp_path).acceptance(Bash(command=SED), effects("modified src/a.py"), context)
    approval.write()
    assert config.read_text().startswith(before) and stat.S_IMODE(config.stat().st_mode) == 0o640
    assert config.read_text().count("\n- verdict: ") == 2, "as lists stand in it"
    assert [line for line in approval.diff.splitlines() if line.startswith("-")] == [f"--- {config}"]


def test_nothing_is_written_where_it_would_not_help(tmp_path: Path, config: Path, context: Context) -> None:
    approval = opened(tmp_path).acceptance(Bash(command=SED), effects("modified src/a.py"), context)
    config.parent.mkdir(parents=True)
    config.write_text("limits: {seconds: 5m}\n")
    with pytest.raises(UsageError, match="has changed meanwhile"):
        approval.write()
    policy = opened(tmp_path)
    approval = policy.acceptance(Bash(command=SED), effects("modified src/a.py"), context)
    other = "limits: {seconds: 5m}\njudge: [{verdict: accept, paths: [docs/**]}]\n"
    approval = type(approval)(**{**vars(approval), "after": other})
    with pytest.raises(UsageError, match=r"it would wait for review all the same: default\.yaml:\d+ says review"):
        approval.write()
    assert config.read_text() == "limits: {seconds: 5m}\n" and os.listdir(config.parent) == ["policy.yaml"]


def test_a_workspace_and_a_session_accept_nothing_but_may_say_what_is_looked_at(
    tmp_path: Path, context: Context
) -> None:
    own = tmp_path / "w/.agentrt/policy.yaml"
    own.parent.mkdir()
    own.write_text("judge: [{verdict: accept, run: [sed **], plain: true}]\n")
    with pytest.raises(DocumentError, match="a rule that says `accept` is not for a workspace to say"):
        opened(tmp_path)
    own.write_text("judge: [{verdict: review, run: [pip install **]}]\n")
    policy = opened(tmp_path, "unattended")
    done = effects("modified src/a.py")
    assert policy.judge(Bash(command=SED), done, context).verdict == "accept"
    for command in ("sed x; pip install y", "$x", "make"):
        assert policy.judge(Bash(command=command), done, context).rule == "policy.yaml:1", command
    narrowed = policy.narrowed({"judge": [{"verdict": "roll_back", "actions": ["bash"]}]}, origin="plan")
    assert narrowed.judge(Bash(command=SED), done, context).verdict == "roll_back"
    assert narrowed.judge(Write(path="src/a.py", content=""), done, context).verdict == "accept"


def test_explaining_an_action_names_the_rules_on_what_it_does(tmp_path: Path, context: Context) -> None:
    opened(tmp_path).acceptance(Bash(command=SED), effects("modified src/a.py"), context).write()
    policy = opened(tmp_path)
    (judged,) = policy.explain(Bash(command="sed x"), context).judged
    assert (judged.verdict, judged.rule) == ("accept", "policy.yaml:2")
    assert policy.explain(Bash(command="rm x"), context).judged == ()


def test_a_rule_tests_itself_whatever_did_it(tmp_path: Path) -> None:
    text = "judge:\n  - {verdict: accept, run: [sed **], plain: true, paths: [./*.py], match: [modified a.py], not_match: [%s]}\n"
    for example in ("modified src/a.py", "mode a.py", "modified .git", "sent GET https://x.org/"):
        (tmp_path / "mine.yaml").write_text(text % example)
        assert len(opened(tmp_path, "mine.yaml").examples()) >= 2
    (tmp_path / "mine.yaml").write_text(text % "deleted b.py")
    with pytest.raises(DocumentError, match=r"mine\.yaml:2:\d+: the rule speaks of deleted b\.py"):
        opened(tmp_path, "mine.yaml")
