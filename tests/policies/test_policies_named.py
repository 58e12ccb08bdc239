"""What rules ask of an action besides its words: hosts, remotes, files of programs, flags; and what is confined by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentrt.contracts import Context
from agentrt.policies import PackPolicy, open_policy
from agentrt.policies.hosts import hosts_of
from agentrt.policies.remotes import remotes_of
from agentrt.records import Action
from agentrt.testing.policy_kit import check_policy
from agentrt.tools.bash import Bash
from agentrt.tools.edit import Edit
from agentrt.tools.files import Read
from agentrt.tools.git import Git


class Http(Action):
    """An action that is a request itself."""

    url: str


def pack(tmp_path: Path, text: str) -> PackPolicy:
    (tmp_path / "mine.yaml").write_text(text)
    policy = open_policy("mine.yaml", folder=tmp_path)
    check_policy(policy)
    return policy


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, and a folder on PATH with a few programs."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "bin").mkdir()
    for name in ("tool", "other"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "bin/also").symlink_to("tool")
    (tmp_path / "w").mkdir()
    (tmp_path / "w/tool").write_text("#!/bin/sh\n")
    (tmp_path / "w/tool").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return tmp_path / "w"


def said(policy: PackPolicy, action: Action | str, work: Path | str = "/w", *flags: str) -> str:
    action = Bash(command=action) if isinstance(action, str) else action
    context = Context(workspace=str(work), session="s1", attended=True, flags=frozenset(flags))
    return policy.decide(action, context).verdict


@pytest.mark.parametrize(
    ("command", "hosts"),
    [
        ("curl https://x.org/a", {"x.org"}),
        ("curl https://me:pw@X.org.:8443/a", {"x.org"}),
        ("curl https://good.org@evil.org/", {"evil.org"}),
        ("tool --to=ftp://x.org", {"x.org"}),
        ("pip install git+https://x.org/y.git", {"x.org"}),
        ("tool https://[::1]:80/ http://127.1/", {"::1", "127.0.0.1"}),
        ("tool http://0x7f000001/", {"127.0.0.1"}),
        ("tool https://bücher.example/", {"xn--bcher-kva.example"}),
        ("tool https://a%2eb/", {None}),
        ("git clone git@x.org:a/b", {"x.org"}),
        ("git push origin", {None}),
        ("git push https://x.org/a main", {"x.org"}),
        ("git clone ../a", set()),
        ("scp a me@x.org:b", {"x.org", "a"}),
        ("rsync -a . x.org:b", {"x.org"}),
        ("ssh me@x.org", {"x.org"}),
        ("curl x.org/a", {"x.org"}),
        ("echo x.org me@x.org:b", set()),
        ("ls", set()),
    ],
)
def test_hosts_that_a_command_names(command: str, hosts: set[str | None]) -> None:
    assert set(hosts_of(command.split())) == hosts


@pytest.mark.parametrize(
    ("command", "remotes"),
    [
        ("git push", [None]),
        ("git push origin main", ["origin"]),
        ("git push -fu --tags -o ci.skip origin", ["origin"]),
        ("git push --repo=up", ["up"]),
        ("git push --repo up", ["up"]),
        ("git push --some-day origin", [None]),
        ("git fetch --depth 1 origin", ["origin"]),
        ("git pull --rebase up main", ["up"]),
        ("git ls-remote https://x.org/a", ["https://x.org/a"]),
        ("git clone -b main https://x.org/a b", ["https://x.org/a"]),
        ("git remote add up https://x.org/a", ["up", "https://x.org/a"]),
        ("git remote -v add -f -t main up https://x.org/a", ["up", "https://x.org/a"]),
        ("git remote set-url --push up https://x.org/a", ["up", "https://x.org/a"]),
        ("git remote update", [None]),
        ("git remote -v", []),
        ("git submodule add https://x.org/a", ["https://x.org/a"]),
        ("git submodule update --init", [None]),
        ("git submodule status", []),
        ("git status", []),
        ("push origin", []),
    ],
)
def test_remotes_that_a_git_command_names(command: str, remotes: list[str | None]) -> None:
    assert list(remotes_of(command.split())) == remotes


def test_words_that_come_at_run_time_may_be_any() -> None:
    assert list(hosts_of(["curl", None])) == [None]
    for argv in (["git", None], ["git", "push", None], ["git", "remote", None], ["git", "remote", "add", "x", None]):
        assert None in remotes_of(argv), argv


def test_rules_on_hosts(tmp_path: Path) -> None:
    policy = pack(tmp_path, "decide: [{verdict: ask, hosts: ['*.evil.org', 10.0.0.1]}]\n")
    for command in (
        *("curl https://a.evil.org/x", "echo $(wget -q a.evil.org)", "cat $x", "curl http://10.1/", "git push"),
        *("python -c 'x'", "git remote add x ssh://a.evil.org/y"),
    ):
        assert said(policy, command) == "ask", command
    for command in ("curl https://evil.org/x", "ls -l", "curl https://b.org/a.evil.org"):
        assert said(policy, command) == "allow", command
    assert said(policy, Http(kind="http", url="https://a.evil.org/")) == "ask"
    assert said(policy, Http(kind="http", url="https://b.org/")) == "allow"
    policy = pack(tmp_path, "decide: [{verdict: ask, hosts: ['**']}]\n")
    assert said(policy, "curl http://127.1/") == said(policy, "curl http://[::1]/") == "ask" != said(policy, "ls")


def test_rules_on_remotes(tmp_path: Path) -> None:
    policy = pack(
        tmp_path,
        "decide:\n  - verdict: deny\n    run: [git push **]\n    remotes: [upstream, 'https://x.org/*']\n"
        "    match: [git push, git push upstream, {kind: git, args: [-C, a, push, 'https://x.org/a/b']}]\n"
        "    not_match: [git push origin, git fetch upstream]\n",
    )
    assert said(policy, "git push $r") == said(policy, "x && git push 'upstream'") == "deny"
    assert said(policy, Git(args=("push", "upstream"))) == "deny"
    assert said(policy, "git push mine/upstream") == "allow"


def test_rules_on_the_files_of_programs(tmp_path: Path, work: Path) -> None:
    policy = pack(tmp_path, f"decide: [{{verdict: deny, programs: [{tmp_path}/bin/tool]}}]\n")
    for command in (
        *("tool", "also x", f"{tmp_path}/bin/../bin/also", "../bin/tool", "sudo -n tool", "./tool", "nowhere"),
        *("cd /; bin/tool", "$x"),
    ):
        assert said(policy, command, work) == "deny", command
    for command in ("other", "cd src && other", "ls", "export A=b"):
        assert said(policy, command, work) == "allow", command


def test_a_command_with_a_slash_is_that_file_by_whatever_name(tmp_path: Path, work: Path) -> None:
    policy = pack(tmp_path, f"decide: [{{verdict: deny, run: ['{tmp_path}/bin/tool push **']}}]\n")
    for command in ("tool push", "also push x", "./tool push", "nowhere push"):
        assert said(policy, command, work) == "deny", command
    for command in ("tool pull", "other push", "./tool pull"):
        assert said(policy, command, work) == "allow", command
    policy = pack(tmp_path, f"decide: [{{verdict: ask, unless: ['{tmp_path}/bin/tool **']}}]\n")
    assert said(policy, "also x", work) == "allow"
    assert said(policy, "./tool x", work) == said(policy, "nowhere", work) == "ask"


def test_rules_of_some_sessions_only(tmp_path: Path) -> None:
    policy = pack(tmp_path, "decide: [{verdict: hold, flags: [saw_untrusted, read_secret], match: [ls]}]\n")
    assert said(policy, "ls", "/w", "saw_untrusted") == "allow"
    assert said(policy, "ls", "/w", "saw_untrusted", "read_secret") == "hold"


def test_a_rule_that_allows_speaks_only_of_what_it_knows(tmp_path: Path) -> None:
    policy = pack(
        tmp_path,
        "decide:\n  - verdict: allow\n    hosts: [x.org]\n    match: [curl https://x.org/]\n"
        "    not_match: [curl https://x.org/ https://y.org/, curl https://x.org/ $y, ls, $x https://x.org/]\n",
    )
    assert said(policy, "ls") == "allow"


def test_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "w/keys").mkdir(parents=True)
    (tmp_path / "w/src").mkdir()
    for name in ("keys/a", ".env", "src/.env", "src/a.py"):
        (tmp_path / "w" / name).write_text("x")
    policy = pack(tmp_path, "files: {hidden: [keys/**, .env, not/there]}\n")
    assert policy.confinement.hidden == (), "without a workspace there is nothing to hide"
    found = open_policy("mine.yaml", folder=tmp_path, workspace=tmp_path / "w").confinement.hidden
    assert found == (".env", "keys", "not/there", "src/.env")
    assert said(policy, Read(path="keys/a")) == said(policy, Edit(path="a/.env", old="x", new="y")) == "deny"
    assert said(policy, Read(path="a")) == said(policy, "cat keys/a") == "allow", "there is nothing in it"


def test_who_may_have_read_a_secret(tmp_path: Path) -> None:
    policy = pack(tmp_path, "files: {secret: [.env, keys/**]}\n")

    def flags(action: Action | str) -> tuple[str, ...]:
        action = Bash(command=action) if isinstance(action, str) else action
        return policy.decide(action, Context(workspace="/w", session="s", attended=True)).flags

    for action in ("cat .env", "cat < keys/a", "cat $x", "cat *", "python x.py", "$x", Read(path="keys/a")):
        assert flags(action) == ("read_secret",), action
    for action in ("ls -l src", "true", Read(path="src/a")):
        assert flags(action) == (), action


def test_what_is_planted_and_put_in(tmp_path: Path) -> None:
    policy = pack(tmp_path, "files: {canaries: [~/.aws/credentials, ~/.ssh/id_rsa]}\nsecrets: [TOKEN, A1_B]\n")
    assert policy.confinement.canaries == ("~/.aws/credentials", "~/.ssh/id_rsa")
    assert policy.confinement.secrets == ("TOKEN", "A1_B")


@pytest.mark.parametrize(
    ("name", "found", "not_found"),
    [
        ("email", ["a.b+c@x-y.example.org"], ["a@b", "user@host:path"]),
        ("phone", ["+49 30 1234567", "0171-234 56 78", "(+1 415 555 2671)"], ["2024-01-02", "12345", "10.0.0.1", "v1.0.20"]),
        ("iban", ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"], ["DE89", "AB12CD"]),
        ("card", ["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005"], ["1234567890123456", "41111111"]),
    ],
)  # fmt: skip
def test_what_is_ready_made_to_hide(tmp_path: Path, name: str, found: list[str], not_found: list[str]) -> None:
    import re

    policy = pack(tmp_path, f"redact: [{name}, {{name: customer, pattern: 'C\\d+'}}]\n")
    ready, own = policy.redactions
    assert (ready.name, own.name, own.pattern) == (name, "customer", r"C\d+")
    assert all(re.search(ready.pattern, text) for text in found)
    assert not any(re.search(ready.pattern, text) for text in not_found)
