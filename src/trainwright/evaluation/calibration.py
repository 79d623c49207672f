"""Whether probabilities are what they say, and the temperature that makes them so.

Logits, or logarithms of probabilities, are divided by one number, the temperature (Guo et al. 2017, ICML, arXiv:1706.04599):
the order of the classes stays, so no answer changes. It is fitted where no test row is seen, by the log loss.
"""

from __future__ import annotations

from math import exp, log, pi, sqrt
from typing import Any, NamedTuple

import numpy as np

from trainwright.evaluation.intervals import Units

BINS = 15
FEW = 20  # rows of a bin
FEWEST, FEWEST_WRONG = 100, 10  # units to fit on, and rows among them whose answer is wrong, as right ones alone set no limit
MOST_VALUES = 1 << 22  # numbers that are fitted on; of more, rows are taken evenly
SMALLEST, LARGEST = 0.1, 10.0
LEAST_SHARE = 1e-38  # about the smallest probability in float32
ONE_SIDED = 1.6448536269514722  # the 95 % quantile of the normal distribution


class Temperature(NamedTuple):
    """What logits are divided by, 1 = as they are; and why that."""

    value: float
    why: str


def reliability(confidence: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Return how far probabilities are from how often they are right: the expected calibration error, and its bins.

    ``ece`` is the mean over rows of |share right - mean confidence| of the row's bin (Naeini et al. 2015, AAAI), with ``BINS``
    bins of the same number of rows (Nguyen and O'Connor 2015, EMNLP, arXiv:1508.05154); equal confidences are in one bin.
    Chance alone makes it larger than 0, which is not taken off: ``by_chance`` is what probabilities that are exactly right
    would show on as many rows. ``bins`` are [rows, mean confidence, share right], the least sure first.

    ``confidence`` is the probability of what is said, float (rows,); ``right``, bool (rows,), whether it is so.
    """
    order = np.argsort(confidence, kind="stable")
    sure, hits = confidence[order].astype(np.float64), right[order].astype(np.float64)
    many = len(sure)
    if not many:
        return {"ece": 0.0, "by_chance": 0.0, "bins": []}
    cuts = np.arange(1, min(BINS, many // FEW)) * many // min(BINS, max(many // FEW, 1))
    starts = np.unique([0, *np.searchsorted(sure, sure[cuts])])
    rows = np.diff([*starts, many])
    means, shares = (np.add.reduceat(each, starts) / rows for each in (sure, hits))
    spread = np.sqrt(np.add.reduceat(sure * (1 - sure), starts).clip(0)) / rows
    return {
        "ece": float((rows * np.abs(shares - means)).sum() / many),
        "by_chance": float((rows * spread).sum() / many * sqrt(2 / pi)),
        "bins": [list(each) for each in zip(rows.tolist(), means.tolist(), shares.tolist(), strict=True)],
    }


def temperature(scores: np.ndarray, targets: np.ndarray, units: Units | None, always: bool) -> Temperature:
    """Return the temperature of ``scores``, float (rows, classes or labels): logits, or logarithms of shares.

    Targets are class numbers (rows,), or 0 and 1 (rows, labels). Unless ``always``, it is 1 where there are too few rows to
    tell, and where the log loss does not fall beyond noise: on each half of the rows by the temperature of the other half, by a
    one-sided test at 5 %, over units where rows belong together.
    """
    if (taken := _taken(scores)) is not None:
        scores, targets = scores[taken], targets[taken]
        units = units and Units(np.unique(units.codes[taken], return_inverse=True)[1], units.of)
    scores = scores.astype(np.float64)
    codes = np.arange(len(targets)) if units is None else units.codes
    many = int(codes.max(initial=-1)) + 1
    wrong = int(_wrong(scores, targets).sum())
    if not np.isfinite(scores).all():
        return Temperature(1.0, "off: outputs of the network are not finite")
    if not wrong or (not always and (many < FEWEST or wrong < FEWEST_WRONG)):
        what = f"{many:,} {'units' if units else 'rows'} of validation, {wrong:,} of them answered wrong"
        return Temperature(1.0, f"off: {what}, tell too little")
    if always:
        return Temperature(_fitted(scores, targets), f"fitted on {len(targets):,} validation rows, as asked for (calibrate=on)")
    before, after = _losses(1.0, scores, targets)[0], np.empty(len(targets))
    half = np.random.default_rng(0).permutation(many)[codes] % 2 == 0
    for fitted, held in ((half, ~half), (~half, half)):
        after[held] = _losses(1 / _fitted(scores[fitted], targets[fitted]), scores[held], targets[held])[0]
    gains = np.bincount(codes, before - after)
    said = f"log loss {before.mean():.4f} as they are, {after.mean():.4f} on halves that it was not fitted on"
    if gains.mean() <= ONE_SIDED * gains.std(ddof=1) / sqrt(many):
        return Temperature(1.0, f"off: it would help no more than chance does ({said})")
    return Temperature(_fitted(scores, targets), f"fitted on {len(targets):,} validation rows ({said})")


def calibrated_loss(targets: np.ndarray, shares: np.ndarray) -> float | None:
    """Return the log loss of probabilities after the temperature that is best for these very rows: what a training can still
    win by telling them apart, as how sure it is can be mended afterwards (Berta et al. 2025, arXiv:2501.19195).

    Targets are class numbers (rows,), or 0 and 1 (rows, labels).
    """
    if (taken := _taken(shares)) is not None:
        targets, shares = targets[taken], shares[taken]
    if not np.isfinite(shares).all():
        return None
    logs = np.log(shares.astype(np.float64).clip(LEAST_SHARE))
    scores = logs if targets.ndim == 1 else logs - np.log((1 - shares.astype(np.float64)).clip(LEAST_SHARE))
    return float(_losses(1 / _fitted(scores, targets), scores, targets)[0].mean())


def _taken(scores: np.ndarray) -> np.ndarray | None:
    """Return the rows that are fitted on, where they are too many for all."""
    if scores.size <= MOST_VALUES:
        return None
    most = max(MOST_VALUES // scores.shape[1], FEWEST)
    found: np.ndarray = np.unique(np.linspace(0, len(scores) - 1, most).round().astype(np.int64))
    return found


def _wrong(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return which rows are answered wrong, bool (rows,)."""
    if targets.ndim == 1:
        return scores.argmax(axis=1) != targets  # type: ignore[no-any-return]
    found: np.ndarray = ((scores >= 0) != (targets == 1)).any(axis=1)
    return found


def _fitted(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return the temperature with the least log loss, which is convex in its inverse: Newton's method between bounds."""
    low, high, inverse = 1 / LARGEST, 1 / SMALLEST, 1.0
    for _ in range(60):
        _, slope, bend = _losses(inverse, scores, targets)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        step = inverse - slope / bend if bend > 0 else 0.0
        before, inverse = inverse, step if low < step < high else exp((log(low) + log(high)) / 2)
        if abs(inverse - before) < 1e-9 * inverse:
            break
    return 1 / inverse


def _losses(inverse: float, scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the log loss of each row, float64 (rows,), and the first and second derivative of their mean by ``inverse``."""
    scaled = inverse * scores
    if targets.ndim == 2:
        there = targets == 1
        shares = np.exp(-np.logaddexp(0, -scaled))
        losses = np.logaddexp(0, np.where(there, -scaled, scaled)).mean(axis=1)
        return losses, float(((shares - there) * scores).mean()), float((shares * (1 - shares) * scores**2).mean())
    scaled -= scaled.max(axis=1, keepdims=True)
    shares = np.exp(scaled)
    total = shares.sum(axis=1, keepdims=True)
    shares /= total
    rows = np.arange(len(targets))
    mean = (shares * scores).sum(axis=1)
    bend = (shares * (scores - mean[:, None]) ** 2).sum(axis=1)
    return np.log(total[:, 0]) - scaled[rows, targets], float((mean - scores[rows, targets]).mean()), float(bend.mean())
