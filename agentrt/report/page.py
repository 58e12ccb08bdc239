"""The page: facts of a session, put through a template operation by operation, so that its size costs no memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from agentrt import __version__
from agentrt.history.bases import kept
from agentrt.reader import Reader
from agentrt.records import Operation, Spent, Usage
from agentrt.showing.marks import FORK, STATES
from agentrt.showing.words import counted, forked_text
from agentrt.units import format_size

from .changes import Contents, FileDiff
from .cuts import one_line
from .entries import EffectRow, Entry, Fact, effect_row, entry_of, moment
from .outcome import outcome_of
from .talk import Talk, talk_of

_OPEN = 30
"""Operations up to which all of them are unfolded at first."""


@dataclass(frozen=True)
class Counts:
    """What a report is of."""

    operations: int
    to_review: int
    irreversible: int
    """Effects that undo does not simply take back."""


async def write_page(reader: Reader, contents: Contents | None, why: str, file: IO[str]) -> Counts:
    """The whole session as HTML. ``contents`` None: there are no diffs, and ``why`` says why not.

    Raises ``JournalError``, ``SandboxError``, ``OSError``.
    """
    page = _Page(reader, contents)
    environment = Environment(
        loader=PackageLoader("agentrt.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        enable_async=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html")
    async for piece in template.generate_async(**page.facts(why), steps=page.steps()):
        file.write(piece)
    return page.counts


class _Page:
    def __init__(self, reader: Reader, contents: Contents | None) -> None:
        self.reader, self.contents = reader, contents
        self.operations = reader.log()
        self.stands = kept(reader.info.start, self.operations)
        self.waiting = reader.to_review()
        self.talk: Talk = talk_of(reader, self.operations)
        self.lasting = [(operation, row) for operation in self.operations for row in _lasting(operation)]
        self.counts = Counts(len(self.operations), len(self.waiting), len(self.lasting))

    def facts(self, why: str) -> dict[str, Any]:
        """All but the timeline."""
        info, log = self.reader.info, self.operations
        last = log[-1].started if log else info.created
        about = [
            Fact("workspace", one_line(str(self.reader.store.workspace))),
            Fact("session", info.id + (f", forked from {one_line(forked_text(info))}" if info.parent else "")),
            Fact("began", moment(info.created).text),
            Fact("last operation", moment(last).text if log else "none yet"),
            Fact("report made", f"{moment(time.time()).text}, agentrt {__version__}"),
        ]
        return {
            "title": one_line(info.title) or f"Session {info.id}",
            "about": about,
            "why": one_line(why),
            "lasting": self.lasting,
            "waiting": [self._light(operation) for operation in self.waiting],
            "outcome": outcome_of(self.reader, log),
            "numbers": list(_numbers(log, self.talk)),
            "start_forks": self._forks().get(0, ()),
            "fork": FORK,
        }

    async def steps(self) -> AsyncIterator[dict[str, Any]]:
        """What was said and what was done, in order."""
        removals, forks = self.reader.journal.removals(), self._forks()
        waiting = {operation.id for operation in self.waiting}
        said = iter(self.talk.said)
        next_said = next(said, None)
        for operation in self.operations:
            while next_said is not None and next_said.id <= operation.before.conversation:
                yield {"said": next_said}
                next_said = next(said, None)
            whole = self.reader.show(operation.id)
            lost = removals.of_view(whole.session, whole.after) or removals.of_view(whole.session, whole.before)
            entry = entry_of(whole, stands=whole.id in self.stands, lost=lost, forks=forks.get(whole.id, ()))
            unfolded = len(self.operations) <= _OPEN or whole.id in waiting or entry.harm is not None
            shows = self.contents is not None and whole.status == "settled" and lost is None
            diffs = self.contents.diffs(whole) if self.contents is not None and shows else _nothing()
            yield {"said": None, "entry": entry, "unfolded": unfolded, "diffs": diffs}
        for rest in ([next_said] if next_said is not None else []) + list(said):
            yield {"said": rest}

    def _light(self, operation: Operation) -> Entry:
        return entry_of(operation, stands=True, lost=None, forks=())

    def _forks(self) -> dict[int, list[Fact]]:
        found: dict[int, list[Fact]] = {}
        for info in self.reader.journal.sessions():
            if info.parent == self.reader.session:
                found.setdefault(info.parent_operation or 0, []).append(Fact(info.id, one_line(info.title)))
        return found


async def _nothing() -> AsyncIterator[FileDiff]:
    return
    yield


def _lasting(operation: Operation) -> Iterator[EffectRow]:
    return (effect_row(effect) for effect in operation.effects if effect.reversibility != "reversible")


def _numbers(log: Sequence[Operation], talk: Talk) -> Iterator[Fact]:
    yield Fact("operations", f"{len(log):,}")
    states = Counter(operation.status for operation in log if operation.kind == "act")
    if acts := sum(states.values()):
        others = (f"{count:,} {STATES[state].word}" for state, count in states.items() if state != "settled")
        yield Fact("actions", ", ".join([f"{acts:,}", *others]))
    spent = sum((Spent.of(op.effects) for op in log if op.kind == "act" and op.status != "denied"), Spent())
    yield Fact("files changed", f"{spent.files_changed:,}, deleted {spent.files_deleted:,}")
    yield Fact("written", format_size(spent.bytes_written))
    yield Fact(
        "requests", f"{spent.requests:,}" + (f", {spent.irreversible:,} irreversible" * bool(spent.irreversible))
    )
    if talk.turns:
        yield Fact("turns", f"{talk.turns:,}")
    if talk.usage.input_tokens or talk.usage.output_tokens:
        yield Fact("tokens", _tokens(talk.usage))
        yield Fact("cost", _cost(talk.usage))


def _tokens(usage: Usage) -> str:
    cached = f" ({usage.cached_tokens:,} from a cache)" if usage.cached_tokens else ""
    return f"{counted(usage.input_tokens, 'token')} sent{cached}, {usage.output_tokens:,} received"


def _cost(usage: Usage) -> str:
    if usage.cost_usd is None:
        return "price unknown"
    return "less than 0.01 USD" if 0 < usage.cost_usd < 0.005 else f"{usage.cost_usd:.2f} USD"
