"""Text to tokens, over many rows at once: the data-frame library does the work, no Python runs per row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from trainwright.data.files.spool import Spool, parallel_map
from trainwright.data.text.ragged import Ragged, offsets_of

if TYPE_CHECKING:
    import polars as pl

CHUNK_TOKENS = 1 << 17  # tokens
PART_BYTES = 1 << 20  # bytes of texts that are taken apart at a time
Piece = tuple[np.ndarray, np.ndarray]

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


def tokenize_plain(texts: Sequence[str], tokenizer: str, lowercase: bool) -> list[list[str]] | None:
    """The same tokens by Python's own means, for a few texts; None where one has characters beyond ``_KNOWN``."""
    if not all(map(_KNOWN.fullmatch, texts)):
        return None
    if lowercase:
        texts = [text.lower() for text in texts]
    if tokenizer == "basic-english":
        for mark, spaced in BASIC_ENGLISH:
            texts = [text.replace(mark, spaced) for text in texts]
    return [_PLAIN[tokenizer].findall(text) for text in texts]


def tokenize(texts: pl.Series, tokenizer: str, lowercase: bool) -> pl.Series:
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
        distinct: the distinct tokens, in no order that means anything; some may be of other texts only.
        codes: of every token its place in ``distinct``; unsigned or int32, shape (tokens,), all texts one after the other.
        offsets: int64, shape (texts + 1,): text ``i`` is ``codes[offsets[i]:offsets[i + 1]]``.
        rows: the texts that are meant, in their order; None for all.
        most: how many tokens of a text are meant, from its beginning; 0 for all.
    """

    distinct: pl.Series | list[str]
    codes: np.ndarray
    offsets: np.ndarray
    rows: np.ndarray | None = None
    most: int = 0

    @classmethod
    def of_plain(cls, lists: Sequence[list[str]]) -> Tokens:
        """Of a few texts' tokens, by Python's own means."""
        places: dict[str, int] = {}
        codes = [places.setdefault(token, len(places)) for tokens in lists for token in tokens]
        return cls(list(places), np.array(codes, np.int32), offsets_of(list(map(len, lists))))

    @cached_property
    def ends(self) -> np.ndarray:
        """``offsets`` of what is meant."""
        if self.rows is None and not self.most:
            return self.offsets
        lengths = np.diff(self.offsets) if self.rows is None else self.offsets[self.rows + 1] - self.offsets[self.rows]
        return offsets_of(np.minimum(lengths, self.most) if self.most else lengths)

    def pieces(self) -> Iterator[Piece]:
        """(codes, offsets) of whole texts of about ``CHUNK`` tokens at a time: small pieces stay in the processor's cache."""
        ends = self.ends
        for first, last in Ragged(self.codes, ends).cuts(CHUNK_TOKENS):
            inner = ends[first : last + 1] - ends[first]
            if self.rows is None and not self.most:
                yield self.codes[ends[first] : ends[last]], inner
                continue
            begins = self.offsets[first:last] if self.rows is None else self.offsets[self.rows[first:last]]
            yield self.codes[np.repeat(begins - inner[:-1], np.diff(inner)) + np.arange(inner[-1])], inner

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each distinct token occurs: int64."""
        found = np.zeros(len(self.distinct), np.int64)
        for codes, _ in self.pieces():
            np.add.at(found, codes, 1)
        return found

    def frequent(self, least: int) -> pl.Series:
        """The tokens that occur ``least`` times or more: the most frequent first, equally frequent ones by name."""
        import polars as pl

        frame = pl.DataFrame({"token": self.distinct, "count": self.counts}).filter(pl.col("count") >= max(least, 1))
        return frame.sort(["count", "token"], descending=[True, False])["token"]


class TokenizedTexts:
    """The tokens of texts that come in parts: the texts themselves are let go, their tokens are numbers on the disk."""

    def __init__(self, tokenizer: str, lowercase: bool) -> None:
        import polars as pl

        self._tokenizer, self._lowercase = tokenizer, lowercase
        self._table = pl.Categories.random()  # ours alone
        self._kind = pl.Categorical(self._table)
        self._keep = pl.Series([], dtype=self._kind)  # a table that no column uses is emptied
        self._codes, self._lengths = Spool(np.uint32), Spool(np.uint32)

    def __len__(self) -> int:
        """How many texts have come."""
        return len(self._lengths)

    def add(self, texts: pl.Series) -> None:
        """The next texts. Raises E172."""
        many = max(len(texts) * PART_BYTES // max(int(texts.estimated_size()), 1), 1)
        for distinct, codes, lengths in parallel_map(self._part, (texts[at : at + many] for at in range(0, len(texts), many))):
            numbers = distinct.cast(self._kind).to_physical().to_numpy()
            self._codes.append(numbers[codes])
            self._lengths.append(lengths)

    def _part(self, texts: pl.Series) -> tuple[pl.Series, np.ndarray, np.ndarray]:
        """The distinct tokens, the place of every token among them, and how many each text has."""
        import polars as pl

        lists = tokenize(texts, self._tokenizer, self._lowercase)
        flat = lists.list.explode(empty_as_null=False, keep_nulls=False)
        own = pl.Categories.random()
        coded = flat.cast(pl.Categorical(own))  # one lookup a token
        return own.to_series(), coded.to_physical().to_numpy(), lists.list.len().to_numpy()

    def tokens(self) -> Tokens:
        """Of all texts. Nothing more can be added."""
        return Tokens(self._table.to_series(), self._codes.array(), offsets_of(self._lengths.array()))
