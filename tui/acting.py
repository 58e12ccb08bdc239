"""What the keys do: decided in ``deciding``, asked of the host, said to the person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from agentrt.errors import AgentrtError, Conflict
from agentrt.preview import Preview
from agentrt.showing.plain import plain, plain_lines
from agentrt.showing.words import conflict_line

from . import deciding
from .deciding import Choices, Decided, No, Reason, Request
from .words import Mode

if TYPE_CHECKING:
    from .app import AgentrtApp

_SHOWN = 12
"""Lines of a rule's diff above the keys."""


class Acting:
    """Each method is an action of the app with a row in ``keys``."""

    def __init__(self, app: AgentrtApp) -> None:
        self._app = app
        self._chosen: Choices | None = None
        self._reason: Request | None = None

    # Reviewing

    async def accept(self) -> None:
        self.follow(deciding.accept(self._app.selected))

    async def accept_all(self) -> None:
        """The rule is shown first, as a change of the user's own policy."""
        selected = self._app.selected
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
            self._app.say(_told(error), "warning")
            return
        lines = plain_lines(shown["diff"]).rstrip().split("\n")
        lines = lines if len(lines) <= _SHOWN else [*lines[:_SHOWN], f"… {len(lines) - _SHOWN} lines more"]
        self.follow(Choices("\n".join(["This is written to your policy:", *lines]), {"w": ("write it", request)}))

    async def reject(self) -> None:
        self.follow(deciding.reject(self._app.selected))

    # Going back

    async def undo(self) -> None:
        loses, preview = await self._move("undo", 1)
        self.follow(deciding.undo(steps=len(self._app.book.stands), loses=loses, preview=preview))

    async def undo_to(self) -> None:
        selected = self._app.selected
        number = selected.entry.id if selected.entry is not None else 0
        loses, preview = await self._move("restore", number) if number else (False, None)
        self.follow(deciding.undo_to(selected, loses=loses, preview=preview))

    async def redo(self) -> None:
        loses, preview = await self._move("redo", None)
        self.follow(deciding.redo(undone=len(self._app.book.undone), loses=loses, preview=preview))

    async def revert(self) -> None:
        selected, preview = self._app.selected, None
        if selected.entry is not None and selected.stands:
            preview = await self.preview("revert", ops=[selected.entry.id])
        names = deciding.named(self._app.book.entries, preview.dependents if preview is not None else ())
        self.follow(deciding.revert(selected, preview, names))

    async def fork(self) -> None:
        selected = self._app.selected
        number = selected.entry.id if selected.entry is not None else self._app.book.head
        made = await self.send(Request("fork", {"op": number}, f"forked from operation {number}"))
        if made is not None:
            self._app.go_to(made["session"])

    async def apply(self) -> None:
        try:
            preview = Preview.from_dict(await self.ask("preview", kind="apply"))
        except AgentrtError as error:
            self._app.say(_told(error), "error")
        else:
            self.follow(deciding.apply(preview))

    async def _move(self, kind: str, number: int | None) -> tuple[bool, Preview | None]:
        """Whether words would go with it, and what it would do; nothing is said of a move that is none."""
        view = self._app.book.view_of(kind, number or 0)
        if view is None:
            return False, None
        return self._app.book.loses_words(view), await self.preview(kind, number=number)

    # The agent

    async def interrupt(self) -> None:
        await self.send(Request("interrupt", done="interrupted; enter on an empty line goes on"))

    async def typed(self, text: str) -> None:
        """A task, or ``!command``; nothing: go on with what was interrupted."""
        from .words import command

        if (own := command(text)) is not None:
            request = Request("act", {"kind": "bash", "arguments": {"command": own}})
        else:
            request = Request("task", {"text": text}) if text else Request("go_on")
        answer = await self.send(request)
        if answer is not None:
            self._app.found(answer.get("session"))

    # What all of them have in common

    def follow(self, decided: Decided) -> None:
        """Do it, or ask first."""
        if isinstance(decided, No):
            self._app.say(decided.because, "warning")
        elif isinstance(decided, Choices):
            self._chosen = decided
            self._app.choice.ask(decided.text, decided.options)
        elif isinstance(decided, Reason):
            self._reason = decided.request
            self._app.prompt.enter(Mode("reason", f"{decided.label}: enter sends, esc leaves it"))
        else:
            self.start(lambda: self.send(decided))

    def start(self, work: Callable[[], Awaitable[Any]]) -> None:
        """Beside the app, which goes on."""
        self._app.run_worker(work(), group="requests", exit_on_error=True)

    def chose(self, key: str | None) -> None:
        chosen, self._chosen = self._chosen, None
        if chosen is not None and key is not None:
            self.follow(chosen.answers[key][1])

    def because(self, text: str) -> None:
        """The reason that was waited for."""
        request, self._reason = self._reason, None
        if request is not None:
            self.follow(Request(request.method, {**request.arguments, "because": text}, request.done))

    async def send(self, request: Request) -> Any:
        """Ask the host, and say what came of it; None where it could not be done."""
        try:
            answer = await self.ask(request.method, **request.arguments)
        except AgentrtError as error:
            self._app.say(_told(error), "error")
            return None
        if request.done:
            self._app.say(request.done)
        return answer

    async def ask(self, method: str, **arguments: Any) -> Any:
        """Raises ``AgentrtError``."""
        return await self._app.link.ask(method, self._app.book.session, **arguments)

    async def preview(self, kind: str, **arguments: Any) -> Preview | None:
        """None where nothing can be told."""
        try:
            return Preview.from_dict(await self.ask("preview", kind=kind, **arguments))
        except AgentrtError:
            return None


def _told(error: AgentrtError) -> str:
    lines = [plain(str(error))]
    if isinstance(error, Conflict):
        lines += map(conflict_line, error.conflicts[:6])
    return "\n".join([*lines, *([f"hint: {plain(error.hint)}"] if error.hint else [])])
