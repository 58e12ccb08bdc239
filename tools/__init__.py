"""What an agent can do. Each tool is a file: an action, and how it is carried out through a ``World``."""
