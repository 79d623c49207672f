"""What the bundle of a text classifier may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from trainwright.data.text.bag_encoder import SPECIAL
from trainwright.fields import MOST_CHARACTERS
from trainwright.tasks.bundle_schema import Arrays, ClassSchema, Count, Distinct, Schema

if TYPE_CHECKING:
    from trainwright.store.bundle import Bundle


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
