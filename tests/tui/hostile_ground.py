"""A session whose every text is hostile, written straight into the journal: also what no run could put there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detail_ground import HOSTILE

from agentrt.agent import conversation
from agentrt.history.journal import Journal
from agentrt.history.store import Lock, create, locate
from agentrt.records import (
    Decision,
    FileEffect,
    FileState,
    Judgement,
    Observation,
    ProposedAction,
    RequestEffect,
    Snapshot,
    Turn,
    View,
)

TITLE = "\x1b]0;OWNED\x07\x1b]2;OWNED\x1b\\\x1bkOWNED\x1b\\"
CLIPBOARD = "\x1b]52;c;T1dORUQ=\x07"
LINK = "\x1b]8;;http://evil.example/\x1b\\link\x1b]8;;\x1b\\"
QUERIES = "\x1b[c\x1b[>c\x1b[6n\x1b[5n\x1b[18t\x1b]11;?\x07\x1bP$qm\x1b\\\x05"
MODES = "\x1b[?1003h\x1b[?1049l\x1b[?2004l\x1b[!p\x1bc\x1b[2J\x1b[3J\x1b[1;1H\x1b(0"
PICTURE = '\x1bPq"1;1;9;9#0;2;99;0;0#0~~\x1b\\\x1b_Gf=100;AAAA\x1b\\'
C1 = "\x9b31m\x9d0;OWNED\x9c\x90q\x85\x84"
MARKUP = "[bold red]x[/] [@click=app.exit]quit[/] [link=file:///etc/passwd]y[/link] [/nope] [$error]z ${x} {x} %s"
UNSEEN = "\u202egpj.exe\u202c\u2066\u2069\u200b\u200d\u2060\ufeff\u00ad\U000e0041\ufe0f\u2028\u2029e" + "\u0301" * 9
OTHERS = "\x00\x01\x07\x08\x0b\x0c\r\x7f\n\ttab\udcff\udc80 漢字👩‍👩‍👧‍👦 " + "\u0600\u06dd"
EVIL = TITLE + CLIPBOARD + LINK + QUERIES + MODES + PICTURE + C1 + MARKUP + UNSEEN + OTHERS
"""All of it."""
WORD = EVIL.encode("utf-8", "ignore").decode()
"""Without the bytes that are no UTF-8: who wrote an agent's name or a kind into the journal had none."""
FOLDER = "w[@click=app.exit]x\x1b]0;OWNED\x07\u202e\n[bold]"
"""A workspace's name."""


def name(bytes: int = 255) -> str:
    """A file's: as much of it as a file may be called, without what ends a path."""
    raw = EVIL.replace("/", "%").replace("\x00", "").encode("utf-8", "surrogateescape")
    return (raw * 2)[:bytes].decode("utf-8", "surrogateescape")


def write(workspace: Path) -> None:
    """Adds the session; it becomes the current one."""
    store = locate(workspace)
    create(store)
    with Lock(store).acquire(), Journal.open(store.journal) as journal:
        journal.create_session(title=WORD)
        session = journal.create_session(title=f"title{WORD}").id
        _Writer(journal, session).write()
        journal.create_session(title=WORD, parent=(session, 1))
        journal.make_current(session)


