"""``bag`` without torch, for predictions: a table look-up takes less time than importing torch."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from trainwright.data.shapes import TextShape
from trainwright.data.text.ragged import Ragged
from trainwright.models.catalog import BagSettings
from trainwright.models.registry import check_weights

CHUNK_VALUES = 1 << 20  # numbers that are looked up at a time, so that they stay in cache


class NumpyBag:
    """The network ``models.bag.Bag``, to the rounding of float32."""

    def __init__(self, settings: BagSettings, shape: TextShape, weights: Mapping[str, np.ndarray]) -> None:
        """Raise ValueError for weights that are not the network's or not finite."""
        self._layers, forms = layout(settings, shape)
        check_weights(weights, forms)
        self._weights, self._mean = weights, settings.weighting != "tf-idf"

    @np.errstate(over="ignore", invalid="ignore")  # beyond float32 numbers become inf or nan silently, as in torch
    def __call__(self, texts: Ragged) -> np.ndarray:
        """Return logits: float32, shape (rows, classes)."""
        table = self._weights["embedding.weight"]
        found = np.zeros((len(texts), table.shape[1]), np.float32)
        for first, last in texts.cuts(max(CHUNK_VALUES // table.shape[1], 1)):
            found[first:last] = self._sums(table, texts, first, last)
        if self._mean:
            found /= np.maximum(texts.lengths, 1)[:, None]
        if not self._layers:
            found += self._weights["classifier.bias"]
        for place, name in enumerate(self._layers):
            found = np.maximum(found, 0) if place else found
            found = found @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return found

    @staticmethod
    def _sums(table: np.ndarray, texts: Ragged, first: int, last: int) -> np.ndarray:
        """Return the sum of the tokens' rows of the table, for each text."""
        low, high = texts.offsets[first], texts.offsets[last]
        rows = table[texts.values[low:high]]
        if texts.weights is not None:
            rows *= texts.weights[low:high, None]
        found = np.zeros((last - first, table.shape[1]), np.float32)
        some = np.flatnonzero(texts.lengths[first:last])  # reduceat takes no empty parts
        if len(some):
            found[some] = np.add.reduceat(rows, texts.offsets[first:last][some] - low)
        return found


def layout(settings: BagSettings, shape: TextShape) -> tuple[list[str], dict[str, tuple[str, tuple[int, ...]]]]:
    """Return the names of the linear layers, and type and shape of every parameter of the network, by name."""
    width = settings.embedding or shape.outputs
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (shape.vocabulary, width)}
    names: list[str] = []
    if not settings.embedding:
        shapes["classifier.bias"] = (shape.outputs,)
    else:
        widths = [width, *settings.hidden, shape.outputs]
        places = [2 * place for place in range(len(settings.hidden))]  # an activation follows each, dropout the last of them
        names = [f"classifier.{place}" for place in (*places, 2 * len(places) + bool(settings.dropout))]
        for name, (inner, outer) in zip(names, pairwise(widths), strict=True):
            shapes |= {f"{name}.weight": (outer, inner), f"{name}.bias": (outer,)}
    return names, {name: ("float32", each) for name, each in shapes.items()}
