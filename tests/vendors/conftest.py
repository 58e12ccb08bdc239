"""``serve(script)``: a server and the vendors' own clients of it, all closed when the test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from vendors import Server

KEY = "sk-test-0123456789abcdefghij-7890"


@dataclass
class Served:
    server: Server
    stack: ExitStack
    key: str = KEY

    @cached_property
    def anthropic(self) -> Any:
        from anthropic import Anthropic, DefaultHttpxClient

        plain = DefaultHttpxClient(trust_env=False, verify=False, timeout=30)
        return self.stack.enter_context(
            Anthropic(base_url=self.server.url, api_key=self.key, max_retries=0, http_client=plain)
        )

    @cached_property
    def openai(self) -> Any:
        from openai import DefaultHttpxClient, OpenAI

        plain = DefaultHttpxClient(trust_env=False, verify=False, timeout=30)
        return self.stack.enter_context(
            OpenAI(base_url=f"{self.server.url}/v1", api_key=self.key, max_retries=0, http_client=plain)
        )


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    with ExitStack() as stack:

        def start(script: Any = (), *, client_key: str = KEY, **options: Any) -> Served:
            return Served(stack.enter_context(Server(script, **options)), stack, client_key)

        yield start
