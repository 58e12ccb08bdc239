"""Where actions happen."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from agentrt.records import (
    FileEffect,
    FileState,
    Limits,
    Pick,
    Record,
    Snapshot,
)

Wall = Literal["landlock", "seccomp"]
"""What a kernel may lack without every sandbox being impossible there."""


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command ended."""

    exit_code: int
    """The command's own code; 128 + n where signal n ended it, as shells say it."""
    timed_out: bool = False
    killed: int = 0
    """Processes that were still alive when the command ended, and were killed with it."""
    seconds: float = 0.0
    exceeded: str = ""
    """The limit, other than of time, that ended it: ``used 2.1 GB of memory; the limit is 2 GB``."""


class Confinement(Record):
    """What a policy asks of a sandbox, beyond what every sandbox does."""

    network: Literal["none", "proxy"] = "none"
    """proxy: through ``Sandbox.door``, and for what ``Policy.admit`` says only."""
    bind: tuple[str, ...] = ()
    """Folders of the host shown read-only at their own path (toolchains the sandbox does not find itself)."""
    hide: tuple[str, ...] = ()
    """Toolchain folders the sandbox found and must not show."""
    hidden: tuple[str, ...] = ()
    """Files and folders of the workspace, relative to it: they are there, and empty, whatever they hold."""
    planted: Mapping[str, bytes] = {}
    """Files that are there, read-only, and are no part of any layer: by absolute path, ``~`` being the home inside."""
    canaries: tuple[str, ...] = ()
    """Where to plant files that nobody has a reason to send anywhere."""
    secrets: tuple[str, ...] = ()
    """Names of those whose placeholders are in the environment."""
    require: tuple[Wall, ...] = ()
    """Where one of these is not to be had, or is unknown to it, a sandbox does not start."""


class Sandbox(Protocol):
    """Where actions happen. It stands on one snapshot; what is done since is unsealed.

    Raises ``SandboxUnavailable`` (from ``start``), ``SandboxError``, ``DiskFull``.
    """

    @property
    def workspace(self) -> str:
        """The workspace's absolute path, as processes inside see it."""
        ...

    async def start(self, snapshot: Snapshot) -> None:
        """Get ready to stand on ``snapshot``; nothing is mounted or run yet."""
        ...

    async def begin(self, name: str) -> None:
        """What is done from here to ``seal`` belongs to the layer ``name`` (unique in the store, [a-z0-9.-]+)."""
        ...

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        limits: Limits | None = None,
        on_output: Callable[[bytes], None] | None = None,
        on_error: Callable[[bytes], None] | None = None,
    ) -> ExecResult:
        """Run a command; every process it started is dead on return, also when this call is cancelled.

        Standard error goes to ``on_output`` in the order written, unless ``on_error`` takes it apart. A program
        that is not there is exit code 127 with a line on standard error.
        """
        ...

    async def read(self, path: str, *, limit: int | None = None) -> bytes:
        """The content of a file as a process inside would read it. Raises the ``OSError`` that process would get."""
        ...

    async def write(self, path: str, data: bytes) -> None:
        """Create or replace a file's content, keeping its mode; missing parents are made. Raises ``OSError``."""
        ...

    async def seal(self) -> Snapshot:
        """Freeze what was done since ``begin`` and stand on the result; the same snapshot if nothing changed."""
        ...

    async def discard(self) -> None:
        """Forget what was done since ``begin``."""
        ...

    async def changes(self, a: Snapshot, b: Snapshot) -> list[FileEffect]:
        """Every path that differs, sorted; deleted and created trees are listed path by path."""
        ...

    async def look(self, snapshot: Snapshot, paths: Sequence[str]) -> list[FileState | None]:
        """What is at each path as of ``snapshot``; None where nothing is. Links on the way are not followed."""
        ...

    async def read_at(self, snapshot: Snapshot, path: str) -> BinaryIO:
        """A regular file as of ``snapshot``, open for reading, whatever its mode. Raises ``OSError``."""
        ...

    async def read_many(self, snapshot: Snapshot, paths: Sequence[str]) -> list[BinaryIO]:
        """The same of several, in that order, or of none. Each takes a descriptor: 64 are never too many."""
        ...

    async def door(self) -> socket.socket:
        """A TCP socket that listens on the loopback as processes inside see it, for the caller to accept from: with
        ``Confinement.network`` "proxy" their only way out. The same one at each call, as long as the sandbox lives;
        the caller does not close it.
        """
        ...

    async def restore(self, snapshot: Snapshot) -> None:
        """Stand on ``snapshot``; unsealed work is discarded."""
        ...

    async def keep(self, snapshot: Snapshot, effects: Sequence[FileEffect], name: str) -> Snapshot:
        """A snapshot that differs from the real workspace in ``effects`` only; all else outside it as ``snapshot``."""
        ...

    async def graft(self, onto: Snapshot, picks: Sequence[Pick], name: str) -> Snapshot:
        """A snapshot that is ``onto`` but at the paths of ``picks``; ``onto`` itself where that is no difference.

        A folder that is to go and holds what no pick takes away stays. A path whose folder is no folder in the
        result is left as it is in ``onto``.
        """
        ...

    async def remove(self, names: Sequence[str]) -> None:
        """Delete layers for good. Only for names that no snapshot in the journal has."""
        ...

    async def purge(self, path: str, *, dry_run: bool = False) -> Sequence[str]:
        """Take what lies at ``path``, a file or a folder, out of every layer; the names of those that had it.

        What was not sealed is discarded. In a view where a layer had it, the path is then as in the real workspace.
        """
        ...

    async def fork(self, snapshot: Snapshot) -> Sandbox:
        """A second sandbox over the same layers, standing on ``snapshot``; both must be closed."""
        ...

    async def close(self) -> None:
        """Kill what runs, unmount, leave sealed layers on disk."""
        ...


