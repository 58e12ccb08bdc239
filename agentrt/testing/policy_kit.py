"""What every policy must keep to. On your own: ``check_policy(open_policy("mine.yaml", folder=Path()))``."""

from __future__ import annotations

from agentrt.contracts import Confinement, Context, Policy
from agentrt.errors import UsageError
from agentrt.records import (
    Action,
    Admission,
    Decision,
    Effect,
    Explanation,
    FileEffect,
    FileState,
    Judgement,
    Limits,
    Redaction,
    Request,
    RequestEffect,
    RuleExample,
)

_CONTEXTS = tuple(Context(workspace="/w", session="s1", attended=attended) for attended in (False, True))
_KINDS = ("bash", "read", "write", "edit", "search", "git", "a-kind-nobody-has-heard-of")
_REQUESTS = (
    "GET https://example.com/a",
    "POST https://example.com/a",
    "CONNECT example.com:443",
    "GET http://10.0.0.1/",
    "CONNECT 10.0.0.1:8443",
    "GET http://[::1]:8080/",
    "BREW https://nowhere.invalid/",
)
_STRICTER = ("accept", "review", "roll_back")


def check_policy(policy: Policy) -> None:
    """Raises ``AssertionError`` that says what the policy does not keep to."""
    assert isinstance(policy.name, str) and policy.name, "a policy has a name"
    assert isinstance(policy.limits, Limits), "limits are Limits"
    assert policy.limits.seconds > 0, "an action may run for some time"
    assert policy.limits.processes > 0, "an action may have a process"
    assert policy.limits.shown_bytes > 0, "an observation shows something"
    assert isinstance(policy.confinement, Confinement), "confinement is a Confinement"
    assert all(isinstance(example, RuleExample) for example in policy.examples()), "examples are RuleExamples"
    for context in _CONTEXTS:
        for kind in _KINDS:
            _check_action(policy, Action(kind=kind), context)
        for request in _REQUESTS:
            _check_request(policy, Request.parse(request), context)
        _check_acceptance(policy, context)
    assert all(isinstance(one, Redaction) for one in policy.redactions), "redactions are Redactions"


def _check_action(policy: Policy, action: Action, context: Context) -> None:
    decision = policy.decide(action, context)
    assert isinstance(decision, Decision), f"a decision on {action.kind}"
    assert decision.rule, f"the decision on {action.kind} names its rule"
    assert decision == policy.decide(action, context), "the same question gets the same answer"
    explained = policy.explain(action, context)
    assert isinstance(explained, Explanation), f"an explanation of {action.kind}"
    assert explained.verdict == decision.verdict, "it explains what it decides"
    assert decision.rule in [rule.rule for rule in explained.rules], "the rule that counts is among those that spoke"

    frozen = context.model_copy(update={"flags": frozenset({"frozen"})})
    assert policy.decide(action, frozen).verdict == "deny", "nothing runs once a planted file was on its way out"

    nothing = policy.judge(action, (), context)
    assert isinstance(nothing, Judgement) and nothing.rule, "a judgement names its rule"
    assert nothing.verdict == "accept", "an action that did nothing is accepted"

    effects = [_deleted(f"f{number}") for number in range(20)]
    some, more = policy.judge(action, effects[:10], context), policy.judge(action, effects, context)
    assert policy.judge(action, effects[::-1], context).verdict == more.verdict, "order does not matter"
    stricter = _STRICTER.index(more.verdict) >= _STRICTER.index(some.verdict)
    assert stricter, "more damage is never judged more kindly"
    if more.verdict == "roll_back":
        assert more.because, "what is rolled back is told why"


def _check_request(policy: Policy, request: Request, context: Context) -> None:
    what = f"{request.method} to {request.host}"
    admission = policy.admit(request, context)
    assert isinstance(admission, Admission), f"an admission for {what}"
    assert admission == policy.admit(request, context), "the same request gets the same answer"
    assert admission.rule, f"the admission for {what} names its rule: nothing is allowed that nobody decided"
    assert admission.verdict != "inspect" or request.method == "CONNECT", "only a closed connection can be opened"
    if policy.confinement.network == "none":
        assert admission.verdict == "deny", "without a network nothing goes out"
    frozen = policy.admit(request, context.model_copy(update={"flags": frozenset({"frozen"})}))
    assert frozen.verdict == "deny", "nothing goes out once a planted file was on its way"


def _check_acceptance(policy: Policy, context: Context) -> None:
    """Nothing is written here: what a rule would be is only asked for."""
    action = Action(kind="write")
    usual = FileEffect(path="src/a.py", change="modified")
    sent = Request.parse("POST https://example.com/a")
    barred: dict[str, Effect] = {
        "what cannot be taken back": usual.model_copy(update={"reversibility": "irreversible"}),
        "what nobody knows how to take back": usual.model_copy(update={"reversibility": "unknown"}),
        "what lies outside of the workspace": usual.model_copy(update={"path": "/tmp/a.py"}),
        "what lies in a .git": usual.model_copy(update={"path": ".git/hooks/pre-commit"}),
        "what can be executed": usual.model_copy(
            update={"after": FileState(type="file", mode=0o755, size=1, mtime_ns=0)}
        ),
        "a request": RequestEffect(
            change="sent", reversibility="irreversible", method=sent.method, url="https://example.com/a"
        ),
        "a planted file": RequestEffect(
            change="refused",
            reversibility="irreversible",
            method="POST",
            url="https://example.com/a",
            canary="~/.netrc",
        ),
    }
    for what, effect in barred.items():
        for effects in ([effect], [usual, effect]):
            try:
                policy.acceptance(action, effects, context)
            except UsageError:
                continue
            raise AssertionError(f"{what} never goes without review")
    try:
        approval = policy.acceptance(action, [usual], context)
    except UsageError as error:
        assert str(error), "where there is no rule it says why"
    else:
        assert isinstance(approval.diff, str) and approval.diff, "what would be written is shown"


def _deleted(path: str) -> FileEffect:
    state = FileState(type="file", mode=0o644, size=1, mtime_ns=0)
    return FileEffect(path=path, change="deleted", before=state)
