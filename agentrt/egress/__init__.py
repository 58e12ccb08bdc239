"""The one way out of a sandbox: a proxy of ours, over a socket that listens inside.

``Gate`` is one action's (gate.py); it serves plain requests (exchange.py) and tunnels (tunnel.py), both over streams
(streams.py) and in HTTP as h11 reads it (talk.py, heads.py). What a request asks for is read so that policy and server
understand the same (hosts.py, targets.py, hello.py); the name is resolved here, once, and only to addresses that are
everybody's (outside.py, addresses.py). Secrets are put in (placeholders.py), and looked for like canaries are
(forms.py, guard.py). ``Authority`` makes the certificates for tunnels that are opened; ``environment`` tells programs
inside about all this. What all connections share is in desk.py, what is kept of each request in account.py.
"""

from agentrt.secrets.held import Held, hold

from .authority import Authority
from .environment import BUNDLE, environment
from .gate import Gate
from .outside import Resolver

__all__ = ["BUNDLE", "Authority", "Gate", "Held", "Resolver", "environment", "hold"]
