"""What a bundle may hold beside its weights: checked before anything is made of it, since a stranger may have written it.

Types are exact (no word or boolean is taken for a number), what is not known is refused, and nothing is as large as it says
without being there. The weights are compared with the network itself, in ``models/registry.py``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from trainwright.config.settings import MOST_CONTEXT, MOST_PIXELS, TASKS
from trainwright.data.text.bag_encoder import SPECIAL
from trainwright.errors import error, in_short
from trainwright.fields import MOST_CHARACTERS, Fraction
from trainwright.models.catalog import models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainwright.store.bundle import Bundle


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("a name is there twice")
    return values


Distinct = Annotated[list[str], AfterValidator(_distinct)]
Count = Annotated[int, Field(ge=0, lt=1 << 31)]
Positive = Annotated[float, Field(gt=0)]
Argument = bool | int | float | str | list[float] | None
Arrays = dict[str, tuple[type, int | None]]  # by name: type, and length where it is known


class Schema(BaseModel):
    """A JSON object of which every key and type is known."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


class CommonSchema(Schema):
    """Of every task."""

    format: int
    task: str
    model: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.]{1,60}$")]
    model_settings: dict[str, Any]

    @model_validator(mode="after")
    def _settings(self) -> CommonSchema:
        """The settings are those of the named model, each of its own type."""
        name = self.model_settings.get("name")
        if not isinstance(name, str) or name not in models():
            raise ValueError("model_settings: no such model")
        models()[name].settings.model_validate(self.model_settings, strict=True)
        known = any(self.model.partition(".")[0] == each for each in models())
        if known and self.model.partition(".")[0] != name:
            raise ValueError("model_settings: they are another model's")
        return self

    def arrays(self, kept: Bundle) -> Arrays:
        """What arrays the encoder has. Raises ValueError for tokens that are not its own."""
        if kept.tokens:
            raise ValueError("vocabulary.json: this task has no tokens")
        return {}


class ClassLoss(Schema):
    """``ClassTarget.loss``."""

    loss: dict[str, Argument]
    smoothing: Fraction
    weights: list[Annotated[float, Field(ge=0)]] | None


class ClassSchema(CommonSchema):
    """Where classes are told apart."""

    kind: Literal["class"]
    labels: Annotated[Distinct, Field(min_length=1)]
    objective: ClassLoss


class TextColumns(Schema):
    """The columns of a text task."""

    text: Distinct
    label: str


class TextValues(Schema):
    """``TextEncoder`` without its arrays."""

    tokenizer: Literal["words", "basic-english", "characters"]
    lowercase: bool
    kind: Literal["bag", "sequence"]
    ngrams: Annotated[int, Field(ge=1, le=5)]
    chars: Annotated[list[Annotated[int, Field(ge=1, le=MOST_CHARACTERS)]], Field(max_length=MOST_CHARACTERS)]
    weighting: Literal["none", "tf-idf"]
    min_count: Count
    max_vocabulary: Count
    max_tokens: Count


class TextBundle(ClassSchema):
    """Text classification."""

    columns: TextColumns
    encoder: TextValues

    def arrays(self, kept: Bundle) -> Arrays:
        """Keys of n-grams, each once and in order, and document frequencies."""
        if tuple(kept.tokens[:2]) != SPECIAL:
            raise ValueError("vocabulary.json: it does not begin with the tokens for padding and unknown")
        if len(set(kept.tokens[2:])) != len(kept.tokens) - 2:
            raise ValueError("vocabulary.json: a token is there twice")
        grams = [f"grams.{order}" for order in range(2, self.encoder.ngrams + 1)] + ["pieces"]
        for name in grams:
            if not (kept.arrays[name][1:] > kept.arrays[name][:-1]).all():
                raise ValueError(f"encoder.safetensors: {name} is not in order")
        size = len(kept.tokens) + sum(kept.arrays[name].size for name in grams)
        frequencies = size if self.encoder.weighting == "tf-idf" else 0
        return {"idf": (np.float32, frequencies), **dict.fromkeys(grams, (np.int64, None))}


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

    @model_validator(mode="after")
    def _fits(self) -> TableBundle:
        names = _distinct([each.name for each in self.encoder.features])
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


class Scale(Schema):
    """``TargetScaler``."""

    mean: float
    std: Positive


class NumberLoss(Schema):
    """``NumberTarget.loss``."""

    loss: dict[str, Argument]


class TableNumbers(TableBundle):
    """Table regression."""

    kind: Literal["number"]
    target: str
    scale: Scale
    objective: NumberLoss


class TokenValues(Schema):
    """``TokenEncoder`` without its tokens."""

    tokenizer: Literal["words", "characters", "bytes", "bpe"]
    min_count: Count
    max_vocabulary: Count
    bpe: str


class LanguageBundle(CommonSchema):
    """Language models. Their tokens are compared with the tokeniser by the encoder."""

    context: Annotated[int, Field(ge=1, le=MOST_CONTEXT)]
    encoder: TokenValues

    def arrays(self, kept: Bundle) -> Arrays:
        """None."""
        return {}


SCHEMAS: dict[str, type[CommonSchema]] = {
    "text": TextBundle,
    "image": ImageBundle,
    "language": LanguageBundle,
    "table": TableNumbers,
}


def check(kept: Bundle) -> None:
    """Raise E406 for a task that there is not; anything where something is not as a training would have written it."""
    task = kept.meta["task"]
    if task not in TASKS:
        raise error("E406", name=in_short(ValueError(task))[:60], choices=", ".join(TASKS))
    form = TableClasses if task == "table" and kept.meta["kind"] == "class" else SCHEMAS[task]
    try:
        found = form.model_validate(kept.meta)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ValueError(f"model.json: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if type(kept.tokens) is not list or not all(type(token) is str for token in kept.tokens):
        raise ValueError("vocabulary.json: it is no list of words")
    for part in ("".join(kept.tokens), json.dumps(kept.meta, ensure_ascii=False)):
        part.encode()  # a lone surrogate is no character
    _check_arrays(kept.arrays, found.arrays(kept))


def _check_arrays(arrays: Mapping[str, np.ndarray], wanted: Arrays) -> None:
    if arrays.keys() != wanted.keys():
        raise ValueError(f"encoder.safetensors: it holds {len(arrays)} arrays that are not {', '.join(wanted) or 'none'}")
    for name, (dtype, length) in wanted.items():
        array = arrays[name]
        if array.dtype != dtype or array.ndim != 1 or length not in (None, len(array)) or not np.isfinite(array).all():
            raise ValueError(f"encoder.safetensors: {name} is not as it should be: {array.dtype} of shape {array.shape}")
