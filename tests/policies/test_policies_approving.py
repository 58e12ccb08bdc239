"""A person's yes that becomes a rule of their own, and rules that come with a session and may only make it stricter."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from agentrt.contracts import Context
from agentrt.errors import DocumentError, UsageError
from agentrt.policies import PackPolicy, open_policy
from agentrt.policies.programs import changeable
from agentrt.records import STRICTNESS, Decision, Request, escalated
from agentrt.testing.policy_kit import check_policy
from agentrt.tools.bash import Bash
from agentrt.tools.files import Write
from agentrt.tools.git import Git

GIT = os.path.realpath("/usr/bin/git")


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (tmp_path / "w").mkdir()
    return tmp_path / "config/agentrt/policy.yaml"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(workspace=str(tmp_path / "w"), session="s1", attended=True)


def strict(tmp_path: Path) -> PackPolicy:
    return open_policy("strict", folder=tmp_path, workspace=tmp_path / "w")


def said(policy: PackPolicy, command: str, context: Context) -> Decision:
    return policy.decide(Bash(command=command), context)


def test_a_yes_becomes_a_rule(tmp_path: Path, config: Path, context: Context) -> None:
    policy = strict(tmp_path)
    asked = said(policy, "git push origin main", context)
    assert asked.verdict == "ask"
    approval = policy.approval(Bash(command="git push origin main"), context)
    assert approval.diff.splitlines() == [
        f"--- {config}",
        f"+++ {config}",
        "@@ -0,0 +1,4 @@",
        "+approved:",
        "+  - run: git push origin main",
        f"+    program: {GIT}",
        f"+    because: approved when {asked.rule} asked",
    ]
    assert not config.exists()
    approval.write()
    policy = strict(tmp_path)
    check_policy(policy)
    decided = said(policy, "git push origin main", context)
    assert (decided.verdict, decided.rule) == ("allow", "policy.yaml:2")
    assert [rule.verdict for rule in policy.explain(Bash(command="git push origin main"), context).rules] == [
        *("allow", "ask", "allow")
    ]
    assert policy.decide(Git(args=("push", "origin", "main")), context).verdict == "allow"
    with pytest.raises(UsageError, match=r"there is nothing to approve: policy\.yaml:2 says allow"):
        policy.approval(Bash(command="git push origin main"), context)
    assert os.listdir(config.parent) == ["policy.yaml"]


def test_it_is_bound_to_the_command_within_not_to_what_it_is_wrapped_in(
    tmp_path: Path, config: Path, context: Context
) -> None:
    config.parent.mkdir(parents=True)
    config.write_text(f"approved:\n  - {{run: git push origin, program: {GIT}}}\n")
    policy = strict(tmp_path)
    for command in (
        *("git push origin", "git 'push' origin", "timeout 5 git push origin"),
        "git push origin < /dev/null",
        *("bash -c 'nice git push origin'", "git push origin && git push origin", "command git push origin"),
    ):
        assert said(policy, command, context).verdict == "allow", command
    for command in (
        *("/usr/bin/git push origin", "git push", "git push origin x", "git push -f origin", "git -C x push origin", "git push $x origin"),
        *("git push origin; rm x", "git push origin > x", "git push origin < x", "GIT_DIR=x git push origin"),
        *("env -i git push origin", "env -u HOME git push origin"),
        *("A=b git push origin", "env A=b git push origin", "cd x && git push origin", "./git push origin"),
        *("git push origin | sh", "timeout 5 rm x", "bash -c 'rm x'", "./bash -c 'git push origin'", "$(git push origin)"),
        *("find . -delete -exec git push origin \\;", "strace -o x git push origin", "chroot x git push origin"),
        *("/usr/bin/time -f x -o y git push origin", "exec -a sh git push origin"),
        *("sudo -R x git push origin", "git push origin; PATH=. git push origin"),
    ):  # fmt: skip
        assert said(policy, command, context).verdict == "ask", command


def test_a_name_that_leads_to_another_file_is_asked_about_again(
    tmp_path: Path, config: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.parent.mkdir(parents=True)
    config.write_text(f"approved: [{{run: git push, program: {GIT}}}]\n")
    policy = strict(tmp_path)
    assert said(policy, "git push", context).verdict == "allow"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin")
    assert said(policy, "git push", context).verdict == "ask"


def test_a_program_the_workspace_could_put_first_is_asked_about(
    tmp_path: Path, config: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a virtual environment of the workspace is switched on: what is in it by then is the agent's doing."""
    config.parent.mkdir(parents=True)
    config.write_text(f"approved: [{{run: git push, program: {GIT}}}]\n")
    policy = strict(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "w")
    for first in (f"{tmp_path}/w/.venv/bin", f"{tmp_path}/link/bin"):
        monkeypatch.setenv("PATH", f"{first}:/usr/bin")
        assert said(policy, "git push", context).verdict == "ask"
        with pytest.raises(
            UsageError, match=f"`git` is looked for in {first} first, where an agent can put another one"
        ):
            policy.approval(Bash(command="git push"), context)
    monkeypatch.setenv("PATH", f"/usr/bin:{tmp_path}/w/.venv/bin")
    assert said(policy, "git push", context).verdict == "allow"


