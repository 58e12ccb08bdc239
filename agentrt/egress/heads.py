"""The head of a request: what is in it that nobody should say, and what of it is said to the other side."""

from __future__ import annotations

from dataclasses import dataclass

import h11

from .hosts import split_authority
from .placeholders import Headers, Outgoing
from .refused import Refused, malformed
from .targets import PORTS, Target

_ONE_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
        *(b"proxy-connection", b"proxy-authorization", b"proxy-authenticate", b"http2-settings"),
    }
)
_OURS = frozenset({b"host", b"expect", b"content-length"})
_OF_PARTS = frozenset({b"accept-encoding", b"range", b"if-range"})
"""An answer in which something may have to be masked must come whole and as it is."""
_NEVER_NAMED = frozenset({b"host", b"content-length", b"content-encoding", b"content-type"})


@dataclass(frozen=True)
class Head:
    method: bytes
    authority: str
    headers: Headers
    """What is passed on."""
    length: int | None
    """Bytes of the body; None where there is none, or where it comes in chunks."""
    is_chunked: bool

    @classmethod
    def of(cls, request: h11.Request, target: Target) -> Head:
        """Raises ``Refused``: what h11 lets pass, and nobody should."""
        if request.http_version not in (b"1.0", b"1.1"):
            raise Refused(f"HTTP/{request.http_version.decode()} is not spoken here", status=505)
        headers: Headers = list(request.headers.raw_items())
        chunked, length = header(headers, b"transfer-encoding") is not None, header(headers, b"content-length")
        if chunked and (length is not None or request.http_version < b"1.1"):
            raise malformed("the length of its body is said in two ways")
        named = header(headers, b"host")
        if named is not None and split_authority(named.decode("latin-1"), PORTS[target.scheme]) != target[1:3]:
            raise malformed(f"the Host header says {named.decode('latin-1')!r}, the target is {target.authority}")
        upgrade = header(headers, b"upgrade")
        if upgrade is not None and upgrade.strip().lower() != b"h2c":
            raise Refused(f"{upgrade.decode('latin-1')} is not passed on, only HTTP is")
        kept = [each for each in end_to_end(headers) if each[0].lower() not in _OURS]
        return cls(request.method, target.authority, kept, None if length is None else int(length), chunked)

    def to_send(self, outgoing: Outgoing, *, identity: bool) -> h11.Request:
        """``identity``: the answer is to come whole, and as it is. Raises ``h11.LocalProtocolError``."""
        headers = [(b"Host", self.authority.encode())]
        headers += [each for each in outgoing.headers if not identity or each[0].lower() not in _OF_PARTS]
        if identity:
            headers.append((b"Accept-Encoding", b"identity"))
        if self.is_chunked:
            headers.append((b"Transfer-Encoding", b"chunked"))
        elif self.length is not None:
            length = self.length if outgoing.body is None else len(outgoing.body)
            headers.append((b"Content-Length", str(length).encode()))
        return h11.Request(method=self.method, target=outgoing.target, headers=headers)


def header(headers: Headers, name: bytes) -> bytes | None:
    """The first of that name (in small letters)."""
    return next((value for found, value in headers if found.lower() == name), None)


def end_to_end(headers: Headers) -> Headers:
    """Without those that are about one connection, and those that it names as such (RFC 9110, section 7.6.1)."""
    named = {
        option.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for option in value.split(b",")
    }
    gone = (named - _NEVER_NAMED) | _ONE_HOP
    return [(name, value) for name, value in headers if name.lower() not in gone]
