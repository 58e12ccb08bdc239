"""The user's own git repository, as far as an apply goes into it."""
