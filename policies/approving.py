"""A person's yes, written into their own policy file so that nobody asks again."""

from __future__ import annotations

import difflib
import io
import os
import shlex
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from agentrt.contracts import Context
from agentrt.documents import load_yaml
from agentrt.errors import UsageError
from agentrt.records import Action

from .approved import Binding, Unapprovable, bindings
from .chains import Written
from .load import user_chain, user_file
from .reading import read

if TYPE_CHECKING:
    from .policy import PackPolicy


def proposal(action: Action, context: Context, policy: PackPolicy) -> Approval:
    """Raises ``UsageError`` that says why there can be none."""
    decision = policy.decide(action, context)
    if decision.verdict != "ask":
        raise UsageError(f"there is nothing to approve: {decision.rule} says {decision.verdict}")
    try:
        needed = sorted(set(bindings(read(action, context.workspace))))
    except Unapprovable as why:
        hint = "it can be approved each time it is asked about"
        raise UsageError(f"this cannot become a rule: {why}", hint=hint) from None
    file = Path(os.path.realpath(user_file()))
    before = file.read_text() if file.is_file() else ""
    known = {Binding(one.run, one.program) for written in _users(policy) for one in written.pack.approved}
    wanted = [one for one in needed if one not in known]
    after = _with(before, wanted, f"approved when {decision.rule} asked")
    names = (str(user_file()),) * 2
    diff = "".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), *names))
    return Approval(diff, file, before, after, action, context, policy)


@dataclass(frozen=True)
class Approval:
    """Meets ``agentrt.contracts.Approval``."""

    diff: str
    file: Path
    before: str
    after: str
    action: Action
    context: Context
    policy: PackPolicy

    def write(self) -> None:
        """Raises ``UsageError`` where the action would be asked about all the same; then nothing has changed."""
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
        if {**load_yaml(written).data, "approved": None} != {**had, "approved": None}:
            raise UsageError(f"{self.file} cannot be added to without changing more of it", hint="add the rule by hand")
        others = [chain for chain in self.policy.chains[1:] if chain[-1].document.file != str(user_file())]
        policy = replace(self.policy, chains=(self.policy.chains[0], *others, user_chain(written)))
        decision = policy.decide(self.action, self.context)
        if decision.verdict != "allow":
            raise UsageError(f"it would not be allowed all the same: {decision.rule} says {decision.verdict}")


def _users(policy: PackPolicy) -> Sequence[Written]:
    return [one for chain in policy.chains for one in chain if one.document.file == str(user_file())]


def _with(text: str, wanted: Sequence[Binding], because: str) -> str:
    """The file with more approved; all else, comments too, as it stood."""
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
    entries = [{"run": shlex.join(one.argv), "program": one.program, "because": because} for one in wanted]
    data.setdefault("approved", []).extend(entries)
    writer.dump(data, out)
    return out.getvalue()
