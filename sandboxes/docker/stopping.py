"""Reading what an engine says for as long as somebody wants to know."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import docker

T = TypeVar("T")
_EVERY = 0.1


def until(stopped: threading.Event, api: docker.APIClient, ask: Callable[[], Iterator[T]]) -> Iterator[T]:
    """What ``ask`` gives, and raises; it asks ``api``, and nobody else does meanwhile. Once ``stopped`` is set the
    engine is hung up on, by which it stops, too, and ``InterruptedError`` is raised, within a moment."""
    heard: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
    left = threading.Event()
    answers: list[Any] = []

    def note(answer: Any, **_: object) -> None:
        answers.append(answer.raw)
        if left.is_set():
            answer.raw.shutdown()

    def listen() -> None:
        error: BaseException | None = None
        try:
            for one in ask():
                if left.is_set():
                    break
                heard.put((one, None))
        except BaseException as caught:
            error = caught
        heard.put((None, error))

    api.hooks["response"].append(note)
    threading.Thread(target=listen, daemon=True, name="engine").start()
    try:
        while True:
            if stopped.is_set():
                raise InterruptedError("stopped")
            try:
                one, error = heard.get(timeout=_EVERY)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            if one is None:
                answers.clear()
                return
            yield one
    finally:
        left.set()
        for answer in answers:
            with suppress(OSError, ValueError, RuntimeError):  # it has ended by itself
                answer.shutdown()
        api.hooks["response"].remove(note)
