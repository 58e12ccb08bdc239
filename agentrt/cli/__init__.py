"""The command line (docs/cli.md): ``main`` is the door, ``render`` and ``plain`` say things, the rest are commands."""
