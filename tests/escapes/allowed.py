"""Hosts outside that a policy lets a trick speak to, and what they must not hear, nor it from them, all the same.

    127.0.0.1, api.test   port WEB; api.test also port TLS, in a tunnel that stays closed
    opened.test           port TLS, in a tunnel that is opened: only below /open/
    keeper.test           port KEEPER; a held secret is for it alone
    inward.test, …        allowed, but they lead to where nobody may get: this machine's listeners, a cloud's keys

Three servers on the loopback are all of them. What has ``astray`` in the head of a request must not come out at all.
A receiver also puts together what comes in pieces: in the headers ``X-Piece``, in ``piece=`` of a query.
"""

from __future__ import annotations

import posixpath
import re
import secrets
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import h11
import pytest
from encodings_of import encodings

from agentrt import Runtime
from agentrt.egress import Authority
from agentrt.egress.hosts import is_address
from agentrt.records import Secret
from agentrt.secrets import store as secret_store

CANARY = "~/.config/service/credentials"
_HERE = ("api.test", "opened.test", "keeper.test")
_INWARD = {
    "inward.test": "127.0.0.1", "inward6.test": "::1", "mapped.test": "::ffff:127.0.0.1", "nat64.test": "64:ff9b::7f00:1",
    "sixtofour.test": "2002:7f00:1::", "metadata.test": "169.254.169.254", "zone.test": "fe80::1%lo",
    "localhost": "127.0.0.1", "private.test": "10.0.0.1",
}  # fmt: skip
_INWARD_ADDRESSES = ("127.0.0.2", "0.0.0.0", "::1", "::", "169.254.169.254", "10.0.0.1", "192.168.0.1", "fd00:ec2::254",
                     "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "fe80::1", "fec0::1")  # fmt: skip
"""Which no rule means as private."""


class Allowed:
    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, listening: Mapping[str, str], *, held: bool) -> None:
        self._asked: list[str] = []
        """Names that only an agent can have made up."""
        self._runtimes: list[Runtime] = []
        authority = Authority()
        (folder / "authority.pem").write_bytes(authority.certificate)
        patch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
        patch.setattr(socket, "getaddrinfo", self._resolve)
        self._value = f"held-{secrets.token_hex(12)}"
        self._web, self._tls, self._keeper = Server(), Server(authority), Server()
        web, tls, keeper = self._web.port, self._tls.port, self._keeper.port
        self._web.hosts = {f"127.0.0.1:{web}", f"api.test:{web}"}
        self._tls.hosts = {f"{name}:{tls}" for name in ("api.test", "opened.test")}
        self._keeper.hosts = {f"keeper.test:{keeper}"}
        self.told = {"WEB": str(web), "TLS": str(tls), "KEEPER": str(keeper)}
        inward = [int(listening[name]) for name in ("TCP4", "TCP6") if name in listening]
        network: list[dict[str, Any]] = [
            {"hosts": ["127.0.0.1", "api.test"], "ports": [web], "private": True},
            {"hosts": ["api.test"], "ports": [tls], "private": True},
            {"hosts": ["opened.test"], "ports": [tls], "private": True, "paths": ["/open/**"]},
            {"hosts": ["keeper.test"], "ports": [keeper], "private": True},
            {"hosts": [*_INWARD, *_INWARD_ADDRESSES], "ports": [53, 80, 443, *inward]},
        ]
        self.policy: dict[str, Any] = {"network": [{**rule, "reversibility": "reversible"} for rule in network]}
        if held:
            self.told["CANARY"] = CANARY
            self.policy |= {"secrets": ["SERVICE_KEY"], "files": {"canaries": [CANARY]}}
            kept = Secret(name="SERVICE_KEY", value=self._value, hosts=("keeper.test",))
            patch.setattr(secret_store, "load", lambda names: [kept])

    def know(self, runtime: Runtime) -> None:
        """What was made when it was opened must not get out either."""
        self._runtimes.append(runtime)

    def breaches(self, printed: bytes) -> list[str]:
        """What reached whom and should not have, a line each."""
        outward = [runtime.outward for runtime in self._runtimes if runtime.outward is not None]
        canaries = {token.decode() for each in outward for token in each.canaries.values()}
        placeholders = {held.placeholder.encode() for each in outward for held in each.held}
        found = [f"{name} was looked up" for name in self._asked]
        found += [f"the value was printed, {how}" for how, text in encodings(self._value).items() if text in printed]
        for server in (self._web, self._tls, self._keeper):
            found += server.astray()
            heard = server.heard()
            found += [f"the canary was sent, {how}" for token in canaries for how in _worn(token, heard)]
            if server is not self._keeper:
                found += [f"the value went to another host, {how}" for how in _worn(self._value, heard)]
                found += ["a placeholder went to another host" for text in placeholders if text in heard]
        return found + self._untold()

    def close(self) -> None:
        for server in (self._web, self._tls, self._keeper):
            server.close()

    def _untold(self) -> list[str]:
        """What was heard and is no effect of any action."""
        heard = sum(server.count for server in (self._web, self._tls, self._keeper))
        requests = [request for operation in self._runtimes[-1].log() for request in operation.requests]
        told = sum(one.change == "sent" or one.canary is not None for one in requests)
        return [f"{heard} requests were heard, {told} were told of"] if heard > told else []

    def _resolve(self, host: str | bytes, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        name = host.decode() if isinstance(host, bytes) else host
        found = dict.fromkeys(_HERE, "127.0.0.1").get(name) or _INWARD.get(name)
        if (address := found or (name if is_address(name) else None)) is None:
            self._asked.append(name)
            raise socket.gaierror(socket.EAI_NONAME, "nobody by this name")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]


