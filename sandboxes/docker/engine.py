"""The container engine: where it is, what it is, and its errors in words."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from agentrt.errors import AgentrtError

from . import causes

if TYPE_CHECKING:
    import docker

_FIRST, _ANY = 5, 60
"""Seconds for the first question, and for every other."""
_OLDEST = (1, 41)
"""The API of Docker 20.10 and podman 4."""
_DOCKER = "/var/run/docker.sock"
_SYSTEM_PODMAN = "/run/podman/podman.sock"


@dataclass(frozen=True)
class About:
    """What an engine is."""

    name: Literal["docker", "podman"]
    version: str
    driver: str
    """Of its storage: overlay2, vfs …"""
    rootless: bool
    cgroups: str
    """The version of control groups: "1" or "2"."""
    seccomp: bool
    """Whether containers get a filter of system calls unless they bring their own."""
    lacking: tuple[str, ...]
    """Limits it cannot keep, of memory, processes and processors."""
    processors: int
    address: str


def connect() -> docker.DockerClient:
    """The engine that ``docker`` would use here: DOCKER_HOST, the context, Docker's socket; without one podman's.

    Raises ``SandboxUnavailable`` with the cause and the cure. Blocks for at most a few seconds.
    """
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    address, how = _chosen()
    path = _socket(address)
    if path is not None:
        address = f"unix://{path}"
        _knock(path)
    try:
        client = docker.DockerClient(base_url=address, timeout=_FIRST, **how)
    except (DockerException, RequestException, OSError) as error:
        raise causes.explain(error, address) from error
    version = client.api.api_version
    if tuple(int(part) for part in version.split(".")) < _OLDEST:
        client.close()
        raise causes.too_old(address, f"it speaks version {version} of the API")
    client.api.timeout = _ANY
    return client


def about(client: docker.DockerClient) -> About:
    """Asks the engine twice, or three times. Raises ``SandboxError``."""
    with translated("ask the container engine what it is"):
        version, info = client.version(), client.info()
        parts = [part.get("Name", "") for part in version.get("Components") or ()]
        podman = any("podman" in part.lower() for part in parts)
        options: Sequence[str] = info.get("SecurityOptions") or ()
        if podman:  # what it tells Docker's clients is of the machine, whoever runs it
            limits = {"memory": "memory", "processes": "pids", "processors": "cpu"}
            kept, rootless = _podmans_own(client)
        else:
            limits = {"memory": "MemoryLimit", "processes": "PidsLimit", "processors": "CpuCfsQuota"}
            kept = [key for key in limits.values() if info.get(key)]
            rootless = any(option.startswith("name=rootless") for option in options)
    return About(
        name="podman" if podman else "docker",
        version=version["Version"],
        driver=info.get("Driver") or "unknown",
        rootless=rootless,
        cgroups=info.get("CgroupVersion") or "1",
        seccomp=any(o.startswith("name=seccomp") and "unconfined" not in o for o in options),
        lacking=tuple(limit for limit, key in limits.items() if key not in kept),
        processors=info["NCPU"],
        address=_address(client),
    )


def limited(found: About, *, memory: int, processes: int, processors: float | None = None) -> dict[str, Any]:
    """How the SDK is told of these limits of a container, ``memory`` in bytes and swap not on top of it; without those
    that the engine cannot keep: some refuse to start a container with one."""
    told = {"memory": {"mem_limit": memory, "memswap_limit": memory}, "processes": {"pids_limit": processes}}
    if processors is not None:  # engines refuse more than there are
        told["processors"] = {"nano_cpus": int(min(processors, found.processors) * 1_000_000_000)}
    return {key: value for limit, part in told.items() if limit not in found.lacking for key, value in part.items()}


@contextmanager
def translated(do: str = "go on") -> Iterator[None]:
    """What the SDK raises becomes ``SandboxError`` or ``DiskFull``, in words; ``do`` is what is tried: "start a
    container". Errors of agentrt pass."""
    from http.client import HTTPException

    from docker.errors import DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except AgentrtError:
        raise
    except (DockerException, RequestException, HTTPError, HTTPException, OSError) as error:
        raise causes.told(do, error) from error


