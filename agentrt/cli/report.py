"""``report``: the session as one HTML file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, Annotated, TextIO

from cyclopts import Parameter

from agentrt.errors import SandboxError, SandboxUnavailable, SessionBusy, UsageError
from agentrt.reader import open_reader
from agentrt.report.changes import Kept
from agentrt.report.page import Counts, write_page
from agentrt.runtime import Runtime
from agentrt.showing.plain import plain
from agentrt.showing.words import counted

from .interrupting import run
from .options import HERE, Where
from .placing import check_free, placing
from .render import put, put_json, say
from .session import with_runtime

_STDOUT = "-"


def report(
    file: Annotated[
        str | None,
        Parameter(
            help="The file to write; agentrt-SESSION.html here by default, - for standard output.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    /,
    *,
    force: Annotated[bool, Parameter(help="Write over a file that is there.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Write the whole session as one HTML file, with what it did, why, and every change."""
    if file is not None and file.startswith("-") and file != _STDOUT:
        raise UsageError(f"report: no option {file}", hint="agentrt report --help shows what it takes")
    with open_reader(where.workspace, session=where.session) as reader:
        session = reader.session
    if file == _STDOUT:
        if where.json:
            raise UsageError("--json has no room on standard output beside the page", hint="name a file")
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as page:
            _fill(page, where, session)
            _pass_on(page)
        return 0
    path = Path(file if file is not None else f"agentrt-{session}.html")
    counts, why = _write(path, where, session, force=force)
    if where.json:
        put_json({"file": str(path), "session": session, "diffs": not why, "because": why, **vars(counts)})
        return 0
    told = [counted(counts.operations, "operation"), f"{counts.to_review:,} to review"]
    told += [f"{counted(counts.irreversible, 'effect')} that cannot simply be undone"] if counts.irreversible else []
    put(f"{plain(str(path))} is written: {', '.join(told)}")
    return 0


def _write(path: Path, where: Where, session: str, *, force: bool) -> tuple[Counts, str]:
    """All of it or nothing. Raises ``UsageError``."""
    check_free(path, force=force, example=f"agentrt report {path / 'report.html'}")
    with placing(path, force=force, mode=0o600) as page:
        return _fill(page, where, session)


def _fill(page: IO[str], where: Where, session: str) -> tuple[Counts, str]:
    """What it is of, and why it has no diffs; "" where it has them."""
    where = Where(where.workspace, session, where.json)

    async def whole(runtime: Runtime) -> Counts:
        return await write_page(runtime, Kept(runtime), "", page)

    try:
        return with_runtime(where, whole), ""
    except (SessionBusy, SandboxUnavailable, SandboxError) as error:
        why = str(error).replace(str(Path.home()), "~")
    # What happened is in the journal, which is there to be read; only what files held is not.
    page.seek(0)
    page.truncate()
    say(f"without the changes line by line: {plain(why)}")
    with open_reader(where.workspace, session=session) as reader:
        return run(write_page(reader, None, why, page)), why


def _pass_on(page: TextIO) -> None:
    page.flush()
    page.seek(0)
    sys.stdout.flush()
    shutil.copyfileobj(page.buffer, sys.stdout.buffer)
    sys.stdout.buffer.flush()