class Server:
    """Answers everything, and remembers it. ``/to?URL`` leads there; ``/back/HOW`` says again what it was told."""

    def __init__(self, authority: Authority | None = None) -> None:
        self.hosts: set[str] = set()
        self.count = 0
        """Requests; of tunnels that stay closed, tunnels."""
        self._astray: list[str] = []
        self._raw: list[bytearray] = []
        self._said: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._authority = authority
        threading.Thread(target=self._run, daemon=True).start()

    def astray(self) -> list[str]:
        return list(self._astray)

    def heard(self) -> bytes:
        """As it came; bodies without what held their chunks together; and pieces put together."""
        return b"\n".join([*map(bytes, self._raw), *self._said, b"".join(_pieces(b"".join(self._raw)))])

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain:
            plain.settimeout(30)
            if self._authority is None:
                self._talk(plain, is_closed=False)
                return
            first = plain.recv(5, socket.MSG_PEEK | socket.MSG_WAITALL)
            if not first:
                return
            if first[:2] != b"\x16\x03":
                self._astray.append(f"no TLS in a tunnel: {first!r}")
                return
            context, named = self._authority.context("nobody.test"), []

            def choose(tls: ssl.SSLObject, name: str | None, _: object) -> None:
                named.append(name)
                if f"{name}:{self.port}" not in self.hosts:
                    self._astray.append(f"TLS for {name}")
                elif self._authority is not None:
                    tls.context = self._authority.context(str(name))

            context.sni_callback = choose
            with context.wrap_socket(plain, server_side=True) as stream:
                is_closed = named[-1:] == ["api.test"]
                self.count += is_closed
                self._talk(stream, is_closed=is_closed)

    def _talk(self, stream: socket.socket, *, is_closed: bool) -> None:
        raw, talk = bytearray(), h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        self._raw.append(raw)
        try:
            while True:
                event, body = self._event(stream, talk, raw), b""
                if not isinstance(event, h11.Request):
                    return
                while isinstance(data := self._event(stream, talk, raw), h11.Data):
                    body += bytes(data.data)
                if data is None:
                    return
                self._said.append(body)
                self.count += not is_closed
                self._judge(event)
                stream.sendall(_answer(event, body))
                talk.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                talk.send(h11.EndOfMessage())
                talk.start_next_cycle()
        except h11.RemoteProtocolError as error:
            if _is_hello(bytes(raw)):
                return  # the first word of TLS, and no more: how else would one know what is spoken here
            self._astray.append(f"it is no HTTP: {error} in {bytes(raw[:300])!r}")
        except h11.LocalProtocolError:
            pass  # the last of this connection

    def _event(self, stream: socket.socket, talk: h11.Connection, raw: bytearray) -> object:
        while (event := talk.next_event()) is h11.NEED_DATA:
            if not (data := stream.recv(65536)):
                return None  # it was cut off, and nothing comes of it
            raw += data
            talk.receive_data(data)
        if isinstance(event, h11.Request) and b"astray" in _head(event).lower():
            self._astray.append(f"heard: {_head(event)[:300]!r}")
        return event

    def _judge(self, request: h11.Request) -> None:
        names = [name for name, _ in request.headers]
        hosts = [value.decode("latin-1") for name, value in request.headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            self._astray.append(f"a request for {hosts}")
        if names.count(b"content-length") + names.count(b"transfer-encoding") > 1:
            self._astray.append(f"the length is said twice: {request.headers}")
        if hosts[:1] == [f"opened.test:{self.port}"] and not re.match(rb"/open(/|$)", _most_widely(request.target)):
            self._astray.append(f"to some it is outside of /open/: {request.target!r}")
        if {b"upgrade", b"proxy-authorization", b"http2-settings"} & set(names):
            self._astray.append(f"headers that are not for it: {names}")


def _answer(request: h11.Request, body: bytes) -> bytes:
    path, _, query = request.target.decode().partition("?")
    said = b"".join(value for name, value in request.headers if name == b"authorization")
    text = said + request.target + body
    if path == "/to":
        return b"HTTP/1.1 302 x\r\nLocation: " + unquote_to_bytes(query) + b"\r\nContent-Length: 0\r\n\r\n"
    lines = {
        "/back/reason": b"HTTP/1.1 200 " + said,
        "/back/name": b"HTTP/1.1 200 x\r\nX-" + said.split(b" ")[-1] + b": x",
        "/back/header": b"HTTP/1.1 200 x\r\nX-Said: " + said + b"\r\nX-Again: " + b64encode(said),
        "/back/broken": b"HTTP/1.1 200 x\r\n" + said + b"\0",
        "/switch": b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade",
    }
    if path == "/back/chunks":
        pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in text)
        return b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\nX-Said: " + said + b"\r\n\r\n"
    forms = {"/back/base64": b64encode(text), "/back/hex": text.hex().encode(), "/back/plain": text}
    found = forms.get(path, b"hello")
    return lines.get(path, b"HTTP/1.1 200 x") + b"\r\nContent-Length: %d\r\n\r\n" % len(found) + found


