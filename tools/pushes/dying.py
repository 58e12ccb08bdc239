"""A program of its own: ``python dying.py PARENT COMMAND…`` runs a command that is ended when its parent dies."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("its parent has died")
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
