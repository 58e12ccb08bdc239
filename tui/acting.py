"""What the keys do: decided in ``deciding``, asked of the host, said to the person."""

from __future__ import annotations

from agentrt.errors import AgentrtError
from agentrt.preview import Preview
from agentrt.showing.plain import plain_lines

from . import deciding
from .asking import Asking, told
from .book import Move
from .deciding import Choices, No, Request, Selected
from .detail.live import Live
from .words import command


class Acting(Asking):
    """The actions of ``keys`` that ask the host for something."""

    # What it acts on

    @property
    def selected(self) -> Selected:
        """What the cursor is on."""
        raise NotImplementedError

    def go_to(self, session: str) -> None:
        """Another session of the workspace."""
        raise NotImplementedError

    def why_not(self, name: str) -> str:
        """Why an action cannot be done, as far as that is known without asking anybody; "" where it can."""
        selected, decided = self.selected, None
        if name == "accept":
            decided = deciding.accept(selected)
        elif name == "reject":
            decided = deciding.reject(selected)
        elif name == "undo":
            decided = deciding.undo(self.book.last_step, loses=False, preview=None)
        elif name == "redo":
            decided = deciding.redo(self.book.next_redo, loses=False, preview=None, last=self.book.last_step)
        elif name == "undo_to":
            decided = deciding.undo_to(selected, loses=False, preview=None)
        elif name == "revert":
            decided = deciding.revert(selected, None, {})
        return decided.because if isinstance(decided, No) else ""

    @property
    def works(self) -> bool:
        """Something goes on in the session, which going back would stop."""
        return bool(self.state.phase != "idle")

    # Reviewing

    def action_accept(self) -> None:
        self.follow(deciding.accept(self.selected))

    def action_accept_alike(self) -> None:
        """The rule is shown first, as a change of the user's own policy."""
        self.start(self._accept_alike())

    async def _accept_alike(self) -> None:
        selected, session = self.selected, self.book.session
        try:
            if selected.question is not None:
                shown = await self.ask("approval", question=selected.question)
                arguments = {"question": selected.question, "allow": True, "remember": True}
                request = Request("answer", arguments, "let through, and your policy has the rule")
            elif selected.entry is not None:
                shown = await self.ask("acceptance", op=selected.entry.id)
                request = Request(
                    "remember", {"key": shown["key"]}, "your policy has the rule; all like it is accepted"
                )
            else:
                self.follow(No("select an operation or a question first"))
                return
        except AgentrtError as error:
            self.say(told(error), "warning")
            return
        lines = plain_lines(shown["diff"]).rstrip().split("\n")
        named = next((line[4:] for line in lines if line.startswith("+++ ")), "your policy")
        changed = [line for line in lines if not line.startswith(("--- ", "+++ "))]
        text = "\n".join([f"This is written to {named}:", *changed])
        self.follow(Choices(text, {"w": ("write it", request)}), session)

    def action_reject(self) -> None:
        self.follow(deciding.reject(self.selected))

    # Going back

    def action_undo(self) -> None:
        self.start(self._undo())

    async def _undo(self) -> None:
        session, step, last = self.book.session, self.book.last_step, self.book.entries[-1:]
        loses, preview = await self._move("undo", 1)
        given = {"working": self.works, "accepted": any(entry.kind == "accept" for entry in last)}
        self.follow(deciding.undo(step, loses=loses, preview=preview, **given), session)

    def action_undo_to(self) -> None:
        self.start(self._undo_to())

    async def _undo_to(self) -> None:
        session, selected = self.book.session, self.selected
        number = selected.number
        loses, preview = await self._move("restore", number) if number is not None else (False, None)
        self.follow(deciding.undo_to(selected, loses=loses, preview=preview, working=self.works), session)

    def action_redo(self) -> None:
        self.start(self._redo())

    async def _redo(self) -> None:
        session, step = self.book.session, self.book.next_redo
        loses, preview = await self._move("redo", None)
        decided = deciding.redo(step, loses=loses, preview=preview, working=self.works, last=self.book.last_step)
        self.follow(decided, session)

    def action_revert(self) -> None:
        self.start(self._revert())

    async def _revert(self) -> None:
        session, entries, selected, preview = self.book.session, self.book.entries, self.selected, None
        if selected.entry is not None and selected.stands:
            preview = await self.preview("revert", ops=[selected.entry.id])
        names = deciding.named(entries, preview.dependents if preview is not None else ())
        self.follow(deciding.revert(selected, preview, names), session)

    def action_fork(self) -> None:
        self.start(self._fork())

    async def _fork(self) -> None:
        selected = self.selected
        number = selected.number if selected.number is not None else self.book.head
        made = await self.send(Request("fork", {"op": number}, f"forked from operation {number}"))
        if made is not None:
            self.go_to(made["session"])

    def action_new_session(self) -> None:
        self.start(self._new_session())

    async def _new_session(self) -> None:
        made = await self.send(Request("new", {}, "a new session, on the workspace as it is"))
        if made is not None:
            self.go_to(made["session"])

    def action_apply(self) -> None:
        self.start(self._apply())

    async def _apply(self) -> None:
        session = self.book.session
        try:
            preview = Preview.from_dict(await self.waited(self.ask("preview", kind="apply"), "apply"))
        except AgentrtError as error:
            self.say(told(error), "error")
        else:
            self.follow(deciding.apply(preview), session)

    async def _move(self, kind: Move, number: int | None) -> tuple[bool, Preview | None]:
        """Whether words would go with it, and what it would do; nothing is said of a move that is none."""
        view = self.book.view_of(kind, number or 0)
        if view is None:
            return False, None
        loses = self.book.loses_words(view)
        if self.state.phase == "idle":
            return loses, await self.preview(kind, number=number)
        # A move stops the agent; a preview would wait for what it does just now.
        take_back, put_back = self.book.across(view)
        moved = Preview(kind=kind, take_back=take_back, put_back=put_back)
        return loses, moved if take_back or put_back else None

    # The agent

    def action_interrupt(self) -> None:
        self.start(self._interrupt())

    async def _interrupt(self) -> None:
        if self.waiting:
            self.off |= self.waiting
            if (answer := await self.send(Request("call_off"))) is None or answer["called_off"]:
                return
            self.off -= self.waiting  # a fork, say, which is as good as done
        answer = await self.send(Request("interrupt")) if self.book.session is not None else {"interrupted": False}
        if answer is not None:
            self.say("interrupted; enter on an empty line goes on" if answer["interrupted"] else "nothing goes on")

    def typed(self, text: str) -> None:
        """A task, or ``!command``; nothing: go on with what was interrupted."""
        if (own := command(text)) is not None:
            request = Request("act", {"kind": "bash", "arguments": {"command": own}}) if own else None
        else:
            request = Request("task", {"text": text, **self.plan}) if text else Request("go_on", {**self.plan})
        if request is not None:
            self.query_one(Live).follow()  # what comes of it is in sight
            self.start(self.send(request))
