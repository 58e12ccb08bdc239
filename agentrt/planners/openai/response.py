"""An answer of the Responses API: its events, and the turn they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentrt.records import ProposedAction

from . import native
from .answer import Answer, Clean, Ending, arguments, usage
from .names import call_name, function_name
from .troubles import Complaint

_ENDS = ("response.completed", "response.incomplete", "response.failed")
_SAYS = ("response.output_text.delta", "response.refusal.delta")
Item = dict[str, Any]


class ResponseReader:
    """What it does not know is passed over: new events come up every few months."""

    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self._done: dict[int, Item] = {}
        self._end: Mapping[str, Any] | None = None

    @property
    def over(self) -> bool:
        return self._end is not None

    @property
    def complete(self) -> bool:
        return self.over

    def feed(self, event: Mapping[str, Any]) -> str:
        kind = event.get("type")
        if kind in _SAYS:
            delta = event.get("delta")
            return delta if isinstance(delta, str) else ""
        if kind == "response.output_item.done" and isinstance(event.get("item"), dict):
            self._done[event.get("output_index", len(self._done))] = dict(event["item"])
        elif kind == "error":
            raise Complaint.of(event)
        elif kind in _ENDS:
            self._finish(event.get("response"))
        elif event.get("object") == "response":  # it came whole, not in events
            self._finish(event)
        return ""

    def _finish(self, response: object) -> None:
        end = response if isinstance(response, dict) else {}
        if end.get("status") in ("failed", "cancelled"):
            raise Complaint.of(end.get("error") or {"message": "the answer failed, and no reason is given"})
        self._end = end

    def whole(self, taken: set[str]) -> Answer | None:
        if self._end is None:
            return None
        reason = (self._end.get("incomplete_details") or {}).get("reason")
        cut = self._end.get("status") == "incomplete"
        said = [part for item in self._output() if item.get("type") == "message" for part in _parts(item)]
        ending: Ending = "truncated" if cut else "complete"
        if reason == "content_filter" or any(refused for _, refused in said):
            ending = "refused"
        items = _sound(self._output(), calls=ending != "refused")
        calls = [_actions(item, taken, self._clean) for item in items]
        return Answer(
            text="\n\n".join(text for text, _ in said if text),
            actions=tuple(action for actions in calls for action in actions),
            ending=ending,
            native={"items": items, "calls": [[action.call for action in actions] for actions in calls]},
            usage=usage(self._end.get("usage"), ("input_tokens", "output_tokens")),
            model=str(self._end.get("model") or ""),
        )

    def _output(self) -> list[Item]:
        """Each item as it was when it was done: only then is its reasoning whole. Some servers' last event has none."""
        last = self._end.get("output") if self._end else None
        given = {at: dict(item) for at, item in enumerate(last or []) if isinstance(item, dict)}
        return [item for _, item in sorted({**given, **self._done}.items())]


def _sound(items: Sequence[Item], *, calls: bool) -> list[Item]:
    """Without calls that were cut off, and without reasoning that nothing came of: neither may be sent back. ``calls``:
    whether there are to be any; who refuses does nothing."""
    kept: list[Item] = []
    for item in items:
        kind = item.get("type")
        if kind == "function_call" or kind in native.CALLS:
            if calls and item.get("status", "completed") == "completed":
                kept.append(item)
        elif kind in ("message", "reasoning"):
            kept.append(item)
    while kept and kept[-1]["type"] == "reasoning":
        kept.pop()
    return kept


def _actions(item: Item, taken: set[str], clean: Clean) -> list[ProposedAction]:
    """What a call comes to. What no server takes back is mended in the item."""
    kind = item["type"]
    if kind == "function_call":
        item["call_id"] = call_name(item.get("call_id"), taken)
        asked = str(item.get("name") or "")
        item["name"] = function_name(asked)
        item["arguments"], read, malformed = arguments(item.get("arguments"), clean)
        return [ProposedAction(call=item["call_id"], kind=asked, arguments=read, malformed=malformed)]
    if kind not in native.CALLS:
        return []
    item["call_id"] = call_name(item.get("call_id"), taken)
    found = native.wanted(item)
    # One call may be several commands: each has its own outcome, and so its own name.
    names = (
        [item["call_id"]]
        if len(found) == 1
        else [call_name(f"{item['call_id']}.{n + 1}", taken) for n in range(len(found))]
    )
    return [
        ProposedAction(call=name, kind=asked, arguments=read, malformed=malformed)
        for name, (asked, read, malformed) in zip(names, found, strict=True)
    ]


def _parts(item: Item) -> list[tuple[str, bool]]:
    """Text, and whether it is a refusal."""
    parts = item.get("content")
    found = []
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict):
            refused = part.get("type") == "refusal"
            text = part.get("refusal" if refused else "text")
            found.append((text if isinstance(text, str) else "", refused))
    return found
