"""What is said between a task, its planners and the runtime: the bodies of messages, and how to read them back.

The journal keeps the messages; nothing here remembers anything. So a conversation that was taken back by an undo
is simply shorter, and whoever continues it does so from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentrt.records import Message, Operation, ProposedAction, Turn, Usage
from agentrt.transaction import INTERRUPTED

from .describing import describe_effects, describe_operation

AGENT = "agent"
"""The name of an agent that works alone."""
EVERYBODY = "all"
PLAN = "plan"
SUBMIT = "submit"
SCORE = "score"
ENDED = "ended"


def task(objective: str, **more: Any) -> dict[str, Any]:
    """Body of the first message: ``rules`` (texts), ``agents`` (name to role and instructions), and what a run needs
    to be taken up again (``document``, ``folder``); what is empty is left out."""
    return {"text": objective, **{key: value for key, value in more.items() if value}}


def asked(text: str) -> dict[str, Any]:
    """Body of what a person says to the agents once there is a task: what to do next, or what to mind."""
    return {"text": f"The user says:\n{text}", "asked": text}


def went_on() -> dict[str, Any]:
    """Body of a person's word that a run goes on beyond the limit it ended at: limits count anew, and what is open of
    the last turn is carried out."""
    return {**asked("go on"), "goes_on": True}


def has_task(conversation: Sequence[Message]) -> bool:
    """Whether it begins with what is to be done; what was said before any task is no part of one."""
    return bool(conversation) and conversation[0].role == "task"


def observation(call: str, text: str, operation: int | None = None, **more: Any) -> dict[str, Any]:
    """Body of the answer to the planner's request ``call``: ``exit_code``, ``failed``, ``timed_out``, ``changed`` (in
    words), ``cut_off``, ``not_done`` (what the task demands is not true) and ``actor`` where they are something."""
    told = {key: value for key, value in more.items() if value or (key == "exit_code" and value is not None)}
    if told.get("actor") == AGENT:
        del told["actor"]
    return {"call": call, "text": text, "operation": operation, **told}


def outcome(call: str, operation: Operation, actor: str = AGENT) -> dict[str, Any]:
    """Body of the answer to a request that became an operation."""
    seen = operation.observation
    failed = operation.status != "settled" or (seen is not None and (seen.error is not None or bool(seen.exit_code)))
    return observation(
        call,
        describe_operation(operation),
        operation.id,
        exit_code=None if seen is None else seen.exit_code,
        failed=failed,
        timed_out=seen is not None and seen.timed_out,
        changed=describe_effects(operation.effects) if operation.status == "settled" else "",
        cut_off=_cut_off(operation),
        actor=actor,
    )


def _cut_off(operation: Operation) -> bool:
    """By a death, or by whoever ended the run."""
    seen = operation.observation
    interrupted = operation.status == "failed" and seen is not None and seen.error == INTERRUPTED
    return operation.status == "intent" or (interrupted and not operation.requests)


def talk(text: str, *, actor: str, to: str, hand_over: bool = False) -> dict[str, Any]:
    """Body of what one agent of a crew says to another, or to ``all``; with ``hand_over`` it rests from here on."""
    return {"text": text, "actor": actor, "to": to, **({"hand_over": True} if hand_over else {})}


def not_begun(call: str, actor: str = AGENT) -> dict[str, Any]:
    """Body of the answer to a request that stood behind one that a death cut off: it may build on what is missing."""
    text = "Not carried out: what you proposed before it was cut off, and nothing of that is kept."
    return observation(call, text, failed=True, cut_off=True, actor=actor)


def taken_back(call: str, actor: str = AGENT) -> dict[str, Any]:
    """Body of the answer to a request that is open since a person went back behind it, or took out what preceded it."""
    text = "Not carried out: a person changed meanwhile where the session stands. Propose it again if it still holds."
    return observation(call, text, failed=True, cut_off=True, actor=actor)


def not_reached(call: str, actor: str = AGENT) -> dict[str, Any]:
    """Body of the answer to a request that was open when the run ended, where people asked for something since."""
    text = "Not carried out: the run was over before it came to that. Propose it again if it still holds."
    return observation(call, text, failed=True, cut_off=True, actor=actor)


def compaction(text: str, since: int, actor: str = AGENT, usage: Usage | None = None) -> dict[str, Any]:
    """Body of what stands in a planner's sight for all between the task and message ``since``; ``usage`` is what the
    planner took for its part of it."""
    body = {"text": text, "since": since, "actor": actor}
    return body if usage is None else {**body, "usage": usage.to_dict()}


def outcome_notice(text: str) -> dict[str, Any]:
    """Body of what is said of the outcome when all is over; it starts nothing again."""
    return {"text": text, "outcome": True}


def ended(code: str, reason: str, hint: str = "") -> dict[str, Any]:
    """Body of how a run ended (see ``conclusion.Ending``); no planner is told."""
    return {"code": code, "reason": reason, **({"hint": hint} if hint else {})}


def last_ended(conversation: Sequence[Message]) -> Mapping[str, Any] | None:
    """``ended``'s body of the last run; None where it was cut off, or where more was said or asked since."""
    for message in reversed(conversation):
        if message.role == ENDED:
            return message.body
        if message.role in ("task", "planner", "observation") or "asked" in message.body:
            return None
    return None


