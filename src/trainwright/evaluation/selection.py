"""The best of several scores on the same rows, and why it is too good. No arrays: what only looks at runs has none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache


@cache
def expected_maximum(many: int) -> float:
    """Return by how many standard deviations the largest of so many normal numbers is above their mean, on average.

    It is half of the expected range, the integral of 1 - F**n - (1 - F)**n (Tippett 1925, Biometrika 17:364).
    """
    step = 0.02
    below = (0.5 * math.erfc(-step * place / math.sqrt(2)) for place in range(-400, 401))
    return step / 2 * sum(1 - each**many - (1 - each) ** many for each in below)


def noise(right: Sequence[bytes], rows: int) -> float:
    """Return the standard deviation by which models that are equally good differ in accuracy on so many rows, by chance.

    ``right`` has a bit for each row of a model: whether its answer is right. It is ``paired.noise`` of these.
    """
    bits = [int.from_bytes(each, "big") >> max(8 * len(each) - rows, 0) for each in right]
    models = len(bits)
    hits = [each.bit_count() for each in bits]
    both = sum((one & other).bit_count() for place, one in enumerate(bits) for other in bits[:place])
    rest = sum(hits) + sum(hits) ** 2 / (models * rows) - (sum(hits) + 2 * both) / models - sum(n * n for n in hits) / rows
    return math.sqrt(max(rest, 0.0) / max((models - 1) * (rows - 1), 1) / rows)