class _Writer:
    def __init__(self, journal: Journal, session: str) -> None:
        self._journal, self._session = journal, session
        self._view, self._said = View(), 0

    def write(self) -> None:
        self._say("task", conversation.task(EVIL, rules=[EVIL], agents={WORD: {"role": EVIL, "instructions": EVIL}}))
        self._say("notice", {"text": EVIL, "asked": EVIL, "actor": EVIL})
        self._say("notice", conversation.asked(EVIL))
        self._say("talk", conversation.talk(EVIL, actor=WORD, to=WORD))
        self._say("compaction", conversation.compaction(EVIL, 1, WORD))
        self._say(WORD, {"text": EVIL})
        for number, text in enumerate([EVIL, *HOSTILE]):
            action = ProposedAction(call=f"{number}{EVIL}", kind=f"kind{EVIL}", arguments={EVIL: text}, malformed=EVIL)
            plan = ProposedAction(call=f"{number}.2", kind="plan", arguments={"steps": [text, EVIL]})
            turn = Turn(text=text, actions=(action, plan), actor=WORD, model=EVIL)
            self._say("planner", turn.to_dict())
            self._say("observation", conversation.observation(action.call, text, failed=True, actor=WORD, changed=EVIL))
            self._act({"kind": "bash", "command": f"{text}{EVIL}"}, observation=_seen(text))
        self._act({"kind": EVIL, "path": EVIL, EVIL: {EVIL: [EVIL]}}, effects=_effects(), observation=_seen(EVIL))
        self._act({"kind": "edit", "path": name(), "old": EVIL, "new": HOSTILE[3]}, effects=_effects())
        self._act({"kind": "patch", "patch": f"*** Update File: {EVIL}\n{EVIL}"}, status="denied", verdict="deny")
        self._act({"kind": "read", "path": EVIL}, status="failed", note=EVIL, observation=Observation(error=EVIL))
        self._add("reject", {"kind": "reject", "because": EVIL}, target=(14,), effects=_effects())
        self._add("apply", {"kind": "apply", EVIL: EVIL}, effects=_effects(), note=EVIL)
        self._say("notice", conversation.outcome_notice(EVIL))
        self._add("fork", {EVIL: EVIL}, note=EVIL)

    def _say(self, role: str, body: Mapping[str, Any], operation: int | None = None) -> None:
        self._said = self._journal.say(self._session, self._said, role, body, operation)
        self._view = self._view.model_copy(update={"conversation": self._said})

    def _act(self, action: dict[str, Any], *, verdict: Any = "allow", **ending: Any) -> None:
        decision = Decision(verdict=verdict, rule=f"rule{EVIL}", because=EVIL, answer=EVIL, flags=(EVIL,))
        judged = Judgement(verdict="review", rule=f"rule{EVIL}", because=EVIL)
        review = "pending" if "effects" in ending else None
        self._add("act", action, actor=WORD, decision=decision, judgement=judged, review=review, **ending)

    def _add(
        self,
        kind: Any,
        action: dict[str, Any],
        *,
        actor: str = "user",
        decision: Decision | None = None,
        target: tuple[int, ...] = (),
        status: Any = "settled",
        **ending: Any,
    ) -> None:
        intent = self._journal.intend(
            self._session, kind=kind, actor=actor, before=self._view, action=action, decision=decision, target=target
        )
        if ending.get("effects"):
            layers = (*self._view.snapshot.layers, f"{self._session}.{intent.id}")
            self._view = self._view.model_copy(update={"snapshot": Snapshot.model_construct(layers=layers)})
        self._journal.settle(intent, status=status, after=self._view, **ending)


def _seen(text: str) -> Observation:
    return Observation(exit_code=1, output=f"{text}{EVIL}", output_bytes=7, output_file=EVIL, error=EVIL, seconds=1)


def _effects() -> list[FileEffect | RequestEffect]:
    file = FileState(type="file", mode=0o644, size=1000, mtime_ns=1, digest="ab" * 32)
    link = FileState(type="symlink", mode=0o777, size=9, mtime_ns=1, target=EVIL)
    return [
        FileEffect(path=name(), change="modified", before=file, after=file, note=EVIL),
        FileEffect(path=f"link{name(200)}", change="modified", before=link, after=link),
        FileEffect(path=EVIL, change="renamed", before=file, after=file, renamed_from=EVIL),
        FileEffect(path=f"/outside{EVIL}", change="deleted", before=file, note=EVIL),
        RequestEffect(
            change="sent",
            reversibility="irreversible",
            method=EVIL,
            url=f"http://{EVIL}",
            status=200,
            rule=EVIL,
            because=EVIL,
            secrets=(EVIL,),
            canary=EVIL,
        ),
    ]
