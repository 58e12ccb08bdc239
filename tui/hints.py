"""What is said of the keys where they are wanted, as the person has them."""

from __future__ import annotations

from .keys import Chosen, shown


def choices(keys: Chosen) -> dict[str, str]:
    """By which keys a question is answered, in words, by its kind."""
    yes, always, no, words = (" ".join(map(shown, keys[name])) for name in ("accept", "accept_alike", "reject", "open"))
    once, never = f"{yes} lets it through once", f"{no} denies it, with a reason"
    ask, hold = f"{once} · {always} makes a rule of it · {never}", f"{once} · {never}"  # no rule releases what is held
    return {"ask": ask, "hold": hold, "inquire": f"{words} answers it · {no} leaves it without an answer"}


def welcome(keys: Chosen) -> tuple[str, ...]:
    """Where nothing was done yet."""
    apply, undo, help = (" ".join(map(shown, keys[name])) for name in ("apply", "undo", "help"))
    return (
        "Nothing was done here yet. Type what is to be done, or !command for a command of your own.",
        f"It is done in a sandbox: {undo} takes it back, and your files stay as they are until {apply} writes them.",
        f"{help} shows the keys (esc leaves the prompt first).",
    )
