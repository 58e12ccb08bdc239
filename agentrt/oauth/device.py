"""A person says yes on another device, with a code (RFC 8628)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from agentrt.errors import Denied, UsageError

from .endpoint import Declined, Endpoint, Failed, told
from .service import Service

_MORE = 5.0
"""Seconds that are added to the interval, each time the service wants it slower."""
_LONGEST = 1800.0
"""Seconds to wait for a person, whatever the service allows."""
_TRIES = 6
"""In a row that may fail."""


async def by_device(service: Service, endpoint: Endpoint, scope: str, tell: Callable[[str], None]) -> Mapping[str, Any]:
    """The tokens. Raises ``UsageError``, ``Denied``."""
    try:
        begun = await asyncio.to_thread(endpoint.begin_device, service.endpoint, scope)
        code, where, shown = (str(begun[key]) for key in ("device_code", "verification_uri", "user_code"))
        interval, lasts = float(begun.get("interval", 5)), min(float(begun["expires_in"]), _LONGEST)
    except Declined as error:
        raise _begun_wrong(service, error) from None
    except (Failed, KeyError, TypeError, ValueError) as error:
        why = error if isinstance(error, Failed) else "its answer is none of a device endpoint"
        raise UsageError(f"{service.endpoint} cannot be asked: {why}", hint="try again later") from None
    if urlsplit(where).scheme not in ("http", "https"):
        raise UsageError(f"{service.endpoint} names no page to open", hint="look at what the pack says of it")
    tell(f"open {where} and enter the code {shown}")
    return await _polled(service, endpoint, code, interval, time.monotonic() + lasts)


async def _polled(service: Service, endpoint: Endpoint, code: str, interval: float, end: float) -> Mapping[str, Any]:
    failed = 0
    while True:
        await asyncio.sleep(interval)
        if time.monotonic() >= end:
            raise told(Declined("the code has run out"), "nobody said yes in time", service.api)
        try:
            return await asyncio.to_thread(endpoint.device, code)
        except Declined as error:
            failed = 0
            if str(error) == "slow_down":
                interval += _MORE
            elif str(error) == "access_denied":
                raise Denied(f"{service.api}: the login was declined", hint="nothing was kept") from None
            elif str(error) == "expired_token":
                raise told(error, "nobody said yes in time", service.api) from None
            elif str(error) != "authorization_pending":
                raise told(error, f"{service.token} gave no token", service.api) from None
        except Failed as error:
            failed += 1
            interval *= 2
            if failed >= _TRIES:
                raise told(error, f"{service.token} does not answer", service.api) from None


def _begun_wrong(service: Service, error: Declined) -> UsageError:
    hint = "look whether the service knows this client, and lets it use the device flow"
    return UsageError(f"{service.endpoint} said no: {error}", hint=hint)
