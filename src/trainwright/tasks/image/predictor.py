"""A trained image classifier in use."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainwright.data.images.decode import decode_one
from trainwright.data.images.normalize import ImageNormalizer
from trainwright.data.images.storage import Inputs
from trainwright.errors import error
from trainwright.tasks.base import FilePredictions
from trainwright.tasks.image import inputs as image_files
from trainwright.tasks.supervised import FileRows, SupervisedPredictor


class ImagePredictor(SupervisedPredictor):
    """An image classifier: pictures in, classes and their probabilities out."""

    task = "image"
    item = "image"
    encoder_type = ImageNormalizer
    many_files = True

    @staticmethod
    def takes_file(word: str) -> bool:
        """Any word: what else could it be."""
        return True

    @staticmethod
    def is_one(given: Any) -> bool:
        """Tell whether it is a path, an image of Pillow, or an array of height x width or height x width x channels."""
        shape: tuple[int, ...] = getattr(given, "shape", ())
        one = hasattr(given, "convert") or len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
        return one or SupervisedPredictor.is_one(given)

    def smoke_test(self) -> None:
        """A black picture."""
        self.predict([np.zeros(self.encoder.size, np.uint8)])

    def base(self) -> dict[str, Any]:
        """Return what pictures are brought to."""
        height, width = self.encoder.size
        return ({"size": height} if height == width else {}) | {"channels": self.encoder.channels}

    def encode(self, items: Inputs) -> Inputs:
        """They are pixels already, or files that give them."""
        return items

    def items(self, given: Sequence[Any]) -> np.ndarray:
        """Paths, bytes of image files, arrays and images of Pillow as pixels. Raises SourceError E140 and E147, and E320."""
        size, channels = self.encoder.size, self.encoder.channels
        found = np.empty((len(given), channels, *size), np.uint8)
        for place, each in enumerate(given):
            found[place] = decode_one(_picture(each), size, channels)
        return found

    def predict_file(self, path: Path, top: int = 1) -> FilePredictions:
        """What the model says of each picture of a file, a folder or a table."""
        return self.predict_files([path], top)

    def predict_files(self, paths: Sequence[Path], top: int = 1) -> FilePredictions:
        """The same for several: image files, folders, arrays and tables, in this order."""
        found = image_files.unlabelled(paths, self.columns, self.encoder.size, self.encoder.channels)
        answers = self._answers(found.items, len(found.frame), top)
        frame, rows, names = image_files.shown(found.frame)
        return FilePredictions(frame, rows, answers, found.notes, names)

    def read(self, path: Path, need_label: bool) -> FileRows:
        """The pictures of a file, a folder or a table; with labels, as in training: of several splits, the test split."""
        if not need_label:
            return image_files.unlabelled([path], self.columns, self.encoder.size, self.encoder.channels)
        return image_files.labelled(path, self.columns, self.encoder.size, self.encoder.channels)


def _picture(given: Any) -> Path | bytes | np.ndarray:
    """What ``decode_one`` takes. Raises E320."""
    if isinstance(given, str | Path):
        return Path(given)
    if isinstance(given, bytes):
        return given
    if hasattr(given, "save") and hasattr(given, "convert"):  # an image of Pillow means what its file would mean
        file = io.BytesIO()
        plain = given if given.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else given.convert("RGB")
        plain.save(file, "PNG")
        return file.getvalue()
    array = np.asarray(given)
    if array.ndim not in (2, 3) or array.dtype.kind not in "buif":
        problem = "an image is a path, or an array of height x width or height x width x channels"
        raise error("E320", name="images", value=f"an array of shape {array.shape}", problem=problem)
    return array
