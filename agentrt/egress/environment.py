"""What tells the programs inside where their way out is, and whom to trust there."""

from __future__ import annotations

BUNDLE = "/run/agentrt/ca.pem"
"""Where ``Authority.bundle`` is planted."""

_PROXY = ("http_proxy", "https_proxy", "all_proxy")
_NEVER = "localhost,127.0.0.1,::1"
_CA = (
    *("SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
    *("REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "npm_config_cafile", "DENO_CERT"),
    *("CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"),
)
"""OpenSSL, what is built on it, and Go; curl, git; requests, pip, Node, npm, Deno; Cargo, AWS, gRPC."""


def environment(port: int, *, bundle: str = BUNDLE) -> dict[str, str]:
    """Variables for processes inside. ``port`` is that of ``Sandbox.door``."""
    proxy = f"http://127.0.0.1:{port}"
    found = {name: value for known in _PROXY for name, value in ((known, proxy), (known.upper(), proxy))}
    found |= {"no_proxy": _NEVER, "NO_PROXY": _NEVER, "NODE_USE_ENV_PROXY": "1"}
    return found | dict.fromkeys(_CA, bundle)
