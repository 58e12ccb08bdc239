"""Tokens a service gives to agentrt itself (OAuth 2), so that no person has to copy one: asked for, kept, renewed.

``service.py`` is what an API pack says of it, ``scopes.py`` which of it a policy needs. A login is a code on another
device (``device.py``, RFC 8628) or an answer to this machine (``loopback.py``, RFC 7636 and 8252); ``endpoint.py`` asks
the token endpoint, ``renewing.py`` renews what runs out.
"""

from __future__ import annotations

from .renewing import renewed
from .service import Offered, Service

__all__ = ["Offered", "Service", "renewed"]
