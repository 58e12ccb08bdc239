"""For people who write plug-ins: conformance kits, and small real implementations to run them on.

``tool_kit.check_tool`` checks a tool; ``plain_world.PlainWorld`` is a world to run it in.
``sandbox_kit.check_sandbox`` checks a sandbox, ``sandbox_kit.sandbox_checks`` are its checks one by one.
"""
