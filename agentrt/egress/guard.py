"""What may be in a request on its way out: no canary, no secret that was not put in here, no placeholder astray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from agentrt.errors import UsageError
from agentrt.secrets.held import Held

from .forms import Found, Search, Token, Watch
from .outside import Way
from .placeholders import Outgoing, is_for, named_in, put_in, values_of
from .refused import Refused


class Guard:
    def __init__(self, held: Sequence[Held], canaries: Mapping[str, bytes]) -> None:
        self._held, self._canaries = tuple(held), dict(canaries)
        self._look_for()

    def _look_for(self) -> None:
        tokens = [Token("canary", name, value) for name, value in self._canaries.items()]
        tokens += [Token("secret", each.secret.name, value) for each in self._held for value in values_of(each)]
        placeholders = [Token("placeholder", each.secret.name, each.placeholder.encode()) for each in self._held]
        self._values = Search(tokens)
        self._anything = Search([*tokens, *placeholders])

    def bound_to(self, host: str) -> list[bytes]:
        """The values of the secrets of that place, those they had before as well."""
        return [value for each in self._held if is_for(each, host) for value in values_of(each)]

    async def freshen(self, outgoing: Outgoing, way: Way) -> list[tuple[Held, str]]:
        """Renew what is about to run out of what will be put in; that, and the values it has. Raises ``Refused``."""
        named = [each for each in named_in(outgoing, self._held) if is_for(each, way.host)]
        known = sum(len(each.known) for each in self._held)
        for each in named:
            try:
                await each.freshen()
            except UsageError as error:
                raise Refused(f"{error} ({error.hint})" if error.hint else str(error)) from None
        if known != sum(len(each.known) for each in self._held):
            self._look_for()
        return [(each, each.secret.value) for each in named]

    def watch(self) -> Watch:
        """Over a body that is passed on as it comes."""
        return Watch(self._anything)

    def check(self, *pieces: bytes) -> None:
        """Raises ``Found``: what may be in no request at all."""
        for piece in pieces:
            if (token := self._values.find_small(piece)) is not None:
                raise Found(token)

    def check_host(self, host: str) -> None:
        """The same of a name, whose labels may be the pieces of something."""
        self.check(host.encode(), host.replace(".", "").encode())

    def check_names(self, method: bytes, outgoing: Outgoing) -> None:
        """Where no value is ever put in, no placeholder has a place either. Raises ``Found``."""
        for name in (method, *(name for name, _ in outgoing.headers)):
            if (token := self._anything.find_small(name)) is not None:
                raise Found(token)

    def check_outgoing(self, outgoing: Outgoing) -> None:
        self.check(outgoing.target.encode(), outgoing.body or b"")
        self.check(*(value for _, value in outgoing.headers))
        # In pieces, too: over several headers, or the values of a query.
        query = parse_qsl(outgoing.target.partition("?")[2], keep_blank_values=True, errors="surrogateescape")
        self.check(b"".join(value for _, value in outgoing.headers))
        self.check("".join(value for _, value in query).encode(errors="surrogateescape"))

    def put_in(self, outgoing: Outgoing, way: Way, *, scheme: str) -> tuple[Outgoing, tuple[str, ...]]:
        """With the secrets of the place, and their names. Raises ``Refused``."""
        named = named_in(outgoing, self._held)
        for each in named:
            if not is_for(each, way.host):
                raise Refused(f"the placeholder of the secret {each.secret.name} was on its way to {way.host}, "
                              "which the secret is not for")  # fmt: skip
            if scheme == "http" and not way.private:
                raise Refused(f"the secret {each.secret.name} is not sent in clear over the network; use https")
        return put_in(outgoing, named), tuple(each.secret.name for each in named)

    def masked(self, text: str) -> str:
        """For the journal: nothing at all of what has a secret in it."""
        try:
            self.check(text.encode(errors="surrogateescape"))
        except Found as found:
            return f"({found.because.partition(' was ')[0]})"
        return text
