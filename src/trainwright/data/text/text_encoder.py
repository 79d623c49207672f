"""The encoder of texts as numbers, a bag or a sequence, learned from the training split only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from trainwright.data.files.spool import Spool, parallel_map
from trainwright.data.shapes import TextShape
from trainwright.data.text.ngrams import Counter, Lookup, character_ngrams, run_lengths
from trainwright.data.text.ragged import Ragged, row_numbers, to_offsets, value_indices
from trainwright.data.text.tokenize import Chunk, TokenizedTexts, Tokens, tokenize_plain

if TYPE_CHECKING:  # imported where it is needed: encoding a few texts takes less time than the import
    import polars as pl

    from trainwright.data.batches.base import Batches, Device

PAD, UNKNOWN = 0, 1
SPECIAL = ("<pad>", "<unk>")
BITS = 32  # two ids, or a row and an id, are packed in one int64, so that one sort or search serves both
MASK = (1 << BITS) - 1
BLOCK_IDS = 1 << 22  # ids whose weights are computed at a time
FEW_TEXTS = 1000  # up to so many are tokenized in plain Python
CharNgrams = tuple[np.ndarray, np.ndarray]  # the ids of all words, one after the other, and offsets of shape (words + 1,)


@dataclass
class TextEncoder:
    """Texts to token ids: as a sequence, or as a bag of word n-grams, and of the words' character n-grams, with weights.

    Ids are 0 padding, 1 unknown, then tokens, then n-grams by length, then character n-grams. An n-gram is identified by the
    id of its first n - 1 tokens and the token after them, so no strings are joined: ``grams[k]`` holds the sorted keys
    ``prefix << 32 | token`` of length k + 2, ``char_ngrams`` those of the character n-grams (``character_ngrams``).
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
    char_ngrams: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    idf: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    _last_word_ids: tuple[Any, np.ndarray, CharNgrams | None] | None = field(default=None, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Return the number of ids."""
        return self._word_count + len(self.char_ngrams)

    def shape(self, outputs: int) -> TextShape:
        """Return what a network has to know of the texts."""
        return TextShape(self.size, outputs)

    def batches(
        self,
        inputs: Ragged,
        targets: np.ndarray,
        *,
        batch_size: int,
        seed: int | None,
        device: Device,
        transposed: bool = False,
    ) -> Batches:
        """Return batches of token rows: shuffled, or in order where there is no seed; ``transposed`` by id as well."""
        from trainwright.data.text.batches import ragged_batches

        ids = self.size if transposed else 0
        return ragged_batches(inputs, targets, batch_size=batch_size, seed=seed, device=device, transposed=ids)

    @property
    def _word_count(self) -> int:
        """Return the number of ids of words and word n-grams; those of character n-grams follow them."""
        return len(self.tokens) + sum(map(len, self.grams))

    @cached_property
    def _enum(self) -> pl.Enum:
        import polars as pl

        return pl.Enum(self.tokens[len(SPECIAL) :])

    def fit(self, texts: pl.Series | Tokens) -> Ragged:
        """Learn the vocabulary from the training split and return its encoding."""
        tokens = self._tokenize(texts)
        known = tokens.frequent(self.min_count)
        self.tokens = [*SPECIAL, *(known.head(self.max_vocabulary) if self.max_vocabulary else known).to_list()]
        self._clear_caches()
        self.grams, self.char_ngrams = [], np.zeros(0, np.int64)
        ids = self._ids(tokens.distinct)
        for _ in range(2, self.ngrams + 1):
            counter = Counter(int(tokens.selected_offsets[-1]))
            lookups = [Lookup(keys) for keys in self.grams]
            for parts in parallel_map(partial(self._next_keys, counter, ids, lookups), tokens.chunks()):
                counter.add(parts)
            self.grams.append(self._frequent(*counter.frequent(self.min_count)))
        if self.chars:
            self.char_ngrams = self._frequent(*self._count_char_ngrams(tokens))
        return self._encode(tokens, learn=True)

    def transform(self, texts: pl.Series | Tokens | list[str]) -> Ragged:
        """Encode any texts with the learned vocabulary."""
        return self._encode(self._tokenize(texts), learn=False)

    def occurrences(self, texts: list[str]) -> tuple[Tokens, list[tuple[np.ndarray, np.ndarray, int]]]:
        """Return the tokens of texts, and of every token, n-gram and character n-gram that has an id where it stands.

        That is: the number of the token, counted over all texts, with which each begins; its id; how many tokens it spans.
        """
        tokens, found, first = self._tokenize(texts), list[tuple[np.ndarray, np.ndarray, int]](), 0
        word_ids, parts = self._word_ids(tokens)
        lookups = [Lookup(keys) for keys in self.grams]
        for codes, offsets in tokens.chunks():
            for span, (_, ids) in enumerate(self._ngram_ids(lookups, word_ids[codes], offsets), start=1):
                known = np.flatnonzero(ids >= 0)
                found.append((known + first, ids[known], span))
            if parts is not None:
                indices, lengths = value_indices(parts[1], codes)
                found.append((np.repeat(np.arange(len(codes)) + first, lengths), parts[0][indices], 1))
            first += len(codes)
        return tokens, found

    def share_unknown(self, tokens: Tokens) -> float:
        """Return the share of the texts' tokens that the vocabulary does not have."""
        counts = tokens.counts
        unknown = counts[self._ids(tokens.distinct) == UNKNOWN].sum()
        return float(unknown / counts.sum()) if counts.any() else 0.0

    def extend(self, tokens: Tokens, min_count: int) -> int:
        """Append new tokens to the vocabulary, whose ids stay as they are, and return how many. Only without n-grams."""
        there, before = set(self.tokens), self.size
        new = [token for token in tokens.frequent(min_count).to_list() if token not in there]
        self.tokens = [*self.tokens, *new]
        self._clear_caches()
        if self.weighting == "tf-idf":
            values, _, _ = self._bags(tokens)
            self.idf = np.concatenate([self.idf, self._smoothed_idf(values, len(tokens.selected_offsets) - 1)[before:]])
        return len(new)

    def _tokenize(self, texts: pl.Series | Tokens | list[str]) -> Tokens:
        if isinstance(texts, Tokens):
            return texts
        if isinstance(texts, list):
            plain = tokenize_plain(texts, self.tokenizer, self.lowercase) if len(texts) <= FEW_TEXTS else None
            if plain is not None:
                return Tokens.from_lists([each[: self.max_tokens or None] for each in plain])
            import polars as pl

            texts = pl.Series(texts, dtype=pl.String)
        read = TokenizedTexts(self.tokenizer, self.lowercase)
        read.add(texts)
        return replace(read.tokens(), most=self.max_tokens)

    def _clear_caches(self) -> None:
        """Drop what was computed from the former vocabulary."""
        self.__dict__.pop("_enum", None)
        self._last_word_ids = None

    def _word_ids(self, tokens: Tokens) -> tuple[np.ndarray, CharNgrams | None]:
        """Return the id of each distinct token, and the ids of its character n-grams.

        The last result is kept, as the splits of one source share their distinct tokens.
        """
        seen = self._last_word_ids
        if seen is None or seen[0] is not tokens.distinct:
            char_ngrams = None
            if self.chars:
                keys, offsets = character_ngrams(tokens.distinct, self.chars)
                ids = _find(Lookup(self.char_ngrams), keys, self._word_count)
                char_ngrams = ids[ids >= 0], to_offsets(ids >= 0)[offsets]
            seen = self._last_word_ids = (tokens.distinct, self._ids(tokens.distinct), char_ngrams)
        return seen[1:]

    def _ids(self, words: pl.Series | list[str]) -> np.ndarray:
        if isinstance(words, list):
            numbers = {token: number for number, token in enumerate(self.tokens) if number >= len(SPECIAL)}
            return np.array([numbers.get(word, UNKNOWN) for word in words], np.int64)
        import polars as pl

        known = words.cast(self._enum, strict=False).to_physical().cast(pl.Int64) + len(SPECIAL)
        return known.fill_null(UNKNOWN).to_numpy()

    def _ngram_ids(
        self, lookups: list[Lookup], ids: np.ndarray, offsets: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (row, id) of every token, then of the n-grams of each length, where they begin; -1 for unknown ones."""
        rows = row_numbers(offsets)
        yield rows, ids
        prefix, base = ids, len(self.tokens)
        for order, lookup in enumerate(lookups, start=2):
            keys, usable = _keys(rows, prefix, ids, order)
            prefix = np.full(len(keys), -1, np.int64)
            prefix[usable] = _find(lookup, keys[usable], base)
            yield rows[: len(prefix)], prefix
            base += len(lookup.known)

    def _next_keys(self, counter: Counter, word_ids: np.ndarray, lookups: list[Lookup], chunk: Chunk) -> list[np.ndarray]:
        """Return the keys of all n-grams one token longer than those already learned, split for counting."""
        codes, offsets = chunk
        ids = word_ids[codes]
        (rows, _), *_ = known = list(self._ngram_ids(lookups, ids, offsets))
        prefix = known[-1][1]
        keys, usable = _keys(rows, prefix, ids, len(self.grams) + 2)
        return counter.split(keys[usable])

    def _count_char_ngrams(self, tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
        """Return the keys of all character n-grams, sorted, and how often each occurs in the texts."""
        keys, offsets = character_ngrams(tokens.distinct, self.chars)
        distinct, places = np.unique(keys, return_inverse=True)
        return distinct, np.bincount(places, np.repeat(tokens.counts, np.diff(offsets)))

    def _frequent(self, distinct: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return the keys that occur often enough, sorted, within what is left of the vocabulary's size."""
        kept = counts >= self.min_count
        if self.max_vocabulary:
            room = max(self.max_vocabulary + len(SPECIAL) - self.size, 0)
            best = np.lexsort((distinct, -counts))[:room]
            kept &= np.isin(np.arange(len(counts)), best)
        return distinct[kept]

    def _encode(self, tokens: Tokens, learn: bool) -> Ragged:
        if self.kind == "sequence" or (self.weighting == "none" and self.ngrams == 1 and not self.chars):
            return self._sequence(tokens, step=self.kind == "sequence")
        values, offsets, counts = self._bags(tokens)
        if self.weighting == "none":
            return Ragged(values, offsets)
        if learn:
            self.idf = self._smoothed_idf(values, len(offsets) - 1)
        texts = Ragged(values, offsets, counts)  # whose weights are still counts
        for _ in parallel_map(partial(self._apply_tf_idf, texts), texts.cuts(BLOCK_IDS)):
            pass
        return texts

    def _bags(self, tokens: Tokens) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return ids with equal ones of a text side by side, offsets of the texts, and with tf-idf the count of each id."""
        lookups = [Lookup(keys) for keys in self.grams]
        spools = Spool(np.int32), Spool(np.int64), Spool(np.float32)
        for parts in parallel_map(partial(self._bag, self._word_ids(tokens), lookups), tokens.chunks()):
            for spool, part in zip(spools, parts, strict=True):
                spool.append(part)
        values, lengths, counts = (spool.array() for spool in spools)
        return values, to_offsets(lengths), counts

    def _bag(
        self, words: tuple[np.ndarray, CharNgrams | None], lookups: list[Lookup], chunk: Chunk
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return ids with equal ones of a text side by side, how many each text has, and with tf-idf the count of each."""
        (word_ids, parts), (codes, offsets) = words, chunk
        pairs = [(rows << BITS | found)[found >= 0] for rows, found in self._ngram_ids(lookups, word_ids[codes], offsets)]
        if parts is not None:
            ids, begins = parts
            indices, lengths = value_indices(begins, codes)
            pairs.append(np.repeat(row_numbers(offsets) << BITS, lengths) | ids[indices])
        keys = np.sort(np.concatenate(pairs))  # one sort of (row, id) as a single number
        counts = keys[:0]
        if self.weighting == "tf-idf":
            keys, counts = run_lengths(keys)
            kept = (keys & MASK) != UNKNOWN  # unknown tokens have no document frequency
            keys, counts = keys[kept], counts[kept]
        return keys.astype(np.int32), np.bincount(keys >> BITS, minlength=len(offsets) - 1), counts.astype(np.float32)

    def _smoothed_idf(self, values: np.ndarray, texts: int) -> np.ndarray:
        """Return ln((1 + texts) / (1 + texts with the id)) + 1: float32, shape (size,). ``values`` has each id once a text."""
        frequency = np.zeros(self.size, np.int64)
        for at in range(0, len(values), BLOCK_IDS):
            frequency += np.bincount(values[at : at + BLOCK_IDS], minlength=self.size)
        return (np.log((1 + texts) / (1 + frequency)) + 1).astype(np.float32)

    def _apply_tf_idf(self, texts: Ragged, cut: tuple[int, int]) -> None:
        """Turn counts into (1 + ln count) * idf, scaled to Euclidean length 1 in each text: float32, in place."""
        first, last = cut
        rows = row_numbers(texts.offsets[first : last + 1])
        part = slice(texts.offsets[first], texts.offsets[last])
        assert texts.weights is not None
        weights = (1 + np.log(texts.weights[part])) * self.idf[texts.values[part]]
        norms = np.sqrt(np.bincount(rows, np.square(weights), minlength=last - first)).astype(np.float32)
        texts.weights[part] = weights / norms[rows]

    def _sequence(self, tokens: Tokens, step: bool) -> Ragged:
        """Return tokens in reading order; with ``step`` (for networks that need a token) an empty text is one unknown token."""
        ids = self._ids(tokens.distinct).astype(np.int32)
        values, offsets = Spool(np.int32), tokens.selected_offsets
        for codes, begins in tokens.chunks():
            empty = np.flatnonzero(np.diff(begins) == 0)
            values.append(np.insert(ids[codes], begins[empty], UNKNOWN) if step and len(empty) else ids[codes])
        if step:
            offsets = to_offsets(np.maximum(np.diff(offsets), 1))
        return Ragged(values.array(), offsets)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return JSON values and arrays from which ``from_parts`` rebuilds the encoder."""
        names = ["tokenizer", "lowercase", "kind", "ngrams", "chars", "weighting"]
        names += ["min_count", "max_vocabulary", "max_tokens", "tokens"]
        arrays = {f"grams.{order + 2}": keys for order, keys in enumerate(self.grams)}
        return {name: getattr(self, name) for name in names}, arrays | {"pieces": self.char_ngrams, "idf": self.idf}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TextEncoder:
        """Rebuild an encoder from what ``to_parts`` returned."""
        grams = [arrays[f"grams.{order}"] for order in range(2, values["ngrams"] + 1)]
        return cls(**values, grams=grams, char_ngrams=arrays["pieces"], idf=arrays["idf"])


def _keys(rows: np.ndarray, prefix: np.ndarray, ids: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the key of the n-gram of length ``order`` that begins at each token, and whether its text has one there."""
    following = ids[order - 1 :]
    prefix = prefix[: len(following)]
    inside = rows[order - 1 :] == rows[: len(following)]
    return prefix << BITS | following, inside & (prefix > UNKNOWN) & (following > UNKNOWN)


def _find(known: Lookup, keys: np.ndarray, base: int) -> np.ndarray:
    """Return the id of each key, or -1."""
    places = known.find(keys)
    return np.where(places >= 0, places + base, -1)
