"""``python -m agentrt``: the same as ``agentrt``."""

from agentrt.cli.main import main

if __name__ == "__main__":
    main()
