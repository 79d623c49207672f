"""How much each word of texts speaks for a class. Of a bag without hidden layers it is exact; no bag needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.data.text import spans
from trainwright.data.text.ragged import Ragged, row_numbers
from trainwright.data.text.spans import Occurrences
from trainwright.data.text.text_encoder import BITS, UNKNOWN
from trainwright.errors import error
from trainwright.models import registry

if TYPE_CHECKING:
    from trainwright.tasks.supervised import SupervisedPredictor


def why(
    predictor: SupervisedPredictor, texts: list[str], towards: np.ndarray, against: np.ndarray
) -> list[list[tuple[str, float]]]:
    """Return each text in pieces, each with its weight: what it adds to the logit of one class, less that of the other, if
    it is another."""
    encoded, found = predictor.encoder.transform(texts), spans.occurrences(predictor.encoder, texts)
    weights = of_words(predictor, encoded, found, np.stack([towards, against], axis=1))
    other = np.repeat(towards != against, np.diff(found.offsets))[:, None]
    differences = np.nan_to_num(weights[:, :1] - weights[:, 1:] * other)
    cuts = zip(found.offsets[:-1].tolist(), found.offsets[1:].tolist(), strict=True)
    return [
        [
            (piece, float(row[0]))
            for piece, row in spans.pieces(text, spans.spans(predictor.encoder, text), differences[low:high])
        ]
        for text, (low, high) in zip(texts, cuts, strict=True)
    ]


def of_words(predictor: SupervisedPredictor, encoded: Ragged, found: Occurrences, classes: np.ndarray) -> np.ndarray:
    """Return what each token adds to the logits of its text's ``classes`` (rows, columns): float64, shape (tokens, columns)."""
    bag = without_torch(predictor)
    if bag is not None:
        return found.shared(of_occurrences(bag, encoded, found, classes))
    lengths = np.diff(found.offsets)
    taken = np.arange(max(int(lengths.max(initial=0)), 1)) < lengths[:, None]
    columns = [_gradient_by_input(predictor, encoded, column)[:, : taken.shape[1]][taken] for column in classes.T]
    return np.stack(columns, axis=1).astype(np.float64)


def without_torch(predictor: SupervisedPredictor) -> Any:
    """Return the network without torch, which tells what each id adds to a logit; None for one that its entry has none for."""
    numpy = registry.find(predictor.task, predictor.name).numpy
    return registry.load(numpy)(predictor.settings, predictor.shape, predictor.weights) if numpy else None


def of_occurrences(bag: Any, encoded: Ragged, found: Occurrences, classes: np.ndarray) -> np.ndarray:
    """Return what each occurrence adds to the logits of its text's ``classes``, in a bag: shape (occurrences, columns)."""
    shares, rows = shares_of(encoded, found), found.rows
    return np.stack([shares * bag.added(encoded, column, rows, found.ids) for column in classes.T], axis=1)


def shares_of(encoded: Ragged, found: Occurrences) -> np.ndarray:
    """Return the weight of each occurrence in a bag: all those of an id in a text share the weight that it has there."""
    rows = found.rows
    if encoded.weights is None:
        mean: np.ndarray = 1 / encoded.lengths[rows]
        return mean
    there = row_numbers(encoded.offsets) << BITS | encoded.values
    known = np.flatnonzero(found.ids != UNKNOWN)
    places = np.searchsorted(there, rows[known] << BITS | found.ids[known])
    shares = np.zeros(len(rows))
    shares[known] = encoded.weights[places] / np.bincount(places, minlength=len(there))[places]
    return shares


def _gradient_by_input(predictor: SupervisedPredictor, encoded: Ragged, classes: np.ndarray) -> np.ndarray:
    """Return the gradient of each row's logit by each token's embedding, times that: shape (rows, longest row)."""
    import torch
    from torch import nn

    model, kept = predictor.model, list[torch.Tensor]()
    table = next((each for each in model.modules() if isinstance(each, nn.Embedding)), None)
    if table is None:
        raise error("E338", kind=predictor.name)
    handle = table.register_forward_hook(lambda module, given, embedded: kept.append(embedded))
    rows = len(encoded)
    found = np.zeros((rows, max(int(encoded.lengths.max(initial=0)), 1)), np.float32)
    try:
        targets: Any = np.zeros(rows, np.int64)
        batches = predictor.encoder.batches(encoded, targets, batch_size=rows, seed=None, device=predictor.device)
        for batch in batches.epoch(0):
            logits = model(*batch.inputs)
            chosen = logits[torch.arange(rows), torch.from_numpy(classes)]
            (gradient,) = torch.autograd.grad(chosen.sum(), kept[-1])
            product = (gradient * kept[-1].detach()).sum(dim=-1)
            found[:, : product.shape[1]] = product.numpy()
    finally:
        handle.remove()
    return found
