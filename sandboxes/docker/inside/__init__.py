"""What runs in a container: its first process, which runs actions, tells what they changed, and puts things back.

The image has none of it: the sources are sent to its Python, 3.9 or later. Nothing here imports anything but its
siblings, ``acting`` and the standard library. ``frames.py``, ``index.py``, ``entries.py`` and ``tunnels.py`` serve both
ends.
"""
