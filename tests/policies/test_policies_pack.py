"""The default pack, packs on top of it, and what a malformed one gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentrt.contracts import Confinement, Context
from agentrt.documents import load_yaml
from agentrt.policies import PackPolicy, open_policy
from agentrt.records import Action, Effect, FileEffect, FileState
from agentrt.testing.policy_kit import check_policy

CONTEXT = Context(workspace="/w", session="s1", attended=False)
BASH = Action(kind="bash")
MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
DEFAULT = Path(__file__).parents[2] / "policies" / "packs" / "default.yaml"


def state(size: int = 1, type: str = "file") -> FileState:
    return FileState.from_dict({"type": type, "mode": 0o644, "size": size, "mtime_ns": 0})


def deleted(count: int, *, prefix: str = "", type: str = "file") -> list[Effect]:
    return [FileEffect(path=f"{prefix}f{n}", change="deleted", before=state(type=type)) for n in range(count)]


def line_of(file: Path, text: str) -> int:
    return next(n for n, line in enumerate(file.read_text().splitlines(), 1) if line.strip().startswith(text))


def pack(tmp_path: Path, text: str) -> PackPolicy:
    (tmp_path / "mine.yaml").write_text(text)
    return open_policy("mine.yaml", folder=tmp_path)


@pytest.fixture
def default(tmp_path: Path) -> PackPolicy:
    return open_policy("default", folder=tmp_path)


def test_default_keeps_to_the_contract(default: PackPolicy) -> None:
    check_policy(default)


def test_default_confines_and_limits(default: PackPolicy) -> None:
    assert default.name == "default"
    assert default.confinement == Confinement()
    limits = default.limits
    assert (limits.seconds, limits.processes, limits.output_bytes) == (600.0, 512, 64_000_000)
    assert (limits.shown_bytes, limits.file_bytes, limits.cpu_seconds) == (30_000, 10_000_000_000, None)
    assert (limits.written_bytes, limits.written_files) == (20_000_000_000, 250_000)
    assert limits.memory_bytes == MACHINE * 75 // 100


def test_what_stays_inside_is_allowed_and_the_rule_is_named(default: PackPolicy) -> None:
    decision = default.decide(BASH, CONTEXT)
    assert decision.verdict == "allow"
    assert decision.rule == f"default.yaml:{line_of(DEFAULT, '- verdict: allow')}"


def test_nothing_done_is_accepted_something_is_for_review(default: PackPolicy) -> None:
    assert default.judge(BASH, (), CONTEXT).verdict == "accept"
    assert default.judge(BASH, deleted(1), CONTEXT).verdict == "review"


def test_the_limit_itself_is_within_the_limit(default: PackPolicy) -> None:
    assert default.judge(BASH, deleted(1000), CONTEXT).verdict == "review"


def test_over_the_limit_is_rolled_back_with_figures_and_rule(default: PackPolicy) -> None:
    judgement = default.judge(BASH, deleted(1204), CONTEXT)
    rule = f"default.yaml:{line_of(DEFAULT, 'files_deleted')}"
    assert (judgement.verdict, judgement.rule) == ("roll_back", rule)
    assert judgement.because.startswith(f"deleted 1,204 files; the limit is 1,000 ({rule}): a step that deletes")


def test_folders_and_files_outside_the_workspace_do_not_count_as_deleted(default: PackPolicy) -> None:
    effects = deleted(2000, prefix="/home/agent/") + deleted(2000, type="directory") + deleted(1000)
    assert default.judge(BASH, effects, CONTEXT).verdict == "review"


def test_links_count_as_deleted_files(tmp_path: Path) -> None:
    policy = pack(tmp_path, "limits: {files_deleted: 0}\n")
    assert policy.judge(BASH, deleted(1, type="symlink"), CONTEXT).verdict == "roll_back"


def test_changed_files_and_written_bytes_have_their_ceilings(tmp_path: Path) -> None:
    policy = pack(tmp_path, "limits:\n  files_changed: 1\n  bytes_written: {most: 1kB, because: small disk}\n")
    changed = [
        FileEffect(path="a", change="modified", before=state(), after=state(600)),
        FileEffect(path="b", change="mode", before=state(), after=state(5000)),
        FileEffect(path="/tmp/c", change="created", after=state(600)),
        FileEffect(path="/tmp/d", change="modified", before=state(), after=state(0)),
    ]
    judgement = policy.judge(BASH, changed, CONTEXT)
    assert judgement.rule == "mine.yaml:2"
    assert judgement.because == (
        "changed 2 files; the limit is 1 (mine.yaml:2); wrote 1.2 kB; the limit is 1 kB (mine.yaml:3): small disk"
    )
    assert policy.judge(BASH, changed[:1], CONTEXT).verdict == "review"


def test_what_a_pack_leaves_out_is_as_in_default(tmp_path: Path, default: PackPolicy) -> None:
    policy = pack(tmp_path, "limits:\n  seconds: 90s\n  memory: 2GiB\n")
    check_policy(policy)
    assert policy.name == "mine"
    assert policy.limits == default.limits.model_copy(update={"seconds": 90.0, "memory_bytes": 2 * 1024**3})
    assert policy.judge(BASH, deleted(1001), CONTEXT).rule.startswith("default.yaml:")


def test_the_strictest_rule_wins_in_any_order(tmp_path: Path) -> None:
    rules = [
        "- {verdict: ask, actions: [git, bash]}",
        "- {verdict: deny, actions: [git], because: no}",
        "- {verdict: allow}",
    ]
    for order in (rules, rules[::-1]):
        policy = pack(tmp_path, "decide:\n" + "\n".join(order) + "\n")
        check_policy(policy)
        git = policy.decide(Action(kind="git"), CONTEXT)
        assert (git.verdict, git.rule, git.because) == (
            "deny",
            f"mine.yaml:{order.index(rules[1]) + 2}",
            "no",
        )
        assert policy.decide(BASH, CONTEXT).verdict == "ask"
        assert policy.decide(Action(kind="read"), CONTEXT).verdict == "allow"


def test_folders_of_tools_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    policy = pack(tmp_path, "tools: {show: [~/sdk, /opt/x, here], hide: [~/.nvm]}\n")
    home = tmp_path / "home"
    assert policy.confinement.bind == (f"{home}/sdk", "/opt/x", f"{tmp_path}/here")
    assert policy.confinement.hide == (f"{home}/.nvm",)


def test_a_share_of_memory_is_this_machines(tmp_path: Path) -> None:
    assert pack(tmp_path, "limits: {memory: 12.5%}\n").limits.memory_bytes == MACHINE // 8
    assert pack(tmp_path, "limits: {memory: 100 %}\n").limits.memory_bytes == MACHINE


def test_what_is_watched_while_an_action_runs(tmp_path: Path) -> None:
    text = "limits: {cpu: 5m, files_written: 7, bytes_written: {most: 1kB, because: small disk}}\n"
    limits = pack(tmp_path, text).limits
    assert (limits.cpu_seconds, limits.written_files, limits.written_bytes) == (300.0, 7, 1000)
    policy = open_policy({"extends": str(tmp_path / "mine.yaml"), "limits": {"bytes_written": "2kB"}}, folder=tmp_path)
    assert policy.limits == limits.model_copy(update={"written_bytes": 2000})


def test_what_packs_insist_on_adds_up(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("require: [seccomp]\n")
    policy = pack(tmp_path, "extends: base.yaml\nrequire: [landlock, seccomp]\n")
    check_policy(policy)
    assert policy.confinement.require == ("landlock", "seccomp")
    workspace = tmp_path / "workspace"
    (workspace / ".agentrt").mkdir(parents=True)
    (workspace / ".agentrt/policy.yaml").write_text("require: [landlock]\n")
    policy = open_policy("default", folder=tmp_path, workspace=workspace)
    assert policy.confinement.require == ("landlock",)


def test_a_mapping_in_a_document_names_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text("objective: x\npolicy:\n  limits:\n    files_deleted: 3\n")
    policy = open_policy(load_yaml(tmp_path / "task.yaml").data["policy"], folder=tmp_path)
    assert policy.judge(BASH, deleted(4), CONTEXT).rule == "task.yaml:4"


def test_a_plain_mapping_works_too(tmp_path: Path) -> None:
    policy = open_policy({"name": "p", "limits": {"files_deleted": 3}}, folder=tmp_path)
    check_policy(policy)
    assert policy.name == "p"
    assert policy.judge(BASH, deleted(4), CONTEXT).verdict == "roll_back"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("1B", 1),
        ("64MB", 64_000_000),
        ("64 MB", 64_000_000),
        ("1GiB", 1024**3),
        ("1.5kB", 1500),
    ],
)
def test_sizes(tmp_path: Path, text: str, size: int) -> None:
    assert pack(tmp_path, f"limits: {{memory: {text}}}\n").limits.memory_bytes == size


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("0.5", 0.5), ("90s", 90), ("10m", 600), ("1h30m", 5400)])
def test_times(tmp_path: Path, text: str, seconds: float) -> None:
    assert pack(tmp_path, f"limits: {{seconds: {text}}}\n").limits.seconds == seconds
