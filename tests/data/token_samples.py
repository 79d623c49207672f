"""A text, and encoders of tokens that have learned from it."""

from __future__ import annotations

import pytest

from trainwright.data.text import tokenizers
from trainwright.data.text.token_encoder import TokenEncoder

SAMPLE = "the cat sat on the mat\nthe cat's hat, the caf\u00e9 \u2014 \U0001f600\n" * 20


def fitted(tokenizer: str, text: str = SAMPLE, **settings: int) -> TokenEncoder:
    encoder = TokenEncoder(tokenizer, **{"max_vocabulary": 300 if tokenizer == "bpe" else 0, **settings})
    encoder.fit(text)
    return encoder


SPACED = "ab  ab\n\n\nab   a\t\tb\n" * 50  # teaches bpe white space in runs, and words that begin with a space


BPE, BYTES, WORDS = fitted("bpe", SAMPLE + SPACED), fitted("bytes", ""), fitted("words", "a b ab \U0001f600")
with pytest.MonkeyPatch.context() as patch:
    patch.setattr(tokenizers, "LONGEST_WORD", 4)
    CUT = fitted("bpe", SAMPLE + SPACED)  # takes a longer word for several
