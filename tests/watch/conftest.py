"""The pseudo-terminal that the tests of this folder share."""

from watch_samples import terminal

__all__ = ["terminal"]
