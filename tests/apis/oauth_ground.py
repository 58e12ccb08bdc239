"""An authorization server and its API, on this machine: codes are good once, PKCE is verified, refresh tokens rotate, and
one that comes twice ends all that came of its login."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from loopback import Asked, Loopback

PACK = """\
name: things
version: 1
about: Things
docs: https://example.com
base: {url}/api
auth:
  secret: THINGS_TOKEN
  oauth:
    {login}
    token: {url}/token
    client: {client}
    scopes: [offline]
operations:
  show:
    about: Look at a thing
    request: GET /things/{{id}}
    class: safe
    scopes: [things.read]
    parameters: {{id: {{about: which}}}}
  echo:
    about: Whatever was said
    request: GET /echo
    class: safe
  make:
    about: Make a thing
    request: POST /things
    class: compensable
    scopes: [things.read, things.write]
    parameters: {{name: {{about: its name}}}}
    undo: {{request: "DELETE /things/{{/id}}"}}
  purge:
    about: Remove them all
    request: POST /purge
    class: irreversible
    scopes: [things.admin]
"""


@dataclass
class Login:
    """What came of one yes."""

    client: str
    scope: str
    revoked: bool = False
    access: dict[str, float] = field(default_factory=dict)
    refresh: str = ""
    used: set[str] = field(default_factory=set)


class Server(Loopback):
    lifetime: float | None = 3600
    interval = 0.01
    """Of the device flow."""
    client = "client-of-tests"
    client_secret = ""

    def __init__(self) -> None:
        self.logins: list[Login] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.devices: dict[str, list[Any]] = {}
        """By device code: the scope, and what the polls are answered with before there is a token."""
        self.polls: list[float] = []
        self.seen: list[str] = []
        self.issued: set[str] = set()
        """Every token there ever was."""
        self.things: dict[str, str] = {}
        self.refreshed, self.reused = 0, 0
        self.script: list[str] = []
        """What the polls of the next device code are answered with."""
        self.hang = threading.Event()
        """A refresh is carried out, and never answered."""
        self.refreshing = threading.Event()
        self.redirects_token = ""
        self._lock = threading.Lock()
        super().__init__(self._asked)

    def _asked(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        path = urlsplit(asked.path).path
        self.seen.append(f"{asked.method} {path}")
        status, said, more = self.answer(asked.method, path, asked.given, dict(asked.headers))
        return status, {"Content-Type": "application/json", **more}, json.dumps(said).encode()

    def pack(self, flow: str, client: str = "client-of-tests") -> str:
        login = f"device: {self.url}/device" if flow == "device" else f"authorize: {self.url}/authorize"
        return PACK.format(url=self.url, login=login, client=client)

    def answer(
        self, method: str, path: str, given: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        with self._lock:
            if path == "/device":
                code = secrets.token_urlsafe(16)
                self.devices[code] = [given.get("scope", ""), list(self.script)]
                said = {"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": f"{self.url}/activate"}
                return 200, {**said, "expires_in": 60, "interval": self.interval}, {}
            if path == "/authorize":
                return 200, {}, {}
            if path == "/token" and self.redirects_token:
                return 307, {}, {"Location": self.redirects_token}
            if path == "/token":
                found = self._token(given, headers)
            elif path.startswith("/api/"):
                found = self._api(method, path.removeprefix("/api"), given, headers)
            else:
                found = 404, {}
        if path == "/token" and given["grant_type"] == "refresh_token":
            self.refreshing.set()
            while self.hang.is_set():
                time.sleep(0.01)
        return *found, {}

    def approve(self, page: str, **change: str) -> str:
        """A person says yes on the page; where their browser is sent."""
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(page).query).items()}
        assert asked["client_id"] == self.client and asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256" and urlsplit(asked["redirect_uri"]).hostname == "127.0.0.1"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], **change})}"

    def _token(self, given: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        if not self._knows(given, headers):
            return 401, {"error": "invalid_client"}
        kind = given["grant_type"]
        if kind == "authorization_code":
            asked = self.codes.pop(given["code"], None)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
            if asked is None or challenge.decode().rstrip("=") != asked["code_challenge"]:
                return 400, {"error": "invalid_grant"}
            if given.get("redirect_uri") != asked["redirect_uri"]:
                return 400, {"error": "invalid_grant"}
            return self._given(Login(self.client, asked.get("scope", "")))
        if kind == "refresh_token":
            return self._refreshed(given["refresh_token"])
        self.polls.append(time.monotonic())
        if given["device_code"] not in self.devices:
            return 400, {"error": "invalid_grant"}
        scope, script = self.devices[given["device_code"]]
        if script:
            return 400, {"error": script.pop(0), "error_description": f"of {given['device_code']}"}
        del self.devices[given["device_code"]]
        return self._given(Login(self.client, scope))

    def _knows(self, given: dict[str, str], headers: dict[str, str]) -> bool:
        if self.client_secret:
            basic = base64.b64encode(f"{self.client}:{self.client_secret}".encode()).decode()
            return headers.get("authorization") == f"Basic {basic}"
        return given.get("client_id") == self.client

    def _refreshed(self, token: str) -> tuple[int, Any]:
        for login in self.logins:
            if token in login.used:
                self.reused += 1
                login.revoked = True
            if token == login.refresh and not login.revoked:
                self.refreshed += 1
                login.used.add(token)
                return self._given(login)
        return 400, {"error": "invalid_grant", "error_description": f"what is {token}?"}

    def _given(self, login: Login) -> tuple[int, Any]:
        if login not in self.logins:
            self.logins.append(login)
        access, login.refresh = f"acc-{secrets.token_urlsafe(24)}", f"ref-{secrets.token_urlsafe(24)}"
        self.issued |= {access, login.refresh}
        login.access[access] = time.time() + (self.lifetime if self.lifetime is not None else 1e9)
        said = {"access_token": access, "token_type": "bearer", "refresh_token": login.refresh, "scope": login.scope}
        return 200, said | ({"expires_in": self.lifetime} if self.lifetime is not None else {})

    def _api(self, method: str, path: str, given: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if not any(time.time() < login.access.get(token, 0) and not login.revoked for login in self.logins):
            return 401, {"message": f"bad token {token}"}
        if path == "/echo":
            return 200, {"heard": headers.get("authorization"), "hex": token.encode().hex()}
        if method == "POST":
            self.things[id := f"t{len(self.things) + 1}"] = given["name"]
            return 201, {"id": id, "name": given["name"]}
        id = path.rpartition("/")[2]
        if id not in self.things:
            return 404, {}
        if method == "DELETE":
            del self.things[id]
        return 200, {"id": id, "name": self.things.get(id)}

    def end_access(self) -> None:
        """No access token there is by now is taken any more."""
        for login in self.logins:
            login.access.clear()


def written(tokens: set[str], *folders: Path) -> list[str]:
    """The files that have a token in them, as it is, in hex or in base64."""
    forms = {
        form
        for token in tokens
        for form in (token.encode(), token.encode().hex().encode(), base64.b64encode(token.encode())[:20])
    }
    return [
        str(file)
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file() and any(form in file.read_bytes() for form in forms)
    ]
