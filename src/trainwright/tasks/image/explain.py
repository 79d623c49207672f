"""The way of a picture: its pixels as the network sees them, and which places speak for the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.tasks import explain as rows
from trainwright.tasks.explain import View
from trainwright.tasks.image.saliency import PATCHES, occlusion, overlay, uri

if TYPE_CHECKING:
    from trainwright.tasks.supervised import SupervisedPredictor
    from trainwright.watch.explained.explanation import Explanation, Rule

METHOD = f"occlusion: how far the logits fall where a square, 1/{PATCHES} of the side, is covered with the mean of training"


def explain(predictor: SupervisedPredictor, item: Any, truth: Any, rule: Rule) -> Explanation:
    """Return the way of one picture. Raise as ``predict``, and E337 for a truth that is no label of the model."""
    return rows.explain(predictor, item, truth, rule, lambda items, _, classes: _look(predictor, items, classes))


def _look(predictor: SupervisedPredictor, items: np.ndarray, classes: np.ndarray) -> View:
    """Return the pixels, and the map of the answer less that of the class that it is weighed against."""
    from PIL import Image

    encoder, zero = predictor.encoder, np.zeros(1, np.int64)
    (batch,) = encoder.batches(items, zero, batch_size=1, seed=None, device=predictor.device).epoch(0)
    (image,) = batch.inputs
    maps = occlusion(predictor, image, classes[:2].tolist())
    height, width = encoder.size
    pixels = items[0][0] if encoder.channels == 1 else np.ascontiguousarray(items[0].transpose(1, 2, 0))
    mean, std = (", ".join(f"{each:.3g}" for each in values) for values in (encoder.mean, encoder.std))
    colours = "grey" if encoder.channels == 1 else "red, green and blue"
    return View(
        facts=[
            ("pixels", f"{width} x {height}, {colours}, from 0 to 255"),
            ("becomes", f"(pixel / 255 - {mean}) / {std}: from {float(image.min()):.3g} to {float(image.max()):.3g}"),
        ],
        method=METHOD,
        picture=uri(Image.fromarray(pixels)),
        overlay=overlay(maps[0] - maps[-1] if len(maps) > 1 else maps[0], (width, height)),
    )
