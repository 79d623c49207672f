"""Tokenizers of words, characters and bytes, which encode whole chunks of text at a time.

Each has the same few parts: ``learn_*`` returns the tokens of a text, ``encode`` the ids of a chunk, ``token_bytes`` the bytes
that each id stands for (words have none: the space between them depends on their neighbors). ``bpe.py`` holds the fourth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl

UNKNOWN, END = 0, 1
UNKNOWN_TOKEN, END_TOKEN = "<unk>", "<eos>"
CHUNK_CHARACTERS = 1 << 22
POINTS = 0x110000  # code points of Unicode
_GAP = re.compile(r"(?<=\S)[ \n]")


def chunks(text: str, size: int = CHUNK_CHARACTERS) -> Iterator[str]:
    """Yield ``text`` in parts of about ``size`` characters, each but the first beginning with the white space after a word.

    So no word, and no unit that byte-pair encoding works on, lies across two. Lone surrogates, which are no characters,
    become U+FFFD. An empty text is one empty chunk.
    """
    start = 0
    while gap := _GAP.search(text, start + size):
        yield _replace_surrogates(text[start : gap.start()])
        start = gap.start()
    yield _replace_surrogates(text[start:])


def _replace_surrogates(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def split_words(text: str) -> pl.Series:
    """Split a text at white space; every newline is ``<eos>``."""
    lines = text.replace("\n", f" {END_TOKEN}\n").split("\n")
    return pl.Series(lines, dtype=pl.String).str.extract_all(r"\S+").list.explode(empty_as_null=False, keep_nulls=False)


def learn_words(texts: Iterable[str], known: Sequence[str], min_count: int, most: int | None) -> list[str]:
    """Return the words that are not ``known``, by falling count, then by name; at most ``most`` of them, or all for None."""
    counts = pl.concat([split_words(text).to_frame("word").group_by("word").len() for text in texts])
    counts = counts.group_by("word").agg(pl.col("len").sum()).filter(pl.col("len") >= min_count)
    counts = counts.join(pl.DataFrame({"word": known}, schema={"word": pl.String}), on="word", how="anti")
    ordered = counts.sort(["len", "word"], descending=[True, False])["word"]
    return (ordered if most is None else ordered.head(most)).to_list()


def learn_characters(texts: Iterable[str], known: Sequence[str], min_count: int, most: int | None) -> list[str]:
    """Return the characters that are not ``known``, by code point; the ``most`` frequent of them, or all for None."""
    counts = np.zeros(POINTS, np.int64)
    for text in texts:
        counts += np.bincount(code_points(text), minlength=POINTS)
    counts[[ord(token) for token in known if len(token) == 1]] = 0
    found = np.flatnonzero(counts >= max(min_count, 1))
    if most is not None:
        found = np.sort(found[np.argsort(-counts[found], kind="stable")[:most]])
    return [chr(point) for point in found.tolist()]


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text: uint32, shape (characters,)."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def readable(token: bytes) -> str:
    """Return a readable form of a token: text where its bytes are text, else their numbers, ``<0xE2><0x82>``."""
    try:
        return token.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in token)


class Words:
    """A tokenizer of words; what is not among ``tokens`` is ``UNKNOWN``."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._known = pl.Enum(tokens)
        self.token_bytes: list[bytes] = []

    def encode(self, text: str) -> np.ndarray:
        """Return the ids of a text: unsigned integers, shape (tokens,)."""
        return split_words(text).cast(self._known, strict=False).to_physical().fill_null(UNKNOWN).to_numpy()


class Characters:
    """A tokenizer of characters; what is not among ``tokens`` is ``UNKNOWN`` and is decoded as U+FFFD."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.token_bytes = [token.encode() if len(token) == 1 else "\ufffd".encode() for token in tokens]
        self._id_of = np.full(POINTS, UNKNOWN, np.uint32)
        known = [(ord(token), number) for number, token in enumerate(tokens) if len(token) == 1]
        points, ids = np.array(known, np.int64).reshape(-1, 2).T
        self._id_of[points] = ids

    def encode(self, text: str) -> np.ndarray:
        """Return the ids of a text: uint32, shape (characters,)."""
        found: np.ndarray = self._id_of[code_points(text)]
        return found


class Bytes:
    """A tokenizer of bytes: ids 0 to 255, one for each byte of the UTF-8 text."""

    def __init__(self) -> None:
        self.token_bytes = [bytes([byte]) for byte in range(256)]

    def encode(self, text: str) -> np.ndarray:
        """Return the bytes of a text: uint8, shape (bytes,)."""
        return np.frombuffer(text.encode(), np.uint8)
