"""What takes a call back: bound to what was there before, and to what the server answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from agentrt.contracts import Answer, Call, Inverse
from agentrt.errors import UsageError

from .images import Image, at

_ON_A_URL = ("PUT", "PATCH", "DELETE")
_REFERENCE = re.compile(r"\{(location|before(?:/[^{}]*)?|/[^{}]*)\}")
_MERGES = ("application/json", "application/merge-patch+json")
_GONE = object()
"""What a member is that is not there."""


def looked_at(call: Call, inverse: Inverse | None) -> str:
    """The URL at which it shows whether the call stands, where that is known before it is sent; else empty.

    Raises ``UsageError`` for one of another server.
    """
    url = (inverse.look or inverse.url) if inverse is not None else call.url if call.method in _ON_A_URL else ""
    for named in (url, inverse.url) if inverse is not None else ():
        if not _REFERENCE.search(named) and not _same_origin(call.url, urljoin(call.url, named)):
            raise UsageError(f"undo is of another server than the request: {named}")
    asked = inverse.look_body if inverse is not None else None
    hangs_on_answer = _REFERENCE.search(url) or (asked is not None and _REFERENCE.search(asked.decode()))
    return "" if not url or hangs_on_answer else urljoin(call.url, url)


def restoring(call: Call, before: Image) -> Call | None:
    """What puts a URL back as it was before a call on it; None where nothing is known to (RFC 9110, RFC 7396)."""
    if call.method == "PATCH" and (patch := _merge_patch(call, before)) is not None:
        return replace(call, body=json.dumps(patch).encode(), hold="")
    if call.method not in ("PUT", "PATCH"):
        return None
    if not before.there:
        return _deleting(call, call.url)
    headers = {**call.headers, "content-type": before.type}
    return replace(call, method="PUT", headers=headers, body=before.content, hold="")


def members_of(kept_call: Call, call: Call) -> Mapping[str, Any] | None:
    """What ``call`` sets, where it is a merge patch as the one it takes back, or is; else None."""
    if kept_call.method != "PATCH" or call.method != "PATCH" or not _merges(kept_call):
        return None
    found = _json(call.body)
    return found if isinstance(found, dict) else None


def _merges(call: Call) -> bool:
    return call.headers.get("content-type", "").partition(";")[0].strip().lower() in _MERGES


def _merge_patch(call: Call, before: Image) -> dict[str, Any] | None:
    """With what the members it sets were before."""
    sent, was = _json(call.body) if _merges(call) else None, before.members
    if not isinstance(sent, dict) or was is None:
        return None
    # Members within members are merged, too: the whole of what they were is what puts them back.
    if any(isinstance(value, dict) for value in sent.values()):
        return None
    return {name: was.get(name) for name in sent}


def left_out(back: Call, before: Image, after: Image) -> list[str]:
    """Members that were null and are gone: a merge patch has no word for null but to remove (RFC 7396)."""
    return [name for name, then in _nulls(back, before, after) if then is _GONE]


def nulled(back: Call, before: Image, after: Image) -> list[str]:
    """Members that were null and have a value: to some servers null in a patch means null, to others to remove."""
    return [name for name, then in _nulls(back, before, after) if then is not _GONE and then is not None]


def _nulls(back: Call, before: Image, after: Image) -> list[tuple[str, object]]:
    """Members that were null, and that a merge patch is to make so again; and what they are by now."""
    patch = _json(back.body) if back.method == "PATCH" and _merges(back) else None
    if not isinstance(patch, dict) or before.members is None or after.members is None:
        return []
    return [(name, after.members.get(name, _GONE)) for name in patch if before.members.get(name, _GONE) is None]


def created(call: Call, answer: Answer) -> Call | None:
    """What deletes that which a POST has made, where the answer says where that is (RFC 9110, section 15.3.2)."""
    location = answer.headers.get("location", "")
    url = urljoin(call.url, location)
    # A server has no say in what becomes of things at another one.
    if call.method != "POST" or answer.status != 201 or not location or not _same_origin(call.url, url):
        return None
    return _deleting(call, url)


def declared(call: Call, inverse: Inverse, answer: Answer, before: Image | None) -> tuple[Call, str, bytes | None]:
    """What an inverse says for this answer, and where to look. Raises ``UsageError`` where it does not fit it."""
    values: dict[str, Any] = {"answer": _json(answer.body), "before": None if before is None else before.value}

    def found(reference: str) -> object:
        if reference == "location":
            if "location" not in answer.headers:
                raise UsageError("the answer has no Location")
            return urljoin(call.url, answer.headers["location"])
        if reference.startswith("/"):
            return pointed(values["answer"], reference, "answer")
        return pointed(values["before"], reference.removeprefix("before"), "state before")

    def in_url(text: str) -> str:
        return urljoin(call.url, _filled(text, found, lambda value: _in_url(value, text)))

    body, headers = inverse.body, dict(call.headers)
    if body.strip() == b"{before}":
        if before is None or not before.there:
            raise UsageError("it is not known what was there before")
        body, headers["content-type"] = before.content, before.type
    elif body:
        headers.setdefault("content-type", "application/json")
        body = _as(headers["content-type"], _filled_body(body, found))
    else:
        headers = _without_type(call)
    url = in_url(inverse.url)
    look = in_url(inverse.look) if inverse.look else url
    if not (_same_origin(call.url, url) and _same_origin(call.url, look)):
        raise UsageError("it is of another server than the request")
    look_body = None if inverse.look_body is None else _filled_body(inverse.look_body, found)
    back = replace(call, method=inverse.method, url=url, headers=headers, body=body, hold="")
    return back, look, look_body


def fits(inverse: Inverse, before: Image | None) -> bool:
    """Whether all that it needs of what was there before is known."""
    texts = f"{inverse.url} {inverse.look or ''} {inverse.body.decode()}"
    named = [reference for reference in _REFERENCE.findall(texts) if reference.startswith("before")]
    if named and (before is None or not before.there):
        return False
    try:
        for reference in named:
            pointed(before and before.value, reference.removeprefix("before"), "state before")
    except UsageError:
        return False
    return True


def went_well(call: Call, answer: Answer) -> bool:
    """As far as the answer says."""
    if not 200 <= answer.status < 300:
        return False
    value = _json(answer.body) if call.success else None
    return all(at(value, pointer) == wanted for pointer, wanted in call.success.items())


def _same_origin(one: str, other: str) -> bool:
    return urlsplit(one.lower())[:2] == urlsplit(other.lower())[:2]


def _filled(text: str, found: Callable[[str], object], write: Callable[[object], str]) -> str:
    return _REFERENCE.sub(lambda reference: write(found(reference[1])), text)


def _filled_body(body: bytes, found: Callable[[str], object]) -> bytes:
    """JSON whose texts name parts; or text that is JSON once what it names is there."""
    try:
        value = json.loads(body)
    except ValueError:
        return _filled(body.decode(), found, json.dumps).encode()
    return json.dumps(_filled_value(value, found)).encode()


def _as(type: str, body: bytes) -> bytes:
    """JSON, or a form with its members, where null is empty."""
    value = _json(body) if type.startswith("application/x-www-form-urlencoded") else None
    if not isinstance(value, dict):
        return body
    texts = {name: each if isinstance(each, str) else json.dumps(each) for name, each in value.items()}
    return urlencode({name: "" if value[name] is None else text for name, text in texts.items()}).encode()


def _filled_value(value: Any, found: Callable[[str], object]) -> Any:
    if isinstance(value, dict):
        return {name: _filled_value(each, found) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled_value(each, found) for each in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    return found(whole[1]) if whole else _filled(value, found, str)


def _in_url(value: object, text: str) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise UsageError(f"what {text} names is no text and no number")
    return str(value) if text == "{location}" else quote(str(value), safe="")


def pointed(value: object, pointer: str, where: str) -> object:
    """RFC 6901. Raises ``UsageError``."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise UsageError(f"the {where} has no {pointer}")
    return value


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _deleting(call: Call, url: str) -> Call:
    return replace(call, method="DELETE", url=url, headers=_without_type(call), body=b"", hold="")


def _without_type(call: Call) -> dict[str, str]:
    return {name: value for name, value in call.headers.items() if name != "content-type"}