def handed_in(conversation: Sequence[Message]) -> str | None:
    """What was said with it, where the last turn handed the work in, that was taken, and nobody (who rejected
    something, say) had a word on it since; else None."""
    turn, answers = last_turn(conversation), since_last_turn(conversation)
    if moved(conversation):
        return None
    taken = {message.body["call"] for message in answers if not message.body.get("failed")}
    for action in turn.actions if turn is not None else ():
        if action.kind == SUBMIT and action.call in taken:
            return str(action.arguments.get("text") or "handed in")
    return None


def moved(conversation: Sequence[Message]) -> bool:
    """Whether a person undid, restored, rejected … since the planner's last turn."""
    said = since_last_turn(conversation, "notice")
    return any(not (notice.body.get("outcome") or notice.body.get("goes_on")) for notice in said)


def only_asked(conversation: Sequence[Message]) -> bool:
    """Whether all that people did since the planner's last turn was to ask for something: all stands as it did."""
    said = since_last_turn(conversation, "notice")
    return all("asked" in notice.body or notice.body.get("outcome") for notice in said)


def last_turn(conversation: Sequence[Message]) -> Turn | None:
    """What the planner said last."""
    for message in reversed(conversation):
        if message.role == "planner":
            return Turn.from_dict(message.body)
    return None


def since_last_turn(conversation: Sequence[Message], role: str = "observation") -> list[Message]:
    """The messages of one role that came after what the planner said last."""
    found: list[Message] = []
    for message in reversed(conversation):
        if message.role == "planner":
            break
        if message.role == role:
            found.append(message)
    return found[::-1]


def pending(conversation: Sequence[Message]) -> list[ProposedAction]:
    """The last turn's actions that have no observation: still to do, cut off, or undone."""
    turn = last_turn(conversation)
    if turn is None:
        return []
    answered = {message.body["call"] for message in since_last_turn(conversation)}
    return [action for action in turn.actions if action.call not in answered]


def unfinished(conversation: Sequence[Message]) -> bool:
    """Whether there is a task, and an agent was on its way: nothing says that it was through, or its end was undone."""
    turn = last_turn(conversation)
    if turn is None or pending(conversation) or cut_off(conversation):
        return has_task(conversation)
    answers = since_last_turn(conversation)
    return bool(turn.actions) and not any(
        action.kind == SUBMIT and action.call == message.body["call"] and not message.body.get("failed")
        for action in turn.actions
        for message in answers
    )


def cut_off(conversation: Sequence[Message]) -> set[str]:
    """The calls of the last turn that a death, or who ended the run, cut off, and of those behind it, which had not
    begun: nothing of them is kept, and they sent nothing. A planner that wants them done proposes them again."""
    return {message.body["call"] for message in since_last_turn(conversation) if message.body.get("cut_off")}


def line_of(conversation: Sequence[Message], actor: str) -> list[Message]:
    """What one agent said and was told. Of what others of its crew do it hears what is said to it, and what they
    changed; in the first message ``you`` is its name."""
    return [heard for message in conversation if (heard := _heard(message, actor)) is not None]


def _heard(message: Message, actor: str) -> Message | None:
    body, role = message.body, message.role
    if role in (SCORE, ENDED):
        return None
    if role == "task":
        told = {key: body[key] for key in ("text", "rules", "agents") if key in body}
        return message.model_copy(update={"body": {**told, "you": actor} if "agents" in told else told})
    if role == "notice":
        return message
    by = _actor(body)
    if role == "talk":
        return message if by != actor and body["to"] in (actor, EVERYBODY) else None
    if by == actor:
        return message
    if role == "observation" and body.get("changed"):
        text = f"Meanwhile {by} did this (operation {body['operation']}): {body['changed']}"
        return message.model_copy(update={"role": "notice", "body": {"text": text}})
    return None


def _actor(body: Mapping[str, Any]) -> str:
    return str(body.get("actor", AGENT))


def compacted(line: Sequence[Message]) -> list[Message]:
    """What is in sight of an agent's line: after a compaction the task, what was made of what followed it, and the
    rest as it was said."""
    made = next((message for message in reversed(line) if message.role == "compaction"), None)
    if made is None:
        return list(line)
    since = made.body["since"]
    rest = [message for message in line if message.id >= since and message.role != "compaction"]
    return [*(message for message in line[:1] if message.id < since), made, *rest]


def last_plan(line: Sequence[Message]) -> tuple[str, ...]:
    """The steps of the agent's last ``plan`` that was noted."""
    noted = {message.body["call"] for message in line if message.role == "observation"}
    for message in reversed(line):
        if message.role == "planner":
            for action in reversed(message.body.get("actions", ())):
                steps = action["arguments"].get("steps")
                if action["kind"] == PLAN and action["call"] in noted and isinstance(steps, list):
                    return tuple(map(str, steps))
    return ()
