"""What became of a session's task: what was handed in, what checks found, and how its last run ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentrt.agent.completeness import ACTOR, passed
from agentrt.agent.conversation import handed_in, last_ended
from agentrt.reader import Reader
from agentrt.records import Operation
from agentrt.showing.marks import STATES, Mark
from agentrt.showing.words import ending_text

from .cuts import Shown, one_line, shown

DONE, FAILED, OPEN = STATES["accepted"]._replace(word="done"), STATES["failed"], Mark("·", "not finished")


@dataclass(frozen=True)
class Check:
    """The last run of one."""

    what: str
    mark: Mark
    operation: int | None
    since: bool
    """Files were changed after it."""


@dataclass(frozen=True)
class Outcome:
    """Of the task, as far as can be told."""

    task: Shown
    mark: Mark
    reason: Shown
    checks: Sequence[Check]


def outcome_of(reader: Reader, operations: Sequence[Operation]) -> Outcome | None:
    """None for a session without a task."""
    conversation = reader.conversation()
    said = next((message for message in conversation if message.role == "task"), None)
    if said is None:
        return None
    notices = (m.body for m in reversed(conversation) if m.role == "notice" and not m.body.get("goes_on"))
    last = next((body["asked"] for body in notices if "asked" in body), None)
    document = said.body.get("document", {})
    checks = [_check(reader, operations, "verify", document["verify"])] if document.get("verify") else []
    for rule in document.get("rules", ()):
        checks.append(_check(reader, operations, str(rule.get("rule", "")), rule.get("check")))
    text, ended = handed_in(conversation), last_ended(conversation)
    mark = OPEN if text is None else DONE
    reason = text
    if reason is None and ended is not None and ended["code"] != "submit":
        reason = ending_text(ended["code"], ended["reason"])
    if reason is None:
        reason = "nothing was handed in, or something was changed since"
    if any(check.mark.word == "did not pass" for check in checks):
        mark, reason = FAILED, "a check did not pass" if text is None else f"a check did not pass; handed in: {text}"
    return Outcome(shown(str(said.body["text"] if last is None else last)), mark, shown(reason), checks)


def _check(reader: Reader, operations: Sequence[Operation], what: str, command: str | None) -> Check:
    """Its last run."""
    runs = [op for op in operations if op.is_verification and op.actor == ACTOR and _command(op) == command]
    if command is None or not runs:
        return Check(one_line(what), Mark("·", "not checked"), None, False)
    last = runs[-1]
    mark = Mark("✓", "passed") if passed(reader.show(last.id)) else Mark("✗", "did not pass")
    since = any(op.id > last.id and op.files and op.status == "settled" and op.kind != "apply" for op in operations)
    return Check(one_line(what if what != "verify" else f"verify: {command}"), mark, last.id, since)


def _command(operation: Operation) -> object:
    return (operation.action or {}).get("command")
