"""What the app knows of a long conversation, of which it reads the end."""

from __future__ import annotations

from pathlib import Path

from agentrt.history.journal import Journal
from agentrt.history.store import create, locate
from agentrt.tui.book import Book


def test_there_is_a_task_however_much_was_said_since(workspace: Path) -> None:
    store = locate(workspace)
    create(store)
    with Journal.open(store.journal) as journal:
        session, head = journal.create_session().id, 0
        book = Book(workspace)
        assert not book.has_task
        head = journal.say(session, head, "task", {"text": "do it"})
        for number in range(600):
            head = journal.say(session, head, "planner", {"text": f"turn {number}"})
    assert book.talked and len(book.conversation()) < 600
    assert book.has_task and not book.talked
    book.close()
