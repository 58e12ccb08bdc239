"""Running an action, wherever a sandbox has it run: started, limited, watched, and its files read and written.

``sandbox.py`` and ``client.py`` are the runtime's end. The rest imports nothing but its siblings, ``layers`` and the
standard library, as it runs in a bare interpreter: ``action.py`` and ``init.py`` where this machine gives an action
namespaces of its own, ``copied.py`` in copies. ``command.py`` and what that imports also run where nothing of ours is
installed; there Python is 3.9 or later.
"""
