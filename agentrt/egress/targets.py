"""What a request asks for: the URL taken apart, so that policy and server read the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote

from .hosts import joined, split_authority
from .refused import malformed

PORTS = {"http": 80, "https": 443}

_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(/[^?#]*)?(\?[^#]*)?")
_ORIGIN = re.compile(r"(/[^?#]*)(\?[^#]*)?")
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOUBLED = re.compile(r"%25[0-9A-Fa-f]{2}")
_OVERLONG = re.compile(r"%c[01]|%e0%[89]|%f0%8|%f[89a-d]", re.IGNORECASE)
"""UTF-8 that is longer than it need be: a dot, to some."""
_SLASH = re.compile(r"%2f", re.IGNORECASE)
_SLASHES = re.compile(r"/+")


Scheme = Literal["http", "https"]


_LOGIN = "a name and password belong in a header, not in the URL"


class Target(NamedTuple):
    scheme: Scheme
    host: str
    port: int
    raw: str
    """What is sent: path and query as they came, dot segments resolved."""
    paths: tuple[str, ...]
    """The path as the policy is asked about it. Two where servers differ on what it means (``%2F``, ``//``)."""

    @property
    def authority(self) -> str:
        """As a Host header has it."""
        return joined(self.host, self.port, PORTS[self.scheme])

    @property
    def url(self) -> str:
        """Without the query."""
        return (
            f"{self.scheme}://{self.authority}{quote(self.paths[0], safe='/%:@!$&()*+,;=~', errors='surrogateescape')}"
        )


def absolute(text: str) -> Target:
    """``http://host[:port][/path][?query]``, as a proxy is asked. Raises ``Refused``."""
    found = _ABSOLUTE.fullmatch(text)
    if found is None:
        raise malformed("a proxy is asked with CONNECT or with an absolute http:// URL")
    scheme = found[1].lower()
    if scheme == "https":
        raise malformed("https goes through CONNECT, so that nobody on the way reads it")
    if scheme != "http":
        raise malformed(f"{scheme}:// is not passed on, only http and https are")
    if "@" in found[2]:
        raise malformed(_LOGIN)
    host, port = split_authority(found[2], PORTS["http"])
    return _target("http", host, port, found[3] or "/", found[4] or "")


def whole(text: str) -> Target:
    """``http[s]://host[:port][/path][?query]``, of who is let see all of a request. Raises ``Refused``."""
    scheme, _, rest = text.partition("://")
    if scheme.lower() != "https":
        return absolute(text)
    found = _ABSOLUTE.fullmatch(text)
    if found is None or "@" in found[2]:
        raise malformed(f"{rest.partition('/')[0]} names no host" if found is None else _LOGIN)
    host, port = split_authority(found[2], PORTS["https"])
    return _target("https", host, port, found[3] or "/", found[4] or "")


def origin(text: str, host: str, port: int) -> Target:
    """``/path[?query]``, as a server is asked inside an opened tunnel. Raises ``Refused``."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise malformed("inside a tunnel the target is a path")
    return _target("https", host, port, found[1], found[2] or "")


def _target(scheme: Scheme, host: str, port: int, path: str, query: str) -> Target:
    if _BROKEN.search(path) or _DOUBLED.search(path) or _OVERLONG.search(path):
        raise malformed("the path is encoded in a way that can be read as several")
    kept: list[str] = []
    read: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments):
        said = unquote(segment, errors="surrogateescape")
        if any(character in said for character in "\\\0\r\n") or _climbs(said):
            raise malformed("the path can be read as several")
        if said in (".", ".."):
            if said == ".." and kept:
                del kept[-1], read[-1]
            if number < len(segments) - 1:
                continue
            segment = said = ""  # what a folder's name at the end leaves: its slash
        kept.append(segment)
        read.append(said.replace("/", "%2F"))
    plain = "/" + "/".join(read)
    other = _SLASHES.sub("/", _SLASH.sub("/", plain))
    return Target(scheme, host, port, "/" + "/".join(kept) + query, tuple(dict.fromkeys((plain, other))))


def _climbs(segment: str) -> bool:
    """It would be dot segments to a server that decodes slashes, cuts parameters or blanks off, or knows other dots."""
    parts = segment.split("/")
    return any(_plain(part.partition(";")[0]) in (".", "..") for part in parts) and segment not in (".", "..")


def _plain(part: str) -> str:
    """Without what is nothing to see: blanks, controls, bytes that are no characters."""
    return "".join(character for character in unicodedata.normalize("NFKC", part) if _is_seen(character))


def _is_seen(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character)[0] != "C"