def _chosen() -> tuple[str, dict[str, Any]]:
    """Address and TLS. Raises ``SandboxUnavailable``."""
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    if host := os.environ.get("DOCKER_HOST"):
        try:
            how = kwargs_from_env()
        except DockerException as error:
            raise causes.explain(error, host) from error
        return host, {"tls": how["tls"]} if "tls" in how else {}
    if chosen := _context():
        return chosen
    sockets = _sockets(os.environ)
    for path in sockets:
        if os.path.exists(path):
            return f"unix://{path}", {}
    raise causes.unavailable(
        "engine-absent",
        f"there is none of {', '.join(sockets)}, and DOCKER_HOST is not set",
        "install one: `sudo apt-get install docker.io`, or `sudo apt-get install podman` and then"
        f" `systemctl --user enable --now podman.socket`; if it is there, {causes.START}",
    )


def _context() -> tuple[str, dict[str, Any]] | None:
    """Of Docker's contexts the one in use; None for the default one. Raises ``SandboxUnavailable``."""
    from docker.context import ContextAPI
    from docker.context.config import get_current_context_name
    from docker.utils.config import find_config_file

    name = os.environ.get("DOCKER_CONTEXT") or get_current_context_name()
    if name == "default":
        return None
    why = f"Docker's context {name!r} is in use, and there is no such context"
    try:
        # Without a configuration the SDK would look for contexts in the current folder, which may be anybody's.
        context = ContextAPI.get_context(name) if find_config_file() else None
    except Exception as error:  # the SDK raises that itself
        context, why = None, f"Docker's context {name!r} cannot be read: {error}"
    if context is None or not context.Host:
        cure = "`docker context ls` lists them, `docker context use default` goes back; DOCKER_CONTEXT names one, too"
        raise causes.unavailable("engine-context", why, cure)
    return context.Host, {"tls": context.TLSConfig} if context.TLSConfig else {}


def _sockets(environment: Mapping[str, str]) -> list[str]:
    """Where engines listen, the preferred first."""
    run = environment.get("XDG_RUNTIME_DIR")
    return [_DOCKER, *([f"{run}/podman/podman.sock"] if run else []), _SYSTEM_PODMAN]


def _socket(address: str) -> str | None:
    """The path of a socket on this machine; None for an address elsewhere. Raises ``SandboxUnavailable``."""
    from docker.errors import DockerException
    from docker.utils import parse_host

    if address.startswith("ssh://"):
        host = address.removeprefix("ssh://").partition("/")[0]
        forward = f"ssh -nNT -L /tmp/engine.sock:{_DOCKER} {host}"
        cure = f"run `{forward} &`, then set DOCKER_HOST=unix:///tmp/engine.sock"
        raise causes.unavailable("engine-ssh", f"agentrt does not speak to {address} itself", cure)
    try:
        scheme, _, rest = str(parse_host(address)).partition("://")
        if scheme != "http+unix":
            return None
        if rest.strip("/"):
            return f"/{rest.lstrip('/')}"
    except (DockerException, ValueError):  # no address either, as told below
        pass
    cure = "one is written as unix:///var/run/docker.sock or tcp://HOST:2376"
    raise causes.unavailable("engine-address", f"{address!r} is no address of an engine", cure)


def _knock(path: str) -> None:
    """Is somebody there? The SDK would leave its socket open where nobody is. Raises ``SandboxUnavailable``."""
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.settimeout(_FIRST)
        try:
            knocking.connect(path)
        except OSError as error:
            raise causes.explain(error, f"unix://{path}") from error


def _podmans_own(client: docker.DockerClient) -> tuple[Sequence[str], bool]:
    """What podman says of its host to its own clients: the controllers of control groups it has, and whether it is
    rootless. Raises what the SDK does."""
    from docker.errors import DockerException

    api = client.api
    answer = api.get(f"{api.base_url}/v{api.api_version}/libpod/info", timeout=api.timeout)
    answer.raise_for_status()
    try:
        host = answer.json()["host"]
        return host["cgroupControllers"] or (), bool(host["security"]["rootless"])
    except (ValueError, KeyError, TypeError):  # what this is called would be told, and says nothing
        pass
    raise DockerException("podman does not say which limits it can keep")


def _address(client: docker.DockerClient) -> str:
    url = client.api.base_url
    path = getattr(client.api.get_adapter(url), "socket_path", None)
    return f"unix://{path}" if path else url
