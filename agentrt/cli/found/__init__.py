"""What ``agentrt init`` finds out about a folder. It is looked at only: nothing in it is run, nothing outside opened.

``files.py`` opens what may be odd; ``tests.py`` says how the project is tested, by ``makes.py``, ``python.py``,
``scripts.py`` and ``builds.py``; ``around.py`` has the rest. Who can plan is found
elsewhere (``agentrt.planners.found``).
"""
