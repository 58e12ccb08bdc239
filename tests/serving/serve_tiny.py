"""``agentrt serve``, but for the app: ``serve_tiny.py FILE`` serves the tiny one, which writes its process into FILE."""

from __future__ import annotations

import sys
from pathlib import Path

from agentrt.cli.interrupting import Interrupted, run
from agentrt.cli.options import Where
from agentrt.cli.serve import until_interrupted
from agentrt.serving.server import Server

server = Server([sys.executable, "-P", str(Path(__file__).with_name("tiny_app.py")), sys.argv[1]])
try:
    run(until_interrupted(server, None, Where(json=True)))
except Interrupted as by:
    sys.exit(128 + by.number)
