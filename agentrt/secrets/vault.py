"""Secrets in an encrypted file, where there is no keyring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from agentrt.errors import UsageError
from agentrt.records import Secret

from . import sealed
from .passphrase import ask
from .places import alone, read_private, state_file, write_private

_keys: dict[Path, sealed.Key] = {}
"""Of files this process has opened: a token is renewed while a person has other things to do than to be asked."""


class Vault:
    """The file of this user. Nothing is read before it is needed."""

    def __init__(self, *, asks: bool = True) -> None:
        """``asks``: the passphrase is asked for; else the key is that by which this process opened the file before."""
        self._path, self._asks = state_file(), asks

    def hosts(self) -> Mapping[str, tuple[str, ...]]:
        """By name; needs no passphrase. Raises ``UsageError``."""
        file = self._read()
        return {} if file is None else file.secrets

    def load(self, names: Iterable[str]) -> list[Secret]:
        """Raises ``UsageError``."""
        file = self._read()
        inside = {} if file is None else self._open(file, self._passphrase(new=False))[1]
        return [inside[name] for name in names]

    def keep(self, secret: Secret) -> None:
        """Raises ``UsageError``; then nothing has changed."""
        self._change(lambda inside: {**inside, secret.name: secret})

    def remove(self, names: Iterable[str]) -> None:
        """Raises ``UsageError``; then nothing has changed."""
        gone = set(names)
        self._change(lambda inside: {name: secret for name, secret in inside.items() if name not in gone})

    def _change(self, change: Callable[[Mapping[str, Secret]], Mapping[str, Secret]]) -> None:
        passphrase = self._passphrase(new=self._read() is None)  # a person takes time: before the lock
        with alone(self._path):
            file = self._read()
            if file is None and passphrase is None:
                raise UsageError(f"{self._path} is not there any more", hint="set its secrets anew")
            key, inside = (sealed.new_key(passphrase or b""), {}) if file is None else self._open(file, passphrase)
            write_private(self._path, sealed.seal(change(inside), key).write())

    def _read(self) -> sealed.Sealed | None:
        data = read_private(self._path)
        try:
            return None if data is None else sealed.read(data)
        except sealed.Damaged:
            raise _damaged(self._path) from None

    def _passphrase(self, *, new: bool) -> bytes | None:
        """None: the key is known. Raises ``UsageError``."""
        return ask(new=new) if new or self._asks or self._path not in _keys else None

    def _open(self, file: sealed.Sealed, passphrase: bytes | None) -> tuple[sealed.Key, dict[str, Secret]]:
        try:
            known = _keys.get(self._path)
            if passphrase is None and known is not None and known.scrypt == file.scrypt:
                key = known
            else:
                key = sealed.key_of(file, ask(new=False) if passphrase is None else passphrase)
            _keys[self._path] = key
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
