"""The server: each request is recorded, checked, and answered by the script's next turn."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any

from vendors import anthropic_wire, chat_wire, models, responses_wire
from vendors.counting import Caches
from vendors.delivery import Gone, Wire, deliver
from vendors.refusal import Refusal
from vendors.request import Request
from vendors.script import Script, Turn
from vendors.state import State

WIRES: dict[str, Any] = {
    "/v1/messages": anthropic_wire,
    "/v1/responses": responses_wire,
    "/v1/chat/completions": chat_wire,
}
END = "The script has no more turns."


class Server:
    """Listens inside ``with``, in threads of its own. A request that is refused uses up no turn of the script. What a
    function of the script raised is raised at the end.

    ``script``: turns, or functions of a ``Request`` that give one; or one function for every request. ``key`` is the
    only one that is let in (None: any), and with ``echo_key`` errors quote it whole. Prompts of fewer tokens than
    ``cacheable_from`` are not cached.
    """

    def __init__(
        self,
        script: Script = (),
        *,
        key: str | None = None,
        echo_key: bool = False,
        cacheable_from: int = 0,
        model_names: Sequence[str] = ("test-model",),
    ) -> None:
        self.requests: list[Request] = []
        """All that came, refused ones too."""
        self.refusals: list[Refusal] = []
        """What was refused, and for what."""
        self.model_names = tuple(model_names)
        self.state = State(Caches(cacheable_from), key, echo_key)
        self.closing = threading.Event()
        self._answering = script if callable(script) else None
        self._turns = iter(()) if callable(script) else iter(script)
        self._lock = threading.Lock()
        self._broken: list[Exception] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> Server:
        self._listener = _Listener(self)
        self._thread = threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.hang_up()
        self._listener.server_close()
        if self._broken and error is None:
            raise self._broken[0]

    def respond(self, request: Request, wire: Wire) -> None:
        """Raises ``Gone`` where the connection is to end with this."""
        speaks = WIRES.get(request.path)
        with self._lock:
            self.requests.append(request)
            identity = self.state.id("req")
        try:
            if speaks is None:
                self._respond_otherwise(request, wire, identity)
                return
            with self._lock:
                if request.method != "POST":
                    raise Refusal("Method Not Allowed", 405)
                speaks.check(request, self.state)
            turn = self._turn(request)
            with self._lock:
                steps = deliver(turn, request, speaks, self.state, identity)
        except Refusal as refusal:
            self.refusals.append(refusal)
            speaks = speaks or (anthropic_wire if models.of_anthropic(request) else chat_wire)
            wire.send(refusal.status, speaks.error(refusal, identity), identity)
            return
        wire.play(steps, identity)

    def _respond_otherwise(self, request: Request, wire: Wire, identity: str) -> None:
        if not request.path.startswith("/v1/models"):
            raise Refusal(f"Unknown request URL: {request.method} {request.path}.", 404, code="unknown_url")
        wire.send(200, models.listed(request, self.model_names, self.state), identity)

    def _turn(self, request: Request) -> Turn:
        with self._lock:
            turn = self._answering or next(self._turns, None)
        if turn is None:
            raise Refusal(END)
        try:
            return turn(request) if callable(turn) else turn
        except Exception as error:  # of a test's own function: told where the test sees it
            self._broken.append(error)
            raise Refusal(f"The script failed: {error!r}") from error


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True

    def __init__(self, owner: Server) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Ends connections that clients keep open, so that no thread waits for them."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):  # the client was quicker
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(raw) if raw else {}
        request = Request(self.command, self.path.partition("?")[0], headers, body, raw)
        owner = self.server.owner
        try:
            owner.respond(request, Wire(self.wfile, self.connection, owner.closing))
        except (Gone, OSError):
            self.close_connection = True

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass
