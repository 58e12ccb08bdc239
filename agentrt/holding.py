"""A database as a session has it: what actions do there stands at once, or waits in the outbox until it is released.

An action of which the changes are to wait is carried out, measured, kept, and rolled back: nobody has seen it, and no
transaction stays open while people think. To release it is to put its changes there, where nothing stands against them,
as a redo would. What became of it is in ``aside/<mark>/<name>.held``:

    waiting     nothing of it is there
    releasing   it may be there: the database says
    released    it is, and undo takes it back like any other
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from agentrt.contracts import Answered, Database, Parameters, Planned, Step, Waiting
from agentrt.errors import ResourceError
from agentrt.records import Effect, RowsEffect, SchemaEffect, dump_json
from agentrt.whole import write_whole

State = Literal["waiting", "releasing", "released"]
_STATES = ("waiting", "releasing", "released")


class _Held(NamedTuple):
    state: State
    due: float | None
    """When it is released all the same, in seconds since the epoch; None: never."""


class SessionDatabase:
    """A ``Database``. ``hold``: how many seconds what is done in it waits; infinity: until somebody releases it; None:
    not at all."""

    def __init__(self, database: Database, aside: Path, hold: float | None = None) -> None:
        self._database, self._aside, self._hold = database, aside, hold
        self.dialect = database.dialect
        self._mark = ""
        self._is_held = False
        """What was sealed is to wait."""
        self._is_planned = False
        self._releasing: tuple[str, _Held] | None = None

    @property
    def name(self) -> str:
        return self._database.name

    # ---------------------------------------------------------------------------------------------------- an action

    async def begin(self, mark: str) -> None:
        await self._database.begin(mark)
        self._mark, self._is_held = mark, False

    async def execute(self, statements: str, parameters: Parameters = (), *, rows: int) -> Sequence[Answered]:
        return await self._database.execute(statements, parameters, rows=rows)

    async def seal(self) -> Sequence[Effect]:
        effects = await self._database.seal()
        if self._hold is None or not effects:
            return effects
        self._is_held = True
        due = None if self._hold == math.inf else time.time() + self._hold
        try:
            self._save(self._mark, _Held("waiting", due))
        except ResourceError:
            await self.discard()
            raise
        return [_queued(effect, due) for effect in effects]

    async def commit(self) -> None:
        await (self._database.shelve() if self._is_held else self._database.commit())
        self._mark, self._is_held = "", False

    async def discard(self) -> None:
        mark, is_held = self._mark, self._is_held
        self._mark, self._is_held, self._is_planned, self._releasing = "", False, False, None
        await self._database.discard()
        if is_held:
            with suppress(OSError):  # of an action that is not there it says nothing
                self._file(mark).unlink(missing_ok=True)

    async def shelve(self) -> None:
        await self._database.shelve()

    # --------------------------------------------------------------------------------------------------- the outbox

    def waiting(self, mark: str) -> Sequence[Waiting]:
        """What waits of an action. Raises ``ResourceError``."""
        held = self._load(mark)
        return () if held is None or held.state == "released" else (Waiting(f"database {self.name}", held.due),)

    async def plan_release(self, mark: str) -> Planned:
        """Get ready to put the changes of an action there that wait, as ``plan_undo``; none where nothing does."""
        held = self._load(mark)
        if held is None or held.state == "released" or (held.state == "releasing" and await self._was_released(mark)):
            return Planned()
        planned = await self._database.plan_undo([Step(mark, "forth")])
        self._releasing = None if planned.conflicts else (mark, held)
        return planned

    async def release(self) -> None:
        """Do what was planned. Raises ``ResourceError``: nothing was done, or whoever asks next is told."""
        if self._releasing is None:
            return
        mark, held = self._releasing
        try:
            self._save(mark, held._replace(state="releasing"))
        except ResourceError:
            await self.discard()
            raise
        self._releasing = None
        await self._database.undo()
        with suppress(ResourceError):  # the database says it, too
            self._save(mark, held._replace(state="released"))

    async def settle(self, mark: str) -> str | None:
        """After a release that was cut off: what became of it, for a person; None where it had not begun.

        Raises ``ResourceError``."""
        held = self._load(mark)
        if held is None or held.state == "waiting":
            return None
        if held.state == "released" or await self._was_released(mark):
            return f"what waited for the database {self.name} is there"
        return f"what waits for the database {self.name} is not there yet"

    async def _was_released(self, mark: str) -> bool:
        """Of what was on its way. Raises ``ResourceError`` where that is not known."""
        stands = await self._database.stands(mark)
        if stands is None:
            raise ResourceError(
                f"whether what waited for the database {self.name} is there is not known, as others changed it since",
                hint="look at it; nothing was touched",
            )
        held = self._load(mark)
        assert held is not None
        self._save(mark, held._replace(state="released" if stands else "waiting"))
        return stands

    # ---------------------------------------------------------------------------------------------------------- undo

    async def plan_undo(self, steps: Sequence[Step]) -> Planned:
        """What waits is not there: to take it back is to let it wait no more, and no step in the database."""
        await self.discard()
        theirs = [step for step in steps if not self._waits(step.mark)]
        if not theirs:
            return Planned()
        planned = await self._database.plan_undo(theirs)
        self._is_planned = not planned.conflicts
        return planned

    async def undo(self) -> None:
        is_planned, self._is_planned = self._is_planned, False
        if is_planned:
            await self._database.undo()

    async def stands(self, mark: str) -> bool | None:
        return False if self._waits(mark) else await self._database.stands(mark)

    async def close(self) -> None:
        await self._database.close()

    def _waits(self, mark: str) -> bool:
        held = self._load(mark)
        return held is not None and held.state == "waiting"

    # ------------------------------------------------------------------------------------------------------- on disk

    def _file(self, mark: str) -> Path:
        return self._aside / mark / f"{self.name}.held"

    def _save(self, mark: str, held: _Held) -> None:
        file = self._file(mark)
        try:
            write_whole(file, dump_json(held._asdict()).encode())
        except OSError as error:
            raise ResourceError(
                f"what waits for the database {self.name} could not be written down: {error.strerror or error}",
                hint=f"look at the disk that {file.parent} is on",
            ) from error

    def _load(self, mark: str) -> _Held | None:
        """None where it did not wait. Raises ``ResourceError``."""
        file = self._file(mark)
        try:
            written: Any = json.loads(file.read_bytes())
            state, due = written["state"], written["due"]
            if state not in _STATES or not isinstance(due, float | None):
                raise ValueError("it says nothing of the kind")
            return _Held(state, due)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ResourceError(f"{file} cannot be read: {error.strerror or error}") from error
        except (ValueError, LookupError, TypeError) as error:
            raise ResourceError(f"{file} is damaged: {error}") from error


def _queued(effect: Effect, due: float | None) -> Effect:
    if isinstance(effect, RowsEffect | SchemaEffect):
        return effect.model_copy(update={"queued": True, "due": due})
    return effect
