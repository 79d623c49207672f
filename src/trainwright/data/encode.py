"""Labels and texts to numbers. What is learned (classes, vocabulary, document frequencies) comes from the training split only.

A fitted encoder is data: ``to_parts`` gives JSON and arrays, ``from_parts`` takes them back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from trainwright.data.chars import character_ngrams
from trainwright.data.ragged import Ragged, places_of
from trainwright.data.text import Tokens, tokenise, tokenise_plain

if TYPE_CHECKING:  # imported by what needs it: a few texts are encoded in less time than that takes
    import polars as pl

PAD, UNKNOWN = 0, 1
SPECIAL = ("<pad>", "<unk>")
BITS = 32  # two ids, or a row and an id, side by side in one int64, so that one sort or search serves both
MASK = (1 << BITS) - 1
CHUNK = 1 << 17  # tokens
FEW = 1000  # texts


@dataclass(frozen=True)
class Labels:
    """The classes, in a fixed order: by number where all are numbers, else by name."""

    names: tuple[str, ...]

    @classmethod
    def fit(cls, labels: pl.Series) -> Labels:
        """The distinct labels of the training split."""
        import polars as pl

        names = sorted(labels.unique().to_list())
        numbers = pl.Series(names, dtype=pl.String).cast(pl.Float64, strict=False)
        numeric = numbers.null_count() == 0 and bool(numbers.is_finite().all())
        return cls(tuple(sorted(names, key=float) if numeric else names))  # a stable sort: 1 and 1.0 keep their order

    def encode(self, labels: pl.Series) -> np.ndarray:
        """Class numbers, int64, shape (rows,); -1 for a label that training did not have."""
        import polars as pl

        codes = labels.cast(pl.Enum(list(self.names)), strict=False).to_physical()
        return codes.cast(pl.Int64).fill_null(-1).to_numpy()


@dataclass
class TextEncoder:
    """Texts to token ids: as a sequence, or as a bag of word n-grams, and of the words' character n-grams, with weights.

    Ids are 0 padding, 1 unknown, then tokens, then n-grams by length, then character n-grams. An n-gram is known by the id
    of its first n - 1 tokens and the token after them, so no text is ever put together: ``grams[k]`` holds the sorted keys
    ``prefix << 32 | token`` of length k + 2. ``pieces`` holds the sorted keys of the character n-grams (``chars.py``).
    """

    tokenizer: str
    lowercase: bool
    kind: Literal["bag", "sequence"]
    ngrams: int = 1
    chars: list[int] = field(default_factory=list)
    weighting: Literal["none", "tf-idf"] = "none"
    min_count: int = 1
    max_vocabulary: int = 0
    max_tokens: int = 0
    tokens: list[str] = field(default_factory=list)
    grams: list[np.ndarray] = field(default_factory=list)
    pieces: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    idf: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def size(self) -> int:
        """How many ids there are."""
        return self._words + len(self.pieces)

    @property
    def _words(self) -> int:
        """How many ids stand for words and word n-grams: those of the pieces come behind them."""
        return len(self.tokens) + sum(map(len, self.grams))

    @cached_property
    def _enum(self) -> pl.Enum:
        import polars as pl

        return pl.Enum(self.tokens[len(SPECIAL) :])

    def fit(self, texts: pl.Series) -> Ragged:
        """Learn the vocabulary from the training split and give its encoding, read once."""
        tokens = self._tokenise(texts)
        known = tokens.frequent(self.min_count)
        self.tokens = [*SPECIAL, *(known.head(self.max_vocabulary) if self.max_vocabulary else known).to_list()]
        self.__dict__.pop("_enum", None)  # made of the tokens
        self.grams, self.pieces = [], np.zeros(0, np.int64)
        ids = self._ids(tokens.distinct)
        for _ in range(2, self.ngrams + 1):
            keys = np.concatenate(_in_chunks(partial(self._next_keys, ids), tokens))
            self.grams.append(self._frequent(*run_lengths(np.sort(keys))))
        if self.chars:
            keys, offsets = character_ngrams(tokens.distinct, self.chars)
            distinct, places = np.unique(keys, return_inverse=True)
            counts = np.bincount(places, np.repeat(tokens.counts, np.diff(offsets)))
            self.pieces = self._frequent(distinct, counts)
        return self._encode(tokens, learn=True)

    def transform(self, texts: pl.Series | list[str]) -> Ragged:
        """The encoding of any texts under the vocabulary that was learned."""
        if isinstance(texts, list):
            plain = tokenise_plain(texts, self.tokenizer, self.lowercase) if len(texts) <= FEW else None
            if plain is not None:
                return self._encode(Tokens.of_plain([each[: self.max_tokens or None] for each in plain]), learn=False)
            import polars as pl

            texts = pl.Series(texts, dtype=pl.String)
        return self._encode(self._tokenise(texts), learn=False)

    def share_unknown(self, texts: pl.Series) -> float:
        """The part of the texts' tokens that the vocabulary does not have."""
        tokens = self._tokenise(texts)
        ids = self._ids(tokens.distinct)[tokens.codes]
        return float((ids == UNKNOWN).mean()) if len(ids) else 0.0

    def extend(self, texts: pl.Series, min_count: int) -> int:
        """Put the tokens that are new behind those there are, which keep their ids; gives how many. Only without n-grams."""
        tokens = self._tokenise(texts)
        there, before = set(self.tokens), self.size
        new = [token for token in tokens.frequent(min_count).to_list() if token not in there]
        self.tokens = [*self.tokens, *new]
        self.__dict__.pop("_enum", None)  # made of the tokens
        if self.weighting == "tf-idf":
            bags = self._bags(tokens)
            fresh = inverse_document_frequency(np.concatenate([bag[0] for bag in bags]), len(texts), self.size)
            self.idf = np.concatenate([self.idf, fresh[before:]])
        return len(new)

    def _tokenise(self, texts: pl.Series) -> Tokens:
        lists = tokenise(texts, self.tokenizer, self.lowercase)
        return Tokens.of(lists.list.head(self.max_tokens) if self.max_tokens else lists)

    def _ids(self, words: pl.Series | list[str]) -> np.ndarray:
        if isinstance(words, list):
            numbers = {token: number for number, token in enumerate(self.tokens) if number >= len(SPECIAL)}
            return np.array([numbers.get(word, UNKNOWN) for word in words], np.int64)
        import polars as pl

        known = words.cast(self._enum, strict=False).to_physical().cast(pl.Int64) + len(SPECIAL)
        return known.fill_null(UNKNOWN).to_numpy()

    def _pieces_of(self, words: pl.Series | list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the character n-grams of each word that the vocabulary has, and offsets of shape (words + 1,)."""
        keys, offsets = character_ngrams(words, self.chars)
        ids = _find(self.pieces, keys, self._words)
        before = np.concatenate([[0], np.cumsum(ids >= 0)])
        return ids[ids >= 0], before[offsets]

    def _known(self, ids: np.ndarray, offsets: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(row, id) of every token, then of the n-grams of each length: ids stand where the n-gram begins, -1 for none."""
        rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        yield rows, ids
        prefix, base = ids, len(self.tokens)
        for order, known in enumerate(self.grams, start=2):
            keys, usable = _keys(rows, prefix, ids, order)
            prefix = np.full(len(keys), -1, np.int64)
            prefix[usable] = _find(known, keys[usable], base)
            yield rows[: len(prefix)], prefix
            base += len(known)

    def _next_keys(self, word_ids: np.ndarray, codes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """The keys of all n-grams one token longer than those already learned."""
        ids = word_ids[codes]
        *_, (_, prefix) = self._known(ids, offsets)
        rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        keys, usable = _keys(rows, prefix, ids, len(self.grams) + 2)
        found: np.ndarray = keys[usable]
        return found

    def _frequent(self, distinct: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Those of the sorted keys that occur often enough, within what the vocabulary's size leaves."""
        kept = counts >= self.min_count
        if self.max_vocabulary:
            room = max(self.max_vocabulary + len(SPECIAL) - self.size, 0)
            best = np.lexsort((distinct, -counts))[:room]
            kept &= np.isin(np.arange(len(counts)), best)
        return distinct[kept]

    def _encode(self, tokens: Tokens, learn: bool) -> Ragged:
        if self.kind == "sequence":
            return self._sequence(self._ids(tokens.distinct)[tokens.codes], tokens.offsets)
        if self.weighting == "none" and self.ngrams == 1 and not self.chars:
            return Ragged(self._ids(tokens.distinct)[tokens.codes].astype(np.int32), tokens.offsets)
        parts = self._bags(tokens)
        values = np.concatenate([part[0] for part in parts])
        ends = np.zeros(len(tokens.offsets), np.int64)
        np.cumsum(np.concatenate([part[1] for part in parts]), out=ends[1:])
        if self.weighting == "none":
            return Ragged(values, ends)
        if learn:
            self.idf = inverse_document_frequency(values, len(tokens.offsets) - 1, self.size)
        return Ragged(values, ends, np.concatenate([self._weights(*part) for part in parts]))

    def _bags(self, tokens: Tokens) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """``_bag`` of all texts, in chunks."""
        pieces = self._pieces_of(tokens.distinct) if self.chars else None
        return _in_chunks(partial(self._bag, self._ids(tokens.distinct), pieces), tokens)

    def _bag(
        self, word_ids: np.ndarray, pieces: tuple[np.ndarray, np.ndarray] | None, codes: np.ndarray, offsets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids with equal ones of a text side by side, how many each text has, and with tf-idf how often each occurs."""
        pairs = [(rows << BITS | found)[found >= 0] for rows, found in self._known(word_ids[codes], offsets)]
        if pieces is not None:
            ids, begins = pieces
            places, lengths = places_of(begins, codes)
            rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
            pairs.append(np.repeat(rows << BITS, lengths) | ids[places])
        keys = np.sort(np.concatenate(pairs))  # one sort of (row, id) as a single number
        texts = len(offsets) - 1
        if self.weighting == "none":
            return keys.astype(np.int32), np.bincount(keys >> BITS, minlength=texts), keys[:0]
        keys, counts = run_lengths(keys)
        kept = (keys & MASK) != UNKNOWN  # what training never saw has no document frequency
        keys, counts = keys[kept], counts[kept]
        return keys.astype(np.int32), np.bincount(keys >> BITS, minlength=texts), counts.astype(np.int32)

    def _weights(self, ids: np.ndarray, lengths: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """(1 + ln count) * idf, of Euclidean length 1 in each text: float32."""
        weights = (1 + np.log(counts.astype(np.float32))) * self.idf[ids]
        rows = np.repeat(np.arange(len(lengths)), lengths)
        norms = np.sqrt(np.bincount(rows, np.square(weights), minlength=len(lengths))).astype(np.float32)
        found: np.ndarray = weights / norms[rows]
        return found

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
        names = ["tokenizer", "lowercase", "kind", "ngrams", "chars", "weighting"]
        names += ["min_count", "max_vocabulary", "max_tokens", "tokens"]
        arrays = {f"grams.{order + 2}": keys for order, keys in enumerate(self.grams)}
        return {name: getattr(self, name) for name in names}, arrays | {"pieces": self.pieces, "idf": self.idf}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TextEncoder:
        """The encoder that ``to_parts`` described."""
        encoder = cls(**values)
        encoder.grams = [arrays[f"grams.{order}"] for order in range(2, encoder.ngrams + 1)]
        encoder.pieces, encoder.idf = arrays["pieces"], arrays["idf"]
        return encoder


def _in_chunks(work: Callable[[np.ndarray, np.ndarray], Any], tokens: Tokens) -> list[Any]:
    """``work(codes, offsets)`` on whole texts of about ``CHUNK`` tokens at a time, by all cores; results in order.

    Small pieces stay in cache and keep memory bounded; numpy lets go of the interpreter while it works.
    """
    codes, offsets = tokens.codes, tokens.offsets
    cuts = Ragged(codes, offsets).cuts(CHUNK)
    pieces = [(codes[offsets[a] : offsets[b]], offsets[a : b + 1] - offsets[a]) for a, b in cuts]
    if len(pieces) == 1:
        return [work(*pieces[0])]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda piece: work(*piece), pieces))


def _keys(rows: np.ndarray, prefix: np.ndarray, ids: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """The key of the n-gram of length ``order`` that begins at each token, and whether there is one within its text."""
    following = ids[order - 1 :]
    prefix = prefix[: len(following)]
    inside = rows[order - 1 :] == rows[: len(following)]
    return prefix << BITS | following, inside & (prefix > UNKNOWN) & (following > UNKNOWN)


def _find(known: np.ndarray, keys: np.ndarray, base: int) -> np.ndarray:
    """The id of each key, or -1."""
    if not len(known):
        return np.full(len(keys), -1, np.int64)
    places = np.searchsorted(known, keys)
    places[places == len(known)] = 0
    return np.where(known[places] == keys, places + base, -1)


def run_lengths(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of a sorted array, and how often each occurs."""
    if not len(ordered):
        return ordered, np.zeros(0, np.int64)
    bounds = np.empty(np.count_nonzero(ordered[1:] != ordered[:-1]) + 2, np.int64)
    bounds[0], bounds[-1] = 0, len(ordered)
    bounds[1:-1] = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return ordered[bounds[:-1]], np.diff(bounds)


def inverse_document_frequency(ids: np.ndarray, texts: int, size: int) -> np.ndarray:
    """Smoothed idf, ln((1 + texts) / (1 + texts with the id)) + 1: float32, shape (size,). ``ids``: once for each text."""
    frequency = np.bincount(ids, minlength=size)
    return (np.log((1 + texts) / (1 + frequency)) + 1).astype(np.float32)
