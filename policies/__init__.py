"""The permission layer: packs of rules and limits that people edit (docs/policies.md)."""

from .load import open_policy
from .policy import PackPolicy

__all__ = ["PackPolicy", "open_policy"]
