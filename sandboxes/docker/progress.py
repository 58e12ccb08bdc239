"""What an engine says while it pulls and builds, as a few lines for a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from agentrt.units import format_size

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_STEP = re.compile(r"step \d+/\d+ ?: ", re.IGNORECASE)
_NOISE = re.compile(r" *--->|Removing intermediate container|Successfully (built|tagged) ")


class Pulling:
    """The layers of one image as one: a line for each tenth that is there."""

    def __init__(self, name: str, report: Callable[[str], None]) -> None:
        self._name, self._report = name, report
        self._layers: dict[str, tuple[int, int]] = {}
        self._tenth = 0

    def take(self, said: Mapping[str, Any]) -> None:
        """One message of the engine's."""
        layer, status = str(said.get("id", "")), said.get("status")
        detail = said.get("progressDetail") or {}
        here, whole = detail.get("current"), detail.get("total")
        if status == "Downloading" and isinstance(here, int) and isinstance(whole, int) and whole > 0:
            self._layers[layer] = min(here, whole), whole
        elif status in ("Download complete", "Pull complete") and layer in self._layers:
            self._layers[layer] = (self._layers[layer][1],) * 2
        else:
            return
        here, whole = (sum(column) for column in zip(*self._layers.values(), strict=True))
        # A layer that is only heard of now makes the share smaller: no line is said twice for that.
        if (tenth := here * 10 // whole) > self._tenth:
            self._tenth = tenth
            self._report(f"pulling {self._name}: {format_size(here)} of {format_size(whole)}")


class Building:
    """A build's own lines as they come, but for steps that the engine's cache has; and what is to be said of it if it
    fails."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._pulling: Pulling | None = None
        self._untold: list[str] = []
        """Steps of which it is not known yet whether there is anything to do."""
        self._begun = ""
        """Of a line that did not end yet."""
        self.step = ""
        """As the engine counts: ``Step 3/5 : RUN make``, of podman ``STEP 3/5: RUN make``."""
        self.last = ""
        """The last line that the step printed."""

    def take(self, said: Mapping[str, Any]) -> None:
        """One message of the engine's."""
        stream = said.get("stream")
        if isinstance(stream, str):
            if noise := _NOISE.match(stream):  # the engine's own, after what a command may have left without its end
                stream = "\n"
            *lines, self._begun = (self._begun + stream).replace("\r", "\n").split("\n")
            for line in lines:
                self._line(_COLOURS.sub("", line).rstrip())
            if noise and "Using cache" in said["stream"]:
                self._untold.clear()
            elif noise and " : FROM " not in self.step:
                self._tell()
        elif "status" in said:
            if self._pulling is None:
                self._pulling = Pulling(self.step.partition("FROM ")[2] or "its base", self._report)
            self._tell()
            self._pulling.take(said)

    def end(self) -> None:
        """Nothing more comes."""
        self.take({"stream": "\n"})

    def _line(self, line: str) -> None:
        if not line:
            return
        if _STEP.match(line):
            self.step, self.last, self._pulling = line, "", None
            self._untold.append(line)
        else:
            self.last = line
            self._tell(line)

    def _tell(self, *lines: str) -> None:
        for line in (*self._untold, *lines):
            self._report(line)
        self._untold.clear()
