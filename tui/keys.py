"""What can be done in the app, and by which keys: the one table that bindings, help, palette and docs are made from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import groupby
from typing import Literal, NamedTuple

from textual.binding import Binding
from textual.keys import KEY_ALIASES, REPLACED_KEYS, Keys, key_to_character

from agentrt.documents import nearest
from agentrt.settings import Settings

Place = Literal["everywhere", "lists", "diff"]
"""Where the focus has to be. What works everywhere waits while something is typed, unless it has no letter."""
Chosen = Mapping[str, tuple[str, ...]]
"""Keys by action, as Textual names them."""


class Act(NamedTuple):
    """Something that can be done."""

    name: str
    keys: tuple[str, ...]
    """As people write them."""
    does: str
    group: str
    place: Place = "everywhere"
    widgets: tuple[str, ...] = ()
    """Ids of the widgets' own bindings that do it; empty: it is an action of the app."""


def _moving(name: str, keys: tuple[str, ...], does: str) -> Act:
    return Act(name, keys, does, "Moving about", widgets=tuple(f"{pane}.{name}" for pane in ("list", "diff", "detail")))


ACTS = (
    Act("accept", ("a",), "accept it; in the diff the file or hunk under the cursor", "Reviewing"),
    Act("accept_alike", ("A",), "accept all like this from now on; shows the rule first", "Reviewing"),
    Act("reject", ("x",), "reject it, with a reason; in the diff the file or hunk", "Reviewing"),
    Act("next", ("n",), "go to the next that needs eyes", "Reviewing"),
    Act("apply", ("w",), "write what is not rejected to the workspace", "Reviewing"),
    Act("undo", ("u",), "undo the last step", "Going back"),
    Act("undo_to", ("U",), "undo all that came after it", "Going back"),
    Act("redo", ("r",), "redo what was undone last", "Going back"),
    Act("revert", ("v",), "take out this one, and keep the later ones", "Going back"),
    Act("preview", ("p",), "show what undo and revert would do", "Going back"),
    Act("fork", ("f",), "start a second session from here", "Going back"),
    Act("open", ("enter",), "open it", "Looking", "lists", ("list.choose",)),
    Act("filter", ("/",), "filter the timeline", "Looking"),
    Act("diff_mode", ("d",), "diff: unified or side by side", "Looking"),
    Act("previous_hunk", ("[",), "the hunk before", "Looking", "diff", ("diff.previous_hunk",)),
    Act("next_hunk", ("]",), "the next hunk", "Looking", "diff", ("diff.next_hunk",)),
    Act("previous_file", ("{",), "the file before", "Looking", "diff", ("diff.previous_file",)),
    Act("next_file", ("}",), "the next file", "Looking", "diff", ("diff.next_file",)),
    Act("open_file", ("o",), "open the file at that version in your editor", "Looking"),
    Act("shell", ("s",), "a shell in the sandbox as of here", "Looking"),
    Act("sessions", ("S",), "the sessions of this workspace, and of all", "Looking"),
    Act("new_session", ("N",), "start a new session, on the workspace as it is", "Looking"),
    Act("report", ("E",), "export a report of the session, as one page", "Looking"),
    _moving("up", ("up", "k"), "up"),
    _moving("down", ("down", "j"), "down"),
    _moving("page_up", ("pageup",), "a page up"),
    _moving("page_down", ("pagedown",), "a page down"),
    _moving("first", ("home", "g"), "to the first"),
    _moving("last", ("end", "G"), "to the last"),
    Act("focus_next", ("tab",), "to the next pane", "Moving about"),
    Act("focus_previous", ("shift+tab",), "to the pane before", "Moving about"),
    Act("interrupt", ("escape",), "interrupt the agent", "The app"),
    Act("palette", ("ctrl+p",), "everything there is, by name", "The app"),
    Act("help", ("?",), "these keys", "The app"),
    Act("quit", ("q",), "leave; what runs goes on", "The app"),
)
"""In the order in which they are told."""
_NAMED = {act.name: act for act in ACTS}
_TAKEN = {"ctrl+c": "copies what is selected", "ctrl+q": "always quits"}
_MODIFIERS = ("alt", "ctrl", "hyper", "meta", "shift", "super")


def chosen(settings: Settings) -> Chosen:
    """The keys of every action. Raises ``DocumentError`` at the place in the settings file where one cannot be."""
    keys: dict[str, tuple[str, ...]] = {act.name: tuple(map(_key, act.keys)) for act in ACTS}
    for name, given in settings.keys.items():
        if name not in _NAMED:
            hint = nearest(name, _NAMED)
            raise settings.mistake(f"no action is called `{name}`", ("keys", name), key=True, hint=hint)
        keys[name] = tuple(_read(settings, name, at, key) for at, key in enumerate(given))
    for name in settings.keys:
        for at, key in enumerate(keys[name]):
            for other in ACTS:
                twice = key in keys[name][:at] if other.name == name else key in keys[other.name]
                if twice and _meet(_NAMED[name], other):
                    raise settings.mistake(
                        f"`{shown(key)}` is also the key of `{other.name}`",
                        ("keys", name, at),
                        hint="once is enough" if other.name == name else f"say another one for `{other.name}`, too",
                    )
    return keys


