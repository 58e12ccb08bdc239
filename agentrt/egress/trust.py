"""Whom this machine trusts: for connections to the outside, and for the bundle that is planted inside."""

from __future__ import annotations

import os
import ssl
from functools import cache
from pathlib import Path

_USUAL = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Debian and its like, Red Hat's, SUSE, Alpine."""


def trusted_file() -> str | None:
    """``SSL_CERT_FILE``, or the system's bundle; None where there is none."""
    named = os.environ.get("SSL_CERT_FILE")
    if named:
        return named
    known = ssl.get_default_verify_paths().cafile
    return next((path for path in (*_USUAL, known) if path and os.path.isfile(path)), None)


def trusted() -> bytes:
    """Its certificates, as PEM. Raises ``OSError``."""
    file = trusted_file()
    return b"" if file is None else Path(file).read_bytes()


def outward() -> ssl.SSLContext:
    """For connections to the outside. Raises ``OSError``."""
    return _outward(trusted_file())


@cache
def _outward(file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=file)
    context.set_alpn_protocols(["http/1.1"])
    return context
