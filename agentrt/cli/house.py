"""``doctor``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from agentrt import plugins
from agentrt.documents import nearest
from agentrt.errors import UsageError
from agentrt.history.store import locate
from agentrt.homes import state_home
from agentrt.housing import sandbox_name
from agentrt.opening import open_policy
from agentrt.showing.plain import plain

from .options import HERE, Where
from .render import put, put_json

_DOCTORS = "agentrt.doctors"
"""Entry points: ``doctor(*, workspace, store, confinement)`` gives checks with ``name, ok, detail, cure, absent``.

What is ``absent`` a sandbox does without, unless somebody insists. One of which all is absent is not to be had here: a
fault only of the one in use."""
_Require = Annotated[list[str], Parameter(negative="", help="A check that must hold, such as landlock; repeatable.")]


def doctor(*, require: _Require | None = None, where: Where = HERE) -> int:
    """Find out by doing it which confinement is to be had here, and what is missing; 5 where none is."""
    from agentrt import __version__

    store = locate(where.workspace)
    confinement = open_policy("default", Path.cwd()).confinement
    found: list[dict[str, Any]] = []
    for name in plugins.names(_DOCTORS):
        examine: Any = plugins.find(_DOCTORS, name)
        for check in examine(workspace=store.workspace, store=store.layers, confinement=confinement):
            seen = {"name": check.name, "ok": check.ok, "detail": check.detail, "cure": check.cure}
            found.append({"sandbox": name, **seen, "absent": check.absent})
    chosen = sandbox_name()
    nowhere = {check["sandbox"] for check in found} - {check["sandbox"] for check in found if not check["absent"]}
    for check in found:
        check["ok"] = check["ok"] and not check["sandbox"] == chosen in nowhere
    _insist(require or [], found, nowhere)
    failed = {check["sandbox"] for check in found if not check["ok"]}
    working = set(plugins.names(_DOCTORS)) - failed - nowhere
    about = {
        "agentrt": __version__,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "state": str(state_home()),
        "sandboxes": plugins.names("agentrt.sandboxes"),
        "tools": plugins.names("agentrt.tools"),
        "active": None if chosen in failed else chosen,
    }
    if where.json:
        put_json({**about, "checks": found})
    else:
        put(f"agentrt {__version__}, Python {about['python']}, Linux {about['kernel']}")
        put(f"state folder: {plain(str(about['state']))}")
        put(f"tools: {', '.join(plugins.names('agentrt.tools'))}")
        for check in found:
            mark = "MISSING" if not check["ok"] else "absent " if check["absent"] else "ok     "
            put(f"{mark} {check['sandbox']}: {plain(check['name'])}: {plain(check['detail'])}")
            # Where none works, what one is not to be had for is of use, too.
            wanted = not check["ok"] or (not working and check["sandbox"] in nowhere)
            if check["cure"] and wanted:
                put(f"        cure: {plain(check['cure'])}")
        put(_active(chosen, chosen in failed))
        if chosen in failed:
            for name in sorted(working):
                put(f"{name} works here: AGENTRT_SANDBOX={name} chooses it, or `sandbox: {name}` in a task")
    return 0 if working else 5  # one that works is enough


def _insist(required: Sequence[str], found: list[dict[str, Any]], nowhere: Set[str]) -> None:
    """What is required and absent, or not told at all, is not well. Raises ``UsageError`` where no check has the name.

    Of a sandbox that does not work there are few checks: that it does not is then all there is to say.
    """
    broken = {check["sandbox"] for check in found if not check["ok"]}
    known = {check["name"] for check in found}
    for name in required:
        if name not in known and not broken:
            raise UsageError(f'no check is called "{name}"', hint=nearest(name, known))
        telling = {check["sandbox"] for check in found if check["name"] == name}
        silent = {check["sandbox"] for check in found} - telling - broken - nowhere
        told = {"name": name, "ok": False, "detail": "this sandbox does not tell", "cure": "", "absent": True}
        found += [{"sandbox": sandbox, **told} for sandbox in sorted(silent)]
    for check in found:
        check["ok"] = check["ok"] and not (check["absent"] and check["name"] in required)


def _active(chosen: str, failed: bool) -> str:
    """Which confinement commands here have, and why that one."""
    why = "named by AGENTRT_SANDBOX" if "AGENTRT_SANDBOX" in os.environ else "the default"
    if failed:
        return f"active: none; {plain(chosen)}, {why}, does not work here, and nothing is run without (exit code 5)"
    return f"active: {plain(chosen)}, {why}"