def bindings() -> list[Binding]:
    """The app's own, with their default keys: ``App.BINDINGS``."""
    return [
        Binding(",".join(map(_key, act.keys)), act.name, act.does, show=False, id=act.name)
        for act in ACTS
        if not act.widgets
    ]


def keymap(keys: Chosen) -> dict[str, str]:
    """What differs from the defaults, for ``App.set_keymap``."""
    differs = (act for act in ACTS if keys[act.name] != tuple(map(_key, act.keys)))
    return {place: ",".join(keys[act.name]) for act in differs for place in act.widgets or (act.name,)}


def shown(key: str) -> str:
    """``question_mark`` as ``?``, ``escape`` as ``esc``."""
    *modifiers, last = key.split("+")
    short = {"escape": "esc", "pageup": "pgup", "pagedown": "pgdn"}
    character = key_to_character(REPLACED_KEYS.get(last, last))
    visible = character is not None and character.isprintable() and character != " "
    return "+".join([*modifiers, character if visible and character else short.get(last, last)])


def told(act: Act, keys: Chosen) -> str:
    """An action's keys, for a person: ``up k``."""
    return " ".join(map(shown, keys[act.name]))


def groups(keys: Chosen) -> list[tuple[str, list[tuple[str, str]]]]:
    """Headings, each with lines of keys and what they do."""
    return [
        (group, [(told(act, keys), act.does) for act in acts]) for group, acts in groupby(ACTS, lambda act: act.group)
    ]


def table() -> str:
    """The default keys as they stand in ``docs/keys.md``."""
    keys = chosen(Settings())
    where = {"everywhere": "", "lists": "in a list", "diff": "in the diff"}
    lines = ["| action | key | | where |", "|---|---|---|---|"]
    for act in ACTS:
        pressed = ", ".join(f"`{shown(key)}`" for key in keys[act.name])
        lines.append(f"| `{act.name}` | {pressed} | {act.does} | {where[act.place]} |")
    return "\n".join(lines)


def _meet(one: Act, other: Act) -> bool:
    return "everywhere" in (one.place, other.place) or one.place == other.place


def _read(settings: Settings, name: str, at: int, written: str) -> str:
    loc = ("keys", name, at)
    try:
        key = _key(written)
    except ValueError:
        message, hint = f'no key is called "{written}"', _hint(written)
        raise settings.mistake(message, loc, hint=hint) from None
    if key in _TAKEN:
        raise settings.mistake(f"`{written}` {_TAKEN[key]}", loc, hint="choose another key")
    return key


def _key(written: str) -> str:
    """A key's name as events have it. Raises ``ValueError`` where there is no such key."""
    *modifiers, last = written.split("+") if len(written) > 1 else [written]
    if len(last) == 1 and last.isprintable() and last != " ":
        last = _of(last)
    elif last not in _names():
        raise ValueError(written)
    if len(set(modifiers) & set(_MODIFIERS)) < len(modifiers) or (modifiers == ["shift"] and _is_letter(last)):
        raise ValueError(written)
    key = "+".join([*sorted(modifiers), last])
    return next((name for name, others in KEY_ALIASES.items() if key in others), key)


def _hint(written: str) -> str:
    """What was meant instead of what is no key."""
    *modifiers, last = written.split("+")
    if wrong := [modifier for modifier in modifiers if modifier not in _MODIFIERS]:
        return nearest(wrong[0], _MODIFIERS)
    if _is_letter(last):
        return f"it arrives as `{last.upper()}`"
    hint = nearest(last, _names())
    return hint if hint.startswith("did you mean") else "a key is a character, or as in enter, f5, pageup, ctrl+u"


def _is_letter(key: str) -> bool:
    return len(key) == 1 and key.isalpha()


def _of(character: str) -> str:
    if character == ",":
        return "comma"  # which parts keys
    (binding,) = Binding.make_bindings([Binding(character, "")])
    return binding.key


@cache
def _names() -> frozenset[str]:
    """Of keys that have more than a character."""
    named = {key.value.rpartition("+")[2] for key in Keys if "<" not in key.value}
    punctuation = {_of(chr(code)) for code in range(0x21, 0x7F)}
    return frozenset(name for name in named | punctuation if len(name) > 1 and name != "ctrl-at")
