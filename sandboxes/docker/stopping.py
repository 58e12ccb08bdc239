"""Reading what an engine says for as long as somebody wants to know."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
_EVERY = 0.1


def until(stopped: threading.Event, ask: Callable[[], Iterator[T]]) -> Iterator[T]:
    """What ``ask`` gives, and raises. Once ``stopped`` is set ``InterruptedError`` is raised within a moment; a thread
    still waits for the engine's next word, and hangs up on it when that comes, by which the engine stops, too."""
    heard: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
    left = threading.Event()

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

    threading.Thread(target=listen, daemon=True, name="engine").start()
    try:
        while True:
            try:
                one, error = heard.get(timeout=_EVERY)
            except queue.Empty:
                if stopped.is_set():
                    raise InterruptedError("stopped") from None
                continue
            if error is not None:
                raise error
            if one is None:
                return
            yield one
    finally:
        left.set()
