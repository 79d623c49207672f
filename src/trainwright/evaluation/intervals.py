"""How far a score could be off by chance."""

from __future__ import annotations

from math import sqrt

Z95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def wilson(correct: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson 1927, JASA 22:209): stays inside [0, 1], sound for few rows too."""
    if not rows:
        return 0.0, 1.0
    share, z2 = correct / rows, Z95**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = Z95 * sqrt(share * (1 - share) / rows + z2 / (4 * rows * rows)) / (1 + z2 / rows)
    # The ends are exact where nothing, or everything, is right; rounding must not move them.
    return (max(0.0, middle - half) if correct else 0.0), (min(1.0, middle + half) if correct < rows else 1.0)
