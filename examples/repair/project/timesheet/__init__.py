"""Hours of work, from a text file to a bill."""

from .entries import Entry, parse
from .report import report

__all__ = ["Entry", "parse", "report"]