<<<<<<< HEAD:agentrt/contracts/sandbox.py
=======
class World(Protocol):
    """What a tool may touch: the sandbox, under the limits of the policy."""

    @property
    def workspace(self) -> str: ...

    async def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        seconds: float | None = None,
    ) -> Observation:
        """Run a command and keep its output: capped head and tail in the observation, the whole on disk."""
        ...

    async def read(self, path: str, *, limit: int | None = None) -> bytes: ...

    async def write(self, path: str, data: bytes) -> None: ...

    def narrow(self, rules: Mapping[str, object]) -> None:
        """Try the session's policy with these rules on top. Raises ``UsageError`` unless they make it stricter; they
        hold once the action, whose kind is ``narrow`` and whose field ``rules`` these are, is settled."""
        ...

    def show(self, text: str) -> Observation:
        """An observation of ``text``, capped and kept like a command's output."""
        ...


class Tool(Protocol):
    """Something an agent can do."""

    name: str
    description: str
    """What a planner is told about it."""
    action: type[Action]

    async def run(self, action: Action, world: World) -> Observation:
        """Carry it out. What went wrong in the action is ``Observation.error``, not an exception."""
        ...

    def show(self, action: Action) -> str:
        """One line for a person: what this would do."""
        ...

    def reads(self, action: Action) -> Sequence[str] | None:
        """The files it reads, as the action names them; None where the action does not tell."""
        ...


class Context(Record):
    """What a policy may know besides the action."""

    workspace: str
    session: str
    attended: bool
    """A person is there to be asked."""
    spent: Spent = Spent()
    """By the session's actions before this one; of a request, by this one's requests as well."""
    sent: Spent = Spent()
    """Of a request: by the requests before it of the same action."""
    flags: frozenset[str] = frozenset()
    """What is true of the session: ``saw_untrusted`` (something came in from outside), ``read_secret``, ``frozen`` (a
    canary was on its way out, and no person has looked at that yet)."""


class Approval(Protocol):
    """A yes that may become a rule of the user's own policy file."""

    @property
    def diff(self) -> str:
        """What would change in the file, as a unified diff."""
        ...

    def write(self) -> None:
        """Change it. Raises ``UsageError`` where that is not possible; the file is as it was then."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked before an action runs."""

    action: Action
    shown: str
    """What it would do, on one line."""
    decision: Decision
    """``ask`` or ``hold``, the rule that says so, and why."""
    approval: Callable[[], Approval]
    """The rule that a yes may become. Raises ``UsageError``: why it cannot become one."""


class Ask(Protocol):
    """Puts a question to a person, and waits for the answer however long it takes."""

    async def __call__(self, question: Question) -> Answer: ...


class Opinion(Protocol):
    """A second opinion on an action, a model's say: whatever it is, the stricter word counts."""

    async def __call__(self, action: Action, decision: Decision, context: Context) -> Decision: ...


class Policy(Protocol):
    """The permission layer."""

    @property
    def name(self) -> str: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def confinement(self) -> Confinement: ...

    @property
    def redactions(self) -> Sequence[Redaction]: ...

    def decide(self, action: Action, context: Context) -> Decision: ...

    def judge(self, action: Action, effects: Sequence[Effect], context: Context) -> Judgement: ...

    def admit(self, request: Request, context: Context) -> Admission:
        """Whether a request of an action goes out."""
        ...

    def explain(self, action: Action, context: Context) -> Explanation:
        """How it comes to what ``decide`` says."""
        ...

    def approval(self, action: Action, context: Context) -> Approval:
        """The rule by which an action would not be asked about again. Raises ``UsageError``: why there is none."""
        ...

    def narrowed(self, rules: Mapping[str, object], *, origin: str) -> Policy:
        """This policy and some rules more, which may only make it stricter; ``origin`` stands where a rule's file does.

        Raises ``DocumentError``.
        """
        ...

    def examples(self) -> Sequence[RuleExample]:
        """What its rules say of themselves, all of it true."""
        ...


class Planner(Protocol):
    """What proposes actions."""

    name: str

    async def plan(self, conversation: Sequence[Message], tools: Sequence[ToolSpec]) -> Turn:
        """The next turn. A turn without actions ends the run. Raises ``PlannerError``."""
        ...


>>>>>>> 71b374fc76e1b65e5199c8d770ded92e8cc9ee5e:agentrt/contracts.py
class OpenSandbox(Protocol):
    """Entry point ``agentrt.sandboxes``. ``store`` is the folder for layers, on a disk, private to the user."""

    def __call__(
        self, options: Mapping[str, object], *, workspace: Path, store: Path, confinement: Confinement
    ) -> Sandbox: ...
