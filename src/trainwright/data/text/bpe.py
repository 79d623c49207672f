"""Byte-pair encoding of the text's bytes (Sennrich et al. 2016; byte-level as in GPT-2), by the ``tokenizers`` library.

It is lossless: every byte is a token, so every text can be encoded. What is learned is JSON in that library's format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.text.ragged import Ragged, to_offsets
from trainwright.errors import error

FEWEST_TOKENS = 256
UNUSED_PARTS = ("truncation", "padding", "added_tokens", "normalizer", "post_processor", "decoder")  # of a tokenizer


def train(texts: Iterable[str], size: int, min_count: int) -> str:
    """Learn at most ``size`` tokens from ``texts``, which should be small parts, and return them as JSON.

    They are the 256 bytes, then the pairs that occur most often, and at least ``min_count`` times, or twice. Raise E165 for a
    ``size`` below 256.
    """
    from tokenizers import models, pre_tokenizers, trainers

    if size < FEWEST_TOKENS:
        raise error("E165", size=size)
    tokenizer = _tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=max(min_count, 2),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return str(tokenizer.to_str())


def _tokenizer(model: Any) -> Any:
    from tokenizers import Tokenizer, pre_tokenizers

    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


class Bpe:
    """The tokenizer that ``train`` learned.

    Tokens and merges alone are taken from the JSON: other parts that it could name may be patterns that never end, or padding
    that fills the memory. Raise E166 for JSON that is not what ``train`` returned.
    """

    def __init__(self, learned: str) -> None:
        from tokenizers import models

        try:
            found = json.loads(learned)
            if changed := [part for part in UNUSED_PARTS if found[part]]:
                raise ValueError(f"it has {changed[0]}")
            merges = [tuple(pair) for pair in found["model"]["merges"]]
            self._tokenizer: Any = _tokenizer(models.BPE(found["model"]["vocab"], merges))
            names = sorted(self._tokenizer.get_vocab().items(), key=lambda item: item[1])
            byte_of = {letter: byte for byte, letter in enumerate(_letters())}
            self.token_bytes = [bytes(byte_of[letter] for letter in name) for name, _ in names]
        except Exception as problem:  # the library raises nothing narrower
            raise error("E166", problem=problem) from None
        if [number for _, number in names] != list(range(len(names))) or len(names) < FEWEST_TOKENS:
            raise error("E166", problem="its ids have gaps")

    def encode(self, text: str) -> np.ndarray:
        """Return the text's token ids: uint32, shape (tokens,). Every distinct word is encoded once."""
        words = _split(text)
        distinct = words.unique(maintain_order=True)
        encoded = self._tokenizer.encode_batch_fast(distinct.to_list(), add_special_tokens=False)
        offsets = to_offsets(np.array([len(each.ids) for each in encoded], np.int64))
        values = np.fromiter((number for each in encoded for number in each.ids), np.uint32, int(offsets[-1]))
        rows = words.cast(pl.Enum(distinct)).to_physical().to_numpy()
        return Ragged(values, offsets).take(rows).values


def _letters() -> list[str]:
    """Return the letter that byte-level BPE writes for each byte: itself if visible, else the next free one from 256 on."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = iter(range(256, 512))
    return [chr(byte if byte in visible else next(hidden)) for byte in range(256)]


def _split(text: str) -> pl.Series:
    """Split a text into words, each with the white space before it.

    No token of byte-level BPE goes on from a word into white space, and how white space is split depends only on what follows:
    so each of these is encoded as it would be within the text.
    """
    found = pl.Series([text], dtype=pl.String).str.extract_all(r"\s*\S+|\s+")
    return found.list.explode(empty_as_null=False, keep_nulls=False)
