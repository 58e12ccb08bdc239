"""``search``: a regular expression in files' content, a glob on their names; by ripgrep, in the sandbox."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from agentrt.contracts import World
from agentrt.records import Action, Observation

from .display import one_line
from .fields import Argument, FilePath
from .loading import Failed, exists, explain

_MOST_LINES = 200
_MOST_BYTES = 24_000
"""Stays below what an observation shows by default: what is left out is counted here, not cut there."""
_WIDTH = 300
_MATCH, _CONTEXT = "\x1f", "\x1e"
"""What ripgrep puts between path, line number and text: unlike ``:`` and ``-`` they are in hardly any path."""

_COUNTED = r"""
{ "$0" "$@"; printf '%s\n' "$?"; } | awk -v files="$FILES" -v most="$MOST" -v room="$ROOM" '
    NR > 1 {
        hit = files || index(last, "\037")
        hits += hit
        room -= length(last) + 1
        if (NR - 1 <= most && room >= 0) { print last; shown += hit }
    }
    { last = $0 }
    END { printf "\036%d %d %d\n", last, hits, shown }'
"""
"""Prints the first lines of a command's output, then its exit code, how many hits it had and how many are shown."""
_TRAILER = re.compile(r"\x1e(\d+) (\d+) (\d+)\n?\Z")


class Search(Action):
    """Search files' content, their names, or both."""

    kind: Literal["search"] = "search"
    pattern: Argument | None = None
    """A regular expression, searched in each line; without it the files that `glob` fits are listed."""
    glob: Argument | None = None
    """Which files: `*.py` in any folder, `src/**/*.py`, `{a,b}.txt`; with a leading `!` all but these."""
    path: FilePath = "."
    """The folder or file to search in."""
    ignored: bool = False
    """Search also what ignore files (.gitignore, .ignore, .rgignore) leave out."""
    context: int = Field(default=0, ge=0, le=20)
    """How many lines to show around each match."""

    @model_validator(mode="after")
    def _something(self) -> Search:
        if not self.pattern and not self.glob:
            raise ValueError("expected pattern, glob or both")
        if self.pattern and "\n" in self.pattern:
            raise ValueError("a pattern is searched in single lines, so it holds no line end")
        return self


class SearchTool:
    name = "search"
    description = (
        "Search the files of the workspace: lines that match the regular expression `pattern`, in files whose names "
        "fit `glob`; with `glob` alone, list those files. Results are `path:line: text`, sorted by path; a long list "
        "is cut and what is left out is counted. Hidden files are searched, .git and binary files are not, and what "
        "ignore files name only with ignored: true. (?i) at the start of a pattern ignores case."
    )
    action: type[Action] = Search

    async def run(self, action: Action, world: World) -> Observation:
        assert isinstance(action, Search)
        seen = Observation()
        for engine in _engines():
            seen = await world.exec(
                ["sh", "-c", _COUNTED, engine, *_arguments(action)],
                env={
                    "LC_ALL": "C",
                    "FILES": "" if action.pattern else "1",
                    "MOST": str(_MOST_LINES),
                    "ROOM": str(_MOST_BYTES),
                },
            )
            trailer = _TRAILER.search(seen.output)
            if trailer is None:
                return _broken(seen)
            if trailer[1] != "127":
                return await _report(action, world, seen, trailer)
        return seen.model_copy(
            update={
                "exit_code": 127,
                "output": "",
                "error": "search needs ripgrep (rg), which is not in the sandbox: install it there, or search with "
                "bash: grep -rnE PATTERN .",
            }
        )

    def show(self, action: Action) -> str:
        assert isinstance(action, Search)
        what = f"search {action.pattern!r}" if action.pattern else "list files"
        names = f" in names that fit {action.glob!r}" if action.glob else ""
        where = f" under {action.path}" if action.path != "." else ""
        return one_line(f"{what}{names}{where}{' (ignored files too)' if action.ignored else ''}")

    def reads(self, action: Action) -> Sequence[str] | None:
        return None  # whatever files there are


def _engines() -> list[str]:
    """The ripgrep that came with agentrt, where the sandbox shows it; else the sandbox's own."""
    ours = Path(sys.prefix, "bin", "rg")
    return [str(ours), "rg"] if ours.exists() else ["rg"]