def test_only_what_asks_is_answered(tmp_path: Path, config: Path, context: Context) -> None:
    config.parent.mkdir(parents=True)
    config.write_text(f"approved: [{{run: git push, program: {GIT}}}]\n")
    for verdict in ("hold", "deny"):
        (tmp_path / "mine.yaml").write_text(f"decide: [{{verdict: {verdict}, run: [git push **]}}]\n")
        policy = open_policy("mine.yaml", folder=tmp_path)
        assert said(policy, "git push", context).verdict == verdict
        with pytest.raises(UsageError, match=f"there is nothing to approve: mine.yaml:1 says {verdict}"):
            policy.approval(Bash(command="git push"), context)
    (tmp_path / "mine.yaml").write_text(
        f"decide: [{{verdict: ask, run: [git **]}}]\napproved: [{{run: git pull, program: {GIT}, because: mine}}]\n"
    )
    decided = said(open_policy("mine.yaml", folder=tmp_path), "git pull", context)
    assert (decided.verdict, decided.rule, decided.because) == ("allow", "mine.yaml:2", "mine")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("make deploy", "what it would run cannot be read in full: make runs programs"),
        ("chmod +x $x", "words of `chmod +x …` are only known at run time"),
        ("git push > x", "the shell would write a file for it"),
        ("git push < x", "it reads from a file, which may be another one the next time"),
        ("git push <<E\nx\nE", "a program may be given input that stands in the command line"),
        ("bash -c $'git push \\x3c\\x3c< x'", "a program may be given input that stands in the command line"),
        ("A=b git push", "A is set for it"),
        ("cd x; git push", "`cd` is done by the shell itself: there is no file to bind it to"),
        ("bin/tool", "`bin/tool` may be another file in another folder"),
        ("nowhere-at-all", "`nowhere-at-all` lies in the workspace, where an agent can change it, or is not there"),
        ("/w/tool", "`/w/tool` lies in the workspace, where an agent can change it, or is not there"),
        ("/loose/tool", "`/loose/tool` is /loose/tool, and an agent may be able to change /loose"),
    ],
)
def test_what_cannot_become_a_rule(tmp_path: Path, context: Context, command: str, why: str) -> None:
    for folder in ("w", "loose"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "tool").write_text("#!/bin/sh\n")
        (tmp_path / folder / "tool").chmod(0o755 if folder == "w" else 0o775)
    (tmp_path / "loose").chmod(0o775)
    command = command.replace("/w/", f"{tmp_path}/w/").replace("/loose/", f"{tmp_path}/loose/")
    with pytest.raises(UsageError) as caught:
        strict(tmp_path).approval(Bash(command=command), context)
    told = str(caught.value).replace(str(tmp_path), "")
    assert told.startswith(f"this cannot become a rule: {why}"), told
    assert caught.value.hint == "it can be approved each time it is asked about"


def test_what_runs_nothing_cannot_become_a_rule(tmp_path: Path, context: Context) -> None:
    with pytest.raises(UsageError, match="this cannot become a rule: it runs no program"):
        strict(tmp_path).approval(Write(path="a", content=""), context)


def test_where_an_agent_could_put_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert changeable(GIT) is None
    program = tmp_path / "tool"
    program.write_text("")
    program.chmod(0o755)
    assert changeable(str(program)) is not None, "below /tmp"
    program.chmod(0o775)
    assert changeable(str(program)) == str(program)
    program.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert changeable(str(program)) in (str(program), str(tmp_path))


def test_the_users_file_stays_as_it_stood(tmp_path: Path, config: Path, context: Context) -> None:
    config.parent.mkdir(parents=True)
    before = (
        "# my own rules\nlimits: {seconds: 5m}   # not longer\n\ndecide:\n    # nobody but me\n    - verdict: deny\n"
        "      run: ['rm -rf **']\n      because: \"no\"\n# approved so far\napproved:\n"
        f"    - run: git fetch   # often\n      program: {GIT}\n"
    )
    config.write_text(before)
    config.chmod(0o640)
    policy = strict(tmp_path)
    approval = policy.approval(Bash(command="git push && git fetch"), context)
    approval.write()
    assert config.read_text().startswith(before) and stat.S_IMODE(config.stat().st_mode) == 0o640
    assert len(config.read_text().splitlines()) == len(before.splitlines()) + 3
    assert [line for line in approval.diff.splitlines() if line.startswith("-")] == [f"--- {config}"]
    assert said(strict(tmp_path), "git push", context).verdict == "allow"


