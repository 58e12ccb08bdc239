"""A report as a browser's parser sees it."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Its elements and attributes, and its text by place."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.values: dict[tuple[str, str], set[str]] = {}
        self.texts: list[tuple[str, str]] = []
        """The innermost element, and what it says."""
        self.open: list[str] = []
        self.mistakes: list[str] = []
        self.feed(html)
        self.close()
        if self.open:
            self.mistakes.append(f"never closed: {self.open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            self.attributes.add((tag, name))
            self.values.setdefault((tag, name), set()).add(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.mistakes.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def handle_comment(self, data: str) -> None:
        self.mistakes.append(f"comment {data!r}")

    @property
    def text(self) -> str:
        return "".join(data for place, data in self.texts if place not in ("style", "title"))

    def of(self, element: str) -> list[str]:
        return [data for place, data in self.texts if place == element]
