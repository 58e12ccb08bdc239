"""The layers on disk, by name.

    <store>/<name>/work      what an action changed below the workspace
    <store>/<name>/rest      what it changed in home, tmp and var
    <store>/.base            the empty home, tmp and var that everything starts from
    <store>/.open/           the layer being written: work, rest and the kernel's work folders
    <store>/.squash-<hash>   several layers as one, to keep mounts shallow; made anew when missing

A snapshot names layers; ``name:rest`` means only that layer's ``rest`` (its work was applied).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence

from .layered import Layered

PARTS = ("work", "rest")
_CHUNK = 64
"""Layers squashed together. A mount of n layers is then n/64 + 63 deep; the kernel's end is 500."""


class Store:
    def __init__(self, folder: bytes, workspace: bytes) -> None:
        self.folder = folder
        self.base = {"work": workspace, "rest": folder + b"/.base"}

    def layer(self, name: str, part: str) -> bytes:
        return b"/".join((self.folder, os.fsencode(name), part.encode()))

    def uppers(self, layers: Sequence[str], part: str) -> list[bytes]:
        """The folders of ``layers`` that have something in ``part``, topmost first."""
        found = []
        for reference in reversed(layers):
            name, _, only = reference.partition(":")
            if only in ("", part):
                path = self.layer(name, part)
                if os.path.lexists(path):
                    found.append(path)
                elif not os.path.lexists(os.path.dirname(path)):
                    raise FileNotFoundError(2, "a layer is missing from the store", os.fsdecode(os.path.dirname(path)))
        return found

    def view(self, layers: Sequence[str], part: str) -> Layered:
        return Layered([*self.uppers(layers, part), self.base[part]])

    def chunks(self, layers: Sequence[str], part: str) -> list[tuple[bytes, list[bytes]]]:
        """Where each full run of layers is squashed, and what goes in: every run but the newest layers."""
        uppers = self.uppers(layers, part)[::-1]
        runs = [uppers[i : i + _CHUNK] for i in range(0, len(uppers) - _CHUNK + 1, _CHUNK)]
        return [(self._squashed(run), run[::-1]) for run in runs]

    def lowers(self, layers: Sequence[str], part: str) -> list[bytes]:
        """What to mount, topmost first: squashed runs where they exist, and the base."""
        uppers = self.uppers(layers, part)[::-1]
        lowers: list[bytes] = []
        for start in range(0, len(uppers), _CHUNK):
            run = uppers[start : start + _CHUNK]
            squashed = self._squashed(run)
            lowers += [squashed] if len(run) == _CHUNK and os.path.lexists(squashed) else run
        return [*lowers[::-1], self.base[part]]

    def _squashed(self, run: Sequence[bytes]) -> bytes:
        name = hashlib.sha256(b"\0".join(os.path.relpath(path, self.folder) for path in run)).hexdigest()[:24]
        return self.folder + b"/.squash-" + name.encode()

    @property
    def open_layer(self) -> bytes:
        return self.folder + b"/.open"


def remove_tree(path: bytes) -> None:
    """Remove a folder of ours; the server's capabilities see to the modes an action left in it."""
    if os.path.lexists(path):
        shutil.rmtree(path)