def test_a_link_to_the_users_file_stays_one(tmp_path: Path, config: Path, context: Context) -> None:
    config.parent.mkdir(parents=True)
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles/policy.yaml").write_text("limits: {seconds: 5m}\n")
    config.symlink_to(tmp_path / "dotfiles/policy.yaml")
    strict(tmp_path).approval(Bash(command="git push"), context).write()
    assert config.is_symlink() and "git push" in (tmp_path / "dotfiles/policy.yaml").read_text()


def test_nothing_is_written_where_it_would_not_help(tmp_path: Path, config: Path, context: Context) -> None:
    approval = strict(tmp_path).approval(Bash(command="git push"), context)
    config.parent.mkdir(parents=True)
    config.write_text("limits: {seconds: 5m}\n")
    with pytest.raises(UsageError, match="has changed meanwhile") as caught:
        approval.write()
    assert caught.value.hint == "look at the change once more"
    assert config.read_text() == "limits: {seconds: 5m}\n"
    policy = strict(tmp_path)
    approval = policy.approval(Bash(command="git push"), context)
    approval = type(approval)(
        **{**vars(approval), "after": "limits: {seconds: 5m}\napproved: [{run: x, program: /x}]\n"}
    )
    with pytest.raises(UsageError, match=r"it would not be allowed all the same: strict.yaml:\d+ says ask"):
        approval.write()
    approval = type(approval)(**{**vars(approval), "after": "limits: {seconds: 6m}\n"})
    with pytest.raises(UsageError, match="cannot be added to without changing more of it") as caught:
        approval.write()
    assert caught.value.hint == "add the rule by hand"
    assert config.read_text() == "limits: {seconds: 5m}\n" and os.listdir(config.parent) == ["policy.yaml"]


def test_a_workspace_approves_nothing(tmp_path: Path) -> None:
    (tmp_path / "w/.agentrt").mkdir()
    (tmp_path / "w/.agentrt/policy.yaml").write_text(f"approved: [{{run: git push, program: {GIT}}}]\n")
    with pytest.raises(DocumentError, match="`approved` is not for a workspace to say"):
        strict(tmp_path)


def test_rules_that_come_with_a_session(tmp_path: Path, context: Context) -> None:
    policy = open_policy({"network": [{"hosts": ["x.org"]}]}, folder=tmp_path)
    narrowed = policy.narrowed(
        {
            "decide": [{"verdict": "deny", "run": ["git push **"], "because": "not in this plan"}],
            "network": [{"hosts": ["x.org"], "methods": ["PUT"], "verdict": "deny"}],
            "limits": {"seconds": "5s", "files_deleted": 0},
            "files": {"secret": ["keys/**"], "read_only": ["src/**"]},
        },
        origin="plan",
    )
    check_policy(narrowed)
    decided = said(narrowed, "git push", context)
    assert (decided.verdict, decided.rule, decided.because) == ("deny", "plan:2", "not in this plan")
    assert narrowed.limits.seconds == 5
    assert narrowed.admit(Request.parse("PUT https://x.org/"), context).rule == "plan:7"
    assert narrowed.admit(Request.parse("GET https://x.org/"), context).verdict == "allow"
    assert said(policy, "git push", context).verdict == "allow", "the policy itself is what it was"
    wider = narrowed.narrowed({"decide": [{"verdict": "allow"}], "limits": {"seconds": "9h"}}, origin="more")
    assert said(wider, "git push", context).verdict == "deny" and wider.limits.seconds == 5


def test_an_opinion_can_only_make_it_stricter() -> None:
    for first in STRICTNESS:
        for second in STRICTNESS:
            policy = Decision(verdict=first, rule="policy", flags=("read_secret",))
            opinion = Decision(verdict=second, rule="opinion")
            found = escalated(policy, opinion)
            assert found.verdict == max(first, second, key=STRICTNESS.index)
            assert found.rule == ("opinion" if STRICTNESS.index(second) > STRICTNESS.index(first) else "policy")
            assert found.flags == ("read_secret",)


def test_a_policy_that_is_no_file_is_a_mistake_and_one_of_the_workspace_is_nobodys_own(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (config, tmp_path / "w/.agentrt/policy.yaml"):
        file.parent.mkdir(parents=True)
        file.symlink_to("gone")
        with pytest.raises(DocumentError, match="no such file"):
            strict(tmp_path)
        file.unlink()
        file.mkdir()
        with pytest.raises(DocumentError):
            strict(tmp_path)
        file.rmdir()
    (tmp_path / "agentrt").mkdir()
    (tmp_path / "agentrt/policy.yaml").write_text("a mistake")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", ".")
    strict(tmp_path)


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "  # nothing\n\n"])
def test_a_file_of_ones_own_may_say_nothing(tmp_path: Path, config: Path, context: Context, text: str) -> None:
    config.parent.mkdir(parents=True)
    config.write_text(text)
    (tmp_path / "w/.agentrt").mkdir()
    (tmp_path / "w/.agentrt/policy.yaml").write_text(text)
    assert said(strict(tmp_path), "git push", context).verdict == "ask"
