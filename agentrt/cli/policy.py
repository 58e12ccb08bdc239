"""``policy check``, ``test``, ``explain`` and ``replay``."""

from __future__ import annotations

import itertools
import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from agentrt import replaying
from agentrt.arguments import action_of, load_tool
from agentrt.contracts import Context, Policy
from agentrt.errors import UsageError
from agentrt.history.store import locate
from agentrt.opening import open_policy
from agentrt.reader import open_reader
from agentrt.records import Explanation, Request
from agentrt.replaying import Replayed
from agentrt.showing.plain import plain
from agentrt.showing.words import action_text

from .options import HERE, Where
from .render import put, put_json

_File = Annotated[str, Parameter(help="A policy file, or the name of a pack.")]
_Policy = Annotated[str, Parameter(name="--policy", help="A policy file, or the name of a pack.")]


def check(file: _File, /, *, where: Where = HERE) -> int:
    """Read a policy and say whether it is well-formed; 2 with file:line:column where it is not."""
    policy = opened(file)
    if where.json:
        put_json({"ok": True, "name": policy.name, "limits": policy.limits, "confinement": policy.confinement})
    else:
        put(f"OK: policy {plain(policy.name)}")
    return 0


def test(file: _File, /, *, where: Where = HERE) -> int:
    """Try the examples of a policy's rules; 2 with file:line:column of the first that is not as it says."""
    examples = opened(file).examples()
    if where.json:
        put_json({"ok": True, "examples": examples})
        return 0
    for example in examples:
        does = "speaks of" if example.speaks else "does not speak of"
        put(f"{example.rule} {does} {plain(example.text)}")
    put(f"OK: {len(examples):,} example{'s' * (len(examples) != 1)}")
    return 0


def explain(
    *command: Annotated[str, Parameter(name="COMMAND", help="The command and its arguments, after --.")],
    policy: _Policy = "default",
    request: Annotated[
        tuple[str, str] | None,
        Parameter(name="--request", help="METHOD URL, instead of a command: GET https://pypi.org/simple/"),
    ] = None,
    where: Where = HERE,
) -> int:
    """Say how a command is read, what the policy decides on it, and by which rules. A single word is a whole line."""
    root = locate(where.workspace).workspace
    context = Context(workspace=str(root), session=where.session or "", attended=True)
    if request is not None and not command:
        return _explain_request(" ".join(request), opened(policy, root), context, where)
    if not command or request is not None:
        raise UsageError(
            "policy explain: COMMAND is missing" if not command else "policy explain: a command or a request, not both",
            hint="as in: agentrt policy explain -- git push",
        )
    line = command[0] if len(command) == 1 else shlex.join(command)
    action = action_of(load_tool("bash"), "bash", {"command": line})
    read = opened(policy, root)
    found = read.explain(action, context)
    if where.json:
        put_json({**found.to_dict(), "opaque": found.opaque})
        return 0
    _put_explanation(found)
    for flag in ("saw_untrusted", "read_secret"):
        then = read.decide(action, context.model_copy(update={"flags": frozenset({flag})}))
        if then.verdict != found.verdict:
            put(f"once the session has {flag} it would be: {then.verdict} ({then.rule})")
    _put_without(found)
    return 0


def _explain_request(text: str, policy: Policy, context: Context, where: Where) -> int:
    try:
        found = policy.admit(Request.parse(text), context)
    except ValueError as error:
        raise UsageError(f"policy explain: {error}") from None
    if where.json:
        put_json(found)
        return 0
    put(f"verdict: {found.verdict}")
    put(f"{found.rule}: {found.verdict}" + (f": {plain(found.because)}" if found.because else ""))
    put(f"what it does out there: {found.reversibility}")
    if found.verdict == "hold":
        put("sent when a person releases it" if found.release is None else f"sent by itself after {found.release:g} s")
    return 0


def replay(
    session: Annotated[str, Parameter(help="The session's id: agentrt sessions lists them.")],
    /,
    *,
    policy: _Policy,
    where: Where = HERE,
) -> int:
    """Say which decisions, judgements and requests of a session another policy would have made differently."""
    with open_reader(where.workspace, session=session) as reader:
        found = list(replaying.replay(reader, opened(policy, reader.store.workspace)))
    differing = [one for one in found if one.differs]
    if where.json:
        put_json({"actions": sum(one.request is None for one in found), "differing": differing})
        return 0
    for one in differing:
        _put_replayed(one)
    for what, asked in (("actions", False), ("requests", True)):
        those = [one for one in found if (one.request is not None) is asked]
        if those or not asked:
            put(f"{sum(one.differs for one in those):,} of {len(those):,} {what} would have ended differently")
    return 0


def opened(named: str, workspace: Path | None = None) -> Policy:
    """A policy as a person names it. Raises as ``open_policy``."""
    # A bare name that is a file here is the file: nobody means a pack by accident.
    return open_policy(f"./{named}" if "/" not in named and Path(named).is_file() else named, Path.cwd(), workspace)


def _put_explanation(found: Explanation) -> None:
    put(f"verdict: {found.verdict}")
    for argv in found.read_as:
        put(f"runs: {plain(shlex.join(argv))}")
    for because in found.unknown:
        put(f"cannot be read: {plain(because)}")
    for what in ("programs", "hosts", "remotes", "flags"):
        if names := getattr(found, what):
            put(f"{what}: {plain(' '.join(names))}")
    for rule in found.rules:
        put(f"{rule.rule}: {rule.verdict}" + (f": {plain(rule.because)}" if rule.because else ""))
    for judged in found.judged:
        because = f": {plain(judged.because)}" if judged.because else ""
        put(f"{judged.rule}: {judged.verdict}, where it does what that rule says{because}")


def _put_without(found: Explanation) -> None:
    counting = list(itertools.takewhile(lambda rule: rule.verdict == found.verdict, found.rules))
    others = found.rules[len(counting) :]
    if others:
        named = " and ".join(dict.fromkeys(rule.rule for rule in counting))
        put(f"without {named} it would be: {others[0].verdict}")


def _put_replayed(one: Replayed) -> None:
    because = f": {plain(one.now.because)}" if one.now.because else ""
    said = f"{one.was.verdict} → {one.now.verdict} ({one.now.rule}{because})"
    what = f"{one.request.method} {one.request.url}" if one.request is not None else action_text(one.operation)
    put(f"{one.operation.id}: {said}: {plain(what)}")
