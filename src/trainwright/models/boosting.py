"""Gradient boosting: how the trees of ``models/boosted.py`` are grown, by what scikit-learn grows its own with.

A stage is what an iteration of ``HistGradientBoostingClassifier`` or ``-Regressor`` is. All follows from the rows and from the
stages before, so trees that are read again are grown on as if nothing had been between. One thread makes all sums: those of
several depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from trainwright.models.catalog import BoostedSettings

Arrays = dict[str, np.ndarray]  # of a tree: for each node as ``boosted.NODES`` has it, and its ``bits``
MakeTree = Callable[[np.ndarray, np.ndarray, np.ndarray], Arrays]
FARTHEST = np.finfo(np.float32).max
TOKENS = 128  # of a column of text, that tell most


class Part(NamedTuple):
    """Outputs that are learned together, from number ``first`` on, by a loss of scikit-learn."""

    loss: Any
    first: int
    targets: np.ndarray  # float64 (rows,)
    weights: np.ndarray | None  # float64 (rows,)

    def constant(self) -> np.ndarray:
        """Return the best constants: float64 (outputs,)."""
        return np.atleast_1d(np.asarray(self.loss.fit_intercept_only(self.targets, self.weights), np.float64))

    def stage(self, sums: np.ndarray, tree: MakeTree) -> Iterator[Arrays]:
        """Yield a tree for each output, and move its column of ``sums`` (rows, all outputs)."""
        gradient, hessian = self.loss.init_gradient_and_hessian(len(sums), np.float32, order="F")
        columns = sums[:, self.first : self.first + gradient[0].size]
        said = columns if gradient.ndim == 2 else columns[:, 0]
        if self.loss.constant_hessian:
            self.loss.gradient(self.targets, said, self.weights, gradient)
        else:
            self.loss.gradient_hessian(self.targets, said, self.weights, gradient, hessian)
        gradient, hessian = (each.reshape(len(each), -1, order="F") for each in (gradient, hessian))
        for place, column in enumerate(columns.T):
            yield tree(gradient[:, place], hessian[:, place], column)


def learned_together(outputs: int, targets: np.ndarray, weights: np.ndarray | None, loss: Any) -> list[Part]:
    """Return what is learned together: all classes, the number, or each label by itself.

    The loss says which: of ``CrossEntropyLoss`` targets are class numbers, int64 (rows,); of ``MSELoss`` numbers, float32
    (rows,); of ``BCEWithLogitsLoss`` 0 or 1 for each label, (rows, labels). It may weigh classes, and ``weights`` rows.
    """
    from sklearn._loss.loss import HalfBinomialLoss, HalfMultinomialLoss, HalfSquaredError

    wanted = targets.astype(np.float64)
    if isinstance(loss, nn.MSELoss):
        weights = _product(weights)
        return [Part(HalfSquaredError(weights), 0, wanted, weights)]
    if isinstance(loss, nn.CrossEntropyLoss):
        weights = _product(weights, None if loss.weight is None else loss.weight.numpy()[targets])
        return [Part(HalfMultinomialLoss(weights, outputs) if outputs > 2 else HalfBinomialLoss(weights), 0, wanted, weights)]
    parts = []
    for label, column in enumerate(np.ascontiguousarray(wanted.T)):
        ones = None if loss.pos_weight is None else np.where(column == 1, loss.pos_weight.numpy()[label], 1.0)
        each = _product(weights, ones)
        parts.append(Part(HalfBinomialLoss(each), label, column, each))
    return parts


def _product(*weights: np.ndarray | None) -> np.ndarray | None:
    """Return the product of weights of rows, those that there are, as float64."""
    there = [each for each in weights if each is not None]
    return np.prod(np.array(there, np.float64), axis=0) if there else None


class Columns:
    """What trees ask for, sorted into ranges: ``columns`` float32 (rows, features), of which the first are codes below
    ``sizes``; NaN is what is missing."""

    def __init__(self, columns: np.ndarray, sizes: Sequence[int], settings: BoostedSettings) -> None:
        from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

        numbers = columns.shape[1] - len(sizes)
        self._settings, self._categorical = settings, np.array([1] * len(sizes) + [0] * numbers, np.uint8)
        known = [*(np.arange(size, dtype=np.float64) for size in sizes), *[None] * numbers]
        self._mapper = _BinMapper(
            settings.bins + 1, is_categorical=self._categorical, known_categories=known, random_state=0, n_threads=1
        )
        # Of a column that is missing everywhere there are no ranges; as a constant it is never asked for.
        values = np.where(np.isnan(columns).all(axis=0), 0.0, columns.astype(np.float64))
        self._ranges = self._mapper.fit_transform(values)
        self._missing = (self._ranges == self._mapper.missing_values_bin_idx_).any(axis=0).astype(np.uint8)

    def tree(self, gradient: np.ndarray, hessian: np.ndarray, sums: np.ndarray, lr: float) -> Arrays:
        """Return a tree against the gradient of the rows, and add its leaves to their ``sums``."""
        from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower

        settings = self._settings
        grower = TreeGrower(
            self._ranges,
            gradient,
            hessian,
            max_leaf_nodes=settings.leaves,
            min_samples_leaf=settings.min_rows,
            n_bins=settings.bins + 1,
            n_bins_non_missing=self._mapper.n_bins_non_missing_,
            has_missing_values=self._missing,
            is_categorical=self._categorical,
            l2_regularization=settings.l2,
            shrinkage=lr,
            n_threads=1,
        )
        grower.grow()
        for leaf in grower.finalized_leaves:
            sums[leaf.sample_indices] += leaf.value
        return arrays_of(grower.make_predictor(self._mapper.bin_thresholds_))


def arrays_of(tree: Any) -> Arrays:
    """Return the arrays of a ``TreePredictor`` of scikit-learn.

    Values that trees see are float32: what lies between two of them tells them apart as well when it is rounded down.
    """
    nodes, places = tree.nodes, np.arange(len(tree.nodes))
    leaf, by_set = nodes["is_leaf"] == 1, nodes["is_categorical"] == 1
    threshold = np.minimum(nodes["num_threshold"], FARTHEST).astype(np.float32)
    above = threshold > nodes["num_threshold"]
    threshold[above] = np.nextafter(threshold[above], np.float32(-np.inf))
    return {
        "feature": nodes["feature_idx"],
        "threshold": threshold,
        "right": np.where(leaf, places, nodes["right"]),
        "value": np.where(leaf, nodes["value"], 0.0),
        "missing_left": nodes["missing_go_to_left"],
        "sets": np.where(by_set & ~leaf, nodes["bitset_idx"].astype(np.int64), -1),
        "bits": np.ascontiguousarray(tree.raw_left_cat_bitsets.astype("<u4")).view(np.uint8).reshape(-1, 32),
    }


def telling(ids: np.ndarray, rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the ``TOKENS`` ids whose rows' numbers lie furthest from the mean for how many they are.

    Each of ``ids`` is in the row of the same place; ``wanted`` are numbers, float (rows, outputs), of which the one counts
    that an id tells most of.
    """
    around = wanted - wanted.mean(axis=0, dtype=np.float64)
    around /= np.maximum(around.std(axis=0), 1e-12)
    found = np.zeros(int(ids.max(initial=-1)) + 1)
    many = np.sqrt(np.maximum(np.bincount(ids), 1))
    for column in around.T:
        found = np.maximum(found, np.abs(np.bincount(ids, column[rows])) / many)
    return np.argsort(-found, kind="stable")[:TOKENS]
