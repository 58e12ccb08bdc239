"""The token endpoint, by authlib. No redirect is followed, no proxy or login of the environment is heard: what is sent
there goes nowhere else."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from agentrt.egress.trust import trusted_file
from agentrt.errors import UsageError
from agentrt.records import Grant, Secret

SECONDS = 20.0
"""For an answer."""
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Declined(Exception):
    """The service said no. Its text is the error's code (RFC 6749, 5.2): what else it says is nobody's words here."""


class Failed(Exception):
    """Nobody knows what came of it: no answer, or none that can be read."""


class Endpoint:
    """Of one client. Everything blocks. Whatever is asked raises ``Declined`` or ``Failed``."""

    def __init__(self, url: str, client: str, client_secret: str = "") -> None:
        from authlib.integrations.requests_client import OAuth2Session

        self._url = url
        self._session: Any = OAuth2Session(client, client_secret or None, code_challenge_method="S256")
        self._session.trust_env = False
        self._session.verify = trusted_file() or True
        self._client = client

    def page(self, url: str, *, state: str, verifier: str, redirect: str, scope: str, more: Mapping[str, str]) -> str:
        """Where a person says yes: the URL to open."""
        asked = {"redirect_uri": redirect, "scope": scope or None, **more}
        found, _ = self._session.create_authorization_url(url, state=state, code_verifier=verifier, **asked)
        return str(found)

    def code(self, code: str, *, verifier: str, redirect: str) -> Mapping[str, Any]:
        """The tokens for what the page answered."""
        return self._ask(grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=redirect)

    def device(self, code: str) -> Mapping[str, Any]:
        """The tokens, once a person has said yes elsewhere."""
        return self._ask(grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=code)

    def refresh(self, token: str) -> Mapping[str, Any]:
        return self._ask(grant_type="refresh_token", refresh_token=token)

    def begin_device(self, url: str, scope: str) -> Mapping[str, Any]:
        """The answer of a device endpoint (RFC 8628, 3.2)."""
        import requests

        data = {"client_id": self._client} | ({"scope": scope} if scope else {})
        options = {"headers": {"Accept": "application/json"}, "timeout": SECONDS, "allow_redirects": False}
        try:
            answer = self._session.post(url, data=data, withhold_token=True, **options)
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Failed(type(error).__name__) from None
        if not isinstance(found, dict):
            raise Failed(f"status {answer.status_code}")
        if "error" in found or answer.status_code >= 300:
            raise Declined(_code(found.get("error")))
        return found

    def _ask(self, **fields: str) -> Mapping[str, Any]:
        import requests
        from authlib.common.errors import AuthlibBaseError

        try:
            found = self._session.fetch_token(self._url, timeout=SECONDS, allow_redirects=False, **fields)
        except requests.RequestException as error:
            raise Failed(type(error).__name__) from None  # its text may have in it what was sent
        except AuthlibBaseError as error:
            raise Declined(_code(error.error)) from None
        except ValueError:
            raise Failed("the answer is none of a token endpoint") from None
        if not isinstance(found.get("access_token"), str):
            raise Failed("the answer has no token")
        return dict(found)


def granted(secret: Secret, answer: Mapping[str, Any], now: float | None = None) -> Secret:
    """With the tokens of an answer; ``secret`` has the grant they come of. Raises ``UsageError`` for what cannot be
    kept."""
    grant = secret.grant
    assert grant is not None
    now = time.time() if now is None else now
    lasts, refresh = answer.get("expires_in"), answer.get("refresh_token")
    given = answer.get("scope")
    scopes = tuple(re.findall(r"[^ ,]+", given)) if isinstance(given, str) else ()
    update = {
        "obtained": now,
        "expires": now + float(lasts) if isinstance(lasts, int | float | str) and _is_number(lasts) else None,
        "refresh": refresh if isinstance(refresh, str) and refresh else grant.refresh,
        "scopes": scopes or grant.scopes,
        "renewing": False,
    }
    renewed = Grant.from_dict({**grant.to_dict(), **update})
    return secret.model_copy(update={"value": answer["access_token"], "grant": renewed})


def told(error: Exception, what: str, api: str) -> UsageError:
    """For whoever is to log in."""
    return UsageError(f"{what}: {error}", hint=f"agentrt api login {api}")


def _is_number(value: int | float | str) -> bool:
    try:
        return not isinstance(value, bool) and 0 <= float(value) < 1e10
    except ValueError:
        return False


def _code(error: object) -> str:
    return error if isinstance(error, str) and _CODE.fullmatch(error) else "an error without a code"
