"""What the bundle of a model of tables may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from trainwright.tasks.bundle_schema import (
    Arrays,
    ClassSchema,
    CommonSchema,
    Count,
    Distinct,
    NumberSchema,
    Schema,
    distinct,
)

if TYPE_CHECKING:
    from trainwright.store.bundle import Bundle


class FeatureValues(Schema):
    """``Feature``."""

    name: str
    kind: Literal["number", "boolean", "date", "category"]
    format: Annotated[str, Field(pattern="^(|point|comma|(ymd|dmy|mdy)( time)?)$")]


class ChosenValues(Schema):
    """``TableSchema``."""

    label: str
    features: list[FeatureValues]
    target: Literal["class", "number"]
    written: FeatureValues


class TableValues(Schema):
    """``TableEncoder`` without its arrays."""

    features: list[FeatureValues]
    min_count: Count
    missing: Distinct
    categories: dict[str, Distinct]


class TableBundle(CommonSchema):
    """Tables, whatever is predicted."""

    columns: ChosenValues
    encoder: TableValues

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> type[CommonSchema]:
        """Return the schema of classes, or of numbers."""
        return TableClasses if meta["kind"] == "class" else TableNumbers

    @model_validator(mode="after")
    def _fits(self) -> TableBundle:
        names = distinct([each.name for each in self.encoder.features])
        categories = {each.name for each in self.encoder.features if each.kind == "category"}
        if self.columns.features != self.encoder.features or self.columns.label in names:
            raise ValueError("columns and encoder do not have the same features, or one is the label")
        if self.encoder.categories.keys() != categories or not set(self.encoder.missing) <= set(names) - categories:
            raise ValueError("encoder: categories or missing are not those of the features")
        return self

    def arrays(self, kept: Bundle) -> Arrays:
        """Mean and deviation of each number."""
        super().arrays(kept)
        if not (kept.arrays["std"] > 0).all():
            raise ValueError("encoder.safetensors: std is not above 0")
        return {"mean": (np.float64, None), "std": (np.float64, kept.arrays["mean"].size)}


class TableClasses(TableBundle, ClassSchema):
    """Table classification."""


class TableNumbers(TableBundle, NumberSchema):
    """Table regression."""
