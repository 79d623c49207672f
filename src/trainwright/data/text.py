"""Text to tokens, over all rows at once: the data-frame library does the work, no Python runs per row."""

from __future__ import annotations

import numpy as np
import polars as pl

# Scripts written without spaces give one token a character; elsewhere a token is a run of letters, digits and marks.
# Pictographs carry meaning (sentiment above all), so each is a token too.
SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORDS = rf"[{SPACELESS}]|[\w--[{SPACELESS}]]+|\p{{Emoji_Presentation}}"

# The rules of torchtext's "basic_english": punctuation becomes tokens of its own, quotes and some marks vanish.
BASIC_ENGLISH = (
    ("'", " '  "), ('"', ""), (".", " . "), ("<br />", " "), (",", " , "), ("(", " ( "), (")", " ) "),
    ("!", " ! "), ("?", " ? "), (";", " "), (":", " "),
)  # fmt: skip


def tokenise(texts: pl.Series, tokenizer: str, lowercase: bool) -> pl.Series:
    """Lists of tokens, one a text; an empty text gives an empty list.

    ``words``: runs of word characters, single characters of scripts that are written without spaces, pictographs.
    ``basic-english``: split at white space after punctuation is set apart, as torchtext did it.
    ``characters``: every character.
    """
    texts = texts.fill_null("")
    if lowercase:
        texts = texts.str.to_lowercase()
    if tokenizer == "characters":
        return texts.str.extract_all(r"(?s).")
    if tokenizer == "basic-english":
        for mark, spaced in BASIC_ENGLISH:
            texts = texts.str.replace_all(mark, spaced, literal=True)
        return texts.str.extract_all(r"\S+")
    return texts.str.extract_all(WORDS)


def flatten(lists: pl.Series) -> tuple[pl.Series, np.ndarray]:
    """All tokens one after the other, and int64 offsets of shape (texts + 1,)."""
    lengths = lists.list.len().to_numpy()
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return lists.list.explode(empty_as_null=False, keep_nulls=False), offsets
