"""What holds for any rules at all: nobody who may only make things stricter makes anything looser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentrt.contracts import Context
from agentrt.policies import PackPolicy, open_policy
from agentrt.records import STRICTNESS, Effect, FileEffect, Request, RequestEffect
from agentrt.tools.bash import Bash

HOSTS = ("a.org", "x.a.org", "b.org", "10.0.0.1")
FLAGS = ("saw_untrusted", "read_secret")
FREE: dict[str, Any] = {"irreversible": 10_000}
HERE = Path(__file__).parent
ADMITTED = ("allow", "inspect", "deny")


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


def rule_on_requests(verdict: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"hosts": some(*HOSTS, "**", "*.org", "**.a.org"), "verdict": st.just(verdict)},
        optional={
            "methods": some("GET", "POST"),
            "paths": some("/a/**", "/b"),
            "ports": some(443, 8443),
            "flags": some(*FLAGS),
        },
    )


RULES = st.lists(rule_on_requests("allow") | rule_on_requests("deny"), max_size=4)
DENIALS = st.lists(rule_on_requests("deny"), min_size=1, max_size=3) | st.just("none")
PLACES = st.tuples(st.sampled_from(HOSTS), st.sampled_from((443, 8443)))
CONTEXTS = st.builds(
    lambda flags: Context(workspace="/w", session="s1", attended=True, flags=frozenset(flags)),
    st.lists(st.sampled_from(FLAGS), max_size=2),
)


@pytest.fixture(autouse=True, scope="module")
def nobody_elses_file(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


def opened(rules: Any) -> PackPolicy:
    return open_policy({"network": rules, "budget": FREE}, folder=HERE)


def inside(host: str, port: int) -> list[Request]:
    paths = [
        f"{method} https://{host}:{port}{path}" for method in ("GET", "POST", "PUT") for path in ("/a/x", "/b", "/")
    ]
    return [Request.parse(text) for text in paths]


@settings(deadline=None)
@given(RULES, PLACES, CONTEXTS)
def test_a_closed_connection_carries_only_what_is_allowed_one_by_one(
    rules: Any, place: tuple[str, int], context: Context
) -> None:
    policy = opened(rules)
    host, port = place
    closed = policy.admit(Request.parse(f"CONNECT {host}:{port}"), context).verdict
    verdicts = {policy.admit(request, context).verdict for request in inside(host, port)}
    assert "inspect" not in verdicts
    if closed == "allow":
        assert verdicts == {"allow"}
    if closed == "deny":
        assert verdicts == {"deny"}


@settings(deadline=None)
@given(RULES, DENIALS, PLACES, CONTEXTS)
def test_who_narrows_lets_nothing_out(rules: Any, denials: Any, place: tuple[str, int], context: Context) -> None:
    policy = opened(rules)
    narrowed = policy.narrowed({"network": denials}, origin="plan")
    for request in (*inside(*place), Request.parse(f"CONNECT {place[0]}:{place[1]}")):
        before, after = (each.admit(request, context).verdict for each in (policy, narrowed))
        assert ADMITTED.index(after) >= ADMITTED.index(before)
    assert denials != "none" or narrowed.confinement.network == "none"


COMMANDS = ("ls", "git push", "git push origin", "curl https://a.org/", "cat $x", "$x", "sudo git push", "cat a > b")
RULE_ON_ACTIONS = st.fixed_dictionaries(
    {"verdict": st.sampled_from(STRICTNESS)},
    optional={
        "run": some("git push **", "ls **", "/usr/bin/git **"),
        "unless": some("ls **", "cat **"),
        "paths": some("a", "src/**"),
        "hosts": some("a.org", "**"),
        "remotes": some("origin", "up"),
        "programs": some("/usr/bin/git", "/bin/ls"),
        "flags": some(*FLAGS),
    },
)


@settings(deadline=None)
@given(
    st.lists(RULE_ON_ACTIONS, max_size=3), st.lists(RULE_ON_ACTIONS, max_size=3), st.sampled_from(COMMANDS), CONTEXTS
)
def test_who_narrows_allows_nothing(first: Any, second: Any, command: str, context: Context) -> None:
    policy = open_policy({"decide": first}, folder=HERE)
    narrowed = policy.narrowed({"decide": second}, origin="plan")
    before, after = (each.decide(Bash(command=command), context).verdict for each in (policy, narrowed))
    assert STRICTNESS.index(after) >= STRICTNESS.index(before)


@settings(deadline=None)
@given(st.lists(RULE_ON_ACTIONS, min_size=1, max_size=3), CONTEXTS)
def test_what_cannot_be_read_is_never_decided_more_kindly(rules: Any, context: Context) -> None:
    policy = open_policy({"decide": rules}, folder=HERE)
    hidden = STRICTNESS.index(policy.decide(Bash(command="$x"), context).verdict)
    for command in COMMANDS:
        assert hidden >= STRICTNESS.index(policy.decide(Bash(command=command), context).verdict), command


VERDICTS = ("accept", "review", "roll_back")
RULE_ON_EFFECTS = st.fixed_dictionaries(
    {"verdict": st.sampled_from(VERDICTS)},
    optional={
        "actions": some("bash", "write"),
        "run": some("git push **", "ls **", "/usr/bin/git **"),
        "change": some("created", "modified"),
        "paths": some("a", "src/**", "./*.py", "**/*.py"),
        "reversibility": some("reversible", "unknown"),
        "plain": st.booleans(),
    },
)
EFFECTS: st.SearchStrategy[list[Effect]] = st.lists(
    st.builds(
        lambda path, change, reversibility: FileEffect(path=path, change=change, reversibility=reversibility),
        st.sampled_from(("a", "a.py", "src/a.py", ".git/a", "/tmp/a")),
        st.sampled_from(("created", "modified", "mode")),
        st.sampled_from(("reversible", "unknown")),
    )
    | st.just(RequestEffect(change="sent", reversibility="irreversible", method="POST", url="https://a.org/")),
    max_size=3,
)


@settings(deadline=None)
@given(
    st.lists(RULE_ON_EFFECTS, max_size=3),
    st.lists(RULE_ON_EFFECTS.filter(lambda rule: rule["verdict"] != "accept"), max_size=3),
    st.sampled_from(COMMANDS),
    EFFECTS,
    CONTEXTS,
)
def test_who_narrows_accepts_nothing(first: Any, second: Any, command: str, effects: Any, context: Context) -> None:
    policy = open_policy({"judge": first, "budget": FREE}, folder=HERE)
    narrowed = policy.narrowed({"judge": second}, origin="plan") if second else policy
    before, after = (each.judge(Bash(command=command), effects, context).verdict for each in (policy, narrowed))
    assert VERDICTS.index(after) >= VERDICTS.index(before)


@settings(deadline=None)
@given(
    st.lists(RULE_ON_EFFECTS, max_size=3),
    RULE_ON_EFFECTS.map(lambda rule: {**rule, "verdict": "accept"}),
    st.sampled_from(COMMANDS),
    EFFECTS,
    CONTEXTS,
)
def test_a_rule_that_accepts_spares_a_review_and_nothing_else(
    rules: Any, more: Any, command: str, effects: Any, context: Context
) -> None:
    """What any rule rolls back or has looked at stays so, and nothing is decided, limited or let out otherwise."""
    without = open_policy({"judge": rules, "network": [{"hosts": ["a.org"]}]}, folder=HERE)
    policy = open_policy({"judge": [*rules, more], "network": [{"hosts": ["a.org"]}]}, folder=HERE)
    action = Bash(command=command)
    before, after = (each.judge(action, effects, context).verdict for each in (without, policy))
    assert before == after or (before, after) == ("review", "accept")
    if after != before:
        spoken = without.spoken(action, effects, context)
        assert all(placed is None or placed.rule.verdict == "accept" for placed, _ in spoken)
    assert policy.decide(action, context) == without.decide(action, context)
    assert (policy.limits, policy.confinement) == (without.limits, without.confinement)
    for request in inside("a.org", 443):
        assert policy.admit(request, context).verdict == without.admit(request, context).verdict


@settings(deadline=None)
@given(st.lists(RULE_ON_EFFECTS, min_size=1, max_size=3), EFFECTS, CONTEXTS)
def test_what_cannot_be_read_is_never_judged_more_kindly(rules: Any, effects: Any, context: Context) -> None:
    policy = open_policy({"judge": rules, "budget": FREE}, folder=HERE)
    hidden = VERDICTS.index(policy.judge(Bash(command="$x"), effects, context).verdict)
    for command in COMMANDS:
        assert hidden >= VERDICTS.index(policy.judge(Bash(command=command), effects, context).verdict), command
