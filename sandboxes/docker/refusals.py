"""Why an image cannot be had, in a person's words, and what to do about it (docs/docker.md lists the causes)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from agentrt.errors import SandboxUnavailable

_TOLD = 400
"""Characters of what an engine said."""

# In this order: what a registry says of access also speaks of images that do not exist.
_KNOWN: tuple[tuple[str, str, str, str], ...] = (
    (
        r"no space left on device|disk quota exceeded",
        "image-disk",
        "the engine's disk is full",
        "free some of it (`docker system df` shows what it holds)",
    ),
    (
        r"requires? BuildKit|unknown flag: mount",
        "image-buildkit",
        "this Dockerfile is one for BuildKit",
        "build it yourself (`docker build -t NAME .`), and name the image: `sandbox: {kind: docker, image: NAME}`",
    ),
    (
        r"toomanyrequests|rate limit",
        "image-limit",
        "the registry gives no more images to this address for now",
        "`docker login`, or wait",
    ),
    (
        r"no matching manifest|does not match the (specified|detected host) platform|exec format error",
        "image-platform",
        "there is none for this machine's kind of processor",
        "name one that is made for it, or build it here from a Dockerfile",
    ),
    (
        r"x509|certificate|server gave HTTP response to HTTPS client",
        "image-trust",
        "the engine does not trust the registry",
        "give the engine the registry's certificate, or name the registry in its `insecure-registries`",
    ),
    (
        r"no such host|dial tcp|connection refused|connection reset|i/o timeout|Client\.Timeout|handshake timeout"
        r"|network is unreachable|no route to host|server misbehaving|proxyconnect|context deadline exceeded"
        r"|^Get .*: EOF|bad gateway|service unavailable",
        "image-unreachable",
        "the engine does not reach the registry",
        "look after the engine's network and proxy, or bring the image in with `docker load`",
    ),
    (
        r"access denied|unauthorized|authentication required|no basic auth|denied:|forbidden",
        "image-access",
        "the registry has no such image, or not for you",
        "look for a slip in the name, or `docker login` to its registry",
    ),
    (
        r"manifest unknown|manifest for .* not found|no such image|repository .* not found|name unknown",
        "image-missing",
        "there is no such image",
        "look for a slip in the name and its tag",
    ),
)
_LOGS = "the engine's own log says more (`journalctl -u docker`)"


def refusal(what: str, said: str, *, otherwise: str = "image", cure: str = _LOGS) -> SandboxUnavailable:
    """The error for what an engine said when asked for ``what`` ("cannot pull x"), ready to raise.

    ``otherwise``, ``cure``: cause and hint of what is not known here.
    """
    said = " ".join(said.split())
    told = said if len(said) <= _TOLD else said[: _TOLD - 1] + "…"
    for pattern, cause, why, hint in _KNOWN:
        if re.search(pattern, said, re.IGNORECASE):
            return SandboxUnavailable(f"{what}: {why} (the engine says: {told})", cause=cause, hint=hint)
    return SandboxUnavailable(f"{what}: {told}", cause=otherwise, hint=cure)


@contextmanager
def refused(what: str, *, otherwise: str = "image", cure: str = _LOGS) -> Iterator[None]:
    """Whatever an engine answers within it, or that it does not, becomes ``SandboxUnavailable``."""
    from http.client import HTTPException

    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        raise refusal(what, str(error.explanation or error), otherwise=otherwise, cure=cure) from error
    except DockerException as error:
        raise refusal(what, str(error), otherwise=otherwise, cure=cure) from error
    except (RequestException, HTTPError, HTTPException) as error:
        raise SandboxUnavailable(
            f"{what}: the engine does not answer ({type(error).__name__})",
            cause="image-engine",
            hint="`docker info` says whether it runs",
        ) from error
