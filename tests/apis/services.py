"""Services at the shapes their documentation gives them: ids they hand out, and how each says that something is gone."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

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
        url, body = urlsplit(asked.path), asked.body.decode()
        self.seen.append(f"{asked.method} {url.path}")
        given = {key: value[-1] for key, value in parse_qs(url.query).items()}
        if "json" in asked.headers.get("content-type", ""):
            given |= json.loads(body or "{}")
        elif body:
            given |= {key: value[-1] for key, value in parse_qs(body).items()}
        status, said = self.answer(asked.method, url.path.strip("/").split("/"), given)
        return status, {"Content-Type": "application/json"}, b"" if said is None else json.dumps(said).encode()

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        raise NotImplementedError

    def number(self) -> int:
        self._number += 1
        return self._number


class Discord(Service):
    """``channels/C/messages[/M]``"""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        if method == "POST":
            id = f"11{self.number():016}"
            self.state[id] = {"id": id, "channel_id": path[1], "content": given["content"], "edited_timestamp": None}
            return 200, self.state[id]
        if path[-1] not in self.state:
            return 404, {"message": "Unknown Message", "code": 10008}
        if method == "DELETE":
            del self.state[path[-1]]
            return 204, None
        if method == "PATCH":
            self.state[path[-1]] |= {**given, "edited_timestamp": f"t{self.number()}"}
        return 200, self.state[path[-1]]


class Slack(Service):
    """Methods, 200 always."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        if path == ["chat.postMessage"]:
            if given["channel"] != "C1":
                return 200, {"ok": False, "error": "channel_not_found"}
            ts = f"1700000000.{self.number():06}"
            self.state[ts] = {"type": "message", "text": given["text"], "ts": ts}
            return 200, {"ok": True, "channel": given["channel"], "ts": ts, "message": self.state[ts]}
        if path == ["chat.delete"]:
            if self.state.pop(given["ts"], None) is None:
                return 200, {"ok": False, "error": "message_not_found"}
            return 200, {"ok": True, "channel": given["channel"], "ts": given["ts"]}
        found = [one for ts, one in self.state.items() if given.get("oldest", "0") <= ts <= given.get("latest", "9")]
        return 200, {"ok": True, "messages": found, "has_more": False}


class Stripe(Service):
    """Form in, JSON out; what is deleted says so for ever."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        if method == "POST":
            id = f"{path[1][:2]}_{self.number():014}"
            self.state[id] = {"id": id, "object": path[1][:-1], "livemode": False, **given}
            return 200, self.state[id]
        if path[-1] not in self.state:
            return 404, {"error": {"type": "invalid_request_error"}}
        if method == "DELETE":
            self.state[path[-1]] = {"id": path[-1], "object": "customer", "deleted": True}
        return 200, self.state[path[-1]]


class Dropbox(Service):
    """By path, all by POST."""

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        what = path[-1]
        if what == "create_folder_v2":
            self.state[given["path"]] = {".tag": "folder", "name": given["path"][1:], "path_display": given["path"]}
            return 200, {"metadata": self.state[given["path"]]}
        at = given.get("path", given.get("from_path"))
        if at not in self.state:
            return 409, {"error_summary": "path/not_found/.", "error": {".tag": "path"}}
        if what == "delete_v2":
            return 200, {"metadata": self.state.pop(at)}
        if what == "move_v2":
            moved = self.state.pop(at)
            self.state[given["to_path"]] = {**moved, "path_display": given["to_path"], "name": given["to_path"][1:]}
            return 200, {"metadata": self.state[given["to_path"]]}
        return 200, self.state[at]


class Spotify(Service):
    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        if path[-1] == "contains":
            return 200, [given["ids"] in self.state]
        if path[-1] == "playlists":
            id = f"pl{self.number()}"
            self.state[id] = given["name"]
            return 201, {"id": id, "name": given["name"]}
        if method == "PUT":
            self.state[given["ids"]] = True
        else:
            self.state.pop(given["ids"], None)
        return 200, None


class Gmail(Service):
    """Drafts, and labels of messages; every change has a number in the history."""

    def __init__(self) -> None:
        super().__init__()
        self.state = {"m1": {"id": "m1", "labelIds": ["INBOX"]}}

    def answer(self, method: str, path: list[str], given: dict[str, Any]) -> Said:
        if path[-1] == "send":
            id = f"m{self.number() + 1}"
            self.state[id] = {"id": id, "labelIds": ["SENT"]}
            return 200, self.state[id]
        if path[-1] == "drafts":
            id = f"r{self.number()}"
            self.state[id] = {"id": id, "message": {"id": f"d{id}"}}
            return 200, self.state[id]
        if path[-1] == "modify":
            message = self.state[path[-2]]
            labels = [label for label in message["labelIds"] if label not in given.get("removeLabelIds", [])]
            message["labelIds"] = labels + [new for new in given.get("addLabelIds", []) if new not in labels]
            return 200, {**message, "historyId": self.number()}
        if path[-1] not in self.state:
            return 404, {"error": {"code": 404}}
        if method == "DELETE":
            del self.state[path[-1]]
            return 204, None
        return 200, {**self.state[path[-1]], "historyId": self._number}


ALL: dict[str, type[Service]] = {
    "discord": Discord,
    "dropbox": Dropbox,
    "gmail": Gmail,
    "slack": Slack,
    "spotify": Spotify,
    "stripe": Stripe,
}
