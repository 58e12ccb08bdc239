"""The task file that ``agentrt init`` writes, as text. All that stands in it as a value went through ruamel."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any

from agentrt.planners.found import KEYS, MODELS, Key
from agentrt.showing.plain import plain
from agentrt.task import PLACEHOLDER

from .found.around import POLICY, Around, Unconfined
from .found.tests import Check

_CREW = {"role": "looks at it", "policy": {"files": {"read_only": ["**"]}}}
_NO_KEY = f"""\
No key was found. There are three ways to a model:
- a key in the environment: {" or ".join(KEYS.values())};
- a key that agentrt keeps: agentrt secrets set ANTHROPIC_API_KEY --host api.anthropic.com
- a local server such as Ollama, vLLM or llama.cpp, which needs none. Put in place of the line below
    planner: {{provider: openai, base_url: "http://127.0.0.1:11434/v1", model: NAME}}"""


def draft(
    *,
    command: str,
    workspace: str,
    checks: Sequence[Check],
    keys: Sequence[Key],
    around: Around,
    lack: Unconfined | None,
) -> str:
    """``command`` runs the file; ``workspace`` is relative to it, ``checks`` and ``keys`` begin with those to write."""
    parts = [
        _told(
            "What an agent is to do in this folder, and how its work is judged.",
            f"Run it with: {command}",
            "What is commented out shows the default, or an example. docs/tasks.md has all about it.",
        ),
        _told("What the agent is told to do. Write it here; until then nothing is run.", *_instructions(around))
        + _line("objective", PLACEHOLDER),
        _told("Who plans: a model of anthropic or openai, or {script: FILE}.", *_planning(keys))
        + _line("planner", _planner(keys[0].provider if keys else "anthropic")),
        _told("The folder to work in, from where this file lies.")
        + _line("workspace", workspace, used=workspace != "."),
        _told("What it may do: default, strict, read-only, unattended, or a file of your own.", *_policy(around))
        + _line("policy", "default", used=False),
        _told("Where it happens.", *_confinement(lack)) + _line("sandbox", "local", used=False),
        _told("A shell command whose exit code decides about success. It runs in the sandbox.", *_verifying(checks))
        + _line("verify", checks[0].command if checks else "make test", used=bool(checks)),
        _told("What has to hold besides: sentences, or sentences with a command that checks them.")
        + _line("rules", ["no new dependencies", _flow(rule="it is formatted", check="make fmt-check")], used=False),
        _told("Several agents in turn, each with a role, and a planner and rules of its own where it needs them.")
        + _line("crew", {"agents": {"developer": _flow(role="writes the code"), "reviewer": _CREW}}, used=False),
        _told("Where a run ends; cost_usd counts where a model's prices are known.")
        + _line("limits", _flow(actions=50, turns=100, minutes=20, cost_usd=2), used=False),
        _told("What becomes of work that nobody reviews in time: accept or reject.")
        + _line("review", _flow(deadline="2h", then="reject"), used=False),
        _told("Whether the outcome is written to your files: never (`agentrt apply` does it), on_success, or ask.")
        + _line("apply", "never", used=False),
    ]
    return "\n".join(parts)


def _instructions(around: Around) -> list[str]:
    names = " and ".join(around.instructions)
    if not names:
        return []
    return [f"{names}: not read by itself. Where the agent should follow it, say so in the objective."]


def _planning(keys: Sequence[Key]) -> list[str]:
    if not keys:
        return _NO_KEY.splitlines()
    told = [f"{keys[0].name} is {keys[0].place}." + _of_a_server(keys[0])]
    return told + [f"There is also {key.name}, {key.place}, for {{provider: {key.provider}}}." for key in keys[1:]]


def _of_a_server(key: Key) -> str:
    return " Name a model that this server has." if key.name not in KEYS.values() else ""


def _planner(provider: str) -> Any:
    return _flow(provider=provider, model=MODELS[provider])


def _policy(around: Around) -> list[str]:
    return [f"{POLICY} is here and makes it stricter, whichever is named."] if around.policy else []


def _confinement(lack: Unconfined | None) -> list[str]:
    if lack is None:
        return []
    return [f"It does not work on this machine: {lack.detail}", *([f"Cure: {lack.cure}"] if lack.cure else [])]


def _verifying(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return ["None was found here: without one, the agent's own word decides."]
    return [f"Found: {checks[0].told}.", *(f"Or: {check.command} ({check.told})" for check in checks[1:])]


def _told(*lines: str) -> str:
    """Comments. A line stays one, whatever a name in it holds."""
    return "".join(f"# {plain(line)}\n" for line in lines)


def _line(key: str, value: Any, *, used: bool = True) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(pure=True)
    yaml.width = sys.maxsize
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = io.StringIO()
    yaml.dump({key: value}, written)
    text = written.getvalue()
    return text if used else "".join(f"# {line}\n" for line in text.splitlines())


def _flow(**values: Any) -> Any:
    """A mapping that is written on one line."""
    from ruamel.yaml.comments import CommentedMap

    flow = CommentedMap(values)
    flow.fa.set_flow_style()
    return flow
