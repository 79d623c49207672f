"""Byte-pair encoding gives the ids that the library gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from token_samples import BPE

from trainwright.data.text.tokenizers import Bpe


@given(st.text(alphabet="ab \n\t'1.\u00e9\u4f60s", max_size=60))
@settings(deadline=None)
def test_bpe_gives_the_ids_of_the_library(text: str) -> None:
    coder = BPE._tokenizer
    assert isinstance(coder, Bpe)
    assert BPE.transform(text).tolist() == coder._tokenizer.encode(text, add_special_tokens=False).ids
