"""A server on loopback that speaks the model vendors' protocols from scripted turns, and refuses what they refuse.

    with Server([Reply("Looking.", calls=(Call("bash", {"command": "ls"}),)), Reply("Done.")]) as server:
        OpenAI(base_url=f"{server.url}/v1", api_key="sk-test")        # or Anthropic(base_url=server.url, …)

``script`` has what a turn can be, ``request`` what a scripted function is given, ``refusal`` the errors' shapes.
``anthropic_*``, ``responses_*`` and ``chat_*`` are the three protocols: how an answer is written, what is refused.
"""

from vendors.request import Request
from vendors.script import Call, Cut, Failure, Hang, Overflow, Reply, Reset, Trouble, Turn, Use
from vendors.server import Server

__all__ = [
    "Call",
    "Cut",
    "Failure",
    "Hang",
    "Overflow",
    "Reply",
    "Request",
    "Reset",
    "Server",
    "Trouble",
    "Turn",
    "Use",
]
