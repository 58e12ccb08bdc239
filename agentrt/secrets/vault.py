"""Secrets in an encrypted file, where there is no keyring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from agentrt.errors import UsageError
from agentrt.records import Secret

from . import sealed
from .passphrase import ask
from .places import alone, read_private, state_file, write_private


class Vault:
    """The file of this user. Nothing is read before it is needed."""

    def __init__(self) -> None:
        self._path = state_file()

    def hosts(self) -> Mapping[str, tuple[str, ...]]:
        """By name; needs no passphrase. Raises ``UsageError``."""
        file = self._read()
        return {} if file is None else file.secrets

    def load(self, names: Iterable[str]) -> list[Secret]:
        """Raises ``UsageError``."""
        file = self._read()
        inside = {} if file is None else self._open(file, ask(new=False))[1]
        return [inside[name] for name in names]

    def keep(self, secret: Secret) -> None:
        """Raises ``UsageError``; then nothing has changed."""
        self._change(lambda inside: {**inside, secret.name: secret})

    def remove(self, names: Iterable[str]) -> None:
        """Raises ``UsageError``; then nothing has changed."""
        gone = set(names)
        self._change(lambda inside: {name: secret for name, secret in inside.items() if name not in gone})

    def _change(self, change: Callable[[Mapping[str, Secret]], Mapping[str, Secret]]) -> None:
        passphrase = ask(new=self._read() is None)  # a person takes time: before the lock
        with alone(self._path):
            file = self._read()
            key, inside = (sealed.new_key(passphrase), {}) if file is None else self._open(file, passphrase)
            write_private(self._path, sealed.seal(change(inside), key).write())

    def _read(self) -> sealed.Sealed | None:
        data = read_private(self._path)
        try:
            return None if data is None else sealed.read(data)
        except sealed.Damaged:
            raise _damaged(self._path) from None

    def _open(self, file: sealed.Sealed, passphrase: bytes) -> tuple[sealed.Key, dict[str, Secret]]:
        try:
            key = sealed.key_of(file, passphrase)
            return key, sealed.unseal(file, key)
        except sealed.WrongPassphrase:
            raise UsageError(
                f"the passphrase does not open {self._path}",
                hint="give the one the secrets were kept with; if it is lost, delete the file and set them anew",
            ) from None
        except sealed.Damaged:
            raise _damaged(self._path) from None


def _damaged(path: Path) -> UsageError:
    return UsageError(
        f"{path} is damaged, or was written by another version of agentrt",
        hint="bring it back from a backup, or move it away and set the secrets anew; agentrt leaves it as it is",
    )
