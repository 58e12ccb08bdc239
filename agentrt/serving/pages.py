"""What a browser is given: our page, and textual-serve's terminal, from its package. Nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

from agentrt.errors import PluginError

_CHANGES = {
    # It draws on a canvas; so the same text is in the page, too, for screen readers and for tests.
    b"scrollback:0,fontFamily:": b"scrollback:0,screenReaderMode:!0,fontFamily:",
    # Keys go to it without a click.
    b"this.terminal.open(e),": b"this.terminal.open(e),this.terminal.focus(),",
    # Where there is no WebGL it would stop here; and what draws in the end is the canvas, which is loaded next.
    b"this.terminal.loadAddon(this.webglAddon),": b"",
}
"""To the script of textual-serve: how it makes its terminal."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the terminal writes its own sheets
        "font-src 'self'",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # What looks like a link in a terminal opens no window.
        "sandbox allow-scripts allow-same-origin",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer."""

REFUSED = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>agentrt</title>'
    "<p>This is for whoever has the address that <code>agentrt serve</code> printed: open that one.</p>"
    '<p>If you just did, <a href="">go on</a>.</p></html>'  # a link elsewhere led here, and the cookie stays behind
)


class Content(NamedTuple):
    """One of a few files."""

    body: bytes
    kind: str


def page(title: str, socket: str) -> str:
    """``socket``: the address of the WebSocket."""
    from jinja2 import Environment

    template = files(__package__).joinpath("page.html").read_text("utf-8")
    return Environment(autoescape=True).from_string(template).render(title=title, socket=socket)


def contents() -> Mapping[str, Content]:
    """By name. Raises ``PluginError`` for a textual-serve that is not as we know it."""
    theirs = files("textual_serve") / "static"
    script = (theirs / "js" / "textual.js").read_bytes()
    for old, new in _CHANGES.items():
        if script.count(old) != 1:
            raise PluginError(
                "this textual-serve is not one that agentrt knows", hint="install agentrt again, with what it asks for"
            )
        script = script.replace(old, new)
    font = (theirs / "fonts" / "RobotoMono-VariableFont_wght.ttf").read_bytes()
    return {
        "textual.js": Content(script, "text/javascript"),
        "xterm.css": Content((theirs / "css" / "xterm.css").read_bytes(), "text/css"),
        "page.css": Content(files(__package__).joinpath("page.css").read_bytes(), "text/css"),
        "mono.ttf": Content(font, "font/ttf"),
    }
