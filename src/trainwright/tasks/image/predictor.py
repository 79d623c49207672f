"""A trained image classifier in use, and what its bundle may hold."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from trainwright.config.settings import MOST_PIXELS
from trainwright.data.images.decode import decode_one
from trainwright.data.images.normalize import ImageNormalizer
from trainwright.data.images.storage import Inputs
from trainwright.data.tables.fingerprint import of_hex
from trainwright.errors import error, help_of
from trainwright.tasks.bundle_schema import (
    ClassSchema,
    CommonSchema,
    Distinct,
    LabelColumns,
    LabelsSchema,
    NumberSchema,
    Positive,
    Schema,
)
from trainwright.tasks.image import reading
from trainwright.tasks.supervised import FileRows, SupervisedPredictor

if TYPE_CHECKING:
    import polars as pl

    from trainwright.data.read.source import Source
    from trainwright.data.tables.table import Table
    from trainwright.watch.explained.explanation import Explanation, Rule


class PixelValues(Schema):
    """``ImageNormalizer``."""

    size: Annotated[list[Annotated[int, Field(ge=1, le=MOST_PIXELS)]], Field(min_length=2, max_length=2)]
    channels: Literal[1, 3]
    mean: list[float]
    std: list[Positive]

    @model_validator(mode="after")
    def _fits(self) -> PixelValues:
        if self.size[0] * self.size[1] > MOST_PIXELS or not len(self.mean) == len(self.std) == self.channels:
            raise ValueError("the size is too large, or mean and std are not one number a channel")
        return self


class ImageColumnNames(LabelColumns):
    """``reading.ImageColumns``: those of a table; none of anything else."""

    image: str = ""
    label: str | Distinct = ""


class ImageBundle(CommonSchema):
    """Pictures, whatever is predicted."""

    columns: ImageColumnNames
    encoder: PixelValues


class ImageClasses(ImageBundle, ClassSchema):
    """Image classification."""


class ImageNumbers(ImageBundle, NumberSchema):
    """Pictures that say a number."""


class ImageLabels(ImageBundle, LabelsSchema):
    """Pictures with several labels."""


class ImagePredictor(SupervisedPredictor):
    """Pictures in; classes, numbers or sets of labels out."""

    task = "image"
    item = "image"
    encoder_type = ImageNormalizer
    many_files = True

    @staticmethod
    def takes_file(word: str) -> bool:
        return True  # what else could it be

    @staticmethod
    def is_one(given: Any) -> bool:
        """Tell whether it is a path, an image of Pillow, or an array of height x width or height x width x channels."""
        shape: tuple[int, ...] = getattr(given, "shape", ())
        one = hasattr(given, "convert") or len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
        return one or SupervisedPredictor.is_one(given)

    @staticmethod
    def is_file(given: Any) -> bool:
        """Tell whether it is a folder, an array or a table, and not an image."""
        return isinstance(given, Path) and (given.is_dir() or (given.is_file() and not reading.is_image(given)))

    @staticmethod
    def originals(source: Source, columns: dict[str, Any], places: pl.DataFrame) -> list[Any]:
        from trainwright.tasks.image.originals import originals

        return list(originals(source, columns, places))

    def explain(self, item: Any, truth: Any, rule: Rule) -> Explanation:
        from trainwright.tasks.image.explain import explain

        return explain(self, item, truth, rule)

    def why(self, inputs: Sequence[Any], encoded: Any, towards: np.ndarray, against: np.ndarray) -> list[Any]:
        from trainwright.tasks.image import saliency

        maps = saliency.gradients(self, encoded, towards, against)
        found = zip(inputs, maps, strict=True)
        return [picture and saliency.overlay(weights, saliency.size_of(picture)) for picture, weights in found]

    def smoke_test(self) -> None:
        """Use the model once, on a black picture."""
        self.predict([np.zeros(self.encoder.size, np.uint8)])

    def base(self) -> dict[str, Any]:
        """Return what pictures are brought to."""
        height, width = self.encoder.size
        return ({"size": height} if height == width else {}) | {"channels": self.encoder.channels}

    def encode(self, items: Inputs) -> Inputs:
        return items  # they are pixels already, or files that give them

    def items(self, given: Sequence[Any]) -> np.ndarray:
        """Return pixels of paths, bytes of image files, arrays and images of Pillow. Raise E140, E147, and E320."""
        size, channels = self.encoder.size, self.encoder.channels
        found = np.empty((len(given), channels, *size), np.uint8)
        for place, each in enumerate(given):
            found[place] = decode_one(_picture(each), size, channels)
        return found

    def items_of(self, table: Table) -> list[Path | bytes]:
        return reading.images_of(table, self.columns)

    def contents(self, items: pl.Series) -> np.ndarray:
        return of_hex(items)

    def read_unlabelled(self, paths: Sequence[Path]) -> FileRows:
        """Return the pictures of image files, folders, arrays and tables, in this order."""
        return reading.unlabelled(paths, self.columns, self.encoder.size, self.encoder.channels)

    def read(self, path: Path | Table, need_label: bool) -> FileRows:
        """Return the labelled pictures of a file, a folder or a table; of one with several splits those of the test split."""
        return reading.labelled(path, self.columns, self.target.kind, self.encoder.size, self.encoder.channels)


def _picture(given: Any) -> Path | bytes | np.ndarray:
    """Return what ``decode_one`` takes. Raise E320."""
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
        raise error("E320", name="images", value=f"an array of shape {array.shape}", problem=problem, help=help_of("predict"))
    return array
