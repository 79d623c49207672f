"""Whether two splits differ by more than chance: distributions of classes and numbers, and what tokens tell of the split.

Every test gives a probability ``p`` under the hypothesis that the rows were drawn at random, and an effect; an alarm needs
both, with ``LEVEL`` shared among all tests that are made (Bonferroni). Rows have to be drawn by themselves: of groups and of
equal contents one row each is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, exp, sqrt
from typing import NamedTuple

import numpy as np

LEVEL = 0.01  # the chance of any false alarm on a data set
FEWEST = 30  # rows of each split
NAMED = 5  # tokens that tell most
EXPECTED = 5.0  # rows of a class in each split; rarer classes are taken together (Cochran 1954, Biometrics 10:417)


class Test(NamedTuple):
    """One comparison: of ``what``, by which ``measure``, with the least value that matters; of tokens those that tell most."""

    what: str
    p: float
    measure: str
    effect: float
    least: float
    tokens: tuple[int, ...] = ()
    split: str = ""  # that was compared with train, for who keeps it
    rows: int = 0  # of that split


def alarms(tests: Sequence[Test]) -> list[Test]:
    """Return the tests whose splits differ by more than chance, and by as much as matters."""
    return [each for each in tests if each.p * len(tests) < LEVEL and each.effect >= each.least]


def of_classes(what: str, first: np.ndarray, second: np.ndarray) -> Test | None:
    """Compare how many rows each class has in two splits, int64 (classes,) each, by Pearson's chi-squared; Cramer's V is the
    effect. None for too few rows."""
    counts = np.stack([first, second]).astype(np.float64)
    totals = counts.sum(axis=1)
    if totals.min() < FEWEST:
        return None
    rare = counts.sum(axis=0) * totals.min() / totals.sum() < EXPECTED
    counts = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)]) if rare.any() else counts
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return None
    expected = np.outer(totals, counts.sum(axis=0)) / totals.sum()
    statistic, freedom = float(((counts - expected) ** 2 / expected).sum()), counts.shape[1] - 1
    return Test(what, chi_squared(statistic, freedom), "Cramer's V", sqrt(statistic / totals.sum()), 0.05)


def chi_squared(statistic: float, freedom: int) -> float:
    """Return how likely a larger statistic is by chance (Wilson and Hilferty 1931, PNAS 17:684; right to a fifth of it)."""
    scale = 2 / (9 * freedom)
    return erfc(((statistic / freedom) ** (1 / 3) - (1 - scale)) / sqrt(scale) / sqrt(2)) / 2


def of_numbers(what: str, first: np.ndarray, second: np.ndarray) -> Test | None:
    """Compare two samples of numbers, float64, by Kolmogorov and Smirnov; the greatest difference of their distribution
    functions is the effect. Of ties the test is careful. None for too few rows."""
    first, second = (np.sort(each[np.isfinite(each)]) for each in (first, second))
    if min(len(first), len(second)) < FEWEST:
        return None
    points = np.concatenate([first, second])
    shares = [np.searchsorted(each, points, side="right") / len(each) for each in (first, second)]
    distance = float(np.abs(shares[0] - shares[1]).max())
    size = sqrt(len(first) * len(second) / (len(first) + len(second)))
    x = distance * (size + 0.12 + 0.11 / size)  # Stephens 1970, JRSS B 32:115
    p = min(max(2 * sum((-1) ** (k - 1) * exp(-2 * (k * x) ** 2) for k in range(1, 101)), 0.0), 1.0) if x > 0.2 else 1.0
    return Test(what, p, "distance", distance, 0.05)


def of_tokens(what: str, codes: np.ndarray, texts: np.ndarray, second: np.ndarray) -> Test | None:
    """Compare what texts say: a naive Bayes classifier learns on every other text of each split to tell the two apart, and is
    measured on the rest, where its AUC is 0.5 by chance (Lopez-Paz and Oquab 2017, arXiv:1610.06545).

    Args:
        codes: numbers of tokens, of which each text has each once: int64 (tokens,).
        texts: the text of each, int64 (tokens,).
        second: which texts are of the second split, bool (texts,).
    """
    learned = np.zeros(len(second), bool)
    for part in (False, True):
        learned[np.flatnonzero(second == part)[::2]] = True
    sizes = [int((second[~learned] == part).sum()) for part in (False, True)]
    if min(sizes) < FEWEST:
        return None
    size = int(codes.max(initial=0)) + 1
    shares = []
    for part in (True, False):
        rows = learned & (second == part)
        shares.append((np.bincount(codes[rows[texts]], minlength=size) + 0.5) / (rows.sum() + 1))
    told = np.log(shares[0] / shares[1])
    scores = np.bincount(texts, told[codes], minlength=len(second)) / np.maximum(np.bincount(texts, minlength=len(second)), 1)
    auc, deviation = ranked(scores[~learned], second[~learned])
    telling = np.abs(shares[0] - shares[1]) / np.sqrt(shares[0] + shares[1])
    tokens = tuple(telling.argsort(kind="stable")[::-1][:NAMED].tolist())
    return Test(what, erfc((auc - 0.5) / deviation / sqrt(2)) / 2, "AUC", auc, 0.55, tokens)


def ranked(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    """Return the area under the ROC curve, and its standard deviation where it is 0.5 by chance, with ties (Mann, Whitney)."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m = int(positive.sum()), int((~positive).sum())
    auc = float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / ((n + m) * (n + m - 1))
    return auc, sqrt(max((n + m + 1 - ties) / (12 * n * m), 1e-12))
