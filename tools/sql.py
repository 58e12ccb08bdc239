"""``sql``: statements in one of the session's databases, as one transaction that can be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from agentrt.contracts import Answered, Database, Scalar, Tool, World
from agentrt.errors import SandboxError, SandboxUnavailable, UsageError
from agentrt.records import Action, Observation, Text

from .display import count, one_line

_ROWS = 10_000
"""Of one statement's answer."""
_LONGEST = 2_000
"""Characters of one value that are shown."""


class Sql(Action):
    """Run SQL in a database."""

    kind: Literal["sql"] = "sql"
    database: Annotated[str, Field(min_length=1)]
    """Its name."""
    statement: Annotated[Text, Field(min_length=1)]
    """One statement; or several, with `;` between them and no parameters."""
    parameters: list[Text | int | float | None] | dict[str, Text | int | float | None] = Field(default_factory=list)
    """What stands for the placeholders, in order or by name."""


class SqlTool:
    name = "sql"
    description = (
        "Run SQL in a database. Each action is one transaction of its own: all its statements take effect, or none, so "
        "it takes no BEGIN or COMMIT. Rows come with tabs between the columns, NULL as NULL and bytes as x'…'. "
        "Statements that could not be taken back are refused."
    )
    action: type[Action] = Sql

    def fitted(self, databases: Mapping[str, Database], *, network: bool) -> Tool | None:
        if not databases:
            return None
        fitted = SqlTool()
        there = ", ".join(f"`{name}` ({database.dialect})" for name, database in databases.items())
        fitted.description = f"{self.description} There is: {there}."
        return fitted

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Sql)
        try:
            database = await world.database(action.database)
            answers = await database.execute(action.statement, action.parameters, rows=_ROWS)
        except (SandboxError, SandboxUnavailable):
            raise
        except (UsageError, OSError) as error:
            hint = error.hint if isinstance(error, UsageError) else ""
            return Observation(error=f"{error} ({hint})" if hint else str(error))
        return world.show("".join(f"{line}\n" for answer in answers for line in _lines(answer)))

    def show(self, action: Action) -> str:
        assert isinstance(action, Sql)
        return one_line(f"sql {action.database}: {action.statement}")

    def reads(self, action: Action) -> Sequence[str] | None:
        return ()


def _lines(answer: Answered) -> Iterator[str]:
    if answer.columns:
        yield "\t".join(map(_flat, answer.columns))
        yield from ("\t".join(map(_shown, row)) for row in answer.rows)
        more = ", and there are more" if answer.more else ""
        yield f"({count(len(answer.rows), 'row')}{more})"
    else:
        yield f"({count(answer.changed, 'row')} changed)"


def _shown(value: Scalar) -> str:
    if value is None:
        return "NULL"
    text = f"x'{value[:_LONGEST].hex()}'" if isinstance(value, bytes) else _flat(str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… [+{len(text) - _LONGEST:,} characters]"


def _flat(text: str) -> str:
    """Within its column, on one line."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
