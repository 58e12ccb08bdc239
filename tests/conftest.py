"""How many examples Hypothesis tries: few in every run, many with ``make fuzz``."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("few", max_examples=40)
settings.register_profile("fuzz", max_examples=2000)
settings.load_profile("few")
