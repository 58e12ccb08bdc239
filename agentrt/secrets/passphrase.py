"""The passphrase of the encrypted file: from the environment, else from a person."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from agentrt.errors import UsageError

VARIABLE = "AGENTRT_PASSPHRASE"


def ask(*, new: bool) -> bytes:
    """``new``: it is asked twice, for there is nothing yet that a wrong one would not open. Raises ``UsageError``."""
    if given := os.environ.get(VARIABLE):
        return os.fsencode(given)
    if not sys.stderr.isatty():
        raise UsageError(
            "the encrypted file of secrets needs its passphrase, and there is nobody to ask",
            hint=f"set {VARIABLE}, or run it on a terminal",
        )
    import getpass

    try:
        with _interruptible():
            typed = getpass.getpass(f"{'New passphrase' if new else 'Passphrase'} of agentrt's secrets: ")
            if not typed:
                raise UsageError("the passphrase is empty", hint="nothing was done")
            if new and getpass.getpass("The same again: ") != typed:
                raise UsageError("these were two different passphrases", hint="nothing was done")
    except EOFError:
        raise UsageError("no passphrase came", hint="nothing was done") from None
    return typed.encode("utf-8", "surrogateescape")


@contextmanager
def _interruptible() -> Iterator[None]:
    """An event loop that is running keeps Ctrl-C for later, and this prompt would never hear of it."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
