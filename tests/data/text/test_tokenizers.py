"""Texts are encoded, and tokens learned, in chunks as in one piece."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from token_samples import BPE, SAMPLE, WORDS

from trainwright.data.text import tokenizers
from trainwright.data.text.token_encoder import TokenEncoder
from trainwright.data.text.tokenizers import Bpe, chunks


@given(st.text(alphabet="ab \n\t'1.\u00e9\x1c\x85", max_size=80), st.integers(1, 20))
@example("ab   a", 3)
@example("b\n\n\nab", 2)
@settings(deadline=None)
def test_parts_change_nothing(text: str, size: int) -> None:
    parts = list(chunks(text, size))
    assert "".join(parts) == text and len(parts) >= 1
    for encoder in (BPE, WORDS):
        whole = encoder._tokenizer.encode(text).tolist()
        assert [number for part in parts for number in encoder._tokenizer.encode(part).tolist()] == whole


def test_learning_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {name: TokenEncoder(name).fit(SAMPLE).tolist() for name in ("words", "characters")}
    monkeypatch.setattr(tokenizers.chunks, "__defaults__", (50,))
    assert len(list(chunks(SAMPLE))) > 10
    assert {name: TokenEncoder(name).fit(SAMPLE).tolist() for name in whole} == whole


@given(st.text(alphabet="ab \n\t'1.\u00e9\u4f60s", max_size=60))
@settings(deadline=None)
def test_bpe_gives_the_ids_of_the_library(text: str) -> None:
    coder = BPE._tokenizer
    assert isinstance(coder, Bpe)
    assert BPE.transform(text).tolist() == coder._tokenizer.encode(text, add_special_tokens=False).ids
