"""The user's own file, as what a person says adds to it: shown as a diff, written whole or not at all."""

from __future__ import annotations

import difflib
import io
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from agentrt.documents import load_yaml
from agentrt.errors import UsageError

from .chains import Written
from .load import user_chain, user_file

if TYPE_CHECKING:
    from .policy import PackPolicy

Key = Literal["approved", "judge"]


def addition(
    key: Key, entries: Sequence[Mapping[str, object]], policy: PackPolicy, check: Callable[[PackPolicy], None]
) -> Addition:
    """More under ``key``. ``check`` raises ``UsageError`` where the policy that comes of it is not what was meant."""
    file = Path(os.path.realpath(user_file()))
    before = file.read_text() if file.is_file() else ""
    after = _with(before, key, entries)
    names = (str(user_file()),) * 2
    diff = "".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), *names))
    return Addition(diff, file, before, after, key, check, policy)


def users(policy: PackPolicy) -> Sequence[Written]:
    """What the user's own file says in it."""
    return [one for chain in policy.chains for one in chain if one.document.file == str(user_file())]


@dataclass(frozen=True)
class Addition:
    """Meets ``agentrt.contracts.Approval``."""

    diff: str
    file: Path
    before: str
    after: str
    key: Key
    check: Callable[[PackPolicy], None]
    policy: PackPolicy

    def write(self) -> None:
        """Raises ``UsageError`` where it would not do what it is for; then nothing has changed."""
        if (self.file.read_text() if self.file.is_file() else "") != self.before:
            raise UsageError(f"{self.file} has changed meanwhile", hint="look at the change once more")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.file.parent, prefix=".", suffix=".yaml")
        try:
            with open(descriptor, "w") as stream:
                stream.write(self.after)
                stream.flush()
                os.fsync(descriptor)
            self._check(Path(name))
            if self.file.is_file():
                os.chmod(name, self.file.stat().st_mode & 0o777)
            os.replace(name, self.file)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)

    def _check(self, written: Path) -> None:
        had = dict(load_yaml(self.file).data) if self.before else {}
        if {**load_yaml(written).data, self.key: None} != {**had, self.key: None}:
            raise UsageError(f"{self.file} cannot be added to without changing more of it", hint="add the rule by hand")
        others = [chain for chain in self.policy.chains[1:] if chain[-1].document.file != str(user_file())]
        self.check(replace(self.policy, chains=(self.policy.chains[0], *others, user_chain(written))))


def _with(text: str, key: str, entries: Sequence[Mapping[str, object]]) -> str:
    """The file with more under ``key``; all else, comments too, as it stood."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.util import load_yaml_guess_indent

    writer, out = YAML(), io.StringIO()
    writer.preserve_quotes, writer.width = True, 4096
    data, indent, offset = writer.load(text), None, None
    if text:
        _, indent, offset = load_yaml_guess_indent(text)
    data = CommentedMap() if data is None else data
    writer.indent(mapping=indent or 2, sequence=indent or 4, offset=2 if offset is None else offset)
    data.setdefault(key, []).extend({name: _flow(value) for name, value in entry.items()} for entry in entries)
    writer.dump(data, out)
    return out.getvalue()


def _flow(value: Any) -> Any:
    """Lists within an entry stand on one line."""
    if not isinstance(value, list | tuple):
        return value
    from ruamel.yaml.comments import CommentedSeq

    found = CommentedSeq(value)
    found.fa.set_flow_style()
    return found
