"""A page of what an earlier operation printed, however much that was."""

from __future__ import annotations

from typing import BinaryIO

from agentrt.contracts import World
from agentrt.errors import SandboxError, UsageError

from .display import count
from .lines import bare
from .loading import Failed
from .pages import Page

_BLOCK = 1024 * 1024


def page_of(world: World, operation: int, part: int | None, first: int, end: int | None) -> str:
    """Lines ``first`` to ``end``, or as many as a page takes. Raises ``Failed``."""
    try:
        output = world.output(operation, part=part)
        with output.file as file:
            kept, total, at = _measure(file, first)
            if not kept:
                return f"[{output.of} printed nothing]"
            notes = [f"only its first {kept:,} of {output.size:,} bytes were kept"] if kept < output.size else []
            if first > total:
                has = "; ".join([f"it has {count(total, 'line')}", *notes])
                raise Failed(f"the output of {output.of} has no line {first}: {has}")
            last = min(end or total, total)
            page = Page(first, last, of=f"{total:,} that {output.of} printed")
            file.seek(at)
            for _ in range(first, last + 1):
                if not page.add(bare(file.readline().decode("utf-8", "surrogateescape"))):
                    break
    except SandboxError:
        raise
    except UsageError as error:
        raise Failed(f"{error}{f' ({error.hint})' if error.hint else ''}") from error
    except OSError as error:
        raise Failed(f"the output of operation {operation} cannot be read: {error.strerror or error}") from error
    return page.text(*notes)


def _measure(file: BinaryIO, line: int) -> tuple[int, int, int]:
    """How many bytes and lines there are, and where ``line`` begins."""
    size, ended, at, last = 0, 0, 0, b"\n"
    while block := file.read(_BLOCK):
        here = block.count(b"\n")
        if ended < line - 1 <= ended + here:
            rest = block.split(b"\n", line - 1 - ended)[-1]
            at = size + len(block) - len(rest)
        size, ended, last = size + len(block), ended + here, block[-1:]
    return size, ended + (last != b"\n"), at
