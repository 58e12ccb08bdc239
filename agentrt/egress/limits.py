"""How much of everything, so that what is inside can use up its own way out and nothing else."""

from __future__ import annotations

CONNECTIONS = 64
"""At the same time; more wait at the door."""
REQUESTS = 10_000
"""That an action is accounted for; more are refused."""
HEAD_BYTES = 64 << 10
"""Of a request or an answer without its body."""
BODY_BYTES = 1 << 20
"""A request's body up to this length is looked at as a whole before anything is sent."""
ANSWER_BYTES = 8 << 20
"""Of one to a request of agentrt's own."""
HELLO_BYTES = 16 << 10
"""The first words of TLS."""
CHUNK_BYTES = 64 << 10
IDLE_SECONDS = 300.0
"""Without a byte in either direction."""
CONNECT_SECONDS = 20.0
"""To find a host and to reach it."""
HELLO_SECONDS = 20.0
"""For the client to begin TLS."""
LINGER_SECONDS = 1.0
"""For a client to stop sending, so that it reads why it was refused."""
