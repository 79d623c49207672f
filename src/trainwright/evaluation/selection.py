"""The best of several scores on the same rows, why it is too good, and whether rows are the same. No arrays: what only looks at
runs has none."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
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


def same_labels(first: Sequence[Hashable], second: Sequence[Hashable]) -> bool:
    """Return whether the labels of rows are the same in two data sets, a few that were corrected aside.

    They are where they agree more than halfway from what chance would do to all (Cohen 1960, Educational and Psychological
    Measurement 20:37): labels dealt out anew agree in half of the rows of two classes, and in most where one is frequent.
    """
    rows, (one, other) = len(first), (Counter(first), Counter(second))
    agreed = sum(map(lambda a, b: a == b, first, second))
    by_chance = sum(many * other[label] for label, many in one.items()) / max(rows, 1)
    return agreed == rows or 2 * agreed > by_chance + rows
