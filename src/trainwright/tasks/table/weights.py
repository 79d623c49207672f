"""How much each column of rows adds to an output: exact for a linear model; else how the output changes without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainwright.models.catalog import LinearSettings

if TYPE_CHECKING:
    from trainwright.tasks.supervised import SupervisedPredictor

Encoded = tuple[np.ndarray, np.ndarray]


def of_columns(predictor: SupervisedPredictor, encoded: Encoded, outputs: np.ndarray, names: list[str]) -> np.ndarray:
    """Return what columns add to their row's ``outputs`` (rows, outputs): float64, shape (rows, names, outputs).

    Of a linear model these are its products, whose sum over all columns, with the bias, is the output. Of others it is the
    output less that for the row with the column's mean, or its category not known.
    """
    places = predictor.encoder.places()
    if isinstance(predictor.settings, LinearSettings):
        parts = [_product(predictor, encoded, *places[name]) for name in names]
        return np.take_along_axis(np.stack(parts, axis=1), outputs[:, None, :], axis=2)
    whole, found = _outputs(predictor, encoded), []
    for name in names:
        numeric, codes = (each.copy() for each in encoded)
        columns, code = places[name]
        numeric[:, columns] = 0.0
        if code is not None:
            codes[:, code] = 0
        found.append(whole - _outputs(predictor, (numeric, codes)))
    return np.take_along_axis(np.stack(found, axis=1), outputs[:, None, :], axis=2)


def _product(predictor: SupervisedPredictor, encoded: Encoded, columns: list[int], code: int | None) -> np.ndarray:
    """Return what a column adds to every output of a linear model: shape (rows, outputs)."""
    numeric, codes = encoded
    found = numeric[:, columns].astype(np.float64) @ predictor.weights["weight"][:, columns].T.astype(np.float64)
    return found if code is None else found + predictor.weights[f"categories.{code}.weight"][codes[:, code]]


def _outputs(predictor: SupervisedPredictor, encoded: Encoded) -> np.ndarray:
    """Return the outputs of the network: float64, shape (rows, outputs)."""
    import torch

    numeric, codes = map(torch.from_numpy, encoded)
    with torch.no_grad():
        found: np.ndarray = predictor.model(numeric, codes).double().numpy()
    return found
