"""``agentrt``: from words to a command, from errors to exit codes.

0 done · 1 the task failed · 2 wrong usage or configuration · 3 denied, or a person is needed · 4 conflict, nothing
touched · 5 no sandbox · 130 interrupted (by SIGTERM 143, by SIGHUP 129). ``exec`` and ``shell`` have the code of what
they ran, and 125 instead of 1.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Group, Parameter

from agentrt.errors import AgentrtError
from agentrt.showing.plain import plain

from .options import HERE, Where

_COMMANDS = {
    "Doing": {
        "init": ("init:init", "Write a task file for this folder, with how its tests are run and who can plan."),
        "run": ("work:run", "Let an agent work on a task, headless (the same: agentrt TASK.yaml)."),
        "exec": ("work:execute", "Run one command in the sandbox: agentrt exec -- make test."),
        "apply": ("moves:apply", "Write what the session did to the real workspace."),
        "new": ("work:new", "Start a session on the workspace as it is."),
    },
    "Going back": {
        "undo": ("moves:undo", "Take back the last steps that stand."),
        "redo": ("moves:redo", "Do again what was undone last."),
        "restore": ("moves:restore", "Go to where the session stood after an operation."),
        "revert": ("revert:revert", "Take out old operations and keep the later ones."),
        "fork": ("work:fork", "Start a second session from where this one stood after an operation."),
    },
    "Reviewing": {
        "review": ("review:review", "List what waits for a word."),
        "accept": ("review:accept", "Say yes to operations, or to files and hunks of one."),
        "reject": ("review:reject", "Take out operations, or files and hunks of one, and tell the agent why."),
    },
    "Looking": {
        "tui": ("app:tui", "Open the terminal app (the same: agentrt)."),
        "log": ("looking:log", "List the session's operations, oldest first."),
        "show": ("looking:show", "Show one operation whole."),
        "diff": ("diff:diff", "Show changes of files: of OP, of A..B, or all that is not applied."),
        "shell": ("shell:shell", "Look around and try things in the sandbox as of OP; nothing of it is kept."),
        "sessions": ("looking:sessions", "List the workspace's sessions."),
        "serve": ("serve:serve", "Put the terminal app into a browser, on this machine only."),
        "report": ("report:report", "Write the whole session as one HTML file, to look at or to hand on."),
    },
    "Keeping house": {
        "doctor": ("house:doctor", "Find out which confinement is to be had here, and what is missing."),
        "gc": ("gc:gc", "Remove what is kept on disk and nothing can come back to."),
        "verify-undo": ("verify:verify_undo", "Restore every view elsewhere and compare it with what was recorded."),
    },
}
"""Each is imported when it is used: ``agentrt log`` must not pay for a sandbox."""
_POLICY = {
    "check": "Read a policy and say whether it is well-formed.",
    "test": "Try the examples of a policy's rules.",
    "explain": "Say how a command is read and decided on: agentrt policy explain -- git push.",
    "replay": "Say what another policy would have made of a session.",
}
_SECRETS = {
    "set": ("set_", "Keep a secret: agentrt secrets set NAME --host HOST."),
    "list": ("list_", "List names, hosts, and where each is kept; never values."),
    "rm": ("rm", "Forget secrets."),
}
_APIS = {
    "list": ("list_", "List the services agents may be let ask, and what each can be asked for."),
    "login": ("login", "Log in at a service, for what a policy lets agents do there: agentrt api login github."),
    "check": ("check", "Read an API pack and say whether it is well-formed, and what is to be confirmed."),
    "import": ("import_", "Draft an API pack from an OpenAPI document."),
    "schema": ("schema", "Print the JSON Schema of API packs."),
}
_GROUPS = ("policy", "secrets", "api")
"""Commands of two words."""
_LENT = ("exec", "shell")
"""Their exit codes are those of what they run."""
_GLOBAL = {"--workspace": 1, "--session": 1, "--json": 0}
"""Options of every command, which may also stand before it; how many words they take."""


def build() -> App:
    app = App(
        name="agentrt",
        help="Run an AI agent's actions as transactions, and take back any of them.",
        version=_version,
        help_format="plaintext",
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    group = Group("")
    for order, (title, commands) in enumerate(_COMMANDS.items()):
        group = Group(title, sort_key=order)
        for key, (name, (place, text)) in enumerate(commands.items()):
            app.command(f"agentrt.cli.{place}", name=name, group=group, help=text, sort_key=key)
    policy = App(name="policy", help="What agents may do.", group=group)
    for name, text in _POLICY.items():
        policy.command(f"agentrt.cli.policy:{name}", name=name, help=text)
    app.command(policy)
    secrets = App(name="secrets", help="Values that agents use and never see.", group=group)
    for name, (place, text) in _SECRETS.items():
        secrets.command(f"agentrt.cli.secrets:{place}", name=name, help=text)
    app.command(secrets)
    apis = App(name="api", help="Services that agents may ask, and what takes that back.", group=group)
    for name, (place, text) in _APIS.items():
        apis.command(f"agentrt.cli.api:{place}", name=name, help=text)
    app.command(apis)
    app.default(_start)
    return app


def _start(
    task: Annotated[Path | None, Parameter(help="A task file to run, headless.")] = None, /, *, where: Where = HERE
) -> int:
    """Run a task file; without one open the terminal app, or, where there is no terminal, say how things stand."""
    if task is not None:
        from .work import run

        return run(task, where=where)
    from .app import at_terminal, tui

    if at_terminal() and not where.json:
        return tui(where=where)
    from .looking import status

    return status(where)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    _open_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    # Looking for pydantic's plug-ins reads every installed package's metadata: a tenth of what `agentrt log` costs.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    sys.exit(_guarded(_reordered(words)))


def _guarded(words: list[str]) -> int:
    command = words[0] if words and not words[0].startswith("-") else ""
    json = "--json" in words[: words.index("--")] if "--" in words else "--json" in words
    try:
        try:
            _check_command(command)
            code = build()(words)
            return code if isinstance(code, int) else 0
        except CycloptsError as error:
            return _usage(error, words, json=json)
        except AgentrtError as error:
            _put(error, json=json)
            return 125 if command in _LENT and error.exit_code == 1 else error.exit_code
        except KeyboardInterrupt as interrupted:
            return _interrupted(interrupted)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt as interrupted:
        return _interrupted(interrupted)
    except BrokenPipeError:
        _mute()  # who reads has seen enough
        return 0
    except Exception as error:
        _mute()
        if os.environ.get("AGENTRT_DEBUG") == "1":
            traceback.print_exc()
        if isinstance(error, OSError):
            _say(plain(str(error)))
        else:
            _say(f"this is a bug in agentrt: {type(error).__name__}: {plain(str(error))}")
            print("hint: please report it, with what AGENTRT_DEBUG=1 prints in front of this", file=sys.stderr)
        return 125 if command in _LENT else 1


def _interrupted(by: KeyboardInterrupt) -> int:
    """128 and the signal's number, as shells have it. After SIGHUP there may be no terminal to tell it."""
    import signal

    from .interrupting import Interrupted
    from .render import mute, put_error, say

    number, hint = (by.number, by.hint) if isinstance(by, Interrupted) else (int(signal.SIGINT), "")
    try:
        sys.stdout.flush()
    except OSError:
        mute()
    try:
        if isinstance(by.__cause__, AgentrtError):
            put_error(by.__cause__, json=False)
        say("interrupted" + (f"; {hint}" if hint else ""))
    except OSError:
        mute(sys.stderr)
    return 128 + number


