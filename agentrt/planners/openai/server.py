"""Where requests go: OpenAI itself, or a server that speaks as it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from agentrt.documents import Document
from agentrt.planners.keys import HOMES, from_environment, is_home
from agentrt.planners.options import ModelOptions, read_options

from .models import takes_native_tools

Api = Literal["responses", "chat"]
KEY = "OPENAI_API_KEY"
_OWN = "https://api.openai.com/v1"


class OpenAIOptions(ModelOptions):
    """``planner: {provider: openai, …}``."""

    api: Api | None = None
    """What the server is asked through; by default Responses of OpenAI, Chat Completions of others."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that a task names, or else the environment."""

    url: str
    own: bool
    """It is OpenAI's."""
    api: Api
    key: str | None
    """The name of the key it gets; None where it gets none."""
    native_tools: bool

    @property
    def host(self) -> str:
        """With its port, for people."""
        return urlsplit(self.url).netloc


def read(options: Mapping[str, object]) -> tuple[OpenAIOptions, Server]:
    """Raises ``DocumentError``, ``UsageError``."""
    chosen = read_options(OpenAIOptions, options)
    named = chosen.base_url or from_environment("OPENAI_BASE_URL")
    url = (named or _OWN).rstrip("/")
    own = is_home(url, HOMES[KEY])
    api = chosen.api or ("responses" if own else "chat")
    if chosen.native_tools and api == "chat":
        raise Document.of(options, "planner").error(
            "Chat Completions has no tools of its own",
            ("native_tools",),
            key=True,
            hint="leave `native_tools` out, or write `api: responses` as well",
        )
    native = chosen.native_tools
    if native is None:
        native = own and api == "responses" and takes_native_tools(chosen.model)
    return chosen, Server(url, own, api, _key(chosen, own), native)


def _key(chosen: OpenAIOptions, own: bool) -> str | None:
    """OpenAI's key goes to OpenAI, or where the environment says that it goes; a server that a task names gets the
    key the task names with it."""
    if chosen.key is not None:
        return chosen.key
    if own or chosen.base_url is None:
        return KEY
    return None
