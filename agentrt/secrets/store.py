"""Where secrets are kept: in the keyring, or where there is none in an encrypted file. Never in plain text.

A name is in one place. What was kept in the file before there was a keyring stays there until it is set again.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

from agentrt.errors import UsageError
from agentrt.records import Record, Secret

from .ring import Ring
from .rules import check_name, checked
from .vault import Vault


class Kept(Record):
    """What may be said of a secret."""

    name: str
    hosts: tuple[str, ...]
    place: Literal["keyring", "file"]
    where: str
    """The place in words: ``the keyring (Secret Service)``."""


def keep(secret: Secret, *, asks: bool = True) -> Kept:
    """Keep it in place of one of that name. Raises ``UsageError``; then what was kept before still is.

    ``asks``: as in ``Vault``.
    """
    secret = checked(secret)
    ring, vault = Ring(), Vault(asks=asks)
    if ring.lack:
        if secret.name in ring.hosts():
            raise UsageError(
                f"{secret.name} is in this user's keyring, which cannot be reached from here",
                hint="set it where the keyring is unlocked (in a desktop's session), or under another name",
            )
        vault.keep(secret)
    else:
        ring.keep(secret)
        if secret.name in vault.hosts():
            vault.remove([secret.name])  # or the old value would be there again one day
    return next(one for one in kept() if one.name == secret.name)


def kept() -> tuple[Kept, ...]:
    """All of them, by name; needs no passphrase and unlocks nothing. Raises ``UsageError``."""
    ring, vault = Ring(), Vault()
    filed = f"an encrypted file, as {ring.lack}" if ring.lack else "an encrypted file"
    found = {name: Kept(name=name, hosts=hosts, place="file", where=filed) for name, hosts in vault.hosts().items()}
    for name, hosts in ring.hosts().items():
        found[name] = Kept(name=name, hosts=hosts, place="keyring", where=ring.title)
    return tuple(found[name] for name in sorted(found))


def destination() -> str:
    """Where the next one would be kept, in words."""
    ring = Ring()
    return f"an encrypted file, as {ring.lack}" if ring.lack else ring.title


def names() -> tuple[str, ...]:
    """Raises ``UsageError``."""
    return tuple(one.name for one in kept())


def load(names: Iterable[str]) -> list[Secret]:
    """With their values, in the order of ``names``; may ask for a passphrase. Raises ``UsageError``."""
    return _load(names, Vault())


def load_again(name: str) -> Secret:
    """One that this process has loaded before, as it is by now. Raises ``UsageError``."""
    return _load([name], Vault(asks=False))[0]


def _load(names: Iterable[str], vault: Vault) -> list[Secret]:
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return []
    places = _places(wanted)
    found: dict[str, Secret] = {}
    for place in ("keyring", "file"):
        if here := [name for name in wanted if places[name] == place]:
            store = Ring() if place == "keyring" else vault
            found.update(zip(here, store.load(here), strict=True))
    return [found[name] for name in wanted]


def remove(*names: str) -> None:
    """Forget them, all or none where that can be. Raises ``UsageError``."""
    places = _places(names)
    for place, store in (("file", Vault), ("keyring", Ring)):  # the file first: its passphrase may be wrong
        if here := [name for name in dict.fromkeys(names) if places[name] == place]:
            store().remove(here)


def _places(wanted: Iterable[str]) -> dict[str, str]:
    """Raises ``UsageError`` for one that is not there."""
    places: dict[str, str] = {one.name: one.place for one in kept()}
    for name in wanted:
        if name not in places:
            check_name(name)
            close = difflib.get_close_matches(name, places, n=1)
            meant = f"did you mean {close[0]}?" if close else f"keep it with: agentrt secrets set {name} --host …"
            raise UsageError(f"there is no secret {name}", hint=meant)
    return places
