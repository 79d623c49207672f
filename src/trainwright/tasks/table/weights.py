"""How much each column of rows adds to an output: exact for a linear model; else how the output changes without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainwright.data.text.ragged import Ragged, row_numbers
from trainwright.models.catalog import LinearSettings

if TYPE_CHECKING:
    from trainwright.data.tables.encoder import Inputs, Place
    from trainwright.tasks.supervised import SupervisedPredictor


def of_columns(predictor: SupervisedPredictor, encoded: Inputs, outputs: np.ndarray, names: list[str]) -> np.ndarray:
    """Return what columns add to their row's ``outputs`` (rows, outputs): float64, shape (rows, names, outputs).

    Of a linear model these are its products, whose sum over all columns, with the bias, is the output. Of others it is the
    output less that for the row with the column's mean, its category not known, or without its text.
    """
    places = predictor.encoder.places()
    if isinstance(predictor.settings, LinearSettings):
        parts = [_product(predictor, encoded, places[name]) for name in names]
        return np.take_along_axis(np.stack(parts, axis=1), outputs[:, None, :], axis=2)
    whole, found = _outputs(predictor, encoded), []
    for name in names:
        found.append(whole - _outputs(predictor, _without(encoded, places[name])))
    return np.take_along_axis(np.stack(found, axis=1), outputs[:, None, :], axis=2)


def _without(encoded: Inputs, place: Place) -> Inputs:
    """Return rows as they are where nothing is known of a column."""
    numeric, codes, *texts = encoded
    if place.text is not None:
        nothing = np.zeros(len(numeric) + 1, np.int64)
        texts[place.text] = Ragged(texts[place.text].values[:0], nothing, texts[place.text].weights[:0])
    elif place.code is not None:
        codes = codes.copy()
        codes[:, place.code] = 0
    else:
        numeric = numeric.copy()
        numeric[:, place.columns] = 0.0
    return numeric, codes, *texts


def _product(predictor: SupervisedPredictor, encoded: Inputs, place: Place) -> np.ndarray:
    """Return what a column adds to every output of a linear model: shape (rows, outputs)."""
    numeric, codes, *texts = encoded
    if place.code is not None:
        found: np.ndarray = predictor.weights[f"categories.{place.code}.weight"][codes[:, place.code]].astype(np.float64)
        return found
    if place.text is None:
        weight = predictor.weights["weight"][:, place.columns].T.astype(np.float64)
        return numeric[:, place.columns].astype(np.float64) @ weight  # type: ignore[no-any-return]
    text, table = texts[place.text], predictor.weights[f"texts.{place.text}.weight"].astype(np.float64)
    found = np.zeros((len(text), table.shape[1]))
    np.add.at(found, row_numbers(text.offsets), table[text.values] * text.weights[:, None])
    return found


def _outputs(predictor: SupervisedPredictor, encoded: Inputs) -> np.ndarray:
    """Return the outputs of the network: float64, shape (rows, outputs)."""
    import torch

    rows = len(encoded[0])
    targets = np.zeros(rows, predictor.target.dtype)
    (batch,) = predictor.encoder.batches(encoded, targets, batch_size=rows, seed=None, device=predictor.device).epoch(0)
    with torch.no_grad():
        found: np.ndarray = predictor.model(*batch.inputs).double().cpu().numpy()
    return found
