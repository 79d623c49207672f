"""Encode text as token ids and back, for language models. The tokens are learned from the training text only.

``words``: split at white space; every newline is ``<eos>`` (the convention of the Penn Treebank corpus). A word
that training did not have is ``<unk>``, which may be a word of the text already.
``characters``: every character; one that training did not have is ``<unk>``, decoded as U+FFFD.
``bytes``: the 256 bytes. ``bpe``: learned subwords. Both can encode every text, and restore it exactly.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from trainwright.data.shapes import TokenShape
from trainwright.data.text.tokenizers import (
    END,
    END_TOKEN,
    UNKNOWN,
    UNKNOWN_TOKEN,
    Bpe,
    Bytes,
    Characters,
    Words,
    chunks,
    learn_bpe,
    learn_characters,
    learn_words,
    readable,
)
from trainwright.errors import error, nearest

TOKENIZERS = ("words", "characters", "bytes", "bpe")
BPE_PART = 1 << 16  # characters; the library learns from many small parts faster than from a few large ones
_FIRST = {"words": (UNKNOWN_TOKEN, END_TOKEN), "characters": (UNKNOWN_TOKEN,)}
_LEARN = {"words": learn_words, "characters": learn_characters}
_UNKNOWN_WORD = re.compile(rf"(?<!\S){re.escape(UNKNOWN_TOKEN)}(?!\S)")


@dataclass
class TokenEncoder:
    """An encoder of text as ids, by one of ``TOKENIZERS``."""

    tokenizer: str
    min_count: int = 1  # times that a word or character must occur to have an id, a pair to become a bpe token
    max_vocabulary: int = 0  # the most ids there may be, <unk> and <eos> among them; 0 is no limit. bpe needs a number
    tokens: list[str] = field(default_factory=list)  # by id: the word or character; for bytes and bpe a readable form
    bpe: str = ""  # what bpe learned, as JSON; else empty

    @property
    def size(self) -> int:
        """Return the number of ids."""
        return len(self.tokens)

    def shape(self) -> TokenShape:
        """Return what a network has to know of the tokens."""
        return TokenShape(self.size)

    @cached_property
    def _tokenizer(self) -> Words | Characters | Bytes | Bpe:
        if self.tokenizer == "words":
            return Words(self.tokens)
        if self.tokenizer == "characters":
            return Characters(self.tokens)
        return Bytes() if self.tokenizer == "bytes" else Bpe(self.bpe)

    def fit(self, text: str) -> np.ndarray:
        """Learn the tokens from the training text and return its ids, as ``transform`` does.

        Raise E310 for no such tokenizer, E165 for a bpe vocabulary below 256.
        """
        if self.tokenizer not in TOKENIZERS:
            hint = nearest(self.tokenizer, TOKENIZERS)
            raise error("E310", setting="tokenizer", name=self.tokenizer, choices=list(TOKENIZERS), hint=hint)
        self.__dict__.pop("_tokenizer", None)
        if self.tokenizer in _LEARN:
            first = _FIRST[self.tokenizer]
            limit = max(self.max_vocabulary - len(first), 0) if self.max_vocabulary else None
            self.tokens = [*first, *_LEARN[self.tokenizer](chunks(text), first, self.min_count, limit)]
        else:
            if self.tokenizer == "bpe":
                self.bpe = learn_bpe(chunks(text, BPE_PART), self.max_vocabulary, self.min_count)
            self.tokens = [readable(token) for token in self._tokenizer.token_bytes]
        return self.transform(text)

    def transform(self, text: str) -> np.ndarray:
        """Return the ids of any text, shape (tokens,): uint16, or uint32 where there are more than 65,536 ids."""
        dtype = np.uint16 if self.size <= 1 << 16 else np.uint32
        return np.concatenate([self._tokenizer.encode(chunk).astype(dtype) for chunk in chunks(text)])

    def behind_line_end(self, text: str, ids: np.ndarray | None = None) -> np.ndarray:
        """Return the ids of a text (``ids`` if they are known) after that of a line end: the context of its first token."""
        return np.concatenate([self.transform("\n")[-1:], self.transform(text) if ids is None else ids])

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids. Characters, bytes and bpe restore what was encoded; words are joined by one space."""
        stream = self.stream()
        return "".join(map(stream.push, np.asarray(ids, np.int64).tolist())) + stream.end()

    def stream(self) -> TokenStream:
        """Return a decoder that takes one id at a time, for printing tokens as they are generated."""
        return TokenStream(self._tokenizer.token_bytes, spaced=self.tokenizer == "words")

    def extend(self, text: str) -> int:
        """Append to the ids what ``text`` has ``min_count`` times and no id stands for; return how many were added.

        Bytes and bpe can encode any text already, and stay as they are. ``max_vocabulary`` limits ``fit`` only.
        """
        if self.tokenizer not in _LEARN:
            return 0
        new = _LEARN[self.tokenizer](chunks(text), self.tokens, self.min_count, None)
        self.tokens = [*self.tokens, *new]
        self.__dict__.pop("_tokenizer", None)
        return len(new)

    def unknown(self, ids: np.ndarray, text: str = "") -> int:
        """Count the ids that are ``<unk>``; given the ``text`` they come from, not those that are the word ``<unk>`` in it."""
        if self.tokenizer not in _LEARN:
            return 0
        said = len(_UNKNOWN_WORD.findall(text)) if self.tokenizer == "words" else 0
        return int(np.count_nonzero(np.asarray(ids) == UNKNOWN)) - said

    def to_parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return JSON values and (no) arrays from which ``from_parts`` rebuilds the encoder."""
        return {name: getattr(self, name) for name in ("tokenizer", "min_count", "max_vocabulary", "tokens", "bpe")}, {}

    @classmethod
    def from_parts(cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TokenEncoder:
        """Rebuild an encoder from what ``to_parts`` returned. Raise ValueError where the tokens do not fit the tokenizer."""
        encoder = cls(**values)
        tokens = encoder.tokens
        if encoder.tokenizer in _LEARN:
            first = _FIRST[encoder.tokenizer]
            alone = encoder.tokenizer == "words" or all(len(token) == 1 for token in tokens[len(first) :])
            fits = tuple(tokens[: len(first)]) == first and alone and len(set(tokens)) == len(tokens)
        else:
            fits = tokens == [readable(token) for token in encoder._tokenizer.token_bytes]
        if not fits:
            raise ValueError(f"the tokens are not those of the tokenizer {encoder.tokenizer}")
        return encoder


class TokenStream:
    """A decoder of ids one by one. The joined results of ``push`` and ``end`` are what ``decode`` returns for the same ids."""

    def __init__(self, token_bytes: list[bytes], spaced: bool) -> None:
        """With ``spaced`` each token but END begins with a space."""
        self._token_bytes, self._spaced, self._last = token_bytes, spaced, END
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, number: int) -> str:
        """Return the text that has become certain: nothing while a character is incomplete; U+FFFD for invalid bytes."""
        text = self._decoder.decode(self._token_bytes[number])
        at_line_start, self._last = self._last == END, number
        return text.removeprefix(" ") if self._spaced and at_line_start else text

    def end(self) -> str:
        """Return what is left: U+FFFD where the last character was never completed, else nothing."""
        return self._decoder.decode(b"", final=True)
