"""The columns of a table to arrays: numbers on one scale, categories as codes, texts as bags of words. Learned from the
training rows only.

Promises: what ``fit`` returns is what ``transform`` returns for the same rows; every value of the arrays is finite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from trainwright.data.shapes import TableShape
from trainwright.data.tables.dtypes import Feature, Kind
from trainwright.data.text.text_encoder import TextEncoder

if TYPE_CHECKING:
    from trainwright.data.batches.base import Batches, Device

DAY, YEAR = 86_400.0 * 1e6, 365.2425  # in microseconds; in days
FARTHEST = np.finfo(np.float32).max
NUMERIC: tuple[Kind, ...] = ("number", "boolean", "date")
Inputs = tuple[Any, ...]  # numeric, codes, and a ``Ragged`` for each feature of text


class Place(NamedTuple):
    """Where a feature is in the arrays: its columns of ``numeric``, its column of ``codes``, or the number of its text."""

    columns: list[int]
    code: int | None = None
    text: int | None = None


@dataclass
class TableEncoder:
    """Features to ``numeric`` (float32) and ``codes`` (int32), one row for each row of the table, and to bags of words.

    Numbers, booleans and the parts of dates are standardised; where one is missing there is a 0, which is the mean. After
    them comes a column of 0 and 1 for each feature that is missing somewhere in training. Codes are 0 for a category that
    is missing, or that training did not have at least ``min_count`` times, then 1, 2, ... from the commonest one on. Each
    feature of text has an encoder of its own; one that is missing is an empty bag.
    """

    features: tuple[Feature, ...]
    min_count: int = 1
    missing: tuple[str, ...] = ()  # the features that have an indicator
    categories: dict[str, list[str]] = field(default_factory=dict)  # of each category feature, from code 1 on
    mean: np.ndarray = field(default_factory=lambda: np.zeros(0))
    std: np.ndarray = field(default_factory=lambda: np.zeros(0))
    texts: dict[str, TextEncoder] = field(default_factory=dict)  # of each feature of text, in their order

    @property
    def numeric_size(self) -> int:
        """Return how many columns ``numeric`` has."""
        return len(self.mean) + len(self.missing)

    @property
    def category_sizes(self) -> tuple[int, ...]:
        """Return how many codes each category feature has, 0 included."""
        return tuple(len(self.categories[feature.name]) + 1 for feature in self._of("category"))

    def shape(self, outputs: int) -> TableShape:
        """Return what a network has to know of the rows."""
        texts = tuple(each.size for each in self.texts.values())
        return TableShape(self.numeric_size, self.category_sizes, outputs, texts, self._indicators())

    def _indicators(self) -> tuple[int, ...]:
        """Return for each numeric column the one that says that it is missing, or -1; nothing where none does."""
        found = [-1] * self.numeric_size
        places = self.places()
        for name in self.missing:
            *numbers, indicator = places[name].columns
            for number in numbers:
                found[number] = indicator
        return tuple(found) if self.missing else ()

    def batches(self, inputs: Inputs, targets: np.ndarray, *, batch_size: int, seed: int | None, device: Device) -> Batches:
        """Return batches of encoded rows: shuffled, or in order where there is no seed."""
        if self.texts:
            from trainwright.data.text.batches import mixed_batches

            return mixed_batches(inputs[:2], inputs[2:], targets, batch_size=batch_size, seed=seed, device=device)
        from trainwright.data.batches.base import array_batches

        return array_batches(inputs, targets, batch_size=batch_size, seed=seed, device=device)

    def fit(self, frame: pl.DataFrame) -> Inputs:
        """Learn from the training rows, as ``cast_columns`` returns them, and return what ``transform`` does."""
        values = self._values(frame)
        scales = [_scale(column[~np.isnan(column)]) for column in values.T]
        self.mean, self.std = (np.array(part, np.float64) for part in zip(*scales, strict=True)) if scales else np.zeros((2, 0))
        self.missing = tuple(feature.name for feature in self._of(*NUMERIC) if frame[feature.name].null_count())
        self.categories = {feature.name: self._commonest(frame[feature.name]) for feature in self._of("category")}
        texts = [encoder.fit(frame[name].alias("values")) for name, encoder in self.texts.items()]
        return self._numeric(frame, values), self._codes(frame), *texts

    def transform(self, frame: pl.DataFrame) -> Inputs:
        """Return the arrays of any rows: float32, shape (rows, numeric_size), int32, shape (rows, category features), and the
        rows of each feature of text as ``Ragged``."""
        texts = [encoder.transform(frame[name].alias("values")) for name, encoder in self.texts.items()]
        return self._numeric(frame, self._values(frame)), self._codes(frame), *texts

    def places(self) -> dict[str, Place]:
        """Return where each feature is in the arrays."""
        found: dict[str, Place] = {}
        first = 0
        for feature in self._of(*NUMERIC):
            width = _width(feature)
            found[feature.name] = Place([*range(first, first + width)])
            first += width
        for place, name in enumerate(self.missing, start=len(self.mean)):
            found[name].columns.append(place)
        found |= {feature.name: Place([], code=place) for place, feature in enumerate(self._of("category"))}
        return found | {name: Place([], text=place) for place, name in enumerate(self.texts)}

    def _of(self, *kinds: Kind) -> list[Feature]:
        return [feature for feature in self.features if feature.kind in kinds]

    def _values(self, frame: pl.DataFrame) -> np.ndarray:
        """Return every number before it is scaled: float64, NaN where it is missing."""
        features = self._of(*NUMERIC)
        named = [frame[feature.name].alias(str(place)) for place, feature in enumerate(features)]  # a name might be a pattern
        parts = [part for place, feature in enumerate(features) for part in _numbers(pl.col(str(place)), feature)]
        wide = [part.alias(str(place)) for place, part in enumerate(parts)]
        return pl.DataFrame(named).select(wide).fill_null(math.nan).to_numpy() if parts else np.zeros((frame.height, 0))

    def _numeric(self, frame: pl.DataFrame, values: np.ndarray) -> np.ndarray:
        if values.shape[1] != len(self.mean):  # numpy would stretch one column to many
            raise ValueError(f"{values.shape[1]} columns of numbers, and a mean of {len(self.mean)}")
        scaled = np.zeros((frame.height, self.numeric_size), np.float32)
        with np.errstate(over="ignore"):  # a value may lie too far from those of training
            known = np.clip((values - self.mean) / self.std, -FARTHEST, FARTHEST)
        scaled[:, : len(self.mean)] = np.where(np.isnan(known), 0.0, known)
        for place, name in enumerate(self.missing, start=len(self.mean)):
            scaled[:, place] = frame[name].alias("values").is_null().to_numpy()
        return scaled

    def _commonest(self, column: pl.Series) -> list[str]:
        counts = column.alias("name").drop_nulls().to_frame().group_by("name").len()
        known = counts.filter(pl.col("len") >= self.min_count).sort(["len", "name"], descending=[True, False])
        return known["name"].to_list()

    def _codes(self, frame: pl.DataFrame) -> np.ndarray:
        codes = np.zeros((frame.height, len(self.categories)), np.int32)
        for place, feature in enumerate(self._of("category")):
            known = pl.Enum(self.categories[feature.name])
            column = frame[feature.name].alias("values").cast(known, strict=False).to_physical()
            codes[:, place] = (column.cast(pl.Int32) + 1).fill_null(0).to_numpy()
        return codes

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return JSON values and arrays from which ``from_parts`` rebuilds the encoder."""
        values: dict[str, Any] = {
            "features": [asdict(feature) for feature in self.features],
            "min_count": self.min_count,
            "missing": list(self.missing),
            "categories": self.categories,
            "texts": {},
            "tokens": [],
        }
        arrays = {"mean": self.mean, "std": self.std}
        for place, (name, encoder) in enumerate(self.texts.items()):
            own, parts = encoder.to_parts()
            values["tokens"] += own["tokens"]
            values["texts"][name] = own | {"tokens": len(own["tokens"])}
            arrays |= {f"texts.{place}.{key}": array for key, array in parts.items()}
        return values, arrays

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TableEncoder:
        """Rebuild an encoder from what ``to_parts`` returned."""
        features = tuple(Feature(**feature) for feature in values["features"])
        categories = {name: list(known) for name, known in values["categories"].items()}
        missing, texts, first = tuple(values["missing"]), dict[str, TextEncoder](), 0
        for place, (name, own) in enumerate(values.get("texts", {}).items()):
            start, end = f"texts.{place}.", first + own["tokens"]
            parts = {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}
            texts[name] = TextEncoder.from_parts(own | {"tokens": values["tokens"][first:end]}, parts)
            first = end
        return cls(features, values["min_count"], missing, categories, arrays["mean"], arrays["std"], texts)


