"""What goes out: rules on requests, several hands, budgets, and what is made of requests afterwards."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from agentrt.contracts import Context
from agentrt.policies import PackPolicy, open_policy
from agentrt.policies.patterns import host_matches
from agentrt.records import Action, Admission, FileEffect, Request, RequestEffect, Spent
from agentrt.testing.policy_kit import check_policy

CONTEXT = Context(workspace="/w", session="s1", attended=True)
BASH = Action(kind="bash")
OPEN = "network: [{hosts: ['**']}]\nbudget: {irreversible: 9}\n"


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config/agentrt/policy.yaml"


def pack(tmp_path: Path, text: str, workspace: Path | None = None) -> PackPolicy:
    (tmp_path / "mine.yaml").write_text(text)
    policy = open_policy("mine.yaml", folder=tmp_path, workspace=workspace)
    check_policy(policy)
    return policy


def said(policy: PackPolicy, request: str, **context: Any) -> Admission:
    return policy.admit(Request.parse(request), CONTEXT.model_copy(update=context))


def verdict(policy: PackPolicy, request: str, *flags: str) -> str:
    return said(policy, request, flags=frozenset(flags)).verdict


def effect(method: str, change: str = "sent", url: str = "https://x.org/a", **more: Any) -> RequestEffect:
    kind = {"GET": "reversible", "CONNECT": "unknown"}.get(method, "irreversible")
    return RequestEffect.from_dict({"change": change, "method": method, "url": url, "reversibility": kind, **more})


@pytest.mark.parametrize(
    ("pattern", "speaks", "does_not"),
    [
        ("pypi.org", ["pypi.org"], ["a.pypi.org", "pypi.org.evil.net", "xpypi.org"]),
        ("*.pypi.org", ["a.pypi.org"], ["pypi.org", "a.b.pypi.org", ".pypi.org"]),
        ("**.pypi.org", ["pypi.org", "a.pypi.org", "a.b.pypi.org"], ["xpypi.org", "a..pypi.org"]),
        ("api-*.x.org", ["api-1.x.org", "api-.x.org"], ["api.x.org", "api-1.y.x.org"]),
        ("*", ["localhost"], ["x.org", "127.0.0.1", "1"]),
        ("10.0.0.1", ["10.0.0.1"], ["10.0.0.10"]),
        ("::1", ["::1"], ["::2"]),
        ("**", ["x.org", "localhost"], ["10.0.0.1", "::1", "127.1", "0x7f000001", "2130706433"]),
    ],
)
def test_patterns_of_hosts(pattern: str, speaks: list[str], does_not: list[str]) -> None:
    assert all(host_matches(pattern, host, surely=True) for host in speaks)
    assert not any(host_matches(pattern, host, surely=True) for host in does_not)


def test_what_denies_every_host_denies_addresses_as_well() -> None:
    assert host_matches("**", "10.0.0.1", surely=False) and not host_matches("*.0.0.1", "10.0.0.1", surely=False)


def test_nothing_goes_out_that_no_rule_allows(tmp_path: Path) -> None:
    policy = pack(
        tmp_path,
        "network:\n  - {hosts: [pypi.org], methods: [GET], paths: [/simple/**], because: packages}\n"
        "  - {hosts: [local.test], ports: [8443], private: true}\n",
    )
    assert policy.confinement.network == "proxy"
    admitted = said(policy, "GET https://pypi.org/simple/x")
    assert (admitted.verdict, admitted.rule, admitted.because) == ("allow", "mine.yaml:2", "packages")
    assert (admitted.reversibility, admitted.private) == ("reversible", False)
    for request in (
        *("POST https://pypi.org/simple/x", "GET https://pypi.org/x", "GET https://pypi.org/simple/../x"),
        *("GET https://pypi.org:8443/simple/x", "GET https://evil.org/simple/x", "GET https://local.test/"),
    ):
        assert verdict(policy, request) == "deny", request
    assert verdict(policy, "GET http://pypi.org/simple/x") == "allow", "80 is the port of http"
    assert said(policy, "GET https://local.test:8443/").private
    refused = said(policy, "GET https://evil.org/")
    assert (refused.rule, refused.because) == ("mine.yaml:1", "no rule of the network lets it out")


def test_without_rules_there_is_no_network(tmp_path: Path) -> None:
    for text in ("name: x\n", "network: none\n", "network: [{hosts: [x.org], verdict: deny}]\n"):
        policy = pack(tmp_path, text)
        assert policy.confinement.network == "none"
        assert said(policy, "GET https://y.org/").because == "no network"


def test_a_closed_connection_is_opened_where_a_rule_has_to_look_inside(tmp_path: Path) -> None:
    policy = pack(
        tmp_path,
        "network:\n  - hosts: [plain.org, both.org, banned.org]\n  - {hosts: [both.org, api.org], methods: [GET]}\n"
        "  - {hosts: [banned.org], verdict: deny, paths: [/admin/**]}\n  - {hosts: [evil.org], verdict: deny}\n",
    )
    for host, expected in {
        "plain.org": "allow",
        "both.org": "inspect",
        "api.org": "inspect",
        "banned.org": "inspect",
        "evil.org": "deny",
        "other.org": "deny",
    }.items():
        assert verdict(policy, f"CONNECT {host}:443") == expected, host
    assert verdict(policy, "CONNECT plain.org:22") == "deny"
    assert said(policy, "CONNECT plain.org:443").reversibility == "unknown"
    for path in ("/admin", "/admin/x", "//admin/x", "/admin//x", "/%61dmin/x", "/a/../admin"):
        assert verdict(policy, f"GET https://banned.org{path}") == "deny", path
    assert verdict(policy, "GET https://banned.org/a") == "allow"


def test_who_denies_counts_more_and_denies_on_any_port(tmp_path: Path) -> None:
    policy = pack(
        tmp_path,
        "network:\n  - {hosts: ['**'], ports: [443, 8443]}\n  - {hosts: [evil.org], verdict: deny, because: no}\n",
    )
    for request in ("GET https://evil.org/", "GET https://evil.org:8443/", "CONNECT evil.org:8443"):
        assert (said(policy, request).verdict, said(policy, request).because) == ("deny", "no"), request


def test_what_came_from_outside_may_not_be_followed_by_a_request(tmp_path: Path) -> None:
    policy = pack(
        tmp_path,
        "network:\n  - hosts: ['**', 10.0.0.1]\n"
        "  - {hosts: ['**'], verdict: deny, flags: [saw_untrusted, read_secret], because: it could carry a secret out}\n",
    )
    for request in ("GET https://x.org/", "CONNECT x.org:443", "GET https://10.0.0.1/"):
        assert verdict(policy, request) == verdict(policy, request, "saw_untrusted") == "allow"
        assert verdict(policy, request, "saw_untrusted", "read_secret") == "deny"


def test_nothing_goes_out_and_nothing_runs_while_frozen(tmp_path: Path) -> None:
    policy = pack(tmp_path, OPEN)
    assert said(policy, "GET https://x.org/", flags=frozenset({"frozen"})).rule.startswith("floor.yaml:")
    decided = policy.decide(BASH, CONTEXT.model_copy(update={"flags": frozenset({"frozen"})}))
    assert decided.verdict == "deny" and "look at it with agentrt review" in decided.because


def test_of_packs_the_last_word_counts_and_denials_add_up(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("network:\n  - hosts: [a.org, b.org]\n  - {hosts: [c.org], verdict: deny}\n")
    policy = pack(tmp_path, "extends: base.yaml\nnetwork: [{hosts: [b.org, c.org]}]\n")
    hosts = {host: verdict(policy, f"GET https://{host}/") for host in ("a.org", "b.org", "c.org")}
    assert hosts == {"a.org": "deny", "b.org": "allow", "c.org": "deny"}
    policy = pack(tmp_path, "extends: base.yaml\nnetwork: [{hosts: [b.org], verdict: deny}]\n")
    assert (verdict(policy, "GET https://a.org/"), verdict(policy, "GET https://b.org/")) == ("allow", "deny")
    assert pack(tmp_path, "extends: base.yaml\nnetwork: none\n").confinement.network == "none"


def test_all_hands_that_say_something_have_to_allow_it(tmp_path: Path, config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text("network: [{hosts: [a.org, local.test], private: true}]\n")
    workspace = tmp_path / "w"
    (workspace / ".agentrt").mkdir(parents=True)
    own = workspace / ".agentrt/policy.yaml"
    own.write_text("network: [{hosts: [a.org], methods: [PUT], verdict: deny}]\n")
    text = "network: [{hosts: [a.org, b.org]}, {hosts: [local.test], private: true}]\nbudget: {irreversible: 9}\n"
    policy = pack(tmp_path, text, workspace)
    assert verdict(policy, "GET https://a.org/") == verdict(policy, "POST https://a.org/") == "allow"
    assert verdict(policy, "GET https://b.org/") == verdict(policy, "PUT https://a.org/") == "deny"
    assert verdict(policy, "CONNECT a.org:443") == "inspect"
    assert said(policy, "GET https://local.test/").private and not said(policy, "GET https://a.org/").private
    own.write_text("network: none\n")
    assert pack(tmp_path, text, workspace).confinement.network == "none"
    config.write_text("network: none\n")
    assert pack(tmp_path, text).confinement.network == "none"


@pytest.mark.parametrize(
    ("rules", "request_", "expected"),
    [
        ("{hosts: [x.org]}", "GET https://x.org/", "reversible"),
        ("{hosts: [x.org]}", "OPTIONS https://x.org/", "reversible"),
        ("{hosts: [x.org]}", "DELETE https://x.org/", "irreversible"),
        ("{hosts: [x.org], reversibility: compensable}", "POST https://x.org/", "compensable"),
        ("{hosts: ['**']}, {hosts: [x.org], reversibility: reversible}", "POST https://x.org/", "reversible"),
        ("{hosts: [x.org], reversibility: irreversible}", "GET https://x.org/", "irreversible"),
        ("{hosts: [x.org]}", "CONNECT x.org:443", "unknown"),
        ("{hosts: [x.org], reversibility: reversible}", "CONNECT x.org:443", "reversible"),
    ],
)
def test_what_a_request_does_out_there(tmp_path: Path, rules: str, request_: str, expected: str) -> None:
    policy = pack(tmp_path, f"network: [{rules}]\nbudget: {{irreversible: 9}}\n")
    assert (said(policy, request_).verdict, said(policy, request_).reversibility) == ("allow", expected)


def test_by_default_nothing_goes_out_that_cannot_be_taken_back(tmp_path: Path) -> None:
    policy = pack(tmp_path, "network: [{hosts: [x.org]}]\n")
    assert verdict(policy, "GET https://x.org/") == "allow"
    refused = said(policy, "POST https://x.org/")
    assert refused.verdict == "deny" and refused.rule.startswith("default.yaml:")
    assert refused.because.startswith("the session's budget is used up, 0 effects that cannot be undone: ")
    judged = policy.judge(BASH, [effect("POST")], CONTEXT)
    assert judged.verdict == "roll_back" and "did 1 things that cannot be undone; the limit is 0" in judged.because


def test_budgets_of_what_is_sent_hold_before_the_fact(tmp_path: Path) -> None:
    policy = pack(
        tmp_path,
        "network: [{hosts: [x.org]}]\nlimits: {requests: 2, irreversible: 1}\n"
        "budget:\n  requests: {most: 5, because: enough}\n  irreversible: 3\n",
    )
    last = said(policy, "GET https://x.org/", spent=Spent(requests=4), sent=Spent(requests=1))
    assert last.verdict == "allow"
    over = said(policy, "GET https://x.org/", spent=Spent(requests=5))
    assert (over.verdict, over.rule) == ("deny", "mine.yaml:4")
    assert over.because == "the session's budget is used up, 5 requests: enough"
    over = said(policy, "CONNECT x.org:443", spent=Spent(requests=2), sent=Spent(requests=2))
    assert (over.verdict, over.because) == ("deny", "the action's limit is used up, 2 requests")
    assert said(policy, "POST https://x.org/", sent=Spent(irreversible=1)).verdict == "deny"
    assert said(policy, "GET https://x.org/", spent=Spent(irreversible=3)).verdict == "allow"
    judged = policy.judge(BASH, [effect("GET")] * 3, CONTEXT)
    assert (judged.verdict, judged.because) == ("roll_back", "sent 3 requests; the limit is 2 (mine.yaml:2)")
    assert policy.judge(BASH, [effect("GET", "refused")] * 9, CONTEXT).verdict == "accept"


def test_money_is_a_budget_too(tmp_path: Path) -> None:
    policy = pack(tmp_path, "budget: {cost_usd: 2.5}\n")
    assert policy.decide(BASH, CONTEXT.model_copy(update={"spent": Spent(cost_usd=2.4)})).verdict == "allow"
    decided = policy.decide(BASH, CONTEXT.model_copy(update={"spent": Spent(cost_usd=2.5)}))
    assert (decided.verdict, decided.because) == ("deny", "the session's budget is used up, 2.5 US dollars")


def test_requests_are_judged(tmp_path: Path) -> None:
    policy = pack(tmp_path, OPEN)
    assert policy.judge(BASH, [effect("GET"), effect("POST", "refused")], CONTEXT).verdict == "accept"
    assert policy.judge(BASH, [effect("GET"), effect("POST")], CONTEXT).verdict == "review"
    assert policy.judge(BASH, [effect("CONNECT", url="x.org:443")], CONTEXT).verdict == "review"
    created = FileEffect(path="a", change="created")
    assert policy.judge(BASH, [effect("GET"), created], CONTEXT).verdict == "review"
    policy = pack(
        tmp_path,
        OPEN + "judge:\n  - {verdict: accept, hosts: [ok.org], match: [sent POST https://ok.org/x]}\n"
        "  - {verdict: review, hosts: ['**'], methods: [GET], change: [sent], because: look}\n"
        "  - {verdict: roll_back, change: [refused], match: [refused CONNECT x.org:443], not_match: [sent GET https://x.org/]}\n",
    )
    assert policy.judge(BASH, [effect("POST", url="https://ok.org/")], CONTEXT).verdict == "accept"
    judged = policy.judge(BASH, [effect("GET", url="https://[::1]:8/a")], CONTEXT)
    assert (judged.verdict, judged.because) == ("review", "GET https://[::1]:8/a was sent: look")
    assert policy.judge(BASH, [effect("CONNECT", url="x.org:443")], CONTEXT).rule == "mine.yaml:5", "it may be a GET"
    assert policy.judge(BASH, [effect("GET", "refused")], CONTEXT).verdict == "roll_back"


def test_rules_on_files_do_not_speak_of_requests(tmp_path: Path) -> None:
    policy = pack(tmp_path, OPEN + "judge: [{verdict: roll_back, paths: ['**']}, {verdict: accept, methods: [POST]}]\n")
    assert policy.judge(BASH, [effect("GET")], CONTEXT).verdict == "accept"
    assert policy.judge(BASH, [FileEffect(path="a", change="created")], CONTEXT).verdict == "roll_back"


def test_a_rule_on_requests_carries_its_examples(tmp_path: Path) -> None:
    policy = pack(
        tmp_path,
        "network:\n  - hosts: [pypi.org]\n    methods: [GET]\n    flags: [read_secret]\n"
        "    match: [GET https://pypi.org/simple/x, CONNECT pypi.org:443]\n    not_match: [POST https://pypi.org/]\n",
    )
    own = [example for example in policy.examples() if example.rule == "mine.yaml:2"]
    assert [(example.text, example.speaks) for example in own] == [
        ("GET https://pypi.org/simple/x", True),
        ("CONNECT pypi.org:443", True),
        ("POST https://pypi.org/", False),
    ]


@pytest.mark.parametrize("key", ["decide", "judge", "network", "approved"])
def test_what_the_documents_show_is_a_policy(tmp_path: Path, key: str) -> None:
    page = (Path(__file__).parents[2] / "docs/policies.md").read_text()
    block = page.partition(f"\n    {key}:")[2].partition("\n\n")[0]
    policy = pack(tmp_path, textwrap.dedent(f"    {key}:{block}\n"))
    if key == "network":
        assert (
            verdict(policy, "GET https://pypi.org/simple/six/")
            == verdict(policy, "POST https://api.example.com/")
            == "allow"
        )
        assert verdict(policy, "GET https://pypi.org/simple/six/", "saw_untrusted", "read_secret") == "deny"
