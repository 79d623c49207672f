"""Text to tokens, over all rows at once: the data-frame library does the work, no Python runs per row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
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


# Of these characters it is known without the data-frame library which are letters and what their small ones are: the Latin
# script (but for the one capital whose small one is two characters) and the marks of European print. Tests try every one.
_KNOWN = re.compile("[\0-\u012f\u0131-\u02af\u2010-\u2027]*")
_PLAIN = {
    "words": re.compile("[0-9A-Za-z_\xaa\xb5\xba\xc0-\xd6\xd8-\xf6\xf8-\u02af\u2c65\u2c66]+"),
    "basic-english": re.compile("[^\t-\r \x85\xa0]+"),
    "characters": re.compile("(?s)."),
}


def tokenise_plain(texts: Sequence[str], tokenizer: str, lowercase: bool) -> list[list[str]] | None:
    """The same tokens by Python's own means, for a few texts; None where one has characters beyond ``_KNOWN``."""
    if not all(map(_KNOWN.fullmatch, texts)):
        return None
    if lowercase:
        texts = [text.lower() for text in texts]
    if tokenizer == "basic-english":
        for mark, spaced in BASIC_ENGLISH:
            texts = [text.replace(mark, spaced) for text in texts]
    return [_PLAIN[tokenizer].findall(text) for text in texts]


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


@dataclass(frozen=True)
class Tokens:
    """The tokens of many texts, each distinct one held once, so that what is done to words is done once a word.

    Attributes:
        distinct: the distinct tokens, in no order that means anything.
        codes: of every token its place in ``distinct``; int32, shape (tokens,), all texts one after the other.
        offsets: int64, shape (texts + 1,): text ``i`` is ``codes[offsets[i]:offsets[i + 1]]``.
    """

    distinct: pl.Series | list[str]
    codes: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of_plain(cls, lists: Sequence[list[str]]) -> Tokens:
        """Of a few texts' tokens, by Python's own means."""
        places: dict[str, int] = {}
        codes = [places.setdefault(token, len(places)) for tokens in lists for token in tokens]
        return cls(list(places), np.array(codes, np.int32), np.cumsum([0, *map(len, lists)]))

    @classmethod
    def of(cls, lists: pl.Series) -> Tokens:
        """Of lists of tokens, one a text."""
        import polars as pl

        lengths = lists.list.len().to_numpy()
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        flat = lists.list.explode(empty_as_null=False, keep_nulls=False)
        coded = flat.cast(pl.Categorical(pl.Categories.random()))  # one lookup a token, in a table that is ours alone
        present = coded.unique()
        places = present.to_physical().to_numpy()
        numbered = np.zeros(int(places.max(initial=0)) + 1, np.int32)
        numbered[places] = np.arange(len(places))
        return cls(present.cast(pl.String), numbered[coded.to_physical().to_numpy()], offsets)

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each distinct token occurs: int64."""
        return np.bincount(self.codes, minlength=len(self.distinct))

    def frequent(self, least: int) -> pl.Series:
        """The tokens that occur ``least`` times or more: the most frequent first, equally frequent ones by name."""
        import polars as pl

        frame = pl.DataFrame({"token": self.distinct, "count": self.counts}).filter(pl.col("count") >= least)
        return frame.sort(["count", "token"], descending=[True, False])["token"]
