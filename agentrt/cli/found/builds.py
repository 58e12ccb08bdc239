"""Projects whose build tool knows how they are tested."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from .files import Folder
from .python import Found

_CTEST = "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure"
_MESON = "(test -d build || meson setup build) && meson test -C build"
_ALWAYS = (
    ("Cargo.toml", "cargo test"),
    ("go.mod", "go test ./..."),
    ("mix.exs", "mix test"),
    ("rebar.config", "rebar3 eunit"),
    ("dune-project", "dune test"),
    ("stack.yaml", "stack test"),
    ("cabal.project", "cabal test"),
    ("Package.swift", "swift test"),
    ("build.sbt", "sbt test"),
    ("project.clj", "lein test"),
    ("deno.json", "deno test"),
    ("deno.jsonc", "deno test"),
)
"""The file whose presence is enough, and the command."""
_IN_ITS_TEXT = (
    ("CMakeLists.txt", r"^[^#\n]*\b(?:enable_testing|add_test|include\s*\(\s*CTest)\b", _CTEST),
    ("meson.build", r"^[ \t]*test[ \t]*\(", _MESON),
    ("build.zig", r"""step\(\s*"test\"""", "zig build test"),
    ("pubspec.yaml", r"^[ \t]*sdk:[ \t]*flutter\b", "flutter test"),
    ("pubspec.yaml", r"^[ \t]*test:", "dart test"),
)
"""The file, what must stand in it, and the command."""


def build_tools(folder: Folder) -> Iterator[Found]:
    for name, command in _ALWAYS:
        if folder.has(name):
            yield command, command.split()[0], name
    yield from _java(folder)
    yield from _dotnet(folder)
    for name, pattern, command in _IN_ITS_TEXT:
        if re.search(pattern, folder.text(name) or "", re.MULTILINE | re.IGNORECASE):
            yield command, "meson" if command is _MESON else command.split()[0], f"{name} has tests"
    if any(re.fullmatch(r"[^/]+\.cabal", name) for name in folder.top) and not folder.has("cabal.project"):
        yield "cabal test", "cabal", "a .cabal file"
    if folder.own(r"t/.*\.t"):
        yield "prove -lr t", "prove", "t/*.t"


def _java(folder: Folder) -> Iterator[Found]:
    gradle = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
    for names, wrapper, program in ((("pom.xml",), "mvnw", "mvn"), (gradle, "gradlew", "gradle")):
        mark = next((name for name in names if folder.has(name)), None)
        if mark is None:
            continue
        if folder.has(wrapper):
            # A wrapper that lost its mode, as from an archive, still is a shell script.
            start = f"./{wrapper}" if folder.runs(wrapper) else f"sh {wrapper}"
            yield f"{start} test", "java", f"{mark}, {wrapper}"
        else:
            yield f"{program} test", program, mark


def _dotnet(folder: Folder) -> Iterator[Found]:
    solutions = [name for name in folder.top if name.endswith((".sln", ".slnx"))]
    marks = solutions or [name for name in folder.top if name.endswith((".csproj", ".fsproj", ".vbproj"))]
    marks = [name for name in marks if name.isprintable() and folder.has(name)]  # what is not UTF-8 is not printable
    if marks:
        # With several it wants to be told which.
        several = len(marks) > 1 or (solutions and any(name.endswith("proj") for name in folder.top))
        which = f" ./{marks[0]}" if marks[0].startswith("-") else f" {marks[0]}"
        yield "dotnet test" + (f" {shlex.quote(which.strip())}" if several else ""), "dotnet", marks[0]
