"""The facts agentrt keeps: actions, effects, operations. Frozen, typed, plain data."""

from .actions import Action
from .base import Record, Text, dump_json
from .effects import Change, Effect, FileEffect, FileState, Pick, RequestEffect, Reversibility, Snapshot
from .operations import (
    STRICTNESS,
    Answer,
    Decision,
    Explanation,
    Judgement,
    Limits,
    Observation,
    Operation,
    PathConflict,
    RuleExample,
    View,
    escalated,
)
from .requests import Admission, Redaction, Request, Secret
from .spent import Spent
from .turns import Message, ProposedAction, ToolSpec, Turn, Usage

__all__ = [
    "STRICTNESS",
    "Action",
    "Admission",
    "Answer",
    "Change",
    "Decision",
    "Effect",
    "Explanation",
    "FileEffect",
    "FileState",
    "Judgement",
    "Limits",
    "Message",
    "Observation",
    "Operation",
    "PathConflict",
    "Pick",
    "ProposedAction",
    "Record",
    "Redaction",
    "Request",
    "RequestEffect",
    "Reversibility",
    "RuleExample",
    "Secret",
    "Snapshot",
    "Spent",
    "Text",
    "ToolSpec",
    "Turn",
    "Usage",
    "View",
    "dump_json",
    "escalated",
]