def _arguments(action: Search) -> list[str]:
    common = ["--no-config", "--no-messages", "--color=never", "--sort=path", "--hidden", "--no-require-git"]
    if action.ignored:
        common.append("--no-ignore")
    # The last glob that fits decides, so .git stays out whatever is asked for.
    common += [f"--glob={action.glob}"] if action.glob else []
    common.append("--glob=!.git")
    if not action.pattern:
        return [*common, "--files", "--", action.path]
    return [
        *common,
        "--engine=auto",
        "--crlf",
        "--line-number",
        "--with-filename",
        "--no-heading",
        f"--max-columns={_WIDTH}",
        "--max-columns-preview",
        f"--context={action.context}",
        f"--field-match-separator={_MATCH}",
        f"--field-context-separator={_CONTEXT}",
        f"--regexp={action.pattern}",
        "--",
        action.path,
    ]


def _broken(seen: Observation) -> Observation:
    """What should have counted the results did not."""
    if seen.error is not None:
        return seen
    needs = "search needs sh and awk in the sandbox" if seen.exit_code == 127 else "the search did not end as it should"
    return seen.model_copy(update={"output": "", "error": f"{needs}: {seen.output.strip()}".rstrip(": ")})


async def _report(action: Search, world: World, seen: Observation, trailer: re.Match[str]) -> Observation:
    code, hits, shown = (int(number) for number in trailer.groups())
    body = seen.output[: trailer.start()]
    if code > 2:
        return seen.model_copy(update={"exit_code": code, "error": f"ripgrep ended with exit code {code}"})
    if code == 2 and body:
        if hits == 0:
            return Observation(exit_code=code, error=_complaint(body, action.pattern or ""))
        body = body.removesuffix("\n") + "\n[some files could not be read]\n"
    elif code == 2:
        return Observation(exit_code=code, error=await _unreadable(action.path, world))
    if not hits and code == 0:
        return world.show(body.strip()).model_copy(update={"exit_code": 0, "seconds": seen.seconds})
    if not hits:
        found = "no match" if action.pattern else "no file fits"
        unlooked = "" if action.ignored else "; ignored files were not searched (ignored: true does)"
        return world.show(f"[{found}{unlooked}]").model_copy(update={"exit_code": 0, "seconds": seen.seconds})
    what = "line matches" if action.pattern else "file fits"
    whats = "lines match" if action.pattern else "files fit"
    said = f"{hits:,} {what if hits == 1 else whats}"
    if shown < hits:
        said += (
            f"; the first {shown:,} are shown, {hits - shown:,} are left out: narrow the pattern, the glob or the path"
        )
    text = "\n".join(map(_readable, body.split("\n"))) + f"[{said}]"
    return world.show(text).model_copy(update={"exit_code": 0, "seconds": seen.seconds})


def _readable(line: str) -> str:
    """``path:line: text`` of a match, ``path-line- text`` of a line around one."""
    line = line.removeprefix("./").removesuffix("\r")
    for separator, sign in ((_MATCH, ":"), (_CONTEXT, "-")):
        path, *rest = line.split(separator, 2)
        if len(rest) == 2:
            return f"{path}{sign}{rest[0]}{sign} {rest[1]}"
    return line


async def _unreadable(path: str, world: World) -> str:
    try:
        if not await exists(world, path):
            return await explain(world, path, FileNotFoundError())
    except Failed as failure:
        return str(failure)
    return f"nothing in {path} could be read"


def _complaint(output: str, pattern: str) -> str:
    """The engine's own words on a pattern or glob, and where in the pattern it stumbled (from 1)."""
    output = output.removeprefix("rg: ").split("\n\nConsider enabling")[0].strip()
    # Both engines wrap the pattern in (?:…); their positions count that.
    backtracking = re.search(r"PCRE2: error compiling pattern at offset (\d+): (.+)", output)
    caret = re.search(r"\n    \(\?:.*\n    ( *)\^+\nerror: (.+)", output)
    place, words = -1, output
    if caret is not None:
        place, words = len(caret[1]) - 3, caret[2]
    if backtracking is not None and (place < 0 or words.endswith("not supported") or "support" in words):
        place, words = int(backtracking[1]) - 3, backtracking[2]
    if caret is None and backtracking is None:
        return f"invalid pattern or glob: {words}"
    place = min(max(place, 0), len(pattern))
    return f"invalid regular expression at character {place + 1}: {words}\n    {pattern}\n    {' ' * place}^"