def _width(feature: Feature) -> int:
    """Return how many numbers a value becomes."""
    if feature.kind != "date":
        return 1
    return 2 if feature.format == "clock" else 7 if feature.format.endswith(" time") else 5


def _numbers(column: pl.Expr, feature: Feature) -> list[pl.Expr]:
    """Return the numbers that a column of a feature becomes: float64, null where it is missing; of a date several."""
    if feature.kind != "date":
        return [column.cast(pl.Float64)]
    on_the_clock = _circle((column.dt.hour() + column.dt.minute() / 60) / 24)
    if feature.format == "clock":
        return on_the_clock
    parts = [
        column.dt.epoch("us") / (DAY * YEAR),
        *_circle((column.dt.month() - 1) / 12),
        *_circle((column.dt.weekday() - 1) / 7),
    ]
    return [*parts, *on_the_clock] if feature.format.endswith(" time") else parts


def _circle(turn: pl.Expr) -> list[pl.Expr]:
    angle = turn * math.tau
    return [angle.sin(), angle.cos()]


def _scale(values: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation; 1 for a constant, whose computed deviation may be a rounding error instead of 0."""
    if not len(values):
        return 0.0, 1.0
    mean = float(values.mean())
    if values.min() == values.max():
        return float(values[0]), 1.0
    # the squares of numbers as small as 1e-200 are 0
    return mean, float(values.std()) or float(np.abs(values - mean).max()) or 1.0


@dataclass(frozen=True)
class TargetScaler:
    """The target of a regression on the scale that networks learn best: mean 0, deviation 1 over the training rows."""

    mean: float
    std: float

    @classmethod
    def fit(cls, targets: np.ndarray) -> TargetScaler:
        """Learn the scale of the targets of the training rows, shape (rows,)."""
        return cls(*_scale(np.asarray(targets, np.float64)))

    def encode(self, targets: np.ndarray) -> np.ndarray:
        """Return standardised targets: float32, shape (rows,)."""
        return ((np.asarray(targets, np.float64) - self.mean) / self.std).astype(np.float32)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return a model's outputs in the unit of the targets: float64."""
        return np.asarray(outputs, np.float64) * self.std + self.mean
