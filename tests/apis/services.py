"""Services at the shapes their documentation gives them: ids they hand out, and how each says that something is gone."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urlsplit

from loopback import Asked, Loopback

Said = tuple[int, Any]


class Service(Loopback):
    """One of them; ``state`` is all there is."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.seen: list[str] = []
        self._number = 0
        super().__init__(self._asked)

    def _asked(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        path = urlsplit(asked.path).path
        self.seen.append(f"{asked.method} {path}")
        status, said = self.answer(asked.method, path.strip("/").split("/"), asked.given)
        return status, {"Content-Type": "application/json"}, b"" if said is None else json.dumps(said).encode()

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        raise NotImplementedError

    def number(self) -> int:
        self._number += 1
        return self._number


class Discord(Service):
    """``channels/C[/messages[/M[/reactions/E/@me]]]``, ``guilds/G/channels``"""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        if method == "POST":
            id = f"11{self.number():016}"
            if path[-1] == "messages":
                made = {"channel_id": path[1], "content": given["content"], "edited_timestamp": None}
            else:
                made = {"guild_id": path[1], "last_message_id": None, **given}
            self.state[id] = {"id": id, **made}
            return 200, self.state[id]
        if "reactions" in path:
            return self._reacted(method, self.state[path[3]], unquote(path[5]))
        if path[-1] not in self.state:
            return 404, {"message": "Unknown Message", "code": 10008}
        if method == "DELETE":
            del self.state[path[-1]]
            return 204, None
        if method == "PATCH":
            edited = {"edited_timestamp": f"t{self.number()}"} if "messages" in path else {}
            self.state[path[-1]] |= {**given, **edited}
        return 200, self.state[path[-1]]

    def _reacted(self, method: str, message: dict[str, Any], emoji: str) -> Said:
        others = [one for one in message.pop("reactions", []) if one["emoji"]["name"] != emoji]
        mine = [{"emoji": {"id": None, "name": emoji}, "count": 1, "me": True}] if method == "PUT" else []
        if others or mine:
            message["reactions"] = others + mine
        return 204, None


class Slack(Service):
    """Methods, 200 always."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        what = path[0]
        if what == "chat.postMessage":
            if given["channel"] != "C1":
                return 200, {"ok": False, "error": "channel_not_found"}
            ts = f"1700000000.{self.number():06}"
            self.state[ts] = {"type": "message", "text": given["text"], "ts": ts}
            return 200, {"ok": True, "channel": given["channel"], "ts": ts, "message": self.state[ts]}
        if what == "chat.delete":
            if self.state.pop(given["ts"], None) is None:
                return 200, {"ok": False, "error": "message_not_found"}
            return 200, {"ok": True, "channel": given["channel"], "ts": given["ts"]}
        if what.startswith("reactions."):
            return self._reacted(what, given)
        if what.startswith("pins."):
            return self._pinned(what, given)
        if what.startswith("conversations.") and what != "conversations.history":
            return self._channel(what, given)
        found = [one for ts, one in self.state.items() if given.get("oldest", "0") <= ts <= given.get("latest", "9")]
        return 200, {"ok": True, "messages": found, "has_more": False}

    def _reacted(self, what: str, given: dict[str, Any]) -> Said:
        message = self.state[given["timestamp"]]
        names = [one["name"] for one in message.get("reactions", [])]
        if what == "reactions.get":
            return 200, {"ok": True, "type": "message", "channel": given["channel"], "message": message}
        if (given["name"] in names) is (what == "reactions.add"):
            return 200, {"ok": False, "error": "already_reacted" if given["name"] in names else "no_reaction"}
        names = [*names, given["name"]] if what == "reactions.add" else [one for one in names if one != given["name"]]
        message.pop("reactions", None)
        if names:
            message["reactions"] = [{"name": name, "users": ["U1"], "count": 1} for name in names]
        return 200, {"ok": True}

    def _pinned(self, what: str, given: dict[str, Any]) -> Said:
        pins = self.state.setdefault("pins", [])
        if what == "pins.add":
            pins.append({"type": "message", "created": self.number(), "message": {"ts": given["timestamp"]}})
        elif what == "pins.remove":
            pins[:] = [one for one in pins if one["message"]["ts"] != given["timestamp"]]
        return 200, {"ok": True} | ({"items": pins} if what == "pins.list" else {})

    def _channel(self, what: str, given: dict[str, Any]) -> Said:
        if what == "conversations.create":
            id = f"C{self.number() + 100}"
            empty = {"value": "", "creator": "", "last_set": 0}
            self.state[id] = {"id": id, "name": given["name"], "is_archived": False, "topic": empty, "purpose": empty}
            return 200, {"ok": True, "channel": self.state[id]}
        channel = self.state[given["channel"]]
        for fact in ("topic", "purpose"):
            if fact in given:
                channel |= {fact: {"value": given[fact], "creator": "U1", "last_set": self.number()}}
                channel["updated"] = self.number()
        if what == "conversations.archive":
            channel["is_archived"] = True
        return 200, {"ok": True, "channel": channel}


class Stripe(Service):
    """Form in, JSON out; what is deleted says so for ever."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        given = {name: _read(value) for name, value in given.items()}
        if method == "POST" and len(path) == 2:
            id = f"{path[1][:2]}_{self.number():014}"
            usual = {
                "customers": {"name": None, "description": None},
                "products": {"active": True, "description": None},
            }
            made = usual.get(path[1], {"active": True} if path[1] == "prices" else {})
            self.state[id] = {"id": id, "object": path[1][:-1], "livemode": False, **made, **given}
            return 200, self.state[id]
        if path[-1] not in self.state:
            return 404, {"error": {"type": "invalid_request_error"}}
        if method == "POST":
            updated = {"updated": self.number()} if "updated" in self.state[path[-1]] else {}
            self.state[path[-1]] |= {**given, **updated}
        if method == "DELETE":
            self.state[path[-1]] = {"id": path[-1], "object": path[1][:-1], "deleted": True}
        return 200, self.state[path[-1]]


def _read(value: Any) -> Any:
    """As a form's fields are: an empty one unsets."""
    return {"": None, "true": True, "false": False}.get(value, value)


class Dropbox(Service):
    """By path, all by POST."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: dict[Any, Any] = {}
        """By their revisions, files that were deleted."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        what = path[-1]
        if what == "create_folder_v2":
            self.state[given["path"]] = {".tag": "folder", "name": given["path"][1:], "path_display": given["path"]}
            return 200, {"metadata": self.state[given["path"]]}
        at = given.get("path", given.get("from_path"))
        if what == "restore":
            self.state[at] = {**self.gone[given["rev"]], "rev": f"r{self.number()}", "server_modified": self.number()}
            return 200, self.state[at]
        if at not in self.state:
            return 409, {"error_summary": "path/not_found/.", "error": {".tag": "path"}}
        if what == "delete_v2":
            gone = self.state.pop(at)
            self.gone[gone.get("rev")] = gone
            return 200, {"metadata": gone}
        if what in ("move_v2", "copy_v2"):
            moved = self.state.pop(at) if what == "move_v2" else self.state[at]
            self.state[given["to_path"]] = {**moved, "path_display": given["to_path"], "name": given["to_path"][1:]}
            return 200, {"metadata": self.state[given["to_path"]]}
        return 200, self.state[at]


class Spotify(Service):
    """The library, by URIs, and playlists."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        library = self.state.setdefault("library", [])
        if path[-1] == "contains":
            return 200, [given["uris"] in library]
        if path[-1] == "playlists":
            id = f"pl{self.number()}"
            self.state[id] = {"id": id, **given}
            library.append(f"spotify:playlist:{id}")
            return 201, {"id": id, "uri": library[-1], **given}
        if path[0] == "playlists":
            if method == "PUT":
                self.state[path[1]] |= given
            return 200, {name: self.state[path[1]][name] for name in ("id", "name")} if method == "GET" else None
        if given["uris"] in library:
            library.remove(given["uris"])
        if method == "PUT":
            library.append(given["uris"])
        return 200, None


class Gmail(Service):
    """Drafts, and labels of messages; every change has a number in the history."""

    def __init__(self) -> None:
        super().__init__()
        self.state = {"m1": {"id": "m1", "labelIds": ["INBOX", "UNREAD"]}}

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        if path[-1] == "send":
            id = f"m{self.number() + 1}"
            self.state[id] = {"id": id, "labelIds": ["SENT"]}
            return 200, self.state[id]
        if path[-1] == "drafts":
            id = f"r{self.number()}"
            self.state[id] = {"id": id, "message": {"id": f"d{id}"}}
            return 200, self.state[id]
        if path[-1] == "labels":
            id = f"Label_{self.number()}"
            self.state[id] = {"id": id, "type": "user", "messagesTotal": 0, **given}
            return 200, self.state[id]
        if path[-1] == "trash":
            message = self.state[path[-2]]
            message["labelIds"] = [*(one for one in message["labelIds"] if one != "INBOX"), "TRASH"]
            return 200, message
        if method == "PUT":
            self.state[path[-1]]["message"] = {"id": f"d{self.number()}", "raw": given["message"]["raw"]}
            return 200, self.state[path[-1]]
        if path[-1] == "modify":
            message = self.state[path[-2]]
            labels = [label for label in message["labelIds"] if label not in given.get("removeLabelIds", [])]
            message["labelIds"] = labels + [new for new in given.get("addLabelIds", []) if new not in labels]
            message["labelIds"].sort()
            return 200, {**message, "historyId": self.number()}
        if path[-1] not in self.state:
            return 404, {"error": {"code": 404}}
        if method == "DELETE":
            del self.state[path[-1]]
            return 204, None
        return 200, {**self.state[path[-1]], "historyId": self._number}


_CALLED = {"issues": "number", "comments": "id", "milestones": "number", "pulls": "number", "variables": "name"}


class GitHub(Service):
    """``repos/o/r/…``, by what is behind that; each kind of thing has a name or a number."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        at, last = "/".join(path[3:]), path[-1]
        if "labels" in path:
            return self._labelled(method, self.state["/".join(path[3:5])], path, given)
        if path[3] == "contents":
            return self._file(method, unquote(path[4]), given)
        if method == "POST" and last in _CALLED:
            number = self.number()
            usual = {} if last == "variables" else {"number": number, "id": number, "state": "open", "body": None}
            thing = {**usual, **given, "updated_at": number}
            kept = "issues/comments" if last == "comments" else at
            self.state[f"{kept}/{thing[_CALLED[last]]}"] = thing
            return 201, thing
        if method == "POST" or (method == "PUT" and last == "merge"):
            self.state[f"{at}/{self.number()}"] = given
            return 201, given
        if at not in self.state:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            del self.state[at]
            return 204, None
        if method == "PATCH":
            self.state[at] |= {**given, "updated_at": self.number()}
        return 200, self.state[at]

    def _labelled(self, method: str, issue: dict[str, Any], path: list[str], given: dict[str, Any]) -> Said:
        new = [one["name"] if isinstance(one, dict) else one for one in given.get("labels", [])]
        names = [one["name"] for one in issue["labels"]] if method != "PUT" else []
        if method == "DELETE" and path[-1] not in names:
            return 404, {"message": "Label does not exist"}
        names = [name for name in names if method != "DELETE" or name != path[-1]]
        issue["labels"] = [{"name": name} for name in sorted({*names, *new})]
        issue["updated_at"] = self.number()
        return 200, issue["labels"]

    def _file(self, method: str, path: str, given: dict[str, Any]) -> Said:
        files = self.state.setdefault("files", {})
        if method == "PUT":
            if path in files:
                return 422, {"message": 'Invalid request. "sha" wasn\'t supplied.'}
            files[path] = {"path": path, "sha": f"sha-{given['content']}", "content": given["content"]}
            return 201, {"content": files[path], "commit": {"sha": "c1", "message": given["message"]}}
        if path not in files:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            if given["sha"] != files[path]["sha"]:
                return 409, {"message": f"{path} does not match {given['sha']}"}
            del files[path]
            return 200, {"content": None, "commit": {"sha": "c2", "message": given["message"]}}
        return 200, files[path]


ALL: dict[str, type[Service]] = {
    "discord": Discord,
    "dropbox": Dropbox,
    "github": GitHub,
    "gmail": Gmail,
    "slack": Slack,
    "spotify": Spotify,
    "stripe": Stripe,
}
