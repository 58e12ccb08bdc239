"""The encrypted file's format: JSON whose values are sealed with a key from a passphrase.

{"agentrt secrets": 1, "scrypt": {"n", "salt"}, "check", "secrets": {NAME: [host, …]}, "nonce", "sealed"}

``scrypt`` (r = 8, p = 1) makes 64 bytes of passphrase and salt: the first half is the AES-256-GCM key, the second is
``check``, which tells a wrong passphrase from a damaged file. Names and hosts can be read without the passphrase, so
that they can be listed; like everything but ``sealed`` itself they are authenticated, so that nobody else can bind a
secret to another host. ``sealed`` is {NAME: value}, or {NAME: {value, grant}} of a token. Bytes are in base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator

from agentrt.records import Record, Secret, dump_json

_COST = 2**17
"""128 MiB and about a third of a second for each guess."""


class WrongPassphrase(Exception):
    """It is not the one the file was sealed with."""


class Damaged(Exception):
    """The file is not what was written."""


class _Scrypt(Record):
    n: int
    salt: str

    @field_validator("n")
    @classmethod
    def _affordable(cls, n: int) -> int:
        if n not in (2**power for power in range(14, 21)):
            raise ValueError("no cost of ours")
        return n


class Sealed(Record):
    """The file as it is read."""

    version: Annotated[Literal[1], Field(alias="agentrt secrets")] = 1
    scrypt: _Scrypt
    check: str
    secrets: dict[str, tuple[str, ...]]
    """Names to hosts."""
    nonce: str
    sealed: str

    def write(self) -> bytes:
        return (dump_json(self.model_dump(by_alias=True), indent=1) + "\n").encode()


@dataclass(frozen=True, repr=False)
class Key:
    """What a passphrase and a salt make."""

    scrypt: _Scrypt
    cipher: bytes
    check: bytes


def read(data: bytes) -> Sealed:
    """Raises ``Damaged``."""
    try:
        return Sealed.model_validate_json(data)
    except ValidationError:
        raise Damaged from None


def new_key(passphrase: bytes) -> Key:
    return _derive(passphrase, _Scrypt(n=_COST, salt=_text(os.urandom(16))))


def key_of(file: Sealed, passphrase: bytes) -> Key:
    """Raises ``WrongPassphrase``, ``Damaged``."""
    key = _derive(passphrase, file.scrypt)
    if not hmac.compare_digest(key.check, _bytes(file.check)):
        raise WrongPassphrase
    return key


def unseal(file: Sealed, key: Key) -> dict[str, Secret]:
    """By name. Raises ``Damaged``."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        inside = AESGCM(key.cipher).decrypt(_bytes(file.nonce), _bytes(file.sealed), _header(file))
        values = json.loads(inside)
        return {n: _read(n, values[n], hosts) for n, hosts in file.secrets.items()}
    except (InvalidTag, ValueError, KeyError, TypeError):
        raise Damaged from None


def seal(secrets: Mapping[str, Secret], key: Key) -> Sealed:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(12)
    hosts = {name: secrets[name].hosts for name in sorted(secrets)}
    empty = Sealed(scrypt=key.scrypt, check=_text(key.check), secrets=hosts, nonce=_text(nonce), sealed="")
    inside = dump_json({name: _written(secret) for name, secret in secrets.items()}).encode()
    return empty.model_copy(update={"sealed": _text(AESGCM(key.cipher).encrypt(nonce, inside, _header(empty)))})


def _written(secret: Secret) -> object:
    return secret.value if secret.grant is None else {"value": secret.value, "grant": secret.grant}


def _read(name: str, inside: object, hosts: tuple[str, ...]) -> Secret:
    """Raises ``ValueError``."""
    given = inside if isinstance(inside, dict) else {"value": inside}
    return Secret.from_dict({"name": name, "hosts": hosts, **given})


def _header(file: Sealed) -> bytes:
    """Everything but what is sealed, in one spelling."""
    return json.dumps(file.model_dump(mode="json", exclude={"sealed"}), sort_keys=True).encode()


def _derive(passphrase: bytes, scrypt: _Scrypt) -> Key:
    # Somewhat more memory than the 128 · n · r bytes it takes.
    made = hashlib.scrypt(passphrase, salt=_bytes(scrypt.salt), n=scrypt.n, r=8, p=1, maxmem=1100 * scrypt.n, dklen=64)
    return Key(scrypt, made[:32], made[32:])


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Damaged from None
    if _text(data) != text:  # the last character has bits that say nothing: they must be as we write them
        raise Damaged
    return data
