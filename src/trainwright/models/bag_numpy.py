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
        found = self._pooled(texts)
        if not self._layers:
            found += self._weights["classifier.bias"]
        for place, name in enumerate(self._layers):
            found = np.maximum(found, 0) if place else found
            found = found @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return found

    @property
    def table(self) -> np.ndarray:
        """Return the embeddings: float32, shape (ids, width)."""
        return self._weights["embedding.weight"]

    def added(self, texts: Ragged, classes: np.ndarray, rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Return what ids in rows add to the logit of each row's class, where their weight is 1: float32, shape (ids,).

        It is the embedding times the gradient of the logit by the pooled text; without hidden layers that is exact.
        """
        if not self._layers:
            exact: np.ndarray = self.table[ids, classes[rows]]
            return exact
        found, active = self._pooled(texts), []
        for name in self._layers[:-1]:
            found = found @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
            active.append(found > 0)
            found = np.maximum(found, 0)
        gradient = self._weights[f"{self._layers[-1]}.weight"][classes]
        for name, some in zip(reversed(self._layers[:-1]), reversed(active), strict=True):
            gradient = (gradient * some) @ self._weights[f"{name}.weight"]
        added: np.ndarray = np.einsum("ij,ij->i", self.table[ids], gradient[rows])
        return added

    def _pooled(self, texts: Ragged) -> np.ndarray:
        """Return the sum or mean of each text's embeddings."""
        found = np.zeros((len(texts), self.table.shape[1]), np.float32)
        for first, last in texts.cuts(max(CHUNK_VALUES // self.table.shape[1], 1)):
            found[first:last] = self._sums(self.table, texts, first, last)
        if self._mean:
            found /= np.maximum(texts.lengths, 1)[:, None]
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
