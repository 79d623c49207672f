"""Where the tokens of a text stand in it, and what its ids are called: for people who look at what a model made of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from trainwright.data.text.ngrams import Lookup, character_ngrams
from trainwright.data.text.ragged import row_numbers
from trainwright.data.text.text_encoder import UNKNOWN, TextEncoder
from trainwright.data.text.tokenize import tokenize, tokenize_plain

# In the name of a character n-gram: the beginning or the end of the word, and a place where the word goes on.
EDGE, INNER = "|", "\u00b7"
QUOTE, BREAK = '"', "<br />"  # what the rules of basic-english leave out


@dataclass(frozen=True)
class Occurrences:
    """Every token, n-gram and character n-gram of several texts that has an id, where it stands.

    ``words`` are the tokens of all texts as the vocabulary writes them, ``offsets`` (texts + 1,) where each text begins among
    them. The others have shape (occurrences,): the number of the first token, the id, and how many tokens it spans.
    """

    words: list[str]
    offsets: np.ndarray
    tokens: np.ndarray
    ids: np.ndarray
    spans: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Return the text of each occurrence."""
        found: np.ndarray = row_numbers(self.offsets)[self.tokens]
        return found

    def shared(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of the values of all occurrences at each token; one that spans several gives each an equal share.

        Values have shape (occurrences, columns), the result (tokens, columns), float64.
        """
        found = np.zeros((len(self.words), values.shape[1]))
        for span in np.unique(self.spans).tolist():
            taken = self.spans == span
            shares = values[taken].astype(np.float64) / span
            for place in range(span):
                np.add.at(found, self.tokens[taken] + place, shares)
        return found


def occurrences(encoder: TextEncoder, texts: list[str]) -> Occurrences:
    """Return what the ids of texts come from."""
    tokens, parts = encoder.occurrences(texts)
    distinct = tokens.distinct if isinstance(tokens.distinct, list) else tokens.distinct.to_list()
    words = [distinct[code] for codes, _ in tokens.chunks() for code in codes.tolist()]
    spans = [np.full(len(ids), span) for _, ids, span in parts]
    places, ids = (np.concatenate([part[each] for part in parts]).astype(np.int64) for each in (0, 1))
    return Occurrences(words, tokens.selected_offsets, places, ids, np.concatenate(spans))


def names(encoder: TextEncoder, found: Occurrences) -> dict[int, str]:
    """Return what each id that occurs is called: a token, several, or part of a word between ``EDGE`` and ``INNER``."""
    known: dict[int, str] = {UNKNOWN: "unknown"}
    first = encoder.size - len(encoder.char_ngrams)
    for place, number, span in zip(found.tokens.tolist(), found.ids.tolist(), found.spans.tolist(), strict=True):
        if UNKNOWN < number < first and number not in known:
            known[number] = " ".join(found.words[place : place + span])
    if encoder.chars:
        lookup = Lookup(encoder.char_ngrams)
        for word in dict.fromkeys(found.words):
            ids = lookup.find(character_ngrams([word], encoder.chars)[0]) + first
            whole = f"{EDGE}{word}{EDGE}"
            places = ((at, at + length) for at in range(len(whole)) for length in encoder.chars if at + length <= len(whole))
            parts = (f"{INNER * (low > 0)}{whole[low:high]}{INNER * (high < len(whole))}" for low, high in places)
            known |= {number: part for number, part in zip(ids.tolist(), parts, strict=True) if number >= first}
    return known


def spans(encoder: TextEncoder, text: str) -> list[tuple[int, int]]:
    """Return where each token of the text begins and ends in it.

    Empty where that cannot be told, as the lower case of a rare character is several.
    """
    shown, places = text, range(len(text))
    if encoder.tokenizer == "basic-english":
        kept = [place for place, character in enumerate(text) if character != QUOTE]
        flags = re.IGNORECASE if encoder.lowercase else re.NOFLAG
        shown = re.sub(BREAK, " " * len(BREAK), "".join(text[place] for place in kept), flags=flags)
        places = kept  # type: ignore[assignment]
    found, at = [], 0
    for token in _split(shown, encoder.tokenizer, False)[: encoder.max_tokens or None]:
        begin = shown.find(token, at)
        if begin < 0:
            return []
        at = begin + len(token)
        found.append((places[begin], places[at - 1] + 1))
    return found if len(found) == len(_split(text, encoder.tokenizer, encoder.lowercase)[: encoder.max_tokens or None]) else []


def _split(text: str, tokenizer: str, lowercase: bool) -> list[str]:
    plain = tokenize_plain([text], tokenizer, lowercase)
    if plain is not None:
        return plain[0]
    import polars as pl

    found: list[str] = tokenize(pl.Series([text], dtype=pl.String), tokenizer, lowercase)[0].to_list()
    return found


def pieces(text: str, places: Sequence[tuple[int, int]], weights: np.ndarray) -> Iterable[tuple[str, np.ndarray]]:
    """Yield the text in pieces, token by token and what lies between, each with its row of ``weights`` (tokens, columns).

    Put together they are the text. Where no places are known there is one piece, with the sum.
    """
    at = 0
    if not places and len(weights):
        yield text, weights.sum(axis=0)
        return
    for (begin, end), row in zip(places, weights, strict=True):
        if begin > at:
            yield text[at:begin], np.zeros_like(row)
        yield text[begin:end], row
        at = end
    if at < len(text):
        yield text[at:], np.zeros(weights.shape[1])
