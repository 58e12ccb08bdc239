"""Answers to questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentrt.records import Text

from .base import Method, Params

if TYPE_CHECKING:
    from agentrt.hosting.host import Host


class About(Params):
    question: str


class Answered(About):
    allow: bool
    because: Text = ""
    remember: bool = False


class Reply(About):
    text: Text | None
    """None: nobody answers."""


async def answer(host: Host, params: Answered) -> dict[str, Any]:
    host.questions.answer(params.question, allow=params.allow, because=params.because, remember=params.remember)
    return {"remembered": params.remember and params.allow}


async def reply(host: Host, params: Reply) -> dict[str, Any]:
    host.questions.reply(params.question, params.text)
    return {}


async def approval(host: Host, params: About) -> dict[str, Any]:
    return {"diff": host.questions.approval(params.question)}


METHODS: dict[str, Method] = {
    "answer": (Answered, answer),
    "reply": (Reply, reply),
    "approval": (About, approval),
}
