"""Small files that are remembered: whole or not at all, also where two write them at the same time."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from agentrt.records import Record
from agentrt.records.base import dump_json


def write(file: Path, record: Record) -> None:
    """Raises ``OSError``."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        draft.write_text(dump_json(record.to_dict()))
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)
