"""The left column: what waits for a person, and all that happened.

``inbox``, ``timeline``, ``search`` and ``selection`` say what is shown, without a terminal; ``listing`` draws it.
"""
