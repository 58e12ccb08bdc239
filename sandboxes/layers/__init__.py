"""Layers on disk, without mounting them: what each changed, how views of them differ, how they come and go.

``store.py`` says how they lie there, ``books.py`` answers what is asked about them. That runs in a process of its own
(``server.py``), which must start fast: it imports nothing but its siblings and the standard library. ``client.py`` and
``sandbox.py`` are the runtime's end of it.
"""
