"""The process that has a workspace open, and does what its clients say (docs/hosting.md has the protocol).

From the ground: ``wire`` (lines and errors), ``address`` (where it listens), ``state`` (what clients are told of a
session), ``tail`` (output that comes too fast), ``setup`` (which task is made of a text), ``runtimes`` (which sessions
are open), ``questions``, ``runs``, ``methods/`` (what can be asked), ``host`` (all of it together), ``serving`` (its
life as a process), ``attending`` (the host of a headless run), ``client`` and ``spawn`` (the other side).
"""
