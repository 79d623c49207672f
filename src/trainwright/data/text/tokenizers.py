"""Tokenizers of words, characters, bytes and byte pairs, which encode whole chunks of text at a time.

Each has the same few parts: ``learn_*`` returns what is learned from a text, ``encode`` the ids of a chunk, ``token_bytes`` the
bytes that each id stands for (those of a word have a space before it, which is not there at the beginning of a line).

Byte-pair encoding (Sennrich et al. 2016; byte-level as in GPT-2) is by the ``tokenizers`` library. Like that of bytes it is
lossless: every byte is a token, so every text can be encoded. What it learns is JSON in that library's format. Its time grows
with the square of a word's length, so one longer than ``LONGEST_WORD`` is several; it hears no signal, so a thread calls it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.files.spool import apart
from trainwright.data.text.ragged import Ragged, to_offsets
from trainwright.errors import error

UNKNOWN, END = 0, 1
UNKNOWN_TOKEN, END_TOKEN = "<unk>", "<eos>"
CHUNK_CHARACTERS = 1 << 22
POINTS = 0x110000  # code points of Unicode
FEWEST_TOKENS = 256  # of byte pairs: the bytes
LONGEST_WORD = 1024  # bytes that byte-pair encoding works on as one
UNUSED_PARTS = ("truncation", "padding", "added_tokens", "normalizer", "post_processor", "decoder")  # of a learned tokenizer
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
    return _find_all(text.replace("\n", f" {END_TOKEN}\n").split("\n"), r"\S+")


def _find_all(texts: list[str], pattern: str) -> pl.Series:
    found = pl.Series(texts, dtype=pl.String).str.extract_all(pattern)
    return found.list.explode(empty_as_null=False, keep_nulls=False)


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


def learn_bpe(texts: Iterable[str], size: int, min_count: int) -> str:
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
    apart(lambda: tokenizer.train_from_iterator(texts, trainer))
    return str(tokenizer.to_str())


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
        self.token_bytes = [b"\n" if number == END else f" {token}".encode() for number, token in enumerate(tokens)]

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
        return self._id_of.take(code_points(text))


class Bytes:
    """A tokenizer of bytes: ids 0 to 255, one for each byte of the UTF-8 text."""

    def __init__(self) -> None:
        self.token_bytes = [bytes([byte]) for byte in range(256)]

    def encode(self, text: str) -> np.ndarray:
        """Return the bytes of a text: uint8, shape (bytes,)."""
        return np.frombuffer(text.encode(), np.uint8)


class Bpe:
    """The tokenizer that ``learn_bpe`` learned.

    Tokens and merges alone are taken from the JSON: other parts that it could name may be patterns that never end, or padding
    that fills the memory. Raise E166 for JSON that is not what ``learn_bpe`` returned.
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
        """Return the text's token ids: uint32, shape (tokens,). Every distinct word is encoded once.

        Words have the white space before them. No token of byte-level BPE goes on from a word into white space, and how white
        space is split depends only on what follows: so each of these is encoded as it would be within the text.
        """
        words = _find_all([text], r"\s*\S+|\s+")
        distinct = words.unique(maintain_order=True)
        encoded = apart(lambda: self._tokenizer.encode_batch_fast(distinct.to_list(), add_special_tokens=False))
        offsets = to_offsets(np.array([len(each.ids) for each in encoded], np.int64))
        values = np.fromiter((number for each in encoded for number in each.ids), np.uint32, int(offsets[-1]))
        rows = words.cast(pl.Enum(distinct)).to_physical().to_numpy()
        return Ragged(values, offsets).take(rows).values


def _tokenizer(model: Any) -> Any:
    from tokenizers import Tokenizer, pre_tokenizers

    tokenizer = Tokenizer(model)
    by_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([by_bytes, pre_tokenizers.FixedLength(LONGEST_WORD)])
    return tokenizer


def _letters() -> list[str]:
    """Return the letter that byte-level BPE writes for each byte: itself if visible, else the next free one from 256 on."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = iter(range(256, 512))
    return [chr(byte if byte in visible else next(hidden)) for byte in range(256)]
