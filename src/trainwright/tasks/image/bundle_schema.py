"""What the bundle of an image classifier may hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trainwright.config.settings import MOST_PIXELS
from trainwright.tasks.bundle_schema import ClassSchema, Positive, Schema


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


class ImageBundle(ClassSchema):
    """Image classification."""

    columns: dict[Literal["image", "label"], str]
    encoder: PixelValues
