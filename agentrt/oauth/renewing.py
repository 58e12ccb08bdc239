"""A token that is about to run out is renewed, once, by one process: a refresh token may be good for one use only, and
its second use may end all of them."""

from __future__ import annotations

import time

from agentrt.errors import UsageError
from agentrt.homes import state_home
from agentrt.records import Grant, Secret
from agentrt.secrets import store
from agentrt.secrets.places import alone

from .endpoint import Declined, Endpoint, Failed, granted

_AHEAD = 60.0
"""Seconds before its end: a request takes some."""
_YOUNG = 60.0
"""Seconds: what was given just now, and is refused, is not refused for its age."""


def renewed(secret: Secret, refused: bool) -> Secret:
    """As it is, or a newer one where it is about to run out, or was refused. Blocks: see ``agentrt.secrets.Held``.

    Raises ``UsageError``, which says to log in where nothing else helps.
    """
    if not _is_due(secret, refused):
        return secret
    with alone(state_home() / "oauth" / secret.name):
        kept = store.load_again(secret.name)
        if kept.grant is None or (kept.value != secret.value and not _is_due(kept, False)):
            return kept  # another process was faster, or a person has set it
        return _renew(kept, kept.grant, refused and kept.value == secret.value)


def _is_due(secret: Secret, refused: bool) -> bool:
    grant, now = secret.grant, time.time()
    if grant is None:
        return False
    if refused and grant.refresh and now - grant.obtained >= _YOUNG:
        return True
    if grant.expires is None:
        return False
    return now >= grant.expires - min(_AHEAD, (grant.expires - grant.obtained) / 2)


def _renew(kept: Secret, grant: Grant, refused: bool) -> Secret:
    """The lock is held."""
    again = f"agentrt api login {grant.api}"
    if not grant.refresh:
        if grant.expires is not None and time.time() < grant.expires:
            return kept
        raise UsageError(f"{kept.name} has run out, and the service gave nothing to renew it by", hint=again)
    # Written down before it is sent; and where this cannot be kept, neither could what comes of it.
    marked = kept.model_copy(update={"grant": grant.model_copy(update={"renewing": True})})
    store.keep(marked, asks=False)
    try:
        answer = Endpoint(grant.token, grant.client, grant.client_secret).refresh(grant.refresh)
        found = granted(kept, answer)
    except Declined as error:
        why = f"the service renews {kept.name} no more ({error})"
        if grant.renewing:
            why = f"agentrt was ended while it renewed {kept.name}, and the service does not take the old one ({error})"
        raise UsageError(why, hint=again) from None
    except Failed as error:
        if not refused and grant.expires is not None and time.time() < grant.expires:
            return kept  # it is good for a while yet
        hint = f"try again; if it stays so: {again}"
        raise UsageError(f"{kept.name} has run out and could not be renewed: {error}", hint=hint) from None
    try:
        store.keep(found, asks=False)
    except UsageError as error:
        raise UsageError(f"{kept.name} was renewed and cannot be kept: {error}", hint=f"then: {again}") from None
    return found
