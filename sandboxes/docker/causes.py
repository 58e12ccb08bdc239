"""Why no container engine can be had, and what became of one that was there; with the exact cure."""

from __future__ import annotations

import errno
import grp
import os
from collections.abc import Iterator, Mapping
from typing import Any

from agentrt.errors import DiskFull, SandboxError, SandboxUnavailable

from .box import FULL

START = "start it: `sudo systemctl start docker`, or for podman `systemctl --user start podman.socket`"
_CHOOSE = "check DOCKER_HOST, DOCKER_CONTEXT and `docker context ls`, and that its machine is up"
_RESUME = "then go on: nothing that was sealed is lost"
_ANEW = "go on: it is made anew, and nothing that was sealed is lost"
_FULL = ("no space left on device", "disk quota exceeded")
_GONE = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.ENOENT, errno.ENOTCONN)
_FAR = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)


def unavailable(cause: str, why: str, cure: str) -> SandboxUnavailable:
    return SandboxUnavailable(f"no container engine: {why}", cause=cause, hint=cure)


def explain(error: Exception, address: str) -> SandboxUnavailable:
    """Why the first question to the engine at ``address`` failed; ``error`` is what the SDK raised."""
    chain = list(_behind(error))
    codes = _codes(chain)
    names = {type(link).__name__ for link in chain}
    said = " ".join(str(link) for link in chain)
    path = address.removeprefix("unix://")
    if errno.EACCES in codes or errno.EPERM in codes:
        return unavailable("engine-denied", f"you may not use {path}", _membership(path))
    if "InvalidVersion" in names:
        return too_old(address, str(error))
    tls = {"SSLError", "TLSParameterError", "SSLCertVerificationError"} & names or "HTTPS server" in said
    if tls:
        why = f"TLS with {address} failed: {_last(chain)}"
        return unavailable("engine-tls", why, "check DOCKER_TLS_VERIFY, DOCKER_CERT_PATH and the files there")
    if {"ReadTimeout", "ConnectTimeout", "ReadTimeoutError", "TimeoutError", "timeout"} & names:
        cure = f"it may still be starting: try again; or `sudo systemctl restart docker`; or {_CHOOSE}"
        return unavailable("engine-silent", f"{address} does not answer", cure)
    if errno.ENOENT in codes and address.startswith("unix://"):
        return unavailable("engine-absent", f"there is no {path}", f"{START}; or {_CHOOSE}")
    if codes & {*_FAR} or {"gaierror", "NameResolutionError"} & names:
        return unavailable("engine-unreachable", f"{address} cannot be reached: {_last(chain)}", _CHOOSE)
    if codes & {*_GONE}:
        return unavailable("engine-stopped", f"nobody answers at {address}", f"{START}; or {_CHOOSE}")
    why = f"what is at {address} does not answer as one: {_last(chain)}"
    return unavailable("engine-unknown", why, f"`docker version` tells more; or {_CHOOSE}")


def too_old(address: str, what: str) -> SandboxUnavailable:
    cure = "install Docker 20.10 or later, or podman 4 or later"
    return unavailable("engine-version", f"the one at {address} is too old: {what}", cure)


def told(do: str, error: Exception) -> SandboxError:
    """What an engine that was there answered, or that it is not there any more, for a person. ``do``: as in
    "start a container"."""
    chain = list(_behind(error))
    said = " ".join(str(link) for link in chain).lower()
    status = next((code for link in chain if (code := getattr(link, "status_code", None)) is not None), 0)
    codes = _codes(chain)
    names = {type(link).__name__ for link in chain}
    what = f"the sandbox could not {do}"
    if status and any(text in said for text in _FULL):
        return full(what)
    if codes & {errno.ENOSPC, errno.EDQUOT}:
        cure = "free some space on the disk of the state folder, or run `agentrt gc`"
        return DiskFull(f"{what}: {_last(chain)}", hint=cure)
    if {"ReadTimeout", "ConnectTimeout", "ReadTimeoutError", "TimeoutError"} & names:
        cure = f"look at it with `docker info`, restart it if need be, {_RESUME}"
        return SandboxError(f"{what}: the container engine does not answer", hint=cure)
    if status == 404 or (status == 409 and "is not running" in said):
        return SandboxError(f"{what}: {_last(chain)}", hint=f"it was ended by somebody or by a restart; {_ANEW}")
    if status:
        return SandboxError(f"{what}: {_last(chain)}", hint="`agentrt doctor` says what this container engine can do")
    if codes & {errno.EACCES, errno.EPERM}:
        return SandboxError(f"{what}: {_last(chain)}", hint="`agentrt doctor` says who may use the container engine")
    if codes & {*_GONE} or {"ProtocolError", "RemoteDisconnected", "ConnectionError", "IncompleteRead"} & names:
        return SandboxError(f"{what}: the container engine went away", hint=f"{START}; {_RESUME}")
    return SandboxError(f"{what}: {_last(chain)}")


def full(what: str) -> DiskFull:
    """``what``: as in "the sandbox could not run"."""
    cure = "free some space there (`docker system df` says what takes it), " + _RESUME
    return DiskFull(f"{what}: {FULL}", hint=cure)


def ended(what: str, state: Mapping[str, Any]) -> SandboxError:
    """Why a container does not answer. ``state``: as the engine has it, empty where it has none."""
    if not state:
        return SandboxError(f"{what}: somebody removed its container", hint=_ANEW)
    if state.get("Paused"):
        return SandboxError(f"{what}: somebody paused its container", hint=_ANEW)
    if state.get("OOMKilled"):
        cure = "give it more (`sandbox: {kind: docker, memory: 8 GB}`), or have the command use less"
        return SandboxError(f"{what}: its container used up the memory it may have", hint=cure)
    if state.get("Running"):
        return SandboxError(f"{what}: its container does not answer", hint=_ANEW)
    code = state.get("ExitCode")
    why = f"somebody, or a restart of the container engine, ended its container (exit code {code})"
    return SandboxError(f"{what}: {why}", hint=_ANEW)


def _behind(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it stands for, outermost first: libraries wrap one in another in several ways."""
    todo, seen = [error], set[int]()
    while todo:
        link = todo.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        todo += [one for one in inner if isinstance(one, BaseException)]


def _codes(chain: list[BaseException]) -> set[int | None]:
    """Those of the kernel; TLS has others."""
    import ssl

    return {link.errno for link in chain if isinstance(link, OSError) and not isinstance(link, ssl.SSLError)}


def _last(chain: list[BaseException]) -> str:
    """What the engine said, or else what the innermost error says."""
    for link in chain:
        if said := getattr(link, "explanation", None):
            return str(said)
    last = chain[-1]
    return str(getattr(last, "strerror", None) or last) or type(last).__name__


def _membership(path: str) -> str:
    """How a user comes to be let in at the socket."""
    try:
        group = grp.getgrgid(os.stat(path).st_gid)
    except (OSError, KeyError):
        return "run agentrt as the user whose engine it is"
    if group.gr_gid == 0:
        return "run agentrt as root; or for yourself: `systemctl --user enable --now podman.socket`"
    name = group.gr_name
    if _user() in group.gr_mem:
        return f"you were put in the group {name} after you logged in: log in again, or run `newgrp {name}`"
    return (
        f"run `sudo usermod -aG {name} {_user()}` and log in again (who is in that group is as good as root);"
        " or for yourself: `systemctl --user enable --now podman.socket`"
    )


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
