"""From a title to the end of an address."""

import re


def slug(title: str) -> str:
    """Small letters and digits; what is between them becomes one hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
