"""The terminal app: a client of the core, nothing more. It is not there yet; ``agentrt`` alone prints a summary."""
