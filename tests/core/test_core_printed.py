"""What an action printed, read on by a later one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from core_ground import run

from agentrt import Operation, Runtime, UsageError
from agentrt.contracts import OpenSandbox


def output(operation: Operation) -> str:
    assert operation.observation is not None and operation.observation.error is None, operation.observation
    return operation.observation.output


def error(operation: Operation) -> str:
    assert operation.status == "settled" and operation.observation is not None
    return operation.observation.error or ""


def test_a_long_output_tells_the_action_that_shows_the_rest(workspace: Path, box: Any) -> None:
    command = "seq 1 10000; echo 'a.c:3: error: x undeclared'; seq 10002 20000"

    async def work(rt: Runtime) -> None:
        shown = output(await rt.act("bash", command=command))
        assert " 10001\ta.c:3: error: x undeclared\n… [the end of the output:] …\n" in shown
        told = re.search(r"left out: lines (\d+)-(\d+); `read` with `output: (\d+)` and `start: (\d+)` shows", shown)
        assert told is not None
        first, last, number, start = map(int, told.groups())
        assert (number, start) == (1, first) and "agentrt" not in shown
        read = await rt.act("read", output=number, start=start)
        *lines, about = output(read).split("\n")
        assert lines == [f"{n:>6}\t{n}" for n in range(first, first + len(lines))] and len(lines) > 1000
        assert about == (
            f"[lines {first}-{first + len(lines) - 1} of 20,000 that operation 1 printed; "
            f"read on with start={first + len(lines)}]"
        )
        assert read.effects == () and read.review is None
        few = await rt.act("read", output=1, start=10_000, end=10_002)
        assert output(few) == (
            " 10000\t10000\n 10001\ta.c:3: error: x undeclared\n 10002\t10002\n"
            "[lines 10000-10002 of 20,000 that operation 1 printed]"
        )
        assert output(await rt.act("read", output=1, start=last)).startswith(f"{last:>6}\t{last}\n")
        assert error(await rt.act("read", output=1, start=20_001)) == (
            "the output of operation 1 has no line 20001: it has 20,000 lines"
        )

    run(workspace, box, work)


def test_a_short_output_can_be_read_as_well_and_what_has_none_is_said(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="printf 'one\\ntwo'")
        await rt.act("bash", command="true")
        assert output(await rt.act("read", output=1)) == (
            "     1\tone\n     2\ttwo\n[lines 1-2 of 2 that operation 1 printed]"
        )
        assert output(await rt.act("read", output=2)) == "[operation 2 printed nothing]"
        assert error(await rt.act("read", output=5)) == "operation 5 has printed nothing yet"
        assert error(await rt.act("read", output=77)) == "there is no operation 77 in this session (the last one is 6)"
        assert "operation 1 has no part 2 that is kept" in error(await rt.act("read", output=1, part=2))

    run(workspace, box, work)


def test_what_no_page_takes_is_read_line_by_line(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="head -c 3000000 /dev/zero | tr '\\0' x; printf '\\nlast\\377\\r\\n'")
        *lines, about = output(await rt.act("read", output=1)).split("\n")
        assert lines == [f"     1\t{'x' * 2000}… [+2,998,000 characters]", "     2\tlast\\xff"]
        assert about == "[lines 1-2 of 2 that operation 1 printed]"

    run(workspace, box, work)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "read: what to read is missing: `path` of a file, or `output` of an operation"),
        ({"path": "a", "output": 1}, "read: `path` and `output` are two things to read: give one of them"),
        ({"path": "a", "part": 1}, "read: `part` goes with `output`"),
        ({"output": 0}, "read: `output` must be at least 1, not 0"),
        ({"output": "x"}, "read: `output` must be a whole number, not"),
        ({"outptu": 1}, "read: unknown argument `outptu`"),
    ],
)
def test_one_thing_is_read(workspace: Path, box: Any, arguments: Mapping[str, Any], message: str) -> None:
    async def work(rt: Runtime) -> None:
        with pytest.raises(UsageError) as caught:
            await rt.act("read", **arguments)
        assert str(caught.value).startswith(message) and caught.value.hint

    run(workspace, box, work)


def test_a_fork_reads_what_was_printed_before_it_began(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        for command in ("seq 1 20000", "echo two", "echo three"):
            await rt.act("bash", command=command)
        async with await rt.fork(2) as branch:
            of = "that operation 1 of session s1 printed"
            assert of in output(await branch.act("read", output=1, start=19_999))
            assert of in output(await branch.act("read", output=1)), "its own operation 1 has shown all it has"
            assert "there is no operation 4 in this session" in error(await branch.act("read", output=4))
            async with await branch.fork(0) as last:
                assert "1\ttwo\n[line 1 of 1 that operation 2 of session s1" in output(await last.act("read", output=2))
                assert "there is no operation 3 in" in error(await last.act("read", output=3))
                await last.act("bash", command="seq 30001 60000")
                assert "     1\t30001\n" in output(await last.act("read", output=3, end=1))

    run(workspace, box, work)


def test_what_is_not_kept_any_more_is_said(workspace: Path, box: Any) -> None:
    async def work(rt: Runtime) -> None:
        await rt.act("bash", command="seq 1 20000")
        await rt.act("bash", command="seq 1 20000")
        (rt.store.outputs / "s1.1").unlink()
        assert error(await rt.act("read", output=1)) == "the whole output of operation 1 is not there any more"
        (rt.store.outputs / "s1.2").unlink()
        rt.journal.record_removals("output", ["s1.2"], "quota")
        assert "the whole output of operation 2 was collected on 2" in error(await rt.act("read", output=2))

    run(workspace, box, work)


def test_what_was_kept_of_it_is_said(workspace: Path, box: OpenSandbox, tmp_path: Path) -> None:
    policy = tmp_path / "few.yaml"
    policy.write_text("extends: default\nlimits: {output: 50KB}\n")

    async def work(rt: Runtime) -> None:
        assert "only the first 50,000 bytes were kept, `read` with `output: 1`" in output(
            await rt.act("bash", command="seq 1 20000")
        )
        kept = "only its first 50,000 of 108,894 bytes were kept"
        assert output(await rt.act("read", output=1, start=10_184)).endswith(
            f"[lines 10184-10185 of 10,185 that operation 1 printed; {kept}]"
        )
        assert error(await rt.act("read", output=1, start=10_200)).endswith(f"it has 10,185 lines; {kept}")

    run(workspace, box, work, policy=str(policy))


def test_no_hidden_file_is_reached(workspace: Path, tmp_path: Path) -> None:
    (workspace / ".env").write_text("TOKEN=hush\n")
    policy = tmp_path / "hiding.yaml"
    policy.write_text("extends: default\nfiles:\n  hidden: ['.env']\n")

    async def main() -> None:
        async with Runtime.open(workspace, policy=str(policy)) as rt:
            first = await rt.act("bash", command="cat .env; seq 1 20000; cat .env")
            assert first.observation is not None
            shown = [first.observation.output]
            for start in (1, 5000, 19_990):
                shown.append(output(await rt.act("read", output=1, start=start)))
            assert (await rt.act("read", path=".env")).status == "denied"
            assert not any("hush" in text for text in shown)

    asyncio.run(main())
