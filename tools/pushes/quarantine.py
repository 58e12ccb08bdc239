"""A bare repository in the action's own folder: an agent's objects are looked at there, and leave from there.

It is written by agentrt alone, so that git of the host, by GitPython, may work in it: there are no hooks, filters or
settings of an agent's, and of a repository's own configuration only what says how to get to remotes
(``remotes.settings``), handed over in the environment. Objects that the user's repository has are borrowed from it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentrt.errors import ResourceError, Unanswered, UsageError
from agentrt.history import steps
from agentrt.repository.host import Repository, programs

from . import dying, remotes
from .alive import on_its_way

if TYPE_CHECKING:
    from git import Repo

_ASK_SECONDS, _PUSH_SECONDS, _WORK_SECONDS = 60.0, 600.0, 300.0
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.bigFileThreshold": "50m",  # what is larger is not read into memory to be looked at
    "gc.auto": "0",
    "maintenance.auto": "false",
    "log.showSignature": "false",
    "push.followTags": "false",
    "push.recurseSubmodules": "no",
    "submodule.recurse": "false",
}
_THERE = "refs/agentrt/there"
_BROKE_OFF = ("RPC failed", "hung up unexpectedly")
"""What git says where a server had begun to listen."""
_CUT = 400


class Quarantine:
    """Blocks. Raises ``ResourceError``."""

    def __init__(self, folder: Path, user: Repository) -> None:
        self._folder, self._user = folder, user
        self._repo: Repo | None = None

    @classmethod
    def make(cls, folder: Path, user: Repository, pack: bytes) -> Quarantine:
        """With the objects of ``pack``. Raises ``UsageError`` where that is none, or one of them is unsound."""
        hash_name = (user.ask("rev-parse", "--show-object-format") or b"sha1").decode("ascii", "replace")
        try:
            shutil.rmtree(folder, ignore_errors=True)
            for name in ("refs", "objects/pack", "objects/info"):
                (folder / name).mkdir(mode=0o700, parents=True)
            (folder / "HEAD").write_text("ref: refs/heads/none\n")
            (folder / "config").write_text(
                f"[core]\n\tbare = true\n\trepositoryformatversion = {int(hash_name != 'sha1')}\n"
                + (f"[extensions]\n\tobjectFormat = {hash_name}\n" if hash_name != "sha1" else "")
            )
            objects = remotes.objects_of(user)
            (folder / "objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
            if (shallow := objects.parent / "shallow").exists():
                shutil.copy(shallow, folder / "shallow")
            (folder / "in.pack").write_bytes(pack)
        except OSError as error:
            raise ResourceError(f"a push could not be kept: {error.strerror or error}") from error
        made = cls(folder, user)
        made._open()
        try:
            with (folder / "in.pack").open("rb") as stream:
                made._git("index-pack", "--stdin", "--strict", input_=stream)
        except ResourceError as error:
            raise UsageError(f"what the sandbox packed is not sound: {error}") from error
        finally:
            (folder / "in.pack").unlink()
        return made

    @property
    def pack(self) -> Path | None:
        """The agent's objects; None where the user's repository has all of them."""
        packs = (self._folder / "objects/pack").glob("*.pack")
        return next((pack for pack in packs if not pack.with_suffix(".keep").exists()), None)

    def check(self, commit: str, known: Sequence[str]) -> None:
        """Raises ``UsageError`` unless it is a commit, and all that it needs is here; ``known`` is not looked into."""
        try:
            if self._git("cat-file", "-t", commit).strip() != "commit":
                raise UsageError(f"{commit} is no commit")
            self._listed(commit, known, "--objects", "--quiet")
        except ResourceError as error:
            raise UsageError(f"the commit {commit[:10]} did not come out of the sandbox whole: {error}") from error

    def follows(self, commit: str, before: str) -> bool:
        return self._git("merge-base", before, commit, fine=(0, 1)).strip() == before

    def commits(self, commit: str, known: Sequence[str], *, most: int) -> tuple[int, list[tuple[str, str, str]]]:
        """How many lead to it from what is ``known``, and the newest: hash, author, subject."""
        names = self._listed(commit, known, "--topo-order").split()
        found = (self._open().commit(name) for name in names[:most])
        return len(names), [(one.hexsha, f"{one.author.name} <{one.author.email}>", str(one.summary)) for one in found]

    def diffstat(self, commit: str, before: str | None, known: Sequence[str]) -> str:
        """Against what is there; of a new branch, against where it left what is known."""
        if before is None:
            edge = [n[1:] for n in self._listed(commit, known, "--boundary").split() if n.startswith("-")]
            before = edge[0] if edge else self._git("hash-object", "-t", "tree", os.devnull).strip()
        return self._git("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--stat=100", before, commit, "--")

    def there(self, url: str, ref: str) -> str | None:
        """Where the ref is now, asked of the remote."""
        lines = self._git("ls-remote", "--", url, ref, seconds=_ASK_SECONDS).splitlines()
        found = [line.partition("\t") for line in lines]
        return next((name for name, _, of in found if of == ref), None)

    def holds(self, url: str, ref: str, commit: str) -> bool:
        """Whether what the ref is at now, which is fetched, is built on the commit."""
        # With a keep file, which tells its pack from the agent's.
        how = ("--keep", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--recurse-submodules=no")
        self._git("fetch", *how, "--", url, f"+{ref}:{_THERE}")
        return self.follows(_THERE, commit)

    def move(self, url: str, ref: str, *, to: str | None, before: str | None) -> None:
        """The ref from one to the other, or not at all; None: there is none.

        Raises ``ResourceError`` where it is as it was, or others moved it; ``Unanswered`` where nobody knows.
        """
        steps.checkpoint("push goes")
        lease = f"--force-with-lease={ref}:{before or ''}"
        how = ("--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", lease)
        with on_its_way(self._folder) as going:
            status, out, err = self._run(
                ("push", *how, "--", url, f"{to or ''}:{ref}"), seconds=_PUSH_SECONDS, going=going
            )
        if status != 0:
            why = f"git push: {_said(err or out)}"
            try:
                now = self.there(url, ref)
            except ResourceError as silent:
                raise Unanswered(f"{why}; and whether it arrived is not known: {silent}") from silent
            if now not in (to, before):
                raise ResourceError(f"{why}; others moved it: it is {at(now)} now")
            if now != to and (status < 0 or any(words in err for words in _BROKE_OFF)):
                raise Unanswered(f"{why}; it is {at(now)}, and a server may be at it still")
            if now != to:
                raise ResourceError(why)
        steps.checkpoint("push went")

    def close(self) -> None:
        if self._repo is not None:
            self._repo.close()

    def _listed(self, commit: str, known: Sequence[str], *how: str) -> str:
        tips = self._folder / "known"
        tips.write_text("".join(f"^{name}\n" for name in known))
        with tips.open("rb") as stream:
            return self._git("rev-list", *how, "--stdin", commit, input_=stream)

    def _git(
        self, *words: str, input_: Any = None, seconds: float = _WORK_SECONDS, fine: tuple[int, ...] = (0,)
    ) -> str:
        status, out, err = self._run(words, input_, seconds)
        if status not in fine:
            raise ResourceError(f"git {words[0]}: {_said(err or out)}")
        return out

    def _run(
        self, words: Sequence[str], input_: Any = None, seconds: float = _WORK_SECONDS, *, going: int | None = None
    ) -> tuple[int, str, str]:
        """Status, below zero where it took too long, and what it said. ``going``: of ``on_its_way``; it dies with
        agentrt."""
        from git.exc import GitError

        command, inherited = [programs(self._user.top).git, *words], list[int]()
        if going is not None:
            command = [sys.executable, "-I", "-S", dying.__file__, str(os.getpid()), *command]
            inherited = [going]
        try:
            status, out, err = self._open().git.execute(
                command,
                istream=input_,
                with_extended_output=True,
                with_exceptions=False,
                kill_after_timeout=seconds,
                start_new_session=True,  # nobody is at a terminal to be asked for a password
                pass_fds=inherited,
            )
        except (GitError, OSError) as error:
            raise ResourceError(f"git {words[0]}: {error}") from error
        if status < 0 and str(err).startswith("Timeout"):  # GitPython's words have all of the command
            err = f"it took longer than {seconds:g} seconds"
        return status, str(out), str(err)

    def _open(self) -> Repo:
        if self._repo is None:
            git = _library(programs(self._user.top).git)
            try:
                self._repo = git.Repo(self._folder, expand_vars=False)
            except git.exc.GitError as error:
                hint = "where GIT_COMMON_DIR or GIT_OBJECT_DIRECTORY are set for agentrt, unset them"
                raise ResourceError(f"{error} is no repository that GitPython opens", hint=hint) from error
            self._repo.git.update_environment(**self._environment())
        return self._repo

    def _environment(self) -> Mapping[str, str]:
        """Whatever the process has of git's own says nothing here."""
        settings = {**remotes.settings(self._user), **_SETTINGS}
        config = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (name, value) in enumerate(settings.items()):
            config |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return {
            **config,
            "GIT_DIR": str(self._folder),
            "GIT_COMMON_DIR": str(self._folder),
            "GIT_OBJECT_DIRECTORY": str(self._folder / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
            "GIT_INDEX_FILE": str(self._folder / "index"),
            "GIT_NAMESPACE": "",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_GRAFT_FILE": os.devnull,
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",  # nor one that is in the configuration
            "SSH_ASKPASS": "",
            "SSH_ASKPASS_REQUIRE": "never",
            "GCM_INTERACTIVE": "never",
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "LC_ALL": "C",
            "PATH": programs(self._user.top).path,
        }


def at(commit: str | None) -> str:
    """For people."""
    return "not there" if commit is None else f"at {commit[:10]}"


def _library(git: str) -> Any:
    """GitPython runs git as soon as it is imported: the one meant."""
    name = "GIT_PYTHON_GIT_EXECUTABLE"
    was = os.environ.get(name)
    os.environ[name] = git
    try:
        import git as library
    finally:
        del os.environ[name]
        if was is not None:
            os.environ[name] = was
    return library


def _said(errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip() and not line.startswith("hint:")]
    return "; ".join(lines)[-_CUT:] or "it failed without a word"
