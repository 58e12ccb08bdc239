"""Projects whose own file names the command: ``package.json``, ``composer.json``, ``Rakefile``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .files import Folder
from .python import Found

_MANAGERS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)
_NONE = "no test specified"
"""What ``npm init`` writes; it always fails."""


def node(folder: Folder) -> Iterator[Found]:
    package = folder.json("package.json")
    test = _script(package)
    if not test or _NONE in test:
        return
    named = str(package.get("packageManager", "")).partition("@")[0]
    if named in ("npm", "pnpm", "yarn", "bun"):
        manager, why = named, "package.json"
    else:
        lock, manager = next(((lock, name) for lock, name in _MANAGERS if folder.has(lock)), ("", "npm"))
        why = f"package.json, {lock}" if lock else "package.json"
    # `bun test` is its own runner, whatever the script says.
    yield "bun run test" if manager == "bun" else f"{manager} test", manager, f"{why} has a script `test`"


def php(folder: Folder) -> Iterator[Found]:
    if _script(folder.json("composer.json")):
        yield "composer test", "composer", "composer.json has a script `test`"
    for name in ("phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"):
        if folder.has(name):
            yield "vendor/bin/phpunit", "vendor/bin/phpunit", name
            return


def ruby(folder: Folder) -> Iterator[Found]:
    bundled = folder.has("Gemfile")
    before = "bundle exec " if bundled else ""
    if folder.has(".rspec") or folder.own(r"spec/.*_spec\.rb"):
        yield f"{before}rspec", "bundle" if bundled else "rspec", "spec"
    rakefile = next((name for name in ("Rakefile", "rakefile", "Rakefile.rb") if folder.has(name)), "")
    if rakefile and re.search(
        r"Rake::TestTask|\btask[ (]+(?::test\b|test:|[\"']test[\"'])", folder.text(rakefile) or ""
    ):
        yield f"{before}rake test", "bundle" if bundled else "rake", f"{rakefile} has a task `test`"
    if folder.has("bin/rails"):
        yield "bin/rails test", "bin/rails", "bin/rails"


def _script(package: Mapping[str, Any]) -> str:
    """``scripts.test``; a list of commands, as composer has them, is one as well."""
    scripts = package.get("scripts")
    test = scripts.get("test") if isinstance(scripts, Mapping) else None
    if isinstance(test, list):
        return " && ".join(map(str, test))
    return test.strip() if isinstance(test, str) else ""
