"""A database of a test, whatever its engine: what is done there by actions, and taken back, and what is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from database_steps import plan, take

from agentrt.contracts import Answered, Database, Parameters, Step
from agentrt.errors import Conflict
from agentrt.records import Effect, RowsEffect


class Desk:
    """One database, and its resource, ``app``."""

    database: Database
    plans = True
    """Whether undo is planned before it is done: here that leaves no trace."""

    def dump(self) -> object:
        """All there is."""
        raise NotImplementedError

    def spoken(self, statement: str) -> str:
        """As the server has it."""
        return statement

    async def do(self, mark: str, *statements: str, parameters: Parameters = ()) -> Sequence[Effect]:
        """One action, committed."""
        await self.database.begin(mark)
        for statement in statements:
            await self.database.execute(self.spoken(statement), parameters, rows=50)
        effects = await self.database.seal()
        await self.database.commit()
        return effects

    async def back(self, *marks: str) -> Sequence[Effect]:
        return await take(self.database, [Step(mark, "back") for mark in marks])

    async def forth(self, *marks: str) -> Sequence[Effect]:
        return await take(self.database, [Step(mark, "forth") for mark in marks])

    async def conflicts(self, *marks: str) -> list[tuple[str, str, str]]:
        """What is in the way of taking them back: path, ours, theirs. The same is said when it is planned, and nothing
        is touched."""
        before, steps = self.dump(), [Step(mark, "back") for mark in marks]
        planned = await plan(self.database, steps)
        with pytest.raises(Conflict) as caught:
            await take(self.database, steps)
        assert caught.value.conflicts == planned.conflicts
        assert self.dump() == before
        return [(each.path, each.ours, each.theirs) for each in planned.conflicts]

    async def there_and_back(self, *statements: str, parameters: Parameters = ()) -> Sequence[Effect]:
        """One action, taken back and done again, twice, and taken back: each time all is what it was. Its effects."""
        before = self.dump()
        effects = await self.do("mark", *statements, parameters=parameters)
        after = self.dump()
        assert after != before
        assert effects
        assert await self.database.stands("mark") is True
        for _ in range(2):
            taken_back = await (self._back_as_planned("mark") if self.plans else self.back("mark"))
            assert self.dump() == before
            assert await self.database.stands("mark") is False
            put_again = await self.forth("mark")
            assert self.dump() == after
            assert await self.database.stands("mark") is True
        self.compare(effects, taken_back, put_again)
        await self.back("mark")
        assert self.dump() == before
        return effects

    async def _back_as_planned(self, mark: str) -> Sequence[Effect]:
        planned = await plan(self.database, [Step(mark, "back")])
        assert planned.conflicts == ()
        effects = await self.back(mark)
        assert tuple(effects) == tuple(planned.effects)
        return effects

    def compare(self, done: Sequence[Effect], taken_back: Sequence[Effect], put_again: Sequence[Effect]) -> None:
        """Whether undo and redo told what they did as the action had."""
        assert told(put_again) == told(done)


def told(effects: Sequence[Effect]) -> list[Effect]:
    """In whatever order the rows of a table come."""
    return [
        one.model_copy(update={"rows": tuple(sorted(one.rows, key=repr))}) if isinstance(one, RowsEffect) else one
        for one in effects
    ]


class Counted(Desk):
    """Its actions get marks by themselves."""

    marks = 0

    async def act(self, *statements: str, parameters: Parameters = ()) -> tuple[str, Sequence[Effect]]:
        """One action; its mark and effects."""
        self.marks += 1
        mark = f"m{self.marks}"
        return mark, await self.do(mark, *statements, parameters=parameters)

    async def run(self, statements: str, parameters: Parameters = (), rows: int = 50) -> Sequence[Answered]:
        """One action; what its statements gave."""
        self.marks += 1
        await self.database.begin(f"m{self.marks}")
        answered = await self.database.execute(self.spoken(statements), parameters, rows=rows)
        await self.database.seal()
        await self.database.commit()
        return answered
