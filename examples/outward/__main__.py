"""An agent changes a file, a database and a service, and wants to send a mail. We take all of it back.

Run it with `python -m examples.outward`.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from examples.stage import Stage, differences, insist, say, tree

PORT = "8025"
"""As policy and script have it; the service takes any that is free."""
DID = ["1", "2", "3", "4"]
"""The agent's operations."""


def main() -> None:
    stage, service = Stage("outward"), Service()
    for name in ("policy.yaml", "script.yaml"):
        file = stage.example / name
        file.write_text(file.read_text().replace(PORT, str(service.port)))
    shop = stage.example / "shop.db"
    with closing(sqlite3.connect(shop)) as db:
        db.executescript(
            "CREATE TABLE prices (article TEXT PRIMARY KEY, price INTEGER);"
            "INSERT INTO prices VALUES ('cup', 400), ('pot', 1200), ('tea', 600);"
        )
    before = tree(stage.project), dump(shop), dict(service.tickets)

    say(
        "== Outward. An agent is to raise prices: in a file, in a database, in a ticket of a service, and in a mail to "
        "all customers, which nothing takes back."
    )
    stage.agentrt("task.yaml", cwd=stage.example)

    say("The rows and the ticket are out there; the file is in the sandbox; the mail waits until somebody says go.")
    stage.agentrt("log")
    insist(dump(shop) != before[1], "the database was meant to be changed")
    insist(list(service.tickets) == ["7"] and service.mails == [], "one ticket and no mail were meant to be there")

    say("But prices were not to be raised. What would it take to have all of it back?")
    stage.agentrt("revert", "--preview", *DID)

    say("Nothing was touched so far. Now it is done: file, rows and ticket together, and the mail is dropped.")
    stage.agentrt("revert", *DID)
    insist(differences(before[0], stage.tree_inside()) == [], "the file was meant to be as before")
    insist(dump(shop) == before[1], "the database was meant to be as before")
    insist(service.tickets == before[2], "the tickets were meant to be as before")
    insist(service.mails == [], "no mail was meant to be sent")
    say(
        f"Compared: files, {len(before[1])} lines of the database's dump, tickets. All is as it was, and "
        f"{len(service.mails)} mails were sent. The service was asked: {', '.join(service.asked)}."
    )
    service.close()
    stage.remove()


class Service:
    """Tickets that can be made, read and deleted, and mails that are sent as soon as they are there."""

    def __init__(self) -> None:
        self.tickets: dict[str, object] = {}
        self.mails: list[object] = []
        self.asked: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/mails":
                    service.mails.append(said)
                    self.answer(202, said)
                else:
                    service.tickets["7"] = said
                    self.answer(201, {**said, "id": 7}, {"Location": f"{self.path}/7"})

            def do_GET(self) -> None:
                found = service.tickets.get(Path(self.path).name)
                self.answer(404 if found is None else 200, found)

            def do_DELETE(self) -> None:
                self.answer(204 if service.tickets.pop(Path(self.path).name, None) else 404, None)

            def answer(self, status: int, said: object, headers: dict[str, str] | None = None) -> None:
                service.asked.append(f"{self.command} {self.path}")
                body = b"" if said is None else json.dumps(said).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *about: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as db:
        return list(db.iterdump())


if __name__ == "__main__":
    main()
