"""What tells the label nearly by itself: one column, or one word. Measured on rows that the rule was not made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 32  # of numbers
NEARLY = 0.9  # of the errors of the usual answer are gone
OF_NUMBERS = 0.98  # of the variance is explained
PURE, COVERED, FEWEST = 0.98, 0.3, 20  # of the texts with a word have the label; of the label's texts have it; texts
MOST = 0.9  # of the label's texts have a word that hardly any subject has


@dataclass(frozen=True)
class Told:
    """How well one thing tells the label: ``right`` of the rows it was measured on, ``usual`` without it."""

    right: float
    usual: float

    @property
    def all_but_tells(self) -> bool:
        """Return whether hardly any errors are left."""
        return self.usual < 1 and (self.right - self.usual) >= NEARLY * (1 - self.usual)


def binned(train: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bins of numbers by the quantiles of the first ones, int64; those that are missing have their own."""
    known = train[np.isfinite(train)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.zeros(0)
    return tuple(  # type: ignore[return-value]
        np.where(np.isfinite(each), np.searchsorted(edges, each, side="left") + 1, 0) for each in (train, other)
    )


def of_classes(train: np.ndarray, labels: np.ndarray, other: np.ndarray, truth: np.ndarray) -> Told:
    """Tell classes by the most frequent class of each value in ``train``: numbers of values and classes, int64 (rows,)."""
    size, classes = int(max(train.max(initial=0), other.max(initial=0))) + 1, int(max(labels.max(), truth.max())) + 1
    counts = np.bincount(train * classes + labels, minlength=size * classes).reshape(size, classes)
    usual = int(counts.sum(axis=0).argmax())
    said = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), usual)
    return Told(float((said[other] == truth).mean()), float((truth == usual).mean()))


def of_numbers(train: np.ndarray, labels: np.ndarray, other: np.ndarray, truth: np.ndarray) -> float:
    """Return the part of the variance of ``truth`` that the mean of each bin explains: 1 tells all, 0 nothing."""
    sizes = np.bincount(train, minlength=int(max(train.max(), other.max())) + 1)
    means = np.bincount(train, labels, minlength=len(sizes)) / np.maximum(sizes, 1)
    said = np.where(sizes > 0, means, labels.mean())[other]
    around = float(((truth - labels.mean()) ** 2).sum())
    return 1 - float(((truth - said) ** 2).sum()) / around if around else 0.0


def words(codes: np.ndarray, labels: np.ndarray, size: int, classes: int) -> list[tuple[int, int, int, int]]:
    """Return words that hardly any text of another label has, and many of its own: (word, label, texts with it, of the label).

    ``codes`` are numbers of words, of which each text has each once, and ``labels`` that of the text of each: int64 (tokens,).
    A label of most texts is not looked at.
    """
    there = np.bincount(codes, minlength=size)
    often = np.flatnonzero(there >= FEWEST)
    place = np.full(size, -1)
    place[often] = np.arange(len(often))
    kept = place[codes] >= 0
    counts = np.bincount(place[codes[kept]] * classes + labels[kept], minlength=len(often) * classes).reshape(-1, classes)
    own = counts.argmax(axis=1)
    pure = counts.max(axis=1) >= PURE * there[often]
    return [(int(often[k]), int(own[k]), int(counts[k].sum()), int(counts[k].max())) for k in np.flatnonzero(pure)]
