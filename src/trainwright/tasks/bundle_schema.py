"""What a bundle may hold beside its weights: checked before anything is made of it, since a stranger may have written it.

Types are exact (no word or boolean is taken for a number), what is not known is refused, and nothing is as large as it says
without being there. The weights are compared with the network itself, in ``models/registry.py``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from trainwright.data.tables.spelling import STRONG, WEAK
from trainwright.data.text.text_encoder import SPECIAL
from trainwright.evaluation.conformal import MOST as MOST_REACHES
from trainwright.fields import MOST_CHARACTERS, Fraction
from trainwright.models.catalog import models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainwright.store.bundle import Bundle


def distinct(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("a name is there twice")
    return values


Distinct = Annotated[list[str], AfterValidator(distinct)]
Count = Annotated[int, Field(ge=0, lt=1 << 31)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Argument = bool | int | float | str | list[float] | None
NUMBERS = r"(point|comma)( \S{1,40})?|duration"  # how a number may be written
SETS = "|".join((*map(re.escape, (*STRONG, *WEAK)), "list", "object", "columns"))  # how several labels may be
Arrays = dict[str, tuple[type, int | None]]  # by name: type, and length where it is known


class Schema(BaseModel):
    """A JSON object of which every key and type is known."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


class Reading(Schema):
    """``ReadOptions`` as far as they are kept."""

    delimiter: Annotated[str, Field(max_length=1)] = ""
    encoding: Annotated[str, Field(pattern="^[a-zA-Z0-9_.-]{0,40}$")] = ""
    header: Literal["auto", "yes", "no"] = "auto"
    ragged: Annotated[str, Field(pattern="^(auto|[1-9][0-9]{0,4})$")] = "auto"


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

    def arrays_of(self, tokens: list[str], arrays: Mapping[str, np.ndarray], prefix: str = "") -> Arrays:
        """Return the types of the keys of n-grams, each once and in order, and document frequencies. Raise ValueError."""
        if tuple(tokens[:2]) != SPECIAL:
            raise ValueError("vocabulary.json: it does not begin with the tokens for padding and unknown")
        if len(set(tokens[2:])) != len(tokens) - 2:
            raise ValueError("vocabulary.json: a token is there twice")
        grams = [f"{prefix}grams.{order}" for order in range(2, self.ngrams + 1)] + [f"{prefix}pieces"]
        for name in grams:
            if not (arrays[name][1:] > arrays[name][:-1]).all():
                raise ValueError(f"encoder.safetensors: {name} is not in order")
        size = len(tokens) + sum(arrays[name].size for name in grams)
        frequencies = size if self.weighting == "tf-idf" else 0
        return {f"{prefix}idf": (np.float32, frequencies), **dict.fromkeys(grams, (np.int64, None))}


class CommonSchema(Schema):
    """What bundles of every kind hold."""

    format: int
    task: str
    model: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.]{1,60}$")]
    model_settings: dict[str, Any]

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> type[CommonSchema]:
        """Return the schema of a bundle with these values: of a kind that has several, the one for what is predicted."""
        several = [each for each in cls.__subclasses__() if "kind" in each.model_fields]
        return next((each for each in several if meta["kind"] in get_args(each.model_fields["kind"].annotation)), cls)

    @model_validator(mode="after")
    def _settings(self) -> CommonSchema:
        """Check that the settings are those of the named model, each of its own type."""
        name = self.model_settings.get("name")
        if not isinstance(name, str) or name not in models():
            raise ValueError("model_settings: no such model")
        models()[name].settings.model_validate(self.model_settings, strict=True)
        family = self.model.partition(".")[0]
        if family in models() and family != name:
            raise ValueError("model_settings: they are another model's")
        return self

    def arrays(self, kept: Bundle) -> Arrays:
        """Return the type and length of each array of the encoder. Raise ValueError for tokens that are not its own."""
        if kept.tokens:
            raise ValueError("vocabulary.json: this task has no tokens")
        return {}


class NumberLoss(Schema):
    """``NumberTarget.loss``."""

    loss: dict[str, Argument]


class LabelsLoss(NumberLoss):
    """``LabelsTarget.loss``."""

    weights: list[Annotated[float, Field(ge=0)]] | None


class ClassLoss(NumberLoss):
    """``ClassTarget.loss``."""

    smoothing: Fraction
    weights: list[Annotated[float, Field(ge=0)]] | None


class Rungs(Schema):
    """What answers with a probability are promised to be: see ``certainty``."""

    temperature: Positive = 1.0
    promises: Annotated[list[Annotated[list[float], Field(min_length=3, max_length=3)]], Field(max_length=100)] = []

    @model_validator(mode="after")
    def _count(self) -> Rungs:
        for threshold, rows, wrong in self.promises:
            if not (0 <= threshold <= 1 and 0 <= wrong <= rows < 1 << 31) or rows % 1 or wrong % 1:
                raise ValueError("promises are not threshold, rows and wrong ones among them")
        return self


class ClassSchema(CommonSchema, Rungs):
    """Where classes are told apart."""

    kind: Literal["class"]
    labels: Annotated[Distinct, Field(min_length=1)]
    merged: bool = False
    thresholds: Annotated[list[Share], Field(min_length=1, max_length=1)] = [0.5]
    objective: ClassLoss


class Scale(Schema):
    """``TargetScaler``."""

    mean: float
    std: Positive


class NumberSchema(CommonSchema):
    """What bundles hold where a number is predicted."""

    kind: Literal["number"]
    target: str
    scale: Scale
    objective: NumberLoss
    reaches: Annotated[
        list[Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2, max_length=2)]], Field(max_length=MOST_REACHES)
    ] = []


class LabelsSchema(CommonSchema, Rungs):
    """Where a row may have several labels, or none."""

    kind: Literal["labels"]
    labels: Annotated[Distinct, Field(min_length=1)]
    merged: bool = False
    thresholds: list[Share]
    objective: LabelsLoss

    @model_validator(mode="after")
    def _each(self) -> LabelsSchema:
        if len(self.thresholds) != len(self.labels):
            raise ValueError("thresholds are not one a label")
        return self


class LabelColumns(Schema):
    """``LabelForm``, but for what is predicted."""

    label: str | Distinct
    written: Annotated[str, Field(pattern=rf"^(|{SETS}|{NUMBERS})$")] = ""
    group: str = ""
    reading: Reading = Reading()


def validate(schema: type[CommonSchema], kept: Bundle) -> None:
    """Raise ValueError, or what pydantic and numpy raise, where a bundle is not as a training would have written it."""
    try:
        found = schema.of(kept.meta).model_validate(kept.meta)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ValueError(f"model.json: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if type(kept.tokens) is not list or not all(type(token) is str for token in kept.tokens):
        raise ValueError("vocabulary.json: it is no list of words")
    for part in ("".join(kept.tokens), json.dumps(kept.meta, ensure_ascii=False)):
        part.encode()  # a lone surrogate is no character
    arrays, wanted = kept.arrays, found.arrays(kept)
    if arrays.keys() != wanted.keys():
        raise ValueError(f"encoder.safetensors: it holds {len(arrays)} arrays that are not {', '.join(wanted) or 'none'}")
    for name, (dtype, length) in wanted.items():
        array = arrays[name]
        if array.dtype != dtype or array.ndim != 1 or length not in (None, len(array)) or not np.isfinite(array).all():
            raise ValueError(f"encoder.safetensors: {name} is not as it should be: {array.dtype} of shape {array.shape}")
