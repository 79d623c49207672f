"""Labels and texts to numbers. What is learned (classes, vocabulary, document frequencies) comes from the training split only.

A fitted encoder is data: ``to_parts`` gives JSON and arrays, ``from_parts`` takes them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl

from trainwright.data.ragged import Ragged
from trainwright.data.text import flatten, tokenise

PAD, UNKNOWN = 0, 1
SPECIAL = ("<pad>", "<unk>")
BITS = 32  # two ids, or a row and an id, side by side in one int64, so that one sort or search serves both


@dataclass(frozen=True)
class Labels:
    """The classes, in a fixed order: by number where all are numbers, else by name."""

    names: tuple[str, ...]

    @classmethod
    def fit(cls, labels: pl.Series) -> Labels:
        """The distinct labels of the training split."""
        names = labels.unique().to_list()
        numeric = pl.Series(names, dtype=pl.String).cast(pl.Float64, strict=False).null_count() == 0
        return cls(tuple(sorted(names, key=float if numeric else str)))

    def encode(self, labels: pl.Series) -> np.ndarray:
        """Class numbers, int64, shape (rows,); -1 for a label that training did not have."""
        codes = labels.cast(pl.Enum(list(self.names)), strict=False).to_physical()
        return codes.cast(pl.Int64).fill_null(-1).to_numpy()


@dataclass
class TextEncoder:
    """Texts to token ids: as a sequence, or as a bag of word n-grams with weights.

    Ids are 0 padding, 1 unknown, then tokens, then n-grams by length. An n-gram is known by the id of its first n - 1
    tokens and the token after them, so no text is ever put together: ``grams[k]`` holds the sorted keys
    ``prefix << 32 | token`` of length k + 2.
    """

    tokenizer: str
    lowercase: bool
    kind: Literal["bag", "sequence"]
    ngrams: int = 1
    weighting: Literal["none", "tf-idf"] = "none"
    min_count: int = 1
    max_vocabulary: int = 0
    max_tokens: int = 0
    tokens: list[str] = field(default_factory=list)
    grams: list[np.ndarray] = field(default_factory=list)
    idf: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.tokens) + sum(map(len, self.grams))

    @cached_property
    def _enum(self) -> pl.Enum:
        return pl.Enum(self.tokens[len(SPECIAL) :])

    def fit(self, texts: pl.Series) -> Ragged:
        """Learn the vocabulary from the training split and give its encoding, read once."""
        flat, offsets = self._tokenise(texts)
        counts = flat.to_frame("token").group_by("token").len().filter(pl.col("len") >= self.min_count)
        counts = counts.sort(["len", "token"], descending=[True, False])
        known = counts["token"].head(self.max_vocabulary) if self.max_vocabulary else counts["token"]
        self.tokens, self.grams = [*SPECIAL, *known.to_list()], []
        pairs = self._pairs(self._ids(flat), offsets, learn=True)
        return self._weigh(pairs, offsets, learn=True)

    def transform(self, texts: pl.Series) -> Ragged:
        """The encoding of any texts under the vocabulary that was learned."""
        flat, offsets = self._tokenise(texts)
        return self._weigh(self._pairs(self._ids(flat), offsets, learn=False), offsets, learn=False)

    def _tokenise(self, texts: pl.Series) -> tuple[pl.Series, np.ndarray]:
        lists = tokenise(texts, self.tokenizer, self.lowercase)
        return flatten(lists.list.head(self.max_tokens) if self.max_tokens else lists)

    def _ids(self, flat: pl.Series) -> np.ndarray:
        known = flat.cast(self._enum, strict=False).to_physical().cast(pl.Int64) + len(SPECIAL)
        return known.fill_null(UNKNOWN).to_numpy()

    def _pairs(self, ids: np.ndarray, offsets: np.ndarray, learn: bool) -> list[tuple[np.ndarray, np.ndarray]]:
        """(row, id) of every token and every known n-gram, one pair of arrays for each length."""
        rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        pairs, prefix, base = [(rows, ids)], ids, len(self.tokens)
        for order in range(2, self.ngrams + 1):
            following = ids[order - 1 :]
            whole = rows[order - 1 :] == rows[: len(following)]
            usable = whole & (prefix[: len(following)] > UNKNOWN) & (following > UNKNOWN)
            keys = prefix[: len(following)] << BITS | following
            if learn:
                self.grams.append(self._frequent(keys[usable]))
            prefix = np.where(usable, self._find(self.grams[order - 2], keys, base), -1)
            found = prefix > UNKNOWN
            pairs.append((rows[order - 1 :][found], prefix[found]))
            base += len(self.grams[order - 2])
        return pairs

    def _frequent(self, keys: np.ndarray) -> np.ndarray:
        """The sorted keys that occur often enough, within what the vocabulary's size leaves."""
        distinct, counts = run_lengths(np.sort(keys))
        kept = counts >= self.min_count
        if self.max_vocabulary:
            room = max(self.max_vocabulary + len(SPECIAL) - self.size, 0)
            best = np.lexsort((distinct, -counts))[:room]
            kept &= np.isin(np.arange(len(counts)), best)
        return distinct[kept]

    @staticmethod
    def _find(known: np.ndarray, keys: np.ndarray, base: int) -> np.ndarray:
        """The id of each key, or -1."""
        if not len(known):
            return np.full(len(keys), -1, np.int64)
        places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where(known[places] == keys, places + base, -1)

    def _weigh(self, pairs: list[tuple[np.ndarray, np.ndarray]], offsets: np.ndarray, learn: bool) -> Ragged:
        if self.kind == "sequence":
            return self._sequence(pairs[0][1], offsets)
        if self.weighting == "none" and self.ngrams == 1:
            return Ragged(pairs[0][1].astype(np.int32), offsets)
        texts, size = len(offsets) - 1, self.size
        # A text's n-grams side by side, equal ones together: one sort of (row, id) as a single number.
        keys = np.sort(np.concatenate([rows << BITS | ids for rows, ids in pairs]))
        if self.weighting == "none":
            return Ragged(keys.astype(np.int32), _offsets(keys >> BITS, texts))
        distinct, counts = run_lengths(keys)
        rows, ids = distinct >> BITS, distinct.astype(np.int32)
        kept = ids != UNKNOWN  # what training never saw has no document frequency
        rows, ids, counts = rows[kept], ids[kept], counts[kept]
        if learn:
            self.idf = inverse_document_frequency(ids, texts, size)
        weights = (1 + np.log(counts.astype(np.float32))) * self.idf[ids]
        norms = np.sqrt(np.bincount(rows, np.square(weights), minlength=texts)).astype(np.float32)
        return Ragged(ids, _offsets(rows, texts), weights / norms[rows])

    @staticmethod
    def _sequence(ids: np.ndarray, offsets: np.ndarray) -> Ragged:
        """Tokens in reading order; an empty text reads as one unknown token, since a sequence needs a step."""
        empty = np.flatnonzero(np.diff(offsets) == 0)
        if len(empty):
            ids = np.insert(ids, offsets[empty], UNKNOWN)
            lengths = np.maximum(np.diff(offsets), 1)
            offsets = np.concatenate([[0], np.cumsum(lengths)])
        return Ragged(ids.astype(np.int32), offsets)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """JSON values and arrays, enough to make the same encoder again."""
        names = (
            "tokenizer",
            "lowercase",
            "kind",
            "ngrams",
            "weighting",
            "min_count",
            "max_vocabulary",
            "max_tokens",
            "tokens",
        )
        arrays = {f"grams.{order + 2}": keys for order, keys in enumerate(self.grams)}
        return {name: getattr(self, name) for name in names}, arrays | {"idf": self.idf}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TextEncoder:
        """The encoder that ``to_parts`` described."""
        encoder = cls(**values)
        encoder.grams = [arrays[f"grams.{order}"] for order in range(2, encoder.ngrams + 1)]
        encoder.idf = arrays["idf"]
        return encoder


def run_lengths(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of a sorted array, and how often each occurs."""
    if not len(ordered):
        return ordered, np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.diff(np.append(starts, len(ordered)))


def inverse_document_frequency(ids: np.ndarray, texts: int, size: int) -> np.ndarray:
    """Smoothed idf, ln((1 + texts) / (1 + texts with the id)) + 1: float32, shape (size,). ``ids``: once for each text."""
    frequency = np.bincount(ids, minlength=size)
    return (np.log((1 + texts) / (1 + frequency)) + 1).astype(np.float32)


def _offsets(rows: np.ndarray, texts: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=texts))])
