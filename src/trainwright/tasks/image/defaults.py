"""Settings of an image classifier that a person did not give, each with its reason."""

from __future__ import annotations

from trainwright.config.settings import Settings
from trainwright.data.images.pictures import cores
from trainwright.data.shapes import ImageShape
from trainwright.models.catalog import Values, models
from trainwright.tasks.defaults import CROSS_ENTROPY, FALLING, LOSSES, Notes, fill, fill_training

SEEN = 240_000  # pictures that go through the network, where an epoch has fewer than a fifth of them
TINY = 32 * 16 * 16  # places in a batch, up to which one thread is faster than several
COARSE = 16  # pixels on a side, below which changes cost accuracy
RATE = 0.001  # of a model that does not say what suits it


def image_training(
    settings: Settings, rows: int, shape: ImageShape, kind: str, tuned: bool, streamed: bool
) -> tuple[Settings, Notes]:
    """Derive how the model is trained on ``rows`` pictures of this shape to tell a ``kind`` (class, number or labels);
    ``streamed``: they are decoded on the way."""
    batch = 32 if rows < 5000 else 128
    epochs = min(max(round(SEEN / rows), 5), 40)  # few pictures get enough updates, and many no more time than needed
    tiny = (settings.batch_size or batch) * shape.height * shape.width <= TINY
    values: Values = {
        "batch_size": (batch, f"{rows:,} training images"),
        "optimizer": ({"name": "AdamW", "weight_decay": 0.01}, "steps suited to each weight"),
        "lr": (RATE, "a usual rate"),
        "epochs": (epochs, f"{rows:,} training images: {rows * epochs:,} are looked at"),
        "schedule": FALLING,
        "loss": LOSSES.get(kind, CROSS_ENTROPY),
        "augment": _augment(shape),
        "workers": (cores(), "one a core: the images are decoded on the way") if streamed else (0, ""),
        "threads": (1, "its updates are too small to share") if tiny else (0, ""),
    }
    own, suited = models("image")[settings.network.name].derive(shape, rows)
    settings, notes = fill_training(settings, values | suited, rows, tuned)
    settings, more = fill(settings, own)
    return settings, notes + more


def _augment(shape: ImageShape) -> tuple[list[str], str]:
    """Choose changes that leave the class as it is: mirrored digits are other ones, so no grey image is mirrored."""
    if min(shape.height, shape.width) < COARSE:
        return [], f"{shape.height} x {shape.width}: moved by one pixel such an image is another"
    if shape.channels == 1:
        return ["shift"], "grey images, perhaps of characters: moved, never mirrored"
    return ["crop", "flip"], "colour images: moved and mirrored"
