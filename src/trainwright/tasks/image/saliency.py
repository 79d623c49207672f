"""Which places of a picture speak for a class: how its logit changes with them, and the map as a picture of its own."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trainwright.data.images.storage import Inputs

if TYPE_CHECKING:
    from trainwright.tasks.supervised import SupervisedPredictor

FOR, AGAINST = (0, 114, 178), (213, 94, 0)  # blue and orange, which colour-blind people can tell apart (Okabe and Ito)
SMOOTH = 14  # parts of the longer side over which gradients are averaged
PATCHES, OVERLAP = 8, 2  # of a side are covered at a time, and how often each place is
BATCH = 64  # covered pictures that go through the network at a time


def gradients(predictor: SupervisedPredictor, pictures: Inputs, towards: np.ndarray, against: np.ndarray) -> np.ndarray:
    """Return the gradient of one logit, less another if it is one, times the pixels (0 is the mean of training), smoothed, of
    each picture.

    Shape (rows, height, width), float32: above 0 speaks for the class ``towards``.
    """
    found, first = [], 0
    targets = np.zeros(len(pictures), np.int64)
    how = {"batch_size": BATCH, "seed": None, "device": predictor.device, "workers": 0}
    for batch in predictor.encoder.batches(pictures, targets, **how).epoch(0):
        images = batch.inputs[0].requires_grad_()
        rows = torch.arange(len(images))
        one, other = (torch.from_numpy(each[first : first + len(images)]) for each in (towards, against))
        logits = predictor.model(images)
        (gradient,) = torch.autograd.grad((logits[rows, one] - logits[rows, other] * (one != other)).sum(), images)
        found.append(_smooth((gradient * images.detach()).sum(dim=1, keepdim=True)))
        first += len(images)
    return torch.cat(found).numpy()


def _smooth(maps: Tensor) -> Tensor:
    """Return maps (rows, 1, height, width) averaged twice over small squares: (rows, height, width)."""
    side = max(maps.shape[2:]) // SMOOTH // 2 * 2 + 1
    for _ in range(2):
        maps = F.avg_pool2d(maps, side, stride=1, padding=side // 2, count_include_pad=False)
    return maps[:, 0].contiguous()


@torch.no_grad()
def occlusion(predictor: SupervisedPredictor, image: Tensor, classes: list[int]) -> np.ndarray:
    """Return by how much each logit falls where a square of the picture is covered with the mean of training.

    ``image`` is normalized, (1, channels, height, width). The result has shape (classes, height, width), float32: of each
    place the mean of all squares that cover it.
    """
    height, width = image.shape[2:]
    side = max(max(height, width) // PATCHES, 1)
    step = max(side // OVERLAP, 1)
    squares = [(y, x) for y in range(1 - step, height, step) for x in range(1 - step, width, step)]
    whole = predictor.model(image)[0, classes]
    sums, counts = torch.zeros(len(classes), height, width), torch.zeros(height, width)
    for at in range(0, len(squares), BATCH):
        part = squares[at : at + BATCH]
        covered = image.repeat(len(part), 1, 1, 1)
        for picture, (y, x) in zip(covered, part, strict=True):
            picture[:, max(y, 0) : y + side, max(x, 0) : x + side] = 0.0
        falls = whole - predictor.model(covered)[:, classes]
        for fall, (y, x) in zip(falls, part, strict=True):
            place = slice(max(y, 0), y + side), slice(max(x, 0), x + side)
            sums[(slice(None), *place)] += fall[:, None, None]
            counts[place] += 1
    return (sums / counts).numpy()


def overlay(weights: np.ndarray, size: tuple[int, int]) -> str:
    """Return a map (height, width) as the URI of a transparent PNG, to be laid over a picture of ``size`` (width, height).

    The network saw the largest centred part of its own proportions. What is strongest is most opaque.
    """
    from PIL import Image

    weights = np.nan_to_num(weights)
    strength = np.abs(weights) / (np.abs(weights).max() or 1.0)
    pixels = np.empty((*weights.shape, 4), np.uint8)
    pixels[..., :3] = np.where(weights[..., None] > 0, FOR, AGAINST)
    pixels[..., 3] = (230 * strength).round()
    scale = min(size[0] / weights.shape[1], size[1] / weights.shape[0])
    seen = max(round(scale * weights.shape[1]), 1), max(round(scale * weights.shape[0]), 1)
    canvas = Image.new("RGBA", size, (*FOR, 0))
    canvas.paste(Image.fromarray(pixels).resize(seen), ((size[0] - seen[0]) // 2, (size[1] - seen[1]) // 2))
    return uri(canvas)


def uri(image: object) -> str:
    """Return an image of Pillow as the URI of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")  # type: ignore[attr-defined]
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def size_of(picture: str) -> tuple[int, int]:
    """Return width and height of the PNG file in a URI."""
    head = base64.b64decode(picture.partition(",")[2][:44])
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
