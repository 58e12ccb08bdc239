"""Values an agent uses and never sees: where they are kept, what stands for them, how they are found in what passes.

``store.py`` keeps them, in the keyring (``ring.py``) or in an encrypted file (``vault.py``, ``sealed.py``); ``held.py``
gives the placeholders; ``redactor.py`` finds values in any of their ``forms.py``.
"""

from __future__ import annotations

from .held import Held, hold
from .redactor import Detector, Redactor
from .store import Kept, keep, kept, load, names, remove

__all__ = ["Detector", "Held", "Kept", "Redactor", "hold", "keep", "kept", "load", "names", "remove"]