def _open_streams() -> None:
    """A standard stream that is closed leads nowhere; else the next file that is opened would take its number."""
    for number in range(3):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 (for good)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 (for good)


def _check_command(word: str) -> None:
    """The first word is a command or a task file. Raises ``UsageError`` with the nearest command."""
    known = [name for commands in _COMMANDS.values() for name in commands] + [*_GROUPS]
    if not word or word in known or word.endswith((".yaml", ".yml")) or os.path.lexists(word):
        return
    import difflib

    from agentrt.errors import UsageError

    close = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "agentrt --help lists the commands; a task is a .yaml file"
    raise UsageError(f"no command {word!r}", hint=hint)


def _usage(error: CycloptsError, words: list[str], *, json: bool) -> int:
    from agentrt.errors import UsageError

    from .usage import told

    message, hint = told(error, words)
    _put(UsageError(message, hint=hint), json=json)
    return 2


# Most of what `agentrt --help` would cost is what render needs for operations.


def _say(text: str) -> None:
    from .render import say

    say(text)


def _mute() -> None:
    from .render import mute

    mute()


def _put(error: AgentrtError, *, json: bool) -> None:
    from .render import put_error

    put_error(error, json=json)


def _reordered(words: list[str]) -> list[str]:
    """Options of every command that stand before it are put behind it."""
    at = 0
    while at < len(words) and words[at].split("=", 1)[0] in _GLOBAL:
        name, given, _ = words[at].partition("=")
        at += 1 if given else 1 + _GLOBAL[name]
    if 0 < at < len(words) and not words[at].startswith("-"):
        depth = 2 if words[at] in _GROUPS else 1
        return [*words[at : at + depth], *words[:at], *words[at + depth :]]
    return words


def _version() -> str:
    from agentrt import __version__

    return f"agentrt {__version__}"
