"""What an agent is told of a limit its action exceeded."""

from __future__ import annotations

from collections.abc import Callable

from agentrt.units import format_size


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _size(number: float) -> str:
    return format_size(int(number))


def _seconds(number: float) -> str:
    return f"{number:,.3g}"


_KINDS: dict[str, tuple[str, Callable[[float], str]]] = {
    "memory": ("used {used} of memory; the limit is {most}", _size),
    "processes": ("ran {used} processes and threads at once; the limit is {most}", _count),
    "cpu": ("used {used} seconds of processor time; the limit is {most}", _seconds),
    "written": ("wrote {used}; the limit is {most}", _size),
    "files": ("wrote {used} files and folders; the limit is {most}", _count),
    "machine": ("left this machine with only {used} of memory; {most} are kept free", _size),
    "room": ("left only {used} free on the disk of the sandbox; {most} are kept free", _size),
    "room for files": ("left room for only {used} files on the disk of the sandbox; {most} are kept free", _count),
}
"""What a limit is called (``usage.py``, and who watches the disk), and the sentence."""


def sentence(kind: str, used: float, most: float) -> str:
    """``used 2.1 GB of memory; the limit is 2 GB``."""
    text, show = _KINDS[kind]
    return text.format(used=show(used), most=show(most))
