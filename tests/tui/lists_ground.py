"""Operations, questions and sessions as lists get them, without a journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agentrt.showing.entries import Entry, Fork


def entry(id: int, about: str = "$ make", **fields: Any) -> Entry:
    """An operation that changed nothing, at ``id`` o'clock and some seconds; else as ``fields`` say."""
    told: dict[str, Any] = {
        "kind": "act",
        "actor": "agent",
        "status": "settled",
        "review": None,
        "started": 3600.0 * id,
        "effects": "",
        "files": 0,
        "outside": 0,
        "deleted": 0,
        "requests": 0,
        "worst": None,
        "verdict": "allow",
        "target": (),
        "verification": False,
        "gone": False,
    }
    return Entry(id=id, about=about, **{**told, **fields})


@dataclass(frozen=True)
class Question:
    """As the host tells of one that waits."""

    id: str
    kind: Literal["ask", "hold", "inquire"] = "ask"
    shown: str = "$ git push"
    actor: str = "agent"
    asked: float = 0.0


@dataclass(frozen=True)
class Session:
    """As a feed has it."""

    entries: Sequence[Entry] = ()
    stands: frozenset[int] = frozenset()
    to_review: Collection[int] = ()
    forks: Sequence[Fork] = ()
    head: int = 0


WORK = Session(
    entries=(
        entry(1, "$ pytest -q", effects="2 files created", files=2, worst="reversible", review="accepted"),
        entry(2, "edit src/app.py", effects="1 file changed", files=1, worst="reversible", review="pending"),
        entry(
            3,
            "$ curl -X POST https://api.example.com/things",
            effects="1 request (1 irreversible)",
            requests=1,
            worst="irreversible",
            review="pending",
        ),
        entry(4, "$ rm -r build", effects="3 files deleted", files=3, deleted=3, worst="reversible", review="pending"),
        entry(
            5,
            "write 日本語のとても長いファイル名.txt",
            effects="1 file created",
            files=1,
            worst="reversible",
            actor="tester",
        ),
        entry(6, "of 5, 4", kind="undo", actor="person", target=(5, 4)),
        entry(7, "$ sudo reboot", status="denied", verdict="deny"),
        entry(8, "$ ./configure", status="failed"),
        entry(
            9, "$ cp a /etc/a", effects="1 outside the workspace", files=1, outside=1, worst="unknown", review="pending"
        ),
        entry(10, "$ make -j", effects="31 files changed", files=31, worst="reversible", status="rolled_back"),
        entry(11, "$ pytest -q", verification=True, target=(3,)),
        entry(12, "$ sleep 100", status="intent"),
    ),
    stands=frozenset({1, 2, 3, 9}),
    to_review=(2, 3, 9),
    forks=(Fork("s-9", "try [b]again[/b]\x1b[31m", 2, 7), Fork("s-4", "", 0, 1)),
    head=9,
)
"""One of each, by three who worked."""
ASKED = (
    Question("q1", "ask", "$ git push\x1b[2J origin", asked=7.0),
    Question("q2", "hold", "POST https://x.example/", asked=9.0),
)