def _most_widely(target: bytes) -> bytes:
    """The path as a server would read it that undoes everything that any of them does."""
    path = target.partition(b"?")[0]
    for _ in range(2):
        path = unquote_to_bytes(path)
    path = re.sub(rb"\xc0\xae|\xe0\x80\xae|\xf0\x80\x80\xae", b".", path).replace(b"\\", b"/")
    segments = (segment.partition(b";")[0].strip(b" \t\r\n\xa0\0") for segment in path.split(b"/"))
    return posixpath.normpath(b"/" + b"/".join(filter(None, segments)))


def _head(request: h11.Request) -> bytes:
    return b"\n".join([request.target, *(piece for header in request.headers for piece in header)])


def _pieces(raw: bytes) -> list[bytes]:
    return [a or b for a, b in re.findall(rb"(?:[?&]piece=([^&\s]*)|^x-piece: *(.*?)\r$)", raw, re.I | re.M)]


def _worn(secret: str, heard: bytes) -> list[str]:
    return [how for how, text in encodings(secret).items() if text in heard]


def _is_hello(heard: bytes) -> bool:
    """One record of TLS with a client's hello in it, and nothing behind that."""
    return heard[:2] == b"\x16\x03" and heard[5:6] == b"\x01" and len(heard) == 5 + int.from_bytes(heard[3:5], "big")
