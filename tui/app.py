"""The app: what is on the screen, and who is told what. What the keys do is in ``acting``, what they are in ``keys``."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from agentrt.agent.events import Event
from agentrt.errors import AgentrtError
from agentrt.hosting.state import SessionState
from agentrt.records import Operation
from agentrt.settings import Settings, load_settings
from agentrt.showing.plain import plain

from .acting import Acting
from .book import Book
from .choice import Choice
from .deciding import Selected
from .detail.about import about
from .detail.detail import Detail
from .detail.live import Live
from .diffs.model import DiffModel
from .diffs.view import DiffView
from .keys import bindings
from .link import Link
from .lists.inbox import inbox
from .lists.listing import Inbox, Listing, Timeline
from .lists.rows import NOW, Key
from .lists.search import Filter
from .lists.timeline import timeline
from .outside import open_file, open_shell, report
from .prompt import Prompt
from .status import Status, line
from .words import Mode, files_of, typed_before

_POLL = 0.2
"""Seconds between looks at the journal."""
