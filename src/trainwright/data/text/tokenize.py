"""Split texts into tokens, many rows at once: the data-frame library does the work, no Python runs per row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from trainwright.data.files.spool import Spool, parallel_map
from trainwright.data.text.ragged import Ragged, to_offsets

if TYPE_CHECKING:
    import polars as pl

CHUNK_TOKENS = 1 << 17  # tokens in a chunk
PART_BYTES = 1 << 20  # of texts that are tokenized at a time
Chunk = tuple[np.ndarray, np.ndarray]

# Scripts written without spaces give one token a character; elsewhere a token is a run of letters, digits and marks.
# Pictographs carry meaning (sentiment above all), so each is a token too.
SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORDS = rf"[{SPACELESS}]|[\w--[{SPACELESS}]]+|\p{{Emoji_Presentation}}"

# The rules of torchtext's "basic_english": punctuation becomes tokens of its own, quotes and some marks vanish.
BASIC_ENGLISH = (
    ("'", " '  "), ('"', ""), (".", " . "), ("<br />", " "), (",", " , "), ("(", " ( "), (")", " ) "),
    ("!", " ! "), ("?", " ? "), (";", " "), (":", " "),
)  # fmt: skip


# The characters for which plain Python agrees with the data-frame library on which are letters and on their lower case: the
# Latin script (but for the one capital whose lower case is two characters) and European punctuation. Tests try every one.
_KNOWN = re.compile("[\0-\u012f\u0131-\u02af\u2010-\u2027]*")
_PLAIN = {
    "words": re.compile("[0-9A-Za-z_\xaa\xb5\xba\xc0-\xd6\xd8-\xf6\xf8-\u02af\u2c65\u2c66]+"),
    "basic-english": re.compile("[^\t-\r \x85\xa0]+"),
    "characters": re.compile("(?s)."),
}


def tokenize_plain(texts: Sequence[str], tokenizer: str, lowercase: bool) -> list[list[str]] | None:
    """Tokenize a few texts as ``tokenize`` does, in plain Python; return None if one has characters beyond ``_KNOWN``."""
    if not all(map(_KNOWN.fullmatch, texts)):
        return None
    if lowercase:
        texts = [text.lower() for text in texts]
    if tokenizer == "basic-english":
        for mark, spaced in BASIC_ENGLISH:
            texts = [text.replace(mark, spaced) for text in texts]
    return [_PLAIN[tokenizer].findall(text) for text in texts]


def tokenize(texts: pl.Series, tokenizer: str, lowercase: bool) -> pl.Series:
    """Return a list of tokens for each text; an empty text has an empty list.

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
    """The tokens of many texts, each distinct one held once, so that work on words is done once a word."""

    distinct: pl.Series | list[str]  # in no particular order; some may be of other texts only
    codes: np.ndarray  # the place of every token in distinct; unsigned or int32, shape (tokens,), text after text
    offsets: np.ndarray  # int64, shape (texts + 1,): text i is codes[offsets[i]:offsets[i + 1]]
    rows: np.ndarray | None = None  # the selected texts, in their order; None for all
    most: int = 0  # how many tokens of each text are selected, from its beginning; 0 for all

    @classmethod
    def from_lists(cls, lists: Sequence[list[str]]) -> Tokens:
        """Build the tokens of a few texts from lists, in plain Python."""
        places: dict[str, int] = {}
        codes = [places.setdefault(token, len(places)) for tokens in lists for token in tokens]
        return cls(list(places), np.array(codes, np.int32), to_offsets(list(map(len, lists))))

    @cached_property
    def selected_offsets(self) -> np.ndarray:
        """Return the offsets of the selected rows and tokens."""
        if self.rows is None and not self.most:
            return self.offsets
        lengths = np.diff(self.offsets) if self.rows is None else self.offsets[self.rows + 1] - self.offsets[self.rows]
        return to_offsets(np.minimum(lengths, self.most) if self.most else lengths)

    def chunks(self) -> Iterator[Chunk]:
        """Yield (codes, offsets) of whole texts, about ``CHUNK_TOKENS`` tokens at a time, so that they stay in cache."""
        offsets = self.selected_offsets
        for first, last in Ragged(self.codes, offsets).cuts(CHUNK_TOKENS):
            inner = offsets[first : last + 1] - offsets[first]
            if self.rows is None and not self.most:
                yield self.codes[offsets[first] : offsets[last]], inner
                continue
            begins = self.offsets[first:last] if self.rows is None else self.offsets[self.rows[first:last]]
            yield self.codes[np.repeat(begins - inner[:-1], np.diff(inner)) + np.arange(inner[-1])], inner

    @cached_property
    def counts(self) -> np.ndarray:
        """Return how often each distinct token occurs: int64."""
        found = np.zeros(len(self.distinct), np.int64)
        for codes, _ in self.chunks():
            np.add.at(found, codes, 1)
        return found

    def frequent(self, least: int) -> pl.Series:
        """Return the tokens that occur at least ``least`` times: the most frequent first, equally frequent ones by name."""
        import polars as pl

        frame = pl.DataFrame({"token": self.distinct, "count": self.counts}).filter(pl.col("count") >= max(least, 1))
        return frame.sort(["count", "token"], descending=[True, False])["token"]


class TokenizedTexts:
    """The tokens of texts that come in parts: the texts themselves are not kept, their tokens are numbers on the disk."""

    def __init__(self, tokenizer: str, lowercase: bool) -> None:
        import polars as pl

        self._tokenizer, self._lowercase = tokenizer, lowercase
        self._table = pl.Categories.random()  # a table of its own
        self._kind = pl.Categorical(self._table)
        self._keep = pl.Series([], dtype=self._kind)  # the library empties a table that no column uses
        self._codes, self._lengths = Spool(np.uint32), Spool(np.uint32)

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, texts: pl.Series) -> None:
        """Tokenize and add texts. Raise E172."""
        many = max(len(texts) * PART_BYTES // max(int(texts.estimated_size()), 1), 1)
        for distinct, codes, lengths in parallel_map(self._part, (texts[at : at + many] for at in range(0, len(texts), many))):
            numbers = distinct.cast(self._kind).to_physical().to_numpy()
            self._codes.append(numbers[codes])
            self._lengths.append(lengths)

    def _part(self, texts: pl.Series) -> tuple[pl.Series, np.ndarray, np.ndarray]:
        """Return the distinct tokens, the place of every token among them, and the number of tokens of each text."""
        import polars as pl

        lists = tokenize(texts, self._tokenizer, self._lowercase)
        flat = lists.list.explode(empty_as_null=False, keep_nulls=False)
        own = pl.Categories.random()
        coded = flat.cast(pl.Categorical(own))  # one lookup a token
        return own.to_series(), coded.to_physical().to_numpy(), lists.list.len().to_numpy()

    def tokens(self) -> Tokens:
        """Return the tokens of all texts. Nothing can be added afterwards."""
        return Tokens(self._table.to_series(), self._codes.array(), to_offsets(self._lengths.array()))
