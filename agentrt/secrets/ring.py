"""Secrets in the keyring of the machine. Values are there and nowhere else; an index of ours says which there are.

An entry of the keyring (service ``agentrt``, user NAME) is {"hosts", "value"}, and "grant" of a token: where a secret
may go is kept as safe as the secret. The index (names and hosts) is for listing, which then need not unlock anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from agentrt.errors import UsageError
from agentrt.records import Grant, Record, Secret, dump_json

from .places import alone, index_file, read_private, write_private

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_SERVICE = "agentrt"


class _Index(Record):
    secrets: dict[str, tuple[str, ...]]
    """Names to hosts."""


class _Entry(Record):
    hosts: tuple[str, ...]
    value: str
    grant: Grant | None = None


class Ring:
    """The keyring as this process finds it. Looking for it takes a tenth of a second."""

    def __init__(self) -> None:
        import keyring

        self._path = index_file()
        self._backend, self.lack = _usable(keyring.get_keyring())
        """``lack``: why there is none to be used; empty where there is one."""

    @property
    def title(self) -> str:
        if self._backend is None:
            return "the keyring, which cannot be reached from here"
        return f"the keyring ({_title(self._backend)})"

    def hosts(self) -> Mapping[str, tuple[str, ...]]:
        """By name, as the index says. Raises ``UsageError``."""
        data = read_private(self._path)
        try:
            return {} if data is None else _Index.model_validate_json(data).secrets
        except ValidationError:
            raise UsageError(
                f"{self._path} is damaged",
                hint="move it away and set the secrets anew; it has their names, the keyring has their values",
            ) from None

    def load(self, names: Iterable[str]) -> list[Secret]:
        """Raises ``UsageError``."""
        return [self._load(name) for name in names]

    def keep(self, secret: Secret) -> None:
        """Raises ``UsageError``."""
        entry = _Entry(hosts=secret.hosts, value=secret.value, grant=secret.grant)
        text = dump_json(entry.model_dump(exclude_none=True))
        with alone(self._path):
            known = self.hosts()
            with _told():
                self._reached().set_password(_SERVICE, secret.name, text)
            self._write({**known, secret.name: secret.hosts})

    def remove(self, names: Iterable[str]) -> None:
        """Raises ``UsageError``."""
        from keyring.errors import PasswordDeleteError

        with alone(self._path):
            for name in names:
                known = self.hosts()
                with _told():
                    try:
                        self._reached().delete_password(_SERVICE, name)
                    except PasswordDeleteError:
                        if self._reached().get_password(_SERVICE, name) is not None:
                            raise
                self._write({other: hosts for other, hosts in known.items() if other != name})

    def _load(self, name: str) -> Secret:
        with _told():
            entry = self._reached().get_password(_SERVICE, name)
        again = f"keep it again: agentrt secrets set {name} --host …"
        if entry is None:
            raise UsageError(f"{name} is not in the keyring any more", hint=again)
        try:
            found = _Entry.model_validate_json(entry)
        except ValidationError:
            raise UsageError(f"what the keyring has as {name} is not what agentrt kept", hint=again) from None
        return Secret(name=name, value=found.value, hosts=found.hosts, grant=found.grant)

    def _write(self, secrets: Mapping[str, tuple[str, ...]]) -> None:
        write_private(self._path, (dump_json(_Index(secrets=dict(sorted(secrets.items()))), indent=1) + "\n").encode())

    def _reached(self) -> KeyringBackend:
        if self._backend is None:
            raise UsageError(
                "there are secrets in this user's keyring, which cannot be reached from here",
                hint="run it where the keyring is unlocked (in a desktop's session), or keep them here again under "
                "other names",
            )
        return self._backend


@contextmanager
def _told() -> Iterator[None]:
    """What a keyring raises, in our words."""
    from keyring.errors import KeyringError

    try:
        yield
    except KeyringError as error:
        # Only its kind: what a backend says may have in it what it was given.
        raise UsageError(
            f"the keyring refused: {type(error).__name__}", hint="unlock it, and see that its service runs"
        ) from error


def _usable(backend: KeyringBackend) -> tuple[KeyringBackend | None, str]:
    """The first that encrypts of what is there, or why there is none."""
    from keyring.backends.chainer import ChainerBackend

    # A chain falls back on the next of its backends by itself, also on one that keeps plain text.
    chain = list(backend.backends) if isinstance(backend, ChainerBackend) else [backend]
    plain = []
    for one in chain:
        kind = type(one)
        if kind.__module__ in ("keyring.backends.fail", "keyring.backends.null"):
            continue
        if kind.__module__.startswith("keyrings.alt.") or re.search("plain|insecure", kind.__name__, re.IGNORECASE):
            plain.append(_title(one))
            continue
        return one, ""
    if plain:
        return None, f"this machine's keyring, {plain[0]}, would keep plain text"
    return None, "this machine has no keyring"


def _title(backend: KeyringBackend) -> str:
    """``Secret Service``"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(backend.name).removesuffix(" Keyring"))
