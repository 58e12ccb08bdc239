"""What a secret may be called, hold, and be sent to."""

from __future__ import annotations

import ipaddress
import re

from agentrt.errors import UsageError
from agentrt.records import Secret

SHORTEST, LONGEST = 6, 4096
"""Bytes of a value. Shorter ones stand in other text by chance; longer ones take seconds to prepare the search for."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def checked(secret: Secret) -> Secret:
    """The same with its hosts in their canonical form, sorted. Raises ``UsageError``."""
    check_name(secret.name)
    check_value(secret.value)
    if secret.grant is not None and secret.grant.refresh:
        check_value(secret.grant.refresh)  # it is looked for in what passes as well
    if not secret.hosts:
        raise UsageError(
            f"{secret.name} needs a host it may be sent to", hint="name each with --host, as in --host api.github.com"
        )
    return secret.model_copy(update={"hosts": tuple(sorted({host(text) for text in secret.hosts}))})


def check_name(name: str) -> None:
    """Raises ``UsageError``."""
    if not _NAME.fullmatch(name):
        upper = re.sub(r"[^A-Z0-9_]", "_", name.upper())
        close = f", such as {upper}" if _NAME.fullmatch(upper) else ""
        raise UsageError(
            f"{name!r} cannot be the name of a secret",
            hint=f"a name has capitals, digits and _, and begins with a capital{close}",
        )


def check_value(value: str) -> None:
    """Raises ``UsageError``, which never has the value in it."""
    if not value:
        raise UsageError("the value is empty", hint="nothing was kept")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise UsageError(
            "the value is not UTF-8 text", hint="encode it, for example as base64, and keep that"
        ) from None
    if size < SHORTEST:
        raise UsageError(
            f"the value is too short to be told apart from other text: {size} bytes, and {SHORTEST} are needed",
            hint="nothing was kept",
        )
    if size > LONGEST:
        raise UsageError(f"the value is too long: more than {LONGEST:,} bytes", hint="nothing was kept")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise UsageError(
            "the value has a control character in it, which cannot be sent in a request's header",
            hint="encode it, for example as base64, and keep that",
        )


def host(text: str) -> str:
    """The canonical form of a host as requests have it, or ``*.`` and one. Raises ``UsageError``."""
    below, bare = text.startswith("*."), text.removeprefix("*.")
    try:
        address = ipaddress.ip_address(bare.strip("[]"))
    except ValueError:
        pass  # it is a name, and looked at below
    else:
        if below:
            raise _no_host(text, "an address has nothing below it")
        return str(address)
    if not bare.isascii():
        try:
            bare = bare.encode("idna").decode()
        except UnicodeError:
            raise _no_host(text, "name a host, as in api.github.com") from None
    name = bare.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise _no_host(text, "name a host alone, as in api.github.com, or *.github.com for all below one")
    if below and len(labels) < 2:
        raise _no_host(text, f"that is everybody below .{name}; name a domain, as in *.example.{name}")
    return "*." * below + name


def _no_host(text: str, hint: str) -> UsageError:
    return UsageError(f"{text!r} is no host", hint=hint)
