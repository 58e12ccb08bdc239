"""For people who write plug-ins: conformance kits, and small real implementations to run them on.

``tool_kit.check_tool`` checks a tool; ``plain_world.PlainWorld`` is a world to run it in.
"""
