"""Certificates of our own, so that TLS can be opened where a rule has to see method and path."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from .hosts import is_address
from .trust import trusted

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_VALID = timedelta(days=7)
_CLOCKS = timedelta(days=1)
"""That they may differ."""
_KEPT = 256
"""Hosts whose certificate is at hand."""


class Authority:
    """Made for one open runtime, and gone with it: its keys are in memory alone.

    Only processes that are given ``bundle`` trust it. Making one costs nothing before it is used.
    """

    def __init__(self) -> None:
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    @property
    def bundle(self) -> bytes:
        """Its certificate and those this machine trusts, as PEM: for a tunnel that is opened, and one that is not.
        Raises ``OSError``.
        """
        return self.certificate + trusted()

    @cached_property
    def certificate(self) -> bytes:
        """Its own, as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return self._own.public_bytes(Encoding.PEM)

    def context(self, host: str) -> ssl.SSLContext:
        """To be ``host`` (canonical) with. HTTP/1.1 is all it offers."""
        if host not in self._contexts:
            self._contexts[host] = self._make_context(host)
            if len(self._contexts) > _KEPT:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(host)
        return self._contexts[host]

    @cached_property
    def _key(self) -> EllipticCurvePrivateKey:
        return _new_key()

    @cached_property
    def _leaf_key(self) -> EllipticCurvePrivateKey:
        return _new_key()

    @cached_property
    def _own(self) -> x509.Certificate:
        from cryptography import x509

        name = _name("agentrt, this session only")
        builder = _builder(name, name, self._key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return self._sign(builder.add_extension(_usage(signs=True), critical=True))

    def _make_context(self, host: str) -> ssl.SSLContext:
        from cryptography.hazmat.primitives import serialization as form

        key = self._leaf_key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        chain = self._leaf(host).public_bytes(form.Encoding.PEM) + self.certificate
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        # It takes a file; this one is nowhere on disk.
        file = os.memfd_create("leaf", os.MFD_CLOEXEC)
        with os.fdopen(file, "wb") as writer:
            writer.write(key + chain)
            writer.flush()
            context.load_cert_chain(f"/proc/self/fd/{file}")
        return context

    def _leaf(self, host: str) -> x509.Certificate:
        from cryptography import x509
        from cryptography.x509.oid import ExtendedKeyUsageOID

        said = x509.IPAddress(ipaddress.ip_address(host)) if is_address(host) else x509.DNSName(host)
        # A common name holds 64 characters; what counts is the other name.
        builder = _builder(_name(host[:64]), self._own.subject, self._leaf_key)
        builder = builder.add_extension(x509.SubjectAlternativeName([said]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return self._sign(builder.add_extension(_usage(signs=False), critical=True))

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        from cryptography import x509
        from cryptography.hazmat.primitives.hashes import SHA256

        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return builder.add_extension(issuer, critical=False).sign(self._key, SHA256())


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    from cryptography import x509

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
