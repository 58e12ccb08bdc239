"""The permission layer: packs of rules and limits that people edit (docs/policies.md).

load, tightening     from names and files to chains of packs; those that may only make things stricter
pack, values         a pack's keys and what may stand there
rules, effects       rules on actions before they run, and on what they did
network, redacting   rules on requests; what no planner is sent
hiding               which files of a workspace are hidden
reading              what an action would run and touch, with hosts, remotes, programs
patterns             of commands, paths and hosts
ceilings             limits and budgets
approved, approving  answers that hold for the next time, and how one becomes a rule
alike, accepting     how a yes to what was done becomes a rule on all like it
own                  the user's own file, and how it is added to
policy               all of it at work
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .load import other_hands, read_chain
from .policy import PackPolicy

__all__ = ["PackPolicy", "open_policy"]


def open_policy(policy: str | Mapping[str, object], *, folder: Path, workspace: Path | None = None) -> PackPolicy:
    """A pack's name ("default"), a YAML file (relative to ``folder``), or what such a file would hold; with it what
    holds always, the user's own file, and that of the workspace.

    Raises ``DocumentError``, and ``UsageError`` where no pack has that name.
    """
    chain = read_chain(policy, folder)
    given = "default" if policy == "default" else Path(policy).stem if isinstance(policy, str) else "inline"
    return PackPolicy(chain[-1].pack.name or given, (chain, *filter(None, other_hands(folder, workspace))), workspace)
